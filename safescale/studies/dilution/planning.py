"""What an experiment will take, before anything is generated: cells, responses, tokens, time where it was measured, and power."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.errors import DataError
from safescale.generate import GenerateResult
from safescale.generate.manifest import read_manifest
from safescale.studies.dilution.setting import DilutionSetting

__all__ = ["FILE", "GenerationPlan", "TimeLeft", "plan_of", "same_plan", "time_left"]

FILE: Final = "plan.json"
_SEEN: Final = 1_000
"""Prompts whose words are counted; more are estimated from them."""
_TOKENS_PER_WORD: Final = 4 / 3


@attrs.frozen(kw_only=True)
class GenerationPlan:
    """
    What will be asked.

    Parameters
    ----------
    models, conditions, cells : int
        Cells are models times conditions.
    harmful, benign, unknown : int
        Prompts by kind.
    samples : int
        Responses to each prompt under each condition.
    responses : int
        In all.
    prompt_words : int
        Words of all prompts as they are sent (of more than 1,000 prompts estimated from the first 1,000).
    prompt_tokens : int
        Estimate: 4/3 of the words.
    answer_tokens_at_most : int
        Responses times max_tokens.
    counter : str, optional
        Whose tokens neutral prose is cut to; None without neutral prose.
    power : object
        What the analysis says of its power beforehand, as plain values.
    """

    models: int
    conditions: int
    cells: int
    harmful: int
    benign: int
    unknown: int
    samples: int
    responses: int
    prompt_words: int
    prompt_tokens: int
    answer_tokens_at_most: int
    counter: str | None
    power: Any


@attrs.frozen(kw_only=True)
class TimeLeft:
    """What is still to be asked, and how long that takes at the pace that was measured (None: nothing was measured yet)."""

    answered: int
    left: int
    wall_s: float | None
    tokens_per_s: float | None


def plan_of(setting: DilutionSetting, power: Any) -> GenerationPlan:
    """Count what will be asked; every text of the first prompts is made for it, none is sent."""
    asked = setting.wanted.prompts.prompts[: setting.wanted.limit]
    seen = asked[:_SEEN]
    words = sum(
        len(one.condition.user_text(prompt.prompt, prompt_id=prompt.prompt_id).split())
        + len((one.condition.system or "").split())
        + len((one.condition.prefill or "").split())
        for one in setting.conditions
        for prompt in seen
    )
    whole = round(words * len(asked) / len(seen)) * len(setting.plans) * setting.wanted.design.samples
    return GenerationPlan(
        models=len(setting.models),
        conditions=len(setting.conditions),
        cells=setting.cells,
        harmful=setting.prompts_of("harmful"),
        benign=setting.prompts_of("benign"),
        unknown=setting.prompts_of("unknown"),
        samples=setting.wanted.design.samples,
        responses=setting.responses,
        prompt_words=whole,
        prompt_tokens=round(whole * _TOKENS_PER_WORD),
        answer_tokens_at_most=sum(plan.total * plan.sampling.max_tokens for plan in setting.plans),
        counter=setting.counter.name if setting.wanted.design.controls else None,
        power=power,
    )


def time_left(before: GenerateResult) -> TimeLeft:
    """What is lacking, each model's at the pace of its own earlier sessions; of one without any, at that of the others."""
    lacking: list[tuple[int, float | None]] = []
    asked, seconds, tokens = 0, 0.0, 0
    for run in before.runs:
        mine, mine_s, mine_tokens = _measured(run.folder)
        lacking.append((run.planned - run.answered, mine_s / mine if mine else None))
        asked, seconds, tokens = asked + mine, seconds + mine_s, tokens + mine_tokens
    mean_s = seconds / asked if asked else None
    return TimeLeft(
        answered=sum(run.answered for run in before.runs),
        left=sum(left for left, _ in lacking),
        wall_s=None if mean_s is None else sum(left * (mean_s if pace is None else pace) for left, pace in lacking),
        tokens_per_s=tokens / seconds if seconds > 0 else None,
    )


def _measured(folder: Path) -> tuple[int, float, int]:
    """Of a run's sessions that ended: the responses, the seconds and the tokens."""
    try:
        manifest = read_manifest(folder)
    except DataError:
        manifest = None
    sessions = [] if manifest is None else [s for s in manifest["sessions"] if isinstance(s.get("wall_s"), int | float)]
    return (
        sum(int(session.get("asked", 0)) for session in sessions),
        sum(float(session["wall_s"]) for session in sessions),
        sum(int(session.get("tokens", 0)) for session in sessions),
    )


def same_plan(path: Path, plan: GenerationPlan) -> bool:
    """Whether this plan stands there already."""
    try:
        return bool(json.loads(path.read_bytes()) == json.loads(json.dumps(attrs.asdict(plan))))
    except (OSError, ValueError):
        return False
