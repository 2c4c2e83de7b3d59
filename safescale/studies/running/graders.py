"""The graders of an experiment: named at once, opened when the responses are there."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from safescale.errors import DomainError
from safescale.grade.grader import Grader, GraderFacts, open_grader
from safescale.records.outcomes import Tier, outcome_map
from safescale.store.files_hash import file_sha256, folder_sha256, named_sha256

__all__ = ["NamedGrader", "check_tier", "named_graders"]


@attrs.frozen(kw_only=True)
class NamedGrader:
    """
    A grader before it is opened: a judge may hold a model of its own, which has no room beside the one that answers.

    Parameters
    ----------
    name : str
        Short name, of which files are named.
    registered : mapping
        What identifies it in the registration.
    open : callable
        Opens it.
    facts : GraderFacts, optional
        What it says of itself, where that is known before it is opened for good.
    """

    name: str
    registered: dict[str, Any]
    open: Callable[[], Grader] = attrs.field(repr=False, eq=False)
    facts: GraderFacts | None = attrs.field(default=None, repr=False)


def named_graders(names: Sequence[str] = (), judges: Sequence[Path] = (), encoders: Sequence[Path] = ()) -> tuple[NamedGrader, ...]:
    """
    Graders by name, by a judge's file, by an encoder's folder, in that order. Those by name are opened once, for their versions.

    Raises
    ------
    DomainError
        For a name that no grader has, or one that is named twice.
    """
    found: list[NamedGrader] = []
    for name in names:
        facts = open_grader(name).facts
        known = {"grader_id": facts.grader_id, "rubric_version": facts.rubric_version, "kind": facts.kind}
        found.append(NamedGrader(name=name, registered={"grader": name, **known}, open=_by_name(name), facts=facts))
    for path in judges:
        found.append(
            NamedGrader(name=f"judge-{path.stem}", registered={"judge": path.name, "sha256": _sha256(path)}, open=_judge(path))
        )
    for path in encoders:
        found.append(
            NamedGrader(
                name=f"encoder-{path.stem}", registered={"encoder": path.name, "sha256": _sha256(path)}, open=_encoder(path)
            )
        )
    files = [file_name(one.name) for one in found]
    twice = next((one.name for one, file in zip(found, files, strict=True) if files.count(file) > 1), None)
    if twice is not None:
        raise DomainError(f"two graders are called {twice!r}; name each once, and give the files of judges names that differ")
    return tuple(found)


def check_tier(facts: GraderFacts, tier: Tier) -> None:
    """
    Refuse a tier that the grader's verdicts do not distinguish.

    Raises
    ------
    DomainError
        Naming the tiers that it has.
    """
    tiers = outcome_map(facts.outcome_map).tiers
    if tier not in tiers:
        known = ", ".join(one.value for one in tiers)
        raise DomainError(
            f"{facts.grader_id} does not distinguish the tier {tier.value} (its outcome map {facts.outcome_map} has: {known}); "
            "give --tier strict, or another grader"
        )


def file_name(name: str) -> str:
    """A grader's name as a file may be called."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "grader"


def _by_name(name: str) -> Callable[[], Grader]:
    return lambda: open_grader(name)


def _judge(path: Path) -> Callable[[], Grader]:
    def opened() -> Grader:
        from safescale.grade.judge import open_judge

        return open_judge(path)

    return opened


def _encoder(path: Path) -> Callable[[], Grader]:
    def opened() -> Grader:
        from safescale.grade.encoder import open_encoder

        return open_encoder(path)

    return opened


def _sha256(path: Path) -> str:
    """Hash of a file, or over names and bytes of a folder's files."""
    return named_sha256([("", file_sha256(path))]) if path.is_file() else folder_sha256(path)
