"""Clauses about what reaches the model: every message, a prefill, raw text, the adapter; and what is counted."""

from __future__ import annotations

from typing import Final

from engines.contract import Clause, NotApplicable, Rounds, UnderTest, chat, good, prompts
from safescale.engines import FaultCode, Message, Request, Sampling

__all__ = ["CLAUSES"]


def every_message_reaches_the_model(under: UnderTest) -> Rounds:
    """A system message and earlier turns change the answer."""
    several = prompts(6, 80)
    sampling = Sampling(max_tokens=12)
    turns = [
        Request(
            messages=(
                Message(role="user", content="brillig wabe"),
                Message(role="assistant", content="snark"),
                Message(role="user", content=p),
            ),
            sampling=sampling,
        )
        for p in several
    ]
    answers = yield [*(chat(p) for p in several), *(chat(p, system="slithy tove gimble") for p in several), *turns]
    texts = good(answers)
    plain, system, later = texts[:6], texts[6:12], texts[12:]
    assert sum(a != b for a, b in zip(plain, system, strict=True)) >= 3, "a system message changes nothing"
    assert sum(a != b for a, b in zip(plain, later, strict=True)) >= 3, "earlier turns change nothing"
    return "6 prompts plain, after a system message, after an earlier turn"


def a_prefill_is_continued(under: UnderTest) -> Rounds:
    """The answer goes on from the prefill and does not repeat it; an engine that cannot says BAD_REQUEST."""
    several = prompts(6, 90)
    prefill = "mimsy wabe"
    answers = yield [*(chat(p) for p in several), *(chat(p, prefill=prefill) for p in several)]
    plain, filled = answers[:6], answers[6:]
    if not under.prefill:
        for answer in filled:
            assert answer.fault is not None, f"a prefill was ignored: {answer.text!r}"
            assert answer.fault.code is FaultCode.BAD_REQUEST, f"a prefill it cannot take is {answer.fault.code}"
        return "it says that it cannot"
    texts, continued = good(plain), good(filled)
    assert sum(a != b for a, b in zip(texts, continued, strict=True)) >= 3, "a prefill changes nothing"
    repeated = sum(text.lstrip().startswith(prefill) for text in continued)
    assert repeated < 6, "the prefill stands in the answer"
    return "6 prompts with a prefill and without"


def raw_text_goes_as_it_is(under: UnderTest) -> Rounds:
    """No chat template around a raw text: it is shorter than the chat of the same words."""
    several = prompts(4, 100)
    raw = [Request(text=p, sampling=Sampling(max_tokens=12)) for p in several]
    answers = yield [*raw, *(chat(p) for p in several)]
    if not under.raw_text:
        for answer in answers[:4]:
            assert answer.fault is not None, f"raw text was answered: {answer.text!r}"
        return "it says that it cannot"
    good(answers)
    if under.counts:
        for plain, framed in zip(answers[:4], answers[4:], strict=True):
            assert plain.prompt_tokens is not None, "no count of tokens"
            assert framed.prompt_tokens is not None, "no count of tokens"
            assert plain.prompt_tokens <= framed.prompt_tokens, "raw text has more tokens than the chat"
    return "4 raw texts beside their chats"


def tokens_are_counted(under: UnderTest) -> Rounds:
    """A longer prompt has more tokens; where the rendering is known, exactly as many as it says."""
    if not under.counts:
        raise NotApplicable("it does not count tokens")
    lengths = (3, 9, 10, 30)
    requests = [chat("wabe " * n) for n in lengths]
    if under.prefill:
        requests.append(chat("wabe tove", prefill="snark gimble"))
    if under.raw_text:
        requests.append(Request(text="wabe tove snark", sampling=Sampling(max_tokens=5)))
    answers = yield requests
    good(answers)
    counts = [answer.prompt_tokens or 0 for answer in answers]
    assert sorted(set(counts[:4])) == counts[:4], f"prompts of {lengths} words have {counts[:4]} tokens"
    for request, answer in zip(requests, answers, strict=True):
        assert answer.completion_tokens is not None, "no count of the answer's tokens"
        assert 0 <= answer.completion_tokens <= request.sampling.max_tokens, answer.completion_tokens
    if under.prompt_tokens is not None:
        known = [under.prompt_tokens(request) for request in requests]
        assert counts == known, f"the rendering has {known} tokens, the engine counts {counts}"
        return f"{len(counts)} prompts, as many tokens as the rendering has"
    return f"{len(counts)} prompts: {counts} tokens"


def an_adapter_changes_the_output(under: UnderTest) -> Rounds:
    """With the adapter another text, without it the old one, in one batch; twice the same."""
    if not under.adapters:
        raise NotApplicable("it was opened without adapters")
    several = prompts(6, 110)
    bare = [chat(p) for p in several]
    before = yield bare
    worn = [chat(p, adapter=name) for name in under.adapters for p in several]
    mixed = yield [*worn, *bare]
    again = yield [*bare, *worn]
    base = good(before)
    good([*mixed, *again])
    for place, name in enumerate(under.adapters):
        texts = [answer.text for answer in mixed[place * 6 : place * 6 + 6]]
        changed = sum(a != b for a, b in zip(base, texts, strict=True))
        assert changed >= 3, f"adapter {name!r} changes {changed} of 6 answers"
    under.same(before, mixed[len(worn) :])
    under.same(mixed[: len(worn)], again[6:])
    return f"adapters {', '.join(under.adapters)}: 6 prompts each beside the bare model"


def an_unknown_adapter_is_said(under: UnderTest) -> Rounds:
    """NO_SUCH_ADAPTER, and never the bare model's answer under the adapter's name."""
    answers = yield [chat("tove wabe", adapter="no-such-adapter"), chat("tove wabe")]
    assert answers[0].fault is not None, f"an unknown adapter was answered: {answers[0].text!r}"
    assert answers[0].fault.code is FaultCode.NO_SUCH_ADAPTER, f"an unknown adapter is {answers[0].fault.code}"
    good(answers[1:])
    return "an adapter that nobody opened"


CLAUSES: Final[tuple[Clause, ...]] = (
    every_message_reaches_the_model,
    a_prefill_is_continued,
    raw_text_goes_as_it_is,
    tokens_are_counted,
    an_adapter_changes_the_output,
    an_unknown_adapter_is_said,
)
