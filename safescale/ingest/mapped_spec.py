"""The column map as values: what each part of the YAML means, after it was checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import attrs

from safescale.ingest.mapped_values import Condition, Value
from safescale.records.outcomes import OutcomeMap
from safescale.records.verdicts import Verdict

__all__ = ["AGGREGATE_FIELDS", "SIZE_FIELDS", "TRACE_FIELDS", "ColumnMap", "GradeMap", "RowFilter", "required_columns"]

SIZE_FIELDS: Final = ("params_total_b", "params_active_b", "params_estimated")
TRACE_FIELDS: Final = (
    "trace_id",
    "model_id",
    "prompt_id",
    "prompt",
    "prompt_kind",
    "attack_class",
    "condition",
    "sample_index",
    "response",
    "response_kind",
    "response_chars",
    "response_sha256",
    "prompt_sha256",
    "finish_reason",
    "seed",
    "created_at",
    "error",
    *SIZE_FIELDS,
)
AGGREGATE_FIELDS: Final = (
    "aggregate_id",
    "model_id",
    "attack_class",
    "condition",
    "grader_id",
    "rate",
    "n",
    "interval_low",
    "interval_high",
    *SIZE_FIELDS,
)

Missing = Literal["UNGRADED", "NOT_GRADEABLE", "ERROR", "no_grade"]


@attrs.frozen(kw_only=True)
class GradeMap:
    """One grader of the rows: where its label is, and what the label means."""

    grader_id: Value
    grader_kind: str
    label: Value
    outcome_map: OutcomeMap | None
    rules: tuple[tuple[Condition, Verdict], ...]
    otherwise: Verdict | None
    target: str
    score: Value | None
    score_scale: str | None
    probabilities: Mapping[str, Value]
    rubric_version: Value | None
    not_gradeable_when: tuple[Condition, ...]
    missing_means: Missing
    hallucination_refusal: str | None
    optional: bool

    @property
    def map_name(self) -> str:
        """Name under which the grader's record carries its outcome map."""
        return self.outcome_map.name if self.outcome_map is not None else "rules of the column map"

    def columns(self) -> Iterator[str]:
        """Source columns that it needs."""
        for value in (self.grader_id, self.label, self.score, *self.probabilities.values(), self.rubric_version):
            if value is not None and not value.optional:
                yield from value.columns
        for condition in (*self.not_gradeable_when, *(c for c, _ in self.rules)):
            yield from condition.columns


@attrs.frozen(kw_only=True)
class RowFilter:
    """Which rows carry records; the others are counted as metadata. ``any_of`` are alternatives."""

    any_of: tuple[Condition, ...]
    keep: bool
    reason: str


@attrs.frozen(kw_only=True)
class ColumnMap:
    """A checked column map."""

    file: str
    source: str
    kind: Literal["traces", "aggregates"]
    fields: Mapping[str, Value]
    grades: tuple[GradeMap, ...]
    rows: RowFilter | None
    files: re.Pattern[str] | None
    sizes: Mapping[str, tuple[float | None, float | None, bool]]
    repeats: bool
    identity: tuple[str, ...] | None
    percent: bool
    outcome: str | None
    format: Literal["csv", "jsonl", "parquet"] | None
    delimiter: str
    missing: frozenset[str]


def required_columns(spec: ColumnMap) -> list[str]:
    """Source columns without which the file cannot be read."""
    needed: dict[str, None] = {}
    for value in spec.fields.values():
        if not value.optional:
            needed.update(dict.fromkeys(value.columns))
    for grade in spec.grades:
        if not grade.optional:
            needed.update(dict.fromkeys(grade.columns()))
    if spec.rows is not None:
        for condition in spec.rows.any_of:
            needed.update(dict.fromkeys(condition.columns))
    needed.update(dict.fromkeys(spec.identity or ()))
    return list(needed)
