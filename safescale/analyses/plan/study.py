"""A plan from its assumptions: models, sizes, prompts, exact tests, labels, flatness, and curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from safescale.analyses.plan.answer import EXACT_UP_TO, answer_words, caveats_of
from safescale.analyses.plan.labels import labels_needed, through_grader
from safescale.analyses.plan.noise import noise, smallest_slope, taus_to_show
from safescale.analyses.plan.results import (
    NO_CORPUS,
    Detectable,
    ExactReach,
    ExactRow,
    FlatNeeded,
    ModelsNeeded,
    PowerCurve,
    PromptsNeeded,
    StudyPlan,
)
from safescale.analyses.plan.sizes import evenly_spread, exact_can_reject, size_gains, sizes_to_reach, wider_sizes
from safescale.analyses.plan.wanted import Assumptions, Wanted, assumptions_of
from safescale.analyses.words import p_words
from safescale.stats import (
    detectable_slope_of_standard_error,
    plan_equivalence,
    plan_models,
    plan_prompts,
    slope_equivalence_power,
    slope_power,
    smallest_attainable_p,
    spearman_power_floor,
)

__all__ = ["plan_study", "study_plan"]

EFFECT_STEPS = (0.5, 1.0, 1.5, 2.0, 3.0)
"""Effects of the table, as multiples of the one that was asked for."""

EXACT_SIZES = range(3, 13)
CURVE_POINTS = 40
MOST_MODELS_OF_A_CURVE = 2_000


def plan_study(**wanted: Any) -> StudyPlan:
    """
    What a study needs, from assumptions alone.

    Parameters
    ----------
    **wanted
        Fields of ``Wanted``: ``effect_pp_per_decade``, ``tau_pp``, ``base_rate``, ``prompts``, ``sizes_b``, ...; what is left out
        is a default that ``assumptions.stated`` names.

    Returns
    -------
    StudyPlan
        ``answer`` in words; every number with the assumptions it rests on.

    Raises
    ------
    DomainError
        If something is out of range or said twice; the message names it and the next step.

    Notes
    -----
    Slopes by Student's t with models as units, two-sided at ``alpha / tests``: exact for normal scatter of equal variance.
    Flatness by two one-sided tests at the same level.

    References
    ----------
    .. [1] W. D. Dupont, W. D. Plummer (1998), Controlled Clinical Trials 19, 589-601 (power of a regression slope).
    .. [2] K. F. Phillips (1990), J. Pharmacokinet. Biopharm. 18, 137-144 (power of two one-sided tests).

    Examples
    --------
    >>> from safescale.analyses.plan import plan_study
    >>> plan = plan_study(effect_pp_per_decade=5, tau_pp=5, base_rate=0.3, prompts=200, sizes_b=(0.8, 2, 4, 9, 27, 70))
    >>> plan.needed().n_models, round(plan.found_at().slope_pp_per_decade, 1)
    (28, 13.9)
    """
    return study_plan(assumptions_of(Wanted(**wanted)))


def study_plan(asked: Assumptions, fingerprint: str = NO_CORPUS, *, steps: Sequence[float] = EFFECT_STEPS) -> StudyPlan:
    """The plan of complete assumptions; ``steps`` are the effects of the table, as multiples of the one asked for."""
    taus = taus_to_show(asked)
    exact = _exact(asked)
    models = tuple(_models(asked, effect, tau, exact.sizes_needed) for effect in _effects(asked, steps) for tau in taus)
    why_not = _no_slope_because(asked)
    detectable = () if why_not else tuple(_detectable(asked, tau) for tau in taus)
    whole = StudyPlan(
        fingerprint=fingerprint,
        assumptions=asked,
        taus_pp=taus,
        models=models,
        detectable=detectable,
        not_detectable_because=why_not,
        size_gains=size_gains(asked, None if why_not else _smallest(detectable, asked)),
        sizes_to_reach=sizes_to_reach(asked),
        wider=wider_sizes(asked),
        evenly=evenly_spread(asked),
        prompts=() if why_not else _prompts(asked, taus),
        exact=exact,
        labels=labels_needed(asked),
        through_grader=through_grader(asked),
        flat=tuple(_flat(asked, tau, exact.sizes_needed, can_fit=why_not is None) for tau in taus),
        curves_models=_curves_models(asked, taus, models),
        curves_effect=() if why_not else _curves_effect(asked, taus, detectable),
        caveats=(),
        answer="",
    )
    return _with_words(whole)


def _with_words(plan: StudyPlan) -> StudyPlan:
    return attrs.evolve(plan, caveats=caveats_of(plan), answer=answer_words(plan))


def _effects(asked: Assumptions, steps: Sequence[float]) -> tuple[float, ...]:
    return tuple(effect for step in steps if (effect := step * asked.effect_pp_per_decade) <= 100)


def _no_slope_because(asked: Assumptions) -> str | None:
    design = asked.design
    if not design.can_fit:
        return f"{design.n_models} models at hand are of fewer than three different sizes, which make no slope"
    sizes = design.sizes_b or tuple(float(rank) for rank in range(1, design.n_models + 1))
    if exact_can_reject(asked, sizes):
        return None
    at_hand = " at hand" if design.at_hand else ""
    return (
        f"{design.n_models} models{at_hand} cannot reach p = {asked.alpha_per_test:.3g} (up to {EXACT_UP_TO} models are tested by "
        f"exact permutation, whose smallest p is {p_words(smallest_attainable_p(sizes))} here)"
    )


def _models(asked: Assumptions, effect: float, tau: float | None, floor: int) -> ModelsNeeded:
    """What the t test needs, and not fewer than an exact test can reject with."""
    plan = plan_models(effect, power=asked.power, alpha=asked.alpha_per_test, **asked.design.spread(), **noise(asked, tau))
    by_power = plan.n_models
    short = by_power is not None and by_power < floor
    return ModelsNeeded(
        effect_pp_per_decade=effect,
        tau_pp=tau,
        n_models=floor if short else by_power,
        by_power=by_power,
        limited_by="exact_floor" if short else "power",
        power_reached=plan.power_reached,
    )


def _detectable(asked: Assumptions, tau: float | None) -> Detectable:
    design = asked.design
    found = slope_power(
        design.n_models,
        slope_pp_per_decade=asked.effect_pp_per_decade,
        size_sd_decades=design.size_sd(),
        alpha=asked.alpha_per_test,
        **noise(asked, tau),
    )
    if design.kind == "standard_error":
        assert design.standard_error_pp_per_decade is not None
        least = detectable_slope_of_standard_error(
            design.standard_error_pp_per_decade, design.n_models, power=asked.power, alpha=asked.alpha_per_test
        )
    else:
        least = smallest_slope(asked, design.sizes_b, tau)
    endless = None
    if tau == 0:
        endless = 0.0
    elif tau is not None:
        endless = smallest_slope(asked, design.sizes_b, tau, endless_prompts=True).slope_pp_per_decade
    return Detectable(
        tau_pp=tau,
        slope_pp_per_decade=least.slope_pp_per_decade,
        slope_pp_per_doubling=least.slope_pp_per_doubling,
        possible=least.possible,
        endless_prompts_pp_per_decade=endless,
        power_for_effect=found.power,
        sampling_share=found.binomial_share,
    )


def _smallest(detectable: Sequence[Detectable], asked: Assumptions) -> float | None:
    return next((row.slope_pp_per_decade for row in detectable if row.tau_pp == asked.tau_pp), None)


def _prompts(asked: Assumptions, taus: Sequence[float | None]) -> tuple[PromptsNeeded, ...]:
    """Of a published standard error, and where tau holds the sampling noise, nothing is known of prompts."""
    if asked.prompts is None:
        return ()
    rows = []
    for tau in taus:
        if tau is None:
            return ()
        plan = plan_prompts(
            asked.effect_pp_per_decade,
            asked.design.sizes_b,
            tau_pp=tau,
            base_rate=asked.base_rate,
            traces_per_prompt=asked.traces_per_prompt,
            prompt_icc=asked.prompt_icc,
            power=asked.power,
            alpha=asked.alpha_per_test,
        )
        rows.append(
            PromptsNeeded(tau_pp=tau, n_prompts=plan.n_prompts, power_limit=plan.power_limit, models_needed=plan.models_needed)
        )
    return tuple(rows)


def _exact(asked: Assumptions) -> ExactReach:
    rows = []
    for sizes in EXACT_SIZES:
        smallest = smallest_attainable_p(range(1, sizes + 1))
        after = min(1.0, asked.tests * smallest)
        rows.append(ExactRow(sizes=sizes, smallest_p=smallest, after_holm=after, reaches=after <= asked.alpha))
    needed = max(3, spearman_power_floor([1.0, 2.0, 3.0], tests=asked.tests, alpha=asked.alpha).models_needed)
    sizes_b = asked.design.sizes_b
    return ExactReach(
        tests=asked.tests,
        alpha=asked.alpha,
        rows=tuple(rows),
        sizes_needed=needed,
        at_hand=smallest_attainable_p(sizes_b) if sizes_b else None,
    )


def _flat(asked: Assumptions, tau: float | None, floor: int, *, can_fit: bool) -> FlatNeeded:
    """Nothing is claimed of sizes that could not show a slope either, so the floor of exact tests holds here too."""
    alpha = asked.alpha_per_test
    plan = plan_equivalence(asked.margin_pp, power=asked.power, alpha=alpha, **asked.design.spread(), **noise(asked, tau))
    here = None
    if can_fit:
        here = slope_equivalence_power(
            asked.design.n_models,
            margin_pp_per_decade=asked.margin_pp,
            size_sd_decades=asked.design.size_sd(),
            alpha=alpha,
            **noise(asked, tau),
        ).power
    needed = None if plan.n_models is None else max(plan.n_models, floor)
    return FlatNeeded(tau_pp=tau, n_models=needed, power_at_hand=here)


def _curves_models(asked: Assumptions, taus: Sequence[float | None], models: Sequence[ModelsNeeded]) -> tuple[PowerCurve, ...]:
    """From 3 models to beyond what the asked effect needs, at the tau that is known or at a middling one."""
    of_effect = [row for row in models if row.effect_pp_per_decade == asked.effect_pp_per_decade]
    at = next((row for row in of_effect if row.tau_pp == asked.tau_pp), None) or of_effect[min(2, len(of_effect) - 1)]
    last = min(MOST_MODELS_OF_A_CURVE, max(20, 2 * (at.n_models or MOST_MODELS_OF_A_CURVE), asked.design.n_models + 4))
    numbers = np.unique(np.geomspace(3, last, CURVE_POINTS).round().astype(int)).tolist()
    curves = []
    for tau in taus:
        power = [_power(asked, tau, n, asked.effect_pp_per_decade, _spread_at(asked, n)) for n in numbers]
        curves.append(PowerCurve(tau_pp=tau, x=tuple(float(n) for n in numbers), power=tuple(power)))
    return tuple(curves)


def _curves_effect(asked: Assumptions, taus: Sequence[float | None], detectable: Sequence[Detectable]) -> tuple[PowerCurve, ...]:
    """From no effect to what the models at hand find at a middling tau."""
    at = _smallest(detectable, asked) or detectable[min(2, len(detectable) - 1)].slope_pp_per_decade
    last = min(100.0, max(2 * asked.effect_pp_per_decade, 1.4 * at))
    effects = np.linspace(0, last, CURVE_POINTS).tolist()
    n, spread = asked.design.n_models, asked.design.size_sd()
    return tuple(
        PowerCurve(tau_pp=tau, x=tuple(effects), power=tuple(_power(asked, tau, n, effect, spread) for effect in effects))
        for tau in taus
    )


def _spread_at(asked: Assumptions, n: int) -> float:
    decades = asked.design.decades
    if asked.design.kind == "even" and decades is not None:
        return float(np.std(np.linspace(0.0, decades, n)))
    return asked.design.size_sd()


def _power(asked: Assumptions, tau: float | None, n: int, effect: float, spread: float) -> float:
    return slope_power(n, slope_pp_per_decade=effect, size_sd_decades=spread, alpha=asked.alpha_per_test, **noise(asked, tau)).power
