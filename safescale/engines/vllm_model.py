"""What a model on disk must have before a vLLM engine starts: its folder, its tokenizer, its adapters. Seconds, not minutes."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import cast

from safescale.engines.engine import EngineSpec
from safescale.engines.rendering import Tokenizer, read_template
from safescale.errors import DomainError, GenerationError

__all__ = ["check_model", "load_tokenizer", "window_of"]


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


def window_of(spec: EngineSpec, tokenizer: Tokenizer, *, trust_remote_code: bool = False) -> tuple[int | None, frozenset[int]]:
    """
    Window (tokens) and the tokens that end a text, from the files of a model, without loading it.

    Raises
    ------
    GenerationError
        When its configuration cannot be read.
    DomainError
        When the spec asks for a longer window than the model has.
    """
    from transformers import AutoConfig, GenerationConfig

    try:
        config = AutoConfig.from_pretrained(spec.model, revision=spec.revision, trust_remote_code=trust_remote_code)
    except Exception as error:
        raise GenerationError(f"the configuration of {spec.model} cannot be read ({type(error).__name__}: {error})") from error
    holders = [config, tokenizer]
    with contextlib.suppress(OSError):
        holders.append(GenerationConfig.from_pretrained(spec.model, revision=spec.revision))
    ends: set[int] = set()
    for holder in holders:
        found = getattr(holder, "eos_token_id", None)
        ends |= {int(token) for token in (found if isinstance(found, list | tuple) else [found]) if token is not None}
    own = getattr(config.get_text_config(), "max_position_embeddings", None)
    if spec.max_model_len is not None and own is not None and spec.max_model_len > own:
        raise DomainError(f"max_model_len is {spec.max_model_len}, and the window of {spec.model} has {own} tokens; lower it")
    window = spec.max_model_len if spec.max_model_len is not None else own
    return (None if window is None else int(window)), frozenset(ends)
