"""The corpus on disk: one SQLite file, or a folder of Parquet parts, with the same tables and the same fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safescale.store.base import TABLES, Corpus, FileTransaction, LedgerEntry
    from safescale.store.opening import is_corpus, open_corpus
    from safescale.store.verification import Verification, recompute_fingerprint, verify

__all__ = [
    "TABLES",
    "Corpus",
    "FileTransaction",
    "LedgerEntry",
    "Verification",
    "is_corpus",
    "open_corpus",
    "recompute_fingerprint",
    "verify",
]

_HOMES = {
    **dict.fromkeys(("TABLES", "Corpus", "FileTransaction", "LedgerEntry"), "base"),
    **dict.fromkeys(("is_corpus", "open_corpus"), "opening"),
    **dict.fromkeys(("Verification", "recompute_fingerprint", "verify"), "verification"),
}


def __getattr__(name: str) -> Any:
    # at first use: ``safescale --help`` needs neither SQLite nor Parquet
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
