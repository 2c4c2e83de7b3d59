"""One grader, target and condition: sources together, one by one, and within."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from safescale.analyses.copies import MIN_MINORITY_ROWS, units_without_copies
from safescale.analyses.inverse_scaling.estimate import Estimate, estimate_family
from safescale.analyses.inverse_scaling.results import Options, SeriesResult
from safescale.analyses.inverse_scaling.robustness import repeat_family
from safescale.analyses.inverse_scaling.sentences import series_result
from safescale.analyses.observations import Series, parts_by_class, pooled
from safescale.analyses.pooled.results import Composition, PooledSetting, SourceSlope, Variant, VariantName
from safescale.analyses.pooled.sentences import setting_caveats, setting_words
from safescale.analyses.pooled.sources import heterogeneity, within_sources
from safescale.analyses.setting import Setting, excluded_by_reason
from safescale.analyses.units import TAMPERED, ModelUnit
from safescale.analyses.words import plural
from safescale.cells import AggregateCell, Cell, Cells, IdenticalModels

__all__ = ["pooled_setting"]

Members = Sequence[Cell | AggregateCell]


def pooled_setting(
    setting: Setting,
    members: Members,
    before: Members,
    *,
    cells: Cells,
    with_tampered: Cells,
    units: Mapping[str, ModelUnit],
    states: Mapping[str, str],
    claim_classes: Sequence[str] | None,
    options: Options,
) -> PooledSetting:
    """Everything of one setting; ``before`` are its cells before tampered models are left out, ``states`` tampering by model id."""
    meaning = cells.graders[setting.grader]
    wanted = [cell for cell in members if claim_classes is None or cell.attack_class in claim_classes]
    whole = [cell for cell in before if claim_classes is None or cell.attack_class in claim_classes]
    same = [s for s in cells.identical_models if (s.grader, s.target, s.condition) == attrs.astuple(setting)]
    distinct = units_without_copies(units, {cell.model_id for cell in members if isinstance(cell, Cell)}, same)
    together = _family([_all_sources(wanted, distinct, options)], options, cells) if wanted else ()
    mine, before_mine = _by_source(wanted), _by_source(whole)
    names = sorted({*mine, *before_mine})
    alone = [_one_source(name, mine.get(name, []), distinct, options) for name in names]
    estimates, results = _estimated(alone, options, cells)
    copied = _copies_of_tampered(same, {cell.model_id for cell in wanted})
    within, no_within = within_sources(estimates, together[0] if together else None, options.level)
    spread, no_spread = heterogeneity(estimates, options.level)
    found = PooledSetting(
        setting=setting,
        grader=meaning,
        definition=meaning.definition(options.tier),
        rows=_rows(wanted),
        published_rates=sum(isinstance(cell, AggregateCell) for cell in wanted),
        excluded=excluded_by_reason(setting, cells),
        composition=_composition(before_mine, states),
        pooled=together[0] if together else None,
        sources=tuple(
            _source_slope(name, series, mine.get(name, []), before_mine.get(name, []), states)
            for name, series in zip(names, results, strict=True)
        ),
        variants=_variants(whole, wanted, with_tampered, same, units, states, copied, options),
        within=within,
        within_unavailable=no_within,
        heterogeneity=spread,
        heterogeneity_unavailable=no_spread,
        copies_of_tampered=copied,
        caveats=(),
        words="",
    )
    found = attrs.evolve(found, caveats=setting_caveats(found, _source_mix(wanted, distinct)))
    return attrs.evolve(found, words=setting_words(found))


def _source(cell: Cell | AggregateCell) -> str:
    return cell.source or ""


def _by_source(members: Members) -> dict[str, list[Cell | AggregateCell]]:
    found: dict[str, list[Cell | AggregateCell]] = {}
    for cell in members:
        found.setdefault(_source(cell), []).append(cell)
    return found


def _rows(cells: Iterable[Cell | AggregateCell]) -> int:
    return sum(cell.evaluable for cell in cells if isinstance(cell, Cell))


def _all_sources(members: Members, units: Mapping[str, ModelUnit], options: Options) -> Series:
    by_class = parts_by_class(members, units, options.tier)
    name = f"rows of {plural(len({_source(cell) for cell in members}), 'source')} pooled"
    return Series(scope="rows_pooled", name=name, pooling="rows", observations=pooled(by_class, list(by_class)))


def _one_source(name: str, members: Members, units: Mapping[str, ModelUnit], options: Options) -> Series:
    by_class = parts_by_class(members, units, options.tier)
    return Series(scope="source", name=name, pooling="rows", observations=pooled(by_class, list(by_class)))


def _estimated(many: Sequence[Series], options: Options, cells: Cells) -> tuple[tuple[Estimate, ...], tuple[SeriesResult, ...]]:
    estimates = estimate_family(many, options, cells)
    repeats = repeat_family(estimates, options, cells)
    results = (series_result(estimate, repeated, options, cells) for estimate, repeated in zip(estimates, repeats, strict=True))
    return estimates, tuple(results)


def _family(many: Sequence[Series], options: Options, cells: Cells) -> tuple[SeriesResult, ...]:
    return _estimated(many, options, cells)[1]


def _is_tampered(model_id: str, states: Mapping[str, str]) -> bool:
    return states.get(model_id, "unknown") in TAMPERED


def _composition(whole: Mapping[str, Members], states: Mapping[str, str]) -> Composition:
    rows = {name: _rows(cells) for name, cells in whole.items()}
    tampered = {name: _rows(c for c in cells if _is_tampered(c.model_id, states)) for name, cells in whole.items()}
    unknown = _rows(c for cells in whole.values() for c in cells if states.get(c.model_id, "unknown") == "unknown")
    mostly = tuple(name for name in sorted(rows) if 2 * tampered[name] > rows[name])
    total, held = sum(rows.values()), sum(rows[name] for name in mostly)
    return Composition(
        rows=total,
        rows_tampered=sum(tampered.values()),
        rows_unknown_state=unknown,
        share_tampered=sum(tampered.values()) / total if total else None,
        mostly_tampered=mostly,
        rows_mostly_tampered=held,
        share_mostly_tampered=held / total if total else None,
    )


def _source_slope(name: str, series: SeriesResult, mine: Members, before: Members, states: Mapping[str, str]) -> SourceSlope:
    rows, tampered = _rows(before), _rows(c for c in before if _is_tampered(c.model_id, states))
    return SourceSlope(
        source=name,
        series=series,
        rows=_rows(mine),
        published_rates=sum(isinstance(cell, AggregateCell) for cell in mine),
        rows_with_tampered=rows,
        rows_tampered=tampered,
        share_tampered=tampered / rows if rows else None,
    )


def _copies_of_tampered(same: Sequence[IdenticalModels], present: set[str]) -> tuple[str, ...]:
    """Ids in these rates that nobody calls tampered, with the same verdict on every prompt as a model that is."""
    copied: set[str] = set()
    for group in same:
        if group.minority >= MIN_MINORITY_ROWS and any(state in TAMPERED for state in group.tampering):
            copied |= {m for m, state in zip(group.model_ids, group.tampering, strict=True) if state not in TAMPERED} & present
    return tuple(sorted(copied))


def _variants(
    whole: Members,
    wanted: Members,
    with_tampered: Cells,
    same: Sequence[IdenticalModels],
    units: Mapping[str, ModelUnit],
    states: Mapping[str, str],
    copied: Sequence[str],
    options: Options,
) -> tuple[Variant, ...]:
    """The pooled slope with and without tampered models, and without ids that repeat one of them."""
    honest = [cell for cell in whole if not _is_tampered(cell.model_id, states)]
    choices: list[tuple[VariantName, Members]] = [("without_tampered_models", honest), ("with_tampered_models", whole)]
    if copied:
        choices.append(("without_copies_of_tampered_models", [cell for cell in honest if cell.model_id not in copied]))
    asked = _choice_key(wanted)
    made: list[tuple[VariantName, bool, Members, Estimate]] = []
    for name, chosen in choices:
        present = {cell.model_id for cell in chosen if isinstance(cell, Cell)}
        series = _all_sources(chosen, units_without_copies(units, present, same), options)
        (estimate,) = estimate_family([series], options, with_tampered)
        made.append((name, _choice_key(chosen) == asked, chosen, estimate))
    base = next((estimate for _, as_asked, _, estimate in made if as_asked), made[0][3])
    return tuple(_variant(name, as_asked, chosen, estimate, base) for name, as_asked, chosen, estimate in made)


def _choice_key(members: Members) -> set[tuple[str, str, str, int | None]]:
    return {(_source(c), c.model_id, c.attack_class, c.evaluable if isinstance(c, Cell) else c.n) for c in members}


def _variant(name: VariantName, as_asked: bool, chosen: Members, estimate: Estimate, base: Estimate) -> Variant:
    line = None if estimate.slope is None else estimate.slope.slope
    return Variant(
        name=name,
        as_asked=as_asked,
        rows=_rows(chosen),
        models=len(estimate.fitted),
        kind=estimate.kind,
        slope_pp_per_decade=None if line is None else line.slope_pp_per_decade,
        interval_pp_per_decade=None if line is None else line.interval,
        p_value=None if estimate.slope is None else estimate.slope.p_value,
        verdict=estimate.verdict,
        label=estimate.label,
        changed=estimate.verdict is not base.verdict or estimate.label != base.label or estimate.kind != base.kind,
    )


def _source_mix(members: Members, units: Mapping[str, ModelUnit]) -> tuple[float, str] | None:
    """How far the share of one source in a model's rows differs between models of known size, and of which source."""
    by_model: dict[str, dict[str, int]] = {}
    for cell in members:
        unit = units[cell.model_id]
        if isinstance(cell, Cell) and unit.params_total_b is not None and unit.copy_note is None:
            of_model = by_model.setdefault(unit.model, {})
            of_model[_source(cell)] = of_model.get(_source(cell), 0) + cell.evaluable
    names = sorted({name for of_model in by_model.values() for name in of_model})
    widest: tuple[float, str] | None = None
    for name in names:
        shares = [of_model.get(name, 0) / sum(of_model.values()) for of_model in by_model.values()]
        if widest is None or max(shares) - min(shares) > widest[0]:
            widest = (max(shares) - min(shares), name)
    return widest
