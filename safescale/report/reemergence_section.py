"""The section of the question of re-emergence: refusals and hedging of tampered models by size."""

from __future__ import annotations

from typing import Final

from safescale.analyses.reemergence import Reemergence, ReemergenceResult, TamperedSeries, TamperedSetting
from safescale.analyses.reemergence.sentences import responses_words, testability_words
from safescale.analyses.words import and_list, capital, p_words, percent, plural, size_words
from safescale.report.chapter import Chapter
from safescale.report.document import Figure, Finding, Section
from safescale.report.figures.composition import SHOWN_PANELS, draw_composition, panels_of
from safescale.report.figures.sink import FigureSink
from safescale.report.provenance import exclusions_words, source_line
from safescale.report.reemergence_tables import (
    neighbours_table,
    shares_table,
    targets_table,
    testability_table,
    trends_table,
    verdicts_table,
)

__all__ = ["QUESTION", "reemergence_chapter"]

QUESTION: Final = "Do refusals come back in larger models whose safety training was removed?"


def reemergence_chapter(result: ReemergenceResult, command: str, sink: FigureSink | None = None) -> Chapter:
    """Every setting with tampered models, with figures where there is a sink for them."""
    parts = tuple(_setting_section(setting, result, command, i, sink) for i, setting in enumerate(result.settings))
    whole = source_line(
        command,
        result.fingerprint,
        f"{result.counted:,} of {plural(result.considered, 'graded row')} counted",
        "traces with a verdict on both targets",
        exclusions_words({e.reason.value: e.rows for e in result.exclusions}),
    )
    targets = targets_table(result.targets, id="reemergence-targets", source=whole)
    paragraphs = [] if result.settings else [result.answer]
    if result.counted:
        paragraphs.append(result.targets_words)
    section = Section(
        id="reemergence",
        title="Refusals in tampered models by size",
        paragraphs=tuple(paragraphs),
        warnings=result.caveats,
        tables=() if targets is None else (targets,),
        methods=tuple(_methods(result)),
        sections=parts,
    )
    return Chapter(key="reemergence", findings=_findings(result), section=section)


def _findings(result: ReemergenceResult) -> tuple[Finding, ...]:
    """One per series of one lineage (of all models together where there is none), those that can be tested first."""
    found = [
        finding
        for setting in result.settings
        for finding in ([_finding(series, setting, result) for series in _quoted(setting)] or [_nothing(setting, result)])
    ]
    if not found:
        words = "Not testable: no tampered model has a graded row or a published rate that counts."
        verdict = Reemergence.CANNOT_TEST.value
        return (Finding(question=QUESTION, about="", verdict=verdict, testable=False, testability=words, answer=result.answer),)
    return tuple(sorted(found, key=lambda finding: not finding.testable))


def _quoted(setting: TamperedSetting) -> tuple[TamperedSeries, ...]:
    lineages = tuple(series for series in setting.series if series.scope == "lineage")
    return lineages or setting.series


def _finding(series: TamperedSeries, setting: TamperedSetting, result: ReemergenceResult) -> Finding:
    testability = f"{testability_words(series)}."
    return Finding(
        question=QUESTION,
        about=f"{series.name}; {_setting_name(setting, result)}",
        verdict=series.verdict.value,
        testable=series.verdict is not Reemergence.CANNOT_TEST,
        testability=capital(testability),
        answer=capital(series.words),
    )


def _nothing(setting: TamperedSetting, result: ReemergenceResult) -> Finding:
    return Finding(
        question=QUESTION,
        about=_setting_name(setting, result),
        verdict=Reemergence.CANNOT_TEST.value,
        testable=False,
        testability=f"Not testable: {plural(len(setting.alone), 'tampered model')}, no series over size.",
        answer=capital(setting.words),
    )


def _setting_name(setting: TamperedSetting, result: ReemergenceResult) -> str:
    names = [f"grader {setting.setting.grader}"]
    if len({(s.setting.target, s.setting.condition) for s in result.settings}) > 1:
        names += [f"target {setting.setting.target}", f"condition {setting.setting.condition}"]
    return ", ".join(names)


def _setting_section(
    setting: TamperedSetting, result: ReemergenceResult, command: str, position: int, sink: FigureSink | None
) -> Section:
    prefix, level = f"reemergence-{position + 1}", result.options.level
    rows = plural(setting.rows, "evaluable row")
    if setting.published_rates:
        rows += f" and {plural(setting.published_rates, 'published rate')}"
    definition = setting.grader.definition(setting.grader.tiers[0]) if setting.grader.tiers else "no rate"
    source = source_line(command, result.fingerprint, rows, definition, exclusions_words(setting.excluded))
    tables = (
        verdicts_table(setting, id=f"{prefix}-verdicts", source=source),
        testability_table(setting, id=f"{prefix}-testability", alpha=result.options.alpha, source=source),
        trends_table(setting, id=f"{prefix}-trends", level=level, source=source),
        neighbours_table(setting, id=f"{prefix}-neighbours", source=source),
        shares_table(setting, id=f"{prefix}-shares", level=level, source=source),
    )
    words = tuple(capital(series.words) for series in setting.series) or (capital(setting.words),)
    missing = tuple(dict.fromkeys(reason for series in setting.series for reason in series.not_told))
    return Section(
        id=prefix,
        title=capital(setting.setting.words),
        paragraphs=words,
        warnings=(*setting.notes, *(c for series in setting.series for c in series.caveats), *missing),
        figures=_figures(setting, result, position, source, sink),
        tables=tuple(found for found in tables if found is not None),
    )


def _figures(
    setting: TamperedSetting, result: ReemergenceResult, position: int, source: str, sink: FigureSink | None
) -> tuple[Figure, ...]:
    panels = panels_of(setting)
    if sink is None or not panels:
        return ()
    footer = f"{setting.setting.words} · {plural(setting.rows, 'row')} · corpus {result.fingerprint}"
    return (
        sink.add(
            f"composition-{position + 1}",
            title="Verdicts of tampered models by size",
            caption=_caption(setting, result),
            alt=_alt(panels),
            source=source,
            draw=lambda: draw_composition(setting, footer=footer, watermark=sink.watermark),
        ),
    )


def _caption(setting: TamperedSetting, result: ReemergenceResult) -> str:
    panels = panels_of(setting)
    lineages = [s for s in setting.series if s.scope == "lineage"]
    some = f"The first {SHOWN_PANELS} of {len(lineages)} series. " if len(lineages) > len(panels) else ""
    clustered = any(share.clustered for s in panels for m in s.models for share in m.shares.values())
    how = "prompts as clusters where one was answered twice" if clustered else "rows taken as independent"
    parts = [
        f"{some}Share of each verdict among evaluable rows, with its {100 * result.options.level:g} % Wilson interval ({how}).",
        "Lines join models that differ in size alone." if any(s.scope == "lineage" for s in panels) else "",
        "Verdicts of one model are set slightly apart.",
    ]
    unknown = len({m.model for s in panels for m in s.models if m.params_b is None})
    if unknown:
        parts.append(f"{plural(unknown, 'model')} of unknown size cannot be shown.")
    return " ".join(part for part in parts if part)


def _alt(panels: tuple[TamperedSeries, ...]) -> str:
    """The counts themselves."""
    words = []
    for series in panels:
        models = []
        for model in series.models:
            if model.params_b is None:
                continue
            if model.verdicts is not None:
                counts = ", ".join(f"{count:,} {verdict}" for verdict, count in model.verdicts.items() if count)
                models.append(f"{size_words(model.params_b)}: {counts} of {model.rows:,} rows")
            else:
                shares = ", ".join(f"{quantity} {percent(share.rate)}" for quantity, share in model.shares.items())
                models.append(f"{size_words(model.params_b)}: {shares}, as published")
        words.append(f"{series.name}: {'; '.join(models)}.")
    return f"Share of each verdict against model size, a panel per series. {' '.join(words)}"


def _methods(result: ReemergenceResult) -> list[str]:
    series = [s for setting in result.settings for s in setting.series]
    if not series:
        return []
    options = result.options
    trends = [trend for s in series for trend in s.trends]
    found = [
        "Tampered models only were analysed, per grader, target and condition, and per lineage, kind of tampering and maker. Rows "
        "of the attack classes that all models of a series have were added up per model; models with fewer than "
        f"{options.min_cell} evaluable rows are shown and not fitted."
    ]
    methods = sorted({trend.by_models.method for trend in trends if trend.by_models is not None})
    if methods:
        floors = sorted({trend.by_models.p_floor for trend in trends if trend.by_models is not None})
        how = "exact permutation" if methods == ["exact"] else f"permutation ({and_list(methods)})"
        smallest = p_words(floors[0]) if len(floors) == 1 else f"{p_words(floors[0])} to {p_words(floors[-1])}"
        found.append(
            f"Each share was correlated with size by Spearman's rho, models as units, two-sided by |rho|, p by {how}; the "
            f"smallest p that these sizes can reach is {smallest}."
        )
    if any(trend.p_holm is not None for trend in trends):
        found.append(
            f"The claims on refusals and hedging were adjusted by Holm to a family-wise level of {options.alpha:g}; re-emergence "
            "is claimed only where refusals, and not hedging alone, rise with size."
        )
    if any(trend.by_rows is not None for trend in trends):
        clustered = " and with prompts as clusters" if any(trend.by_prompts is not None for trend in trends) else ""
        found.append(
            f"Item-level trends are Cochran-Armitage tests on log10 size with rows as units{clustered}; they speak of these models "
            "only."
        )
    if any(trend.separation is not None for trend in trends):
        found.append("Neighbouring sizes were compared by Wilson intervals and by Fisher's exact test with Holm's correction.")
    counted = [responses_words(s.rows, s.responses) for s in series if s.rows is not None and s.responses is not None]
    if counted:
        found.append(f"Different responses were told apart by their hash ({counted[0]}).")
    if result.targets:
        found.append("Text and action were compared trace by trace by McNemar's exact test and the paired interval of Newcombe.")
    return found
