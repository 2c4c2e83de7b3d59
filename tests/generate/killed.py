"""A process that asks 1,000 prompts of a slow fake, over and over killed by its parent: run as ``python killed.py FOLDER SEED``."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from generate.runs import Script, plan  # noqa: E402
from safescale.engines import Request  # noqa: E402
from safescale.generate import generate  # noqa: E402

PROMPTS, KILLS = 1_000, 10
LATENCY_S, HELD_S = 0.0008, 120.0


def slow(holds_after: int | None) -> Callable[[Request], None]:
    """Sleeps at each request; after so many it waits to be killed, however late a busy machine wakes its parent."""
    asked = itertools.count(1)

    def before(_: Request) -> None:
        time.sleep(LATENCY_S if holds_after is None or next(asked) <= holds_after else HELD_S)

    return before


def rows_of(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*/parts/*.jsonl"))


def one_life(folder: Path, dies_at: int | None, rng: random.Random) -> bool:
    """Asks in a child until it is done, or until so many rows are there and it is killed a moment later; whether it was killed."""
    before = rows_of(folder)
    if dies_at is not None:
        dies_at = max(dies_at, before + 1)  # each life gives an answer at least
    child = os.fork()
    if child == 0:
        code = 1
        try:
            holds_after = None if dies_at is None else dies_at - before + 20
            generate([plan(PROMPTS)], folder, opener=Script(slow(holds_after)), batch_size=64)
            code = 0
        finally:
            os._exit(code)
    while dies_at is not None and rows_of(folder) < dies_at:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.002)
    if dies_at is not None:
        time.sleep(rng.random() * 4 * LATENCY_S)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return os.WIFSIGNALED(status)


def main(folder: Path, seed: int) -> None:
    rng = random.Random(seed)
    points = sorted(rng.sample(range(1, PROMPTS - 60), KILLS))
    killed = [one_life(folder, point, rng) for point in points]
    assert all(killed), killed
    assert not one_life(folder, None, rng)
    print(f"{sum(killed)} kills at rows {points}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
