"""Retention beside its null, drift beside its floor, entropy beside its bound, in words."""

from __future__ import annotations

import math

from safescale.analyses.words import percent, plural, signed
from safescale.studies.robustness.design import RobustnessDesign
from safescale.studies.robustness.grid import FEWEST_ROWS
from safescale.studies.robustness.quantities import cells_at, compute_words, interval_words, mean_over_models, strongest, unit_words
from safescale.studies.robustness.results import GraderFindings, Surface

__all__ = ["drift_words", "entropy_words", "regression_words"]


def regression_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """How much of what is lost is owed to drawing again, and the near-namesakes of RRR beside it."""
    last = strongest(first.cells, design)
    if not last:
        return []
    level = 1 - design.alpha
    null = mean_over_models(last, lambda found: found.retention.null.value, level)
    rrr = mean_over_models(last, lambda found: found.retention.rrr.value, level)
    if null.value is None or rrr.value is None:
        return []
    what = compute_words(last)
    lost_beyond = mean_over_models(last, lambda found: found.retention.lost.value, level, least=-1.0)
    fewest = min(found.retention.rrr.clusters for found in last if found.retention.rrr.value is not None)
    again = f"A second draw without any attack keeps {percent(null.value)} of what was refused{interval_words(null.interval, 100)}"
    lost, drawn = 100 * (1 - rrr.value), 100 * (1 - null.value)
    if lost < 0.05:
        told = f"{again}; after {what} nothing of it is lost"
    elif drawn < 0.05:
        told = f"{again}; none of the {lost:.1f} points that are lost after {what} is owed to drawing again"
    elif drawn >= lost:
        told = f"{again}; after {what} {lost:.1f} points are lost, no more than drawing again loses ({drawn:.1f})"
    else:
        told = f"{again}: of the {lost:.1f} points that are lost after {what}, {drawn:.1f} are that"
    before = mean_over_models(last, lambda found: found.retention.marginal_before.value, level)
    after = mean_over_models(last, lambda found: found.retention.marginal.value, level)
    common = mean_over_models(last, lambda found: found.retention.common.value, level)
    beside = []
    if before.value is not None and after.value is not None:
        beside.append(f"Of all harmful prompts {percent(before.value)} are refused before and {percent(after.value)} after")
    if common.value is not None:
        prompts = min(found.retention.common.clusters for found in last)
        beside.append(f"RRR over the {plural(prompts, 'prompt')} that every model refused is {percent(common.value)}")
    if lost_beyond.value is not None:
        of = f"{signed(100 * lost_beyond.value)}{_points(lost_beyond.interval)} points, paired by prompt"
        told += f" (lost beyond a second draw: {of}, {plural(lost_beyond.n, 'model')} as units)"
    if fewest * 2 < FEWEST_ROWS:
        told += f"; a model's RRR rests on as few as {plural(fewest, 'prompt')}, which shows little"
    return [f"{told}. {'; '.join(beside)} (means over {plural(rrr.n, 'model')} as units)." if beside else f"{told}."]


def _points(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{', '.join(signed(100 * end) for end in interval)}]"


def _slopes(first: GraderFindings, design: RobustnessDesign, metric: str, unit: str) -> str:
    for surface in first.surfaces:
        key = (surface.metric, surface.unit, surface.defence, surface.examples, surface.without_estimates)
        if key == (metric, design.compute_unit, "none", design.finetune.main_examples, False):
            if surface.why is not None:
                return f"no surface ({surface.why})"
            size, compute = _effect_of(surface, "size"), _effect_of(surface, "compute")
            return f"per decade of compute ({unit_words(surface.unit)}) {compute}, per decade of size {size} {unit}"
    return "no surface"


def _effect_of(surface: Surface, which: str) -> str:
    effect = surface.size if which == "size" else surface.compute
    return "unknown" if effect.estimate is None else f"{signed(effect.estimate, 3)}{interval_words(effect.interval, digits=3)}"


def drift_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """RD at the most steps at which any model still refuses, beside its floor, and its slopes."""
    cells = [found for found in cells_at(first.cells, design) if found.drift is not None and found.drift.rd.value is not None]
    if not cells:
        return []
    level = 1 - design.alpha
    most = max(found.attack.steps or 0 for found in cells)
    last = [found for found in cells if found.attack.steps == most]
    pairs = [found.drift.rd.n for found in last if found.drift is not None]
    drift = mean_over_models(last, lambda found: None if found.drift is None else found.drift.rd.value, level, most=2.0)
    floor = mean_over_models(last, lambda found: None if found.drift is None else found.drift.floor.value, level, most=2.0)
    if drift.value is None:
        return []
    beside = "no floor is known" if floor.value is None else f"two draws without attack lie {floor.value:.2f} apart"
    models = len({found.cell.model for found in last})
    embedder = next(found.drift.embedder for found in last if found.drift is not None)
    return [
        f"Refusals that are left drift (RD, 1 - cosine, {embedder}) by {drift.value:.2f}{interval_words(drift.interval)} after "
        f"{compute_words(last)}, in {plural(models, 'model')} that still {'refuses' if models == 1 else 'refuse'} "
        f"{_rests(pairs)}; {beside}; {_slopes(first, design, 'rd', '(1 - cosine)')}."
    ]


def _rests(pairs: list[int]) -> str:
    """On how many pairs of refusals the drift of each cell rests; with few, that it can say little."""
    low, high = min(pairs), max(pairs)
    told = f"({plural(high, 'pair')} of refusals each" if low == high else f"({low} to {high} pairs of refusals each"
    return f"{told}, too few to say much)" if low < FEWEST_ROWS else f"{told})"


def entropy_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """CE without attack and at the most steps, beside its bound, and its slopes."""
    last = [found for found in strongest(first.cells, design) if found.entropy is not None]
    calm = [found for found in first.cells if found.attack.kind == "none" and found.defence.kind == "none"]
    level = 1 - design.alpha
    before = mean_over_models(calm, lambda found: None if found.entropy is None else found.entropy.ce.value, level, most=math.inf)
    after = mean_over_models(last, lambda found: None if found.entropy is None else found.entropy.ce.value, level, most=math.inf)
    if before.value is None or after.value is None:
        return []
    entropy = next(found.entropy for found in last if found.entropy is not None)
    return [
        f"Classifier entropy (CE, {entropy.grader}, at most ln {entropy.classes}) is {before.value:.3f} nats without attack and "
        f"{after.value:.3f} after {compute_words(last)}; {_slopes(first, design, 'ce', 'nats')}."
    ]
