"""A request as a server wants it, path and JSON body by what it understands; or the answer that says why it cannot be asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, Literal

import attrs

from safescale.engines.answers import Answer, FaultCode
from safescale.engines.engine import EngineSpec
from safescale.engines.obeying import uncheckable
from safescale.engines.openai_settings import Settings
from safescale.engines.rendering import Tokenizer, render
from safescale.engines.requests import Constraint, Request

__all__ = ["CHAT", "COMPLETIONS", "WRAPPER", "Asked", "Asking", "asked"]

CHAT: Final = "/chat/completions"
COMPLETIONS: Final = "/completions"
WRAPPER: Final = "choice"
"""Name of the only property of the object in which servers without a choice are asked for one."""

TEMPLATE_TOKENS: Final = 64
"""Tokens that a chat template may add to a chat."""
MESSAGE_TOKENS: Final = 16
"""Tokens that a chat template may add to each message."""


@attrs.frozen(kw_only=True)
class Asking:
    """How one server is asked for one model: the spec, its settings, the dialect that was found, the tokenizer if there is one."""

    spec: EngineSpec
    settings: Settings
    dialect: Literal["vllm", "openai"]
    tokenizer: Tokenizer | None = attrs.field(default=None, repr=False)
    max_model_len: int | None = None


@attrs.frozen(kw_only=True)
class Asked:
    """
    What is sent for one request.

    ``most_prompt_tokens`` is an upper bound, which a budget holds back (a token is at least a byte); ``likely_prompt_tokens`` is
    what limits a minute count.
    """

    path: str
    body: bytes
    most_prompt_tokens: int
    likely_prompt_tokens: int


def asked(request: Request, asking: Asking) -> Asked | Answer:
    """What is sent for a request, or the fault that keeps it from being sent."""
    refused = _refused(request, asking)
    if refused is not None:
        return refused
    fields: dict[str, object] = {"model": request.adapter or asking.spec.model, **_sampling(request, asking)}
    if asking.tokenizer is not None:
        rendered = render(asking.tokenizer, request, max_model_len=asking.max_model_len)
        if isinstance(rendered, Answer):
            return rendered
        fields["prompt"] = list(rendered.token_ids)
        tokens = (len(rendered.token_ids), len(rendered.token_ids))
    elif request.text is not None:
        fields["prompt"] = request.text
        tokens = _bounds(request.text, messages=0)
    else:
        fields["messages"] = [{"role": message.role, "content": message.content} for message in request.messages]
        tokens = _bounds("".join(message.content for message in request.messages), messages=len(request.messages))
        if request.prefill and _prefill(asking) == "continue_final_message":
            fields |= {"add_generation_prompt": False, "continue_final_message": True}
    path = COMPLETIONS if "prompt" in fields else CHAT
    if request.sampling.logprobs is not None:
        alone = {"logprobs": request.sampling.logprobs}
        fields |= alone if path == COMPLETIONS else {"logprobs": True, "top_logprobs": request.sampling.logprobs}
    if request.constraint is not None:
        fields |= _constraint(request.constraint, asking)
    for name in asking.settings.leave_out:
        fields.pop(name, None)
    # ASCII, so that a lone surrogate of a prompt travels as what it is
    body = json.dumps({**fields, **asking.settings.extra_body}, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return Asked(path=path, body=body, most_prompt_tokens=tokens[0], likely_prompt_tokens=tokens[1])


def _bounds(text: str, *, messages: int) -> tuple[int, int]:
    size = len(text.encode("utf-8", "surrogatepass"))
    added = TEMPLATE_TOKENS + MESSAGE_TOKENS * messages if messages else 1
    return size + added, size // 4 + added // 4 + 1


def _refused(request: Request, asking: Asking) -> Answer | None:
    if not any(message.content.strip() for message in request.messages) and not request.text:
        return Answer.failed(request, FaultCode.EMPTY_PROMPT, "the prompt is empty; nothing was asked")
    if request.adapter is not None and request.adapter not in asking.spec.adapters:
        words = (
            f"no adapter {request.adapter!r} was named when the engine was opened (adapters); the server must serve it by that name"
        )
        return Answer.failed(request, FaultCode.NO_SUCH_ADAPTER, words)
    if request.prefill and asking.tokenizer is None and _prefill(asking) == "none":
        words = (
            "this server is not known to continue a begun answer; set option prefill to plain (or continue_final_message) if it can"
        )
        return Answer.failed(request, FaultCode.BAD_REQUEST, words)
    if request.constraint is not None:
        why = uncheckable(request.constraint) or _unforced(request, asking)
        if why is not None:
            return Answer.failed(request, FaultCode.CANNOT_CONSTRAIN, why)
    return None


def _sampling(request: Request, asking: Asking) -> dict[str, object]:
    sampling = request.sampling
    fields: dict[str, object] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        asking.settings.max_tokens_field: sampling.max_tokens,
        "stream": False,
        "n": 1,
    }
    if asking.dialect == "vllm":
        # a model's generation_config.json fills in what is not sent
        neutral = {"min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0}
        fields |= {"top_k": sampling.top_k, **neutral}
    elif sampling.top_k:
        fields["top_k"] = sampling.top_k
    if sampling.stop:
        fields["stop"] = list(sampling.stop)
    if sampling.seed is not None:
        fields["seed"] = sampling.seed
    return fields


def _prefill(asking: Asking) -> str:
    chosen = asking.settings.prefill
    if chosen != "auto":
        return chosen
    return "continue_final_message" if asking.dialect == "vllm" else "none"


def _structured(asking: Asking) -> str:
    chosen = asking.settings.structured
    if chosen != "auto":
        return chosen
    return "structured_outputs" if asking.dialect == "vllm" else "response_format"


def _unforced(request: Request, asking: Asking) -> str | None:
    """Why the server cannot force a constraint, or None."""
    assert request.constraint is not None
    way, kind = _structured(asking), request.constraint.kind
    step = "option structured says what the server can (structured_outputs for vLLM)"
    if way == "none":
        return f"this server forces no constraint; {step}"
    if way == "response_format" and kind == "regex":
        return f"response_format knows no regular expression; {step}"
    if way == "response_format" and (request.text is not None or asking.tokenizer is not None) and asking.dialect == "openai":
        return f"a raw text has no response_format; {step}"
    if way == "response_format" and kind == "choice" and request.prefill:
        return f"a begun answer cannot be one of several texts through response_format; {step}"
    return None


def _constraint(constraint: Constraint, asking: Asking) -> Mapping[str, object]:
    way = _structured(asking)
    value: object = list(constraint.choices) if constraint.kind == "choice" else constraint.body
    if constraint.kind == "json":
        value = json.loads(constraint.body)
    if way == "structured_outputs":
        return {"structured_outputs": {constraint.kind: value}}
    if way == "guided":
        return {f"guided_{constraint.kind}": value}
    if constraint.kind == "choice":
        value = {
            "type": "object",
            "properties": {WRAPPER: {"type": "string", "enum": value}},
            "required": [WRAPPER],
            "additionalProperties": False,
        }
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": value}}}
