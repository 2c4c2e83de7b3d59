"""The section of pooled sources: one part per grader, target and condition."""

from __future__ import annotations

from typing import Final

from safescale.analyses.inverse_scaling.results import ScalingVerdict, SeriesResult
from safescale.analyses.pooled import PooledResult, PooledSetting
from safescale.analyses.pooled.sentences import within_words
from safescale.analyses.words import and_list, capital, percent, plural, signed
from safescale.report import numbers
from safescale.report.chapter import Chapter
from safescale.report.document import Column, Figure, Finding, Section, Table
from safescale.report.figures.sink import FigureSink
from safescale.report.figures.slopes import SHOWN_SERIES, draw_forest
from safescale.report.findings import testability_words
from safescale.report.provenance import exclusions_words, source_line

__all__ = ["QUESTION", "pooled_chapter"]

QUESTION: Final = "Is the slope over model size the same in every source of rows?"

SETTINGS_WITH_FIGURES: Final = 4

VARIANT_WORDS: Final = {
    "without_tampered_models": "without tampered models",
    "with_tampered_models": "with tampered models",
    "without_copies_of_tampered_models": "without ids that repeat a tampered model",
}


def pooled_chapter(result: PooledResult, command: str, sink: FigureSink | None = None) -> Chapter:
    """Every setting, with figures where there is a sink for them."""
    drawn = _with_figures(result) if sink is not None else ()
    parts = tuple(
        _setting_section(found, result, command, i, sink if i in drawn else None) for i, found in enumerate(result.settings)
    )
    section = Section(
        id="pooled",
        title="Sources, pooled and one by one",
        paragraphs=() if result.settings else (capital(result.answer),),
        warnings=result.caveats + _without_tier(result),
        methods=_methods(result),
        sections=parts,
    )
    return Chapter(key="pooled", findings=_findings(result), section=section)


def _with_figures(result: PooledResult) -> tuple[int, ...]:
    able = [i for i, found in enumerate(result.settings) if any(s.series.kind != "nothing" for s in found.sources)]
    return tuple(sorted(able, key=lambda i: (-result.settings[i].rows, i))[:SETTINGS_WITH_FIGURES])


def _without_tier(result: PooledResult) -> tuple[str, ...]:
    if not result.graders_without_tier:
        return ()
    names = and_list([f"{grader} ({why})" for grader, why in result.graders_without_tier.items()])
    return (f"no {result.options.tier.value} rate from {names}",)


def _findings(result: PooledResult) -> tuple[Finding, ...]:
    if not result.settings:
        verdict = ScalingVerdict.CANNOT_TEST.value
        words = f"Not testable: {result.counted:,} of {plural(result.considered, 'graded row')} counted."
        return (Finding(question=QUESTION, about="", verdict=verdict, testable=False, testability=words, answer=result.answer),)
    return tuple(_finding(found) for found in result.settings)


def _finding(found: PooledSetting) -> Finding:
    able = [s for s in found.sources if s.series.verdict is not ScalingVerdict.CANNOT_TEST]
    verdicts = {s.series.verdict for s in able}
    if len(able) < 2:
        verdict = f"cannot be told: {plural(len(able), 'source')} can be tested"
    elif found.within is not None and found.within.signs_differ:
        verdict = "no: pooled and within sources the slopes have opposite signs"
    elif len(verdicts) > 1:
        verdict = f"no one answer: {'; '.join(sorted(v.value for v in verdicts))}"
    else:
        verdict = f"one answer in {len(able)} sources: {next(iter(verdicts)).value}"
    head = "no series of models" if found.pooled is None else testability_words(found.pooled.testability)
    return Finding(
        question=QUESTION,
        about=found.setting.words,
        verdict=verdict,
        testable=bool(able),
        testability=capital(f"{head}. By source: {len(able)} of {len(found.sources)} can be tested."),
        answer=capital(found.words),
    )


def _setting_section(found: PooledSetting, result: PooledResult, command: str, position: int, sink: FigureSink | None) -> Section:
    rows = plural(found.rows, "evaluable row")
    if found.published_rates:
        rows += f" and {plural(found.published_rates, 'published rate')}"
    source = source_line(command, result.fingerprint, rows, found.definition, exclusions_words(found.excluded))
    prefix = f"pooled-{position + 1}"
    tables = [
        _source_table(found, id=f"{prefix}-sources", level=result.options.level, source=source),
        _composition_table(found, id=f"{prefix}-composition", source=source),
        _variant_table(found, id=f"{prefix}-variants", source=source),
    ]
    figures = () if sink is None else (_figure(found, result, position, source, sink),)
    unavailable = [w for w in (found.within_unavailable, found.heterogeneity_unavailable) if w]
    return Section(
        id=prefix,
        title=capital(found.setting.words),
        paragraphs=(capital(found.words), *(f"Not said: {words}." for words in unavailable)),
        warnings=found.caveats,
        figures=figures,
        tables=tuple(table for table in tables if table.rows),
    )


def _source_table(found: PooledSetting, *, id: str, level: float, source: str) -> Table:
    interval = f"{100 * level:g} % interval"
    names = (
        *("source", "models", "sizes", "rows", "slope, pp per decade", interval, "p", "Holm p", "testable"),
        *("what the evidence supports", "label of report 353"),
    )
    rows = [_source_row(s.source, s.series) for s in found.sources]
    if found.pooled is not None:
        rows.append(_source_row("all sources pooled", found.pooled))
    if found.within is not None:
        within = found.within
        rows.append(
            (
                "within sources",
                numbers.count(within.models),
                numbers.NOTHING,
                numbers.NOTHING,
                numbers.pp(within.fit.slope_pp_per_decade),
                numbers.pp_interval(within.interval),
                numbers.p_value(within.p_value),
                *(numbers.NOTHING, numbers.NOTHING),
                "the other sign than pooled" if within.signs_differ else "the same sign as pooled",
                numbers.NOTHING,
            )
        )
    numeric = {"models", "rows", "slope, pp per decade", interval, "p", "Holm p"}
    return Table(
        id=id,
        caption="Slope over model size by source",
        columns=tuple(Column(name=name, numeric=name in numeric) for name in names),
        rows=tuple(rows),
        source=source,
        notes=(
            "Models are the units of p and interval. In brackets: the raw difference per decade of two sizes, which is no slope. "
            "Within sources: one intercept per source, models as clusters.",
        ),
    )


def _source_row(name: str, series: SeriesResult) -> tuple[str, ...]:

    line = None if series.slope is None else series.slope.slope
    slope = numbers.NOTHING
    if line is not None:
        slope = numbers.pp_with_error(line.slope_pp_per_decade, line.standard_error_pp_per_decade)
    elif series.difference is not None:
        slope = f"({signed(series.difference.raw.difference_pp_per_decade)})"
    return (
        name,
        numbers.count(series.n_models),
        numbers.size_range(series.testability.sizes_b),
        numbers.count(series.n_rows),
        slope,
        numbers.pp_interval(None if line is None else line.interval),
        numbers.p_value(None if series.slope is None else series.slope.p_value),
        numbers.p_value(series.p_holm),
        numbers.yes_no(series.testability.can_test),
        series.verdict.value,
        series.label or numbers.NOTHING,
    )


def _composition_table(found: PooledSetting, *, id: str, source: str) -> Table:
    names = ("source", "rows before exclusion", "of tampered models", "share", "rows as asked")
    rows = [
        (
            s.source,
            numbers.count(s.rows_with_tampered),
            numbers.count(s.rows_tampered),
            numbers.NOTHING if s.share_tampered is None else percent(s.share_tampered),
            numbers.count(s.rows),
        )
        for s in found.sources
    ]
    whole = found.composition
    share = numbers.NOTHING if whole.share_tampered is None else percent(whole.share_tampered)
    rows.append(("all", numbers.count(whole.rows), numbers.count(whole.rows_tampered), share, numbers.count(found.rows)))
    return Table(
        id=id,
        caption="Whose rows these are (evaluable rows)",
        columns=tuple(Column(name=name, numeric=name != "source") for name in names),
        rows=tuple(rows),
        source=source,
    )


def _variant_table(found: PooledSetting, *, id: str, source: str) -> Table:
    names = ("pooled", "as asked", "rows", "models", "slope, pp per decade", "interval", "p", "what the evidence supports", "label")
    numeric = {"rows", "models", "slope, pp per decade", "interval", "p"}
    rows = [
        (
            VARIANT_WORDS[v.name],
            numbers.yes_no(v.as_asked),
            numbers.count(v.rows),
            numbers.count(v.models),
            numbers.pp(v.slope_pp_per_decade),
            numbers.pp_interval(v.interval_pp_per_decade),
            numbers.p_value(v.p_value),
            f"{'CHANGES: ' if v.changed else ''}{v.verdict.value}",
            v.label or numbers.NOTHING,
        )
        for v in found.variants
    ]
    return Table(
        id=id,
        caption="All sources pooled, with and without tampered models",
        columns=tuple(Column(name=name, numeric=name in numeric) for name in names),
        rows=tuple(rows),
        source=source,
    )


def _figure(found: PooledSetting, result: PooledResult, position: int, source: str, sink: FigureSink) -> Figure:
    series = [s.series for s in found.sources if s.series.kind != "nothing"]
    shown = ([found.pooled] if found.pooled is not None and found.pooled.kind != "nothing" else []) + series
    shown = shown[:SHOWN_SERIES]
    options = result.options
    marked = None if found.within is None else ("within sources", found.within.fit.slope_pp_per_decade)
    return sink.add(
        f"sources-{position + 1}",
        title="Slopes per decade of parameters by source",
        caption=(
            f"All sources pooled, and {'the first ' if len(shown) <= len(series) else ''}{plural(len(shown) - 1, 'source')} with a "
            f"slope or a difference. Estimate and {100 * options.level:g} % interval with models as units; arrows go on beyond the "
            f"axis. The band is the margin of flatness, {options.margin_pp:g} pp per decade either way."
        ),
        alt="Slope or difference of each source. "
        + " ".join(s.words for s in shown)
        + (f" {within_words(found.within)}." if found.within is not None else ""),
        source=source,
        draw=lambda: draw_forest(
            shown,
            margin_pp=options.margin_pp,
            level=options.level,
            footer=f"{found.setting.words} · {plural(found.rows, 'row')} · corpus {result.fingerprint}",
            watermark=sink.watermark,
            marked=marked,
        ),
    )


def _methods(result: PooledResult) -> tuple[str, ...]:
    if not result.settings:
        return ()
    said = [
        "Within each source the rate of each model over its rows was regressed on log10 of its parameters, models as units, with "
        f"Holm's correction over the sources that can be tested at {result.options.alpha:g}.",
    ]
    if any(found.within is not None for found in result.settings):
        said.append(
            "The slope within sources has one intercept per source, and a cluster-robust interval (CR2, Satterthwaite) with models "
            "as clusters."
        )
    if any(found.heterogeneity is not None for found in result.settings):
        said.append(
            "The spread of slopes between sources is that of a normal model with the spread integrated out (partial pooling), over "
            "sources with at least five models."
        )
    return tuple(said)
