"""Every result once more: without guessed sizes, with active parameters, on common prompts."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from safescale.analyses.inverse_scaling.estimate import Estimate, estimate_family
from safescale.analyses.inverse_scaling.results import Options, Robustness
from safescale.analyses.observations import Observation, Part, Series
from safescale.cells import Cells
from safescale.records.outcomes import Tier

__all__ = ["repeat_family"]

Name: TypeAlias = Literal["without_estimated_sizes", "active_parameters", "common_prompts"]
Integers = npt.NDArray[np.int64]

NAMES: tuple[Name, ...] = ("without_estimated_sizes", "active_parameters", "common_prompts")


@attrs.frozen(kw_only=True)
class _Variant:
    """A series under another choice, or why there is none; ``same`` when the choice changes nothing."""

    series: Series | None
    same: bool = False
    reason: str | None = None


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


def _variant(name: Name, estimate: Estimate, options: Options, cells: Cells) -> _Variant:
    if estimate.kind == "nothing":
        return _Variant(series=None, reason="there is nothing to repeat")
    if name == "without_estimated_sizes":
        return _without_guesses(estimate)
    if name == "active_parameters":
        return _with_active(estimate)
    return _on_common_prompts(estimate, options, cells)


def _without_guesses(estimate: Estimate) -> _Variant:
    guesses = sum(o.unit.size_is_guess for o in estimate.fitted)
    kept = tuple(o for o in estimate.series.observations if not o.unit.size_is_guess)
    series = attrs.evolve(estimate.series, observations=kept)
    if not guesses:
        return _Variant(series=estimate.series, same=True, reason="no size here is estimated")
    return _Variant(series=series, reason=f"{guesses} of {len(estimate.fitted)} sizes are estimated")


def _with_active(estimate: Estimate) -> _Variant:
    sparse = [o for o in estimate.fitted if o.unit.params_active_b not in (None, o.unit.params_total_b)]
    unstated = sum(o.unit.params_active_b is None for o in estimate.fitted)
    dense = f"; {unstated} without a stated number count as dense" if unstated else ""
    if not sparse:
        return _Variant(series=estimate.series, same=True, reason="no model here is known to be sparse")
    series = attrs.evolve(estimate.series, size="active")
    return _Variant(series=series, reason=f"{len(sparse)} of {len(estimate.fitted)} models are sparse{dense}")


def _on_common_prompts(estimate: Estimate, options: Options, cells: Cells) -> _Variant:
    if any(not part.cells for o in estimate.fitted for part in o.parts):
        return _Variant(series=None, reason="common prompts need rows, and some rates are published without")
    parts: dict[str, list[Part]] = {o.unit.model: [] for o in estimate.fitted}
    prompts = 0
    for attack_class in estimate.series.attack_classes:
        of_class = [part for o in estimate.fitted for part in o.parts if part.attack_class == attack_class]
        if len(of_class) == len(estimate.fitted):
            shared, restricted = _restricted(of_class, options.tier, cells)
            if estimate.series.pooling == "classes" and any((p.trials or 0) < options.min_cell for p in restricted):
                continue
            prompts += shared
            for part in restricted:
                parts[part.unit.model].append(part)
    if not prompts:
        return _Variant(series=None, reason=f"no prompt is evaluable in all {len(estimate.fitted)} models")
    kept = tuple(Observation(unit=o.unit, parts=tuple(parts[o.unit.model])) for o in estimate.fitted)
    rows = min(o.trials or 0 for o in kept)
    if rows < options.min_cell:
        return _Variant(series=None, reason=f"{prompts} common prompts leave {rows} rows, fewer than {options.min_cell}")
    same = [o.trials for o in kept] == [o.trials for o in estimate.fitted]
    words = "all prompts are common" if same else f"{prompts} prompts are evaluable in all {len(kept)} models"
    return _Variant(series=attrs.evolve(estimate.series, observations=kept), same=same, reason=words)


def _restricted(parts: Sequence[Part], tier: Tier, cells: Cells) -> tuple[int, list[Part]]:
    """Number of prompts that all parts share, and the parts on those prompts only (none when there is no such prompt)."""
    counts = [_by_prompt(part, tier, cells) for part in parts]
    shared = functools.reduce(np.intersect1d, [codes for codes, _, _ in counts])
    if not shared.size:
        return 0, []
    kept = []
    for part, (codes, successes, trials) in zip(parts, counts, strict=True):
        at = np.searchsorted(codes, shared)
        k, n = int(successes[at].sum()), int(trials[at].sum())
        kept.append(attrs.evolve(part, rate=k / n, successes=k, trials=n))
    return int(shared.size), kept


def _by_prompt(part: Part, tier: Tier, cells: Cells) -> tuple[Integers, Integers, Integers]:
    """Sorted prompt codes of a part with successes and evaluable rows, several ids of one model added up."""
    vectors = [cells.prompts(cell) for cell in part.cells]
    if len(vectors) == 1:
        return vectors[0].codes, vectors[0].successes[tier], vectors[0].evaluable
    codes, at = np.unique(np.concatenate([vector.codes for vector in vectors]), return_inverse=True)
    successes, trials = np.zeros(codes.size, np.int64), np.zeros(codes.size, np.int64)
    np.add.at(successes, at, np.concatenate([vector.successes[tier] for vector in vectors]))
    np.add.at(trials, at, np.concatenate([vector.evaluable for vector in vectors]))
    return codes, successes, trials


def _robustness(name: Name, before: Estimate, after: Estimate, variant: _Variant) -> Robustness:
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
