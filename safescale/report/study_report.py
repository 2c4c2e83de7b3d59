"""The closing words of ``study robustness``: what is planned, what was done, what to do next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import attrs

from safescale.analyses.jsonable import to_jsonable
from safescale.analyses.words import plural
from safescale.report.robustness_facts import RobustnessRun
from safescale.report.robustness_report import robustness_json, robustness_text
from safescale.studies.robustness.planning import StudyPlan
from safescale.studies.robustness.run import RESULT, Study
from safescale.studies.running.corpus import CORPUS

__all__ = ["plan_json", "plan_lines", "plan_text", "study_json", "study_text"]


def plan_lines(plan: StudyPlan, *, left: bool = True) -> tuple[str, ...]:
    """The plan line by line; ``left``: with what is done, and the time that is left."""
    sizes = {model.params_b for model in plan.models if model.params_b is not None}
    lineages = {model.lineage for model in plan.models}
    cells = sum(plan.cells.values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in plan.cells.items())
    prompts = ", ".join(f"{count:,} {kind}" for kind, count in plan.prompts.items())
    total = sum(plan.prompts.values())
    lines = [
        f"plan: {plural(len(plan.models), 'model')} ({plural(len(sizes), 'size')}, {plural(len(lineages), 'lineage')}); "
        f"{cells:,} cells ({kinds})",
        f"{total:,} prompts ({prompts}) x {plan.samples} samples x {cells:,} cells = {plan.responses:,} responses",
    ]
    if plan.trainings:
        named = {
            "lineage": "models trained from nothing",
            "directions": "searches for a refusal direction",
            "tamper_resistance": "tamper-resistant variants",
            "attacks": "LoRA trainings",
            "adapters": "adapters kept",
        }
        lines.append("to make: " + ", ".join(f"{count:,} {named[name]}" for name, count in plan.trainings.items()))
    if plan.attack_tokens is not None and plan.attack_flops is not None:
        lines.append(f"attack compute in all: {plan.attack_tokens:,} training tokens, {plan.attack_flops:.2e} FLOPs")
    if left:
        lines += _left(plan)
    lines += [f"can tell: {words}" for words in plan.can_tell]
    if left:
        lines += [f"note: {words}" for words in plan.notes]
    return tuple(lines)


def plan_text(plan: StudyPlan) -> str:
    """The plan in a few lines."""
    return "\n".join(plan_lines(plan))


def plan_json(plan: StudyPlan) -> str:
    """The plan as one JSON object."""
    return json.dumps(to_jsonable(plan), indent=2, ensure_ascii=False)


def study_text(study: Study, facts: RobustnessRun, files: Sequence[Path]) -> str:
    """The answer for a terminal, what the folder holds, and what to do next."""
    lines: list[str] = []
    if study.result is not None:
        lines += [robustness_text(study.result, facts, _shown(files)), ""]
    for one in study.broken:
        lines.append(f"broken, {one.stage}: {one.name}: {one.reason}")
    if study.broken:
        lines.append("the same command tries again what is missing")
    if study.result is None:
        lines.append("the study has no result yet; the same command without --until goes on")
    if study.validation is not None:
        lines.append(
            f"for people to label: {study.validation} (save a filled-in copy beside it as labels.csv, then run the same command "
            "again)"
        )
    lines += [f"written: {path}" for path in (study.out / CORPUS, study.out / RESULT) if path.is_file()]
    return "\n".join(lines)


def study_json(study: Study, facts: RobustnessRun, files: Sequence[Path]) -> str:
    """Everything as one JSON object."""
    found = {
        "out": str(study.out),
        "plan": to_jsonable(study.plan),
        "broken": to_jsonable(study.broken),
        "graders": [
            {"grader": one.name, "grader_id": one.grader_id, "verdicts": dict(one.verdicts), "reasons": dict(one.reasons)}
            for one in study.graded
        ],
        "stages": [{**attrs.asdict(one), "tokens_per_s": one.tokens_per_s} for one in study.times],
        "validation": None if study.validation is None else str(study.validation),
        "report": None if study.result is None else json.loads(robustness_json(study.result, facts, files)),
        "files": [str(path) for path in files],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _left(plan: StudyPlan) -> list[str]:
    done = plan.done
    there = {
        "models": done.models,
        "searches": done.directions,
        "tamper-resistant variants": done.resistant,
        "adapters": done.adapters,
        "responses": done.responses,
    }
    said = ", ".join(f"{count:,} {name}" for name, count in there.items() if count)
    lines = [f"there already: {said}"] if said else []
    if plan.wall_s is not None:
        lines.append(f"about {_time(plan.wall_s)} left, from {plan.estimated_from}")
    else:
        lines.append(f"time: known from {plan.estimated_from}")
    return lines


def _shown(files: Sequence[Path]) -> list[Path]:
    """The documents of a report; its figures and tables are in folders beside them."""
    return [path for path in files if path.suffix in (".html", ".md", ".json") and path.name.startswith("report.")]


def _time(wall_s: float) -> str:
    minutes, seconds = divmod(round(wall_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
