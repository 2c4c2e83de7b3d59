"""What a training starts from: the model's weights by their hash, the pairs as its own tokenizer sees them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from safescale.engines.weights import weights_sha256
from safescale.errors import DomainError, GenerationError
from safescale.pressure.finetune.record import Identity
from safescale.pressure.finetune.rows import TokenRow, chosen_rows, end_of_answer, rows_sha256
from safescale.pressure.finetune.setting import FinetuneSetting
from safescale.pressure.finetune.targets import Targets
from safescale.pressure.finetune.trainer import check_backend

__all__ = ["Speech", "Training", "base_sha256", "own_dtype", "read_config", "read_speech", "trainings_of"]


@attrs.frozen(kw_only=True)
class Training:
    """One data size: the rows that are learnt, and what the adapters are of."""

    rows: Sequence[TokenRow]
    identity: Identity


@attrs.frozen(kw_only=True)
class Speech:
    """How a model is spoken to: its tokenizer, what ends an answer (token ids), its window (tokens; None: not known)."""

    tokenizer: Any
    end: tuple[int, ...]
    window: int | None


def trainings_of(model: Path, targets: Targets, setting: FinetuneSetting) -> tuple[Training, ...]:
    """
    One training for each data size; no weights are loaded.

    Raises
    ------
    MissingBackend, DomainError, DataError, GenerationError
        As of ``finetune_adapters``.
    """
    check_backend()
    base = base_sha256(model)
    speech = read_speech(model)
    dtype = setting.dtype or ("float32" if setting.device.startswith("cpu") else own_dtype(model))
    found: list[Training] = []
    for count in setting.examples:
        rows = chosen_rows(targets, speech.tokenizer, examples=count, seed=setting.seed, end=speech.end, window=speech.window)
        identity = Identity(
            base_sha256=base,
            targets_sha256=targets.sha256,
            rows_sha256=rows_sha256(rows),
            examples=count,
            seed=setting.seed,
            rank=setting.rank,
            alpha=setting.alpha,
            learning_rate=setting.learning_rate,
            batch_size=setting.batch_size,
            dtype=dtype,
        )
        found.append(Training(rows=rows, identity=identity))
    return tuple(found)


def base_sha256(model: Path) -> str:
    """
    Hash over a model's weights.

    Raises
    ------
    DomainError
        For what is no folder with weights.
    """
    found = weights_sha256(model)
    if found is None or not (model / "config.json").is_file():
        raise DomainError(f"{str(model)!r} is no folder of a model; give the folder that holds its config.json and *.safetensors")
    return found


def read_config(model: Path) -> Any:
    """The configuration of a model, as transformers reads it."""
    with _readable(model):
        return importlib.import_module("transformers").AutoConfig.from_pretrained(str(model))


def read_speech(model: Path) -> Speech:
    """
    Tokenizer, end of an answer, and window of a model.

    Raises
    ------
    GenerationError
        When the files cannot be read.
    DomainError
        When nothing ends a text.
    """
    config = read_config(model)
    with _readable(model):
        tokenizer = importlib.import_module("transformers").AutoTokenizer.from_pretrained(str(model))
        defaults = model / "generation_config.json"
        # only which tokens end a text is a fact of the model; the sampling defaults in the same file are not
        told = json.loads(defaults.read_text(encoding="utf-8")).get("eos_token_id") if defaults.is_file() else None
    ends: set[int] = set()
    for found in (told, getattr(config, "eos_token_id", None), tokenizer.eos_token_id):
        ends |= {int(token) for token in (found if isinstance(found, list | tuple) else [found]) if token is not None}
    window = getattr(config.get_text_config(), "max_position_embeddings", None)
    return Speech(tokenizer=tokenizer, end=end_of_answer(tokenizer, ends), window=None if window is None else int(window))


def own_dtype(model: Path) -> str:
    """In what the weights of a checkpoint are kept: "float32", "bfloat16", "float16"."""
    return str(getattr(read_config(model), "dtype", None) or "float32").removeprefix("torch.")


@contextmanager
def _readable(model: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, ImportError) as error:
        first = str(error).strip().split("\n")[0]
        raise GenerationError(
            f"transformers cannot read {str(model)!r}: {first or type(error).__name__}; check the folder"
        ) from error
