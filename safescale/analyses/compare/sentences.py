"""The words of a comparison: all of them from the numbers."""

from __future__ import annotations

from typing import Final

from safescale.analyses.compare.results import (
    Arm,
    ComparedSetting,
    CompareOptions,
    Comparison,
    ComparisonVerdict,
    GraderAgreement,
    Side,
)
from safescale.analyses.words import and_list, capital, p_clause, percent, plural, signed, size_words

__all__ = [
    "agreement_words",
    "comparison_words",
    "method_words",
    "over_all_rows_because",
    "question_words",
    "setting_caveats",
    "setting_words",
    "shows_other_rates",
    "verdict_words",
]

SHOWN_NAMES: Final = 6

ROUNDING: Final = 1e-9
"""Two rates that differ by less are equal."""


def verdict_words(verdict: ComparisonVerdict, pair: tuple[Side, Side]) -> str:
    """The verdict with the names of the two."""
    first, second = pair[0].name, pair[1].name
    more, less = {
        "model": (f"{second} complies more than {first}", f"{second} complies less than {first}"),
        "condition": (
            f"models comply more under {second} than {first}",
            f"models comply less under {second} than {first}",
        ),
        "grader": (f"{second} calls more rows a success than {first}", f"{second} calls fewer rows a success than {first}"),
    }[pair[0].kind]
    return {
        ComparisonVerdict.SECOND_MORE: more,
        ComparisonVerdict.FIRST_MORE: less,
        ComparisonVerdict.UNDECIDED: f"no difference of {second} and {first} is shown",
        ComparisonVerdict.CANNOT: f"{second} and {first} cannot be compared",
        ComparisonVerdict.IDENTICAL: f"{second} and {first} have the same verdict on every prompt",
    }[verdict]


def question_words(pair: tuple[Side, Side]) -> str:
    """What is asked of the two."""
    first, second = pair[0].name, pair[1].name
    return {
        "model": f"Does {second} comply more or less than {first}?",
        "condition": f"Do models comply more or less under {second} than {first}?",
        "grader": f"Does {second} call more or fewer rows a success than {first}?",
    }[pair[0].kind]


def method_words(found: Comparison) -> str:
    """What the quoted interval and p rest on."""
    if found.method == "paired" and found.paired is not None:
        pairs, apart = found.paired.pairs, found.paired.discordant
        return f"paired by prompt: {plural(pairs, 'pair')}, {apart:,} of them discordant; Newcombe, McNemar mid-p"
    if found.method == "prompt_means" and found.prompt_means is not None:
        means = found.prompt_means
        return f"mean over {plural(means.prompts, 'common prompt')} of the difference of their rates; t over prompts"
    if found.method == "cluster_bootstrap" and found.cluster_bootstrap is not None:
        return f"all rows, {plural(found.cluster_bootstrap.prompts, 'prompt')} resampled; cluster bootstrap"
    if found.method == "independent":
        return "rows taken as independent; Newcombe, score test"
    return "no counts"


def comparison_words(found: Comparison, pair: tuple[Side, Side], options: CompareOptions, tests: int) -> str:
    """One comparison in a sentence."""
    interval = ""
    if found.low is not None and found.high is not None:
        interval = f" [{signed(100 * found.low)}, {signed(100 * found.high)}]"
    words = (
        f"{found.name}: {_rates_words(found, pair)}; difference {signed(100 * found.estimate)} pp{interval} ({method_words(found)}"
    )
    if found.p_value is not None:
        words += f"; {p_clause(found.p_value)}"
        if tests > 1 and found.p_holm is not None:
            words += f", after Holm over {plural(tests, 'test')} {p_clause(found.p_holm)}"
    words += f"): {verdict_words(found.verdict, pair)}"
    if found.detectable is not None:
        chances = f"{100 * options.power:.0f} of 100"
        words += f"; with these n a difference of {100 * found.detectable:.1f} pp would be found in {chances}{_assumed(found)}"
    return words + _over_all_rows_words(found, pair)


def over_all_rows_because(found: Comparison) -> str:
    """Why a difference over all rows is another one."""
    return "other prompts" if found.leaves_rows_out else "prompts with more rows weigh more"


def _rates_words(found: Comparison, pair: tuple[Side, Side]) -> str:
    """The two rates that are compared; the prompts are named where they are not those of all rows."""
    first, second = pair[0].name, pair[1].name
    if not shows_other_rates(found):
        return f"{second} {_rate(found.second)}, {first} {_rate(found.first)}"
    counts = ("", "")
    if found.method == "paired" and found.paired is not None:
        counts = tuple(f" ({k:,}/{found.paired.pairs:,})" for k in found.paired.successes)  # type: ignore[assignment]
    one, two = (f"{percent(rate)}{count}" for rate, count in zip(found.compared, counts, strict=True))
    return f"on {plural(found.common_prompts or 0, 'common prompt')} {second} {two}, {first} {one}"


def shows_other_rates(found: Comparison) -> bool:
    """Whether the rates that are compared are not simply those over all rows."""
    apart = (found.compared[0] - found.first.rate, found.compared[1] - found.second.rate)
    return found.leaves_rows_out or max(map(abs, apart)) > ROUNDING


def _over_all_rows_words(found: Comparison, pair: tuple[Side, Side]) -> str:
    if not shows_other_rates(found):
        return ""
    first, second = pair[0].name, pair[1].name
    rates = f"{second} {_rate(found.second)}, {first} {_rate(found.first)}"
    apart = f"the difference is {signed(100 * found.over_all_rows)} pp"
    if found.turned_round:
        return f"; but over all rows {apart}, the other way: {over_all_rows_because(found)} ({rates})"
    return f"; over all rows {apart} ({rates})"


def _assumed(found: Comparison) -> str:
    """What the difference that would be found rests on."""
    if found.method == "paired" and found.paired is not None and found.detectable is not None:
        if found.detectable > found.paired.discordant / found.paired.pairs:
            return " if all discordant pairs point one way"
        return f" with {found.paired.discordant:,} of {plural(found.paired.pairs, 'pair')} discordant as here"
    if found.method == "independent":
        return " with rates about the pooled one"
    return " with the spread between prompts as here"


def setting_words(found: ComparedSetting, pair: tuple[Side, Side], options: CompareOptions) -> str:
    """The answer of one setting."""
    first, second = pair[0].name, pair[1].name
    if found.identical is not None:
        same = found.identical
        return (
            f"{first} and {second} have the same verdict on all {plural(same.prompts, 'prompt')} "
            f"({plural(same.evaluable, 'row')}, {same.grader}): one series under two ids? They are not compared."
        )
    if found.overall is None:
        if found.one_sided_because is not None:
            return f"{first} and {second} cannot be compared: {found.one_sided_because}."
        why = f" ({'; '.join(found.left_out)})" if found.left_out else ""
        return f"{first} and {second} cannot be compared: no attack class has rows of both{why}."
    sentences = [capital(found.overall.words)]
    if len(found.classes) > 1:
        sentences.append(f"By class ({len(found.classes)}, Holm): {_tally(found.classes, pair)}")
    if found.models:
        sentences.append(f"By model ({len(found.models)}, Holm): {_tally(found.models, pair)}")
    if found.agreement is not None:
        sentences.append(agreement_words(found.agreement))
    sentences.append(_scope_words(found, pair))
    return ". ".join(sentences) + "."


def agreement_words(found: GraderAgreement) -> str:
    """Agreement beyond chance in words."""
    words = f"On {plural(found.traces, 'trace')} that both graded they agree on {percent(found.observed)}"
    coefficients = [
        f"{name} {value:.3f}{'' if low_high is None else f' [{low_high[0]:.3f}, {low_high[1]:.3f}]'}"
        for name, value, low_high in (
            ("Cohen's kappa", found.kappa, found.kappa_interval),
            ("Gwet's AC1", found.ac1, found.ac1_interval),
            ("kappa of success alone", found.success_kappa, found.success_kappa_interval),
        )
        if value is not None
    ]
    return f"{words}; {', '.join(coefficients)}" if coefficients else f"{words}; one verdict holds all, so no coefficient"


def setting_caveats(found: ComparedSetting) -> tuple[str, ...]:
    """What the numbers raise."""
    raised = list(found.left_out)
    if len(found.definitions) > 1:
        raised.append(f"the two rates have different definitions: {'; '.join(found.definitions)}")
    for comparison in (*(() if found.overall is None else (found.overall,)), *found.classes):
        raised += [f"{comparison.name}: {caveat}" for caveat in comparison.caveats]
        if comparison.turned_round:
            raised.append(f"{comparison.name}: over all rows the difference is the other way ({over_all_rows_because(comparison)})")
    return tuple(raised)


def _rate(arm: Arm) -> str:
    counts = "" if arm.successes is None else f" ({arm.successes:,}/{arm.trials:,})"
    return f"{percent(arm.rate)}{counts}"


def _tally(many: tuple[Comparison, ...], pair: tuple[Side, Side]) -> str:
    said = []
    for verdict in ComparisonVerdict:
        names = [c.name for c in many if c.verdict is verdict]
        if names:
            listed = and_list(names) if len(names) <= SHOWN_NAMES else f"{len(names)} of {len(many)}"
            said.append(f"{verdict_words(verdict, pair)} in {listed}")
    return "; ".join(said)


def _scope_words(found: ComparedSetting, pair: tuple[Side, Side]) -> str:
    """What it speaks of: never of size."""
    sized = [side for side in pair if side.params_b is not None]
    if len(sized) == 2 and sized[0].params_b != sized[1].params_b:
        sizes = [f"{side.name} {size_words(side.params_b or 0)}" for side in sized]
        return f"This is about these two models ({and_list(sizes)}): a difference of two models is not a slope over size"
    if found.grader is not None and found.condition is not None:
        return "This is about these two models on prompts like these, and about no others"
    return f"This is about these models ({max(len(found.models), 1)}) on prompts like these, and about no others"
