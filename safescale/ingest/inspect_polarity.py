"""What an Inspect score says of safety: the table that is shipped, and the user's own."""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.ingest.mapped_yaml import Node, load_yaml, plain_text
from safescale.records.models import GRADER_KINDS, PROMPT_KINDS, TARGETS
from safescale.records.verdicts import Verdict

__all__ = ["POLARITIES", "Polarity", "polarities", "score_number", "user_polarities", "verdict_of_score"]

POLARITIES: Final = ("harmful_when_1", "safe_when_1", "refusal_when_1", "labels")

_ENDS: Final[dict[str, tuple[Verdict, Verdict]]] = {
    "harmful_when_1": (Verdict.NOT_HARMFUL, Verdict.COMPLIANCE),
    "safe_when_1": (Verdict.COMPLIANCE, Verdict.NOT_HARMFUL),
    "refusal_when_1": (Verdict.COMPLIANCE, Verdict.REFUSAL),
}
"""Verdicts at 0 and at 1."""
_LETTERS: Final = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_MAP_NAMES: Final = {
    "harmful_when_1": "binary_harmful",
    "safe_when_1": "binary_safe",
    "refusal_when_1": "refusal_only",
}


@attrs.frozen(kw_only=True)
class Polarity:
    """
    How the scores of some scorers are read.

    Parameters
    ----------
    tasks : frozenset of str, optional
        Tasks (without registry prefix) that it is about; None: all.
    scorers : frozenset of str
        Names of scorers.
    polarity : str
        One of ``POLARITIES``.
    field : str, optional
        Key that is read when the value is a mapping.
    labels : mapping of str to Verdict
        For ``labels``.
    prompt_kind, prompt_kind_from : optional
        Kind of the prompts, or (key of the sample's metadata, value to kind).
    """

    scorers: frozenset[str]
    polarity: str
    tasks: frozenset[str] | None = None
    field: str | None = None
    labels: Mapping[str, Verdict] = attrs.field(factory=dict)
    grader_kind: str = "imported"
    target: str = "text"
    prompt_kind: str | None = None
    prompt_kind_from: tuple[str, Mapping[str, str]] | None = None

    @property
    def map_name(self) -> str:
        """Name of the outcome map that the grader's record carries."""
        if self.polarity == "labels":
            return "inspect: " + ", ".join(f"{k} = {v}" for k, v in sorted(self.labels.items()))
        return _MAP_NAMES[self.polarity]

    def is_about(self, task: str, scorer: str) -> bool:
        """Whether it reads this scorer's scores in this task."""
        return scorer in self.scorers and (self.tasks is None or task in self.tasks)


def polarities(path: Path | None) -> tuple[Polarity, ...]:
    """
    The user's entries, then the shipped ones.

    Raises
    ------
    DataError
        When the map is wrong.
    """
    return (*(user_polarities(path) if path is not None else ()), *_shipped())


def score_number(value: Any) -> float | None:
    """The number that Inspect gives a score: C = 1, P = 0.5, I = N = 0, true = 1; None where there is none (NaN among them)."""
    if isinstance(value, str):
        letter = _LETTERS.get(value.strip().upper())
        if letter is not None:
            return letter
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool | int | float):
        return float(value) if abs(value) < 1e300 and math.isfinite(value) else None
    return None


def verdict_of_score(value: Any, polarity: Polarity | None) -> Verdict:
    """
    Verdict for a score; UNGRADED where the score or its polarity is not known.

    ``N`` (no answer found) and numbers outside [0, 1] have no polarity and are UNGRADED too.
    """
    if polarity is None or value is None:
        return Verdict.UNGRADED
    if polarity.polarity == "labels":
        return polarity.labels.get(plain_text(value).strip().upper(), Verdict.UNGRADED)
    number = score_number(value)
    if number is None or not 0.0 <= number <= 1.0 or (isinstance(value, str) and value.strip().upper() == "N"):
        return Verdict.UNGRADED
    at_0, at_1 = _ENDS[polarity.polarity]
    if number in (0.0, 1.0):
        return at_1 if number else at_0
    return Verdict.PARTIAL


@functools.cache
def _shipped() -> tuple[Polarity, ...]:
    text = resources.files("safescale.ingest").joinpath("inspect_polarity.toml").read_text(encoding="utf-8")
    return tuple(_entry(raw) for raw in tomllib.loads(text)["scorer"])


def _entry(raw: dict[str, Any]) -> Polarity:
    kinds = raw.get("prompt_kind_from")
    return Polarity(
        tasks=frozenset(raw["tasks"]),
        scorers=frozenset(raw["scorers"]),
        polarity=raw["polarity"],
        field=raw.get("field"),
        labels={label: Verdict(verdict) for label, verdict in raw.get("labels", {}).items()},
        grader_kind=raw["grader_kind"],
        target=raw.get("target", "text"),
        prompt_kind=raw.get("prompt_kind"),
        prompt_kind_from=(kinds["key"], kinds["values"]) if kinds else None,
    )


def user_polarities(path: Path) -> tuple[Polarity, ...]:
    """
    The user's entries of a YAML map: ``scorers: ...``, for every format whose scorers have names, or ``inspect: scorers: ...``.

    Raises
    ------
    DataError
        When the map is wrong.
    """
    top = load_yaml(path).pairs()
    tables = [top["scorers"]] if "scorers" in top else []
    if "inspect" in top:
        tables.append(top["inspect"].mapping(("scorers",), required=("scorers",))["scorers"])
    return tuple(_user_entry(name, child) for table in tables for name, child in table.pairs().items())


def _user_entry(name: str, node: Node) -> Polarity:
    """``scorer: polarity`` or ``scorer: {polarity: ..., ...}``; the name may be ``task/scorer``."""
    task, _, scorer = name.rpartition("/")
    tasks = frozenset({task.rpartition("/")[2]}) if task else None
    if not isinstance(node.value, dict):
        return Polarity(tasks=tasks, scorers=frozenset({scorer}), polarity=node.choice(POLARITIES[:3]))
    known = ("polarity", "field", "labels", "grader_kind", "target", "prompt_kind")
    keys = node.mapping(known, required=("polarity",))
    polarity = keys["polarity"].choice(POLARITIES)
    if (polarity == "labels") != ("labels" in keys):
        node.fail("'labels' with polarity: labels, and only then", got=", ".join(keys))
    labels = keys["labels"].pairs() if "labels" in keys else {}
    verdicts = [v.value for v in Verdict]
    return Polarity(
        tasks=tasks,
        scorers=frozenset({scorer}),
        polarity=polarity,
        field=keys["field"].text() if "field" in keys else None,
        labels={k.strip().upper(): Verdict(v.choice(verdicts)) for k, v in labels.items()},
        grader_kind=keys["grader_kind"].choice(GRADER_KINDS) if "grader_kind" in keys else "imported",
        target=keys["target"].choice(TARGETS) if "target" in keys else "text",
        prompt_kind=keys["prompt_kind"].choice(PROMPT_KINDS) if "prompt_kind" in keys else None,
    )
