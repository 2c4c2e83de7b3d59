"""
Puzzles, and neutral prose as long, for 10,000 prompts: how many a second of one core.

An experiment makes one set for each length before anything is generated, and again whenever it resumes. Goal: 2,000 puzzles and 500
texts of prose a second, so that making them never takes longer than reading the prompts' answers.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.history import add_arguments, finish
from safescale.pressure import NeutralBefore, PuzzleSet

GOAL_PUZZLES_S, GOAL_PROSE_S = 2000.0, 500.0


def main() -> int:
    """Measure, print; with --check 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--prompts", type=int, default=10_000)
    arguments = parser.parse_args()
    ids = [f"prompt-{number}" for number in range(arguments.prompts)]
    missed: list[str] = []
    for lines, difficulty in ((7, 1), (16, 3)):
        start = time.process_time()
        made = PuzzleSet.of(ids, lines=lines, difficulty=difficulty)
        between = time.process_time()
        prose = NeutralBefore.of(made)
        end = time.process_time()
        assert len({puzzle.text for puzzle in made.puzzles.values()}) == len(ids)
        assert (len({one.text for one in prose.prose.values()}), prose.missed) == (len(ids), 0)
        puzzles_s, prose_s = len(ids) / (between - start), len(ids) / (end - between)
        print(f"{lines:2} lines, difficulty {difficulty}: {puzzles_s:,.0f} puzzles/s, {prose_s:,.0f} texts of prose/s")
        if lines == 7 and puzzles_s < GOAL_PUZZLES_S:
            missed.append(f"puzzles: {puzzles_s:,.0f} a second, goal {GOAL_PUZZLES_S:,.0f}")
        if lines == 7 and prose_s < GOAL_PROSE_S:
            missed.append(f"prose: {prose_s:,.0f} a second, goal {GOAL_PROSE_S:,.0f}")
    return finish("puzzles", {}, arguments, missed=missed)


if __name__ == "__main__":
    sys.exit(main())
