"""Fakes that break the contract, one fault each: what a clause is worth is what it catches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import attrs

from safescale.engines import Answer, EngineFacts, FaultCode, Message, Request
from safescale.engines.fake import FakeEngine

__all__ = ["FAULTS", "Faulty"]

Asked = Callable[[Request, Sequence[Request]], Request]
Given = Callable[[Request, Answer, Sequence[Request]], Answer]


@attrs.define
class Faulty:
    """A fake between two distortions: of what it is asked, and of what it answers. Ids are always put right again."""

    inner: FakeEngine
    asked: Asked = lambda request, _: request
    given: Given = lambda _, answer, __: answer
    batch: Callable[[Sequence[Request], list[Answer]], list[Answer]] = lambda _, answers: answers
    calls: int = 0
    lies: bool = False

    @property
    def facts(self) -> EngineFacts:
        self.calls += 1
        return attrs.evolve(self.inner.facts, max_model_len=self.calls) if self.lies else self.inner.facts

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        answers = []
        for request in requests:
            (one,) = self.inner.answer([self.asked(request, requests)])
            one = attrs.evolve(one, request_id=request.request_id)
            answers.append(self.given(request, one, requests))
        yield from self.batch(requests, answers)

    def close(self) -> None:
        self.inner.close()


def _sampling(request: Request, **changes: object) -> Request:
    return attrs.evolve(request, sampling=attrs.evolve(request.sampling, **changes))


def _first_words(request: Request, count: int) -> Request:
    if request.text is not None:
        return attrs.evolve(request, text=" ".join(request.text.split()[:count]))
    cut = [attrs.evolve(message, content=" ".join(message.content.split()[:count])) for message in request.messages]
    return attrs.evolve(request, messages=tuple(cut))


def _said(answer: Answer, text: str, **more: object) -> Answer:
    if answer.fault is not None:
        return answer
    return attrs.evolve(answer, text=text, completion_tokens=len(text.split()), **more)


def _any_way(request: Request, answer: Answer, code: FaultCode) -> Answer:
    """What it would say if a fault did not matter."""
    if answer.fault is None or answer.fault.code is not code:
        return answer
    return Answer(request_id=answer.request_id, text="amber brindle", prompt_tokens=3, completion_tokens=2, seed=answer.seed)


def _by_length(requests: Sequence[Request], answers: list[Answer]) -> list[Answer]:
    """Sorted by length, and dealt out without putting the order back."""
    order = sorted(range(len(requests)), key=lambda place: len(str(requests[place].messages)))
    dealt = [answers[place] for place in order]
    return [attrs.evolve(answer, request_id=request.request_id) for request, answer in zip(requests, dealt, strict=True)]


def _once(requests: Sequence[Request], answers: list[Answer]) -> list[Answer]:
    return list({answer.request_id: answer for answer in answers}.values())


def _all_or_nothing(requests: Sequence[Request], answers: list[Answer]) -> list[Answer]:
    if any(answer.fault is not None for answer in answers):
        return [Answer.failed(request, FaultCode.BAD_REQUEST, "something in the batch is bad") for request in requests]
    return answers


def _no_template(request: Request, _: Sequence[Request]) -> Request:
    return (
        request
        if request.text is None
        else Request(messages=(Message(role="user", content=f"user : {request.text} : end of turn"),))
    )


def _logprobs(change: Callable[[Answer], Answer]) -> Given:
    return lambda request, answer, _: change(answer) if answer.logprobs else answer


FAULTS: Final[dict[str, tuple[dict[str, object], tuple[str, ...]]]] = {
    "deals answers out by position": (
        {"batch": _by_length},
        ("every_request_gets_its_own_answer", "each_choice_comes_back_to_its_request"),
    ),
    "loses the last item": ({"batch": lambda _, answers: answers[:-1]}, ("an_expression_is_forced",)),
    "answers what nobody asked": (
        {"batch": lambda _, answers: [*answers, Answer(request_id="0" * 64, text="amber")]},
        ("nothing_asked_nothing_answered", "every_request_gets_its_own_answer"),
    ),
    "answers equal requests once": ({"batch": _once}, ("equal_requests_are_answered_each",)),
    "lets neighbours into an answer": (
        {"given": lambda _, answer, batch: _said(answer, f"{len(batch)} {answer.text}")},
        ("an_answer_alone_is_the_answer_in_a_batch",),
    ),
    "answers an empty prompt": (
        {"given": lambda request, answer, _: _any_way(request, answer, FaultCode.EMPTY_PROMPT)},
        ("an_empty_prompt_is_said", "one_bad_item_does_not_lose_the_batch"),
    ),
    "cuts a prompt to the window": (
        {"asked": lambda request, _: _first_words(request, 180)},
        ("an_over_long_prompt_fails_alone", "one_bad_item_does_not_lose_the_batch"),
    ),
    "cuts a prompt in silence to eight words": (
        {"asked": lambda request, _: _first_words(request, 8)},
        ("tokens_are_counted", "an_over_long_prompt_fails_alone"),
    ),
    "runs past the window": (
        {"given": lambda request, answer, _: _said(answer, "amber " * request.sampling.max_tokens)},
        ("an_answer_ends_at_the_window",),
    ),
    "fails the batch for one item": (
        {"batch": _all_or_nothing},
        ("one_bad_item_does_not_lose_the_batch", "an_empty_prompt_is_said"),
    ),
    "says other facts each time": ({"lies": True}, ("what_it_says_of_itself_is_whole",)),
    "sends tags": (
        {"given": lambda request, answer, _: _said(answer, f"{request.tags} {answer.text}")},
        ("tags_are_not_sent",),
    ),
    "sends the last message only": (
        {"asked": lambda request, _: attrs.evolve(request, messages=request.messages[-1:])},
        ("every_message_reaches_the_model",),
    ),
    "drops a prefill": (
        {
            "asked": lambda request, _: (
                attrs.evolve(request, messages=request.messages[:-1]) if request.prefill and len(request.messages) > 1 else request
            )
        },
        ("a_prefill_is_continued", "tokens_are_counted"),
    ),
    "repeats a prefill": (
        {"given": lambda request, answer, _: _said(answer, f"{request.prefill} {answer.text}") if request.prefill else answer},
        ("a_prefill_is_continued",),
    ),
    "puts raw text into a template": ({"asked": _no_template}, ("raw_text_goes_as_it_is", "tokens_are_counted")),
    "counts one token too many": (
        {"given": lambda _, answer, __: attrs.evolve(answer, prompt_tokens=(answer.prompt_tokens or 0) + 1)},
        ("tokens_are_counted",),
    ),
    "forgets the adapter": (
        {"asked": lambda request, _: attrs.evolve(request, adapter=None)},
        ("an_adapter_changes_the_output", "an_unknown_adapter_is_said"),
    ),
    "leaves the adapter on": (
        {
            "asked": lambda request, batch: attrs.evolve(
                request, adapter=request.adapter or next((r.adapter for r in batch if r.adapter), None)
            )
        },
        ("an_adapter_changes_the_output",),
    ),
    "ignores the seed": ({"asked": lambda request, _: _sampling(request, seed=0)}, ("a_seed_makes_the_text",)),
    "seeds by place in the batch": (
        {
            "asked": lambda request, batch: _sampling(request, seed=[r is request for r in batch].index(True)),
            "given": lambda request, answer, _: attrs.evolve(answer, seed=request.sampling.seed),
        },
        ("a_seed_makes_the_text",),
    ),
    "samples at temperature 0": (
        {"asked": lambda request, _: _sampling(request, temperature=request.sampling.temperature or 0.7)},
        ("temperature_zero_is_greedy",),
    ),
    "ignores top_k": ({"asked": lambda request, _: _sampling(request, top_k=0)}, ("temperature_zero_is_greedy",)),
    "ignores top_p": ({"asked": lambda request, _: _sampling(request, top_p=1.0)}, ("temperature_zero_is_greedy",)),
    "is greedy by the model's defaults": (
        {"asked": lambda request, _: _sampling(request, temperature=0.0)},
        ("defaults_of_the_model_do_not_leak", "a_seed_makes_the_text"),
    ),
    "ignores max_tokens": ({"asked": lambda request, _: _sampling(request, max_tokens=64)}, ("max_tokens_ends_an_answer",)),
    "ignores stop texts": ({"asked": lambda request, _: _sampling(request, stop=())}, ("a_stop_text_ends_an_answer",)),
    "keeps the stop text": (
        {"given": lambda request, answer, _: _said(answer, f"{answer.text}{''.join(request.sampling.stop[1:])}")},
        ("a_stop_text_ends_an_answer",),
    ),
    "forgets log-probabilities": (
        {"asked": lambda request, _: _sampling(request, logprobs=None)},
        ("logprobs_are_of_the_tokens", "logprobs_of_a_choice_are_those_of_the_labels"),
    ),
    "gives log-probabilities of one token": (
        {"given": _logprobs(lambda answer: attrs.evolve(answer, logprobs=(answer.logprobs or ())[:1]))},
        ("logprobs_are_of_the_tokens",),
    ),
    "gives probabilities for log-probabilities": (
        {
            "given": _logprobs(
                lambda answer: attrs.evolve(answer, logprobs=tuple(attrs.evolve(t, logprob=0.6) for t in answer.logprobs or ()))
            )
        },
        ("logprobs_are_of_the_tokens",),
    ),
    "ignores constraints": (
        {"asked": lambda request, _: attrs.evolve(request, constraint=None)},
        (
            "a_choice_is_forced",
            "a_label_that_begins_another_is_exact",
            "a_label_that_is_cut_is_a_fault",
            "json_is_forced",
            "an_expression_is_forced",
            "each_choice_comes_back_to_its_request",
        ),
    ),
    "spells labels in lower case": (
        {"given": lambda request, answer, _: _said(answer, (answer.text or "").lower()) if request.constraint else answer},
        ("a_choice_is_forced",),
    ),
    "puts words before JSON": (
        {
            "given": lambda request, answer, _: (
                _said(answer, f"Here: {answer.text}") if request.constraint and request.constraint.kind == "json" else answer
            )
        },
        ("json_is_forced",),
    ),
    "passes half a label": (
        {"given": lambda request, answer, _: _any_way(request, answer, FaultCode.CONSTRAINT_BROKEN)},
        ("a_label_that_is_cut_is_a_fault",),
    ),
}
"""Name: what is distorted, and the clauses that must notice."""
