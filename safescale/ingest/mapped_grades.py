"""Labels of a piece to grades: what cannot be read is never guessed, and never takes the other grades with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from safescale.ingest.batch import Options, grader_row
from safescale.ingest.mapped_cells import label_cells, number_cells, text_cells
from safescale.ingest.mapped_input import Piece
from safescale.ingest.mapped_spec import GradeMap
from safescale.records.fates import RejectCode
from safescale.records.models import PROBABILITIES
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["GradeColumns", "grade_columns", "settle_unreadable"]

_MISSING = {v.value: v for v in (Verdict.UNGRADED, Verdict.NOT_GRADEABLE, Verdict.ERROR)}


@attrs.define(kw_only=True)
class GradeColumns:
    """One grader's columns over a piece; a row whose verdict is None has no grade of this grader."""

    spec: GradeMap
    grader_id: list[str | None]
    labels: list[str | None]
    verdicts: list[Verdict | None]
    scores: list[float | None]
    probabilities: dict[str, list[float | None]]
    rubrics: list[str | None]
    unreadable: list[int]

    def rows(self, alive: Sequence[int]) -> dict[str, list[Any]]:
        """Fields of the grade record for the rows of ``alive`` that have a grade; ``at`` is their position in the piece."""
        at = [i for i in alive if self.verdicts[i] is not None]
        spec = self.spec
        return {
            "at": at,
            "target": [spec.target] * len(at),
            "grader_id": [self.grader_id[i] for i in at],
            "grader_kind": [spec.grader_kind] * len(at),
            "verdict": [str(self.verdicts[i]) for i in at],
            "raw_label": [clip(self.labels[i] or "") for i in at],
            "score": [self.scores[i] for i in at],
            "score_scale": [spec.score_scale] * len(at),
            **{name: [None] * len(at) for name in PROBABILITIES},
            **{name: [values[i] for i in at] for name, values in self.probabilities.items()},
            "rubric_version": [self.rubrics[i] for i in at],
        }

    def graders(self, options: Options) -> list[dict[str, str]]:
        """Grader records of this piece."""
        hr = self.spec.hallucination_refusal
        if hr is None:
            uses_it = Verdict.HALLUCINATION_REFUSAL in self.verdicts
            hr = options.hallucination_refusal if uses_it or self.spec.map_name == "flip" else "not_used"
        ids = sorted({g for g, v in zip(self.grader_id, self.verdicts, strict=True) if g is not None and v is not None})
        return [grader_row(g, self.spec.grader_kind, self.spec.map_name, hr) for g in ids]


def grade_columns(piece: Piece, spec: GradeMap) -> GradeColumns:
    """Read one grader's labels; those that its map does not know are listed as unreadable and settled later."""
    labels = label_cells(piece, spec.label)
    verdicts = _verdicts(piece, spec, labels)
    empty: list[Any] = [None] * piece.size
    for condition in spec.not_gradeable_when:
        for i, holds in enumerate(condition.holds(piece)):
            if holds:
                verdicts[i] = Verdict.NOT_GRADEABLE
    missing = _MISSING.get(spec.missing_means)
    for i, label in enumerate(labels):
        if label is None or not label.strip():
            verdicts[i] = missing
    return GradeColumns(
        spec=spec,
        grader_id=text_cells(piece, spec.grader_id, "grader_id", identifier=True),
        labels=labels,
        verdicts=verdicts,
        scores=empty if spec.score is None else number_cells(piece, spec.score, "score"),
        probabilities={name: number_cells(piece, value, name) for name, value in spec.probabilities.items()},
        rubrics=empty if spec.rubric_version is None else text_cells(piece, spec.rubric_version, "rubric_version"),
        unreadable=[i for i, (v, label) in enumerate(zip(verdicts, labels, strict=True)) if v is None and label and label.strip()],
    )


def settle_unreadable(piece: Piece, grades: Sequence[GradeColumns]) -> None:
    """
    What becomes of a label that its map does not know.

    Beside a verdict of another grader it is a grade NOT_GRADEABLE with the label kept, so that the row and its other grades
    stay; where it is all that the row has, the row is a reject ``UNKNOWN_VERDICT``.
    """
    for grade in grades:
        for i in grade.unreadable:
            if any(_has_verdict(other, i) for other in grades if other is not grade):
                continue
            spec = grade.spec
            known = ", ".join(spec.outcome_map.labels) if spec.outcome_map is not None else "a label that a rule takes"
            piece.refuse(
                i,
                RejectCode.UNKNOWN_VERDICT,
                expected=known,
                got=grade.labels[i],
                column=spec.label.column or spec.label.place,
            )
    for grade in grades:
        for i in grade.unreadable:
            grade.verdicts[i] = Verdict.NOT_GRADEABLE


def _has_verdict(grade: GradeColumns, i: int) -> bool:
    return grade.verdicts[i] not in {None, Verdict.UNGRADED} and i not in grade.unreadable


def _verdicts(piece: Piece, spec: GradeMap, labels: Sequence[str | None]) -> list[Verdict | None]:
    if spec.outcome_map is not None:
        known = {label: spec.outcome_map.verdict(label) for label in set(labels) if label is not None}
        return [None if label is None else known[label] or spec.otherwise for label in labels]
    verdicts: list[Verdict | None] = [None] * piece.size
    for condition, verdict in spec.rules:
        for i, holds in enumerate(condition.holds(piece)):
            if holds and verdicts[i] is None:
                verdicts[i] = verdict
    return [v or spec.otherwise for v in verdicts]
