"""Which adapter reads a file, and which files of a folder are data."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import attrs

from safescale.errors import DataError
from safescale.ingest.batch import Adapter, Options, Probe
from safescale.ingest.bytes_in import head_bytes, without_compression

__all__ = ["FoundFile", "adapters", "choose_adapter", "found_files", "named_adapter", "our_adapters", "require_paths"]

ENTRY_POINTS: Final = "safescale.adapters"
"""Entry-point group for adapters of other packages: each a callable without arguments that gives an Adapter."""

_OURS: Final = (
    "canonical:Canonical",
    "safescale_run:SafescaleRun",
    "grade_lines:GradeLines",
    "jailbreak_db:JailbreakDb",
    "inspect_log:InspectLog",
    "jailbreakbench:JailbreakBench",
    "refusal_direction:RefusalDirection",
    "garak:Garak",
    "lm_eval:LmEval",
    "harmbench:HarmBench",
    "promptfoo:Promptfoo",
    "pyrit_db:PyritDb",
    "tamperbench:TamperBench",
    "easyjailbreak:EasyJailbreak",
    "xstest:XsTest",
    "speechmap:SpeechMap",
    "every_eval_ever:EveryEvalEver",
    "helm:Helm",
    "failure_first:FailureFirst",
    "no_data:NoData",
    "mapped:Mapped",
)
"""Our adapters in order of detection: those that know their format by a mark that no other has stand first."""

MAP_TELLS_POLARITY: Final = ("inspect", "every-eval-ever", "garak", "lm-eval", "promptfoo", "pyrit", "tamperbench")
"""Formats of which a column map says what named scorers mean (``scorers: ...``); any other file with a map is read by the map."""

_DATA_SUFFIXES: Final = (".jsonl", ".json", ".csv", ".parquet", ".db", ".sqlite", ".sqlite3", ".eval", ".ndjson")


@functools.cache
def adapters() -> dict[str, Adapter]:
    """Every adapter by name: ours in order of detection, then those of other packages."""
    found = our_adapters()
    for point in entry_points(group=ENTRY_POINTS):
        other: Adapter = point.load()()
        found.setdefault(other.name, other)
    return found


def our_adapters() -> dict[str, Adapter]:
    """The adapters of this package by name, in order of detection."""
    found: dict[str, Adapter] = {}
    for home in _OURS:
        module, _, name = home.partition(":")
        adapter: Adapter = getattr(importlib.import_module(f"safescale.ingest.{module}"), name)()
        found[adapter.name] = adapter
    return found


def choose_adapter(path: Path, options: Options, *, name: str | None = None) -> Adapter | None:
    """
    The adapter that was named; else, with a column map, the mapped one (but a file of ``MAP_TELLS_POLARITY`` is read as what it
    is: its map tells polarities); else the first that recognises the file; else None.

    Raises
    ------
    DataError
        When ``name`` is not an adapter.
    """
    if name is not None:
        return named_adapter(name)
    known = adapters()
    probe = Probe(path=path, head=head_bytes(path))
    if options.column_map is not None:
        return next((known[name] for name in MAP_TELLS_POLARITY if known[name].recognises(probe)), known["mapped"])
    return next((a for a in known.values() if a.name != "mapped" and a.recognises(probe)), None)


def named_adapter(name: str) -> Adapter:
    """
    The adapter of this name.

    Raises
    ------
    DataError
        When there is none.
    """
    known = adapters()
    name = name if name in known else name.replace("_", "-")  # as tools spell themselves: lm_eval, refusal_direction
    if name not in known:
        raise DataError(f"no format is called {name!r}; known formats: {', '.join(known)}")
    return known[name]


def require_paths(paths: Sequence[Path]) -> None:
    """
    Refuse paths that do not exist, before anything is made.

    Raises
    ------
    DataError
        Naming the first of them.
    """
    for path in paths:
        if not os.path.lexists(path):
            raise DataError("there is no such file or folder; check the path", file=str(path))


@attrs.frozen
class FoundFile:
    """What a path leads to: a file, or (with the reason in ``closed``) a folder that cannot be read."""

    path: Path
    is_data: bool = True
    """Whether it is to be read: a file that was named, or one in a folder with the suffix of a data format."""
    closed: str | None = None


def found_files(paths: Sequence[Path]) -> Iterator[FoundFile]:
    """
    Files and folders behind paths.

    A folder is walked in sorted order (links to folders are not followed); only names with the suffix of a data format are data,
    also under ``.gz``, ``.zst``, ``.snapshot_DATE`` or ``.xgrader_NAME``. A file that is named always is.

    Raises
    ------
    DataError
        When a path does not exist.
    """
    for path in paths:
        if path.is_dir():
            closed: list[OSError] = []
            for folder, folders, names in os.walk(path, onerror=closed.append):
                folders[:] = sorted(f for f in folders if not f.startswith("."))
                for name in sorted(names):
                    if not name.startswith("."):
                        yield FoundFile(Path(folder) / name, is_data=_is_data(name))
            for error in closed:
                yield FoundFile(Path(error.filename), closed=str(error.strerror))
        else:
            require_paths([path])
            yield FoundFile(path)


def _is_data(name: str) -> bool:
    lowered = without_compression(name.lower())
    for mark in (".snapshot_", ".xgrader_"):
        lowered, _, _ = lowered.partition(mark)
    return lowered.endswith(_DATA_SUFFIXES)
