"""The closing words of ``experiment dilution``: what is planned, what was done, what to do next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import attrs

from safescale.analyses.jsonable import to_jsonable
from safescale.analyses.words import plural
from safescale.report.dilution_facts import DilutionRun
from safescale.report.dilution_report import dilution_json, dilution_text
from safescale.studies.dilution.planning import GenerationPlan, TimeLeft
from safescale.studies.dilution.run import RESULT, Experiment
from safescale.studies.running.corpus import CORPUS

__all__ = ["experiment_json", "experiment_text", "plan_json", "plan_text", "registered_text"]


def plan_text(plan: GenerationPlan, left: TimeLeft) -> str:
    """The plan in a few lines."""
    kinds = [
        f"{count:,} {kind}"
        for kind, count in (("harmful", plan.harmful), ("benign", plan.benign), ("unknown", plan.unknown))
        if count
    ]
    repeats = "" if plan.samples == 1 else f" x {plan.samples} samples"
    prompts = plan.harmful + plan.benign + plan.unknown
    lines = [
        f"plan: {plural(plan.models, 'model')} x {plural(plan.conditions, 'condition')} = {plan.cells:,} cells; x {prompts:,} "
        f"prompts ({', '.join(kinds)}){repeats} = {plan.responses:,} responses",
        f"about {plan.prompt_tokens:,} tokens of prompts ({plan.prompt_words:,} words), at most {plan.answer_tokens_at_most:,} of "
        "answers" + ("" if plan.counter is None else f"; neutral prose is as long as the puzzles in {plan.counter}"),
    ]
    if left.answered:
        lines.append(f"{left.answered:,} responses are there, {left.left:,} are to be asked")
    if left.wall_s is not None and left.left:
        pace = "" if left.tokens_per_s is None else f" at {left.tokens_per_s:,.0f} tokens/s"
        lines.append(f"about {_time(left.wall_s)}{pace}, as measured here before")
    if isinstance(plan.power, dict) and plan.power.get("words"):
        lines.append(str(plan.power["words"]))
    return "\n".join(lines)


def plan_json(plan: GenerationPlan, left: TimeLeft) -> str:
    """The plan as one JSON object."""
    return json.dumps({"plan": attrs.asdict(plan), "left": attrs.asdict(left)}, indent=2, ensure_ascii=False)


def registered_text(experiment: Experiment) -> str:
    """What was registered, and that nothing was asked."""
    found = experiment.registration
    said = [one.words for one in experiment.departures]
    return "\n".join(
        [
            f"registered {found.registered_at} in {found.file}, SHA-256 {found.sha256}",
            *(f"departure from the pre-registration: {words}" for words in said),
            "nothing was asked now; the same command without --register-only goes on",
        ]
    )


def experiment_text(experiment: Experiment, facts: DilutionRun, files: Sequence[Path]) -> str:
    """The answer for a terminal, what the folder holds, and what to do next."""
    if experiment.result is None:
        return registered_text(experiment)
    lines = [dilution_text(experiment.result, facts), ""]
    for model in experiment.broken:
        lines.append(f"{model.model_id}: {model.answered:,} of {model.planned:,} responses ({model.reason})")
    if experiment.broken:
        lines.append("the same command asks again for what is missing")
    lines += [f"written: {path}" for path in (experiment.registration.file, *_data(experiment.out), *_shown(files))]
    return "\n".join(lines)


def experiment_json(experiment: Experiment, facts: DilutionRun, files: Sequence[Path]) -> str:
    """Everything as one JSON object."""
    registration = experiment.registration
    found = {
        "out": str(experiment.out),
        "preregistration": {
            "file": str(registration.file),
            "sha256": registration.sha256,
            "registered_at": registration.registered_at,
            "edited": registration.edited,
        },
        "plan": attrs.asdict(experiment.plan),
        "departures": to_jsonable(experiment.departures),
        "broken_models": to_jsonable(experiment.broken),
        "graders": [
            {"grader": one.name, "grader_id": one.grader_id, "verdicts": dict(one.verdicts), "reasons": dict(one.reasons)}
            for one in experiment.graded
        ],
        "stages": [{**attrs.asdict(one), "tokens_per_s": one.tokens_per_s} for one in experiment.times],
        "report": None if experiment.result is None else json.loads(dilution_json(experiment.result, facts)),
        "files": [str(path) for path in files],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _data(out: Path) -> list[Path]:
    return [out / CORPUS, out / RESULT]


def _shown(files: Sequence[Path]) -> list[Path]:
    """The documents of a report; its figures and tables are in folders beside them."""
    return [path for path in files if path.suffix in (".html", ".md", ".json") and path.name.startswith("report.")]


def _time(wall_s: float) -> str:
    minutes, seconds = divmod(round(wall_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
