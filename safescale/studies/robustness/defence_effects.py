"""What each defence gives under the same attack, and its price without one: paired by model, models as units."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import attrs

from safescale.analyses.words import plural
from safescale.stats import holm
from safescale.studies.dilution.over_units import MeanOverUnits, mean_over_units
from safescale.studies.robustness.design import RobustnessDesign
from safescale.studies.robustness.results import CellMetrics, DefenceEffect, Estimate

__all__ = ["defence_effects", "over_models"]

Key = tuple[int, int, int]
Value = Callable[[CellMetrics], float | None]


def defence_effects(cells: Sequence[CellMetrics], design: RobustnessDesign) -> tuple[DefenceEffect, ...]:
    """
    One effect for each defence and attack that some model was asked under both with and without.

    Refusal is the marginal one: it asks the same prompts with and without the defence, whatever was refused before. Attack seeds
    of a model are averaged first. p is adjusted by Holm over the defences under the same attack.
    """
    level = 1 - design.alpha
    refusal = _by_place(cells, lambda found: found.retention.marginal.value)
    over, right = (
        _by_place(cells, lambda found: found.over_refusal.value),
        _by_place(cells, lambda found: found.benign_accuracy.value),
    )
    defences = {found.cell.defence: found.defence for found in cells}
    attacks = {found.cell.attack: found.attack for found in cells}
    names = {found.cell.model: found.model.model_id for found in cells}
    plain = next((at for at, defence in defences.items() if defence.kind == "none"), None)
    calm = next((at for at, attack in attacks.items() if attack.kind == "none"), None)
    if plain is None:
        return ()
    effects = []
    for a, attack in sorted(attacks.items()):
        if attack.kind == "none":
            continue
        against: list[tuple[DefenceEffect, float | None]] = []
        for d, defence in sorted(defences.items()):
            if defence.kind == "none":
                continue
            gains = _paired(refusal, (d, a), (plain, a))
            if not gains:
                continue
            gain, p = over_models(list(gains.values()), level)
            cost = {} if calm is None else _paired(over, (d, calm), (plain, calm))
            lost = {} if calm is None else _paired(right, (plain, calm), (d, calm))
            effect = DefenceEffect(
                defence=defence,
                attack=attack,
                gain=gain,
                over_refusal_cost=over_models(list(cost.values()), level)[0],
                accuracy_cost=over_models(list(lost.values()), level)[0],
                by_model=tuple((names[model], value) for model, value in gains.items()),
                p_value=p,
            )
            against.append((effect, p))
        effects += _adjusted(against, design.alpha)
    return tuple(effects)


def over_models(values: Sequence[float], level: float, *, least: float = -1.0, most: float = 1.0) -> tuple[Estimate, float | None]:
    """Mean over models with Student's t, kept between what values can be, and the p of 0; n and clusters count models."""
    found: MeanOverUnits | None = mean_over_units(values, level=level)
    if found is None:
        return Estimate(value=None, why="no model was asked both with and without"), None
    if found.low is None or found.high is None:
        why = (
            f"{plural(found.units, 'model')}: too few for an interval"
            if found.units < 3
            else "no scatter between models to judge by"
        )
        return Estimate(value=found.mean, n=found.units, clusters=found.units, why=why), None
    estimate = Estimate(
        value=found.mean, interval=(max(least, found.low), min(most, found.high)), n=found.units, clusters=found.units
    )
    return estimate, found.p_value


def _by_place(cells: Sequence[CellMetrics], value: Value) -> dict[Key, float]:
    """Mean over attack seeds of a value, by model, defence and attack."""
    held: defaultdict[Key, list[float]] = defaultdict(list)
    for found in cells:
        this = value(found)
        if this is not None:
            held[found.cell.model, found.cell.defence, found.cell.attack].append(this)
    return {key: math.fsum(values) / len(values) for key, values in held.items()}


def _paired(values: Mapping[Key, float], more: tuple[int, int], less: tuple[int, int]) -> dict[int, float]:
    """Difference of two (defence, attack) by model, for the models that have both."""
    models = sorted({model for model, _, _ in values})
    return {
        model: values[model, *more] - values[model, *less]
        for model in models
        if (model, *more) in values and (model, *less) in values
    }


def _adjusted(effects: Sequence[tuple[DefenceEffect, float | None]], alpha: float) -> list[DefenceEffect]:
    tested = [p for _, p in effects if p is not None]
    adjusted = iter(holm(tested, alpha=alpha).adjusted) if tested else iter(())
    return [effect if p is None else attrs.evolve(effect, adjusted_p=next(adjusted)) for effect, p in effects]
