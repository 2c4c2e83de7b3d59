"""A request as a row that Ray carries, and a row that came back as an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from safescale.engines.answers import Answer, FaultCode
from safescale.engines.engine import EngineSpec
from safescale.engines.rendering import Rendered
from safescale.engines.requests import Request
from safescale.engines.vllm_reasoning import SplitReasoning
from safescale.engines.vllm_sampling import answer_from_text, logprobs_from, sampling_fields, structured_fields

__all__ = ["answer_of_row", "read_reply", "row_of"]

FAILED = "__inference_error__"


NO_SEED = -1
"""What vLLM takes for no seed."""


def row_of(ready: Rendered, spec: EngineSpec, known: frozenset[str], *, apart: bool, logprobs: bool = False) -> dict[str, object]:
    """
    What an engine behind Ray Data gets: token ids, sampling, and the model or the folder of an adapter.

    No number is ever null: between stages Ray makes floats of a column of whole numbers in which one is missing, and a seed that
    is a float kills the thread through which vLLM takes requests (0.32), after which all of them wait for ever.

    Parameters
    ----------
    ready : Rendered
        The request and its token ids.
    spec : EngineSpec
        The model and its adapters.
    known : frozenset of str
        Fields of the SamplingParams that is installed.
    apart : bool
        Keep special tokens in the text, for a parser of reasoning.
    logprobs : bool
        Whether any row of the job asks for log-probabilities: then all do.
    """
    request = ready.request
    fields = {name: value for name, value in sampling_fields(request, known).items() if value is not None}
    fields["seed"] = NO_SEED if request.sampling.seed is None else request.sampling.seed
    if logprobs:
        fields["logprobs"] = request.sampling.logprobs or 0
    structured = structured_fields(request.constraint)
    if structured is not None:
        fields["structured_outputs"] = structured
    if apart:
        fields["skip_special_tokens"] = False
    model = spec.model if request.adapter is None else spec.adapters[request.adapter]
    return {"tokenized_prompt": list(ready.token_ids), "sampling_params": fields, "model": model}


def read_reply(row: Mapping[str, Any]) -> dict[str, Any]:
    """The number and what was said, or the number and what went wrong."""
    if row.get(FAILED):
        return {"number": int(row["number"]), "error": str(row[FAILED])}
    read: dict[str, Any] = json.loads(row["said"])
    return read


def answer_of_row(
    ready: Rendered,
    row: Mapping[str, Any],
    *,
    decode: Callable[[list[int]], str],
    ends: frozenset[int],
    window: int | None,
    split: SplitReasoning | None,
) -> Answer:
    """The answer in a row that came back; ``decode`` turns token ids into text without special tokens."""
    request = ready.request
    if "error" in row:
        return Answer.failed(request, _code(request, row["error"]), f"vLLM behind Ray Data refuses this request: {row['error']}")
    tokens: list[int] = row["tokens"]
    places = row["logprobs"]
    return answer_from_text(
        request,
        row["text"],
        reason=_why_it_ended(ready, tokens, decode=decode, ends=ends, window=window),
        prompt_tokens=len(ready.token_ids),
        completion_tokens=len(tokens),
        logprobs=logprobs_from(
            tokens,
            None if places is None else [{int(i): (float(p[0]), p[1] or "") for i, p in place.items()} for place in places],
            request.sampling.logprobs,
        ),
        split=split,
    )


def _code(request: Request, error: str) -> FaultCode:
    if not error.startswith(("VLLMValidationError", "ValueError", "ValidationError")):
        return FaultCode.SERVER_ERROR
    return FaultCode.BAD_REQUEST if request.constraint is None else FaultCode.CANNOT_CONSTRAIN


def _why_it_ended(
    ready: Rendered, tokens: list[int], *, decode: Callable[[list[int]], str], ends: frozenset[int], window: int | None
) -> str:
    # Ray Data's rows do not carry vLLM's finish reason (2.60), so it is worked out from the tokens
    sampling = ready.request.sampling
    room = sampling.max_tokens if window is None else min(sampling.max_tokens, window - len(ready.token_ids))
    if len(tokens) < room or tokens[-1] in ends:
        return "stop"
    whole = decode(tokens) if sampling.stop else ""
    return "stop" if any(stop in whole for stop in sampling.stop) else "length"
