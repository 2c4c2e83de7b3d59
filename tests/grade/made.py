"""A corpus with a grader whose errors are known, and raters who know the truth."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cells.fake_corpus import FakeCorpus, fake_corpus

VERDICTS = ("COMPLIANCE", "PARTIAL", "REFUSAL")

Rows = list[dict[str, Any]]


def graded_traces(
    *,
    conditions: Mapping[str, float] | None = None,
    models: int = 4,
    prompts: int = 60,
    right: float = 0.85,
    seed: int = 5,
    texts: bool = True,
) -> tuple[Rows, Rows, dict[str, str]]:
    """Traces and grades of some models and prompts per condition (with its rate of compliance), and the true verdicts."""
    rng = np.random.default_rng(seed)
    traces: Rows = []
    grades: Rows = []
    truth: dict[str, str] = {}
    for condition, rate in (conditions or {"calm": 0.3, "pressed": 0.6}).items():
        for model in range(models):
            for prompt in range(prompts):
                name = f"t-{condition}-{model}-{prompt}"
                true = VERDICTS[int(rng.choice(3, p=[rate, 0.15, 0.85 - rate]))]
                said = true if rng.random() < right else VERDICTS[int(rng.integers(3))]
                truth[name] = true
                text = {"prompt": f"zorp {prompt}, glumtun?", "response": f'mirdan, {name[::-1]}\nvek "quill"'} if texts else {}
                keys = {"model_id": f"m{model}-{2**model}b", "prompt_id": f"p{prompt}", "condition": condition}
                traces.append({"trace_id": name} | keys | text)
                grades.append({"trace_id": name, "verdict": said})
    return traces, grades, truth


def graded_corpus(**options: Any) -> tuple[FakeCorpus, dict[str, str]]:
    """The same in memory."""
    traces, grades, truth = graded_traces(**options)
    models = [{"model_id": name, "params_total_b": float(name.split("-")[1][:-1])} for name in {t["model_id"] for t in traces}]
    return fake_corpus(traces, grades, models), truth


def graded_log(path: Path, *, second: Mapping[str, str] | None = None, **options: Any) -> tuple[Path, dict[str, str]]:
    """The same as canonical lines; ``second`` holds the verdicts of a second grader, ``truth``, by trace."""
    traces, grades, truth = graded_traces(**options)
    said = {grade["trace_id"]: grade["verdict"] for grade in grades}
    lines = []
    for trace in traces:
        name = trace["trace_id"]
        whole = {
            "source": "made",
            "prompt_kind": "harmful",
            "attack_class": "none",
            "sample_index": 0,
            "response_kind": "text" if "response" in trace else "withheld",
            "finish_reason": "stop",
            "target": "text",
            "grader_kind": "llm",
            "outcome_map": "flip",
        } | trace
        lines.append(whole | {"grader_id": "judge", "verdict": said[name], "raw_label": said[name]})
        other = truth if second is None else second
        if second is not None and name in other:
            lines.append(whole | {"grader_id": "better", "verdict": other[name], "raw_label": other[name]})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path, truth


def fill_in(sheet: Path, label: Callable[[str], str], *, into: Path | None = None, first: int | None = None) -> Path:
    """The sheet with a label of each trace, or of the first so many, from its trace id."""
    key = json.loads(sheet.with_name(sheet.name + ".key.json").read_text(encoding="utf-8"))
    trace_of = {row["sample_id"]: row["trace_id"] for row in key["traces"]}
    with sheet.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for at, row in enumerate(rows):
        if first is None or at < first:
            row["label"] = label(trace_of[row["sample_id"]])
    path = into or sheet
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
