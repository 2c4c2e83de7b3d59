"""The methods paragraph and how to repeat the report: only what was really done is said."""

from __future__ import annotations

from safescale.analyses import InverseScalingResult
from safescale.analyses.inverse_scaling import SeriesResult
from safescale.analyses.inverse_scaling.bend import BEND_SHARE
from safescale.analyses.words import and_list, plural
from safescale.report.document import Section
from safescale.report.facts import Facts
from safescale.report.scaling_tables import every_series

__all__ = ["methods_section", "reproduce_section"]

P_WORDS = {
    "exact_permutation": "an exact permutation of models over sizes",
    "monte_carlo_permutation": "a Monte Carlo permutation of models over sizes",
    "ols_t": "Student's t with models as units",
}


def methods_section(facts: Facts) -> Section:
    """How the numbers were made, ready for a paper."""
    return Section(id="methods", title="Methods", paragraphs=(" ".join(_sentences(facts)),))


def reproduce_section(facts: Facts) -> Section:
    """Commands that give these numbers again."""
    words = (
        f"safescale {facts.version}; corpus {facts.corpus.fingerprint}. The same content gives this fingerprint and these numbers."
    )
    return Section(
        id="reproduce",
        title="How to reproduce",
        paragraphs=(words,),
        commands=(facts.command, facts.analyze_command),
    )


def _sentences(facts: Facts) -> list[str]:
    result = facts.scaling
    series = [s for setting in result.settings for s in every_series(setting)]
    slopes = [s for s in series if s.slope is not None]
    found = [f"Analysed with safescale {facts.version} (corpus {result.fingerprint})."]
    definitions = sorted({f"{setting.definition} (grader {setting.grader.grader})" for setting in result.settings})
    if definitions:
        found.append(f"The rate is {and_list(definitions)}.")
    found.append(
        f"{result.counted:,} of {plural(result.considered, 'graded row')} entered a rate; "
        f"tampered models: {result.selection.tampered}."
    )
    if slopes:
        found += _slope_sentences(result, slopes)
    if any(s.difference is not None for s in series):
        found.append(
            "Two sizes were compared by their difference, with the paired interval of Newcombe on common prompts where both models "
            "answered them once and the independent one otherwise, and without a p-value."
        )
    if any(s.shape is not None for s in series):
        found.append("A shape was named only where differences of neighbouring sizes of opposite sign survived Holm's correction.")
    return found


def _slope_sentences(result: InverseScalingResult, slopes: list[SeriesResult]) -> list[str]:
    options = result.options
    methods = [words for method, words in P_WORDS.items() if any(s.slope is not None and s.slope.method == method for s in slopes)]
    several = max(s.testability.tests_in_family for s in slopes)
    found = [
        "The rate of each model was regressed on log10 of its parameters by ordinary least squares, one point per model with at "
        f"least {options.min_cell} evaluable rows; models are the units, so an interval speaks of further models like these.",
        f"Two-sided p-values come from {and_list(methods)}, at a family-wise level of {options.alpha:g}"
        + (f" after Holm over up to {several} tests of one kind." if several > 1 else "."),
    ]
    if any(s.equivalence is not None for s in slopes):
        found.append(f"A slope was called flat only by an equivalence test with a margin of {options.margin_pp:g} pp per decade.")
    if any(s.curvature is not None for s in slopes):
        found.append(
            "A bend was looked for by the square of log10 parameters (t test, models as units). A slope was called flat only where "
            f"its p lay above {options.alpha:g}; a change that no line shows was claimed only at {options.alpha / BEND_SHARE:g} "
            "after Holm's correction and with a permutation of models in agreement. That rates turn is said of the fitted "
            "parabola, by its slopes at the smallest and the largest size (Lind and Mehlum 2010), and from 8 sizes on only where "
            "two lines turn as well (Simonsohn 2018)."
        )
    repeats = sorted({r.name.replace("_", " ") for s in slopes for r in s.robustness if r.possible})
    if repeats:
        found.append(f"Every result was repeated: {and_list(repeats)}.")
    return found
