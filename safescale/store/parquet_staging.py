"""Writing to the Parquet form: aside first, then into place, then visible by replacing the manifest."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import attrs
import pyarrow as pa

from safescale.errors import DataError
from safescale.store.base import TABLES
from safescale.store.parquet_manifest import MANIFEST, SCHEMA_VERSION, Manifest, Part, fsync_path, load_manifest, write_manifest
from safescale.store.parquet_parts import PartWriter, part_schema

__all__ = ["STAGING", "Staging", "sweep", "translated"]

STAGING: Final = ".staging"


@contextlib.contextmanager
def translated(root: Path) -> Iterator[None]:
    """Turn a failure to write into DataError with the next step."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise DataError(
            f"the corpus could not be written ({error}): free some space or check the permissions, then run again; "
            "the corpus is as it was before",
            file=str(root),
        ) from error


class Staging:
    """
    Parts on their way into the corpus. Leaving the context without ``publish`` removes them.

    Parameters
    ----------
    root : Path
        Folder of the corpus.
    manifest : Manifest
        The corpus as it is.
    """

    def __init__(self, root: Path, manifest: Manifest) -> None:
        self.root = root
        self._manifest = manifest
        self._folder = root / STAGING
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="safescale-parquet")
        self._open: dict[str, PartWriter] = {}
        self._next = manifest.next_part
        self.closed: dict[str, list[Part]] = {table: [] for table in (*TABLES, "same_traces")}

    def write(self, table: str, rows: pa.Table) -> None:
        """Append rows to the open part of a table."""
        if not rows.num_rows:
            return
        if table not in self._open:
            self._open[table] = self._new_part(table)
        self._open[table].write(rows)
        if self._open[table].is_full:
            self.close_part(table)

    def _new_part(self, table: str) -> PartWriter:
        folder = self._folder / table
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self._next:06d}.parquet"
        self._next += 1
        return PartWriter(path, part_schema(table), self._pool)

    def close_part(self, table: str) -> None:
        """Finish the open part of a table, so that it can be read."""
        if table in self._open:
            part = self._open[table].close()
            del self._open[table]
            self.closed[table].append(part)

    def path_of(self, table: str, part: Part) -> Path:
        """Where a part is now: aside when it is new."""
        return (self._folder if part in self.closed[table] else self.root) / table / part.name

    def publish(self, manifest: Manifest, kept: Mapping[str, tuple[Part, ...]]) -> Manifest:
        """
        Move the new parts into place and make them visible, all at once.

        Parameters
        ----------
        manifest : Manifest
            The new state, but for the parts.
        kept : mapping of table to parts
            The parts that stay, of each table that changes; the closed parts come after them.
        """
        for table in list(self._open):
            self.close_part(table)
        for table, parts in self.closed.items():
            if parts:
                (self.root / table).mkdir(exist_ok=True)
                for part in parts:
                    os.rename(self._folder / table / part.name, self.root / table / part.name)
                fsync_path(self.root / table)
        listed = dict(self._manifest.parts)
        for table, new in self.closed.items():
            listed[table] = (*kept.get(table, self._manifest.of(table)), *new)
        published = attrs.evolve(
            manifest, schema_version=SCHEMA_VERSION, parts={t: p for t, p in listed.items() if p}, next_part=self._next
        )
        write_manifest(self.root, published)
        return published

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        for writer in self._open.values():
            writer.abandon()
        self._pool.shutdown()
        shutil.rmtree(self._folder, ignore_errors=True)
        if kind is not None:
            sweep(self.root, load_manifest(self.root))


def sweep(root: Path, manifest: Manifest) -> None:
    """Remove what an interrupted writer left behind: staged files, and parts that the manifest does not list."""
    shutil.rmtree(root / STAGING, ignore_errors=True)
    (root / f"{MANIFEST}.tmp").unlink(missing_ok=True)
    for table in (*TABLES, "same_traces"):
        listed = {part.name for part in manifest.of(table)}
        for path in (root / table).glob("*.parquet"):
            if path.name not in listed:
                path.unlink(missing_ok=True)
