"""
The worst corners of the calibration again, with fresh corpora: the largest of 180 shares is partly luck, and this tells how much.

``python -m benchmarks.calibration_again [--repeats 1000] [--write]`` reads from ``docs/explanation/calibration.md`` in which corner
each test of size rejected most, simulates those corners with other seeds, and adds a table to the page.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import re
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import scipy.stats

from benchmarks.calibration import CONDITIONAL, PAGE, SEED, SIZE_GOAL, Cell, Tally, draw, note, sections_of, tally, tests, where

TITLE = "The worst corners again, with fresh corpora"
_CORNER = re.compile(r"(\d+) models, tau ([\d.]+) pp, correlation ([\d.]+), base ([\d.]+)")


def worst_corners(page: str) -> dict[str, Cell]:
    """In which corner each test of a claim about size rejected most."""
    table = next(text for heading, text in sections_of(page).items() if heading.startswith("## Size of the tests (nominal"))
    found = {}
    for row in table.splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        corner = _CORNER.search(row)
        if corner is not None and not cells[0].endswith("(these models only)"):
            models, tau, correlation, base = corner.groups()
            found[cells[0]] = Cell(int(models), float(tau) / 100, float(correlation), float(base))
    return found


def again(task: tuple[Cell, int, int]) -> tuple[Cell, Tally]:
    """Rejections in one corner, one share of the work."""
    cell, share, repeats = task
    rng = np.random.default_rng([SEED, 4, share, cell.models, *(int(1000 * x) for x in cell[1:])])
    rejected: dict[str, list[bool]] = {}
    for _ in range(repeats):
        for name, p in tests(draw(cell, rng), dear=False).items():
            note(rejected, name, None if p is None else p <= 0.05)
    return cell, tally(rejected)


def table(corners: dict[str, Cell], found: dict[Cell, Tally], repeats: int) -> list[str]:
    """Old corner, fresh share, interval, for every test in every corner."""
    names = [name for name in next(iter(found.values())) if name not in CONDITIONAL and name != "beta_binomial_regression"]
    lines = [
        "",
        f"## {TITLE}",
        "",
        f"{len(found)} corners in which some test rejected most, {repeats} fresh corpora each; in brackets the 98 % Clopper-"
        "Pearson interval. The beta-binomial regression, too dear here, is left out.",
        "",
        f"| test | {' | '.join(where(cell) for cell in found)} |",
        "|---" * (len(found) + 1) + "|",
    ]
    for name in names:
        cells = []
        for cell, tallies in found.items():
            hits, tries = tallies[name]
            if not tries:
                cells.append("–")
                continue
            low, high = scipy.stats.binomtest(hits, tries).proportion_ci(0.98)
            mark = ", the worst before" if corners.get(name) == cell else ""
            over = ", surely above .06" if low > SIZE_GOAL else ""
            cells.append(f"{hits / tries:.3f} [{low:.3f}, {high:.3f}]{mark}{over}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Simulate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help="renew this table in docs/explanation/calibration.md")
    arguments = parser.parse_args(argv)
    head, _, old = PAGE.read_text(encoding="utf-8").partition("<!-- table -->\n")
    corners = worst_corners(old)
    cells, shares = list(dict.fromkeys(corners.values())), 10
    start = time.perf_counter()
    tasks = [(cell, share, arguments.repeats // shares) for cell in cells for share in range(shares)]
    found: dict[Cell, Tally] = {}
    with ProcessPoolExecutor(arguments.workers) as pool:
        for number, (cell, tallies) in enumerate(pool.map(again, tasks)):
            before = found.get(cell, {})
            found[cell] = {
                name: (before.get(name, (0, 0))[0] + hits, before.get(name, (0, 0))[1] + tries)
                for name, (hits, tries) in tallies.items()
            }
            print(f"{number + 1} of {len(tasks)} parts, {time.perf_counter() - start:.0f} s", file=sys.stderr)
    lines = table(corners, found, shares * (arguments.repeats // shares))
    print("\n".join(lines))
    if arguments.write:
        sections = sections_of(old) | sections_of("\n".join(lines) + "\n")
        PAGE.write_text(head + "<!-- table -->\n" + "\n".join(sections.values()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
