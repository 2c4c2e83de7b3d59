"""
The keyword graders on 140,000 responses of 1 kB: megabytes a second of one core, against a plain loop over ``re``.

The loop is what anyone writes first: ``re.search`` of each phrase in turn, with ``IGNORECASE`` where case does not matter. Verdicts
must agree on every response of the published lists; for our own
rules the loop only looks for their expressions. Time is the processor's, the least of three batch by batch, so that
others on the machine count little. Goal: 60 MB/s for each grader.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from benchmarks.history import add_arguments, finish
from safescale.grade.grader import Item, open_grader
from safescale.grade.keyword.cues import APOLOGY, DECLINE, HEDGE, JUDGEMENT
from safescale.grade.keyword.published import PUBLISHED, PublishedList
from safescale.records.verdicts import Verdict

T = TypeVar("T")
RESPONSES, ANSWER_CHARS, BASELINE = 140_000, 1_330, 4_000
GOAL_MB_S = 60.0
_WORDS = (
    *(
        "the",
        "zorble",
        "of",
        "a",
        "quindle",
        "is",
        "blue",
        "and",
        "it",
        "hums",
        "at",
        "dawn",
        "when",
        "you",
        "wind",
        "to",
        "left",
        "in",
    ),
    *(
        "garden",
        "with",
        "an",
        "old",
        "brass",
        "bell",
        "that",
        "rings",
        "for",
        "rain",
        "as",
        "well",
        "on",
        "any",
        "day",
        "not",
        "too",
    ),
    *(
        "cold",
        "but",
        "general",
        "all",
        "them",
        "are",
        "made",
        "by",
        "hand",
        "from",
        "tin",
        "so",
        "never",
        "leave",
        "out",
        "this",
        "i",
    ),
)
_REFUSALS = (
    "I'm sorry, but I can't help with that request. ",
    "As an AI language model, I cannot provide instructions for this. ",
    "I cannot assist with zorbles. ",
    "It is not appropriate to wind a quindle. ",
)


def responses(count: int, seed: int = 7) -> list[str]:
    """Sentences of common and invented words, 1 kB on average; a third opens with a refusal and is short, some end with one."""
    rng = random.Random(seed)
    sentences = [" ".join(rng.choices(_WORDS, k=14)).capitalize() + ". " for _ in range(4_000)]
    found = []
    for _ in range(count):
        text = "".join(rng.choices(sentences, k=24))[:ANSWER_CHARS]
        draw = rng.random()
        found.append(rng.choice(_REFUSALS) + text[:300] if draw < 0.33 else text + rng.choice(_REFUSALS) if draw < 0.4 else text)
    return found


def plain_loop(published: PublishedList) -> Callable[[str], bool]:
    """``re`` over the phrases one by one."""
    flags = re.IGNORECASE if published.ignores_case else 0
    patterns = [re.compile(re.escape(phrase), flags) for phrase in published.phrases]
    if published.where == "start":
        return lambda text: any(pattern.match(text.strip()) for pattern in patterns)
    return lambda text: any(pattern.search(text) for pattern in patterns)


def loop_over_cues(text: str) -> bool:
    """Only whether the expressions of our own rules are found, one by one: less than a verdict."""
    return any(pattern.search(text.lower()) for pattern in (DECLINE, APOLOGY, JUDGEMENT, HEDGE))


def least_s(work: Callable[[], T]) -> tuple[float, T]:
    """Least processor time of three, and what came of it: another thread of the core makes the others longer."""
    times = []
    for _ in range(3):
        start = time.process_time()
        found = work()
        times.append(time.process_time() - start)
    return min(times), found


def graded(name: str, items: Sequence[Item]) -> tuple[list[Verdict], float]:
    """Verdicts, and processor time, in batches as the runner gives them."""
    grader = open_grader(name)
    size = grader.facts.batch_size
    verdicts: list[Verdict] = []
    seconds = 0.0
    for at in range(0, len(items), size):
        batch = items[at : at + size]
        spent, judgements = least_s(lambda batch=batch: grader.grade(batch))  # type: ignore[misc]
        verdicts += [judgement.verdict for judgement in judgements]
        seconds += spent
    return verdicts, seconds


def main() -> int:
    """Measure, print, keep; with --check 1 when a goal is missed or a ratio fell."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--responses", type=int, default=RESPONSES)
    arguments = parser.parse_args()
    texts = responses(arguments.responses)
    items = [Item(response=text) for text in texts]
    megabytes = sum(map(len, texts)) / 1e6
    ratios: dict[str, float] = {}
    missed: list[str] = []
    print(f"{len(texts):,} responses, {megabytes:.0f} MB; goal {GOAL_MB_S:g} MB/s a core")
    for name in (*PUBLISHED, "refusal-phrases"):
        verdicts, seconds = graded(name, items)
        speed = megabytes / seconds
        refused = sum(v is Verdict.REFUSAL for v in verdicts)
        words = f"{name:30}{speed:8.0f} MB/s  {refused:,} refusals"
        loop = plain_loop(PUBLISHED[name]) if name in PUBLISHED else loop_over_cues
        some = texts[:BASELINE]
        if name in PUBLISHED:
            assert [loop(text) for text in some] == [v is Verdict.REFUSAL for v in verdicts[:BASELINE]], name
        pieces = [some[at : at + 500] for at in range(0, len(some), 500)]
        loop_s = sum(least_s(lambda loop=loop, piece=piece: [loop(text) for text in piece])[0] for piece in pieces)  # type: ignore[misc]
        loop_speed = sum(map(len, some)) / 1e6 / loop_s
        ratios[f"{name}/re loop"] = speed / loop_speed
        words += f"  {speed / loop_speed:.1f} times a loop over re ({loop_speed:.0f} MB/s)"
        print(words)
        if speed < GOAL_MB_S:
            missed.append(f"{name}: {speed:.0f} MB/s, goal {GOAL_MB_S:g}")
    return finish("grade_keyword", ratios, arguments, missed=missed)


if __name__ == "__main__":
    sys.exit(main())
