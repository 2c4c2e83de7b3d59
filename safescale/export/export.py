"""One call: a corpus to files in another form."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from safescale.errors import DataError, DomainError
from safescale.export.every_eval_ever import write_every_eval_ever
from safescale.export.flat import write_csv, write_jsonl, write_parquet
from safescale.export.hugging_face import write_hf_dataset
from safescale.export.inspect_scores import write_inspect_scores
from safescale.export.placing import check_place, move_in, staged
from safescale.export.result import FOLDERS, ExportedFile, ExportKind, ExportRequest, ExportResult, Progress, Written
from safescale.store.base import Corpus

__all__ = ["export_corpus"]

_WRITERS: Final[dict[ExportKind, Callable[[ExportRequest, Path], Written]]] = {
    ExportKind.PARQUET: write_parquet,
    ExportKind.CSV: write_csv,
    ExportKind.JSONL: write_jsonl,
    ExportKind.EVERY_EVAL_EVER: write_every_eval_ever,
    ExportKind.INSPECT_SCORES: write_inspect_scores,
    ExportKind.HF_DATASET: write_hf_dataset,
}
_LICENCE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")


def export_corpus(
    corpus: Corpus,
    into: Path,
    kind: ExportKind,
    *,
    graders: Sequence[str] = (),
    with_text: bool = False,
    licence: str = "unknown",
    name: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ExportResult:
    """
    Write a corpus in another form.

    Parameters
    ----------
    corpus : Corpus
        What is exported.
    into : Path
        The file, or for the kinds in ``FOLDERS`` the folder.
    kind : ExportKind
        The form.
    graders : sequence of str
        Grader ids; only their grades are exported. Default: all.
    with_text : bool, default False
        Include prompts and responses. Without it hashes and lengths stay, of benign prompts too.
    licence : str, default "unknown"
        Licence identifier for the card of a dataset.
    name : str, optional
        What the collection is called; default: the name of the corpus's file.
    overwrite : bool, default False
        Replace a file. A folder is replaced when it is an earlier export, never otherwise.
    progress : callable, optional
        Told of the traces done.

    Returns
    -------
    ExportResult
        Files, rows and bytes, and what was left out.

    Raises
    ------
    DataError
        When the place holds something else, or nothing can be written.
    DomainError
        For a grader that the corpus does not have, or a licence that is no identifier.
    """
    if not _LICENCE.fullmatch(licence):
        raise DomainError(f"the licence is an identifier such as cc-by-4.0, mit or unknown, got {licence!r}")
    _check_graders(corpus, graders)
    is_folder = kind in FOLDERS
    check_place(into, folder=is_folder, overwrite=overwrite)
    request = ExportRequest(
        corpus=corpus,
        graders=frozenset(graders),
        with_text=with_text,
        name=name or corpus.path.name.partition(".")[0] or "corpus",
        licence=licence,
        created_unix_s=int(time.time()),
        progress=progress or _silent,
    )
    with staged(into, folder=is_folder) as place:
        written = _WRITERS[kind](request, place)
        files = tuple(
            ExportedFile(
                path=path.relative_to(place).as_posix() if is_folder else into.name, rows=rows, size_bytes=path.stat().st_size
            )
            for path, rows in written.rows.items()
        )
        if not files:
            raise DataError("there is nothing to export in this form: no grade of this corpus is a verdict", file=str(corpus.path))
        move_in(place, into)
    return ExportResult(
        kind=kind,
        into=into,
        fingerprint=corpus.fingerprint(),
        graders=tuple(graders),
        with_text=with_text,
        files=tuple(sorted(files, key=lambda file: file.path)),
        left_out={words: count for words, count in written.left_out.items() if count},
        notes=tuple(written.notes),
    )


def _check_graders(corpus: Corpus, graders: Sequence[str]) -> None:
    known = sorted(corpus.read("graders", ["grader_id"])["grader_id"].to_pylist())
    for grader in graders:
        if grader not in known:
            near = difflib.get_close_matches(grader, known, n=3, cutoff=0.3) or known[:5]
            raise DomainError(f"no grader of this corpus is called {grader!r}; such as {', '.join(near) or 'none at all'}")


def _silent(_: int) -> None:
    pass
