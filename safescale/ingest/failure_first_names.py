"""What the name of a Failure-First file says about it: only what a documented pattern states, never a guess."""

from __future__ import annotations

import re
from typing import Final

import attrs

from safescale.ingest.bytes_in import without_compression

__all__ = ["FileNaming", "file_naming"]

_METADATA_FILES: Final = frozenset({"rate_limiter_usage.jsonl"})
_SNAPSHOT: Final = re.compile(r"\.snapshot_\d{4}-\d{2}-\d{2}\Z")
_GRADER: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._:+-]*[A-Za-z0-9])?"
_GRADED_BY: Final = re.compile(rf"\A.+_graded_by_(?P<grader>{_GRADER})\Z")
_XGRADER: Final = re.compile(rf"\A.+[._]xgrader_(?P<grader>{_GRADER})\Z")
_REGRADED: Final = re.compile(r"(?:\A|_)flip_regraded_(?P<date>\d{4}-\d{2}-\d{2})\Z")
_GRADED: Final = re.compile(r"(?:\A|_)flip_graded(?:_|\Z)|_graded\Z|\Agraded_|(?:\A|_)flip_regraded_")
_TRACES: Final = re.compile(r"(?:\A|_)traces\Z")


@attrs.frozen(kw_only=True)
class FileNaming:
    """
    What a file name states.

    Parameters
    ----------
    known : bool
        Whether the name follows a pattern of the corpus at all.
    metadata : bool
        The file holds no data (``rate_limiter_usage.jsonl``).
    grader : str, optional
        Grader, where the pattern has a place for one.
    rubric_version : str, optional
        ``regraded-<date>`` of a regrade.
    """

    known: bool = False
    metadata: bool = False
    grader: str | None = None
    rubric_version: str | None = None


def file_naming(name: str) -> FileNaming:
    """
    Read a file name (without its folders).

    ``{A}_graded_by_{B}``, ``{model}_xgrader_{grader}`` and ``{file}.xgrader_{grader}`` name a grader; a name in which such a
    marker stands twice, or is followed by nothing usable, names none.

    Examples
    --------
    >>> file_naming("gemma3-4b_graded_by_haiku-4.5.jsonl.gz").grader
    'haiku-4.5'
    >>> file_naming("qwen3-8b_flip_regraded_2026-04-25.jsonl").rubric_version
    'regraded-2026-04-25'
    >>> file_naming("notes_graded_byhand.jsonl")
    FileNaming(known=False, metadata=False, grader=None, rubric_version=None)
    """
    stem = without_compression(name)
    if stem.lower() in _METADATA_FILES:
        return FileNaming(known=True, metadata=True)
    snapshot = _SNAPSHOT.search(stem)
    stem = _SNAPSHOT.sub("", stem)
    if not stem.endswith(".jsonl") and ".jsonl.xgrader_" not in stem:
        return FileNaming()
    stem = stem.removesuffix(".jsonl").replace(".jsonl.xgrader_", ".xgrader_")
    markers = stem.count("_graded_by_") + len(re.findall(r"[._]xgrader_", stem))
    found = _GRADED_BY.match(stem) or _XGRADER.match(stem)
    if markers == 1 and found:
        return FileNaming(known=True, grader=found["grader"])
    if regraded := _REGRADED.search(stem):
        return FileNaming(known=True, rubric_version=f"regraded-{regraded['date']}")
    return FileNaming(known=bool(snapshot or _GRADED.search(stem) or _TRACES.search(stem)))
