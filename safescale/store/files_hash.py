"""One hash over several files: their names and their bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

__all__ = ["file_sha256", "folder_sha256", "named_sha256"]


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def named_sha256(hashes: Iterable[tuple[str, str]]) -> str:
    """SHA-256 (hex) over names and the hashes of what they name, in the order given."""
    digest = hashlib.sha256()
    for name, inner in hashes:
        digest.update(f"{name}\0{inner}\n".encode())
    return digest.hexdigest()


def folder_sha256(folder: Path) -> str:
    """SHA-256 (hex) over names and bytes of all files of a folder, in the order of their paths."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return named_sha256((path.relative_to(folder).as_posix(), file_sha256(path)) for path in files)
