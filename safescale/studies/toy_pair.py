"""Two models of a toy lineage, small enough to be kept beside code: weights rounded to half precision, few prompts."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import yaml

from safescale.errors import DataError, MissingBackend
from safescale.toy.card import CARD_FILE, read_record
from safescale.toy.lineage import MAX_TOKENS, MODELS_FILE, PROMPTS_FILE
from safescale.toy.prompts import toy_prompts, write_prompts

__all__ = ["PAIR", "write_toy_pair"]

PAIR: Final = ("toy-s-seed0", "toy-sm-seed0")
FOLDER: Final = "models"
_FILES: Final = ("chat_template.jinja", "generation_config.json", "tokenizer.json", "tokenizer_config.json")
_WEIGHTS: Final = "model.safetensors"
_EVERY: Final = 4


def write_toy_pair(lineage: Path, into: Path, *, models: Sequence[str] = PAIR) -> int:
    """
    Copy models out of a lineage, with a ``models.yaml`` and every fourth prompt.

    Parameters
    ----------
    lineage : Path
        Folder that ``safescale toy train`` wrote.
    into : Path
        Folder of the example; its ``models`` are replaced.
    models : sequence of str
        Names of the models' folders.

    Returns
    -------
    int
        Bytes of all that was written.

    Raises
    ------
    MissingBackend
        Without safetensors.
    DataError
        When the lineage lacks one of the models, or they cannot be written.
    """
    place = into / FOLDER
    rows = []
    try:
        shutil.rmtree(place, ignore_errors=True)
        for name in models:
            record = read_record(lineage / name)
            if record is None:
                raise DataError("no toy model is here; train one with safescale toy train", file=str(lineage / name))
            _copy(lineage / name, place / name)
            rows.append(
                {
                    "model": f"{FOLDER}/{name}",
                    "model_id": name,
                    "params_total_b": record.parameters / 1e9,
                    "params_source": "declared",
                    "lineage": record.lineage,
                }
            )
        head = (
            "# two of the models behind toy_world_graded.jsonl.gz; the engine is named when they are asked: --engine transformers\n"
        )
        settings = {"sampling": {"temperature": 0.0, "max_tokens": MAX_TOKENS}, "models": rows}
        (into / MODELS_FILE).write_text(head + yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    except OSError as error:
        raise DataError(f"the models cannot be written ({error}); name another folder", file=str(place)) from error
    write_prompts(into / PROMPTS_FILE, prompts=toy_prompts()[::_EVERY])
    files = [path for path in place.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in (*files, into / MODELS_FILE, into / PROMPTS_FILE))


def _copy(model: Path, into: Path) -> None:
    try:
        safetensors = importlib.import_module("safetensors.numpy")
    except ImportError as error:
        raise MissingBackend("safetensors", extra="hf") from error
    into.mkdir(parents=True)
    for name in _FILES:
        shutil.copyfile(model / name, into / name)
    tensors = {name: tensor.astype("float16") for name, tensor in safetensors.load_file(model / _WEIGHTS).items()}
    # a process of its own writes with the mode of a private file: a copy of bytes has the usual one
    (into / _WEIGHTS).write_bytes(safetensors.save(tensors, metadata={"format": "pt"}))
    config = json.loads((model / "config.json").read_bytes())
    config["dtype"] = "float16"
    (into / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    card = (model / CARD_FILE).read_text(encoding="utf-8")
    note = (
        "\n## This copy\n\nIts weights are rounded to half precision; the figures and the hash of the weights above are those of "
        "the full ones.\n"
    )
    (into / CARD_FILE).write_text(card.rstrip("\n") + "\n" + note, encoding="utf-8")
