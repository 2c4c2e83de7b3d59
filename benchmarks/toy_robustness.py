"""
The robustness study on a toy lineage, from nothing: ``python -m benchmarks.toy_robustness [--check]``.

Runs ``safescale study robustness --config examples/study-toy.yaml`` as a user does. It prints what each stage cost and the answer.
``--check`` fails when time (30 minutes on two cores) or memory (4 GB) miss what they must, or a part broke;
what the effect is, nothing here has an opinion on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import attrs

from benchmarks.process_tree import run_tree

GOAL_S, GOAL_MB = 30 * 60, 4_000
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@attrs.frozen(kw_only=True)
class Shown:
    """What a study came to: its JSON, seconds, memory of all its processes at once, and what was missed."""

    told: dict[str, Any]
    wall_s: float
    cpu_s: float
    peak_mb: float
    missed: list[str]


def measure(config: Path, out: Path, *, jobs: int | None = None, goal_s: float = GOAL_S) -> Shown:
    """Run the command and print what it cost and answered."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    words = ["-m", "safescale", "study", "robustness", "--config", str(config), "-o", str(out), "--json"]
    words += [] if jobs is None else ["--jobs", str(jobs)]
    ran = run_tree(words, environment=dict(os.environ) | threads)
    if ran.exit_code not in (0, 1):
        raise SystemExit(f"safescale study robustness ended with {ran.exit_code}")
    told = json.loads(ran.stdout)
    print(f"{'stage':<18} {'wall s':>8} {'CPU s':>8} {'things':>8}")
    for stage in told["stages"]:
        print(f"{stage['stage']:<18} {stage['wall_s']:>8.1f} {stage['cpu_s']:>8.1f} {stage['responses'] or '':>8}")
    print(f"{'all':<18} {ran.wall_s:>8.1f} {ran.cpu_s:>8.1f}   {ran.peak_mb:.0f} MB; goals: {goal_s:.0f} s, {GOAL_MB} MB")
    result = told["report"]["robustness"]
    print("", *result["sentences"], sep="\n")
    missed = [f"{one['stage']} {one['name']}: {one['reason']}" for one in told["broken"]]
    missed += [f"{ran.wall_s:.0f} s in place of {goal_s:.0f}"] if ran.wall_s > goal_s else []
    missed += [f"{ran.peak_mb:.0f} MB in place of {GOAL_MB}"] if ran.peak_mb > GOAL_MB else []
    return Shown(told=told, wall_s=ran.wall_s, cpu_s=ran.cpu_s, peak_mb=ran.peak_mb, missed=missed)


def main() -> int:
    """Measure and print; with --check 1 when something is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 when something is missed")
    parser.add_argument("--config", type=Path, default=EXAMPLES / "study-toy.yaml")
    parser.add_argument("--folder", type=Path, help="keep everything here; what is there is not made again, and costs nothing")
    parser.add_argument("--jobs", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="toy-robustness-") as scratch:
        missed = measure(given.config, given.folder or Path(scratch) / "study", jobs=given.jobs).missed
    print("\nmissed: " + "; ".join(missed) if missed else "\nnothing is missed")
    return 1 if missed and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
