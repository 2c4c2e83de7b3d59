"""What stands first: per question what could be tested, and the answer. Every sentence is built from the result."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses import InverseScalingResult, ScalingVerdict
from safescale.analyses.inverse_scaling import Agreement, SettingResult, Testability
from safescale.analyses.words import LEVEL_HOLDS, capital, p_words, percent, plural, size_words
from safescale.report.document import Finding

__all__ = ["QUESTION", "findings", "section_id", "setting_name", "summary_words", "testability_words"]

QUESTION = "Does the attack success rate change with model size?"


def findings(result: InverseScalingResult) -> tuple[Finding, ...]:
    """
    One finding per grader, target and condition, those that can be tested first.

    When nothing can be counted there is one that says why.
    """
    if not result.settings:
        verdict = ScalingVerdict.CANNOT_TEST.value
        words = _nothing_counted(result)
        return (Finding(question=QUESTION, about="", verdict=verdict, testable=False, testability=words, answer=result.answer),)
    answered = (_finding(setting, result, section_id(position)) for position, setting in enumerate(result.settings))
    return tuple(sorted(answered, key=lambda finding: not finding.testable)) + tuple(
        Finding(
            question="Do the graders lead to the same answer?",
            about=f"target {band.target}, condition {band.condition}",
            verdict=(agreement := Agreement.of(band.verdicts, band.bends)).value,
            testable=agreement is not Agreement.NOT_COMPARABLE,
            testability=f"{plural(len(band.graders), 'grader')} of the same target and condition",
            answer=f"{band.words}.",
        )
        for band in result.bands
    )


def summary_words(result: InverseScalingResult) -> str | None:
    """How often each verdict was reached; None for a single setting."""
    if len(result.settings) < 2:
        return None
    verdicts = [ScalingVerdict.CANNOT_TEST if s.headline is None else s.headline.verdict for s in result.settings]
    counts = [f"{verdict.value}: {verdicts.count(verdict)}" for verdict in ScalingVerdict if verdict in verdicts]
    return (
        f"{len(verdicts)} combinations of grader, target and condition, each answered by itself: {'; '.join(counts)}. "
        f"Level {result.options.alpha:g} {LEVEL_HOLDS}."
    )


def setting_name(setting: SettingResult, settings: Sequence[SettingResult] = ()) -> str:
    """Grader, and target and condition where there are several."""
    names = [f"grader {setting.grader.grader}"]
    if len({(s.target, s.condition) for s in settings}) > 1 or not settings:
        names += [f"target {setting.target}", f"condition {setting.condition}"]
    return ", ".join(names)


def testability_words(found: Testability) -> str:
    """What a series could show, in one sentence."""
    counted = plural(found.n_models, "model") + " with a known size and enough rows"
    if found.sizes_b:
        counted += f", {plural(len(found.sizes_b), 'size')}"
        if len(found.sizes_b) > 1:
            counted += f" from {size_words(found.sizes_b[0])} to {size_words(found.sizes_b[-1])}"
        if found.decades:
            counted += f" ({found.decades:.2f} decades)"
    if found.can_test and found.smallest_p is not None:
        return f"testable: {counted}; smallest attainable p {p_words(found.smallest_p)}"
    return f"not testable: {counted}; " + "; ".join((*found.reasons, *found.needs))


def section_id(position: int) -> str:
    """Id of the section of a setting, by its place in the result."""
    return f"s{position + 1}"


def _finding(setting: SettingResult, result: InverseScalingResult, section: str) -> Finding:
    head = setting.headline
    verdict = ScalingVerdict.CANNOT_TEST if head is None else head.verdict
    share = ""
    if setting.share_in_claim_classes is not None:
        share = f"{setting.rows_in_claim_classes:,} of {plural(setting.rows, 'evaluable row')} "
        share += f"({percent(setting.share_in_claim_classes)}) are in the attack classes of the claim; "
    testability = f"{share}{'no series of models' if head is None else testability_words(head.testability)}."
    able = sum(series.testability.can_test for series in setting.attack_classes)
    if len(setting.attack_classes) > 1:
        testability += f" By class: {able} of {len(setting.attack_classes)} can be tested."
    unknown = len(setting.models_of_unknown_size)
    if unknown:
        testability += f" {plural(unknown, 'model')} of unknown size cannot take part; a size that the data declare would do."
    return Finding(
        question=QUESTION,
        about=setting_name(setting, result.settings),
        verdict=verdict.value,
        testable=verdict is not ScalingVerdict.CANNOT_TEST,
        testability=capital(testability),
        answer=capital(setting.words),
        section=section,
    )


def _nothing_counted(result: InverseScalingResult) -> str:
    traces = result.traces
    found = f"{plural(traces.traces, 'trace')}, {plural(result.considered, 'graded row')}, {result.counted:,} of them counted"
    needs = []
    if not result.counted:
        needs.append(
            "verdicts of a grader of harm on traces of harmful prompts, from at least three models of known and different size"
        )
    if result.graders_without_tier:
        names = ", ".join(f"{grader} ({why})" for grader, why in result.graders_without_tier.items())
        needs.append(f"a grader with a {result.options.tier.value} rate; these have none: {names}")
    return f"Not testable: {found}. Needed: {'; '.join(needs)}." if needs else f"Not testable: {found}."
