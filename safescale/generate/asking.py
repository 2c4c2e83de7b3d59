"""
Putting requests to an engine that may run out of memory or die: smaller batches, a new engine, and the one request that kills it
found by halving.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

import attrs

from safescale.engines import Answer, Engine, EngineDied, EngineSpec, FaultCode, OutOfMemory, Request
from safescale.errors import GenerationError

__all__ = ["Asking", "Engines", "Pace", "Said"]

_CLEAN: Final = 8
"""Batches without trouble after which a batch grows again."""
_DEATHS_ALONE: Final = 2
_KILLERS_IN_A_ROW: Final = 3
"""Requests in a row that each killed the engine, with no answer between: then it is the engine, not the requests."""
_OPEN_WAITS_S: Final = (1.0, 5.0)


class HasRequest(Protocol):
    """Whatever carries a request."""

    @property
    def request(self) -> Request:
        """The request."""
        ...


P = TypeVar("P", bound=HasRequest)
P_contra = TypeVar("P_contra", bound=HasRequest, contravariant=True)


class Said(Protocol[P_contra]):
    """Called with what was asked and its answer; may raise to stop."""

    def __call__(self, planned: P_contra, answer: Answer, /) -> None:
        """Take one answer."""
        ...


class Engines:
    """
    The engine that is open, opened when it is first needed and again when it died.

    Parameters
    ----------
    opener : callable
        Opens a spec (``open_engine``).
    sleep : callable
        Waits some seconds.
    """

    def __init__(self, opener: Callable[[EngineSpec], Engine], *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._open, self._sleep = opener, sleep
        self._spec: EngineSpec | None = None
        self._engine: Engine | None = None

    def get(self, spec: EngineSpec) -> Engine:
        """The engine of a spec; one that is open for another spec is closed first."""
        if self._engine is None or self._spec != spec:
            self.close()
            self._engine, self._spec = self._open(spec), spec
        return self._engine

    def reopen(self, spec: EngineSpec) -> Engine:
        """
        A new engine in the place of one that died.

        Raises
        ------
        GenerationError
            When it does not start, a few times in a row.
        """
        for wait_s in _OPEN_WAITS_S:
            self.close()
            try:
                return self.get(spec)
            except GenerationError:
                self._sleep(wait_s)
        return self.get(spec)

    def close(self) -> None:
        """Close it. One that is dead may fail to; there is nothing to lose then."""
        engine, self._engine = self._engine, None
        if engine is not None:
            with contextlib.suppress(Exception):
                engine.close()


@attrs.define
class Pace:
    """Requests handed over at once: fewer in trouble, twice as many again (up to ``start``) after ``_CLEAN`` clean batches."""

    start: int
    size: int = attrs.field(default=attrs.Factory(lambda self: self.start, takes_self=True))
    clean: int = 0

    def trouble(self, failed: int) -> None:
        """So many at once were too much."""
        self.size, self.clean = min(self.size, max(1, failed // 2)), 0

    def fine(self) -> None:
        """A batch went through."""
        self.clean += 1
        if self.clean >= _CLEAN and self.size < self.start:
            self.size, self.clean = min(self.start, 2 * self.size), 0


class Asking(Generic[P]):
    """
    One model's requests put to its engine.

    Parameters
    ----------
    engines : Engines
        Where the engine comes from.
    spec : EngineSpec
        What it is opened with.
    said : callable
        Takes each answer; what it raises ends the asking.
    pace : Pace
        Requests at once.
    reopened : callable
        Told of each new engine after a death.
    event : callable
        Told what happened, with its facts as keywords.
    """

    def __init__(
        self,
        engines: Engines,
        spec: EngineSpec,
        said: Said[P],
        *,
        pace: Pace,
        event: Callable[..., None],
        reopened: Callable[[Engine], None] = lambda engine: None,
    ) -> None:
        self._engines, self._spec, self._said, self._pace = engines, spec, said, pace
        self._event, self._reopened = event, reopened
        self._killers = 0
        self._smallest_failed: int | None = None
        self.restarts = 0
        self.halvings = 0

    def ask(self, planned: Iterable[P], *, at_most: Callable[[], int] = lambda: 1 << 30) -> None:
        """
        Ask for everything, batch by batch.

        Parameters
        ----------
        planned : iterable
            What is asked; taken as needed.
        at_most : callable
            How many may be handed over now, at most (a budget that is nearly spent).

        Raises
        ------
        GenerationError
            When the engine does not come back, or dies on one request after the other, or does not answer what it was asked.
        """
        waiting = iter(planned)
        while batch := list(itertools.islice(waiting, max(1, min(self._pace.size, at_most())))):
            if self._batch(batch):
                self._pace.fine()

    def ask_alone(self, planned: Iterable[P]) -> None:
        """Ask for each by itself."""
        for one in planned:
            self._batch([one])

    def _batch(self, batch: list[P]) -> bool:
        """Ask for a batch, in pieces where it must be; whether it went through at once."""
        pieces: list[list[P]] = [batch]
        clean = first_death = True
        deaths = 0
        self._smallest_failed = None
        while pieces:
            piece = pieces.pop()
            left: dict[str, deque[P]] = {}
            try:
                self._piece(piece, left)
                deaths = 0
            except OutOfMemory as error:
                rest, clean = _rest(left), False
                pieces += self._smaller(piece, rest, error)
            except EngineDied as error:
                rest, clean = _rest(left), False
                self._restart(len(piece), len(rest), error)
                if len(piece) == 1 and rest:
                    deaths += 1
                    if deaths < _DEATHS_ALONE:
                        pieces.append(rest)
                    else:
                        deaths = 0
                        self._killed(rest[0], error)
                elif first_death and len(rest) < len(piece):
                    pieces.append(rest)  # it had begun to answer: once, all of the rest again
                else:
                    pieces += _halves(rest)
                first_death = False
        self._slow_down()
        return clean

    def _slow_down(self) -> None:
        """Hand over fewer from now on, when a batch was too much for the memory."""
        if self._smallest_failed is not None:
            self._pace.trouble(self._smallest_failed)

    def _piece(self, piece: Sequence[P], left: dict[str, deque[P]]) -> None:
        """Ask for a piece; ``left`` holds what is not answered, also when the engine raises."""
        for one in piece:
            left.setdefault(one.request.request_id, deque()).append(one)
        answers: Iterator[Answer] = iter(self._engines.get(self._spec).answer([one.request for one in piece]))
        try:
            for answer in answers:
                mine = left.get(answer.request_id)
                if not mine:
                    raise GenerationError(
                        f"an answer came that nothing asked for ({answer.request_id[:12]}); this is a fault of the adapter of "
                        f"engine {self._spec.engine!r}. What came before is kept"
                    )
                self._said(mine[0], answer)
                mine.popleft()
                self._killers = 0
        finally:
            if (close := getattr(answers, "close", None)) is not None:
                with contextlib.suppress(Exception):
                    close()
        if missing := len(_rest(left)):
            raise GenerationError(
                f"the engine {self._spec.engine!r} left {missing} of {len(piece)} requests without an answer; this is a fault of "
                "its adapter. What it answered is kept: run the same command again to ask for the rest"
            )

    def _smaller(self, piece: Sequence[P], rest: list[P], error: OutOfMemory) -> list[list[P]]:
        """The pieces in which the rest is asked after the memory was full; a request that does not fit alone has its fault."""
        if len(piece) == 1 and rest:
            self._smallest_failed = None  # it was this request, not their number
            self._event("out_of_memory_alone", request_id=rest[0].request.request_id, said=str(error))
            words = f"even alone it does not fit the memory ({error}); lower max_tokens or max_model_len, or use a larger machine"
            self._said(rest[0], Answer.failed(rest[0].request, FaultCode.OUT_OF_MEMORY, words))
            return []
        self._smallest_failed = min(self._smallest_failed or len(piece), len(piece))
        self.halvings += 1
        size = max(1, min(len(rest) // 2, (self._spec.batch_size or len(piece)) // 2))
        self._event("out_of_memory", requests=len(piece), unanswered=len(rest), next_batch=size, said=str(error))
        return [list(rest[at : at + size]) for at in range(0, len(rest), size)][::-1]

    def _restart(self, asked: int, unanswered: int, error: EngineDied) -> None:
        self.restarts += 1
        self._event("engine_died", requests=asked, unanswered=unanswered, said=str(error))
        self._reopened(self._engines.reopen(self._spec))

    def _killed(self, one: P, error: EngineDied) -> None:
        self._killers += 1
        words = f"the engine died on it {_DEATHS_ALONE} times, alone ({error}); a resumed run asks again"
        killers = self._killers
        self._said(one, Answer.failed(one.request, FaultCode.ENGINE_DIED, words))
        self._event("request_isolated", request_id=one.request.request_id, said=str(error))
        if killers >= _KILLERS_IN_A_ROW:
            raise GenerationError(
                f"the engine died on {killers} requests in a row, each asked alone, and answered none between: {error}. "
                "Everything before is kept; mend the engine, then run the same command again"
            )


def _rest(left: dict[str, deque[P]]) -> list[P]:
    return [one for many in left.values() for one in many]


def _halves(rest: list[P]) -> list[list[P]]:
    """Two halves, the first to be taken last put."""
    middle = (len(rest) + 1) // 2
    return [half for half in (rest[middle:], rest[:middle]) if half]
