"""What the question of inverse scaling is answered with."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

import attrs

from safescale.analyses.headline import Headline
from safescale.analyses.inverse_scaling.within_source import WithinSource
from safescale.analyses.observations import Scope
from safescale.cells import Exclusion, GraderMeaning, IdenticalModels, Selection, TraceCounts
from safescale.records.outcomes import Tier
from safescale.stats import (
    CurvatureTest,
    DifferenceInterval,
    PairedDifferenceInterval,
    ProportionInterval,
    RawDifference,
    ScalingLabel,
    SeriesShape,
    SizeSlopeTest,
    SlopeEquivalenceTest,
)

__all__ = [
    "Agreement",
    "Bend",
    "Difference",
    "GraderBand",
    "InverseScalingResult",
    "Level",
    "ModelPoint",
    "Options",
    "Robustness",
    "ScalingVerdict",
    "Scope",
    "SeriesResult",
    "SettingResult",
    "Testability",
    "able_verdicts",
]

Bend: TypeAlias = Literal["u", "inverted_u"]
Level: TypeAlias = Literal["same_generation", "same_family"]


class ScalingVerdict(enum.StrEnum):
    """What may be said of the claim, two-sided, in words."""

    COMPLY_MORE = "larger models comply more"
    COMPLY_LESS = "larger models comply less"
    FLAT = "no change with size beyond the margin"
    NOT_A_LINE = "changes with size, but not along a line"
    UNDECIDED = "neither a change with size nor its absence is shown"
    CANNOT_TEST = "this corpus cannot test this claim"


@attrs.frozen(kw_only=True)
class Options:
    """Choices that a result depends on: rows a fitted cell needs, level, margin of flatness, decades sizes must span."""

    tier: Tier
    min_cell: int
    alpha: float
    margin_pp: float
    min_decades: float
    level: float


@attrs.frozen(kw_only=True)
class ModelPoint:
    """
    One model in a series.

    ``successes`` and ``trials`` are None where a published rate came without n; ``counts_implied`` where they were worked
    out from a published rate and n. ``why_not_fitted`` is None for a model that enters the fit.
    """

    model: str
    model_ids: tuple[str, ...]
    params_b: float | None
    size_is_guess: bool
    lineage: str | None
    family: str | None
    tampering: str
    rate: float
    successes: int | None
    trials: int | None
    counts_implied: bool
    interval: ProportionInterval | None
    why_not_fitted: str | None


@attrs.frozen(kw_only=True)
class Testability:
    """
    Whether a series can test a claim about size at all, judged before any rate is looked at.

    ``smallest_p`` is what a permutation of these models can reach at best, ``smallest_p_after_holm`` the same after
    correction over the ``tests_in_family``; None where there is nothing to permute. ``needs`` says what would do.
    """

    can_test: bool
    n_models: int
    sizes_b: tuple[float, ...]
    decades: float | None
    smallest_p: float | None
    smallest_p_after_holm: float | None
    tests_in_family: int
    reasons: tuple[str, ...]
    needs: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Difference:
    """
    Two sizes: a difference, larger minus smaller, with its interval and never a p-value.

    ``independent`` uses all rows (Newcombe), ``paired`` the prompts that both models answered once (paired Newcombe);
    ``headline`` names the one to quote, None where neither can be had (``unavailable`` says why).
    """

    raw: RawDifference
    independent: DifferenceInterval | None
    paired: PairedDifferenceInterval | None
    headline: Literal["paired", "independent"] | None
    unavailable: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Robustness:
    """
    A result once more under another choice; ``reason`` says why it was impossible, or why nothing could change.

    ``bend`` is the way the rates bend where the verdict claims it: a U that becomes an inverted U is another result.
    """

    name: Literal["without_estimated_sizes", "active_parameters", "common_prompts"]
    possible: bool
    reason: str | None
    n_models: int | None
    slope_pp_per_decade: float | None
    standard_error_pp_per_decade: float | None
    raw_difference_pp_per_decade: float | None
    label: ScalingLabel | None
    p_value: float | None
    p_holm: float | None
    verdict: ScalingVerdict | None
    bend: Bend | None
    changed: bool


@attrs.frozen(kw_only=True)
class SeriesResult:
    """
    One series of models over size: an attack class, a way of pooling them, or a lineage.

    Attributes
    ----------
    scope, name
        What the series is; ``name`` is the attack class or lineage, or words for the pooling.
    attack_classes : tuple of str
        The classes behind it.
    kind : {"slope", "difference", "nothing"}
        Three or more sizes, two, or fewer.
    points : tuple of ModelPoint
        Every model, fitted or not.
    n_models, n_rows, n_prompts
        What is fitted; rows and prompts are None where published rates do not tell.
    slope : SizeSlopeTest or None
        OLS line (slope, SE, R squared in ``slope.slope``) with the p-value that models as units support.
    label : ScalingLabel or None
        Label of report 353; it looks at the estimate alone.
    p_holm : float or None
        p after Holm over the ``testability.tests_in_family`` series of this scope that can be tested.
    permutation_p, permutation_p_holm : float or None
        Permutation of models where a t test would claim, alone and under the same correction; above the level nothing is claimed.
    equivalence, equivalence_p_holm, equivalence_unavailable
        The only evidence of a flat slope, or why there is none.
    curvature, curvature_p_holm, curvature_unavailable
        The square in log10 size with its p alone and after Holm, or why a bend could not be looked for.
    curvature_permutation_p : float or None
        Permutation of models where a bend would be claimed; above the level (under Holm's correction) none is.
    difference : Difference or None
        For two sizes.
    shape, shape_unavailable
        Named only by differences of neighbours that survive Holm, or why it cannot be.
    verdict : ScalingVerdict
        What may be claimed.
    robustness : tuple of Robustness
        The same without guesses of size, with active parameters, on common prompts.
    words : str
        The answer in one sentence, built from these numbers.
    caveats : tuple of str
        What the numbers themselves raise.
    generalises_to : {"new_models", "these_models"} or None
        None where nothing is estimated.
    """

    scope: Scope
    name: str
    attack_classes: tuple[str, ...]
    kind: Literal["slope", "difference", "nothing"]
    points: tuple[ModelPoint, ...]
    n_models: int
    n_rows: int | None
    n_prompts: int | None
    testability: Testability
    slope: SizeSlopeTest | None
    label: ScalingLabel | None
    p_holm: float | None
    permutation_p: float | None
    permutation_p_holm: float | None
    equivalence: SlopeEquivalenceTest | None
    equivalence_p_holm: float | None
    equivalence_unavailable: str | None
    curvature: CurvatureTest | None
    curvature_p_holm: float | None
    curvature_permutation_p: float | None
    curvature_unavailable: str | None
    difference: Difference | None
    shape: SeriesShape | None
    shape_unavailable: str | None
    verdict: ScalingVerdict
    robustness: tuple[Robustness, ...]
    words: str
    caveats: tuple[str, ...]
    generalises_to: Literal["new_models", "these_models"] | None

    @property
    def bend(self) -> Bend | None:
        """Which way the rates bend, where that is claimed."""
        if self.verdict is not ScalingVerdict.NOT_A_LINE or self.curvature is None or self.curvature.direction == "none":
            return None
        return self.curvature.direction


@attrs.frozen(kw_only=True)
class SettingResult:
    """
    One grader, target and condition: never pooled with another.

    ``rows_in_claim_classes`` of ``rows`` are in the attack classes that the claim concerns. ``headline`` is the series to
    quote first: the mean over common classes, unless it holds fewer than half of the models that the pooled rows hold.
    ``within_sources`` is its slope within sources, where there are several and they were kept apart.
    """

    grader: GraderMeaning
    target: str
    condition: str
    definition: str
    rows: int
    rows_in_claim_classes: int
    share_in_claim_classes: float | None
    published_rates: int
    excluded: Mapping[str, int]
    models_of_unknown_size: tuple[str, ...]
    models_of_guessed_size: tuple[str, ...]
    class_mean: SeriesResult | None
    class_mean_note: str
    rows_pooled: SeriesResult | None
    headline_scope: Scope | None
    attack_classes: tuple[SeriesResult, ...]
    generations: tuple[SeriesResult, ...]
    families: tuple[SeriesResult, ...]
    within_generations: SeriesResult | None
    within_families: SeriesResult | None
    notes: tuple[str, ...]
    words: str
    within_sources: WithinSource | None = None

    @property
    def headline(self) -> SeriesResult | None:
        """The series to quote first."""
        return self.class_mean if self.headline_scope == "class_mean" else self.rows_pooled


class Agreement(enum.StrEnum):
    """Whether graders lead to the same answer, in words."""

    NOT_COMPARABLE = "cannot be compared"
    OPEN = "none of them shows a change with size or its absence"
    YES = "yes"
    NO = "no"

    @classmethod
    def of(cls, verdicts: Iterable[ScalingVerdict | None], bends: Iterable[Bend | None] = ()) -> Agreement:
        """
        That of these verdicts; graders that cannot test the claim are left out.

        Rates that bend in opposite ways (``bends``, None where no bend is claimed) are not the same answer.
        """
        able = able_verdicts(verdicts)
        if len(able) < 2:
            return cls.NOT_COMPARABLE
        if set(able) == {ScalingVerdict.UNDECIDED}:
            return cls.OPEN
        one_way = len({bend for bend in bends if bend is not None}) < 2
        return cls.YES if len(set(able)) == 1 and one_way else cls.NO


def able_verdicts(verdicts: Iterable[ScalingVerdict | None]) -> tuple[ScalingVerdict, ...]:
    """The verdicts of those that can test the claim."""
    return tuple(verdict for verdict in verdicts if verdict not in (None, ScalingVerdict.CANNOT_TEST))


@attrs.frozen(kw_only=True)
class GraderBand:
    """
    The same target and condition seen by several graders: the range of their slopes, and whether they agree on the answer.

    They agree when two or more can test the claim and all of those reach one verdict. Several that show neither a change nor its
    absence agree on nothing: rows may be graded in opposite ways. How often graders agree row by row is another question.
    """

    target: str
    condition: str
    graders: tuple[str, ...]
    verdicts: tuple[ScalingVerdict | None, ...]
    bends: tuple[Bend | None, ...]
    slopes_pp_per_decade: tuple[float | None, ...]
    lowest_pp_per_decade: float | None
    highest_pp_per_decade: float | None
    agree: bool
    words: str


@attrs.frozen(kw_only=True)
class InverseScalingResult:
    """
    The answer to "does the attack success rate change with model size?".

    ``answer`` is the first paragraph of a report; ``settings`` hold every number, one entry per grader, target and condition.
    ``caveats`` concern the corpus as a whole.
    """

    fingerprint: str
    selection: Selection
    options: Options
    claim_classes: tuple[str, ...] | None
    considered: int
    counted: int
    exclusions: tuple[Exclusion, ...]
    aggregate_exclusions: Mapping[str, int]
    traces: TraceCounts
    identical_models: tuple[IdenticalModels, ...]
    unknown_tampering: tuple[str, ...]
    graders_without_tier: Mapping[str, str]
    settings: tuple[SettingResult, ...]
    bands: tuple[GraderBand, ...]
    caveats: tuple[str, ...]
    answer: str

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """The headline series of every setting; those of its attack classes and lineages that have a slope or a difference."""
        return tuple(headline for setting in self.settings for headline in _headlines(setting))


def _headlines(setting: SettingResult) -> Iterator[Headline]:
    words = f"grader {setting.grader.grader}, target {setting.target}, condition {setting.condition}"
    head = setting.headline
    if head is not None:
        yield _headline(words, "slope of the headline series", head)
    for name, many in (("attack class", setting.attack_classes), ("generation", setting.generations)):
        yield from (_headline(words, f"slope, {name} {series.name}", series) for series in many if series.kind != "nothing")


def _headline(setting: str, quantity: str, series: SeriesResult) -> Headline:
    line = None if series.slope is None else series.slope.slope
    low, high = (None, None) if line is None or line.interval is None else line.interval
    if line is not None:
        estimate: float | None = line.slope_pp_per_decade
    else:
        estimate = None if series.difference is None else series.difference.raw.difference_pp_per_decade
    return Headline(
        setting=setting,
        quantity=quantity,
        unit="pp per decade",
        estimate=estimate,
        low=low,
        high=high,
        p_value=None if series.slope is None else series.slope.p_value,
        verdict=series.verdict.value,
        n_models=series.n_models,
        n_rows=series.n_rows,
    )
