"""The responses as a corpus: made anew from the runs whenever they changed, so that nothing of an earlier state is left in it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs

from safescale.errors import DataError
from safescale.generate import RunPlan
from safescale.ingest.run_lines import MANIFEST, part_paths
from safescale.ingest.session import Progress, ingest
from safescale.store import open_corpus
from safescale.store.files_hash import file_sha256, named_sha256
from safescale.store.json_file import write_json
from safescale.studies.running.generation import RUNS

__all__ = ["CORPUS", "TRACES", "Made", "graded_corpus", "trace_corpus"]

TRACES: Final = "responses.db"
CORPUS: Final = "corpus.db"
_PARTIAL: Final = ".partial-"


@attrs.frozen(kw_only=True)
class Made:
    """A corpus that is there, and whether it was made by this call."""

    path: Path
    fingerprint: str
    traces: int
    new: bool


def trace_corpus(out: Path, plans: Sequence[RunPlan], *, progress: Progress | None = None) -> Made:
    """
    The corpus of the responses of these runs, without grades (``out/responses.db``).

    It is made aside and moved into its place, and made again when a run's lines changed: a fault that was asked again leaves no
    trace.

    Raises
    ------
    DataError
        When no response is there, or it cannot be written.
    """
    folders = [out / RUNS / plan.run_id for plan in plans if part_paths(out / RUNS / plan.run_id)]
    if not folders:
        raise DataError("no model gave a response, so there is nothing to grade", file=str(out / RUNS))
    return _made(out / TRACES, _state([path for folder in folders for path in _files(folder)], out), folders, None, progress)


def graded_corpus(out: Path, traces: Made, grades: Sequence[Path], *, progress: Progress | None = None) -> Made:
    """
    The corpus with its grades (``out/corpus.db``): a copy of the responses into which the grades files are taken.

    Raises
    ------
    DataError
        When it cannot be written.
    """
    state = hashlib.sha256(f"{traces.fingerprint}\n{_state(grades, out)}".encode()).hexdigest()
    return _made(out / CORPUS, state, list(grades), traces.path, progress)


def _made(path: Path, state: str, sources: list[Path], base: Path | None, progress: Progress | None) -> Made:
    note = path.with_suffix(".json")
    there = _noted(note)
    if there is not None and there[0] == state and path.is_file() and path.stat().st_size == there[3]:
        return Made(path=path, fingerprint=there[1], traces=there[2], new=False)
    aside = path.with_name(f"{_PARTIAL}{path.name}")
    _remove(aside)
    try:
        if base is not None:
            shutil.copyfile(base, aside)
        with contextlib.closing(open_corpus(aside, create=True)) as corpus:
            report = ingest(sources, corpus, progress=progress)
            fingerprint, traces = corpus.fingerprint(), corpus.count("traces")
        rejected = sum(len(file.rejects) for file in report.files)
        if rejected:
            first = next((file, reject) for file in report.files for reject in file.rejects)
            raise DataError(
                f"{rejected:,} rows of this experiment's own files cannot be taken; mend or remove the file, then run again",
                file=first[0].file,
                row=first[1].row or None,
                column=first[1].column,
                expected=first[1].expected,
                got=first[1].got,
            )
        _whole(aside)
        note.unlink(missing_ok=True)
        os.replace(aside, path)
        write_json(note, {"state": state, "fingerprint": fingerprint, "traces": traces, "bytes": path.stat().st_size})
    except OSError as error:
        raise DataError(
            f"the corpus cannot be written ({error.strerror}); free some space and run again", file=str(path)
        ) from error
    finally:
        _remove(aside)
    return Made(path=path, fingerprint=fingerprint, traces=traces, new=True)


def _files(folder: Path) -> list[Path]:
    return [folder / MANIFEST, *part_paths(folder)]


def _state(files: Sequence[Path], out: Path) -> str:
    """Hash over names and bytes of what a corpus is made of (of a manifest only what a corpus takes from it)."""
    return named_sha256((file.relative_to(out).as_posix(), _held(file)) for file in files)


def _held(file: Path) -> str:
    if file.name != MANIFEST:
        return file_sha256(file)
    found = json.loads(file.read_bytes())
    return hashlib.sha256(json.dumps([found.get("record"), found.get("model")], sort_keys=True).encode()).hexdigest()


def _noted(note: Path) -> tuple[str, str, int, int] | None:
    try:
        found = json.loads(note.read_bytes())
        return str(found["state"]), str(found["fingerprint"]), int(found["traces"]), int(found["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _whole(aside: Path) -> None:
    """
    Refuse a closed corpus of which a part is still in its ``-wal`` file: SQLite says nothing when the disk is too full to move it.

    Raises
    ------
    OSError
        Of a full disk.
    """
    wal = aside.with_name(f"{aside.name}-wal")
    if wal.exists() and wal.stat().st_size > 0:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(aside))


def _remove(aside: Path) -> None:
    """A corpus that a kill left half made, with what SQLite put beside it."""
    for path in aside.parent.glob(f"{aside.name}*"):
        path.unlink(missing_ok=True)
