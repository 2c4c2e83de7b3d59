"""The manifest of the Parquet form: the one file that says what the corpus holds."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import attrs
import msgspec

from safescale.errors import DataError
from safescale.store.base import DeclaredSize, LedgerEntry
from safescale.store.fingerprint import Lanes

__all__ = ["FORMAT", "MANIFEST", "SCHEMA_VERSION", "Manifest", "Part", "fsync_path", "load_manifest", "write_manifest"]

FORMAT: Final = "safescale corpus"
SCHEMA_VERSION: Final = 2
"""2: a grade has a probability of each class. An older safescale would drop them when it writes parts anew, so it is refused."""
MANIFEST: Final = "manifest.json"


@attrs.frozen(kw_only=True)
class Part:
    """One immutable Parquet file. ``lanes`` is the sum of its content hashes (32 hex digits)."""

    name: str
    rows: int
    size_bytes: int
    lanes: str


@attrs.frozen(kw_only=True)
class Manifest:
    """What the corpus holds; a file that is not listed here is not part of it."""

    format: str = FORMAT
    schema_version: int = SCHEMA_VERSION
    lanes: str = Lanes().digits
    next_part: int = 1
    parts: dict[str, tuple[Part, ...]] = attrs.field(factory=dict)
    declared_sizes: dict[str, DeclaredSize] = attrs.field(factory=dict)
    files: tuple[LedgerEntry, ...] = ()

    def of(self, table: str) -> tuple[Part, ...]:
        """Parts of a table."""
        return self.parts.get(table, ())


def load_manifest(root: Path) -> Manifest:
    """
    Read the manifest of a folder.

    Raises
    ------
    DataError
        When there is none, when it is damaged, or when a newer safescale wrote it.
    """
    path = root / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise DataError(
            "this folder is not a safescale corpus (it has no manifest.json): "
            f"if it holds logs, take them into one with: safescale ingest {root} --into corpus.db",
            file=str(root),
        ) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(
            f"manifest.json is not that of a safescale corpus ({error}): name another folder", file=str(path)
        ) from error
    except OSError as error:
        raise DataError(f"manifest.json cannot be read ({error.strerror}): check its permissions", file=str(path)) from error
    if manifest.format != FORMAT:
        raise DataError("manifest.json is not that of a safescale corpus: name another folder", file=str(path))
    if manifest.schema_version > SCHEMA_VERSION:
        raise DataError(
            f"this corpus was written by a newer safescale (schema {manifest.schema_version}, "
            f"this one reads up to {SCHEMA_VERSION}): upgrade safescale",
            file=str(path),
        )
    return manifest


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Replace the manifest: readers find the old one or the new one, whole, also after a loss of power."""
    temporary = root / f"{MANIFEST}.tmp"
    with temporary.open("wb") as stream:
        stream.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, root / MANIFEST)
    fsync_path(root)


def fsync_path(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    with contextlib.suppress(PermissionError):  # Windows cannot open a folder
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
