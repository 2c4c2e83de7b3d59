"""``generate``: every planned response asked for once, kept at once, and asked for again only where the world failed."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines import Answer, Engine, EngineSpec, FaultCode, open_engine
from safescale.errors import GenerationError
from safescale.generate.answered import Answered, scan_run
from safescale.generate.asking import Asking, Engines, Pace
from safescale.generate.manifest import refuse_other_runs
from safescale.generate.plan import Planned, RunPlan
from safescale.generate.progress import QuickLook, Watch, Watched
from safescale.generate.run_folder import RunFolder
from safescale.generate.surroundings import surroundings
from safescale.ingest.run_lines import is_retried

__all__ = ["BATCH_SIZE", "GenerateResult", "RunResult", "counts_of", "generate", "look_ahead", "result_of"]

BATCH_SIZE: Final = 4096
"""Requests that an engine gets at once. It gives back each as it comes; only between two batches does it run empty."""

BATCH_SIZES: Final = {"ray": 100_000}
"""Engines of which every call is a job with a start of its own."""

_FOR_EVERY_REQUEST: Final = frozenset({FaultCode.AUTHENTICATION, FaultCode.NO_CHAT_TEMPLATE, FaultCode.NO_SUCH_ADAPTER})
"""Faults that every other request would have too: the run stops at the first, and keeps no such answer."""
_WORLD_IS_GONE: Final = frozenset(
    {
        FaultCode.UNREACHABLE,
        FaultCode.RATE_LIMITED,
        FaultCode.SERVER_ERROR,
        FaultCode.TIMEOUT,
        FaultCode.MALFORMED_ANSWER,
    }
)
_GONE_AFTER: Final = 32
"""Answers in a row with such a fault (each after the engine's own retries) after which a run stops."""


class BudgetSpent(Exception):
    """The budget is spent: the rest stays unanswered."""


@attrs.frozen(kw_only=True)
class RunResult:
    """
    What one model's run holds now.

    Parameters
    ----------
    run_id, model_id : str
        The run and its model.
    folder : Path
        Where it lies.
    planned : int
        Responses that were planned.
    answered : int
        Planned responses that are there: answers, and faults of the request itself, which are not asked again.
    waiting : mapping of str to int
        Planned responses that ended in a fault of the world, by code: the same command asks again.
    unanswered : int
        Planned responses that nobody asked for yet.
    asked : int
        Responses of this call.
    faults : mapping of str to int
        Faults of the whole run by code, those that are waiting among them.
    finish_reasons : mapping of str to int
        Answers of the whole run by finish reason.
    tokens : int
        Tokens of the whole run as the engine counted them, prompts and answers, also of what was asked again.
    torn, restarts, halvings : int
        Lines cut off by a kill and set aside; new engines after a death; batches halved for memory. Of this call.
    wall_s : float
        Seconds of this call.
    ended : str
        "done", "budget", or "nothing to ask".
    """

    run_id: str
    model_id: str
    folder: Path
    planned: int
    answered: int
    waiting: Mapping[str, int]
    unanswered: int
    asked: int
    faults: Mapping[str, int]
    finish_reasons: Mapping[str, int]
    tokens: int
    torn: int = 0
    restarts: int = 0
    halvings: int = 0
    wall_s: float = 0.0
    ended: str = "done"


@attrs.frozen(kw_only=True)
class GenerateResult:
    """What came of a call: a result a model, in the order of the models file."""

    out: Path
    runs: tuple[RunResult, ...]
    token_budget: int | None = None
    dry: bool = False

    @property
    def waiting(self) -> int:
        """Responses that the same command asks for again."""
        return sum(sum(run.waiting.values()) for run in self.runs)

    @property
    def tokens(self) -> int:
        """Tokens of all runs."""
        return sum(run.tokens for run in self.runs)


def generate(
    plans: Sequence[RunPlan],
    out: Path,
    *,
    batch_size: int | None = None,
    token_budget: int | None = None,
    accept_changes: bool = False,
    watch: Watch | None = None,
    look: QuickLook | None = None,
    opener: Callable[[EngineSpec], Engine] = open_engine,
    sleep: Callable[[float], None] = time.sleep,
    engines: Engines | None = None,
    command: Mapping[str, Any] | None = None,
) -> GenerateResult:
    """
    Ask for everything that is planned and not answered yet; each run in its own folder ``out/RUN_ID``.

    Killed at any point, by whatever, it loses nothing that it was given; the same call goes on. Faults of the world (``RETRIED``)
    are asked again, faults of a request stay.

    Parameters
    ----------
    plans : sequence of RunPlan
        One a model (``plan_runs``).
    out : Path
        Folder of the runs; made when it is not there.
    batch_size : int, optional
        Requests handed to an engine at once, at first. Default: that of the engine (``BATCH_SIZES``), or 16 times that of
        the model where it has one.
    token_budget : int, optional
        Tokens (prompts and answers) of all these runs together, earlier sessions included, at which it stops.
    accept_changes : bool, default False
        Go on although a package has another version than at the start of the run.
    watch : callable, optional
        Told how far a run is.
    look : callable, optional
        Cheap look at a response's text for the running rate.
    opener, sleep : callable
        What opens an engine; what waits.
    engines : Engines, optional
        Engines of the caller, in place of ``opener`` and ``sleep``: what is open in them is used, and stays open at the end.
    command : mapping, optional
        What the user typed, for the manifest.

    Returns
    -------
    GenerateResult
        What the runs hold now.

    Raises
    ------
    DataError
        When ``out`` holds answers to something else, or another process writes there.
    GenerationError
        When an engine does not start, does not come back, or every request would fail; when the disk is full. Nothing is lost.
    """
    refuse_other_runs(out, tuple(plans))
    mine = Engines(opener, sleep=sleep) if engines is None else engines
    around = {**surroundings(), "command": dict(command or {})}
    spent = sum(scan_run(out / plan.run_id).tokens for plan in plans) if token_budget is not None else 0
    results: list[RunResult] = []
    try:
        for plan in plans:
            with RunFolder(out, plan) as folder:
                session = _Session(
                    folder, mine, watch=watch, look=look, budget=None if token_budget is None else token_budget - spent
                )
                result = session.run(around, batch_size=batch_size, accept_changes=accept_changes)
            spent += session.tokens
            results.append(result)
    finally:
        if engines is None:
            mine.close()
    return GenerateResult(out=out, runs=tuple(results), token_budget=token_budget)


def look_ahead(plans: Sequence[RunPlan], out: Path) -> GenerateResult:
    """
    What ``generate`` would find and ask, without opening an engine or writing anything.

    Raises
    ------
    DataError
        When ``out`` holds answers to something else.
    """
    refuse_other_runs(out, tuple(plans))
    runs = []
    for plan in plans:
        folder = out / plan.run_id
        runs.append(result_of(plan, folder, scan_run(folder), asked=0, ended="dry run"))
    return GenerateResult(out=out, runs=tuple(runs), dry=True)


class _Session:
    """One call's work on one run."""

    def __init__(
        self, folder: RunFolder, engines: Engines, *, watch: Watch | None, look: QuickLook | None, budget: int | None
    ) -> None:
        self._folder, self._engines, self._budget = folder, engines, budget
        self._plan = folder.plan
        self._watched = Watched(
            self._plan.model.model_id, done=_answered(self._plan, folder.answered), total=self._plan.total, watch=watch, look=look
        )
        self.asked = self.tokens = 0
        self._gone = 0
        self._engine_spent = False

    def run(self, around: Mapping[str, Any], *, batch_size: int | None, accept_changes: bool) -> RunResult:
        began = time.perf_counter()
        folder, plan = self._folder, self._plan
        requests = plan.requests(done=folder.answered)
        first = next(requests, None)
        if first is None:
            return result_of(plan, folder.path, folder.answered, asked=0, ended="nothing to ask", torn=folder.torn)
        if self._budget is not None and self._budget <= 0:
            return result_of(plan, folder.path, folder.answered, asked=0, ended="budget", torn=folder.torn)
        size = batch_size or 16 * (plan.model.spec.batch_size or 0) or BATCH_SIZES.get(plan.model.spec.engine, BATCH_SIZE)
        folder.begin({**around, "planned": plan.total, "samples": plan.samples, "limit": plan.limit, "batch_size": size})
        pace = Pace(size)
        asking = Asking(
            self._engines,
            plan.model.spec,
            self._said,
            pace=pace,
            event=folder.event,
            reopened=lambda engine: folder.opened(engine.facts, accept_changes=accept_changes),
        )
        ended = "error"
        try:
            folder.opened(self._engines.get(plan.model.spec).facts, accept_changes=accept_changes)
            try:
                self._ask(asking, itertools.chain([first], requests))
                folder.flush()
                ended = "done"
            except BudgetSpent:
                ended = "budget"
        except KeyboardInterrupt:
            ended = "interrupted"
            raise
        finally:
            self._watched.tell()
            wall_s = time.perf_counter() - began
            told = {"wall_s": round(wall_s, 3), "asked": self.asked, "tokens": self.tokens, "restarts": asking.restarts}
            folder.end(ended, **told, halvings=asking.halvings, last_batch_size=pace.size, counts=counts_of(folder.answered))
        return result_of(
            plan,
            folder.path,
            folder.answered,
            asked=self.asked,
            ended=ended,
            torn=folder.torn,
            restarts=asking.restarts,
            halvings=asking.halvings,
            wall_s=wall_s,
        )

    def _ask(self, asking: Asking[Planned], requests: Iterator[Planned]) -> None:
        """The requests on which the engine died before come last, each alone."""
        suspects = set(self._folder.answered.suspects)
        later: list[Planned] = []

        def safe() -> Iterator[Planned]:
            for planned in requests:
                if planned.response_id in suspects:
                    later.append(planned)
                else:
                    yield planned

        asking.ask(safe(), at_most=self._affordable)
        asking.ask_alone(one for one in later if self._affordable())

    def _affordable(self) -> int:
        """
        Requests to hand over now; whatever is handed over is paid for, so its answers are all kept.

        Half of what is left of the budget, at the mean price so far, and no more than twice what that price was seen on.

        Raises
        ------
        BudgetSpent
            When nothing is left.
        """
        if self._engine_spent or (self._budget is not None and self.tokens >= self._budget):
            raise BudgetSpent
        if self._budget is None:
            return 1 << 30
        if self._plan.model.spec.engine in BATCH_SIZES:  # few calls, for each has a start of its own
            price = self.tokens / self.asked if self.asked else 2.0 * self._plan.sampling.max_tokens
            return max(1, int((self._budget - self.tokens) / max(1.0, price)))
        price = max(1.0, self.tokens / max(1, self.asked))
        return max(1, min(2 * self.asked, int((self._budget - self.tokens) / (2 * price))))

    def _said(self, planned: Planned, answer: Answer) -> None:
        """Keep an answer; stop where going on is of no use."""
        code = None if answer.fault is None else answer.fault.code
        if code is FaultCode.BUDGET:  # others of its batch may still be answered: they are paid for
            if not self._engine_spent:
                self._folder.event("budget_of_the_engine", said=answer.fault.message if answer.fault else "")
            self._engine_spent = True
            return
        if code in _FOR_EVERY_REQUEST and answer.fault is not None:
            raise GenerationError(
                f"{self._plan.model.model_id}: {answer.fault.message} [{code}]. Nothing that was answered is lost"
            )
        line = self._folder.record(planned, answer)
        self.asked += 1
        self.tokens += (answer.prompt_tokens or 0) + (answer.completion_tokens or 0)
        self._watched.came(
            text=answer.text,
            reason=answer.finish_reason,
            fault=line.fault,
            tokens=answer.completion_tokens,
            kept=not is_retried(line.fault),
        )
        self._gone = self._gone + 1 if code in _WORLD_IS_GONE else 0
        if self._gone >= _GONE_AFTER and answer.fault is not None:
            raise GenerationError(
                f"{self._plan.model.model_id}: {self._gone} requests in a row ended in {code}: {answer.fault.message}. "
                "Nothing is lost; when it is mended, run the same command again"
            )
        if self._budget is not None and code is None and (answer.prompt_tokens is None or answer.completion_tokens is None):
            raise GenerationError(
                f"{self._plan.model.model_id}: the engine does not count tokens, so a token budget cannot be kept; "
                "leave it out, or use --limit"
            )


def _answered(plan: RunPlan, answered: Answered) -> int:
    """Planned responses that are there (a run may hold more than a smaller plan asks for)."""
    if not answered.responses:
        return 0
    return sum(response_id in answered for response_id in plan.response_ids())


def counts_of(answered: Answered) -> dict[str, Any]:
    """Counts of a whole run, for its manifest."""
    return {
        "responses": answered.responses,
        "finish_reasons": dict(answered.finish_reasons),
        "faults": _positive(answered.faults),
        "waiting": dict(Counter(answered.waiting.values())),
        "replaced": answered.replaced,
        "tokens": answered.tokens,
        "answers_without_token_counts": answered.uncounted,
    }


def _positive(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count > 0}


def result_of(plan: RunPlan, folder: Path, answered: Answered, *, asked: int, ended: str, **facts: Any) -> RunResult:
    """What a run holds of a plan."""
    waiting: Counter[str] = Counter()
    if answered.waiting:
        planned: Iterable[str] = plan.response_ids()
        waiting = Counter(answered.waiting[response_id] for response_id in planned if response_id in answered.waiting)
    there = _answered(plan, answered) + answered.added
    return RunResult(
        run_id=plan.run_id,
        model_id=plan.model.model_id,
        folder=folder,
        planned=plan.total,
        answered=there,
        waiting=dict(waiting),
        unanswered=plan.total - there - waiting.total(),
        asked=asked,
        faults=_positive(answered.faults),
        finish_reasons=dict(answered.finish_reasons),
        tokens=answered.tokens,
        ended=ended,
        **facts,
    )
