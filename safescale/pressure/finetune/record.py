"""What is written beside an adapter: what it is of, what it took; and whether a folder holds the adapter that is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines.weights import weights_sha256
from safescale.errors import DataError
from safescale.pressure.whole_folder import stands_empty

__all__ = ["RECORD_FILE", "AdapterRecord", "Identity", "kept_adapter", "read_adapter_record"]

RECORD_FILE: Final = "record.json"
VERSION: Final = 1
"""Counts up when the training code changes what comes out."""


@attrs.frozen(kw_only=True)
class Identity:
    """
    All that decides an adapter but its step and the versions of libraries.

    Attributes
    ----------
    version : int
        Of the training code.
    base_sha256 : str
        Hash over the weights of the model that it is for (``engines.weights``).
    targets_sha256, rows_sha256 : str
        Hash over the pairs; over those that were drawn, as token ids, in their order (template and tokenizer are in it).
    examples, seed, rank, batch_size : int
    alpha, learning_rate : float
    dtype : str
        As the setting has them; dtype as it was used.
    """

    version: int = VERSION
    base_sha256: str
    targets_sha256: str
    rows_sha256: str
    examples: int
    seed: int
    rank: int
    alpha: float
    learning_rate: float
    batch_size: int
    dtype: str

    def differences(self, other: Identity) -> list[str]:
        """In what another differs, in words."""
        names = [field.name for field in attrs.fields(Identity)]
        return [
            f"{name} {getattr(other, name)!r} instead of {getattr(self, name)!r}"
            for name in names
            if getattr(self, name) != getattr(other, name)
        ]


@attrs.frozen(kw_only=True)
class AdapterRecord:
    """
    One adapter.

    Attributes
    ----------
    folder : Path
        Where it is; peft and vLLM open this folder.
    examples, steps, seed : int
        Data size, optimiser steps, seed.
    tokens : int
        Tokens that went through the model in training, padding left out.
    flops : float
        Floating-point operations, as ``finetune_flops`` counts them.
    loss_nats : float
        Mean over the last five steps (or all, where there are fewer) of the loss by token of the targets, before each update.
    cpu_s, wall_s : float
        Seconds of CPU of this process, and on the clock, up to this step; loading is not in it.
    weights_sha256 : str
        Over the adapter's weights.
    identity : Identity
        What it is of.
    packages : mapping of str to str
        Versions that the weights depend on.
    device : str
        Where it was trained, in words.
    """

    folder: Path
    examples: int
    steps: int
    seed: int
    tokens: int
    flops: float
    loss_nats: float
    cpu_s: float
    wall_s: float
    weights_sha256: str
    identity: Identity
    packages: Mapping[str, str]
    device: str

    @property
    def base_sha256(self) -> str:
        """Hash over the weights of the model that it is for."""
        return self.identity.base_sha256

    @property
    def as_data(self) -> dict[str, Any]:
        """As JSON holds it; the folder is where the file stands."""
        return attrs.asdict(self, filter=lambda field, _: field.name != "folder")


def read_adapter_record(folder: Path) -> AdapterRecord | None:
    """
    The record of an adapter's folder; None where there is none.

    Raises
    ------
    DataError
        For a record that cannot be read.
    """
    path = folder / RECORD_FILE
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return AdapterRecord(**{**found, "folder": folder, "identity": Identity(**found["identity"])})
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"the record of an adapter cannot be read ({error}); remove its folder, and it is trained again", file=str(path)
        ) from error


def kept_adapter(folder: Path, identity: Identity, steps: int) -> AdapterRecord | None:
    """
    The adapter that is asked for, where it is there already; None where nothing is there.

    Raises
    ------
    DataError
        When the folder holds something else: nothing is taken for what it is not, and nothing is overwritten.
    """
    if stands_empty(folder):
        return None
    record = read_adapter_record(folder)
    if record is None:
        raise DataError("a folder with an adapter's name holds something else; move it, or name another folder", file=str(folder))
    differences = identity.differences(record.identity)
    if record.steps != steps:
        differences.append(f"steps {record.steps} instead of {steps}")
    if differences:
        raise DataError(
            f"the folder holds an adapter of something else ({'; '.join(differences)}); name another folder, or move this one",
            file=str(folder),
        )
    if record.weights_sha256 != weights_sha256(folder):
        raise DataError(
            "the weights of an adapter are not those of its record; remove its folder, and it is trained again", file=str(folder)
        )
    return record
