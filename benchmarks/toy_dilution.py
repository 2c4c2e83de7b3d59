"""
The dilution experiment on a toy lineage, from nothing: ``python -m benchmarks.toy_dilution [--check]``.

Trains 4 sizes in 3 seeds, asks them, grades with two graders, analyses and reports, by the commands that a user has. It prints what
each stage cost, what the lineage must be able to do, and the effect with its intervals over seeds. ``--check`` fails when the
lineage, time (25 minutes on two cores) or memory (4 GB) miss what they must; what the effect is, nothing here has an opinion on.
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

from benchmarks.process_tree import Ran, run_tree
from benchmarks.toy_figures import (
    Requirement,
    effect_lines,
    records_of,
    requirement_lines,
    requirements,
    result_of,
    size_lines,
    verdicts_of,
)

GOAL_S, GOAL_MB = 25 * 60, 4_000
GRADERS = ("toy-world", "refusal-phrases")


def asked(words: list[str]) -> Ran:
    """A command of safescale, with one thread a process; its figures are of no use when it fails."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    ran = run_tree(["-m", "safescale", *words], environment=dict(os.environ) | threads)
    if ran.exit_code:
        raise SystemExit(f"safescale {' '.join(words)} ended with {ran.exit_code}")
    return ran


@attrs.frozen(kw_only=True)
class Shown:
    """What a run of both commands came to: whether the lineage can do what it must, the answer, and what was missed."""

    requirements: list[Requirement]
    result: dict[str, Any]
    stages: list[dict[str, Any]]
    missed: list[str]


def measure(
    folder: Path, *, sizes: str = "s,sm,m,ml", seeds: int = 3, jobs: int = 2, every: int = 1, steps: tuple[int, int] | None = None
) -> Shown:
    """
    Run both commands and print everything.

    ``every`` asks every so many of the prompts, ``steps`` trains that long in the two stages.
    """
    lineage, experiment = folder / "toy", folder / "runs"
    words = [] if steps is None else ["--pretraining-steps", str(steps[0]), "--safety-steps", str(steps[1])]
    training = asked(
        ["toy", "train", "-o", str(lineage), "--sizes", sizes, "--seeds", str(seeds), "--jobs", str(jobs), *words, "--json"]
    )
    prompts = lineage / "prompts.jsonl"
    if every > 1:
        some = folder / "some_prompts.jsonl"
        some.write_text("".join(prompts.read_text(encoding="utf-8").splitlines(keepends=True)[::every]), encoding="utf-8")
        prompts = some
    words = ["--models", str(lineage / "models.yaml"), "--prompts", str(prompts), "--engine", "transformers"]
    words += [word for grader in GRADERS for word in ("--grader", grader)]
    whole = asked(["experiment", "dilution", *words, "-o", str(experiment), "--json"])

    stages = json.loads((experiment / "stages.json").read_bytes())["stages"]
    print(f"{'stage':<14} {'wall s':>8} {'CPU s':>8} {'peak MB':>8}")
    print(f"{'training':<14} {training.wall_s:>8.1f} {training.cpu_s:>8.1f} {training.peak_mb:>8.0f}   all processes")
    for stage in stages:
        print(f"{stage['stage']:<14} {stage['wall_s']:>8.1f} {stage['cpu_s']:>8.1f} {stage['peak_mb']:>8.0f}")
    print(f"{'experiment':<14} {whole.wall_s:>8.1f} {whole.cpu_s:>8.1f} {whole.peak_mb:>8.0f}   all processes")
    wall_s, peak_mb = training.wall_s + whole.wall_s, max(training.peak_mb, whole.peak_mb)
    print(f"{'both':<14} {wall_s:>8.1f} {training.cpu_s + whole.cpu_s:>8.1f} {peak_mb:>8.0f}   goals: {GOAL_S} s, {GOAL_MB} MB")

    records, result = records_of(lineage), result_of(experiment)
    found = requirements(records, verdicts_of(experiment))
    print("\nlineage (mean [range] over seeds, %)", *size_lines(records), sep="\n")
    print("\nrequirements (figures in %, from the answers of the experiment)", *requirement_lines(found), sep="\n")
    print("", *effect_lines(result), sep="\n")
    missed = [f"{one.words}: {', '.join(f'{100 * value:.1f}' for value in one.seeds)} %" for one in found if not one.holds]
    missed += [f"{wall_s:.0f} s in place of {GOAL_S}"] if wall_s > GOAL_S else []
    missed += [f"{peak_mb:.0f} MB in place of {GOAL_MB}"] if peak_mb > GOAL_MB else []
    return Shown(requirements=found, result=result, stages=stages, missed=missed)


def main() -> int:
    """Measure and print; with --check 1 when something is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 when something is missed")
    parser.add_argument("--folder", type=Path, help="keep everything here; what is there is not made again, and costs nothing")
    parser.add_argument("--sizes", default="s,sm,m,ml")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="ask every N-th prompt alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="toy-dilution-") as scratch:
        folder = given.folder or Path(scratch)
        missed = measure(folder, sizes=given.sizes, seeds=given.seeds, jobs=given.jobs, every=given.every).missed
    print("\nmissed: " + "; ".join(missed) if missed else "\nnothing is missed")
    return 1 if missed and given.check else 0


if __name__ == "__main__":
    sys.exit(main())
