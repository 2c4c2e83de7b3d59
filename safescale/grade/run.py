"""Grade the responses of a corpus: in batches, each response once, resumable; every failure a grade that is counted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from safescale.errors import GenerationError, GradingError, MissingBackend
from safescale.grade.grader import TRAINED_ON, Grader, GraderFacts, Item, Judgement, grader_meaning
from safescale.grade.grades_file import GradesFile
from safescale.grade.judgements import JudgementCache, item_key
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict
from safescale.store.base import Corpus

__all__ = ["GraderRun", "GradingRun", "grade_corpus"]

_COLUMNS: Final = ("trace_id", "prompt", "response", "response_sha256", "response_kind", "finish_reason", "prompt_kind")
_BUFFER_ROWS: Final = 16_384
_REASONS: Final = 5
_FAILED: Final = (Verdict.ERROR, Verdict.NOT_GRADEABLE)
_GONE: Final = (GradingError, GenerationError, MissingBackend)
"""What a grader raises that is gone; whatever else it raises is a failure on an item."""

Progress = Callable[[int], None]
"""Called with the number of traces done since the last call."""


@attrs.frozen(kw_only=True)
class GraderRun:
    """
    What came of one grader.

    Parameters
    ----------
    facts : GraderFacts
        The grader.
    verdicts : mapping of Verdict to int
        Graded traces by verdict.
    judged : int
        Responses that the grader was asked about in this run.
    cached : int
        Traces whose judgement was given in an earlier run.
    shared : int
        Traces whose judgement was given to an equal response of this run.
    retried : int
        Responses that failed (ERROR) in an earlier run and were tried again.
    torn_lines : int
        Judgements that a kill had left half written; they were given anew.
    trained_on : int
        Traces whose response the grader was trained on: agreement there says nothing of how good it is.
    reasons : mapping of str to int
        Why traces could not be graded: the most usual reasons of ERROR and NOT_GRADEABLE.
    """

    facts: GraderFacts
    verdicts: Mapping[Verdict, int]
    judged: int
    cached: int
    shared: int
    retried: int
    torn_lines: int
    trained_on: int
    reasons: Mapping[str, int]

    @property
    def graded(self) -> int:
        """Traces that have a grade of this grader, failures included."""
        return sum(self.verdicts.values())

    @property
    def failed(self) -> int:
        """Traces whose grade says that it failed or cannot be graded."""
        return sum(self.verdicts.get(verdict, 0) for verdict in _FAILED)


@attrs.frozen(kw_only=True)
class GradingRun:
    """
    What came of grading a corpus.

    Parameters
    ----------
    traces : int
        Traces of the corpus.
    with_text : int
        Those with a response to grade.
    not_graded : mapping of str to int
        The others by the reason: a response that never came, or is not here, is no refusal.
    graders : tuple of GraderRun
        One for each grader.
    file : Path
        The grades.
    fingerprint : str
        Of the corpus that was graded.
    """

    traces: int
    with_text: int
    not_graded: Mapping[str, int]
    graders: tuple[GraderRun, ...]
    file: Path
    fingerprint: str


def grade_corpus(
    corpus: Corpus,
    graders: Sequence[Grader],
    *,
    into: Path,
    cache: Path,
    batch_size: int | None = None,
    limit: int | None = None,
    without: Collection[str] = (),
    progress: Progress | None = None,
) -> GradingRun:
    """
    Grade every response of a corpus by every grader, and write the grades as a file.

    Equal responses are judged once by a grader (see ``item_key``), and what was judged in an earlier run is not judged again, also
    when that run was killed: the cache loses at most the batch that was under way. The file appears whole or not at all.

    Parameters
    ----------
    corpus : Corpus
        Where the responses are. It is read, not changed.
    graders : sequence of Grader
        At least one; no two of one id and rubric version, and one meaning for each id.
    into : Path
        The grades file (``*.grades.jsonl``), which ``safescale ingest`` reads.
    cache : Path
        Folder in which judgements are kept.
    batch_size : int, optional
        Responses that a grader gets at once. Default: what each grader does best with (``GraderFacts.batch_size``).
    limit : int, optional
        Responses to grade at most (the first of the corpus).
    without : collection of str
        Conditions whose responses nobody needs graded; they are counted among those that are not.
    progress : callable, optional
        Told of traces done; in all ``count("traces")`` for each grader.

    Returns
    -------
    GradingRun
        Counts by grader and verdict. Unit: traces.

    Raises
    ------
    GradingError
        When a grader is gone (no server, wrong key), or nothing can be written. What was judged is kept in ``cache``.
    DataError
        When the cache is in use, or holds something else.
    """
    if not graders:
        raise GradingError("no grader was named; `safescale grade graders` lists them")
    named = Counter((grader.facts.grader_id, grader.facts.rubric_version) for grader in graders)
    twice = [grader_id for (grader_id, _), times in named.items() if times > 1]
    if twice:
        raise GradingError(f"the grader {twice[0]!r} was named twice; name each once")
    meanings = {(grader.facts.grader_id, grader_meaning(grader.facts)) for grader in graders}
    several = [grader_id for grader_id, times in Counter(grader_id for grader_id, _ in meanings).items() if times > 1]
    if several:
        raise GradingError(f"two graders of different meaning are called {several[0]!r}; give one of them another id")
    skipped: Counter[str] = Counter()
    runs = []
    with GradesFile(into, [grader.facts for grader in graders], fingerprint=corpus.fingerprint()) as file:
        for grader in graders:
            with JudgementCache(cache, grader.facts) as known:
                one = _OneGrader(grader, known, file.stream, batch_size)
                skipped = one.run(corpus, limit, progress, without)
                runs.append(one.result())
        file.commit()
    return GradingRun(
        traces=corpus.count("traces"),
        with_text=corpus.count("traces") - sum(skipped.values()),
        not_graded=dict(skipped.most_common()),
        graders=tuple(runs),
        file=into,
        fingerprint=corpus.fingerprint(),
    )


class _OneGrader:
    """One grader's way through a corpus: rows wait until enough of their responses are new to make a batch."""

    def __init__(self, grader: Grader, cache: JudgementCache, out: BinaryIO, batch_size: int | None) -> None:
        self.grader, self.cache = grader, cache
        self.facts = grader.facts
        self.batch_size = batch_size or self.facts.batch_size
        self.lines = GradesFile.lines_of(self.facts, out)
        self.rows: list[tuple[str, str]] = []
        self.new: dict[str, Item] = {}
        self.earlier = set(cache.known)
        self.retry = frozenset(cache.failed)
        self.verdicts: Counter[Verdict] = Counter()
        self.reasons: Counter[str] = Counter()
        self.judged = self.cached = self.retried = self.trained_on = 0

    def run(self, corpus: Corpus, limit: int | None, progress: Progress | None, without: Collection[str]) -> Counter[str]:
        """Grade; gives the traces that have nothing to grade, by reason."""
        skipped: Counter[str] = Counter()
        left = limit
        for batch in corpus.batches("traces", [*_COLUMNS, "condition"], rows=4096):
            for *row, condition in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                why = f"condition {condition}" if condition in without else _nothing_to_grade(row[2], row[4])
                if why is not None:
                    skipped[why] += 1
                elif left == 0:
                    skipped["beyond --limit"] += 1
                else:
                    left = None if left is None else left - 1
                    self._take(*row)
            if progress is not None:
                progress(batch.num_rows)
        self._settle()
        return skipped

    def _take(self, trace_id: str, prompt: str | None, response: str, sha256: str | None, kind: str, ended: str, asks: str) -> None:
        item = Item(
            response=response,
            prompt=prompt if self.facts.sees_prompt else None,
            response_kind=kind,
            finish_reason=ended,
            prompt_kind=asks if self.facts.sees_prompt else "unknown",
        )
        digest = sha256 or hashlib.sha256(response.encode("utf-8", "surrogatepass")).hexdigest()
        key = item_key(self.facts, item, response_sha256=digest)
        self.rows.append((trace_id, key))
        if key not in self.cache.known:
            self.new.setdefault(key, item)
            if len(self.new) >= self.batch_size:
                self._settle()
        if len(self.rows) >= _BUFFER_ROWS:
            self._settle()

    def _settle(self) -> None:
        """Judge what is new, and write the grades of the rows that waited for it."""
        if self.new:
            keys, items = list(self.new), list(self.new.values())
            judgements = [_storable(judgement) for judgement in self._judge(items)]
            self.cache.add(dict(zip(keys, judgements, strict=True)))
            self.judged += len(keys)
            self.retried += sum(key in self.retry for key in keys)
            self.new = {}
        for trace_id, key in self.rows:
            judgement = self.cache.known[key]
            self.cached += key in self.earlier
            self.verdicts[judgement.verdict] += 1
            self.trained_on += judgement.reason is not None and judgement.reason.startswith(TRAINED_ON)
            if judgement.verdict in _FAILED:
                self.reasons[judgement.reason or judgement.raw_label or judgement.verdict.value] += 1
            self.lines(trace_id, judgement)
        self.rows = []

    def _judge(self, items: Sequence[Item]) -> list[Judgement]:
        try:
            judgements = self.grader.grade(items)
        except _GONE as error:
            step = "what was judged before is kept; run again to go on"
            raise GradingError(f"{self.facts.grader_id} is gone: {error}; {step}") from error
        except Exception:
            return [self._judge_alone(item) for item in items]  # one item that breaks a grader does not lose the others
        if len(judgements) != len(items):
            raise GradingError(
                f"{self.facts.grader_id} gave {len(judgements)} judgements of {len(items)} responses; this is a fault of the grader"
            )
        return judgements

    def _judge_alone(self, item: Item) -> Judgement:
        try:
            (judgement,) = self.grader.grade([item])
        except _GONE as error:
            raise GradingError(f"{self.facts.grader_id} is gone: {error}; what was judged before is kept; run again") from error
        except Exception as error:
            reason = f"the grader raised {type(error).__name__}: {error}"
            return Judgement(verdict=Verdict.ERROR, raw_label=type(error).__name__, reason=reason)
        return judgement

    def result(self) -> GraderRun:
        """What came of it."""
        return GraderRun(
            facts=self.facts,
            verdicts={verdict: self.verdicts[verdict] for verdict in Verdict if self.verdicts[verdict]},
            judged=self.judged,
            cached=self.cached,
            shared=sum(self.verdicts.values()) - self.cached - self.judged,
            retried=self.retried,
            torn_lines=self.cache.torn_lines,
            trained_on=self.trained_on,
            reasons=dict(self.reasons.most_common(_REASONS)),
        )


def _nothing_to_grade(response: str | None, kind: str) -> str | None:
    """Why a trace is not graded, or None."""
    if kind != "text":
        return f"response_kind {kind}"
    return "no text in the corpus" if response is None else None


def _storable(judgement: Judgement) -> Judgement:
    """The judgement with texts that a file can hold."""
    label, reason = clip(judgement.raw_label), None if judgement.reason is None else clip(judgement.reason)
    if (label, reason) == (judgement.raw_label, judgement.reason):
        return judgement
    return attrs.evolve(judgement, raw_label=label, reason=reason)
