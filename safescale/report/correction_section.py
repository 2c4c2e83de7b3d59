"""The section of corrected rates: one part per grader, target and condition."""

from __future__ import annotations

from typing import Final

from safescale.analyses.correction import Basis, CorrectedGroup, CorrectedSetting, CorrectionResult, CorrectionVerdict
from safescale.analyses.correction.sentences import rate_words
from safescale.analyses.words import capital, percent, plural
from safescale.report import numbers
from safescale.report.chapter import Chapter
from safescale.report.document import Finding, Section, Table, Value
from safescale.report.figures.sink import FigureSink
from safescale.report.provenance import source_line
from safescale.report.table import table
from safescale.stats import ValidationRate

__all__ = ["correction_chapter"]

QUESTION: Final = "What is the rate behind this grader's verdicts?"

_VALUE_NAMES: Final = (
    *("model", "tier", "traces", "labelled", "graded_rate", "corrected_rate", "low", "high", "basis"),
    *("youden_j", "youden_low", "youden_high", "design_effect", "trace_effect", "labels_needed", "verdict"),
)


def correction_chapter(result: CorrectionResult, command: str, sink: FigureSink | None = None) -> Chapter:
    """Every setting; nothing is drawn."""
    del sink
    without = tuple(f"{grader} is not corrected: {why}" for grader, why in result.graders_without_rows.items())
    section = Section(
        id="correction",
        title="Rates corrected for the grader's errors",
        paragraphs=() if result.settings else (capital(result.answer),),
        warnings=(*result.caveats, *without),
        methods=_methods(result),
        sections=tuple(_part(setting, result, command, at) for at, setting in enumerate(result.settings, start=1)),
    )
    findings = tuple(_finding(setting, result) for setting in result.settings)
    return Chapter(key="correction", findings=findings or (_nothing(result),), section=section)


def _nothing(result: CorrectionResult) -> Finding:
    verdict = CorrectionVerdict.TOO_SMALL.value
    return Finding(
        question=QUESTION, about="", verdict=verdict, testable=False, testability=result.reference, answer=capital(result.answer)
    )


def _finding(setting: CorrectedSetting, result: CorrectionResult) -> Finding:
    labelled = max(found.labelled for found in setting.rates)
    return Finding(
        question=QUESTION,
        about=setting.setting.words,
        verdict="; ".join(f"{found.tier.value}: {found.verdict.value}" for found in setting.rates),
        testable=any(found.estimate is not None for found in setting.rates),
        testability=f"{plural(labelled, 'label')} of {plural(setting.rates[0].traces, 'trace')}, from {result.reference}.",
        answer=capital(f"{setting.words}."),
    )


def _part(setting: CorrectedSetting, result: CorrectionResult, command: str, number: int) -> Section:
    rows = plural(setting.rates[0].traces, "graded trace")
    source = source_line(command, result.fingerprint, rows, f"reference: {result.reference}", "traces without an evaluable verdict")
    prefix = f"correction-{number}"
    tables = (
        _rates(setting.rates, result, f"{prefix}-rates", "Graded and corrected", source),
        _rates(setting.models, result, f"{prefix}-models", "By model", source),
        _errors(setting, result, f"{prefix}-errors", source),
        _labels(setting, f"{prefix}-labels", source),
    )
    return Section(
        id=prefix,
        title=capital(setting.setting.words),
        paragraphs=(capital(f"{setting.words}."),),
        tables=tuple(found for found in tables if found.rows),
    )


def _rates(many: tuple[CorrectedGroup, ...], result: CorrectionResult, id: str, caption: str, source: str) -> Table:
    by_model = any(found.model is not None for found in many)
    names = (*(["model"] if by_model else []), "tier", "traces", "labels", "graded", "corrected", "Youden's J")
    names += ("labels that would do", "rests on", "what may be said")
    rows = [(*([found.model or ""] if by_model else []), *_row(found)) for found in many]
    notes = (
        f"{100 * result.options.level:g} % intervals. Uncorrected rates stay what the grader says; "
        f"known means to {100 * result.options.half_width:g} pp either way.",
    )
    left = names[2 if by_model else 1 : -2]
    return table(id, caption, names, left, rows, source, notes, values=[_values(f) for f in many], value_names=_VALUE_NAMES)


def _row(found: CorrectedGroup) -> tuple[str, ...]:
    j = numbers.NOTHING
    if found.youden_j is not None:
        j = f"{found.youden_j:.2f} [{found.youden_low:.2f}, {found.youden_high:.2f}]"
    return (
        found.tier.value,
        numbers.count(found.traces),
        numbers.count(found.labelled),
        numbers.NOTHING if found.graded_rate is None else percent(found.graded_rate),
        numbers.NOTHING if found.estimate is None else rate_words(found),
        j,
        numbers.count(found.labels_needed),
        found.basis.value,
        found.verdict.value,
    )


def _values(found: CorrectedGroup) -> tuple[Value, ...]:
    return (
        *(found.model, found.tier.value, found.traces, found.labelled, found.graded_rate),
        *(found.estimate, found.low, found.high, found.basis.value),
        *(
            found.youden_j,
            found.youden_low,
            found.youden_high,
            found.design_effect,
            found.trace_effect,
            found.labels_needed,
            found.verdict.value,
        ),
    )


def _errors(setting: CorrectedSetting, result: CorrectionResult, id: str, source: str) -> Table:
    names = ("tier", "PPV", "NPV", "sensitivity", "specificity")
    rows = [
        (found.tier.value, *(_rate(getattr(found.matrix, name.lower())) for name in names[1:]))
        for found in setting.rates
        if found.matrix is not None
    ]
    note = f"Weighted by the design; {100 * result.options.level:g} % intervals, widened for shared prompts only in J."
    return table(id, "How the grader errs", names, names[1:], rows, source, (note,))


def _rate(found: ValidationRate) -> str:
    if found.estimate is None or found.low is None or found.high is None:
        return numbers.NOTHING
    return f"{percent(found.estimate)} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def _labels(setting: CorrectedSetting, id: str, source: str) -> Table:
    names = ("verdict drawn on", "traces", "labelled", *(f"{found.tier.value} by the reference" for found in setting.rates))
    first = setting.rates[0]
    rows = []
    for at, stratum in enumerate(first.strata):
        counts = (f"{found.strata[at].successes:g}" for found in setting.rates)
        rows.append((stratum.verdict, numbers.count(stratum.traces), numbers.count(stratum.labelled), *counts))
    return table(id, "What was labelled", names, names[1:], rows, source)


def _methods(result: CorrectionResult) -> tuple[str, ...]:
    if not result.settings:
        return ()
    who = "people" if result.reference_kind == "human" else "the reference grader, which is not the truth"
    words = [
        f"Rates were corrected against labels of {who}: post-stratified by the verdict that traces were drawn on, with a score "
        "interval (restricted estimates under the hypothesised rate) and a design effect for shared prompts."
    ]
    if any(found.basis is Basis.TRANSPORTED for setting in result.settings for found in setting.models):
        words.append(
            "Models with too few labels were corrected by design-weighted sensitivity and specificity of their condition "
            "(Rogan and Gladen 1978, score limits combined after Fieller)."
        )
    return tuple(words)
