"""
The whole path from ungraded responses to regressions: 140,000 responses graded by rule and by the default classifier, then every
analysis with the report; time by stage, and peak memory.

The corpus is the generated one of ``end_to_end``; each response is a text of about 1 kB in invented words, that refuses or
not as the planted verdict says. Each run is a process of its own. The ratio kept is that to reading the same file with the
standard library's JSON module, the least that anyone does.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.end_to_end import ROWS, json_floor_s
from benchmarks.grade_keyword import responses
from benchmarks.history import add_arguments, finish

KEYWORD, CLASSIFIER = "refusal-phrases", "refusal-classifier"
GOAL_KEYWORD_S, GOAL_WHOLE_S, GOAL_PEAK_MB = 40.0, 150.0, 1500.0


def classifier() -> tuple[str, ...]:
    """The default classifier, where this version has one."""
    from safescale.grade.grader import grader_names

    return (CLASSIFIER,) if CLASSIFIER in grader_names() else ()


def with_texts(source: Path, into: Path) -> None:
    """The generated rows without their grades, each with a text that says what its verdict was."""
    answers = responses(4_000)
    refusing = [text for text in answers if text.startswith(("I'm sorry", "As an AI", "I cannot"))]
    answering = [text for text in answers if not text.startswith(("I", "As"))]
    graded = ("target", "grader_id", "grader_kind", "verdict", "raw_label", "score", "score_scale", "p_refusal", "rubric_version")
    dropped = {*graded, "outcome_map", "response_sha256", "response_chars"}
    with source.open(encoding="utf-8") as lines, into.open("w", encoding="utf-8") as out:
        for number, line in enumerate(lines):
            row = json.loads(line)
            pool = refusing if row.get("verdict") == "REFUSAL" else answering
            kept = {name: value for name, value in row.items() if name not in dropped}
            if row["response_kind"] == "text":
                kept["response"] = f"{pool[number % len(pool)]} {number}"
            out.write(json.dumps(kept) + "\n")


def one_run(logs: Path, folder: Path, graders: list[str]) -> dict[str, Any]:
    """Seconds by stage, peak memory, and what was found."""
    from safescale.cells import Selection
    from safescale.grade.grader import open_grader
    from safescale.ingest.session import ingest
    from safescale.main_job import Input, Question, write_report
    from safescale.main_job.grade_run import grade_run
    from safescale.store import open_corpus

    stages: dict[str, float] = {}
    marks = [time.perf_counter()]

    def done(stage: str) -> None:
        marks.append(time.perf_counter())
        stages[stage] = marks[-1] - marks[-2]

    corpus = folder / "corpus.db"
    with open_corpus(corpus, create=True) as opened:  # type: ignore[attr-defined]
        ingest([logs], opened)
    done("ingest")
    verdicts = {}
    for name in graders:
        graded = grade_run(Input(paths=(corpus,)), [open_grader(name)])
        (one,) = graded.run.graders
        assert graded.taken_in is not None
        assert graded.taken_in.files[0].grades == one.graded
        verdicts[name] = {verdict.value: count for verdict, count in one.verdicts.items()}
        done(f"grade run --grader {name}")
    last = open_grader(graders[-1]).facts.grader_id
    question = Question(graders=(last,), selection=Selection(allow_keyword=True))
    written = write_report(Input(paths=(corpus,)), folder / "report", question=question)
    done("every analysis, report")
    return {
        "stages": stages,
        "whole_s": marks[-1] - marks[0],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "verdicts": verdicts,
        "finding": written.document.findings[0].verdict,
    }


def main() -> int:
    """Measure, print, keep; with --check 1 when a goal is missed or a ratio fell."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--alone", type=Path, default=None, help="one run on this file, printed as JSON")
    arguments = parser.parse_args()
    graders = [KEYWORD, *classifier()]
    if arguments.alone:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(one_run(arguments.alone, Path(folder), graders)))
        return 0
    from safescale.simulate import CorpusPlan, simulate_corpus

    with tempfile.TemporaryDirectory() as folder:
        truth = simulate_corpus(CorpusPlan(rows=ROWS, parts=("flat",)), Path(folder))
        logs = Path(folder) / "texts.jsonl"
        with_texts(truth.files["flat"].path, logs)
        size_mb = logs.stat().st_size / 1e6
        command = [sys.executable, "-m", "benchmarks.grade_then_analyze", "--alone", str(logs)]
        run = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        floor_s = json_floor_s(logs)
    assert run["finding"] == "larger models comply more", run["finding"]
    for name, seconds in run["stages"].items():
        print(f"{name:40}{seconds:8.2f} s")
    keyword_s = run["stages"][f"grade run --grader {KEYWORD}"]
    print(f"{'whole':40}{run['whole_s']:8.2f} s  (goal {GOAL_WHOLE_S:g}; json.loads of every line alone: {floor_s:.2f} s)")
    print(f"{'peak memory':40}{run['peak_mb']:8.0f} MB (goal {GOAL_PEAK_MB:g})")
    for name, counts in run["verdicts"].items():
        print(f"{name}: {', '.join(f'{verdict} {count:,}' for verdict, count in counts.items())}")
    print(f"{ROWS:,} rows, {size_mb:.0f} MB; first finding: {run['finding']}")
    goals = (
        ("keyword grading", keyword_s, GOAL_KEYWORD_S),
        ("whole", run["whole_s"], GOAL_WHOLE_S),
        ("peak MB", run["peak_mb"], GOAL_PEAK_MB),
    )
    missed = [f"{name}: {value:.1f}, goal {goal:g}" for name, value, goal in goals if value > goal]
    ratios = {"json.loads/whole": floor_s / run["whole_s"], "json.loads/keyword grading": floor_s / keyword_s}
    return finish("grade_then_analyze", ratios, arguments, missed=missed, peak_mb=round(run["peak_mb"]))


if __name__ == "__main__":
    sys.exit(main())
