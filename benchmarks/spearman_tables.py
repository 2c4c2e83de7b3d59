"""
Computes the tables behind `spearman_test`: ``python -m benchmarks.spearman_tables``; not run by the package or its tests.

Compiles ``spearman_tables.c`` with gcc, lets it count n = 3 .. 26 (the method is described there), checks each table
against the sum n! and the first moments, and writes ``safescale/stats/_spearman_tables.py``. ``--counts FOLDER`` keeps the
plain counts, one file per n, and reuses those that are there: n = 25 and 26 take minutes and gigabytes.
"""

from __future__ import annotations

import argparse
import binascii
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np

LARGEST = 26
SOURCE = Path(__file__).with_suffix(".c")
MODULE = Path(__file__).resolve().parent.parent / "safescale" / "stats" / "_spearman_tables.py"
HEADER = '''"""
The exact null distribution of Spearman's statistic for n = 3 .. {largest} untied pairs, as constants.

Made by ``python -m benchmarks.spearman_tables``, which is kept beside the package; do not edit. The counts are the
coefficients of the permanent of [q^(i j)], by Laplace's expansion along half of the rows (M. A. van de Wiel, A. Di
Bucchianico (2001), J. Statist. Plann. Inference 92, 133-145, name the generating function), in whole numbers throughout.

Run of {date}: {machine}; {threads} threads, other work on the machine.
Wall seconds: {seconds}.
Checked there: sum n!, mean, variance and fourth moment. Checked in tests/stats/test_spearman_tables.py: every permutation
for n <= 8, all central moments up to 14, and, where the oracle lies, equality of every count for n = 18, 20 .. 26.

``TABLES[n]`` holds, as base64 of zlib, the numbers of permutations with ``sum_i i sigma(i)`` 0, 1, .. steps above its
smallest value, up to the middle ``floor((n^3 - n) / 12)``; the rest is the mirror image. The first bytes (least
significant) of all counts come first, then the second bytes, and so on.
"""

from __future__ import annotations

LARGEST = {largest}

TABLES: dict[int, str] = {{
'''


def compute(program: Path, folder: Path, n: int) -> tuple[list[int], float]:
    """The counts of one n, made unless they are in the folder, and the seconds that they took."""
    kept = folder / f"spearman_{n}.txt"
    if not kept.is_file():
        start = time.perf_counter()
        counts = subprocess.run([program, str(n)], capture_output=True, text=True, check=True).stdout
        kept.write_text(f"{time.perf_counter() - start:.1f}\n{counts}")
    seconds, *lines = kept.read_text().split()
    return [int(line) for line in lines], float(seconds)


def check(n: int, counts: list[int]) -> None:
    """The sum and the first even moments of the whole distribution, in closed form (Kendall 1948, Rank Correlation Methods)."""
    top = (n**3 - n) // 6
    full = [counts[min(t, top - t)] for t in range(top + 1)]
    assert sum(full) == math.factorial(n)
    assert counts[0] == 1
    # rho = (2 t - top) / top
    second, fourth = (Fraction(sum(c * (2 * t - top) ** p for t, c in enumerate(full)), sum(full) * top**p) for p in (2, 4))
    assert second == Fraction(1, n - 1)
    if n > 3:
        assert fourth == Fraction(3 * (25 * n**3 - 38 * n**2 - 35 * n + 72), 25 * n * (n + 1) * (n - 1) ** 3)


def packed(counts: list[int]) -> str:
    width = (max(counts).bit_length() + 7) // 8
    rows = np.frombuffer(b"".join(count.to_bytes(width, "little") for count in counts), dtype=np.uint8).reshape(-1, width)
    return binascii.b2a_base64(zlib.compress(rows.T.tobytes(), 9), newline=False).decode()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=Path)
    parser.add_argument("--machine", default=f"{platform.machine()}, {os.cpu_count()} cores")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.counts or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        program = Path(scratch) / "spearman_tables"
        subprocess.run(["gcc", "-O3", "-march=native", "-fopenmp", "-Wall", "-Wextra", "-o", program, SOURCE], check=True)
        rows, times = [], []
        for n in range(3, LARGEST + 1):
            counts, seconds = compute(program, folder, n)
            check(n, counts)
            text = packed(counts)
            lines = [f'"{text[i : i + 118]}"' for i in range(0, len(text), 118)]
            inside = lines[0] if len(lines) == 1 else "".join(f"\n        {line}" for line in lines) + "\n    "
            rows.append(f"    {n}: ({inside}),\n")
            times.append((n, seconds))
            print(f"n = {n}: {len(counts)} counts, {seconds:.1f} s", file=sys.stderr)
    listed = ", ".join(f"{n} {seconds:.0f}" for n, seconds in times if seconds >= 5)
    fast = sum(seconds for _, seconds in times if seconds < 5)
    header = HEADER.format(
        largest=LARGEST,
        date=time.strftime("%Y-%m-%d"),
        machine=arguments.machine,
        threads=os.environ.get("OMP_NUM_THREADS", os.cpu_count()),
        seconds=f"{listed}; all others together {fast:.1f} (n and its seconds)",
    )
    MODULE.write_text(header + "".join(rows) + "}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
