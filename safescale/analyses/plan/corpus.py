"""What would settle the question of size in a corpus, setting by setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import attrs
import pyarrow as pa

from safescale.analyses.inverse_scaling import (
    InverseScalingResult,
    ScalingVerdict,
    SettingResult,
    analyze_inverse_scaling,
)
from safescale.analyses.plan.evidence import caveats_of_evidence, evidence_of, stated_of
from safescale.analyses.plan.results import CorpusPlan, SettingPlan
from safescale.analyses.plan.settle import answer_of, settle_words
from safescale.analyses.plan.study import study_plan
from safescale.analyses.plan.wanted import DEFAULTS, Wanted, assumptions_of
from safescale.analyses.words import plural
from safescale.cells import Cells
from safescale.cells.selection import REASON_WORDS, SWITCHES
from safescale.records.outcomes import Tier

__all__ = ["analyze_plan", "plan_of_scaling"]

STEPS = (0.5, 1.0, 2.0)
"""Effects of the table of one setting, as multiples of the one asked for."""

OPTIONS = {
    "tampered": "--tampered",
    "exclude_sources": "--exclude-source",
    "exclude_models": "--exclude-model",
    "allow_keyword": "--allow-keyword counts them",
    "include_telemetry": "--include-telemetry counts them",
    "include_no_response": "--include-no-response counts them",
    "merge_same_traces": "--count-copies counts them",
}
"""The option behind each choice, in the words of a sentence."""

SETTLED = (ScalingVerdict.COMPLY_MORE, ScalingVerdict.COMPLY_LESS, ScalingVerdict.FLAT)


def analyze_plan(
    cells: Cells,
    models: pa.Table,
    *,
    wanted: Wanted | None = None,
    tier: Tier = Tier.STRICT,
    claim_classes: Sequence[str] | None = None,
    grader: str | Sequence[str] | None = None,
    min_cell: int = 20,
    alpha: float = 0.05,
    margin_pp: float = 5.0,
    level: float = 0.95,
) -> CorpusPlan:
    """
    What would settle, in each setting of a corpus, whether attack success changes with model size.

    The headline series of `analyze_inverse_scaling` gives sizes, base rate, rows, correlation within prompts, and the spread tau
    between models of one size (REML about the line, Q-profile interval); from these come the smallest slope that such a study
    finds, and the models, sizes and prompts that would find the effect.

    Parameters
    ----------
    cells : Cells
        Counts of a corpus, from ``safescale.cells.build_cells``.
    models : pyarrow.Table
        Table ``models`` of the corpus (record Model).
    wanted : Wanted, optional
        What is asked; a field that is given goes before what the corpus says. Default: an effect as large as the margin.
    tier, claim_classes, grader, min_cell, alpha, margin_pp, level
        As in `analyze_inverse_scaling`.

    Returns
    -------
    CorpusPlan
        ``answer`` in words; one entry per grader, target and condition.

    Raises
    ------
    DomainError
        If a parameter is outside its range, or no grader of that name has graded anything.

    References
    ----------
    .. [1] W. Viechtbauer (2007), Statist. Med. 26, 37-52 (interval of tau).
    .. [2] R. H. Browne (1995), Statist. Med. 14, 1933-1940 (a pilot's spread, and the upper limit to plan with).
    """
    scaling = analyze_inverse_scaling(
        cells,
        models,
        tier=tier,
        claim_classes=claim_classes,
        grader=grader,
        min_cell=min_cell,
        alpha=alpha,
        margin_pp=margin_pp,
        level=level,
    )
    return plan_of_scaling(scaling, cells, wanted=wanted)


def plan_of_scaling(scaling: InverseScalingResult, cells: Cells, *, wanted: Wanted | None = None) -> CorpusPlan:
    """The same from an answered question, of which ``cells`` are the counts."""
    options = scaling.options
    asked = wanted or Wanted()
    own: dict[str, float | None] = {
        name: getattr(asked, name) if getattr(asked, name) is not None else _unusual(name, getattr(options, name))
        for name in ("alpha", "margin_pp", "level")
    }
    if asked.effect_pp_per_decade is None and asked.effect_pp_per_doubling is None:
        own["effect_pp_per_decade"] = own["margin_pp"]
    asked = attrs.evolve(asked, **cast(Any, own))
    settings = tuple(_setting(setting, cells, asked, options.tier) for setting in scaling.settings)
    return CorpusPlan(
        fingerprint=scaling.fingerprint,
        selection=scaling.selection,
        tier=options.tier,
        settings=settings,
        caveats=(),
        answer=answer_of(settings, scaling.answer, _left_out(cells)),
    )


def _left_out(cells: Cells) -> str:
    """Why rows are in no rate, and which choice left them out."""
    said = []
    for reason in dict.fromkeys(exclusion.reason for exclusion in cells.exclusions):
        rows = sum(exclusion.rows for exclusion in cells.exclusions if exclusion.reason is reason)
        choice = f" ({OPTIONS[SWITCHES[reason]]})" if reason in SWITCHES else ""
        said.append(f"{plural(rows, 'row')} left out because {REASON_WORDS[reason]}{choice}")
    return "; ".join(said)


def _unusual(name: str, value: float) -> float | None:
    """A choice that somebody made: a default is named as one."""
    return None if value == DEFAULTS[name] else value


def _setting(setting: SettingResult, cells: Cells, wanted: Wanted, tier: Tier) -> SettingPlan:
    head = setting.headline
    verdict = ScalingVerdict.CANNOT_TEST if head is None else head.verdict
    name = f"grader {setting.grader.grader}, target {setting.target}, condition {setting.condition}"
    power = DEFAULTS["power"] if wanted.power is None else wanted.power
    alpha = (DEFAULTS["alpha"] if wanted.alpha is None else wanted.alpha) / (wanted.tests or 1)
    evidence = evidence_of(setting, cells, tier, level=wanted.level or DEFAULTS["level"], power=power, alpha=alpha)
    plan = None
    if evidence is not None:
        asked = assumptions_of(wanted, stated_of(evidence), sizes_b=None if _says_sizes(wanted) else evidence.sizes_b)
        plan = study_plan(asked, cells.fingerprint, steps=STEPS)
        plan = attrs.evolve(plan, caveats=(*plan.caveats, *caveats_of_evidence(evidence, asked)))
    found = SettingPlan(
        setting=name,
        verdict=verdict,
        settled=verdict in SETTLED,
        evidence=evidence,
        plan=plan,
        needs=() if head is None else head.testability.needs,
        words="",
    )
    return attrs.evolve(found, words=settle_words(found))


def _says_sizes(wanted: Wanted) -> bool:
    return wanted.sizes_b is not None or wanted.models is not None
