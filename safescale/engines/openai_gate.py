"""Whether asking on makes sense: a door that shuts when a key is wrong or a server is down, so that nobody knocks 10,000 times."""

from __future__ import annotations

import threading

import attrs

from safescale.engines.answers import Answer, Fault, FaultCode
from safescale.engines.openai_reply import Outcome
from safescale.engines.requests import Request

__all__ = ["Gate"]

IN_VAIN = frozenset(
    {
        FaultCode.UNREACHABLE,
        FaultCode.SERVER_ERROR,
        FaultCode.TIMEOUT,
        FaultCode.RATE_LIMITED,
        FaultCode.MALFORMED_ANSWER,
    }
)
"""Faults of the server: as many in a row as there are requests in flight, and no answer between them, and it is given up."""

ITS_OWN = frozenset(
    {
        FaultCode.TOO_LONG,
        FaultCode.NO_CHAT_TEMPLATE,
        FaultCode.NO_SUCH_ADAPTER,
        FaultCode.CANNOT_CONSTRAIN,
        FaultCode.CONSTRAINT_BROKEN,
        FaultCode.BAD_REQUEST,
    }
)
"""Faults of one request: the server lives and works."""


@attrs.define
class Gate:
    """
    The door of one server.

    Parameters
    ----------
    patience : int
        Requests in a row that fail after all their tries before the rest is not sent.
    """

    patience: int
    _shut: Fault | None = attrs.field(default=None, init=False)
    _given_up: Fault | None = attrs.field(default=None, init=False)
    _in_vain: int = attrs.field(default=0, init=False)
    _successes: int = attrs.field(default=0, init=False)
    _shut_as_first: bool = attrs.field(default=False, init=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    @property
    def successes(self) -> int:
        """Answers that came so far; told to ``record`` as it was when a request began."""
        return self._successes

    @property
    def is_given_up(self) -> bool:
        """Whether the server was given up, and one request should go first, alone and once, to see whether it is back."""
        return self._given_up is not None and self._shut is None

    def turned_away(self, request: Request) -> Answer | None:
        """The fault of a request that is not sent, or None when it may be."""
        fault = self._shut or self._given_up
        if fault is None:
            return None
        return Answer.failed(request, fault.code, f"not sent, after another request failed for good: {fault.message}")

    def record(self, outcome: Outcome, *, successes_before: int) -> None:
        """What a request came to after all its tries; ``successes_before`` as it was when it began."""
        fault = outcome.answer.fault
        with self._lock:
            if fault is None or fault.code in ITS_OWN:
                self._successes += 1
                self._in_vain = 0
                self._given_up = None
                if self._shut_as_first:
                    self._shut, self._shut_as_first = None, False
            elif outcome.shut or (outcome.shut_if_first and self._successes == 0):
                self._shut, self._shut_as_first = fault, not outcome.shut
            elif fault.code in IN_VAIN and self._successes == successes_before:
                self._in_vain += 1
                if not outcome.connected or self._in_vain >= self.patience:
                    self._given_up = fault
