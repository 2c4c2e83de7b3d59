"""A model whose weights were changed, as a stock checkpoint: what its base has besides weights stays as it is there."""

from __future__ import annotations

import importlib
import shutil
import warnings
from pathlib import Path
from typing import Any, Final

__all__ = ["save_checkpoint"]

_WEIGHTS: Final = (".safetensors", ".bin", ".pt", ".pth", ".gguf", ".h5", ".msgpack", ".onnx", ".index.json")
_OF_THE_BASE: Final = ("readme.md", "toy.json", "record.json", "config.json")
"""What speaks of the base itself; config.json is written anew, with the type of the weights that are saved."""


def save_checkpoint(bare: Any, base: Path, folder: Path, *, dtype: Any) -> None:
    """
    Write weights as safetensors, and tokenizer, template and defaults of the base beside them.

    Parameters
    ----------
    bare
        Model of transformers, without adapters.
    base : Path
        Folder that it was loaded from.
    folder : Path
        Where; it is there.
    dtype
        Of torch, in which weights are saved.
    """
    transformers = importlib.import_module("transformers")
    logging = transformers.utils.logging
    were_on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        # defaults that transformers would refuse to save are the base's own affair: its file is copied as it is
        bare.generation_config = transformers.GenerationConfig()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            bare.to("cpu").to(dtype).save_pretrained(str(folder), safe_serialization=True)
    finally:
        if were_on:
            logging.enable_progress_bar()
    (folder / "generation_config.json").unlink(missing_ok=True)
    for path in base.iterdir():
        name = path.name.lower()
        if path.is_file() and not name.startswith(".") and not name.endswith(_WEIGHTS) and name not in _OF_THE_BASE:
            shutil.copyfile(path, folder / path.name)
