"""Columns that hold a grader's label in words: label to verdict through an outcome map, and what the grader failed to say."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs

from safescale.ingest.gathering import Gathering, Records
from safescale.records.fates import NoteCode
from safescale.records.outcomes import OUTCOME_MAPS
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["FailedLabels", "LabelColumn"]


@attrs.frozen(kw_only=True)
class LabelColumn:
    """A grader and the column that its labels stand in."""

    column: str
    grader_id: str
    grader_kind: str
    outcome_map: str

    def add(
        self,
        records: Records,
        trace_id: str,
        label: str,
        failed: FailedLabels,
        *,
        grader_id: str = "",
        verdict: Verdict | None = None,
    ) -> None:
        """
        Add the grade that a label gives.

        A label that the map does not know is no verdict of the grader: ERROR, with the label kept, and counted in ``failed``.

        Parameters
        ----------
        records : Records
            What the row gives.
        trace_id : str
            The trace that is graded.
        label : str
            As the grader wrote it.
        failed : FailedLabels
            Count of the labels that are none.
        grader_id : str, optional
            The grader of this row, where the row names it.
        verdict : Verdict, optional
            The verdict where it does not follow from the label (it was given to another text).
        """
        found = verdict or OUTCOME_MAPS[self.outcome_map].verdict(label)
        if found is None:
            failed.count(self.column, label)
        who = grader_id or self.grader_id
        records.graders[who] = (self.grader_kind, self.outcome_map)
        grade: dict[str, Any] = {
            "trace_id": trace_id,
            "target": "text",
            "grader_id": who,
            "grader_kind": self.grader_kind,
            "verdict": (found or Verdict.ERROR).value,
            "raw_label": label,
        }
        records.grades.append(grade)


class FailedLabels:
    """Labels that no map knows, by column, for one note of each file."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def count(self, column: str, label: str) -> None:
        """One more in this column."""
        self._counts[column] += 1
        self._first.setdefault(column, label)

    def note(self, gathering: Gathering, expected: str) -> None:
        """Tell the gathering of each column that holds such labels."""
        for column, n in self._counts.items():
            got = f"{n:,} labels that are none, kept as ERROR; the first: {clip(self._first[column])!r}"
            gathering.note(NoteCode.GRADER_FAILED, expected=expected, got=got, column=column)
