"""An Inspect log from disk: its header, and its samples one after the other as plain JSON values."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from safescale.errors import MissingBackend
from safescale.ingest.json_input import DOCUMENT_BYTES, json_document
from safescale.records.fates import RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["Log", "open_log"]

_UNUSED = {"events", "store", "events_data", "timelines"}
"""Parts of a sample that no record needs; the events can be most of a log."""


@attrs.frozen
class Log:
    """The header of a log (``eval``, ``results``, ...), its samples, and its size in bytes."""

    header: dict[str, Any]
    samples: Iterator[Any]
    size_bytes: int


def open_log(path: Path) -> Log | RejectedRow:
    """
    Open a ``.json`` log with the standard library, an ``.eval`` log through the extra ``inspect``.

    A file that is no log is a reject of row 0.

    Raises
    ------
    MissingBackend
        For an ``.eval`` log without inspect_ai.
    """
    return _open_eval(path) if path.suffix == ".eval" else _open_json(path)


def _open_json(path: Path) -> Log | RejectedRow:
    def refuse(code: RejectCode, expected: str, got: object) -> RejectedRow:
        return RejectedRow.of(0, code, expected=expected, got=got)

    log = json_document(path)
    if isinstance(log, RejectedRow):
        return log
    if not isinstance(log, dict) or not isinstance(log.get("eval"), dict):
        return refuse(RejectCode.UNKNOWN_FORMAT, "an Inspect log: an object with 'eval'", type(log).__name__)
    samples = log.pop("samples", None) or []
    if not isinstance(samples, list):
        return refuse(RejectCode.WRONG_TYPE, "a list of samples", type(samples).__name__)
    return Log(log, iter(samples), path.stat().st_size)


def _open_eval(path: Path) -> Log | RejectedRow:
    with _quiet():
        try:
            from inspect_ai.log import read_eval_log
        except ImportError as error:
            raise MissingBackend("inspect_ai", "inspect") from error
        oversized = _oversized(path)
        if oversized is not None:
            return oversized
        try:
            header = read_eval_log(str(path), header_only=True).model_dump(mode="json")
        except Exception as error:  # the reader's own zip, zstd, JSON and validation errors have no common base
            return RejectedRow.of(0, RejectCode.UNREADABLE, expected="an Inspect .eval log", got=str(error))
    return Log(header, _eval_samples(path), path.stat().st_size)


def _oversized(path: Path) -> RejectedRow | None:
    """
    Why an ``.eval`` archive is not opened at all: a member that would unpack to more than a document may be.

    Only the directory of the archive is read. Members are read by the names that inspect_ai writes, and nothing is unpacked to
    disk, so what the names of other members say does not matter.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            largest = max((member.file_size for member in archive.infolist()), default=0)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None  # inspect_ai says what is wrong with it
    if largest <= DOCUMENT_BYTES:
        return None
    expected = f"members of at most {DOCUMENT_BYTES:,} bytes"
    return RejectedRow.of(0, RejectCode.UNREADABLE, expected=expected, got=f"one of {largest:,} bytes")


def _eval_samples(path: Path) -> Iterator[Any]:
    """Samples in the order of the log; one that cannot be read is given as the exception."""
    from inspect_ai.log import read_eval_log_sample, read_eval_log_sample_summaries

    with _quiet():
        try:
            summaries = read_eval_log_sample_summaries(str(path))
        except Exception as error:
            unreadable: Exception | None = error
        else:
            unreadable = None
    if unreadable is not None:
        yield unreadable
        return
    for summary in summaries:
        with _quiet():
            try:
                sample = read_eval_log_sample(str(path), id=summary.id, epoch=summary.epoch)
                value: Any = sample.model_dump(mode="json", exclude=_UNUSED)
            except Exception as error:
                value = error
        yield value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what other packages' entry points say while a log is read from the user's terminal."""
    level = logging.root.manager.disable
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(level)
