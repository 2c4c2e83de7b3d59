"""
Rows that come with one id, settled in their order: which trace is kept, which grade, and who is refused.

The rule is that of the ingest on one machine (``safescale.ingest.admission``): an id keeps the content with the smaller hash; the
row that lost is a reject, with what it carried; a row that says again what is known is a duplicate. Only rows of ids that stand
more than once come here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa

from safescale.records.fates import Fate

__all__ = ["KEYS", "SETTLED", "settled_rows"]

KEYS: Final = ("trace_id", "file", "source_file", "source_row", "trace_hash", "grade_hash")
"""What is needed of a row."""

SETTLED: Final = pa.schema(
    [
        ("file", pa.int64()),
        ("source_row", pa.int64()),
        ("fate", pa.string()),
        ("keep_trace", pa.bool_()),
        ("keep_grade", pa.bool_()),
        ("named_file", pa.string()),
        ("named_row", pa.int64()),
        ("expected", pa.string()),
        ("got", pa.string()),
    ]
)
"""What is decided: the fate of each row, whether its trace and its grade are kept; of a reject, which row it names and why."""


def settled_rows(rows: pa.Table) -> pa.Table:
    """
    Settle the rows of one id.

    Parameters
    ----------
    rows : pyarrow.Table
        Columns ``KEYS``, in any order.

    Returns
    -------
    pyarrow.Table
        ``SETTLED``; shape (rows,).
    """
    listed = sorted(rows.to_pylist(), key=lambda row: (row["file"], row["source_row"]))
    decisions = _Id(listed[0]["trace_id"]).settle(listed)
    return pa.Table.from_pylist(decisions, schema=SETTLED)


class _Id:
    def __init__(self, trace_id: str) -> None:
        self._expected = f"one content for the id {trace_id!r}; the content with the smaller hash is kept"
        self._kept: int | None = None
        self._grades: set[bytes] = set()
        self._said: list[dict[str, Any]] = []

    def settle(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        for at, row in enumerate(rows):
            place = {"file": row["file"], "source_row": row["source_row"], "keep_trace": False, "keep_grade": False}
            if self._kept is None:
                self._said.append(place | {"fate": Fate.TRACE.value, "keep_trace": True, "keep_grade": self._new_grade(row)})
                self._kept = at
                continue
            known = rows[self._kept]
            lane, stored = _lane(row), _lane(known)
            if lane == stored:
                fresh = self._new_grade(row)
                self._said.append(place | {"fate": (Fate.GRADE if fresh else Fate.DUPLICATE).value, "keep_grade": fresh})
            elif lane > stored:
                reject = self._reject(row, "another content than the row that is kept")
                self._said.append(place | reject)
            else:
                got = f"another content at {known['source_file']}:{known['source_row']}, which row {row['source_row']} replaces"
                named = known if known["source_file"] == row["source_file"] else row
                self._said[self._kept] |= {"keep_trace": False, "keep_grade": False}
                if row["grade_hash"] is not None:
                    self._grades.add(row["grade_hash"])
                kept = {"keep_trace": True, "keep_grade": row["grade_hash"] is not None}
                self._said.append(place | self._reject(named, got) | kept)
                self._kept = at
        return self._said

    def _new_grade(self, row: Mapping[str, Any]) -> bool:
        grade = row["grade_hash"]
        if grade is None or grade in self._grades:
            return False
        self._grades.add(grade)
        return True

    def _reject(self, named: Mapping[str, Any], got: str) -> dict[str, Any]:
        return {
            "fate": Fate.REJECT.value,
            "named_file": named["source_file"],
            "named_row": named["source_row"],
            "expected": self._expected,
            "got": got,
        }


def _lane(row: Mapping[str, Any]) -> int:
    return int.from_bytes(row["trace_hash"][:8], "little")
