"""Agreement in words."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.agreement.results import AgreementGroup, AgreementPair, AgreementVerdict
from safescale.analyses.words import percent, plural
from safescale.stats import AgreementCoefficient, ClusteredAgreement

__all__ = ["across_conditions", "answer_words", "coefficient_words", "group_words", "pair_words"]


def coefficient_words(found: AgreementCoefficient) -> str:
    """``.46 [.21, .66]``."""
    if found.estimate is None:
        return "none"
    if found.low is None or found.high is None:
        return f"{found.estimate:.2f}, no interval"
    return f"{found.estimate:.2f} [{found.low:.2f}, {found.high:.2f}]"


def group_words(found: ClusteredAgreement, verdict: AgreementVerdict) -> str:
    """One condition or model."""
    observed = "none" if found.observed.estimate is None else percent(found.observed.estimate)
    words = (
        f"raw agreement {observed}, kappa {coefficient_words(found.kappa)}, AC1 {coefficient_words(found.ac1)} "
        f"on {plural(found.n, 'trace')} of {plural(found.clusters, 'prompt')}"
    )
    if found.kappa.undefined_because is not None:
        return f"{words}: {verdict.value} ({found.kappa.undefined_because})"
    return words if verdict is AgreementVerdict.BEYOND_CHANCE else f"{words}: {verdict.value}"


def across_conditions(groups: Sequence[AgreementGroup]) -> str | None:
    """Whether kappa differs between conditions by more than their intervals, in words; None where it is not shown to."""
    known = [
        (g.condition, k.estimate, k.low, k.high)
        for g in groups
        if g.found is not None and (k := g.found.kappa).low is not None and k.high is not None and k.estimate is not None
    ]
    if len(known) < 2:
        return None
    low, high = min(known, key=lambda k: k[1]), max(known, key=lambda k: k[1])
    assert low[3] is not None
    assert high[2] is not None
    if high[2] <= low[3]:
        return None
    return (
        f"agreement depends on the condition: kappa {high[1]:.2f} under {high[0]} and {low[1]:.2f} under {low[0]}, with intervals "
        "that do not meet: one error rate for all conditions would be wrong"
    )


def pair_words(pair: AgreementPair) -> str:
    """Two graders over their conditions."""
    head = f"{pair.first} and {pair.second}"
    if not pair.conditions:
        return f"{head} have no trace in common."
    parts = [f"condition {group.condition}: {group.words}" for group in pair.conditions]
    parts += [pair.depends_on_condition] if pair.depends_on_condition else []
    parts += [f"order of models, {found.words}" for found in pair.rankings]
    weighted = " (weighted by the design of the sample)" if pair.weighted else ""
    return f"{head}{weighted}: {'; '.join(parts)}."


def answer_words(pairs: Sequence[AgreementPair]) -> str:
    """All pairs."""
    return " ".join(pair.words for pair in pairs)
