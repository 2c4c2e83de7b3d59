"""Verdicts of the Failure-First corpus: who graded, by what kind of grader, and what the label means."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import Final

import msgspec

from safescale.errors import SafescaleError
from safescale.ingest.batch import Options, grader_row
from safescale.ingest.failure_first_lines import Labels, Line
from safescale.ingest.failure_first_names import FileNaming
from safescale.records.rows import clip
from safescale.records.verdicts import EVALUABLE, Verdict, canonical_verdict

__all__ = [
    "DEFAULT_GRADER",
    "HEURISTIC",
    "UnknownVerdict",
    "Verdicts",
    "grader_kind_of",
    "graders_of",
    "heuristic_verdict",
    "verdict_of",
    "verdicts_of",
]

HEURISTIC: Final = "failure-first-heuristic"
DEFAULT_GRADER: Final = "flip"

_FLAGS: Final = (None, False, True)
_FLAG_LABELS: Final = {
    (success, refusal): f"attack_success={json.dumps(success)} refusal_triggered={json.dumps(refusal)}"
    for success in _FLAGS
    for refusal in _FLAGS
}
_IMPORTED: Final = frozenset({"obliteratus-import"})
_RULES: Final = frozenset({"heuristic", "heuristic_trusted", "skip"})


class UnknownVerdict(SafescaleError):
    """A label that the alias table does not have."""

    def __init__(self, column: str, label: str) -> None:
        super().__init__(f"{column}: {clip(label)!r} is not a known verdict")
        self.column = column
        self.label = label


class Verdicts(msgspec.Struct, frozen=True, gc=False):
    """One grade before it knows its trace (a msgspec struct: one is made for every line)."""

    grader_id: str
    grader_kind: str
    verdict: str
    raw_label: str
    rubric_version: str | None = None


def grader_kind_of(classifier: str) -> str:
    """
    Kind of grader behind a value of ``llm_classifier``.

    ``obliteratus-import`` verdicts came with the data. ``heuristic_trusted``, ``skip`` and ``auto:...`` were written by rules:
    no model read the response, so they may not pass for LLM grades.
    """
    if classifier in _IMPORTED:
        return "imported"
    if classifier in _RULES or classifier.startswith("auto:"):
        return "keyword"
    return "llm"


@functools.lru_cache(maxsize=1024)
def _known(label: str) -> Verdict | None:
    return canonical_verdict(label)


def verdict_of(label: str, column: str, *, answered: bool) -> str:
    """
    Verdict for a label; an evaluable verdict on something that is no response is an ERROR of the pipeline.

    Raises
    ------
    UnknownVerdict
        For a label that no table knows.
    """
    found = _known(label)
    if found is None:
        raise UnknownVerdict(column, label)
    return (found if answered or found not in EVALUABLE else Verdict.ERROR).value


def heuristic_verdict(success: bool | None, refusal: bool | None, *, answered: bool) -> str | None:
    """
    Verdict of the two keyword flags, or None when they say nothing.

    Both set contradict each other (NOT_GRADEABLE); neither set means only that no success was claimed (NOT_HARMFUL).
    """
    if success is None and not refusal:
        return None
    if not answered:
        return Verdict.ERROR.value
    if success and refusal:
        return Verdict.NOT_GRADEABLE.value
    if success:
        return Verdict.COMPLIANCE.value
    return Verdict.REFUSAL.value if refusal else Verdict.NOT_HARMFUL.value


def verdicts_of(line: Line, naming: FileNaming, options: Options, *, answered: bool) -> list[Verdicts]:
    """Grades that a line carries: heuristic labels, FLIP verdict, classifier label."""
    found: list[Verdicts] = []
    success, refusal = _flags(line)
    flagged = heuristic_verdict(success, refusal, answered=answered)
    if flagged is not None:
        found.append(Verdicts(HEURISTIC, "keyword", flagged, _FLAG_LABELS[success, refusal]))
    label, column = line.llm_verdict, "llm_verdict"
    if label is None and line.label is not None:
        label, column = line.label, "label"
    if label is not None:
        stated = line.llm_classifier or line.grader_model or line.classifier
        grader = stated or naming.grader or options.grader_id or DEFAULT_GRADER
        verdict = verdict_of(label, column, answered=answered)
        found.append(Verdicts(grader, grader_kind_of(grader), verdict, label, naming.rubric_version))
    return found


def _flags(line: Line) -> tuple[bool | None, bool | None]:
    """Success and refusal flags: ``labels_pred``, then ``labels``, then ``output.predicted``; the first that says anything."""
    predicted = line.output.predicted if line.output else None
    for labels in (line.labels_pred, line.labels, predicted):
        if labels is not None:
            success, refusal = _pair(labels)
            if success is not None or refusal is not None:
                return success, refusal
    return None, None


def _pair(labels: Labels) -> tuple[bool | None, bool | None]:
    success = labels.attack_success_pred if labels.attack_success_pred is not None else labels.attack_success
    refusal = labels.refusal_triggered_pred if labels.refusal_triggered_pred is not None else labels.refusal_triggered
    return success, refusal


def graders_of(pairs: Iterable[tuple[str, str]], options: Options) -> list[dict[str, str]]:
    """Grader rows for (grader_id, kind) pairs; the heuristic does not know HALLUCINATION_REFUSAL."""
    rows = []
    for grader, kind in sorted(set(pairs)):
        meaning = "not_used" if grader == HEURISTIC else options.hallucination_refusal
        rows.append(grader_row(grader, kind, "flip", meaning))
    return rows
