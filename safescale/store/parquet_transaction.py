"""The transaction of one file in the Parquet form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import pyarrow as pa

from safescale.errors import SafescaleError
from safescale.store.base import DeclaredSize, LedgerEntry
from safescale.store.parquet_manifest import Manifest, Part
from safescale.store.parquet_parts import part_batches, part_schema, read_part
from safescale.store.parquet_rewrite import LOCATED, Removal, TraceLocator, mergeable, rewrite_parts
from safescale.store.parquet_staging import Staging, translated
from safescale.store.pending import CARRIED_TABLES, Pending, columns_schema, refuse_other_trace, with_hashes

__all__ = ["ParquetTransaction"]


class ParquetTransaction:
    """
    Everything that one file adds: parts that are staged, and become visible with the next manifest.

    Parameters
    ----------
    staging : Staging
        Where parts are written.
    manifest : Manifest
        The corpus as it is.
    pending : Pending
        Fingerprint, graders, sizes.
    locator : TraceLocator, optional
        Where stored traces are from, when that is known already.
    """

    def __init__(self, staging: Staging, manifest: Manifest, pending: Pending, locator: TraceLocator | None) -> None:
        self._staging = staging
        self._manifest = manifest
        self._pending = pending
        self.locator = locator
        self._recent: list[pa.Table] = []  # LOCATED columns of the part that is still open
        self._staged_rows = {"traces": 0, "turns": 0, "grades": 0}
        self._removals: dict[str, list[Removal]] = {}
        self._replacements: dict[str, pa.Table] = {}

    @property
    def _root(self) -> Path:
        return self._staging.root

    def add(self, table: str, rows: pa.Table, content_hash: Sequence[bytes] | None = None) -> None:
        """Append rows."""
        rows = self._pending.admit(table, rows, content_hash)
        with translated(self._root):
            closed = len(self._staging.closed[table])
            self._staging.write(table, rows)
        if table in self._staged_rows:
            self._staged_rows[table] += rows.num_rows
        if table == "traces":
            self._remember(rows.select(LOCATED), part_was_closed=len(self._staging.closed[table]) > closed)

    def _remember(self, rows: pa.Table, *, part_was_closed: bool) -> None:
        if self.locator is not None:
            self.locator.add(rows)
        elif part_was_closed:
            self._recent = []  # it can be read from the part
        else:
            self._recent.append(rows)

    def _located(self) -> TraceLocator:
        if self.locator is None:
            parts = (*self._manifest.of("traces"), *self._staging.closed["traces"])
            stored = (read_part(self._staging.path_of("traces", part), columns_schema("traces", LOCATED)) for part in parts)
            self.locator = TraceLocator([*stored, *self._recent])
            self._recent = []
        return self.locator

    def declare_sizes(self, sizes: Mapping[str, DeclaredSize]) -> None:
        """Add declared sizes."""
        self._pending.declare(sizes)

    def replace_trace(self, trace_id: str, row: pa.Table, content_hash: bytes) -> tuple[str, int]:
        """Put another row in the place of a trace of the same id; what came with the old row goes with it."""
        located = self._located().find(trace_id)
        refuse_other_trace(trace_id, row, located)
        assert located is not None
        source_file, source_row, before = located
        self._removals.setdefault(trace_id, []).append(Removal(source_file, source_row, dict(self._staged_rows)))
        self._replacements[trace_id] = with_hashes(row, [content_hash])
        self._pending.replaced([before], [content_hash])
        self._located().replace(trace_id, (row["source_file"][0].as_py(), row["source_row"][0].as_py(), content_hash))
        return source_file, source_row

    def finish(self, entry: LedgerEntry) -> None:
        """Take the ledger entry, that the next manifest lists."""
        self._pending.finish(entry)

    def commit(self) -> Manifest:
        """Make everything visible at once."""
        if self._pending.entry is None:
            return self._manifest
        with translated(self._root):
            kept = self._replace() if self._removals else {}
            for table in self._staging.closed:
                self._merge_small(table, kept)
            changed = attrs.evolve(
                self._manifest,
                lanes=self._pending.lanes.digits,
                declared_sizes={**self._manifest.declared_sizes, **self._pending.new_sizes},
                files=(*self._manifest.files, self._pending.entry),
            )
            return self._staging.publish(changed, kept)

    def _replace(self) -> dict[str, tuple[Part, ...]]:
        """Leave removed rows out of the parts that hold them, then append the rows that replace them."""
        kept: dict[str, tuple[Part, ...]] = {}
        for table in ("traces", *CARRIED_TABLES):
            self._staging.close_part(table)
            staged = list(self._staging.closed[table])
            stored, gone = rewrite_parts(self._staging, table, self._manifest.of(table), self._removals, staged=False)
            self._staging.close_part(table)
            rewritten = self._staging.closed[table][len(staged) :]
            still_staged, also_gone = rewrite_parts(self._staging, table, staged, self._removals, staged=True)
            self._staging.close_part(table)
            rewritten += self._staging.closed[table][len(staged) + len(rewritten) :]
            self._staging.closed[table] = [*still_staged, *rewritten]
            kept[table] = tuple(stored)
            self._account(table, [*gone, *also_gone])
        for row in self._replacements.values():
            self._staging.write("traces", row)
        self._staging.close_part("traces")
        return kept

    def _account(self, table: str, gone: list[bytes]) -> None:
        if table in CARRIED_TABLES:
            if gone:
                self._pending.replaced(gone, [])
        elif len(gone) != len(self._removals):
            raise SafescaleError(f"{len(self._removals)} traces to be replaced, {len(gone)} found; report this")

    def _merge_small(self, table: str, kept: dict[str, tuple[Part, ...]]) -> None:
        """Merge small parts of a table into one (see ``mergeable``)."""
        self._staging.close_part(table)
        stored = kept.get(table, self._manifest.of(table))
        while small := mergeable((*stored, *self._staging.closed[table])):
            schema = part_schema(table)
            for part in small:
                for batch in part_batches(self._staging.path_of(table, part), schema, rows=16_384):
                    self._staging.write(table, pa.Table.from_batches([batch], schema=schema))
            self._staging.close_part(table)
            stored = tuple(part for part in stored if part not in small)
            self._staging.closed[table] = [part for part in self._staging.closed[table] if part not in small]
        kept[table] = stored
