"""A corpus in the forms of other tools; texts are left out unless asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safescale.export.export import export_corpus
    from safescale.export.result import ExportedFile, ExportKind, ExportResult

__all__ = ["ExportKind", "ExportResult", "ExportedFile", "export_corpus"]

_HOMES = {"export_corpus": "export", **dict.fromkeys(("ExportKind", "ExportResult", "ExportedFile"), "result")}


def __getattr__(name: str) -> Any:
    # at first use: ``safescale --help`` needs no Parquet
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
