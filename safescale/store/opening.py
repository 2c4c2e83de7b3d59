"""One door to both forms of a corpus: the suffix chooses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from safescale.errors import DataError
from safescale.store.base import Corpus
from safescale.store.parquet import ParquetCorpus
from safescale.store.parquet_manifest import MANIFEST
from safescale.store.sqlite import SqliteCorpus

__all__ = ["SQLITE_SUFFIXES", "is_corpus", "open_corpus"]

SQLITE_SUFFIXES: Final = (".db", ".sqlite", ".sqlite3")


def open_corpus(path: str | os.PathLike[str], *, create: bool = False) -> Corpus:
    """
    Open a corpus.

    The rule: an existing folder, a name without suffix or with a slash at its end, and ``.parquet`` are the Parquet form;
    ``.db``, ``.sqlite`` and ``.sqlite3`` are the SQLite form; any other suffix is refused.

    Parameters
    ----------
    path : path
        File or folder of the corpus.
    create : bool, default False
        Open for writing, and make the corpus when it is missing. One process at a time may do so. Without it, the corpus shows
        the state at opening, and nothing on disk is created or changed (a read-only folder will do).

    Returns
    -------
    Corpus
        To be closed after use (``contextlib.closing``).

    Raises
    ------
    DataError
        When there is no corpus, when it is something else, or when another process is writing to it.
    """
    where = Path(path)
    is_sqlite = _is_sqlite_form(where, ends_with_slash=os.fspath(path).endswith(("/", os.sep)))
    if not create and not where.exists():
        raise DataError("there is no corpus here: make one with: safescale ingest PATH... --into CORPUS", file=str(where))
    if not is_sqlite and where.is_file():
        raise DataError(
            f"this is a file, and a corpus of that name would be a folder: take its rows into a corpus with: "
            f"safescale ingest {where} --into corpus.db",
            file=str(where),
        )
    if create and not where.parent.is_dir() and is_sqlite:
        raise DataError(f"the folder {where.parent} does not exist: make it first", file=str(where))
    return SqliteCorpus(where, create=create) if is_sqlite else ParquetCorpus(where, create=create)


def _is_sqlite_form(path: Path, *, ends_with_slash: bool) -> bool:
    if path.is_dir() or ends_with_slash:
        return False
    suffix = path.suffix.lower()
    if suffix in SQLITE_SUFFIXES:
        return True
    if suffix in ("", ".parquet"):
        return False
    raise DataError(
        f"{suffix!r} is not the suffix of a corpus: use .db, .sqlite or .sqlite3 (one SQLite file), or a folder "
        f"(Parquet); logs are taken in with: safescale ingest {path} --into corpus.db",
        file=str(path),
    )


def is_corpus(path: str | os.PathLike[str]) -> bool:
    """Whether there is a corpus that ``open_corpus`` can read."""
    where = Path(path)
    looks_like_one = (where / MANIFEST).is_file() or (where.is_file() and where.suffix.lower() in SQLITE_SUFFIXES)
    if not looks_like_one:
        return False
    try:
        open_corpus(path).close()
    except DataError:
        return False
    return True
