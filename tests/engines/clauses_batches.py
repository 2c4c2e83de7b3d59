"""Clauses about batches: every request is answered once, as itself, whatever stands beside it."""

from __future__ import annotations

from typing import Final

import attrs

from engines.contract import WORDS, Clause, NotApplicable, Rounds, UnderTest, chat, good, prompts
from safescale.engines import Constraint, FaultCode, Message, Request, Sampling

__all__ = ["CLAUSES"]


def every_request_gets_its_own_answer(under: UnderTest) -> Rounds:
    """Asked in another order, each prompt says the same: answers are not dealt out by position."""
    requests = [chat(prompt) for prompt in prompts(20)]
    first = yield requests
    turned = yield requests[::-1]
    texts = good(first)
    assert len(set(texts)) > 10, f"20 prompts have only {len(set(texts))} different answers: nothing is shown"
    under.same(first, turned[::-1])
    return f"20 prompts in two orders, {len(set(texts))} different texts"


def each_choice_comes_back_to_its_request(under: UnderTest) -> Rounds:
    """Each request has a choice of one text, its own."""
    if "choice" not in under.constrains:
        raise NotApplicable("it does not force a choice")
    labels = [f"label {number}" for number in range(12)]
    requests = [
        chat(prompt, constraint=Constraint(kind="choice", choices=(label,)), max_tokens=32)
        for prompt, label in zip(prompts(12, 40), labels, strict=True)
    ]
    texts = good((yield requests))
    assert texts == labels, f"expected {labels}, got {texts}"
    return "12 labels, each at its request"


def an_answer_alone_is_the_answer_in_a_batch(under: UnderTest) -> Rounds:
    """Long neighbours (padding) change nothing."""
    short, long = chat("tove"), chat(" ".join(WORDS * 4))
    alone = yield [short]
    beside = yield [long, short, long]
    good([*alone, *beside])
    under.same(alone, beside[1:2])
    return "a short prompt alone and between long ones"


def equal_requests_are_answered_each(under: UnderTest) -> Rounds:
    """Three times the same request, and its repeats (sample_index): at temperature 0 the same text each time."""
    one, sampled = chat("mimsy tove"), chat("mimsy tove", temperature=1.0, seed=11)
    repeats = [attrs.evolve(one, sample_index=index) for index in (1, 2)]
    answers = yield [one, sampled, one, *repeats, one, sampled]
    texts = good(answers)
    under.same([answers[0]] * 4, [answers[2], answers[3], answers[4], answers[5]])
    under.same([answers[1]], [answers[6]])
    return f"3 equal requests, 2 repeats and 2 equal sampled ones: {len(set(texts))} texts"


def an_empty_prompt_is_said(under: UnderTest) -> Rounds:
    """Nothing asked, nothing answered, and the neighbour lives."""
    empty = [chat(""), chat("  \n "), *([Request(text="", sampling=Sampling(max_tokens=4))] if under.raw_text else [])]
    answers = yield [*empty, chat("wabe")]
    for answer in answers[:-1]:
        assert answer.fault is not None, f"an empty prompt was answered: {answer.text!r}"
        assert answer.fault.code is FaultCode.EMPTY_PROMPT, f"an empty prompt is {answer.fault.code}"
    good(answers[-1:])
    return f"{len(empty)} empty prompts"


def an_over_long_prompt_fails_alone(under: UnderTest) -> Rounds:
    """TOO_LONG, no text, nothing cut; its neighbours say what they always say."""
    if under.window is None:
        raise NotApplicable("nobody knows its window")
    near = [chat(prompt) for prompt in prompts(3, 60)]
    words = " ".join(WORDS[index % len(WORDS)] for index in range(under.window + 5))
    answers = yield [near[0], chat(words), near[1], chat(words, max_tokens=1), near[2]]
    for answer in (answers[1], answers[3]):
        assert answer.fault is not None, f"a prompt longer than the window was answered (cut?): {answer.text!r}"
        assert answer.fault.code is FaultCode.TOO_LONG, f"a prompt longer than the window is {answer.fault.code}"
        assert answer.finish_reason == "error", answer.finish_reason
    with_it = [answers[0], answers[2], answers[4]]
    good(with_it)
    without = yield near
    under.same(without, with_it)
    return f"two prompts of {under.window + 5} words in a window of {under.window}, 3 neighbours"


def an_answer_ends_at_the_window(under: UnderTest) -> Rounds:
    """A prompt that fits is answered, even when max_tokens asks for more than there is room for."""
    if under.window is None or under.prompt_tokens is None:
        raise NotApplicable("nobody knows its window, or its tokens")
    count = under.prompt_tokens
    words = next(n for n in range(under.window, 0, -1) if count(chat("wabe " * n)) < under.window)
    request = chat("wabe " * words, max_tokens=under.window)
    (answer,) = yield [request]
    good([answer])
    room = under.window - count(request)
    if under.counts:
        assert answer.completion_tokens is not None, "no count of tokens"
        assert answer.completion_tokens <= room, f"{answer.completion_tokens} tokens in a room of {room}"
    return f"room for {room} tokens, {under.window} asked for: {answer.completion_tokens} came"


def one_bad_item_does_not_lose_the_batch(under: UnderTest) -> Rounds:
    """Empty, over-long, of an unknown adapter, of an expression that is none: each fails alone."""
    near = [chat(prompt) for prompt in prompts(4, 70)]
    bad = [
        chat(""),
        chat("zorble", adapter="no-such-adapter"),
        chat("zorble", constraint=Constraint(kind="regex", body="(unclosed")),
        chat("zorble", constraint=Constraint(kind="json", body="{not json")),
    ]
    if under.window is not None:
        bad.append(chat("zorble " * (under.window + 5)))
    mixed = [near[0], *bad[:2], near[1], near[2], *bad[2:], near[3]]
    answers = dict(zip([request.request_id for request in mixed], (yield mixed), strict=True))
    for request in bad:
        answer = answers[request.request_id]
        assert answer.fault is not None, f"a bad request was answered: {answer.text!r}"
        assert answer.fault.message.strip(), "a fault says nothing"
    without = yield near
    with_them = [answers[request.request_id] for request in near]
    good(with_them)
    under.same(without, with_them)
    return f"{len(bad)} bad items among 4 good ones"


def nothing_asked_nothing_answered(under: UnderTest) -> Rounds:
    """An empty batch has no answers."""
    came = list(under.engine.answer([]))
    assert not came, f"{len(came)} answers to nothing"
    return "an empty batch"
    yield []


def what_it_says_of_itself_is_whole(under: UnderTest) -> Rounds:
    """Facts are the same twice, are plain data, and name the engine, its version and the model."""
    facts = under.engine.facts
    assert facts == under.engine.facts, "facts change from call to call"
    assert facts.engine, "no name"
    assert facts.version, "no version"
    assert facts.model, "no model"
    assert under.window is None or facts.max_model_len == under.window, (
        f"the window is {under.window}, it says {facts.max_model_len}"
    )
    assert all(isinstance(value, str) for value in (*facts.packages.values(), *facts.options.values())), "facts that are no words"
    return f"{facts.engine} {facts.version}, batch_invariant {facts.batch_invariant}"
    yield []


def tags_are_not_sent(under: UnderTest) -> Rounds:
    """What the caller tags a request with changes neither its id nor its answer."""
    one = Request(messages=(Message(role="user", content="gimble snark"),), sampling=Sampling(max_tokens=8))
    tagged = attrs.evolve(one, tags=(("condition", "plain"),))
    assert tagged.request_id == one.request_id
    answers = yield [one, tagged]
    good(answers)
    under.same(answers[:1], answers[1:])
    return "with tags and without"


CLAUSES: Final[tuple[Clause, ...]] = (
    every_request_gets_its_own_answer,
    each_choice_comes_back_to_its_request,
    an_answer_alone_is_the_answer_in_a_batch,
    equal_requests_are_answered_each,
    an_empty_prompt_is_said,
    an_over_long_prompt_fails_alone,
    an_answer_ends_at_the_window,
    one_bad_item_does_not_lose_the_batch,
    nothing_asked_nothing_answered,
    what_it_says_of_itself_is_whole,
    tags_are_not_sent,
)
