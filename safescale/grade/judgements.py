"""Judgements that were given before: append-only parts, from which work goes on after any interruption."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

import attrs
import msgspec

from safescale.errors import DataError, GradingError
from safescale.grade.grader import GraderFacts, Item, Judgement, grader_meaning
from safescale.records.verdicts import Verdict
from safescale.store.lock import WriterLock

__all__ = ["JudgementCache", "item_key"]

FORMAT: Final = 1
_SUFFIX: Final = ".part"  # of no data format: a folder of logs may hold the cache


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """First line of a part: whose judgements they are."""

    safescale_judgements: int
    grader_id: str
    rubric_version: str | None = None


class _Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One judgement."""

    key: str
    verdict: Verdict
    raw_label: str
    score: float | None = None
    probabilities: dict[Verdict, float] | None = None
    reason: str | None = None


_ENCODER: Final = msgspec.json.Encoder()
_HEADER: Final = msgspec.json.Decoder(_Header)
_LINE: Final = msgspec.json.Decoder(_Line)


def item_key(facts: GraderFacts, item: Item, *, response_sha256: str) -> str:
    """
    What a judgement depends on: equal keys are judged once.

    The response, why it ended and, for a grader that sees the prompt, the prompt and its kind.

    Parameters
    ----------
    facts : GraderFacts
        The grader.
    item : Item
        What it sees.
    response_sha256 : str
        SHA-256 of the response as UTF-8 (hex).

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    parts = [response_sha256, item.response_kind, item.finish_reason]
    if facts.sees_prompt:
        prompt = "" if item.prompt is None else hashlib.sha256(item.prompt.encode("utf-8", "surrogatepass")).hexdigest()
        parts += [prompt, item.prompt_kind]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


@attrs.define
class JudgementCache:
    """
    The judgements of one grader (id and rubric version) in a folder: one process writes, each time into a part of its own.

    A part is never written to again. A line that a killed process left half written is recognised (it lacks its end, or is no
    judgement), counted in ``torn_lines`` and judged anew. A judgement ERROR is kept for the record and not taken from the cache:
    a failure is tried again. Of several judgements under one key the last counts.

    Parameters
    ----------
    folder : Path
        Folder of all graders; each has one of its own in it.
    facts : GraderFacts
        The grader.

    Raises
    ------
    DataError
        When another process is at work here, when a part is of another grader, or the folder cannot be written to.
    """

    folder: Path
    facts: GraderFacts
    known: dict[str, Judgement] = attrs.field(factory=dict, init=False)
    failed: set[str] = attrs.field(factory=set, init=False)
    torn_lines: int = attrs.field(default=0, init=False)
    _part: BinaryIO | None = attrs.field(default=None, init=False)
    _lock: WriterLock | None = attrs.field(default=None, init=False)
    _same: dict[bytes, Judgement] = attrs.field(factory=dict, init=False)

    @property
    def path(self) -> Path:
        """Folder of this grader: its id, readable, with a hash of id, rubric version and meaning so that no two are one."""
        whole = "\0".join((self.facts.grader_id, self.facts.rubric_version or "", *grader_meaning(self.facts)))
        words = re.sub(r"[^A-Za-z0-9._-]+", "-", self.facts.grader_id).strip("-.")[:60]
        return self.folder / f"{words}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = WriterLock(self.path / "lock", self.path, what="folder of judgements")
        except OSError as error:
            raise DataError(
                f"judgements cannot be kept here ({error.strerror}); name another folder with --cache", file=str(self.path)
            ) from error
        try:
            for part in sorted(self.path.glob(f"*{_SUFFIX}")):
                self._read(part)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._part is not None:
                self._part.flush()
                os.fsync(self._part.fileno())
                self._part.close()
        finally:
            self._part = None
            if self._lock is not None:
                self._lock.release()

    def _read(self, part: Path) -> None:
        with part.open("rb") as lines:
            head = next(lines, b"")
            try:
                header = _HEADER.decode(head)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                self.torn_lines += bool(head)  # killed before its first line was whole
                return
            mine = (FORMAT, self.facts.grader_id, self.facts.rubric_version)
            if (header.safescale_judgements, header.grader_id, header.rubric_version) != mine:
                raise DataError(
                    "these judgements are of another grader or another version of safescale: name another folder with --cache",
                    file=str(part),
                    expected=f"{self.facts.grader_id} (rubric {self.facts.rubric_version})",
                    got=f"{header.grader_id} (rubric {header.rubric_version}), format {header.safescale_judgements}",
                )
            for line in lines:
                try:
                    found = _LINE.decode(line)
                    complete = line.endswith(b"\n")
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    complete = False
                if complete:
                    self._remember(found)
                else:
                    self.torn_lines += 1

    def _remember(self, line: _Line) -> None:
        if line.verdict is Verdict.ERROR:
            self.known.pop(line.key, None)
            self.failed.add(line.key)
            return
        self.failed.discard(line.key)
        told = _ENCODER.encode((line.verdict, line.raw_label, line.score, line.probabilities, line.reason))
        judgement = self._same.get(told)  # a list of phrases says few different things of many responses
        if judgement is None:
            judgement = Judgement(
                verdict=line.verdict,
                raw_label=line.raw_label,
                score=line.score,
                probabilities=line.probabilities,
                reason=line.reason,
            )
            if len(self._same) < 100_000:
                self._same[told] = judgement
        self.known[line.key] = judgement

    def add(self, judged: Mapping[str, Judgement]) -> None:
        """
        Keep judgements by key; on return they are with the system, so that no kill of the process loses them.

        Raises
        ------
        GradingError
            When they cannot be written (the disk is full, say). What was kept before stays.
        """
        data = b"".join(_encoded(key, judgement) for key, judgement in judged.items())
        try:
            part = self._part or self._new_part()
            part.write(data)
            part.flush()
        except OSError as error:
            raise GradingError(
                f"judgements cannot be written to {self.path} ({error.strerror}); free some space and run again: what was "
                "judged before is kept"
            ) from error
        for key, judgement in judged.items():
            if judgement.verdict is Verdict.ERROR:
                self.failed.add(key)
            else:
                self.failed.discard(key)
            self.known[key] = judgement

    def _new_part(self) -> BinaryIO:
        numbers = [int(path.stem) for path in self.path.glob(f"*{_SUFFIX}") if path.stem.isdigit()]
        part = (self.path / f"{max(numbers, default=0) + 1:06d}{_SUFFIX}").open("xb")
        header = _Header(safescale_judgements=FORMAT, grader_id=self.facts.grader_id, rubric_version=self.facts.rubric_version)
        part.write(_ENCODER.encode(header) + b"\n")
        self._part = part
        return part

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Those of the keys that nobody judged."""
        return [key for key in keys if key not in self.known]


def _encoded(key: str, judgement: Judgement) -> bytes:
    line = _Line(
        key=key,
        verdict=judgement.verdict,
        raw_label=judgement.raw_label,
        score=judgement.score,
        probabilities=None if judgement.probabilities is None else dict(judgement.probabilities),
        reason=judgement.reason,
    )
    return _ENCODER.encode(line) + b"\n"
