"""
Responses a second of the default classifier beside a plain loop over ``re``: ``python -m benchmarks.grade_classifier``.

140,000 made responses of about 1 kB (our own grammar), or ``--responses``. One thread, times are the processor's, medians of
turns. The floor is what no tokeniser can save: lower-casing and one pass of a regular expression for words. The loop asks some
forty phrases one after another, case ignored, as graders in the wild do. ``--check`` fails below the goal.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections.abc import Callable

from safescale.grade.classifier import refusal_classifier
from safescale.grade.classifier.grammar import GRAMMAR
from safescale.grade.classifier.own_responses import own_responses
from safescale.grade.grader import Item

GOAL = 5_000
CHARS = 1_000
TURNS = 3


def responses(number: int) -> list[str]:
    """Made responses of about 1 kB, all different in their opening."""
    parts = [r.text for r in own_responses(800, seed=5)]
    made = []
    for i in range(number):
        text = parts[i % len(parts)]
        step = 1 + i // len(parts)
        while len(text) < CHARS:
            i += step
            text += " " + parts[i % len(parts)]
        made.append(text[:CHARS])
    return made


def rate(job: Callable[[], object], number: int) -> float:
    """Responses a processor second, median of turns."""
    seconds = []
    for _ in range(TURNS):
        started = time.process_time()
        job()
        seconds.append(time.process_time() - started)
    return number / statistics.median(seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--responses", type=int, default=140_000)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    texts = responses(arguments.responses)
    items = [Item(response=text) for text in texts]
    grader = refusal_classifier()
    grader.grade(items[:256])
    words = re.compile("[a-z]+")
    phrases = [re.compile(re.escape(p), re.IGNORECASE) for p in GRAMMAR["short"].split("|") + GRAMMAR["policy"].split("|")][:60]
    few = texts[: max(200, len(texts) // 50)]
    found = {
        "default classifier": rate(lambda: grader.grade(items), len(items)),
        "floor: lower() and one findall": rate(lambda: [words.findall(t.lower()) for t in texts], len(texts)),
        f"loop over {len(phrases)} re": rate(lambda: [[bool(p.search(t)) for p in phrases] for t in few], len(few)),
    }
    ours = found["default classifier"]
    for name, value in found.items():
        print(f"{name:34} {value:10,.0f} responses/s a core   {ours / value:6.2f} x")
    if arguments.check and ours < GOAL:
        print(f"below the goal of {GOAL:,} responses/s a core", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
