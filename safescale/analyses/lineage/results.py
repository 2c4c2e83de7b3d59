"""What the question of the safety gap by size is answered with."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import attrs

from safescale.analyses.headline import Headline
from safescale.analyses.inverse_scaling import Testability
from safescale.cells import Exclusion, GraderMeaning, IdenticalModels, Selection, TraceCounts
from safescale.records.outcomes import Tier
from safescale.stats import (
    DifferenceInterval,
    DifferenceOfDifferences,
    PairedDifferenceInterval,
    ProportionInterval,
    SizeSlopeMethod,
    SlopeEquivalenceTest,
)

__all__ = [
    "GapPair",
    "GapSeries",
    "GapSetting",
    "GapSlope",
    "GapVerdict",
    "LineageResult",
    "Options",
    "Side",
    "Unpaired",
]


class GapVerdict(enum.StrEnum):
    """What may be said of the safety gap over size, two-sided, in words."""

    GROWS = "the gap grows with size"
    SHRINKS = "the gap shrinks with size"
    FLAT = "no change of the gap with size beyond the margin"
    UNDECIDED = "neither a change of the gap with size nor its absence is shown"
    CANNOT_TEST = "this corpus cannot test this claim"


@attrs.frozen(kw_only=True)
class Options:
    """
    Choices that a result depends on.

    ``size_tolerance`` is the share of the larger size by which the sizes of a pair may differ; ``baseline_condition`` and
    ``tampered_conditions`` are None and empty where tampering is another model and not another condition.
    """

    tier: Tier
    min_cell: int
    alpha: float
    margin_pp: float
    min_decades: float
    level: float
    size_tolerance: float
    baseline_condition: str | None
    tampered_conditions: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Side:
    """One side of a pair: a model under a condition. Counts are None where a published rate does not imply them."""

    model: str
    model_ids: tuple[str, ...]
    params_b: float
    size_is_guess: bool
    tampering: str
    condition: str
    rate: float
    successes: int | None
    trials: int | None
    interval: ProportionInterval | None


@attrs.frozen(kw_only=True)
class GapPair:
    """
    A tampered model and the untampered one of the same lineage and size: the unit of every claim on the gap.

    Attributes
    ----------
    kind : str
        Tampering state, or the tampered condition.
    lineage : str or None
        The lineage of both.
    params_b : float
        Size of the tampered one.
    base, tampered : Side
        The two sides, on the attack classes that both have.
    attack_classes : tuple of str
        These classes.
    gap_pp : float
        Rate of the tampered minus rate of the base one, percentage points.
    independent : DifferenceInterval or None
        Newcombe, all rows.
    paired : PairedDifferenceInterval or None
        Paired Newcombe, on prompts that both answered exactly once.
    headline : {"paired", "independent"} or None
        The one to quote.
    unavailable : tuple of str
        Why an interval cannot be had.
    p_value : float or None
        Of equal rates on both sides: McNemar's exact test where the gap is paired, else Fisher's; None without counts.
    p_holm : float or None
        That p after Holm over the pairs of the setting that are used; None for a pair that is not.
    why_not_used : str or None
        None for a pair that enters the slope.
    notes : tuple of str
        What was chosen or is doubtful.
    """

    kind: str
    lineage: str | None
    params_b: float
    base: Side
    tampered: Side
    attack_classes: tuple[str, ...]
    gap_pp: float
    independent: DifferenceInterval | None
    paired: PairedDifferenceInterval | None
    headline: Literal["paired", "independent"] | None
    unavailable: tuple[str, ...]
    p_value: float | None
    p_holm: float | None
    why_not_used: str | None
    notes: tuple[str, ...]

    @property
    def quoted(self) -> DifferenceInterval | PairedDifferenceInterval | None:
        """The interval to quote."""
        return self.paired if self.headline == "paired" else self.independent if self.headline == "independent" else None

    @property
    def quoted_gap_pp(self) -> float:
        """The gap that the quoted interval belongs to, percentage points."""
        return self.gap_pp if self.quoted is None else 100 * self.quoted.estimate


@attrs.frozen(kw_only=True)
class Unpaired:
    """A tampered model without a partner, and why."""

    model: str
    params_b: float | None
    tampering: str
    lineage: str | None
    reason: str


@attrs.frozen(kw_only=True)
class GapSlope:
    """
    Slope of the gap on log10 size, pairs as units.

    Ordinary least squares of the gap (percentage points) on log10 size; interval by Student's t, p by exact permutation of pairs up
    to 8 of them. ``undefined_because`` says why there is no standard error.
    """

    slope_pp_per_decade: float
    standard_error_pp_per_decade: float | None
    interval: tuple[float, float] | None
    p_value: float
    p_floor: float
    method: SizeSlopeMethod
    n: int
    residual_dof: int
    gap_at_1b_pp: float
    undefined_because: str | None
    level: float
    params_b: tuple[float, ...]
    gaps_pp: tuple[float, ...]
    generalises_to: Literal["these_models", "new_models"] = "new_models"


@attrs.frozen(kw_only=True)
class GapSeries:
    """
    Pairs of one kind of tampering over size: of one lineage, or all of them.

    Three or more sizes make a slope, two a difference of differences (larger minus smaller size), which speaks of these models
    only. ``gap_verdict`` says in how many pairs the tampered model complies more or less, by the tests of the pairs after Holm: it
    speaks of these models only too. ``within_lineages`` repeats the slope with pairs compared within their lineages, where several
    are to be compared; ``without_guesses`` is the verdict without pairs of estimated size, None where no size is estimated.

    ``no_scaling_because`` says why nothing here is a scaling result, whatever a slope over its pairs is: no lineage has pairs at
    two sizes, so what goes with size goes with lineage too. None where one has, and where there are no two sizes to speak of.
    """

    scope: Literal["lineage", "kind"]
    kind: str
    name: str
    pairs: tuple[GapPair, ...]
    testability: Testability
    slope: GapSlope | None
    slope_unavailable: str | None
    p_holm: float | None
    within_lineages: GapSlope | None
    equivalence: SlopeEquivalenceTest | None
    equivalence_p_holm: float | None
    without_guesses: GapVerdict | None
    difference: DifferenceOfDifferences | None
    difference_unavailable: str | None
    gap_verdict: str
    verdict: GapVerdict
    words: str
    caveats: tuple[str, ...]
    generalises_to: Literal["new_models", "these_models"] | None
    no_scaling_because: str | None = None

    @property
    def used(self) -> tuple[GapPair, ...]:
        """The pairs that enter the slope, from the smallest up."""
        return tuple(pair for pair in self.pairs if pair.why_not_used is None)

    @property
    def mean_gap_pp(self) -> float | None:
        """Mean of the quoted gaps of the used pairs, percentage points; None without one."""
        gaps = [pair.quoted_gap_pp for pair in self.used]
        return sum(gaps) / len(gaps) if gaps else None

    @property
    def size_verdict(self) -> str:
        """What may be said of the gap over size, in words."""
        cannot = self.verdict is GapVerdict.CANNOT_TEST
        if cannot:
            return "this corpus cannot test whether the gap changes with size"
        across = self.no_scaling_because is not None and self.verdict is not GapVerdict.UNDECIDED
        return f"{self.verdict.value}, across lineages only" if across else self.verdict.value

    @property
    def whole_verdict(self) -> str:
        """Both halves of the question: how much tampering changes, and whether that depends on size."""
        return f"{self.gap_verdict}; {self.size_verdict}"


@attrs.frozen(kw_only=True)
class GapSetting:
    """One grader and target (and condition, unless conditions are what is paired), never pooled with another."""

    grader: GraderMeaning
    target: str
    condition: str | None
    definition: str
    rows: int
    published_rates: int
    excluded: Mapping[str, int]
    pairs: tuple[GapPair, ...]
    unpaired: tuple[Unpaired, ...]
    series: tuple[GapSeries, ...]
    words: str

    @property
    def setting_words(self) -> str:
        """The setting as a heading gives it."""
        condition = "" if self.condition is None else f", condition {self.condition}"
        return f"grader {self.grader.grader}, target {self.target}{condition}"


@attrs.frozen(kw_only=True)
class LineageResult:
    """The answer to "how much does removing safety training change, and does that depend on model size?"."""

    fingerprint: str
    selection: Selection
    options: Options
    claim_classes: tuple[str, ...] | None
    considered: int
    counted: int
    exclusions: tuple[Exclusion, ...]
    traces: TraceCounts
    identical_models: tuple[IdenticalModels, ...]
    unknown_tampering: tuple[str, ...]
    graders_without_tier: Mapping[str, str]
    settings: tuple[GapSetting, ...]
    caveats: tuple[str, ...]
    answer: str

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """The gap of every pair, and in every series its mean over the pairs and its slope or difference over size."""
        return tuple(headline for setting in self.settings for headline in _headlines(setting))


_FRACTION_TO_PP: Final = 100.0


def _headlines(found: GapSetting) -> Iterator[Headline]:
    for pair in found.pairs:
        quoted = pair.quoted
        sides = [side.trials for side in (pair.base, pair.tampered)]
        yield Headline(
            setting=found.setting_words,
            quantity=f"gap, {pair.tampered.model} ({pair.tampered.condition}) minus {pair.base.model} ({pair.base.condition})",
            unit="pp",
            estimate=pair.quoted_gap_pp,
            low=None if quoted is None else _FRACTION_TO_PP * quoted.low,
            high=None if quoted is None else _FRACTION_TO_PP * quoted.high,
            p_value=pair.p_value,
            verdict=pair.why_not_used or "",
            n_models=2 if pair.base.model != pair.tampered.model else 1,
            n_rows=sum(n for n in sides if n is not None) if None not in sides else None,
        )
    for series in found.series:
        mean = series.mean_gap_pp
        if mean is not None:
            yield Headline(
                setting=found.setting_words,
                quantity=f"mean gap, {series.name}",
                unit="pp",
                estimate=mean,
                low=None,
                high=None,
                p_value=None,
                verdict=series.gap_verdict,
                n_models=len(series.used),
                n_rows=None,
            )
        line, difference = series.slope, series.difference
        low, high = (None, None) if line is None or line.interval is None else line.interval
        if difference is not None:
            low, high = _FRACTION_TO_PP * difference.low, _FRACTION_TO_PP * difference.high
        if line is None and difference is None:
            continue
        estimate = None if line is None else line.slope_pp_per_decade
        yield Headline(
            setting=found.setting_words,
            quantity=f"gap over size, {series.name}",
            unit="pp per decade" if line is not None else "pp",
            estimate=estimate if difference is None else _FRACTION_TO_PP * difference.estimate,
            low=low,
            high=high,
            p_value=None if line is None else line.p_value,
            verdict=series.verdict.value,
            n_models=len(series.used),
            n_rows=None,
        )
