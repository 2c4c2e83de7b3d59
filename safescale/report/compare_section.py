"""The section of a comparison: one part for everything that is held fixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.compare import Arm, ComparedSetting, CompareResult, Comparison, ComparisonVerdict, GraderAgreement
from safescale.analyses.compare.sentences import agreement_words, question_words, shows_other_rates, verdict_words
from safescale.analyses.words import and_list, capital, percent, plural, signed
from safescale.report import numbers
from safescale.report.chapter import Chapter
from safescale.report.document import Column, Figure, Finding, Section, Table
from safescale.report.figures.differences import SHOWN_ROWS, draw_differences
from safescale.report.figures.sink import FigureSink
from safescale.report.provenance import exclusions_words, source_line
from safescale.stats import wilson_interval

__all__ = ["compare_chapter"]

SETTINGS_WITH_FIGURES: Final = 4

METHOD_WORDS: Final = {
    "paired": "paired by prompt",
    "prompt_means": "means of common prompts",
    "cluster_bootstrap": "prompts resampled",
    "independent": "rows as independent",
}

DETECTABLE: Final = "The smallest difference that would be found is by the power of the quoted test at that level, before Holm:"

DETECTABLE_BY: Final = {
    "paired": "of pairs exactly, with as many discordant ones as seen, or all of them one way where the difference needs more",
    "prompt_means": "of means of prompts by their spread as seen",
    "cluster_bootstrap": "of prompts resampled by the standard error",
    "independent": "of independent rows about their pooled rate (exact for small n)",
}

METHODS: Final = {
    "paired": "prompts that both answered once were compared with Newcombe's paired interval and McNemar's mid-p test",
    "prompt_means": (
        "where a prompt has several rows or comes under several models or classes, the mean over common prompts of the difference "
        "of their rates was compared with Student's t over prompts"
    ),
    "cluster_bootstrap": "without common prompts, rates over all rows were compared by a bootstrap of prompts",
    "independent": "without common prompts, rows were taken as independent (Newcombe's interval, score test)",
}


def compare_chapter(result: CompareResult, command: str, sink: FigureSink | None = None) -> Chapter:
    """Every setting, with figures where there is a sink for them."""
    able = [i for i, found in enumerate(result.settings) if found.overall is not None]
    ranked = sorted(able, key=lambda i: (-_rows(result.settings[i]), i))[:SETTINGS_WITH_FIGURES]
    parts = tuple(
        _setting_section(found, result, command, i, sink if i in ranked else None) for i, found in enumerate(result.settings)
    )
    warnings = list(result.caveats)
    if result.graders_without_tier:
        names = and_list([f"{grader} ({why})" for grader, why in result.graders_without_tier.items()])
        warnings.append(f"no {result.options.tier.value} rate from {names}")
    section = Section(
        id="compare",
        title=f"{result.second.name} against {result.first.name}",
        paragraphs=() if result.settings else (capital(result.answer),),
        warnings=tuple(warnings),
        methods=_methods(result),
        sections=parts,
    )
    return Chapter(key="compare", findings=_findings(result), section=section)


def _rows(found: ComparedSetting) -> int:
    return 0 if found.overall is None else sum(arm.trials or 0 for arm in (found.overall.first, found.overall.second))


def _findings(result: CompareResult) -> tuple[Finding, ...]:
    question = question_words((result.first, result.second))
    if not result.settings:
        words = f"Not testable: {result.counted:,} of {plural(result.considered, 'graded row')} counted."
        verdict = ComparisonVerdict.CANNOT.value
        return (Finding(question=question, about="", verdict=verdict, testable=False, testability=words, answer=result.answer),)
    return tuple(
        Finding(
            question=question,
            about=found.name,
            verdict=verdict_words(found.verdict, (result.first, result.second)),
            testable=found.verdict not in (ComparisonVerdict.CANNOT, ComparisonVerdict.IDENTICAL),
            testability=_testability(found, result),
            answer=capital(found.words),
        )
        for found in result.settings
    )


def _testability(found: ComparedSetting, result: CompareResult) -> str:
    if found.overall is None:
        return "Not compared."
    arms = (found.overall.first, found.overall.second)
    names = (result.first.name, result.second.name)
    rows = and_list([f"{plural(arm.trials or 0, 'row')} of {name}" for name, arm in zip(names, arms, strict=True)])
    tested = sum(c.p_value is not None for c in found.classes)
    words = f"{rows} in {len(found.classes)} common {'class' if len(found.classes) == 1 else 'classes'}, {tested} of them tested"
    if found.overall.detectable is not None:
        words += (
            f"; a difference of {100 * found.overall.detectable:.1f} pp would be found in {100 * result.options.power:.0f} of 100"
        )
    return f"{capital(words)}."


def _setting_section(
    found: ComparedSetting, result: CompareResult, command: str, position: int, sink: FigureSink | None
) -> Section:
    rows = plural(_rows(found), "evaluable row")
    source = source_line(command, result.fingerprint, rows, "; ".join(found.definitions), exclusions_words(found.excluded))
    prefix = f"compare-{position + 1}"
    whole = () if found.overall is None else (found.overall,)
    tables = [
        _difference_table((*whole, *found.classes), "attack class", result, id=f"{prefix}-classes", source=source),
        _difference_table(found.models, "model", result, id=f"{prefix}-models", source=source),
        _pairs_table((*whole, *found.classes), result, id=f"{prefix}-pairs", source=source),
        _ratio_table((*whole, *found.classes), result, id=f"{prefix}-ratios", source=source),
    ]
    if found.agreement is not None:
        tables.append(_agreement_table(found.agreement, result, id=f"{prefix}-agreement", source=source))
    return Section(
        id=prefix,
        title=capital(found.name),
        paragraphs=(capital(found.words),),
        warnings=found.caveats,
        figures=() if sink is None or found.overall is None else (_figure(found, result, position, source, sink),),
        tables=tuple(table for table in tables if table.rows),
    )


def _difference_table(many: Sequence[Comparison], kind: str, result: CompareResult, *, id: str, source: str) -> Table:
    interval = f"{100 * result.options.level:g} % interval"
    other = any(shows_other_rates(found) for found in many)
    names = (
        *(kind, f"{result.first.name}: rate", f"{result.second.name}: rate", "difference, pp", interval, "how", "p", "Holm p"),
        *(f"found in {100 * result.options.power:.0f} of 100, pp", *(("over all rows, pp",) if other else ())),
        "what the evidence supports",
    )
    rows = [
        (
            found.name,
            *_compared(found, result.options.level),
            signed(100 * found.estimate),
            numbers.pp_interval(None if found.low is None or found.high is None else (100 * found.low, 100 * found.high)),
            METHOD_WORDS.get(found.method or "", numbers.NOTHING),
            numbers.p_value(found.p_value),
            numbers.p_value(found.p_holm),
            numbers.NOTHING if found.detectable is None else f"{100 * found.detectable:.1f}",
            *((signed(100 * found.over_all_rows),) if other else ()),
            _short(found.verdict, result),
        )
        for found in many
    ]
    note = "They speak of these two on prompts like these."
    if other:
        note += " Rates are those of the common prompts where these are compared; over all rows other prompts come in."
    return _table(
        *(id, f"Differences by {kind} ({result.second.name} minus {result.first.name})", names, rows, source),
        notes=(note,),
        words=(kind, "how", "what the evidence supports"),
    )


def _compared(found: Comparison, level: float) -> tuple[str, str]:
    """The two rates whose difference is given."""
    if not shows_other_rates(found):
        return _arm(found.first), _arm(found.second)
    if found.method == "paired" and found.paired is not None:
        pairs = found.paired.pairs
        intervals = [wilson_interval(k, pairs, level=level) for k in found.paired.successes]
        one, two = (f"{numbers.rate_with_interval(interval)}, {plural(pairs, 'pair')}" for interval in intervals)
        return one, two
    one, two = (f"{percent(rate)}, {plural(found.common_prompts or 0, 'prompt')}" for rate in found.compared)
    return one, two


def _short(verdict: ComparisonVerdict, result: CompareResult) -> str:
    more = {ComparisonVerdict.SECOND_MORE: "more", ComparisonVerdict.FIRST_MORE: "less"}
    if verdict in more:
        return f"{result.second.name}: {more[verdict]}"
    return "not tested" if verdict is ComparisonVerdict.CANNOT else verdict.value


def _arm(arm: Arm) -> str:
    if arm.interval is None:
        return percent(arm.rate)
    return f"{numbers.rate_with_interval(arm.interval)}, n = {arm.trials:,}"


def _pairs_table(many: Sequence[Comparison], result: CompareResult, *, id: str, source: str) -> Table:
    names = (
        *("attack class", "pairs", "both", f"only {result.second.name}", f"only {result.first.name}", "neither"),
        *("Newcombe, pp", "Tango, pp", "McNemar exact p", "mid-p"),
    )
    rows = []
    for found in many:
        if found.paired is not None:
            paired, table = found.paired, found.paired.newcombe
            intervals = [numbers.pp_interval((100 * i.low, 100 * i.high)) for i in (paired.newcombe, paired.tango)]
            counts = [numbers.count(n) for n in (paired.pairs, table.n11, table.n10, table.n01, table.n00)]
            p_values = [numbers.p_value(test.p_value) for test in (paired.mcnemar_exact, paired.mcnemar_midp)]
            rows.append((found.name, *counts, *intervals, *p_values))
    return _table(id, "Prompts that both answered once", names, rows, source, words=("attack class",))


def _ratio_table(many: Sequence[Comparison], result: CompareResult, *, id: str, source: str) -> Table:
    names = (
        "attack class",
        "risk ratio, all rows",
        "interval",
        "odds ratio, all rows",
        "interval (odds)",
        "difference, rows as independent",
        "score p",
    )
    rows = []
    for found in many:
        if found.independent is not None and found.risk_ratio is not None and found.odds_ratio is not None:
            rows.append(
                (
                    found.name,
                    *_ratio(found.risk_ratio.estimate, found.risk_ratio.low, found.risk_ratio.high),
                    *_ratio(found.odds_ratio.estimate, found.odds_ratio.low, found.odds_ratio.high),
                    numbers.pp_interval(
                        (100 * found.independent.miettinen_nurminen.low, 100 * found.independent.miettinen_nurminen.high)
                    ),
                    numbers.p_value(found.independent.score_p),
                )
            )
    note = (
        f"{result.second.name} over {result.first.name}, all rows taken as independent: Koopman, conditional odds ratio, "
        "Miettinen and Nurminen."
    )
    return _table(id, "Ratios of the rates over all rows", names, rows, source, notes=(note,), words=("attack class",))


def _ratio(estimate: float | None, low: float | None, high: float | None) -> tuple[str, str]:
    first = numbers.NOTHING if estimate is None else f"{estimate:.2f}"
    if low is None:
        return first, numbers.NOTHING
    return first, f"[{low:.2f}, {'∞' if high is None else f'{high:.2f}'}]"


def _agreement_table(found: GraderAgreement, result: CompareResult, *, id: str, source: str) -> Table:
    names = (f"{result.first.name} (rows), {result.second.name} (columns)", *found.verdicts)
    rows = [(name, *(numbers.count(n) for n in row)) for name, row in zip(found.verdicts, found.table, strict=True)]
    return _table(id, "Verdicts of both graders on the same traces", names, rows, source, notes=(f"{agreement_words(found)}.",))


def _figure(found: ComparedSetting, result: CompareResult, position: int, source: str, sink: FigureSink) -> Figure:
    assert found.overall is not None
    many = found.classes if len(found.classes) > 1 else found.models
    shown = (found.overall, *many)[:SHOWN_ROWS]
    pair = (result.first, result.second)
    cut = f" The first {len(shown) - 1} of {len(many)}." if len(shown) - 1 < len(many) else ""
    footer = f"{found.name} · {plural(_rows(found), 'row')} · corpus {result.fingerprint}"
    return sink.add(
        f"differences-{position + 1}",
        title=f"Difference of the attack success rate, {result.second.name} minus {result.first.name}",
        caption=(
            f"Overall, and by {'attack class' if many is found.classes else 'model'}; {100 * result.options.level:g} % intervals; "
            f"colour and marker say what survives Holm's correction.{cut} These two only: prompts replicate, models do not."
        ),
        alt="Difference with interval in a row each. " + " ".join(f"{c.words}." for c in shown),
        source=source,
        draw=lambda: draw_differences(shown, pair, level=result.options.level, footer=footer, watermark=sink.watermark),
    )


def _methods(result: CompareResult) -> tuple[str, ...]:
    used = {c.method for s in result.settings if s.overall is not None for c in (s.overall, *s.classes, *s.models)}
    said = [words for method, words in METHODS.items() if method in used]
    if not said:
        return ()
    sentences = [f"{capital(words)}." for words in said]
    sentences.append(
        f"Two-sided p-values of classes were corrected by Holm at {result.options.alpha:g}; all of them speak of these two only."
    )
    by = and_list([words for method, words in DETECTABLE_BY.items() if method in used])
    sentences.append(f"{DETECTABLE} {by}.")
    if any(s.agreement is not None for s in result.settings):
        sentences.append("Agreement is that of the verdicts on the same traces (Cohen's kappa, Gwet's AC1).")
    return tuple(sentences)


def _table(
    id: str,
    caption: str,
    names: Sequence[str],
    rows: Sequence[tuple[str, ...]],
    source: str,
    *,
    notes: tuple[str, ...] = (),
    words: Sequence[str] = (),
) -> Table:
    first = names[0]
    return Table(
        id=id,
        caption=caption,
        columns=tuple(Column(name=name, numeric=name not in words and name != first) for name in names),
        rows=tuple(rows),
        source=source,
        notes=notes,
    )
