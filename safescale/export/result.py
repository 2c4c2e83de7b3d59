"""What an export wrote, and what it left out."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from safescale.store.base import Corpus

__all__ = ["FOLDERS", "ExportKind", "ExportRequest", "ExportResult", "ExportedFile", "Progress", "Written"]

Progress = Callable[[int], None]
"""Called with the number of traces done since the last call."""


class ExportKind(enum.StrEnum):
    """Form of an export."""

    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"
    EVERY_EVAL_EVER = "every-eval-ever"
    INSPECT_SCORES = "inspect-scores"
    HF_DATASET = "hf-dataset"


FOLDERS: Final = frozenset({ExportKind.EVERY_EVAL_EVER, ExportKind.INSPECT_SCORES, ExportKind.HF_DATASET})
"""Kinds that are a folder; the others are one file."""


@attrs.frozen(kw_only=True)
class ExportedFile:
    """One file: its path under the place of the export, its rows (None for a file that is no table), its bytes."""

    path: str
    rows: int | None
    size_bytes: int


@attrs.frozen(kw_only=True)
class ExportRequest:
    """
    What is exported, and how; ``graders`` empty means all.

    ``name`` is what the export is called in its own words (a card), ``licence`` an identifier.
    """

    corpus: Corpus
    graders: frozenset[str]
    with_text: bool
    name: str
    licence: str
    created_unix_s: int
    progress: Progress


@attrs.frozen(kw_only=True)
class ExportResult:
    """
    An export.

    ``left_out`` counts, in words, what the corpus has and this form does not; ``texts`` is how many texts of traces it holds.
    """

    kind: ExportKind
    into: Path
    fingerprint: str
    graders: tuple[str, ...]
    with_text: bool
    files: tuple[ExportedFile, ...]
    left_out: Mapping[str, int]
    notes: tuple[str, ...]

    @property
    def rows(self) -> int:
        """Rows over all tables."""
        return sum(file.rows or 0 for file in self.files)

    @property
    def size_bytes(self) -> int:
        """Bytes over all files."""
        return sum(file.size_bytes for file in self.files)


@attrs.frozen(kw_only=True)
class Written:
    """What one writer did: rows by file under the staged place, what it left out, what is to be known."""

    rows: Mapping[Path, int | None]
    left_out: Mapping[str, int] = attrs.field(factory=dict)
    notes: Iterable[str] = ()
