"""
A set of 100,000 prompts from one file of JSON lines: read, de-duplicated, near-duplicates found and checked, split and written.

CPU seconds, so that neighbours on the machine do not count. The floor is the MinHash signatures alone, which are datasketch's.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.history import add_arguments, finish
from safescale.generate.prompts import NearDuplicates, Preparing, prepare_prompts
from safescale.generate.prompts.near import signatures
from safescale.generate.prompts.shingles import folded

SEED = 20_261_129
GOAL_S = 60.0
LETTERS = "abcdefghijklmnop"


def texts_of(count: int, rng: random.Random) -> list[str]:
    """Seven tenths of their own, two tenths with one word changed, a twentieth of one template, a twentieth copied."""
    words = ["".join(rng.choices(LETTERS, k=rng.randint(3, 9))) for _ in range(3000)]
    own = [" ".join(rng.choices(words, k=rng.randint(8, 25))) for _ in range(count * 7 // 10)]
    changed = []
    for _ in range(count // 5):
        parts = rng.choice(own).split()
        parts[rng.randrange(len(parts))] = rng.choice(words)
        changed.append(" ".join(parts))
    template = " ".join(rng.choices(words, k=60))
    filled = [f"{template} {' '.join(rng.choices(words, k=4))}" for _ in range(count // 20)]
    copied = [f" {rng.choice(own)}  " for _ in range(count // 20)]
    made = [*own, *changed, *filled, *copied]
    rng.shuffle(made)
    return made


def prepared_s(texts: list[str], near: NearDuplicates, folder: Path) -> float:
    """CPU seconds of the whole command, without the start of Python."""
    file = folder / "in.jsonl"
    file.write_text("".join(json.dumps({"prompt": text, "prompt_kind": "harmful"}) + "\n" for text in texts), encoding="utf-8")
    start = time.process_time()
    made = prepare_prompts([file], folder / "out.jsonl", Preparing(near=near))
    took = time.process_time() - start
    assert sum(made.sheet.rows.values()) == len(texts)
    assert made.sheet.rows["exact_duplicates"] > 0
    return took


def signed_s(texts: list[str]) -> float:
    """CPU seconds of the MinHash signatures of the different texts alone: the floor."""
    different = sorted({folded(text) for text in texts})
    start = time.process_time()
    assert signatures(different).shape[0] == len(different)
    return time.process_time() - start


def main() -> int:
    """Print CPU seconds and the ratio; keep them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=100_000)
    add_arguments(parser)
    arguments = parser.parse_args()
    texts = texts_of(arguments.prompts, random.Random(SEED))
    took = {}
    with tempfile.TemporaryDirectory() as folder:
        for near in (NearDuplicates.OFF, NearDuplicates.REPORT):
            took[near.value] = prepared_s(texts, near, Path(folder))
            print(f"{len(texts):,} prompts, near-duplicates {near.value}: {took[near.value]:.1f} CPU s (goal {GOAL_S:.0f})")
    floor = signed_s(texts)
    print(f"datasketch's signatures alone: {floor:.1f} CPU s")
    slow = [f"{near}: {seconds:.0f} CPU s" for near, seconds in took.items() if seconds > max(10.0, GOAL_S * len(texts) / 100_000)]
    return finish("prepare_prompts", {"floor": floor / took["report"]}, arguments, missed=slow, cpu_s=took, prompts=len(texts))


if __name__ == "__main__":
    sys.exit(main())
