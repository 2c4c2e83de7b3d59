"""What a server said, as an answer or a fault: the kind of each refusal, whether asking again may help, or asking at all."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from typing import Final

import attrs

from safescale.engines.answers import Answer, FaultCode, TokenLogprobs
from safescale.engines.obeying import held
from safescale.engines.openai_body import WRAPPER
from safescale.engines.openai_http import HttpReply
from safescale.engines.requests import Request

__all__ = ["Outcome", "outcome_of", "retry_after_s"]

FINISHES: Final[Mapping[str, str]] = {
    "stop": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
"""Why servers say that an answer ended, in our words; every other is "unknown"."""

TOO_LONG: Final = re.compile(
    r"context.?length|context.?window|context.?size|max_model_len|maximum (?:model|input|prompt) length|prompt is too long"
    r"|too many (?:input )?tokens|longer than the (?:maximum )?model|input is too long|must have less than \d+ tokens",
    re.IGNORECASE,
)
WINDOW: Final = re.compile(r"maximum context length (?:is|of) (\d+)", re.IGNORECASE)
PROMPT: Final = re.compile(
    r"(\d+) input tokens|\((\d+) in (?:the|your) (?:messages|prompt)|(\d+) (?:tokens )?(?:in|from) the (?:messages|prompt|input)",
    re.IGNORECASE,
)
NO_TEMPLATE: Final = re.compile(
    r"(?:no|without a?|not have a|provide a|missing|define a|define one).{0,40}chat.?template|default chat template is no longer",
    re.IGNORECASE | re.DOTALL,
)
CONSTRAINT: Final = re.compile(r"response_format|json.?schema|structured.?output|grammar|guided|regex", re.IGNORECASE)
FILTERED: Final = re.compile(r"content_filter|content.?management.?policy|content_policy_violation|moderation", re.IGNORECASE)
Pair = tuple[str, float]
SURROGATE: Final = re.compile("[\ud800-\udfff]")
QUOTA: Final = re.compile(
    r"insufficient_quota|billing|exceeded your current quota|insufficient (?:credits|balance|funds)", re.IGNORECASE
)


@attrs.frozen(kw_only=True)
class Outcome:
    """
    What one try came to.

    Parameters
    ----------
    answer : Answer
        The answer, with a fault or without.
    again : bool
        Whether the same request may succeed later.
    wait_s : float, optional
        Seconds that the server asks to wait (Retry-After).
    shut : bool
        Whether no request of this engine can succeed (wrong key, spent account).
    shut_if_first : bool
        Whether none can if none has yet (no such model, a key without rights).
    connected : bool
        Whether there was a server at all.
    room : int, optional
        Tokens that the window has left for the answer, where ``max_tokens`` asks for more and the server refuses that.
    may_cost : bool
        Whether the server may have worked, and charged, without telling how many tokens.
    """

    answer: Answer
    again: bool = False
    wait_s: float | None = None
    shut: bool = False
    shut_if_first: bool = False
    connected: bool = True
    room: int | None = None
    may_cost: bool = False


def outcome_of(request: Request, reply: HttpReply, *, key_variable: str | None) -> Outcome:
    """What a reply comes to. The fault's words name the next step; they repeat what the server says, clipped."""
    body = _json(reply.body)
    error = body.get("error") if isinstance(body, dict) else None
    if 200 <= reply.status < 300 and error is None:
        return _completion(request, body)
    status = reply.status
    if 200 <= status < 300 and isinstance(error, dict):
        # some gateways say 200 and put the status into the error
        inner = error.get("code")
        status = inner if isinstance(inner, int) and 400 <= inner < 600 else 500
    return _refusal(request, status, _said(reply.body, body), retry_after_s(reply.headers), key_variable)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds of ``Retry-After`` (or of OpenAI's ``retry-after-ms``); an instant of HTTP is told from now. None without."""
    exact = _seconds(headers.get("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    value = headers.get("retry-after")
    seconds = _seconds(value)
    if seconds is not None or value is None:
        return seconds
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value) if value is not None else -1.0
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e9 else None


def _refusal(request: Request, status: int, said: str, wait_s: float | None, key_variable: str | None) -> Outcome:
    def failed(code: FaultCode, words: str, **more: bool) -> Outcome:
        answer = Answer.failed(request, code, f"{words} (HTTP {status}{': ' + said if said else ''})")
        return Outcome(answer=answer, wait_s=wait_s, **more)

    if status == 402 or (status in (403, 429) and QUOTA.search(said)):
        return failed(FaultCode.BUDGET, "the account at the server has nothing left to spend; add to it, then resume", shut=True)
    if status in (401, 403, 407) and not (status == 403 and FILTERED.search(said)):
        step = f"set the environment variable {key_variable}" if key_variable else "name the variable that holds a key: api_key_env"
        words = f"the server does not accept the key; {step}"
        return failed(FaultCode.AUTHENTICATION, words, shut=status != 403, shut_if_first=status == 403)
    if status == 429:
        return failed(
            FaultCode.RATE_LIMITED, "the server asks for fewer requests; set requests_per_minute or tokens_per_minute", again=True
        )
    if status in (408, 504):
        return failed(FaultCode.TIMEOUT, "the server gave up waiting for the model", again=True, may_cost=True)
    if status in (409, 425) or (status >= 500 and status not in (501, 505)):
        return failed(FaultCode.SERVER_ERROR, "the server failed; its log says why", again=True)
    if 300 <= status < 400:
        return failed(FaultCode.UNREACHABLE, "the server sends elsewhere; write that address as base_url", shut_if_first=True)
    if status == 413 or TOO_LONG.search(said):
        told = failed(FaultCode.TOO_LONG, "the prompt (with max_tokens) does not fit the window of the model; shorten it")
        return attrs.evolve(told, room=_room(said, request.sampling.max_tokens))
    if NO_TEMPLATE.search(said):
        step = "start the server with --chat-template FILE, or send raw text"
        return failed(FaultCode.NO_CHAT_TEMPLATE, f"the model on the server has no chat template; {step}")
    if status in (400, 403) and FILTERED.search(said):
        return failed(FaultCode.BAD_REQUEST, "the server's content filter refuses the prompt; nothing was asked of the model")
    if status == 404 and request.adapter is not None:
        step = f"start it with --lora-modules {request.adapter}=FOLDER"
        return failed(FaultCode.NO_SUCH_ADAPTER, f"the server serves no adapter {request.adapter!r}; {step}")
    if status in (404, 405):
        words = "no such model, or no such address; check model and base_url (it often ends in /v1)"
        return failed(FaultCode.UNREACHABLE, words, shut_if_first=True)
    if request.constraint is not None and CONSTRAINT.search(said):
        return failed(FaultCode.CANNOT_CONSTRAIN, "the server cannot force this constraint; option structured says how it is sent")
    return failed(FaultCode.BAD_REQUEST, "the server refuses the request; leave_out drops a field that it does not know")


def _room(said: str, max_tokens: int) -> int | None:
    """Tokens left for the answer, of the window and the prompt that the server names; None when the prompt alone is too long."""
    window, prompt = WINDOW.search(said), PROMPT.search(said)
    if window is None or prompt is None:
        return None
    room = int(window[1]) - int(next(number for number in prompt.groups() if number is not None))
    return room if 1 <= room < max_tokens else None


def _completion(request: Request, body: object) -> Outcome:
    try:
        return _read(request, body)
    except _Malformed as malformed:
        words = f"what the server answered is no completion: {malformed}"
        return Outcome(answer=Answer.failed(request, FaultCode.MALFORMED_ANSWER, words), again=True, may_cost=True)


class _Malformed(Exception):
    """Where a body is no completion."""


def _read(request: Request, body: object) -> Outcome:
    if not isinstance(body, dict):
        raise _Malformed("it is no JSON object (truncated, or not from this API)")
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise _Malformed("it has no choices")
    told = body.get("usage")
    usage: Mapping[str, object] = told if isinstance(told, dict) else {}
    prompt_tokens, completion_tokens = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    finish = choice.get("finish_reason")
    if finish in ("error", "abort"):
        answer = Answer.failed(request, FaultCode.SERVER_ERROR, f"the server ended the answer with {finish!r}; its log says why")
        return Outcome(answer=answer, again=True, may_cost=True)
    message = choice.get("message")
    if isinstance(message, dict):
        text, reasoning, broken = _message(message, filtered=finish == "content_filter")
        logprobs = _chat_logprobs(choice.get("logprobs"))
    elif isinstance(choice.get("text"), str):
        text, reasoning, broken = _storable(choice["text"]), None, False
        logprobs = _text_logprobs(choice.get("logprobs"))
    else:
        raise _Malformed("its choice has neither a message nor a text")
    unwrapped = _unwrapped(text, request)
    if unwrapped is not None:
        # the tokens are those of the JSON around the choice, not of the choice
        text, logprobs = unwrapped, None
    answer = Answer(
        request_id=request.request_id,
        text=text,
        finish_reason=FINISHES.get(finish, "unknown") if isinstance(finish, str) else "unknown",
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        seed=request.sampling.seed,
        logprobs=logprobs if request.sampling.logprobs is not None else None,
        reasoning=reasoning,
    )
    answer = held(answer, request)
    if broken and answer.fault is not None:
        answer = attrs.evolve(
            answer, fault=attrs.evolve(answer.fault, message=f"{answer.fault.message}; it is a refusal of the model")
        )
    return Outcome(answer=answer)


def _message(message: Mapping[str, object], *, filtered: bool) -> tuple[str, str | None, bool]:
    """Text, reasoning, and whether the text stands in the field ``refusal``."""
    content, refusal = message.get("content"), message.get("refusal")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str))
    told = message.get("reasoning_content") or message.get("reasoning")
    reasoning = _storable(told) if isinstance(told, str) else None
    if not content and isinstance(refusal, str) and refusal:
        return _storable(refusal), reasoning, True
    if isinstance(content, str):
        return _storable(content), reasoning, False
    if content is None and (reasoning is not None or filtered):
        # cut before the answer began, or taken out by a filter
        return "", reasoning, False
    if content is None and "content" in message and not message.get("tool_calls"):
        return "", reasoning, False
    raise _Malformed("its message has no content")


def _unwrapped(text: str, request: Request) -> str | None:
    """Choice out of the object in which it was asked for, or None."""
    constraint = request.constraint
    if constraint is None or constraint.kind != "choice" or text in constraint.choices or not text.lstrip().startswith("{"):
        return None
    inner = _json(text.encode("utf-8"))
    value = inner.get(WRAPPER) if isinstance(inner, dict) and len(inner) == 1 else None
    return value if isinstance(value, str) else None


def _chat_logprobs(told: object) -> tuple[TokenLogprobs, ...] | None:
    content = told.get("content") if isinstance(told, dict) else None
    if not isinstance(content, list):
        return None
    made = []
    for one in content:
        token = _token(one)
        if token is None:
            return None
        others = one.get("top_logprobs")
        read = [_token(other) for other in others] if isinstance(others, list) else []
        made.append(_logprobs(token, [pair for pair in read if pair is not None]))
    return tuple(made)


def _logprobs(token: Pair, alternatives: list[Pair]) -> TokenLogprobs:
    kept: tuple[Pair, ...] = tuple(alternatives)
    return TokenLogprobs(token=token[0], logprob=token[1], alternatives=kept)


def _token(one: object) -> Pair | None:
    if not isinstance(one, dict) or not isinstance(one.get("token"), str) or not isinstance(one.get("logprob"), int | float):
        return None
    return _storable(one["token"]), float(one["logprob"])


def _text_logprobs(told: object) -> tuple[TokenLogprobs, ...] | None:
    if not isinstance(told, dict) or not isinstance(told.get("tokens"), list) or not isinstance(told.get("token_logprobs"), list):
        return None
    tokens, values = told["tokens"], told["token_logprobs"]
    others = told.get("top_logprobs")
    others = others if isinstance(others, list) and len(others) == len(tokens) else [None] * len(tokens)
    if len(values) != len(tokens) or not all(isinstance(value, int | float) for value in values):
        return None
    made = []
    for token, value, other in zip(tokens, values, others, strict=True):
        pairs = other.items() if isinstance(other, dict) else ()
        alternatives = [(_storable(name), float(one)) for name, one in pairs if isinstance(one, int | float)]
        made.append(_logprobs((_storable(str(token)), float(value)), sorted(alternatives, key=lambda pair: -pair[1])))
    return tuple(made)


def _count(usage: Mapping[str, object], name: str) -> int | None:
    value = usage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _said(raw: bytes, body: object) -> str:
    """What a server says of an error: its code and message, in a line; anything else as it stands, clipped."""
    error = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(error, dict):
        parts = [error.get("code"), error.get("type"), error.get("message") or error.get("detail")]
        words = " ".join(str(part) for part in parts if part)
    else:
        words = str(error) if isinstance(error, str) else raw[:2000].decode("utf-8", "replace")
    return _storable(" ".join(words.split())[:500])


def _storable(text: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate of JSON becomes U+FFFD."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)
