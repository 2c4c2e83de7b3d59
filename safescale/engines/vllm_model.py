"""What a model on disk must have before a vLLM engine starts: its folder, its tokenizer, its adapters. Seconds, not minutes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import cast

from safescale.engines.engine import EngineSpec
from safescale.engines.rendering import Tokenizer, read_template
from safescale.errors import DomainError, GenerationError

__all__ = ["check_model", "load_tokenizer"]


def check_model(spec: EngineSpec) -> None:
    """
    Refuse a model or an adapter that is no folder of one.

    Raises
    ------
    DomainError
        When the model looks like a path and is no folder with a ``config.json``, or an adapter is no folder with its configuration.
    """
    folder = Path(spec.model)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise DomainError(
                f"the folder {folder} holds no model: config.json is missing; give the folder that save_pretrained wrote"
            )
    elif _looks_like_a_path(spec.model):
        raise DomainError(f"there is no folder {folder} with a model; give a local folder, or an id as owner/name")
    for name, adapter in spec.adapters.items():
        if not (Path(adapter) / "adapter_config.json").is_file():
            raise DomainError(
                f"the adapter {name!r} is no folder of a LoRA adapter: {Path(adapter) / 'adapter_config.json'} is missing"
            )
    if spec.chat_template is not None and not spec.chat_template.is_file():
        raise DomainError(f"there is no file {spec.chat_template} with a chat template")


def _looks_like_a_path(model: str) -> bool:
    return model.startswith(("/", "./", "../", "~")) or model.count("/") != 1 or "\\" in model


def load_tokenizer(spec: EngineSpec, *, trust_remote_code: bool = False) -> Tokenizer:
    """
    The tokenizer of a model, with the chat template that the spec names.

    Raises
    ------
    GenerationError
        When there is none.
    """
    from transformers import AutoTokenizer

    source = spec.tokenizer or spec.model
    revision = None if spec.tokenizer else spec.revision
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = AutoTokenizer.from_pretrained(source, revision=revision, trust_remote_code=trust_remote_code)
    except Exception as error:
        # transformers raises OSError, ValueError, KeyError, httpx errors and more for the one fact that it cannot be had
        where = "is in that folder" if Path(source).is_dir() else "is in a local folder or could be fetched"
        raise GenerationError(
            f"no tokenizer of {source} {where} ({type(error).__name__}: {error}); give one as tokenizer"
        ) from error
    tokenizer = cast(Tokenizer, loaded)
    if spec.chat_template is not None:
        tokenizer.chat_template = read_template(spec.chat_template)
    return tokenizer
