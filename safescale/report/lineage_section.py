"""The section of the safety gap: tampered against untampered models of the same lineage and size."""

from __future__ import annotations

from typing import Final

from safescale.analyses.lineage import GapPair, GapSetting, GapSlope, GapVerdict, LineageResult, Side
from safescale.analyses.lineage.sentences import nothing_words, testability_words
from safescale.analyses.words import and_list, capital, percent, plural, signed, size_words
from safescale.report import numbers
from safescale.report.chapter import Chapter
from safescale.report.document import Figure, Finding, Section, Table
from safescale.report.figures.safety_gap import draw_gaps, kinds_of
from safescale.report.figures.sink import FigureSink
from safescale.report.provenance import exclusions_words, source_line
from safescale.report.table import table

__all__ = ["QUESTION", "lineage_chapter"]

QUESTION: Final = "How much does removing safety training change, and does that depend on model size?"


def lineage_chapter(result: LineageResult, command: str, sink: FigureSink | None = None) -> Chapter:
    """Every setting with pairs or with tampered models that have no partner."""
    told = [(i, s) for i, s in enumerate(result.settings) if s.pairs or s.unpaired]
    parts = tuple(_setting_section(setting, result, command, i, sink) for i, setting in told)
    without = [f"no {result.options.tier.value} rate from {g} ({why})" for g, why in result.graders_without_tier.items()]
    section = Section(
        id="lineage",
        title="The safety gap by size",
        paragraphs=() if told else (result.answer,),
        warnings=(*result.caveats, *without),
        methods=tuple(_methods(result)),
        sections=parts,
    )
    return Chapter(key="lineage", findings=_findings(result), section=section)


def _findings(result: LineageResult) -> tuple[Finding, ...]:
    found = []
    for setting in result.settings:
        kinds = [series for series in setting.series if series.scope == "kind"]
        for series in kinds:
            found.append(
                Finding(
                    question=QUESTION,
                    about=f"{series.name}; {setting.setting_words}",
                    verdict=series.whole_verdict,
                    testable=series.verdict is not GapVerdict.CANNOT_TEST,
                    testability=capital(f"{testability_words(series)}."),
                    answer=capital(series.words),
                )
            )
        if not kinds and setting.unpaired:
            found.append(
                Finding(
                    question=QUESTION,
                    about=setting.setting_words,
                    verdict=GapVerdict.CANNOT_TEST.value,
                    testable=False,
                    testability=f"Not testable: no pair, {plural(len(setting.unpaired), 'tampered model')} without a partner.",
                    answer=capital(setting.words),
                )
            )
    if not found:
        words = f"Not testable: {nothing_words(result.counted, sum(s.published_rates for s in result.settings))}."
        verdict = GapVerdict.CANNOT_TEST.value
        return (Finding(question=QUESTION, about="", verdict=verdict, testable=False, testability=words, answer=result.answer),)
    return tuple(sorted(found, key=lambda finding: not finding.testable))


def _setting_section(setting: GapSetting, result: LineageResult, command: str, position: int, sink: FigureSink | None) -> Section:
    prefix = f"lineage-{position + 1}"
    rows = plural(setting.rows, "evaluable row")
    if setting.published_rates:
        rows += f" and {plural(setting.published_rates, 'published rate')}"
    source = source_line(command, result.fingerprint, rows, setting.definition, exclusions_words(setting.excluded))
    tables = (
        _pairs_table(setting, id=f"{prefix}-pairs", level=result.options.level, source=source),
        _series_table(setting, id=f"{prefix}-series", level=result.options.level, source=source),
        _unpaired_table(setting, id=f"{prefix}-unpaired", source=source),
    )
    return Section(
        id=prefix,
        title=capital(setting.setting_words),
        paragraphs=tuple(capital(series.words) for series in setting.series) or (capital(setting.words),),
        warnings=tuple(dict.fromkeys(caveat for series in setting.series if series.scope == "kind" for caveat in series.caveats)),
        figures=_figures(setting, result, position, source, sink),
        tables=tuple(found for found in tables if found is not None),
    )


def _figures(setting: GapSetting, result: LineageResult, position: int, source: str, sink: FigureSink | None) -> tuple[Figure, ...]:
    panels = kinds_of(setting)
    if sink is None or not panels:
        return ()
    tier = result.options.tier.value.replace("_", " ")
    footer = f"{setting.setting_words} · {plural(setting.rows, 'row')} · corpus {result.fingerprint}"
    alt = " ".join(f"{series.name}: " + "; ".join(_alt(pair) for pair in series.pairs) + "." for series in panels)
    joined = any(
        len({p.params_b for p in series.used if p.lineage == pair.lineage}) > 1 for series in panels for pair in series.used
    )
    curves = " Within a lineage the curves are joined and the gap is shaded." if joined else ""
    reasons = dict.fromkeys(series.no_scaling_because for series in panels if series.no_scaling_because)
    curves += "".join(f" {capital(because)}." for because in reasons)
    return (
        sink.add(
            f"safety-gap-{position + 1}",
            title=f"{capital(tier)} attack success rate with and without safety training, by size",
            caption=(
                "Each pair is an untampered (filled) and a tampered (hollow) model of one lineage and size; the arrow is the gap."
                f"{curves} Bars: {100 * result.options.level:g} % Wilson intervals (rows taken as independent)."
            ),
            alt=f"Rate against model size, a panel per kind of tampering. {alt}",
            source=source,
            draw=lambda: draw_gaps(setting, tier=tier, footer=footer, watermark=sink.watermark),
        ),
    )


def _alt(pair: GapPair) -> str:
    name = f"{pair.tampered.model} at {size_words(pair.params_b)}"
    unused = "" if pair.why_not_used is None else " (not used)"
    return f"{name}, {_counts(pair.base)} to {_counts(pair.tampered)}{unused}"


def _counts(side: Side) -> str:
    return percent(side.rate) if side.successes is None or side.trials is None else f"{side.successes:,} of {side.trials:,}"


def _pairs_table(setting: GapSetting, *, id: str, level: float, source: str) -> Table | None:
    rows = [
        (
            pair.tampered.model,
            pair.kind.replace("_", "-"),
            pair.lineage or numbers.NOTHING,
            numbers.size(pair.params_b),
            pair.base.model if pair.base.model != pair.tampered.model else f"itself, {pair.base.condition}",
            f"{percent(pair.base.rate)} ({_counts(pair.base)})",
            f"{percent(pair.tampered.rate)} ({_counts(pair.tampered)})",
            signed(pair.quoted_gap_pp),
            numbers.NOTHING if pair.quoted is None else numbers.pp_interval((100 * pair.quoted.low, 100 * pair.quoted.high)),
            numbers.p_value(pair.p_holm),
            _how(pair),
            "yes" if pair.why_not_used is None else f"no: {pair.why_not_used}",
        )
        for pair in setting.pairs
    ]
    interval = f"{100 * level:g} % interval, pp"
    names = (
        "tampered",
        "kind",
        "lineage",
        "size",
        "untampered",
        "its rate",
        "tampered rate",
        "gap, pp",
        interval,
        "Holm p",
        "how",
        "used",
    )
    return table(id, "Pairs: the safety gap", names, ("size", "gap, pp", interval, "Holm p"), rows, source) if rows else None


def _how(pair: GapPair) -> str:
    if pair.headline == "paired" and pair.paired is not None:
        prompts = pair.paired.n11 + pair.paired.n10 + pair.paired.n01 + pair.paired.n00
        return f"paired on {prompts:,} prompts (paired Newcombe)"
    if pair.headline == "independent":
        return "Newcombe, rows as independent" + "".join(f"; {reason}" for reason in pair.unavailable)
    return "; ".join(pair.unavailable) or numbers.NOTHING


def _series_table(setting: GapSetting, *, id: str, level: float, source: str) -> Table | None:
    rows = []
    for series in setting.series:
        found = series.testability
        common = (series.name, numbers.count(found.n_models), numbers.sizes(found.sizes_b))
        reasons = "; ".join((*found.reasons, *found.needs)) or numbers.NOTHING
        if series.slope is not None:
            rows.append((*common, *_slope_cells(series.slope, series.p_holm), series.whole_verdict, reasons))
        elif series.difference is not None:
            d = series.difference
            estimate = f"{signed(100 * d.estimate)} pp, two sizes"
            interval = numbers.pp_interval((100 * d.low, 100 * d.high))
            rows.append((*common, estimate, interval, *[numbers.NOTHING] * 3, series.whole_verdict, reasons))
        else:
            rows.append((*common, *[numbers.NOTHING] * 5, series.whole_verdict, reasons))
        if series.within_lineages is not None:
            within = _slope_cells(series.within_lineages, None)
            rows.append((f"{series.name}, within lineages", numbers.count(series.within_lineages.n), "", *within, "", ""))
    interval = f"{100 * level:g} % interval"
    names = (
        *("series", "pairs", "sizes", "change of the gap, pp per decade", interval, "p", "smallest p", "Holm p"),
        *("what the evidence supports", "why not testable, and what would do"),
    )
    numeric = ("pairs", "change of the gap, pp per decade", interval, "p", "smallest p", "Holm p")
    notes = (
        "Pairs are the units of a slope and its p. Two sizes make a difference of differences, larger minus smaller size, "
        "which speaks of these models only.",
    )
    return table(id, "The gap over model size", names, numeric, rows, source, notes) if rows else None


def _slope_cells(slope: GapSlope, p_holm: float | None) -> tuple[str, ...]:
    return (
        numbers.pp_with_error(slope.slope_pp_per_decade, slope.standard_error_pp_per_decade),
        numbers.pp_interval(slope.interval),
        numbers.p_value(slope.p_value),
        numbers.NOTHING if slope.method == "ols_t" else numbers.p_value(slope.p_floor),
        numbers.p_value(p_holm),
    )


def _unpaired_table(setting: GapSetting, *, id: str, source: str) -> Table | None:
    rows = [
        (lone.model, numbers.size(lone.params_b), lone.tampering.replace("_", "-"), lone.lineage or numbers.NOTHING, lone.reason)
        for lone in setting.unpaired
    ]
    names = ("model", "size", "tampering", "lineage", "why")
    return table(id, "Without a partner", names, ("size",), rows, source) if rows else None


def _methods(result: LineageResult) -> list[str]:
    pairs = [pair for setting in result.settings for pair in setting.pairs]
    if not pairs:
        return []
    options = result.options
    series = [s for setting in result.settings for s in setting.series]
    if options.baseline_condition is None:
        words = (
            "Each tampered model was paired with the untampered model of the same lineage whose size differs by at most "
            f"{percent(options.size_tolerance)}, on the attack classes that both have"
        )
    else:
        kinds = and_list(list(options.tampered_conditions))
        words = f"Each model under {kinds} was paired with itself under {options.baseline_condition}"
    found = [f"{words}; kinds of tampering were kept apart."]
    paired = sum(pair.headline == "paired" for pair in pairs)
    if paired:
        found.append(
            f"The gap of {paired} of {plural(len(pairs), 'pair')} has Newcombe's paired interval on prompts that both answered once"
            + ("." if paired == len(pairs) else ", that of the others his interval for independent proportions.")
        )
    elif any(pair.headline == "independent" for pair in pairs):
        found.append("Gaps have Newcombe's interval for independent proportions.")
    if any(pair.p_holm is not None for pair in pairs):
        found.append(
            "Equal rates within a pair were tested by McNemar's exact test where prompts are paired, else by Fisher's, with Holm "
            f"over the pairs of a setting at {options.alpha:g}; this speaks of these models only."
        )
    if any(s.slope is not None for s in series):
        found.append(
            "The gap was regressed on log10 of parameters by least squares, pairs as units, with a permutation p up to 8 pairs and "
            f"Student's t beyond, at a family-wise level of {options.alpha:g} after Holm over the kinds; a slope was called flat "
            f"only by an equivalence test with a margin of {options.margin_pp:g} pp per decade."
        )
    if any(s.difference is not None for s in series):
        found.append(
            "Two sizes were compared by the difference of their gaps, with an interval by the method of variance estimates "
            "recovery."
        )
    return found
