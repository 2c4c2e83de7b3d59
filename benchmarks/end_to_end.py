"""
The whole path on the generated corpus of 140,000 results: ingest, every analysis, report; time by stage, and peak memory.

Each run is a process of its own. Goals: analyses under 10 s, the whole under 30 s, under 1 GB. The ratio kept is that to reading
the same file with the standard library's JSON module, the least that anyone does.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.history import add_arguments, finish

ROWS = 140_000
GOAL_ANALYSES_S, GOAL_WHOLE_S, GOAL_PEAK_MB = 10.0, 30.0, 1000.0
ANALYSES = frozenset({"counting cells", "analysing"})


def one_run(logs: Path, into: Path) -> dict[str, Any]:
    """Seconds by stage, peak memory, and what the report found."""
    from safescale.main_job import Input, write_report

    begun = time.perf_counter()
    marks: list[tuple[str, float]] = [("ingest", begun)]
    written = write_report(Input(paths=(logs,)), into, stage=lambda name: marks.append((name, time.perf_counter())))
    ended = time.perf_counter()
    stages: dict[str, float] = {}
    for (name, start), (_, stop) in zip(marks, [*marks[1:], ("", ended)], strict=True):
        stages[name] = stages.get(name, 0.0) + stop - start
    return {
        "stages": stages,
        "whole_s": ended - begun,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "counted": written.facts.scaling.counted,
        "verdict": written.document.findings[0].verdict,
        "findings": len(written.document.findings),
    }


def json_floor_s(logs: Path) -> float:
    """Every line through ``json.loads``."""
    start = time.perf_counter()
    with logs.open(encoding="utf-8") as lines:
        rows = sum(isinstance(json.loads(line), dict) for line in lines)
    assert rows == ROWS
    return time.perf_counter() - start


def main() -> int:
    """Measure, print, keep; with --check 1 when a goal is missed or a ratio fell."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--alone", type=Path, default=None, help="one run on this file, printed as JSON")
    arguments = parser.parse_args()
    if arguments.alone:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(one_run(arguments.alone, Path(folder) / "report")))
        return 0
    from safescale.simulate import CorpusPlan, simulate_corpus

    with tempfile.TemporaryDirectory() as folder:
        truth = simulate_corpus(CorpusPlan(rows=ROWS, parts=("flat",)), Path(folder))
        logs = truth.files["flat"].path
        counts = truth.files["flat"].verdict_counts
        tampered = {model.model_id for model in truth.models if model.tampered}
        evaluable = ("COMPLIANCE", "PARTIAL", "REFUSAL", "HALLUCINATION_REFUSAL")
        planted = sum(n for m, by in counts.items() if m not in tampered for v, n in by.items() if v in evaluable)
        runs = []
        for _ in range(arguments.repeats):
            command = [sys.executable, "-m", "benchmarks.end_to_end", "--alone", str(logs)]
            runs.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
        floor_s = min(json_floor_s(logs) for _ in range(2))
    for run in runs:
        assert run["counted"] == planted, (run["counted"], planted)
        assert run["verdict"] == "larger models comply more", run["verdict"]
    stages = {name: statistics.median(run["stages"][name] for run in runs) for name in runs[0]["stages"]}
    whole_s, peak_mb = statistics.median(run["whole_s"] for run in runs), max(run["peak_mb"] for run in runs)
    analyses_s = sum(seconds for name, seconds in stages.items() if name in ANALYSES)
    for name, seconds in stages.items():
        print(f"{name:28}{seconds:8.2f} s")
    print(f"{'analyses':28}{analyses_s:8.2f} s  (goal {GOAL_ANALYSES_S:g})")
    print(f"{'whole':28}{whole_s:8.2f} s  (goal {GOAL_WHOLE_S:g}; json.loads of every line alone: {floor_s:.2f} s)")
    print(f"{'peak memory':28}{peak_mb:8.0f} MB (goal {GOAL_PEAK_MB:g})")
    print(f"{ROWS:,} rows, {runs[0]['counted']:,} counted, {runs[0]['findings']} findings; first: {runs[0]['verdict']}")
    goals = (("analyses", analyses_s, GOAL_ANALYSES_S), ("whole", whole_s, GOAL_WHOLE_S), ("peak MB", peak_mb, GOAL_PEAK_MB))
    missed = [f"{name}: {value:.1f}, goal {goal:g}" for name, value, goal in goals if value > goal]
    ratios = {"json.loads/whole": floor_s / whole_s, "json.loads/analyses": floor_s / analyses_s}
    return finish("end_to_end", ratios, arguments, missed=missed, peak_mb=round(peak_mb))


if __name__ == "__main__":
    sys.exit(main())
