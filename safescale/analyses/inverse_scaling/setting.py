"""One grader, target and condition: every series of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import attrs

from safescale.analyses.copies import added_up, units_without_copies
from safescale.analyses.inverse_scaling.across import (
    DIRECTED,
    against_groups,
    against_sources,
    repeated,
    sources_of,
    within_sources_of,
)
from safescale.analyses.inverse_scaling.bend import BENDS
from safescale.analyses.inverse_scaling.estimate import Estimate, estimate_family
from safescale.analyses.inverse_scaling.results import Options, ScalingVerdict, SeriesResult, SettingResult
from safescale.analyses.inverse_scaling.robustness import repeat_family
from safescale.analyses.inverse_scaling.sentences import change_words, series_result
from safescale.analyses.inverse_scaling.within_source import WithinSource, slope_and_interval
from safescale.analyses.observations import Part, Series, parts_by_class
from safescale.analyses.series import (
    class_mean_series,
    class_series,
    lineage_series,
    quoted_series,
    rows_pooled_series,
    within_series,
)
from safescale.analyses.setting import Setting, excluded_by_reason
from safescale.analyses.units import ModelUnit
from safescale.analyses.words import and_list, capital, p_clause, percent, plural, signed
from safescale.cells import AggregateCell, Cell, Cells

__all__ = ["setting_result"]

CHANGES = (*DIRECTED, ScalingVerdict.NOT_A_LINE)


def setting_result(
    setting: Setting,
    members: Sequence[Cell | AggregateCell],
    *,
    cells: Cells,
    units: Mapping[str, ModelUnit],
    claim_classes: Sequence[str] | None,
    options: Options,
    by_source: Sequence[Cell | AggregateCell] = (),
    brief: bool = False,
) -> SettingResult:
    """
    Every series of one setting, with its words.

    ``by_source`` are its cells with the sources kept apart; ``brief`` leaves out all but the series to quote first, and repeats
    nothing.
    """
    meaning = cells.graders[setting.grader]
    wanted = [cell for cell in members if claim_classes is None or cell.attack_class in claim_classes]
    same = [s for s in cells.identical_models if (s.grader, s.target, s.condition) == attrs.astuple(setting)]
    distinct = units_without_copies(units, {cell.model_id for cell in members if isinstance(cell, Cell)}, same)
    by_class = parts_by_class(wanted, distinct, options.tier)
    rows = sum(cell.evaluable for cell in members if isinstance(cell, Cell))
    claimed = sum(cell.evaluable for cell in wanted if isinstance(cell, Cell))
    mean_series, note = class_mean_series(by_class, options.min_cell)
    pooled_rows = rows_pooled_series(by_class) if by_class else None
    headline = quoted_series(mean_series, pooled_rows, options.min_cell)
    check = _Check(
        brief=brief,
        options=options,
        cells=cells,
        units=distinct,
        sources=sources_of([cell for cell in by_source if claim_classes is None or cell.attack_class in claim_classes]),
    )
    one = [_family([series], check)[0] if series else None for series in (mean_series, pooled_rows)]
    classes = () if brief else _family(class_series(by_class), check)
    result = SettingResult(
        grader=meaning,
        target=setting.target,
        condition=setting.condition,
        definition=meaning.definition(options.tier),
        rows=rows,
        rows_in_claim_classes=claimed,
        share_in_claim_classes=claimed / rows if rows else None,
        published_rates=sum(isinstance(cell, AggregateCell) for cell in wanted),
        excluded=excluded_by_reason(setting, cells),
        models_of_unknown_size=_models(by_class, lambda unit: unit.params_total_b is None),
        models_of_guessed_size=_models(by_class, lambda unit: unit.size_is_guess),
        class_mean=one[0],
        class_mean_note=note,
        rows_pooled=one[1],
        attack_classes=classes,
        generations=() if brief else _family(lineage_series(by_class, "lineage"), check),
        families=() if brief else _family(lineage_series(by_class, "family"), check),
        headline_scope=None if headline is None else headline.scope,
        within_generations=None if brief else _within(headline, "lineage", check),
        within_families=None if brief else _within(headline, "family", check),
        within_sources=None if headline is None else check.within_sources(headline),
        notes=(
            *_notes(meaning.grader_kinds, claim_classes, rows, claimed, by_class),
            *added_up(distinct, {cell.model_id for cell in wanted}, same),
        ),
        words="",
    )
    return attrs.evolve(result, words=_words(result, options))


@attrs.frozen(kw_only=True)
class _Check:
    """What a series is looked at with: the counts, and the same rows with the sources kept apart."""

    brief: bool
    options: Options
    cells: Cells
    units: Mapping[str, ModelUnit]
    sources: Mapping[str, Sequence[Cell | AggregateCell]]

    def within_sources(self, series: Series) -> WithinSource | None:
        if len(self.sources) < 2:
            return None
        (estimate,) = estimate_family([series], self.options, self.cells)
        return within_sources_of(estimate, self.sources, self.units, self.options)

    def upheld(self, estimate: Estimate) -> Estimate:
        """The estimate, a claim taken back that models within sources or generations contradict."""
        if estimate.verdict not in DIRECTED:
            return estimate
        found = against_sources(estimate, within_sources_of(estimate, self.sources, self.units, self.options))
        return against_groups(found, "lineage", self.options, self.cells)


def _family(many: Iterable[Series], check: _Check) -> tuple[SeriesResult, ...]:
    options, cells = check.options, check.cells
    estimates = estimate_family(list(many), options, cells)
    repeats = tuple(() for _ in estimates) if check.brief else repeat_family(estimates, options, cells)
    found = []
    for estimate, repeats_of in zip(estimates, repeats, strict=True):
        upheld = check.upheld(estimate)
        found.append(series_result(upheld, repeated(repeats_of, estimate, upheld), options, cells))
    return tuple(found)


def _within(base: Series | None, level: Literal["lineage", "family"], check: _Check) -> SeriesResult | None:
    return None if base is None else _family([within_series(base, level)], check)[0]


def _models(by_class: Mapping[str, Mapping[str, Part]], has: Callable[[ModelUnit], bool]) -> tuple[str, ...]:
    return tuple(sorted({part.unit.model for parts in by_class.values() for part in parts.values() if has(part.unit)}))


def _notes(
    kinds: Sequence[str],
    claim_classes: Sequence[str] | None,
    rows: int,
    claimed: int,
    by_class: Mapping[str, Mapping[str, Part]],
) -> tuple[str, ...]:
    notes = []
    if "keyword" in kinds:
        notes.append("these are verdicts of a keyword rule, not of a grader of harm")
    if "imported" in kinds:
        notes.append("these verdicts were imported; how they were made is not known here")
    if claim_classes is not None:
        names = and_list(sorted(claim_classes)) if claim_classes else "no class"
        share = percent(claimed / rows) if rows else "none"
        notes.append(f"the claim concerns {names}: {claimed:,} of {rows:,} evaluable rows ({share})")
        absent = sorted(set(claim_classes) - set(by_class))
        if absent:
            notes.append(f"no evaluable row in {and_list(absent)}")
    here = {part.unit.model: part.unit for parts in by_class.values() for part in parts.values()}
    notes += [f"{model}: {unit.copy_note}" for model, unit in sorted(here.items()) if unit.copy_note]
    notes += [f"{model}: {unit.size_note}" for model, unit in sorted(here.items()) if unit.size_note and not unit.copy_note]
    return tuple(notes)


def _lineage_words(head: SeriesResult, within: SeriesResult | None) -> str:
    """What is left of a change with size when models are compared within their lineages."""
    if within is None or within.slope is None or head.slope is None:
        return ""
    slope = f"{signed(within.slope.slope.slope_pp_per_decade)} pp per decade, {p_clause(within.slope.p_value)}"
    if head.bend is not None and within.curvature is not None and within.curvature.p_value is not None:
        slope += f" (square of log10 size {p_clause(within.curvature.p_value)})"
    if within.verdict is ScalingVerdict.UNDECIDED and any("only across sources" in caveat for caveat in within.caveats):
        return f". Within generations: {slope}, which sources carry too"
    if any("only across generations" in caveat for caveat in head.caveats):
        return ". Size and lineage are not told apart"
    if head.verdict not in (*CHANGES, ScalingVerdict.CANNOT_TEST) and within.verdict in CHANGES:
        words = f". Within generations: {slope}, {within.verdict.value}"
        # two tests of two questions: nothing is corrected over them
        return f"{words} (a test of another kind, of models beside those of their own generation, at a level of its own)"
    if head.verdict not in CHANGES or (within.verdict is head.verdict and within.bend == head.bend):
        return f". Within generations: {slope}, {within.verdict.value}"
    if len({point.lineage for point in within.points if point.why_not_fitted is None}) < 2:
        return f". Within generations: {slope}, {within.verdict.value}"
    return f". Within generations: {slope}, {within.verdict.value}; size and lineage are not told apart"


def _source_words(head: SeriesResult, found: WithinSource | None, options: Options) -> str:
    """What is left of a slope within sources; nothing where a claim is upheld there."""
    if found is None or head.slope is None:
        return ""
    if found.signs_differ:
        # a claim that was taken back says it already
        known = any("only across sources" in caveat for caveat in head.caveats)
        return "" if known else f". Within sources the slope has the opposite sign: {slope_and_interval(found)}"
    held = found.p_value is not None and found.p_value <= options.alpha
    if held or head.verdict not in DIRECTED:
        return ""
    return f". Within sources this is not shown: {slope_and_interval(found)}"


def _words(result: SettingResult, options: Options) -> str:
    head = result.headline
    if head is None:
        return f"{ScalingVerdict.CANNOT_TEST.value} (no evaluable row in the attack classes that it concerns)"
    words = head.words.removesuffix(".") + _source_words(head, result.within_sources, options)
    words += _lineage_words(head, result.within_generations)
    words += "".join(f"; {caveat}" for caveat in head.caveats if caveat.startswith("the mix of attack classes"))
    words += "".join(f". {capital(change)}" for change in change_words(head.robustness, head.verdict, head.bend, head.label))
    if len(result.attack_classes) > 1:
        words += f". By class ({plural(len(result.attack_classes), 'attack class')}): {_class_words(result.attack_classes)}"
    return words + "."


def _class_name(series: SeriesResult) -> str:
    return repr(series.name) if series.bend is None else f"{series.name!r} (the rates {BENDS[series.bend]})"


def _class_words(classes: Sequence[SeriesResult]) -> str:
    """What the classes say, Holm over those that can be tested; and how many cannot."""
    testable = [series for series in classes if series.verdict is not ScalingVerdict.CANNOT_TEST]
    found = [
        f"{verdict.value} in {and_list([_class_name(s) for s in testable if s.verdict is verdict])}"
        for verdict in (*CHANGES, ScalingVerdict.FLAT)
        if any(s.verdict is verdict for s in testable)
    ]
    if testable and not found:
        found.append("neither a change with size nor its absence survives Holm")
    if len(testable) < len(classes):
        out = f"{ScalingVerdict.CANNOT_TEST.value} in {len(classes) - len(testable)} of {len(classes)}"
        floor = next((s.testability for s in classes if s.verdict is ScalingVerdict.CANNOT_TEST), None)
        found.append(out if floor is None or not floor.reasons else f"{out} (such as {floor.reasons[0]})")
    return "; ".join(found)
