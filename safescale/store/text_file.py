"""A text file that is replaced as a whole."""

from __future__ import annotations

import os
from pathlib import Path

from safescale.store.parquet_manifest import fsync_path

__all__ = ["write_text"]


def write_text(path: Path, text: str) -> None:
    """Replace a file: readers find the old one or the new one, whole, also after a loss of power."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)
    fsync_path(path.parent)
