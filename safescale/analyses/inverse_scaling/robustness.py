"""Every result once more: without guessed sizes, with active parameters, on common prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from safescale.analyses.inverse_scaling.estimate import Estimate, estimate_family
from safescale.analyses.inverse_scaling.results import Options, Robustness
from safescale.analyses.prompts import on_common_prompts
from safescale.analyses.variants import Variant, with_active_parameters, without_estimated_sizes
from safescale.cells import Cells

__all__ = ["repeat_family"]

Name: TypeAlias = Literal["without_estimated_sizes", "active_parameters", "common_prompts"]
NAMES: tuple[Name, ...] = ("without_estimated_sizes", "active_parameters", "common_prompts")


def repeat_family(base: Sequence[Estimate], options: Options, cells: Cells) -> tuple[tuple[Robustness, ...], ...]:
    """The repetitions of each estimate; Holm is taken anew over the family of each repetition."""
    by_name = [_repeat(name, base, options, cells) for name in NAMES]
    return tuple(zip(*by_name, strict=True)) if base else ()


def _repeat(name: Name, base: Sequence[Estimate], options: Options, cells: Cells) -> tuple[Robustness, ...]:
    variants = [_variant(name, estimate, options, cells) for estimate in base]
    if all(variant.same or variant.series is None for variant in variants):
        repeated = tuple(base)
    else:
        chosen = [v.series or e.series for v, e in zip(variants, base, strict=True)]
        repeated = estimate_family(chosen, options, cells)
    return tuple(_robustness(name, before, after, variant) for before, after, variant in zip(base, repeated, variants, strict=True))


def _variant(name: Name, estimate: Estimate, options: Options, cells: Cells) -> Variant:
    if estimate.kind == "nothing":
        return Variant(series=None, reason="there is nothing to repeat")
    if name == "without_estimated_sizes":
        return without_estimated_sizes(estimate.series, estimate.fitted)
    if name == "active_parameters":
        return with_active_parameters(estimate.series, estimate.fitted)
    return on_common_prompts(estimate.series, estimate.fitted, tier=options.tier, min_cell=options.min_cell, cells=cells)


def _robustness(name: Name, before: Estimate, after: Estimate, variant: Variant) -> Robustness:
    possible = variant.series is not None and after.kind != "nothing"
    slope = after.slope if possible else None
    difference = after.difference if possible else None
    label = after.label if possible else None
    reason = variant.reason
    if variant.series is not None and after.kind == "nothing":
        reason = f"{reason}; what is left has fewer than two sizes"
    changed = (
        possible
        and not variant.same
        and (after.verdict is not before.verdict or after.bend != before.bend or label != before.label or after.kind != before.kind)
    )
    return Robustness(
        name=name,
        possible=possible,
        reason=reason,
        n_models=len(after.fitted) if possible else None,
        slope_pp_per_decade=None if slope is None else slope.slope.slope_pp_per_decade,
        standard_error_pp_per_decade=None if slope is None else slope.slope.standard_error_pp_per_decade,
        raw_difference_pp_per_decade=None if difference is None else difference.raw.difference_pp_per_decade,
        label=label,
        p_value=None if slope is None else slope.p_value,
        p_holm=after.p_holm if possible else None,
        verdict=after.verdict if possible else None,
        bend=after.bend if possible else None,
        changed=changed,
    )
