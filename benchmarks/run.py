"""
Throughput of the whole path on the generated corpus, beside a floor and a pandas pipeline: ``python -m benchmarks.run``.

Each job runs alone in a process of its own, several times in turn with the others, and the median counts. Rows and rejects are
asserted against what was planted, so speed never buys a wrong number. Absolute times are this machine's; the ratios go to
``benchmarks/history.jsonl`` with commit and machine. ``--check`` fails when a goal is missed, or a ratio is a fifth below that of
the last release.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.history import add_arguments, finish
from benchmarks.jobs import DIRTY, FLAT, JOBS, NESTED

GOALS_MB_PER_S = {
    "validate_flat": 120.0,
    "flat_into_parquet": 100.0,
    "validate_nested": 40.0,
    "nested_into_parquet": 40.0,
    "flat_into_sqlite": 25.0,
    "nested_into_sqlite": 25.0,
}
GOAL_CELLS_S = 1.0
GOAL_PEAK_MB = 1000.0
FLOORS = {
    "validate_flat": "unchecked_read",
    "validate_nested": "unchecked_read",
    "flat_into_parquet": "unchecked_read_to_parquet",
    "nested_into_parquet": "unchecked_read_to_parquet",
    "flat_into_sqlite": "executemany",
    "nested_into_sqlite": "executemany",
}


def prepare(folder: Path, rows: int) -> dict[str, dict[str, int]]:
    """Write the corpora once, and one corpus in both forms for the cells; gives the planted rows and rejects of each file."""
    facts = folder / "facts.json"
    if facts.is_file():
        return dict(json.loads(facts.read_text()))
    from safescale.ingest.session import ingest
    from safescale.simulate import CorpusPlan, simulate_corpus
    from safescale.store import open_corpus

    folder.mkdir(parents=True, exist_ok=True)
    planted: dict[str, dict[str, int]] = {}
    for name, share, part in ((FLAT, 0.0, "flat"), (DIRTY, 1e-4, "flat"), (NESTED, 0.01, "nested")):
        there = folder / f"make_{name}"
        truth = simulate_corpus(CorpusPlan(rows=rows, share_bad_lines=share, parts=(part,)), there)
        file = truth.files["flat" if part == "flat" else "traces"]
        file.path.rename(folder / name)
        planted[name] = {"rows": file.rows, "rejects": len(file.bad_rows)}
    for name in ("bench.db", "bench_corpus"):
        corpus = open_corpus(folder / name, create=True)
        ingest([folder / FLAT], corpus)
        corpus.close()
    facts.write_text(json.dumps(planted))
    return planted


def measure(folder: Path, names: Sequence[str], repeats: int) -> dict[str, list[dict[str, Any]]]:
    """Run the jobs in turn, so that a slow minute of the machine falls on all of them."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for turn in range(repeats):
        for name in names:
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.jobs", name, str(folder)], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(f"{name} failed:\n{done.stderr}")
            found[name].append(json.loads(done.stdout))
        print(f"turn {turn + 1} of {repeats} done", file=sys.stderr)
    return found


def check_results(found: dict[str, list[dict[str, Any]]], planted: dict[str, dict[str, int]]) -> None:
    """Every job of ours saw exactly the planted rows and rejects."""
    for name, runs in found.items():
        for run in runs:
            if "rejects" in run:
                expected = planted[NESTED if "nested" in name else DIRTY]
                assert {k: run[k] for k in expected} == expected, (name, run, expected)
            elif name.startswith("cells"):
                assert run["rows"] > 0.9 * planted[FLAT]["rows"], (name, run)
            else:
                assert run["rows"] == planted[FLAT]["rows"], (name, run)


def table(found: dict[str, list[dict[str, Any]]]) -> tuple[list[str], dict[str, float], list[str]]:
    """Lines to print, ratios to keep, goals missed."""
    median = {n: statistics.median(r["seconds"] for r in runs) for n, runs in found.items()}
    peak = {n: max(r["peak_mb"] for r in runs) for n, runs in found.items()}
    rate = {n: statistics.median(r["mb_per_s"] for r in runs) if runs[0]["mb_per_s"] else None for n, runs in found.items()}
    lines = [f"{'job':28}{'s':>8}{'MB/s':>8}{'goal':>7}{'floor x':>9}{'pandas x':>10}{'peak MB':>9}"]
    ratios: dict[str, float] = {}
    missed: list[str] = []
    for name in found:
        mine, goal = rate[name], GOALS_MB_PER_S.get(name)
        floor = pandas = None
        if mine is not None and name in FLOORS:
            floor, pandas = mine / (rate[FLOORS[name]] or 1), mine / (rate["pandas_pipeline"] or 1)
            ratios |= {f"{name}/floor": floor, f"{name}/pandas": pandas}
            if goal is not None and mine < goal:
                missed.append(f"{name}: {mine:.0f} MB/s, goal {goal:.0f}")
        if name.startswith("cells"):
            ratios[f"{name}/pandas"] = median["pandas_pipeline"] / median[name]
            if median[name] > GOAL_CELLS_S:
                missed.append(f"{name}: {median[name]:.2f} s, goal {GOAL_CELLS_S:g}")
        if (name in FLOORS or name.startswith("cells")) and peak[name] > GOAL_PEAK_MB:
            missed.append(f"{name}: {peak[name]:.0f} MB, goal {GOAL_PEAK_MB:.0f}")
        cells = (
            f"{mine:.0f}" if mine else "",
            f"{goal:.0f}" if goal else "",
            f"{floor:.2f}" if floor else "",
            f"{pandas:.1f}" if pandas else "",
        )
        lines.append(f"{name:28}{median[name]:8.2f}{cells[0]:>8}{cells[1]:>7}{cells[2]:>9}{cells[3]:>10}{peak[name]:9.0f}")
    return lines, ratios, missed


def main() -> int:
    """Measure, print, append to the history; with --check 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=140_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None, help="keep the generated corpora here")
    parser.add_argument("--only", nargs="*", default=None)
    add_arguments(parser)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        planted = prepare(folder, arguments.rows)
        names = [n for n in JOBS if not arguments.only or n in (*arguments.only, "pandas_pipeline", *FLOORS.values())]
        found = measure(folder, names, arguments.repeats)
    check_results(found, planted)
    lines, ratios, missed = table(found)
    print("\n".join(lines))
    print("floors: pyarrow.json without a check (validate), the same written to Parquet, executemany of ready tuples (SQLite)")
    return finish("run", ratios, arguments, missed=missed, rows=arguments.rows)


if __name__ == "__main__":
    sys.exit(main())
