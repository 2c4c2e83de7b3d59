"""How much does removing safety training change, and does that depend on model size?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import pyarrow as pa

from safescale.analyses.copies import units_without_copies
from safescale.analyses.lineage.pairs import condition_pairs, model_pairs, with_holm
from safescale.analyses.lineage.results import GapSetting, LineageResult, Options
from safescale.analyses.lineage.sentences import result_caveats, result_words, setting_words
from safescale.analyses.lineage.slopes import gap_series
from safescale.analyses.observations import Part, parts_by_class
from safescale.analyses.setting import Setting, cells_by_setting, check_choices, excluded_by_reason, with_tier
from safescale.analyses.units import ModelUnit, model_units
from safescale.cells import AggregateCell, Cell, Cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

__all__ = ["analyze_lineage"]


def analyze_lineage(
    cells: Cells,
    models: pa.Table,
    *,
    tier: Tier = Tier.STRICT,
    claim_classes: Sequence[str] | None = None,
    grader: str | Sequence[str] | None = None,
    baseline_condition: str | None = None,
    tampered_conditions: Sequence[str] = (),
    size_tolerance: float = 0.05,
    min_cell: int = 20,
    alpha: float = 0.05,
    margin_pp: float = 5.0,
    min_decades: float = 0.3,
    level: float = 0.95,
) -> LineageResult:
    """
    The safety gap by size: the rate of tampered models minus that of the untampered ones of the same lineage and size.

    Per setting, pairs are the units: each has its gap with an interval (paired by prompt where both answered the same prompts
    once); three or more sizes make a slope of the gap, two a difference of differences. Kinds of tampering are kept apart, and a
    pair that is one series under two ids is reported and not used. With conditions, a model under ``tampered_conditions`` is
    paired with itself under ``baseline_condition``.

    Parameters
    ----------
    cells : Cells
        Counts with tampered models included, from ``build_cells(corpus, Selection(tampered="include"))``; for conditions any.
    models : pyarrow.Table
        Table ``models`` of the corpus (record Model).
    tier : Tier, default strict
        Which verdicts count as success.
    claim_classes : sequence of str, optional
        The attack classes that the claim concerns; all of them when absent.
    grader : str or sequence of str, optional
        Only this grader or these (label with rubric version, or id).
    baseline_condition : str, optional
        Condition without tampering; together with ``tampered_conditions``.
    tampered_conditions : sequence of str
        Conditions with tampering, each a kind of its own.
    size_tolerance : float, default 0.05
        Largest difference of two sizes that count as one. Unit: share of the larger size.
    min_cell : int, default 20
        Evaluable rows below which a pair is shown and not used, and prompts below which pairing is not quoted.
    alpha : float, default 0.05
        Family-wise level of every claim. Unit: probability.
    margin_pp : float, default 5.0
        Largest slope that still counts as flat. Unit: percentage points per decade.
    min_decades : float, default 0.3
        Spread of sizes below which nothing is tested. Unit: decades.
    level : float, default 0.95
        Nominal coverage of every interval. Unit: probability.

    Returns
    -------
    LineageResult
        ``answer`` in words; every number in ``settings``.

    Raises
    ------
    DomainError
        If a parameter is outside its range, tampered models were left out, only one side of the conditions is given, or a
        condition or grader is not there.
    """
    _check(cells, baseline_condition, tampered_conditions, size_tolerance, min_cell, alpha, margin_pp)
    options = Options(
        tier=tier,
        min_cell=min_cell,
        alpha=alpha,
        margin_pp=margin_pp,
        min_decades=min_decades,
        level=level,
        size_tolerance=size_tolerance,
        baseline_condition=baseline_condition,
        tampered_conditions=tuple(tampered_conditions),
    )
    members = cells_by_setting(cells, tier, grader)
    able, without_tier = with_tier(cells, members, tier)
    units = model_units(models, [cell.model_id for found in able.values() for cell in found])
    by_model = {setting: _by_model(setting, found, units, cells, claim_classes, tier) for setting, found in able.items()}
    if baseline_condition is None:
        settings = tuple(_of_models(setting, able[setting], by_model[setting], cells, options) for setting in able)
    else:
        settings = _of_conditions(by_model, able, cells, options)
    return LineageResult(
        fingerprint=cells.fingerprint,
        selection=cells.selection,
        options=options,
        claim_classes=None if claim_classes is None else tuple(claim_classes),
        considered=cells.considered,
        counted=cells.counted,
        exclusions=cells.exclusions,
        traces=cells.traces,
        identical_models=cells.identical_models,
        unknown_tampering=cells.unknown_tampering,
        graders_without_tier=without_tier,
        settings=settings,
        caveats=result_caveats(settings, cells, alpha),
        answer=result_words(settings, cells, alpha),
    )


def _check(
    cells: Cells,
    baseline: str | None,
    tampered: Sequence[str],
    size_tolerance: float,
    min_cell: int,
    alpha: float,
    margin_pp: float,
) -> None:
    if (baseline is None) != (not tampered):
        raise DomainError("conditions come in pairs: give the baseline condition and at least one tampered condition, or neither")
    if baseline is None and cells.selection.tampered != "include":
        raise DomainError(
            f"the gap needs tampered and untampered models, these cells were counted with tampered={cells.selection.tampered!r}; "
            "count with Selection(tampered='include')"
        )
    known = sorted({*cells.table["condition"].to_pylist(), *(cell.condition for cell in cells.aggregates)})
    for name in () if baseline is None else (baseline, *tampered):
        if name not in known:
            raise DomainError(f"no counted row has the condition {name!r}; conditions of this corpus: {', '.join(known) or 'none'}")
    if baseline in tampered:
        raise DomainError(f"the condition {baseline!r} cannot be baseline and tampered at once")
    if not 0 <= size_tolerance < 0.5:
        raise DomainError(f"size_tolerance must lie in [0, 0.5), got {size_tolerance}; it is a share of the larger size")
    check_choices(min_cell=min_cell, alpha=alpha, margin_pp=margin_pp)


def _by_model(
    setting: Setting,
    found: Sequence[Cell | AggregateCell],
    units: Mapping[str, ModelUnit],
    cells: Cells,
    claim_classes: Sequence[str] | None,
    tier: Tier,
) -> dict[str, dict[str, Part]]:
    same = [s for s in cells.identical_models if (s.grader, s.target, s.condition) == attrs.astuple(setting)]
    distinct = units_without_copies(units, {cell.model_id for cell in found if isinstance(cell, Cell)}, same)
    wanted = [cell for cell in found if claim_classes is None or cell.attack_class in claim_classes]
    by_model: dict[str, dict[str, Part]] = {}
    for attack_class, parts in parts_by_class(wanted, distinct, tier).items():
        for model, part in parts.items():
            by_model.setdefault(model, {})[attack_class] = part
    return by_model


def _of_models(
    setting: Setting,
    found: Sequence[Cell | AggregateCell],
    by_model: Mapping[str, Mapping[str, Part]],
    cells: Cells,
    options: Options,
) -> GapSetting:
    same = [s for s in cells.identical_models if (s.grader, s.target, s.condition) == attrs.astuple(setting)]
    pairs, unpaired = model_pairs(by_model, condition=setting.condition, same=same, cells=cells, options=options)
    pairs = with_holm(pairs, options.alpha)
    meaning = cells.graders[setting.grader]
    result = GapSetting(
        grader=meaning,
        target=setting.target,
        condition=setting.condition,
        definition=meaning.definition(options.tier),
        rows=sum(cell.evaluable for cell in found if isinstance(cell, Cell)),
        published_rates=sum(isinstance(cell, AggregateCell) for cell in found),
        excluded=excluded_by_reason(setting, cells),
        pairs=pairs,
        unpaired=unpaired,
        series=gap_series(pairs, options),
        words="",
    )
    return attrs.evolve(result, words=setting_words(result))


def _of_conditions(
    by_model: Mapping[Setting, Mapping[str, Mapping[str, Part]]],
    able: Mapping[Setting, Sequence[Cell | AggregateCell]],
    cells: Cells,
    options: Options,
) -> tuple[GapSetting, ...]:
    """One setting per grader and target, the conditions being what is paired."""
    baseline = options.baseline_condition
    assert baseline is not None
    wanted = (baseline, *options.tampered_conditions)
    results = []
    for grader, target in sorted({(s.grader, s.target) for s in able if s.condition in wanted}, key=lambda key: (key[1], key[0])):
        here = {s.condition: s for s in able if (s.grader, s.target) == (grader, target) and s.condition in wanted}
        parts = {condition: by_model[setting] for condition, setting in here.items()}
        found = [
            condition_pairs(
                parts.get(baseline, {}), parts.get(condition, {}), conditions=(baseline, condition), cells=cells, options=options
            )
            for condition in options.tampered_conditions
        ]
        pairs = with_holm([pair for kept, _ in found for pair in kept], options.alpha)
        members = [cell for setting in here.values() for cell in able[setting]]
        excluded: dict[str, int] = {}
        for setting in here.values():
            for reason, rows in excluded_by_reason(setting, cells).items():
                excluded[reason] = excluded.get(reason, 0) + rows
        meaning = cells.graders[grader]
        result = GapSetting(
            grader=meaning,
            target=target,
            condition=None,
            definition=meaning.definition(options.tier),
            rows=sum(cell.evaluable for cell in members if isinstance(cell, Cell)),
            published_rates=sum(isinstance(cell, AggregateCell) for cell in members),
            excluded=excluded,
            pairs=pairs,
            unpaired=tuple(lone for _, left in found for lone in left),
            series=gap_series(pairs, options),
            words="",
        )
        results.append(attrs.evolve(result, words=setting_words(result)))
    return tuple(results)
