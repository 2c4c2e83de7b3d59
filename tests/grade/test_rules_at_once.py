"""The fast way of ``refusal-phrases`` against its rules as they are said, and each response alone against many at once."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grade.plain_rules import plainly
from grade.test_refusal_phrases import ANSWERS, CONTENT, DEFLECTED, NOTHING, PARTS, REFUSALS
from safescale.grade.grader import Item
from safescale.grade.keyword import cues
from safescale.grade.keyword.content import content, contents
from safescale.grade.keyword.phrases import judge, judge_all
from safescale.grade.keyword.published import PUBLISHED, PhraseGrader
from safescale.grade.keyword.sieve import FEWEST, first_places, holding, widened
from safescale.records.verdicts import Verdict

WORDS = (
    *(
        "I ",
        "i'",
        "we ",
        "I can't ",
        "I cannot help with that ",
        "cannot ",
        "the assistant and ",
        "ai, will not ",
        "model, do not ",
    ),
    *("help ", "with ", "that ", "not ", "never ", "right ", "is ", "illegal", "against our guidelines", "this request cannot be "),
    *("Sorry, ", "unfortunately ", "but ", "I aim to stay neutral and avoid ", "wait ", "refuse", "I must respectfully decline "),
    *("no reason ", '"', "\u201c", "\u201d", "\nGuard: ", "\nNote: ", "```", "However, I can ", "Here is ", "please ", "\tplease "),
    *(
        ". ",
        ".",
        "! ",
        "?",
        "\n",
        " ",
        "  ",
        "\t",
        "\u00a0",
        "\u2003",
        "_",
        "\u2019",
        "\u0130",
        "\u03a3",
        "\u00df",
        "\u00e9",
        "\u4e2d",
    ),
    *(
        "\ud800",
        "\ufffd",
        "\u00c3\u00a9",
        "</think>",
        "<think>",
        "<|end|>",
        "[INST]",
        "zorble ",
        "quindle, " * 9,
        "hums at dawn and ",
    ),
)
SEEDS = [*REFUSALS, *ANSWERS, *PARTS, *NOTHING, CONTENT, DEFLECTED, CONTENT + DEFLECTED, f"I can't help with that. {DEFLECTED * 9}"]


def mutants(count: int, seed: int) -> list[str]:
    """Sentences of the invented world with cues, marks and blanks put in, cut out and moved."""
    rng = random.Random(seed)
    found = []
    for _ in range(count):
        text = rng.choice(SEEDS)
        for _ in range(rng.randrange(5)):
            at, other = rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)
            word = rng.choice(WORDS)
            cut = [
                text[:at],
                text[at:],
                text[:at] + text[other:],
                text.upper(),
                text.replace(" ", rng.choice(["\u00a0", "  ", "\n"]), 3),
            ]
            put = [text[:at] + word + text[at:], word + text, text + rng.choice(SEEDS), text + text[-30:] * 9]
            text = rng.choice(cut + put + put)
        found.append(text[:3_000])
    return found + ["".join(rng.choices(WORDS, k=rng.randrange(40))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(2))
def test_many_at_once_are_judged_as_the_plain_rules_say(seed: int) -> None:
    texts = mutants(400, seed)
    said = [(j.verdict.value, j.reason) for j in judge_all(texts)]
    wrong = [(text, fast, slow) for text, fast in zip(texts, said, strict=True) if fast != (slow := plainly(text))]
    assert not wrong, wrong[:3]
    assert {verdict for verdict, _ in said} == {"COMPLIANCE", "PARTIAL", "REFUSAL", "NOT_GRADEABLE"}
    assert {(why or "").partition(":")[0] for _, why in said} >= {"opens with a refusal", "a refusal, then an answer",
        "goes around the request", "a stance in place of an answer", "an answer with a refusal in it"}  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=30).map("".join))
@settings(deadline=None, max_examples=50)
def test_one_alone_is_judged_as_the_plain_rules_say(text: str) -> None:
    judgement = judge(text)
    assert (judgement.verdict.value, judgement.reason) == plainly(text)


def test_the_size_of_a_batch_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = mutants(300, 9)
    whole = judge_all(texts)
    monkeypatch.setattr("safescale.grade.keyword.phrases.BATCH_TEXTS", FEWEST + 3)
    assert judge_all(texts) == whole
    assert [judge(text) for text in texts] == whole
    assert judge_all([None, "zorble", None])[::2] == [judge(None)] * 2
    assert judge(None).verdict is Verdict.NOT_GRADEABLE


@pytest.mark.parametrize("name", ["DECLINE", "JUDGEMENT", "HEDGE", "OFFER"])
def test_a_widened_expression_misses_nothing(name: str) -> None:
    pattern: re.Pattern[str] = getattr(cues, name)
    texts = [text.lower() for text in mutants(400, 4)]
    held, places = holding(texts, widened(pattern.pattern)), first_places(texts, widened(pattern.pattern))
    found = [pattern.search(text) for text in texts]
    assert any(found)
    for match, holds, place in zip(found, held, places, strict=True):
        assert holds == (place >= 0)
        assert match is None or 0 <= place <= match.start()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_list_says_of_many_what_it_says_of_each(name: str) -> None:
    phrases = PUBLISHED[name].phrases
    texts = [text + phrases[number % len(phrases)] * (number % 3 == 0) for number, text in enumerate(mutants(50, 2))]
    grader = PhraseGrader(PUBLISHED[name])
    assert grader.grade([Item(response=text) for text in texts]) == [grader.grade([Item(response=text)])[0] for text in texts]


def test_places_are_counted_in_characters() -> None:
    assert first_places(["\u00e9\u4e2d\U0001f600 zorble", "zorble", "quindle", "\ud800zorble"], "zorble") == [4, 0, -1, 1]


def test_what_looks_around_itself_cannot_be_widened() -> None:
    with pytest.raises(ValueError, match="looks around"):
        widened(r"zorble(?! quindle)")


HELD = {"JUDGEMENT": "JUDGING", "APOLOGY": "APOLOGIES", "OFFER": "OFFERS", "HEDGE": "STANCES"}


@pytest.mark.parametrize("name", HELD)
def test_one_of_its_words_stands_in_everything_that_an_expression_finds(name: str) -> None:
    for text in mutants(200, 6):
        for match in getattr(cues, name).finditer(text.lower()):
            assert cues.any_in(getattr(cues, HELD[name]), match[0])


@given(st.lists(st.sampled_from(WORDS), max_size=30).map("".join))
def test_judgements_are_found_by_their_words(text: str) -> None:
    lowered = text.lower()
    quick = cues.judgement_in(lowered)
    assert [m.span() for m in cues.JUDGEMENT.finditer(lowered)] == ([m.span() for m in quick.finditer(lowered)] if quick else [])


def test_sentences_of_many_are_counted_as_of_one() -> None:
    rng = random.Random(3)
    texts = [text.lower() * 3 for text in mutants(200, 8)]
    stretches = [(text, rng.randrange(len(text) + 1) // 2, len(text)) for text in texts]
    for enough in (80, 320, 640):
        many = contents(stretches, [enough] * len(stretches))
        for stretch, count in zip(stretches, many, strict=True):
            assert min(count, enough) == min(content(*stretch, enough), enough)
