"""What comes back from an engine: one answer for each request, or the fault that stands in its place."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from safescale.engines.requests import Request
from safescale.errors import GenerationError
from safescale.records.models import FINISH_REASONS

__all__ = ["RETRIED", "Answer", "EngineDied", "Fault", "FaultCode", "OutOfMemory", "TokenLogprobs", "in_order"]


class FaultCode(enum.StrEnum):
    """Why one request has no answer."""

    TOO_LONG = "TOO_LONG"
    """The prompt and the answer's first token do not fit the model's window; never cut in silence."""
    EMPTY_PROMPT = "EMPTY_PROMPT"
    NO_CHAT_TEMPLATE = "NO_CHAT_TEMPLATE"
    NO_SUCH_ADAPTER = "NO_SUCH_ADAPTER"
    CANNOT_CONSTRAIN = "CANNOT_CONSTRAIN"
    """The engine cannot force this constraint."""
    CONSTRAINT_BROKEN = "CONSTRAINT_BROKEN"
    """The answer does not obey the constraint (a server ignored it, or it was cut by max_tokens); its text is kept."""
    BAD_REQUEST = "BAD_REQUEST"
    AUTHENTICATION = "AUTHENTICATION"
    RATE_LIMITED = "RATE_LIMITED"
    TIMEOUT = "TIMEOUT"
    UNREACHABLE = "UNREACHABLE"
    SERVER_ERROR = "SERVER_ERROR"
    MALFORMED_ANSWER = "MALFORMED_ANSWER"
    BUDGET = "BUDGET"
    """A token or cost budget was spent before this request."""
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    """Even alone it did not fit the memory."""
    ENGINE_DIED = "ENGINE_DIED"
    """The engine died on it again and again."""


RETRIED: Final = frozenset(
    {
        FaultCode.AUTHENTICATION,
        FaultCode.RATE_LIMITED,
        FaultCode.TIMEOUT,
        FaultCode.UNREACHABLE,
        FaultCode.SERVER_ERROR,
        FaultCode.MALFORMED_ANSWER,
        FaultCode.BUDGET,
        FaultCode.OUT_OF_MEMORY,
        FaultCode.ENGINE_DIED,
    }
)
"""Faults of the world, not of the request: a resumed run asks again."""


@attrs.frozen(kw_only=True)
class Fault:
    """Why a request has no answer, in a code and in words that name the next step."""

    code: FaultCode
    message: str


def _pairs(values: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    return tuple(values)


@attrs.frozen(kw_only=True)
class TokenLogprobs:
    """One token of an answer: its text and log-probability (nats), and those of the alternatives at its place."""

    token: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = attrs.field(default=(), converter=_pairs)


@attrs.frozen(kw_only=True)
class Answer:
    """
    What an engine made of one request.

    Parameters
    ----------
    request_id : str
        Id of the request.
    text : str, optional
        The answer without the prefill, as the model wrote it; None when there is none. '' is an answer.
    finish_reason : str
        One of ``records.models.FINISH_REASONS``; "error" or "timeout" with a fault.
    fault : Fault, optional
        Why there is no (usable) answer.
    prompt_tokens, completion_tokens : int, optional
        Tokens as the engine counts them; None when it does not say.
    seed : int, optional
        Seed that was used.
    logprobs : tuple of TokenLogprobs, optional
        A token each, when asked for.
    reasoning : str, optional
        Reasoning that the engine gives apart from the answer.
    """

    request_id: str
    text: str | None = None
    finish_reason: str = attrs.field(default="stop", validator=attrs.validators.in_(FINISH_REASONS))
    fault: Fault | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    seed: int | None = None
    logprobs: tuple[TokenLogprobs, ...] | None = None
    reasoning: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.fault is None and self.text is None:
            raise GenerationError(f"an answer without text needs a fault (request {self.request_id[:12]})")

    @classmethod
    def failed(cls, request: Request, code: FaultCode, message: str, *, text: str | None = None) -> Answer:
        """The answer that says why there is none."""
        reason = "timeout" if code is FaultCode.TIMEOUT else "error"
        return cls(
            request_id=request.request_id,
            text=text,
            finish_reason=reason,
            fault=Fault(code=code, message=message),
            seed=request.sampling.seed,
        )


class OutOfMemory(GenerationError):
    """The engine ran out of memory with this many requests at once and still lives; fewer at once may fit."""


class EngineDied(GenerationError):
    """The engine is gone; a new one must be opened. What it had yielded before stays answered."""


def in_order(requests: Sequence[Request], answers: Iterable[Answer]) -> list[Answer]:
    """
    Answers in the order of their requests; equal requests take their answers as they came.

    Raises
    ------
    GenerationError
        When a request has no answer, or an answer no request.
    """
    waiting: dict[str, list[Answer]] = {}
    for answer in answers:
        waiting.setdefault(answer.request_id, []).append(answer)
    ordered: list[Answer] = []
    for request in requests:
        mine = waiting.get(request.request_id)
        if not mine:
            raise GenerationError(f"no answer came for request {request.request_id[:12]}; this is a fault of the engine's adapter")
        ordered.append(mine.pop(0))
    left = sum(len(more) for more in waiting.values())
    if left:
        raise GenerationError(f"{left} answers came that nothing asked for; this is a fault of the engine's adapter")
    return ordered
