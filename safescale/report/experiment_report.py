"""The closing words of ``experiment dilution``: what is planned, what was done, what to do next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import attrs

from safescale.analyses.jsonable import to_jsonable
from safescale.analyses.words import plural
from safescale.report.ingest_report import aligned
from safescale.studies.dilution.planning import DilutionPlan, TimeLeft
from safescale.studies.dilution.run import Experiment

__all__ = ["experiment_json", "experiment_text", "plan_text"]


def plan_text(plan: DilutionPlan, left: TimeLeft) -> str:
    """The plan in a few lines."""
    kinds = [f"{count:,} {kind}" for kind, count in (("harmful", plan.harmful), ("benign", plan.benign), ("unknown", plan.unknown)) if count]
    repeats = "" if plan.samples == 1 else f" x {plan.samples} samples"
    prompts = plan.harmful + plan.benign + plan.unknown
    lines = [
        f"plan: {plural(plan.models, 'model')} x {plural(plan.conditions, 'condition')} = {plan.cells:,} cells; x {prompts:,} prompts "
        f"({', '.join(kinds)}){repeats} = {plan.responses:,} responses",
        f"about {plan.prompt_tokens:,} tokens of prompts ({plan.prompt_words:,} words), at most {plan.answer_tokens_at_most:,} of answers; "
        f"neutral prose is cut to the length of the puzzles in {plan.counter}",
    ]
    if left.answered:
        lines.append(f"{left.answered:,} responses are there, {left.left:,} are to be asked")
    if left.wall_s is not None and left.left:
        pace = "" if left.tokens_per_s is None else f" at {left.tokens_per_s:,.0f} tokens/s"
        lines.append(f"about {_time(left.wall_s)}{pace}, as measured here before")
    if isinstance(plan.power, dict) and plan.power.get("words"):
        lines.append(str(plan.power["words"]))
    return "\n".join(lines)


def experiment_text(experiment: Experiment, files: Sequence[Path]) -> str:
    """The answer, what was lost, what departed from the registration, the times, and the files."""
    lines: list[str] = []
    if experiment.result is not None:
        lines += [experiment.result.answer, ""]
        if experiment.result.settle:
            lines += [experiment.result.settle, ""]
        lines += [f"- {caveat}" for caveat in experiment.result.caveats]
    lines.append(f"registered {experiment.registration.registered_at}, hash {experiment.registration.sha256[:16]}")
    said = [one.words for one in experiment.departures]
    lines.append("departures from the registration:" + (" none" if not said else ""))
    lines += [f"- {words}" for words in said]
    if experiment.times:
        rows = [["stage", "wall s", "CPU s", "responses", "tokens/s"]]
        rows += [
            [
                one.stage,
                f"{one.wall_s:,.1f}",
                f"{one.cpu_s:,.1f}",
                "" if one.responses is None else f"{one.responses:,}",
                "" if one.tokens_per_s is None else f"{one.tokens_per_s:,.0f}",
            ]
            for one in experiment.times
        ]
        lines += ["", aligned(rows)]
    lines += ["", *(str(path) for path in files)]
    return "\n".join(lines)


def experiment_json(experiment: Experiment, files: Sequence[Path]) -> str:
    """Everything as one JSON object."""
    found = {
        "out": str(experiment.out),
        "preregistration": {
            "file": str(experiment.registration.file),
            "sha256": experiment.registration.sha256,
            "registered_at": experiment.registration.registered_at,
        },
        "plan": attrs.asdict(experiment.plan),
        "departures": to_jsonable(experiment.departures),
        "broken_models": to_jsonable(experiment.broken),
        "graders": [
            {"grader": one.name, "grader_id": one.grader_id, "verdicts": dict(one.verdicts), "reasons": dict(one.reasons)}
            for one in experiment.graded
        ],
        "stages": [{**attrs.asdict(one), "tokens_per_s": one.tokens_per_s} for one in experiment.times],
        "result": None if experiment.result is None else to_jsonable(experiment.result),
        "files": [str(path) for path in files],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _time(wall_s: float) -> str:
    minutes, seconds = divmod(round(wall_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
