"""What is written beside a defended model: what it was made of, how, and what the losses did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines.weights import weights_sha256
from safescale.errors import DataError
from safescale.pressure.whole_folder import stands_empty

__all__ = ["DefenceIdentity", "TamperResistanceRecord", "kept_defence", "read_defence_record"]

RECORD_FILE: Final = "tamper_resistance.json"
VERSION: Final = 1
"""Counts up when the training code changes what comes out."""


@attrs.frozen(kw_only=True)
class DefenceIdentity:
    """
    All that decides the weights but the versions of libraries.

    Attributes
    ----------
    version : int
        Of the training code.
    base_sha256 : str
        Hash over the weights that were defended.
    attack_sha256, refusals_sha256, retain_sha256 : str
        Hash over the pairs of each file, as token ids in the order of the file.
    outer_steps, inner_steps, batch_size, seed : int
    learning_rate, inner_learning_rate, refusal_weight : float
        As the setting has them.
    """

    version: int = VERSION
    base_sha256: str
    attack_sha256: str
    refusals_sha256: str
    retain_sha256: str
    outer_steps: int
    inner_steps: int
    batch_size: int
    seed: int
    learning_rate: float
    inner_learning_rate: float
    refusal_weight: float


@attrs.frozen(kw_only=True)
class TamperResistanceRecord:
    """
    One defended model.

    Attributes
    ----------
    folder : Path
        A stock checkpoint.
    identity : DefenceIdentity
        What it is of.
    weights_sha256 : str
        Over its weights.
    tokens : int
        Tokens that went through the model, simulated attacks included, padding left out.
    refusal_nats : tuple of (float, float)
        Loss by token of refusals after the simulated attack: means over the first and the last fifth of the steps.
    retain_nats : tuple of (float, float)
        Loss by token of what must stay, at the clean weights, likewise.
    cpu_s, wall_s : float
        Seconds of CPU of this process, and on the clock; loading is not in it.
    packages : mapping of str to str
        Versions that the weights depend on.
    device : str
        Where, in words.
    method : str
        What it is, and what it is not.
    """

    folder: Path
    identity: DefenceIdentity
    weights_sha256: str
    tokens: int
    refusal_nats: tuple[float, float]
    retain_nats: tuple[float, float]
    cpu_s: float
    wall_s: float
    packages: Mapping[str, str]
    device: str
    method: str = "first-order baseline in the manner of TAR (Tamirisa et al. 2024); not TAR, and no guarantee"

    @property
    def as_data(self) -> dict[str, Any]:
        """As JSON holds it; the folder is where the file stands."""
        return attrs.asdict(self, filter=lambda field, _: field.name != "folder")


def read_defence_record(folder: Path) -> TamperResistanceRecord | None:
    """
    The record of a defended model; None where there is none.

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
        pairs = {name: (float(found[name][0]), float(found[name][1])) for name in ("refusal_nats", "retain_nats")}
        return TamperResistanceRecord(**{**found, **pairs, "folder": folder, "identity": DefenceIdentity(**found["identity"])})
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(
            f"the record of a defended model cannot be read ({error}); remove its folder, and it is trained again", file=str(path)
        ) from error


def kept_defence(folder: Path, identity: DefenceIdentity) -> TamperResistanceRecord | None:
    """
    The defended model that is asked for, where it is there already; None where nothing is there.

    Raises
    ------
    DataError
        When the folder holds something else.
    """
    if stands_empty(folder):
        return None
    record = read_defence_record(folder)
    if record is None:
        raise DataError("the folder is there and holds something else; name another, or move this one", file=str(folder))
    differing = [f.name for f in attrs.fields(DefenceIdentity) if getattr(record.identity, f.name) != getattr(identity, f.name)]
    if differing:
        raise DataError(
            f"the folder holds a model that was defended otherwise ({', '.join(differing)}); name another, or move this one",
            file=str(folder),
        )
    if record.weights_sha256 != weights_sha256(folder):
        raise DataError(
            "the weights of a defended model are not those of its record; remove its folder, and it is trained again",
            file=str(folder),
        )
    return record
