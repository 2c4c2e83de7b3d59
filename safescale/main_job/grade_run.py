"""Grade a corpus or logs, and take the grades into the corpus as any file of grades is taken."""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from safescale.errors import DomainError
from safescale.grade.grader import Grader
from safescale.grade.run import GradingRun, grade_corpus
from safescale.ingest.grade_lines import SUFFIX
from safescale.ingest.outcome import IngestReport
from safescale.ingest.session import Progress, ingest
from safescale.main_job.asked import Input
from safescale.main_job.reading import opened
from safescale.store import is_corpus, open_corpus

__all__ = ["Graded", "grade_run"]

Rows = Callable[[str, int], contextlib.AbstractContextManager[Callable[[int], None] | None]]
"""Opens a progress bar of so many rows."""


@attrs.frozen(kw_only=True)
class Graded:
    """What came of grading, and of taking the grades into the corpus (``taken_in`` is None where that was not wanted)."""

    run: GradingRun
    cache: Path
    corpus: Path | None
    taken_in: IngestReport | None


def grade_run(
    source: Input,
    graders: Sequence[Grader],
    *,
    into: Path | None = None,
    cache: Path | None = None,
    batch_size: int | None = None,
    limit: int | None = None,
    import_grades: bool = True,
    reading: Progress | None = None,
    grading: Rows | None = None,
) -> Graded:
    """
    Grade every response of a corpus, or of logs.

    Parameters
    ----------
    source : Input
        A corpus, or logs (a finished run of ``safescale generate`` among them).
    graders : sequence of Grader
        At least one.
    into : Path, optional
        The grades file. Default: beside the corpus, named for it and its graders.
    cache : Path, optional
        Folder of judgements. Default: beside the corpus, ``NAME.judgements``.
    batch_size, limit : int
        As ``grade_corpus`` takes them.
    import_grades : bool, default True
        Whether the grades are taken into the corpus (of logs there is none).
    reading, grading : callable, optional
        Progress of reading logs (bytes) and of grading (traces).

    Raises
    ------
    GradingError, DataError, DomainError
        As ``grade_corpus`` and ``opened`` raise them; and when nothing is named to be graded.
    """
    if not source.paths:
        raise DomainError("nothing is named to be graded: give a corpus, or logs")
    first = source.paths[0]
    place = Path(str(first).rstrip("/"))
    file = into or place.with_name(f"{_stem(place)}-{_words(graders)}{SUFFIX}")
    folder = cache or place.with_name(f"{place.name}.judgements")
    with (
        tempfile.TemporaryDirectory(prefix="safescale-") as scratch,
        opened(source, Path(scratch), progress=reading) as (corpus, _),
        (grading or _silent)("grade", corpus.count("traces") * len(graders)) as progress,
    ):
        run = grade_corpus(corpus, graders, into=file, cache=folder, batch_size=batch_size, limit=limit, progress=progress)
    stored = first if is_corpus(first) else None
    taken_in = None
    if stored is not None and import_grades:
        with contextlib.closing(open_corpus(stored, create=True)) as writable:
            taken_in = ingest([file], writable)
    return Graded(run=run, cache=folder, corpus=stored, taken_in=taken_in)


def _silent(label: str, total: int) -> contextlib.AbstractContextManager[Callable[[int], None] | None]:
    return contextlib.nullcontext(None)


def _stem(path: Path) -> str:
    """The name without what only says which form it is."""
    name = path.name or "grades"
    return name.split(".", 1)[0] or name


def _words(graders: Sequence[Grader]) -> str:
    """The graders in a file's name; a hash where they are too many for one."""
    ids = [grader.facts.grader_id for grader in graders]
    words = "+".join(re.sub(r"[^A-Za-z0-9._-]+", "-", grader_id).strip("-.") for grader_id in ids)
    return words if len(words) <= 120 else f"{len(ids)}-graders-{hashlib.sha256(words.encode()).hexdigest()[:8]}"
