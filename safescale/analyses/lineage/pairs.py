"""A tampered model beside the untampered one of its lineage and size, or one model under two conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import attrs
import numpy as np

from safescale.analyses.copies import MIN_MINORITY_ROWS, ONE_SERIES
from safescale.analyses.inverse_scaling.difference import paired_by_prompt
from safescale.analyses.lineage.results import GapPair, Options, Side, Unpaired
from safescale.analyses.observations import Observation, Part, Series
from safescale.analyses.units import TAMPERED, ModelUnit
from safescale.analyses.words import and_list, percent, plural, size_words
from safescale.cells import Cells, IdenticalModels
from safescale.errors import DomainError
from safescale.records.outcomes import Tier
from safescale.stats import (
    DifferenceInterval,
    PairedDifferenceInterval,
    fisher_exact_test,
    holm,
    mcnemar_exact_test,
    newcombe_interval,
    wilson_interval,
)

__all__ = ["ByModel", "condition_pairs", "model_pairs", "with_holm"]

ByModel: TypeAlias = Mapping[str, Mapping[str, Part]]
"""Parts by model and attack class."""

MIN_SHARED_ROWS = 30
"""Fewer common rows agree by chance too often."""

EXACT = 1e-9


def model_pairs(
    by_model: ByModel, *, condition: str, same: Iterable[IdenticalModels], cells: Cells, options: Options
) -> tuple[tuple[GapPair, ...], tuple[Unpaired, ...]]:
    """Each tampered model of one setting with its base, and those without one."""
    units = {model: next(iter(parts.values())).unit for model, parts in by_model.items()}
    copies = [set(found.model_ids) for found in same if found.minority >= MIN_MINORITY_ROWS]
    pairs, unpaired = [], []
    for model, unit in sorted(units.items(), key=lambda item: (item[1].params_total_b or 0.0, item[0])):
        if unit.tampering not in TAMPERED:
            continue
        bases, reason = _bases(unit, units.values(), copies, options)
        bases = [base for base in bases if by_model[base.model].keys() & by_model[model].keys()]
        if not bases:
            reason = reason or "no attack class in common with the untampered model of its lineage and size"
            unpaired.append(_unpaired(unit, reason))
            continue
        ranked = sorted(bases, key=lambda base: _rank(base, unit, by_model))
        base = ranked[0]
        one = _copy_of_each_other(base, unit, copies)
        notes = _choice_notes(unit, base, ranked[1:])
        if unit.copy_note and not one:
            unpaired.append(_unpaired(unit, unit.copy_note))
            continue
        pairs.append(
            _pair(
                unit.tampering,
                (base, condition, by_model[base.model]),
                (unit, condition, by_model[model]),
                copy_reason=f"same verdict on every prompt: {ONE_SERIES}, so neither is known to be tampered" if one else None,
                notes=notes,
                cells=cells,
                options=options,
            )
        )
    return tuple(pairs), tuple(unpaired)


def condition_pairs(
    base: ByModel, tampered: ByModel, *, conditions: tuple[str, str], cells: Cells, options: Options
) -> tuple[tuple[GapPair, ...], tuple[Unpaired, ...]]:
    """Each model under the baseline and under the tampered condition, and those that have one of them only."""
    pairs, unpaired = [], []
    for model in sorted(base.keys() | tampered.keys()):
        here = tampered.get(model) or base[model]
        unit = next(iter(here.values())).unit
        missing = [name for name, found in zip(conditions, (base, tampered), strict=True) if model not in found]
        reason = f"no counted row under condition {missing[0]}" if missing else None
        if reason is None and unit.params_total_b is None:
            reason = "size unknown"
        if reason is None and not base[model].keys() & tampered[model].keys():
            reason = "no attack class in common under both conditions"
        if reason is None and unit.copy_note:
            reason = unit.copy_note
        if reason is not None:
            unpaired.append(_unpaired(unit, reason))
            continue
        pairs.append(
            _pair(
                conditions[1],
                (unit, conditions[0], base[model]),
                (unit, conditions[1], tampered[model]),
                copy_reason=None,
                notes=(),
                cells=cells,
                options=options,
            )
        )
    ordered = sorted(pairs, key=lambda pair: (pair.params_b, pair.tampered.model))
    return tuple(ordered), tuple(unpaired)


def _bases(
    unit: ModelUnit, units: Iterable[ModelUnit], copies: Sequence[set[str]], options: Options
) -> tuple[list[ModelUnit], str | None]:
    """Untampered models of the same lineage and size, or why there is none."""
    if unit.lineage is None:
        return [], "no lineage is known"
    if unit.params_total_b is None:
        return [], "size unknown"
    kin = [other for other in units if other.lineage == unit.lineage and other.tampering not in TAMPERED]
    if not kin:
        return [], f"no untampered model of lineage {unit.lineage} is graded here"
    sized = [other for other in kin if other.params_total_b is not None]
    near = [other for other in sized if _apart(other, unit) <= options.size_tolerance + EXACT]
    own = [other for other in near if other.copy_note is None or _copy_of_each_other(other, unit, copies)]
    if own:
        return own, None
    if near:
        return [], f"{near[0].model}: {near[0].copy_note}"
    sizes = and_list(
        [size_words(size) for size in sorted({o.params_total_b for o in sized if o.params_total_b is not None})] or ["unknown"]
    )
    near_to = f"within {percent(options.size_tolerance)} of {size_words(unit.params_total_b)}"
    return [], f"no untampered model of lineage {unit.lineage} {near_to} (there: {sizes})"


def _copy_of_each_other(one: ModelUnit, other: ModelUnit, copies: Sequence[set[str]]) -> bool:
    return any(group & set(one.model_ids) and group & set(other.model_ids) for group in copies)


def _apart(one: ModelUnit, other: ModelUnit) -> float:
    a, b = one.params_total_b, other.params_total_b
    assert a is not None
    assert b is not None
    return abs(a - b) / max(a, b)


def _rank(base: ModelUnit, unit: ModelUnit, by_model: ByModel) -> tuple[float, bool, int, str]:
    """Nearest in size, known to be untampered, most rows in common classes."""
    common = by_model[base.model].keys() & by_model[unit.model].keys()
    rows = sum(by_model[base.model][attack_class].trials or 0 for attack_class in common)
    return _apart(base, unit), base.tampering == "unknown", -rows, base.model


def _choice_notes(unit: ModelUnit, base: ModelUnit, others: Sequence[ModelUnit]) -> tuple[str, ...]:
    notes = []
    if base.params_total_b != unit.params_total_b:
        notes.append(f"sizes differ: {size_words(unit.params_total_b or 0)} and {size_words(base.params_total_b or 0)}")
    if others:
        notes.append(f"{base.model} was taken, not {and_list([other.model for other in others])}: nearest in size, then most rows")
    return tuple(notes)


def _unpaired(unit: ModelUnit, reason: str) -> Unpaired:
    return Unpaired(model=unit.model, params_b=unit.params_total_b, tampering=unit.tampering, lineage=unit.lineage, reason=reason)


def _pair(
    kind: str,
    base: tuple[ModelUnit, str, Mapping[str, Part]],
    tampered: tuple[ModelUnit, str, Mapping[str, Part]],
    *,
    copy_reason: str | None,
    notes: tuple[str, ...],
    cells: Cells,
    options: Options,
) -> GapPair:
    classes = sorted(base[2].keys() & tampered[2].keys())
    first = Observation(unit=tampered[0], parts=tuple(tampered[2][c] for c in classes))
    second = Observation(unit=base[0], parts=tuple(base[2][c] for c in classes))
    top, bottom = _side(first, tampered[1], options.level), _side(second, base[1], options.level)
    independent, no_independent = _independent(top, bottom, options.level)
    paired, no_paired = paired_by_prompt(first, second, tier=options.tier, level=options.level, cells=cells)
    pairs = 0 if paired is None else paired.n11 + paired.n10 + paired.n01 + paired.n00
    if paired is not None and pairs < options.min_cell:
        no_paired = f"only {plural(pairs, 'prompt')} pair up, fewer than {options.min_cell}"
    few = min((n for n in (top.trials, bottom.trials) if n is not None), default=None)
    why = copy_reason or _same_on_common_prompts(first, second, cells)
    if why is None and few is not None and few < options.min_cell:
        why = f"{plural(few, 'evaluable row')}, fewer than {options.min_cell}"
    quote_paired = paired is not None and no_paired is None
    return GapPair(
        kind=kind,
        lineage=tampered[0].lineage,
        params_b=top.params_b,
        base=bottom,
        tampered=top,
        attack_classes=tuple(classes),
        gap_pp=100 * (top.rate - bottom.rate),
        independent=independent,
        paired=paired,
        headline="paired" if quote_paired else None if independent is None else "independent",
        p_value=_p_of_equal_rates(paired if quote_paired else None, top, bottom),
        p_holm=None,
        unavailable=tuple(reason for reason in (no_independent, no_paired) if reason is not None),
        why_not_used=why,
        notes=notes,
    )


def with_holm(pairs: Sequence[GapPair], alpha: float) -> tuple[GapPair, ...]:
    """The pairs of one setting with Holm over those that are used; one without p still counts in the correction."""
    used = [i for i, pair in enumerate(pairs) if pair.why_not_used is None]
    if not used:
        return tuple(pairs)
    raw = [pairs[i].p_value for i in used]
    adjusted = dict(zip(used, holm([1.0 if p is None else p for p in raw], alpha=alpha).adjusted, strict=True))
    return tuple(pair if pair.p_value is None else attrs.evolve(pair, p_holm=adjusted.get(i)) for i, pair in enumerate(pairs))


def _p_of_equal_rates(paired: PairedDifferenceInterval | None, top: Side, bottom: Side) -> float | None:
    if paired is not None:
        return mcnemar_exact_test(paired.n10, paired.n01).p_value
    if top.successes is None or bottom.successes is None or not top.trials or not bottom.trials:
        return None
    return fisher_exact_test(top.successes, top.trials, bottom.successes, bottom.trials).p_value


def _side(observation: Observation, condition: str, level: float) -> Side:
    unit = observation.unit
    size = unit.params_total_b
    assert size is not None
    k, n = observation.successes, observation.trials
    rate = Series(scope="rows_pooled", name="", pooling="rows", observations=()).rate(observation)
    if rate is None:  # published without n: the classes weigh the same
        rate = sum(part.rate for part in observation.parts) / len(observation.parts)
    return Side(
        model=unit.model,
        model_ids=unit.model_ids,
        params_b=size,
        size_is_guess=unit.size_is_guess,
        tampering=unit.tampering,
        condition=condition,
        rate=rate,
        successes=k,
        trials=n,
        interval=wilson_interval(k, n, level=level) if k is not None and n else None,
    )


def _independent(top: Side, bottom: Side, level: float) -> tuple[DifferenceInterval | None, str | None]:
    if top.successes is None or top.trials is None or bottom.successes is None or bottom.trials is None:
        return None, "an interval needs counts, and a published rate came without"
    try:
        return newcombe_interval(top.successes, top.trials, bottom.successes, bottom.trials, level=level), None
    except DomainError as error:
        return None, f"the interval is unavailable: {error}"


def _same_on_common_prompts(first: Observation, second: Observation, cells: Cells) -> str | None:
    """Two sides that never differ on a prompt that both answered are one series, whatever else one of them holds."""
    one, other = _counts(first, cells), _counts(second, cells)
    if one is None or other is None:
        return None
    shared = sorted(one.keys() & other.keys())
    if not shared:
        return None
    a, b = np.array([one[key] for key in shared]), np.array([other[key] for key in shared])
    total = a.sum(axis=0)
    most = max(int(total[1]), int(total[2] - total[1]), int(total[3] - total[2]), int(total[0] - total[3]))
    if not np.array_equal(a, b) or total[0] < MIN_SHARED_ROWS or total[0] - most < MIN_MINORITY_ROWS:
        return None
    whole = len(shared) == len(one) == len(other)
    where = f"every prompt ({len(shared):,})" if whole else f"all {len(shared):,} prompts that both answered"
    return f"same verdict on {where}: {ONE_SERIES}, or tampering that changed nothing"


def _counts(observation: Observation, cells: Cells) -> dict[tuple[str, int], tuple[int, int, int, int]] | None:
    """Evaluable, strict, broad and functionally dangerous rows by attack class and prompt; None for published rates."""
    found: dict[tuple[str, int], tuple[int, int, int, int]] = {}
    for part in observation.parts:
        if not part.cells:
            return None
        for cell in part.cells:
            vector = cells.prompts(cell)
            columns = [vector.evaluable, *(vector.successes[tier] for tier in Tier)]
            for code, *counts in zip(vector.codes.tolist(), *(column.tolist() for column in columns), strict=True):
                before = found.get((part.attack_class, code), (0, 0, 0, 0))
                n, s, b, d = (x + y for x, y in zip(before, counts, strict=True))
                found[part.attack_class, code] = (n, s, b, d)
    return found
