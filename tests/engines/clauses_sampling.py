"""Clauses about sampling: every field of each request counts, and nothing else does."""

from __future__ import annotations

import itertools
import math
from typing import Final

from engines.contract import WORDS, Clause, NotApplicable, Rounds, UnderTest, chat, good, prompts
from safescale.engines import Constraint

__all__ = ["CLAUSES"]


def a_seed_makes_the_text(under: UnderTest) -> Rounds:
    """Same seed same text whatever the batch and the order; other seed other text."""
    seeded = [chat("frabbit mimsy", temperature=1.0, seed=seed) for seed in (1, 2, 3, 4, 5, 6)]
    first = yield seeded
    neighbours = [chat(prompt, temperature=1.0, seed=97 + place) for place, prompt in enumerate(prompts(5, 120))]
    second = yield [*neighbours[:3], *seeded[::-1], *neighbours[3:], chat(" ".join(WORDS * 3))]
    texts = good(first)
    good(second)
    under.same(first, second[3:9][::-1])
    assert len(set(texts)) >= 4, f"six seeds make {len(set(texts))} texts at temperature 1"
    assert [answer.seed for answer in first] == [1, 2, 3, 4, 5, 6], "the seed does not come back"
    return f"6 seeds in two batches, {len(set(texts))} texts"


def temperature_zero_is_greedy(under: UnderTest) -> Rounds:
    """At temperature 0 the seed does nothing; top_k = 1 and a tiny nucleus are greedy at any temperature."""
    several = prompts(4, 130)
    greedy = [chat(p) for p in several]
    answers = yield [
        *greedy,
        *(chat(p, seed=5) for p in several),
        *(chat(p, temperature=1.0, top_k=1, seed=6) for p in several),
        *(chat(p, temperature=1.0, top_p=1e-6, seed=7) for p in several),
    ]
    good(answers)
    for place, words in ((4, "a seed at temperature 0"), (8, "top_k = 1"), (12, "top_p = 1e-6")):
        try:
            under.same(answers[:4], answers[place : place + 4])
        except AssertionError as error:
            raise AssertionError(f"{words} is not greedy: {error}") from None
    if under.greedy is not None:
        for request, answer in zip(greedy, answers[:4], strict=True):
            known = under.greedy(request)
            assert answer.text == known, f"the bare model says {known!r}, the engine {answer.text!r}"
        return "4 prompts, four ways, as the bare model says"
    return "4 prompts, four ways"


def defaults_of_the_model_do_not_leak(under: UnderTest) -> Rounds:
    """At temperature 1 without top_k and top_p, first tokens are many: no generation_config.json narrows them."""
    answers = yield [chat("gimble wabe", temperature=1.0, seed=1000 + seed, max_tokens=1) for seed in range(48)]
    first = set(good(answers))
    assert len(first) > 8, f"48 seeds at temperature 1 have only {len(first)} different first tokens"
    return f"48 first tokens, {len(first)} different"


def max_tokens_ends_an_answer(under: UnderTest) -> Rounds:
    """Each request has its own limit; at it the answer ends with "length", and is the beginning of the longer one."""
    limits = (1, 3, 8, 16)
    answers = yield [chat("slithy gimble wabe", max_tokens=limit) for limit in limits]
    texts = good(answers)
    for limit, answer in zip(limits, answers, strict=True):
        if under.counts:
            assert answer.completion_tokens is not None, "no count of tokens"
            assert answer.completion_tokens <= limit, f"{answer.completion_tokens} tokens, {limit} allowed"
            assert answer.finish_reason == "stop" or answer.completion_tokens == limit, "it ended with length before the limit"
    assert answers[0].finish_reason == "length", f"one token ended with {answers[0].finish_reason!r}"
    for shorter, longer in itertools.pairwise(texts):
        assert longer.startswith(shorter.rstrip("� ")), f"{shorter!r} is not the beginning of {longer!r}"
    return f"limits {limits} of one prompt"


def a_stop_text_ends_an_answer(under: UnderTest) -> Rounds:
    """The answer ends before the first stop text, with "stop", and only for the request that has it."""
    several = prompts(4, 140)
    whole = yield [chat(p, max_tokens=16) for p in several]
    texts = good(whole)
    stops = [text[len(text) // 2 : len(text) // 2 + 3] for text in texts]
    assert all(stops), f"nothing to stop at in {texts!r}"
    answers = yield [
        *(chat(p, max_tokens=16, stop=("@never@", stop)) for p, stop in zip(several, stops, strict=True)),
        *(chat(p, max_tokens=16) for p in several),
    ]
    good(answers)
    for text, stop, answer in zip(texts, stops, answers[:4], strict=True):
        expected = text[: text.find(stop)]
        assert answer.text == expected, f"{text!r} until {stop!r} is {expected!r}, got {answer.text!r}"
        assert answer.finish_reason == "stop", f"at a stop text it ended with {answer.finish_reason!r}"
    under.same(whole, answers[4:])
    return f"4 prompts, stop texts {stops!r}"


def logprobs_are_of_the_tokens(under: UnderTest) -> Rounds:
    """One for each token, finite, at most 0; the greedy token is the first alternative; asked for only."""
    if not under.logprobs:
        raise NotApplicable("it has no log-probabilities")
    several = prompts(3, 150)
    answers = yield [*(chat(p, logprobs=4) for p in several), *(chat(p) for p in several), chat("tove", logprobs=0)]
    good(answers)
    assert all(answer.logprobs is None for answer in answers[3:6]), "log-probabilities that nobody asked for"
    assert answers[6].logprobs, "logprobs=0 asks for those of the tokens"
    for answer in answers[:3]:
        tokens = answer.logprobs
        assert tokens, "no log-probabilities"
        if under.counts and answer.completion_tokens is not None:
            assert len(tokens) - answer.completion_tokens in (0, *([-1] if answer.finish_reason == "stop" else [])), (
                f"{len(tokens)} log-probabilities for {answer.completion_tokens} tokens"
            )
        said = "".join(token.token for token in tokens)
        whole = (
            "".join(said.split())
            if answer.finish_reason == "length"
            else "".join(said.split())[: len("".join((answer.text or "").split()))]
        )
        assert whole == "".join((answer.text or "").split()) or "�" in said, f"the tokens {said!r} are not the text {answer.text!r}"
        for token in tokens:
            assert math.isfinite(token.logprob), f"a log-probability of {token.logprob}"
            assert token.logprob <= 1e-6, f"a log-probability of {token.logprob}"
            assert len(token.alternatives) == 4, f"{len(token.alternatives)} alternatives, 4 asked for"
            values = [value for _, value in token.alternatives]
            assert values == sorted(values, reverse=True), "alternatives are not sorted"
            assert math.isclose(values[0], token.logprob, abs_tol=1e-4), "the greedy token is not the most probable"
            assert sum(math.exp(value) for value in values) <= 1.0 + 1e-4, "probabilities sum to more than 1"
    return "3 prompts with 4 alternatives, one with none"


def logprobs_of_a_choice_are_those_of_the_labels(under: UnderTest) -> Rounds:
    """Under a choice of one-letter labels, the alternatives hold the labels' probabilities."""
    if not under.logprobs or "choice" not in under.constrains:
        raise NotApplicable("it has no log-probabilities, or does not force a choice")
    constraint = Constraint(kind="choice", choices=("A", "B", "C"))
    answers = yield [chat(p, logprobs=5, constraint=constraint, max_tokens=4) for p in prompts(4, 160)]
    texts = good(answers)
    for text, answer in zip(texts, answers, strict=True):
        assert answer.logprobs, "no log-probabilities"
        found = {token.strip(): value for token, value in answer.logprobs[0].alternatives}
        assert text in found, f"the label {text!r} is not among the alternatives {sorted(found)}"
        labels = [math.exp(found[label]) for label in ("A", "B", "C") if label in found]
        assert sum(labels) <= 1.0 + 1e-4, labels
        assert math.exp(found[text]) >= max(labels) - 1e-6, "the label that was chosen is not the most probable"
    return f"4 prompts: {texts}"


CLAUSES: Final[tuple[Clause, ...]] = (
    a_seed_makes_the_text,
    temperature_zero_is_greedy,
    defaults_of_the_model_do_not_leak,
    max_tokens_ends_an_answer,
    a_stop_text_ends_an_answer,
    logprobs_are_of_the_tokens,
    logprobs_of_a_choice_are_those_of_the_labels,
)
