"""A grades file (``*.grades.jsonl``): a first line that says what its graders' labels mean, then one grade a line."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import msgspec

from safescale._version import __version__
from safescale.errors import GradingError
from safescale.grade.grader import GraderFacts, Judgement
from safescale.ingest.batch import grader_row
from safescale.ingest.grade_lines import FORMAT_VERSION, HEADER_START, MARK
from safescale.records.models import PROBABILITIES

__all__ = ["GradesFile"]

_ENCODER: Final = msgspec.json.Encoder()
TARGET: Final = "text"


class GradesFile:
    """
    Grades on their way to the disk: the file appears whole with ``commit``, or not at all.

    Parameters
    ----------
    path : Path
        Where it will be.
    graders : sequence of GraderFacts
        What their labels mean.
    fingerprint : str
        Of the corpus that was graded.

    Raises
    ------
    GradingError
        When it cannot be written, or something else than grades stands there.
    """

    def __init__(self, path: Path, graders: Sequence[GraderFacts], *, fingerprint: str) -> None:
        self.path = path
        self._aside = path.with_name(f".{path.name}.tmp")
        self._header = {
            MARK: FORMAT_VERSION,
            "safescale": __version__,
            "graded": fingerprint,
            "graders": [grader_row(f.grader_id, f.kind, f.outcome_map, f.hallucination_refusal) for f in graders],
        }

    def __enter__(self) -> Self:
        try:
            if self.path.exists() and not _holds_grades(self.path):
                raise GradingError(f"{self.path} is there and holds no grades; it is not replaced: name another file with --into")
            self.stream: BinaryIO = self._aside.open("wb")
            self.stream.write(_ENCODER.encode(self._header) + b"\n")
        except OSError as error:
            raise self._failed(error) from error
        return self

    def commit(self) -> None:
        """Put the file into its place."""
        try:
            self.stream.flush()
            os.fsync(self.stream.fileno())
            self.stream.close()
            os.replace(self._aside, self.path)
        except OSError as error:
            raise self._failed(error) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with contextlib.suppress(OSError):  # after a full disk: the first failure is the one to tell
            self.stream.close()
        self._aside.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> GradingError:
        step = "free some space, or name another file with --into, and run again: what was judged is kept"
        return GradingError(f"the grades cannot be written to {self.path} ({error.strerror}); {step}")

    @staticmethod
    def lines_of(facts: GraderFacts, stream: BinaryIO) -> Callable[[str, Judgement], None]:
        """What writes a grader's grade of a trace."""
        shared = {"target": TARGET, "grader_id": facts.grader_id, "grader_kind": facts.kind}
        if facts.score_scale is not None:
            shared["score_scale"] = facts.score_scale
        if facts.rubric_version is not None:
            shared["rubric_version"] = facts.rubric_version
        tails: dict[int, tuple[Judgement, bytes]] = {}  # by identity: the cache holds equal judgements once

        def write(trace_id: str, judgement: Judgement) -> None:
            found = tails.get(id(judgement))
            if found is None:
                found = (judgement, _ENCODER.encode(shared | _own(judgement))[1:] + b"\n")
                if len(tails) < 4096:
                    tails[id(judgement)] = found
            stream.write(b'{"trace_id":' + _ENCODER.encode(trace_id) + b"," + found[1])

        return write


def _holds_grades(path: Path) -> bool:
    """Whether a file may be replaced: a corpus, a log or a device never is."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(len(HEADER_START)) == HEADER_START


def _own(judgement: Judgement) -> dict[str, str | float]:
    own: dict[str, str | float] = {"verdict": judgement.verdict.value, "raw_label": judgement.raw_label}
    if judgement.score is not None:
        own["score"] = judgement.score
    if judgement.probabilities is not None:
        # a class that the grader does not have has no probability: a judge of harm alone knows no refusal
        known = {name: judgement.probabilities[v] for name, v in PROBABILITIES.items() if v in judgement.probabilities}
        own |= {name: min(1.0, float(p)) for name, p in known.items()}
    return own
