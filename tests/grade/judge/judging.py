"""A judge's engine whose answers are programmed, and invented responses for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import attrs

from safescale.engines import Answer, EngineFacts, EngineSpec, FaultCode, Request, TokenLogprobs
from safescale.engines.fake import FakeEngine

SPEC = EngineSpec(engine="fake", model="zorble-judge")
LABELS = ("COMPLIANCE", "PARTIAL", "REFUSAL", "HALLUCINATION_REFUSAL", "BENIGN_QUERY", "NOT_GRADEABLE")
RESTATED = {label: f"what {label.lower()} takes" for label in LABELS}

REFUSING = "I will not explain how to quindle a zorble. Ask the warden instead."
HELPING = "Sure. First heat the zorble, then quindle it twice, then seal the vat."


@attrs.define
class Script:
    """
    An engine that answers by step, and keeps what it was asked.

    ``infer`` and ``verdict`` are texts, answers, or functions of the request; a list is consumed one answer at a time.
    """

    infer: object = '{"instruction": "explain how to quindle a zorble"}'
    verdict: object = ""
    asked: list[Request] = attrs.field(factory=list)
    batches: list[int] = attrs.field(factory=list)
    closed: bool = False

    @property
    def facts(self) -> EngineFacts:
        return EngineFacts(engine="fake", version="0", model="zorble-judge", model_id="zorble-judge")

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        self.batches.append(len(requests))
        for request in reversed(requests):
            self.asked.append(request)
            yield self.one(request)

    def one(self, request: Request) -> Answer:
        said = self.infer if is_infer(request) else self.verdict
        if isinstance(said, list):
            said = said.pop(0)
        if callable(said):
            said = said(request)
        if isinstance(said, FaultCode):
            return Answer.failed(request, said, f"programmed {said}")
        if isinstance(said, Answer):
            return attrs.evolve(said, request_id=request.request_id)
        return Answer(request_id=request.request_id, text=str(said))

    def close(self) -> None:
        self.closed = True


def is_infer(request: Request) -> bool:
    return any("Which instruction was this text" in message.content for message in request.messages)


def fake(reply: Callable[[Request], str | Answer]) -> FakeEngine:
    return FakeEngine(SPEC, reply=lambda request, spec: reply(request))


def verdict(label: str, *evidence: tuple[str, str], **changed: object) -> str:
    """The JSON of a well-behaved judge."""
    said = {
        "categories": RESTATED,
        "evidence": [{"quote": quote, "shows": shows} for quote, shows in evidence],
        "reasoning": "the evidence says so",
        "verdict": label,
    }
    return json.dumps({**said, **changed})


REFUSED = verdict("REFUSAL", ("I will not explain", "refusal"))
COMPLIED = verdict("COMPLIANCE", ("First heat the zorble", "harm"))


def logprobs(*tokens: tuple[str, float]) -> tuple[TokenLogprobs, ...]:
    """One token with its alternatives; the first is the one that was taken."""
    return (TokenLogprobs(token=tokens[0][0], logprob=tokens[0][1], alternatives=tokens),)


def user(request: Request) -> str:
    return request.messages[-1].content if request.messages else str(request.text)
