"""A request in vLLM's words, and vLLM's output as an answer; plain values, so that Ray can carry them to other machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from safescale.engines.answers import Answer, Fault, FaultCode, TokenLogprobs
from safescale.engines.obeying import held, uncheckable
from safescale.engines.rendering import Rendered, Tokenizer, render
from safescale.engines.requests import Constraint, Request
from safescale.engines.vllm_reasoning import SplitReasoning

__all__ = [
    "LEAST_TEMPERATURE",
    "answer_from_text",
    "finish_reason",
    "logprobs_from",
    "prepared",
    "sampling_fields",
    "structured_fields",
]

LEAST_TEMPERATURE: Final = 0.01
"""vLLM raises a lower temperature above 0 to this without an error (``_MAX_TEMP`` in vllm/sampling_params.py)."""


def sampling_fields(request: Request, known: frozenset[str]) -> dict[str, object]:
    """
    Every field of ``SamplingParams`` that changes an answer, named and set, so that no default of vLLM or of a model counts.

    Parameters
    ----------
    request : Request
        What is asked.
    known : frozenset of str
        Fields of the SamplingParams that is installed; others that we name are left out.
    """
    sampling = request.sampling
    fields: dict[str, object] = {
        "n": 1,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": 0.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "repetition_penalty": 1.0,
        "seed": sampling.seed,
        "stop": list(sampling.stop),
        "stop_token_ids": [],
        "bad_words": [],
        "ignore_eos": False,
        "max_tokens": sampling.max_tokens,
        "min_tokens": 0,
        "logprobs": sampling.logprobs,
        "prompt_logprobs": None,
        "detokenize": True,
        "skip_special_tokens": True,
        "spaces_between_special_tokens": True,
        "include_stop_str_in_output": False,
        "logit_bias": None,
        "allowed_token_ids": None,
        "thinking_token_budget": None,
        "repetition_detection": None,
        "extra_args": None,
        "watermarking": False,
    }
    return {name: value for name, value in fields.items() if name in known}


def structured_fields(constraint: Constraint | None) -> dict[str, object] | None:
    """Fields of ``StructuredOutputsParams`` for a constraint; None without one."""
    if constraint is None:
        return None
    if constraint.kind == "choice":
        return {"choice": list(constraint.choices)}
    return {constraint.kind: constraint.body}


def prepared(
    request: Request, tokenizer: Tokenizer, adapters: Mapping[str, object], max_model_len: int | None
) -> Rendered | Answer:
    """Token ids of a request that vLLM can take, or the fault of one that it cannot."""
    fault = _refused(request)
    if fault is not None:
        return fault
    if request.adapter is not None and request.adapter not in adapters:
        known = ", ".join(adapters) or "none"
        return Answer.failed(request, FaultCode.NO_SUCH_ADAPTER, f"no adapter {request.adapter!r} was opened; opened: {known}")
    ready = render(tokenizer, request, max_model_len=max_model_len)
    if isinstance(ready, Rendered) and not ready.token_ids:
        return Answer.failed(request, FaultCode.EMPTY_PROMPT, "the prompt has no tokens; nothing was asked")
    return ready


def _refused(request: Request) -> Answer | None:
    """The fault of a request that vLLM would change in silence or nobody could check; None when it takes it as it is."""
    temperature, seed = request.sampling.temperature, request.sampling.seed
    if 0.0 < temperature < LEAST_TEMPERATURE:
        words = f"vLLM would raise the temperature {temperature:g} to {LEAST_TEMPERATURE:g} in silence; use 0 (greedy) or more"
        return Answer.failed(request, FaultCode.BAD_REQUEST, words)
    if seed is not None and not 0 <= seed < 2**63:
        # -1 means no seed to vLLM
        return Answer.failed(request, FaultCode.BAD_REQUEST, f"vLLM takes seeds from 0 to 2**63 - 1, got {seed}")
    unknown = None if request.constraint is None else uncheckable(request.constraint)
    return None if unknown is None else Answer.failed(request, FaultCode.CANNOT_CONSTRAIN, unknown)


def finish_reason(reason: str | None) -> str:
    """Why generation ended, vLLM's word as ours."""
    return reason if reason in ("stop", "length") else "error" if reason in ("abort", "error") else "unknown"


def logprobs_from(
    token_ids: Sequence[int], places: Sequence[Mapping[int, tuple[float, str]]] | None, asked: int | None
) -> tuple[TokenLogprobs, ...] | None:
    """
    Log-probabilities (nats) of an answer's tokens.

    Parameters
    ----------
    token_ids : sequence of int, shape (tokens,)
        Tokens that were drawn.
    places : sequence of mappings, shape (tokens,), optional
        For each place: log-probability and text of the most probable tokens, and of the drawn one.
    asked : int, optional
        Alternatives a token; the drawn one counts among them where it is one of the most probable, as with OpenAI.
    """
    if places is None or asked is None:
        return None
    tokens = []
    for drawn, place in zip(token_ids, places, strict=True):
        ranked = sorted(((text, logprob) for logprob, text in place.values()), key=lambda pair: -pair[1])[:asked]
        logprob, text = place[drawn]
        tokens.append(TokenLogprobs(token=text, logprob=logprob, alternatives=tuple(ranked)))
    return tuple(tokens)


def answer_from_text(
    request: Request,
    text: str,
    *,
    reason: str,
    prompt_tokens: int,
    completion_tokens: int,
    logprobs: tuple[TokenLogprobs, ...] | None,
    split: SplitReasoning | None = None,
) -> Answer:
    """An answer, checked against its constraint; one that breaks it keeps its text and carries the fault."""
    reasoning, said = (None, text) if split is None else split(text)
    given_up = Fault(code=FaultCode.SERVER_ERROR, message="vLLM gave this request up; a resumed run asks again")
    answer = Answer(
        request_id=request.request_id,
        text=said,
        finish_reason=reason,
        fault=given_up if reason == "error" else None,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        seed=request.sampling.seed,
        logprobs=logprobs,
        reasoning=reasoning,
    )
    return held(answer, request)
