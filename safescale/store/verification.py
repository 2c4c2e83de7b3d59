"""Does a corpus hold what its fingerprint says? Finds rows that were edited by hand, and rows that belong to nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from safescale.records.ddl import HASHED_RECORDS, PRIMARY_KEYS
from safescale.records.fields import arrow_schema
from safescale.store.base import TABLES, Corpus
from safescale.store.content import content_hashes
from safescale.store.fingerprint import FINGERPRINTED, Lanes, size_hash

__all__ = ["Verification", "recompute_fingerprint", "verify"]

_EXAMPLES: Final = 10
_ROWS: Final = 16_384


@attrs.frozen(kw_only=True)
class Verification:
    """
    What a check of a whole corpus found.

    ``changed_rows`` counts rows by table whose content no longer has the stored hash (a text that no longer has its SHA-256
    counts too), ``examples`` names the first of them, ``orphans`` counts grades and turns without their trace or grader, and
    ``repeated_ids`` counts ids that are there more than once.
    """

    fingerprint: str
    recomputed: str
    changed_rows: dict[str, int]
    examples: tuple[str, ...]
    orphans: dict[str, int]
    repeated_ids: dict[str, int]

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        found = (*self.changed_rows.values(), *self.orphans.values(), *self.repeated_ids.values())
        return self.fingerprint == self.recomputed and not any(found)


def recompute_fingerprint(corpus: Corpus) -> str:
    """Fingerprint from the stored rows themselves, not from the hashes stored beside them."""
    return _Check(corpus).run().recomputed


def verify(corpus: Corpus) -> Verification:
    """Read every row, and compare it with its hash and the whole with the fingerprint."""
    return _Check(corpus).run()


class _Check:
    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._lanes = Lanes()
        self._changed: dict[str, int] = {}
        self._examples: list[str] = []

    def run(self) -> Verification:
        for table in FINGERPRINTED:
            self._rows(table)
        sizes = [size_hash(model_id, size) for model_id, size in self._corpus.declared_sizes().items()]
        self._lanes = self._lanes.plus(Lanes.of(sizes))
        return Verification(
            fingerprint=self._corpus.fingerprint(),
            recomputed=self._lanes.fingerprint,
            changed_rows=self._changed,
            examples=tuple(self._examples),
            orphans=_orphans(self._corpus),
            repeated_ids=_repeated_ids(self._corpus),
        )

    def _rows(self, table: str) -> None:
        record = TABLES[table]
        names = arrow_schema(record).names
        hashed = record in HASHED_RECORDS
        self._changed[table] = 0
        for batch in self._corpus.batches(table, [*names, *(["content_hash"] if hashed else [])], rows=_ROWS):
            rows = pa.Table.from_batches([batch])
            hashes = content_hashes(rows, record)
            self._lanes = self._lanes.plus(Lanes.of(hashes))
            stored = rows.column("content_hash").to_pylist() if hashed else hashes
            bad = {row for row, pair in enumerate(zip(hashes, stored, strict=True)) if pair[0] != pair[1]}
            if table == "traces":
                bad |= set(_texts_without_their_hash(rows))
            self._changed[table] += len(bad)
            for row in sorted(bad)[: _EXAMPLES - len(self._examples)]:
                self._examples.append(f"{table}: {rows.column(0)[row].as_py()}")


def _texts_without_their_hash(traces: pa.Table) -> Iterator[int]:
    for text in ("prompt", "response"):
        pairs = zip(traces.column(text).to_pylist(), traces.column(f"{text}_sha256").to_pylist(), strict=True)
        for row, (value, sha256) in enumerate(pairs):
            if value is not None and sha256 is not None and hashlib.sha256(value.encode()).hexdigest() != sha256:
                yield row


def _orphans(corpus: Corpus) -> dict[str, int]:
    trace_ids = corpus.read("traces", ["trace_id"]).column(0).combine_chunks()
    grader_ids = corpus.read("graders", ["grader_id"]).column(0).combine_chunks()
    columns = {"turns.trace_id": trace_ids, "grades.trace_id": trace_ids, "grades.grader_id": grader_ids}
    return {name: _missing(corpus.read(*_table_column(name)).column(0), known) for name, known in columns.items()}


def _table_column(name: str) -> tuple[str, list[str]]:
    table, column = name.split(".")
    return table, [column]


def _missing(values: pa.ChunkedArray, known: pa.Array) -> int:
    return len(values) - int(pc.sum(pc.is_in(values, value_set=known)).as_py() or 0)


def _repeated_ids(corpus: Corpus) -> dict[str, int]:
    found = {}
    for table, record in TABLES.items():
        if record in PRIMARY_KEYS:
            ids = corpus.read(table, [PRIMARY_KEYS[record]]).column(0)
            found[table] = len(ids) - int(pc.count_distinct(ids).as_py())
    return found
