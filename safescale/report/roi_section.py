"""The section of the question of provider and scale: one part per grader, target and condition."""

from __future__ import annotations

from typing import Final

from safescale.analyses.inverse_scaling import ScalingVerdict
from safescale.analyses.safety_roi import ProviderVerdict, SafetyRoiResult, SettingRoi
from safescale.analyses.words import capital, p_words, plural
from safescale.report.chapter import Chapter
from safescale.report.document import Figure, Finding, Section
from safescale.report.figures.sink import FigureSink
from safescale.report.provenance import exclusions_words, source_line
from safescale.report.roi_figures import roi_figures, settings_drawn
from safescale.report.roi_tables import (
    joint_table,
    line_table,
    models_table,
    places_table,
    ratios_table,
    sensitivity_table,
    share_table,
    within_table,
)

__all__ = ["safety_roi_chapter"]

QUESTION: Final = "Does provider or size carry the differences between models?"


def safety_roi_chapter(result: SafetyRoiResult, command: str, sink: FigureSink | None = None) -> Chapter:
    """Every setting, with figures where there is a sink for them."""
    figures: dict[int, tuple[Figure, ...]] = {}
    notes = []
    if sink is not None:
        drawn = settings_drawn(result)
        figures = {
            i: roi_figures(result.settings[i], result, position=i, source=_source(result.settings[i], result, command), sink=sink)
            for i in drawn
        }
        if len(drawn) < len(result.settings):
            notes.append(
                f"Figures are drawn for {len(drawn)} of {len(result.settings)} settings: those with a line and most models."
            )
    unable = tuple(f"no {result.options.tier.value} rate from {g} ({why})" for g, why in result.graders_without_tier.items())
    section = Section(
        id="safety-roi",
        title="Provider and model size",
        paragraphs=(*([] if result.settings else [result.answer]), *notes),
        warnings=(*result.caveats, *unable),
        methods=_methods(result),
        sections=tuple(
            _setting_section(setting, result, command, position, figures.get(position, ()))
            for position, setting in enumerate(result.settings)
        ),
    )
    return Chapter(key="safety_roi", findings=_findings(result), section=section)


def _findings(result: SafetyRoiResult) -> tuple[Finding, ...]:
    if not result.settings:
        words = result.answer
        verdict = ProviderVerdict.CANNOT_TELL.value
        return (Finding(question=QUESTION, about="", verdict=verdict, testable=False, testability=words, answer=words),)
    found = (_finding(setting) for setting in result.settings)
    return tuple(sorted(found, key=lambda finding: not finding.testable))


def _finding(setting: SettingRoi) -> Finding:
    share, line = setting.share, setting.line
    unknown = len(setting.models_without_provider)
    models = f"{plural(share.n_models + unknown, 'model')} with a size and enough rows"
    models += f", {share.n_models} of them of a known provider" if unknown else ""
    models += f", {plural(share.n_providers, 'provider')}"
    several = share.n_providers - len(share.single_model_providers)
    able = f"{models}; {several} of the providers with two models or more"
    if share.smallest_p is not None and share.verdict is not ProviderVerdict.CANNOT_TELL:
        floor = share.p_floor if share.p_floor is not None else share.smallest_p
        able += f"; smallest attainable permutation p {p_words(floor)}"
    if share.reason is not None:
        able += f"; provider: {share.reason}"
    if line.verdict is ScalingVerdict.CANNOT_TEST:
        able += f"; size: {line.words}"
    testable = share.verdict is not ProviderVerdict.CANNOT_TELL or line.verdict is not ScalingVerdict.CANNOT_TEST
    return Finding(
        question=QUESTION,
        about=setting.name,
        verdict=f"{share.verdict.value}; size: {line.only_across or line.verdict.value}",
        testable=testable,
        testability=f"{able}.",
        answer=setting.words,
    )


def _source(setting: SettingRoi, result: SafetyRoiResult, command: str) -> str:
    rows = plural(setting.rows, "evaluable row")
    if setting.published_rates:
        rows += f" and {plural(setting.published_rates, 'published rate')}"
    return source_line(command, result.fingerprint, rows, setting.definition, exclusions_words(setting.excluded))


def _setting_section(
    setting: SettingRoi, result: SafetyRoiResult, command: str, position: int, figures: tuple[Figure, ...]
) -> Section:
    source, options, prefix = _source(setting, result, command), result.options, f"roi{position + 1}"
    level = options.level
    tables = (
        share_table(setting, id=f"{prefix}-share", level=level, source=source),
        line_table(setting, id=f"{prefix}-line", level=level, margin_pp=options.margin_pp, power=options.power, source=source),
        joint_table(setting, id=f"{prefix}-joint", source=source),
        places_table(
            setting,
            id=f"{prefix}-places",
            level=level,
            threshold_pp=options.threshold_pp,
            label_rows=options.label_rows,
            source=source,
        ),
        within_table(setting, id=f"{prefix}-within", source=source),
        ratios_table(setting, id=f"{prefix}-ratios", level=level, source=source),
        sensitivity_table(setting, id=f"{prefix}-sensitivity", source=source),
        models_table(setting, id=f"{prefix}-models", level=level, source=source),
    )
    note = setting.estimand_note
    return Section(
        id=prefix,
        title=capital(setting.name),
        paragraphs=(setting.words, f"{capital(note)}."),
        warnings=setting.caveats,
        figures=figures,
        tables=tuple(table for table in tables if table is not None),
    )


def _methods(result: SafetyRoiResult) -> tuple[str, ...]:
    """Sentences for a paper, of what was done here and not of what could have been."""
    if not result.settings:
        return ()
    options = result.options
    some_line = any(setting.line.slope is not None for setting in result.settings)
    some_share = [setting.share.share for setting in result.settings if setting.share.share is not None]
    sentences = [
        f"Each model is one observation ({'; '.join(dict.fromkeys(s.estimand for s in result.settings))}); models with fewer than "
        f"{options.min_cell} evaluable rows or of unknown size are not fitted. A model's provider is its developer."
    ]
    if some_line:
        sentences.append(
            "The rate is regressed on log2 parameters by least squares with Student's t; flatness is claimed only by two one-sided "
            f"tests within {options.margin_pp:g} pp per decade at level {options.alpha:g}. The smallest detectable slope has power "
            f"{options.power:g} at the fit's own standard error."
        )
    if some_share:
        resampled = any(share.permutation_method == "monte_carlo" for share in some_share)
        how = f"{options.resamples:,} random assignments" if resampled else "all assignments"
        sentences.append(
            "The share of provider is eta squared, with Hays' omega squared and Kelley's epsilon squared, its expectation (k - 1) "
            f"/ (n - 1) under no effect, an F test, a permutation test over {how} of models to providers, and a "
            f"{100 * options.level:g} % interval by the non-central F distribution."
        )
    if any(setting.joint is not None for setting in result.settings):
        sentences.append("Provider and log size are split by commonality analysis and Shapley (LMG) shares on adjusted R squared.")
    if any(place.left_out.interval is not None for setting in result.settings for place in setting.places):
        sentences.append(
            "Each provider is compared with the line fitted without it: the mean residual d of its m models has variance s² (1/m + "
            "1/n' + (x - x')²/Sxx') on n' - 2 degrees of freedom, n' being the other models; residuals are shrunk by partial "
            f"pooling, and labels need the whole {100 * options.level:g} % interval beyond (or within) {options.threshold_pp:g} pp "
            "and Holm's correction over providers."
        )
    return tuple(sentences)
