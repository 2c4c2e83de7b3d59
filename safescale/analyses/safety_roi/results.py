"""What the question of provider and scale is answered with."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import attrs

from safescale.analyses.headline import Headline
from safescale.analyses.inverse_scaling import Difference, ScalingVerdict, SeriesResult
from safescale.cells import Exclusion, GraderMeaning, IdenticalModels, Selection, TraceCounts
from safescale.records.outcomes import Tier
from safescale.stats import (
    CommonalityAnalysis,
    EtaSquared,
    LeaveGroupOutResidual,
    LogScalingSlope,
    MinimumDetectableSlope,
    ProportionInterval,
    ResidualThresholdTest,
    RiskRatioInterval,
    ShareRatioNull,
    SizeSlopeTest,
    SlopeEquivalenceTest,
)

__all__ = [
    "BandPoint",
    "Lineages",
    "NeededModels",
    "PlacingLabel",
    "ProviderPlace",
    "ProviderPoint",
    "ProviderRatio",
    "ProviderShare",
    "ProviderVerdict",
    "RoiOptions",
    "SafetyRoiResult",
    "Sensitivity",
    "SensitivityName",
    "SettingRoi",
    "SizeLine",
]

SensitivityName: TypeAlias = Literal[
    "other_estimand",
    "common_prompts",
    "prompt_adjusted",
    "active_parameters",
    "without_estimated_sizes",
    "hosts_as_providers",
    "without_single_model_providers",
    "other_tampering",
    "with_models_of_unknown_size",
]


class ProviderVerdict(enum.StrEnum):
    """What may be said of providers, in words."""

    DIFFER = "models of one provider are more alike than chance has them"
    NOT_SHOWN = "the share of provider is not told from chance"
    CANNOT_TELL = "this corpus cannot tell providers from chance"


class PlacingLabel(enum.StrEnum):
    """Where a provider stands beside the size line, in the words of report 164."""

    OVER = "over-invested"
    UNDER = "under-invested"
    ON_LINE = "on the line"
    TOO_FEW = "too few rows for a label"
    CANNOT_TELL = "cannot tell"


@attrs.frozen(kw_only=True)
class RoiOptions:
    """
    Choices that a result depends on.

    ``threshold_pp`` and ``label_rows`` are the rule of report 164 (10 pp, 50 rows); ``resamples`` random assignments stand behind a
    permutation p where not all can be enumerated; ``planned_pp_per_doubling`` are the slopes that are planned for.
    """

    tier: Tier
    min_cell: int
    alpha: float
    margin_pp: float
    min_decades: float
    level: float
    threshold_pp: float
    label_rows: int
    resamples: int
    power: float
    planned_pp_per_doubling: tuple[float, ...]


@attrs.frozen(kw_only=True)
class ProviderPoint:
    """
    One model.

    ``provider`` is its developer (None: unknown, so in no share), ``host`` what report 164 would call its provider.
    ``residual_pp`` is its distance from the line of all models. ``why_not_fitted`` is None for a model in the fit.
    """

    model: str
    model_ids: tuple[str, ...]
    provider: str | None
    host: str | None
    family: str | None
    lineage: str | None
    tampering: str
    params_b: float | None
    size_is_guess: bool
    rate: float | None
    successes: int | None
    trials: int | None
    interval: ProportionInterval | None
    residual_pp: float | None
    why_not_fitted: str | None


@attrs.frozen(kw_only=True)
class NeededModels:
    """Models that a slope needs at the spread of sizes and the scatter found here; None where no number is enough."""

    slope_pp_per_doubling: float
    n_models: int | None
    unreachable_because: str | None


@attrs.frozen(kw_only=True)
class BandPoint:
    """The line at one size, with the interval in which one more model would lie, confined to [0, 1]."""

    params_b: float
    line: float
    low: float
    high: float


@attrs.frozen(kw_only=True)
class SizeLine:
    """
    The rate over log size, a model a point.

    Attributes
    ----------
    slope : LogScalingSlope or None
        The line, with p from Student's t; None for fewer than three sizes (``unavailable``).
    standard_error_pp_per_doubling, interval_pp_per_doubling, correlation
        Of the same fit.
    test : SizeSlopeTest or None
        The p that the number of models supports: exact permutation for up to 8.
    verdict, words
        What may be claimed, as in the question of inverse scaling.
    only_across : str or None
        Why a slope is not claimed that models within providers contradict.
    equivalence : SlopeEquivalenceTest or None
        The only evidence of flatness.
    difference : Difference or None
        For two sizes.
    detectable : MinimumDetectableSlope or None
        The smallest slope that this design finds.
    needed : tuple of NeededModels
        Models for smaller slopes.
    band : tuple of BandPoint
        The line with its prediction band, from the smallest to the largest model; empty where there is no scatter to predict with.
    """

    slope: LogScalingSlope | None
    unavailable: str | None
    standard_error_pp_per_doubling: float | None
    interval_pp_per_doubling: tuple[float, float] | None
    correlation: float | None
    test: SizeSlopeTest | None
    verdict: ScalingVerdict
    words: str
    equivalence: SlopeEquivalenceTest | None
    difference: Difference | None
    detectable: MinimumDetectableSlope | None
    needed: tuple[NeededModels, ...]
    band: tuple[BandPoint, ...]
    only_across: str | None = None


@attrs.frozen(kw_only=True)
class ProviderShare:
    """
    The share of the spread between models that lies between providers.

    Attributes
    ----------
    share : EtaSquared or None
        Eta squared with omega squared, epsilon squared, F, permutation p and interval; None as ``unavailable`` says.
    verdict : ProviderVerdict
        What may be claimed.
    reason : str or None
        Why nothing can be told, and what would do.
    n_models, n_providers : int
        What is compared.
    single_model_providers : tuple of str
        Providers of one model: they tell nothing of the spread within.
    smallest_p : float or None
        The smallest p that a permutation of these group sizes can reach.
    p_floor : float or None
        The smallest that the method can give: ``smallest_p``, or 1 / (random assignments + 1) where that is larger.
    counting_noise_mean, counting_noise_p : float or None
        Mean share and p if models differed by nothing but the luck of counting (binomial, their own numbers of rows).
    detectable_icc : float or None
        The smallest true share of provider that an F test of this design finds with the power of the options.
    """

    share: EtaSquared | None
    unavailable: str | None
    verdict: ProviderVerdict
    reason: str | None
    n_models: int
    n_providers: int
    single_model_providers: tuple[str, ...]
    smallest_p: float | None
    p_floor: float | None
    counting_noise_mean: float | None
    counting_noise_p: float | None
    detectable_icc: float | None


@attrs.frozen(kw_only=True)
class Lineages:
    """How far provider is the same grouping as lineage: ``families`` counts models whose family is known."""

    providers: int
    providers_of_one_family: tuple[str, ...]
    families: int
    families_of_several_providers: tuple[str, ...]
    words: str


@attrs.frozen(kw_only=True)
class ProviderPlace:
    """
    One provider beside the size line, as published and without itself in the line.

    Attributes
    ----------
    n_models, n_rows, successes, interval
        Its models, rows, successes and the Wilson interval of its pooled rate (rows taken as independent); None where rates
        are published without n.
    published_pp : float
        Mean residual of its models from the line of all models, weighted by their rows.
    published_label : PlacingLabel
        The label of report 164, which looks at that number alone.
    left_out : LeaveGroupOutResidual
        Its mean residual from the line of the others, with the line's uncertainty and the spread between models.
    shrunk_pp, shrunk_interval, shrinkage
        The same drawn to the mean of providers by partial pooling; None where too few providers have one.
    threshold : ResidualThresholdTest or None
        On which side of the threshold it lies.
    threshold_p_holm, zero_p_holm : float or None
        p of that side, and of no residual at all, after Holm over providers.
    label : PlacingLabel
        Given only where interval and Holm-adjusted p support it.
    reason : str
        What the label rests on.
    single_model : bool
        One model: provider and model are the same thing here.
    """

    provider: str
    n_models: int
    n_rows: int | None
    successes: int | None
    interval: ProportionInterval | None
    published_pp: float
    published_label: PlacingLabel
    left_out: LeaveGroupOutResidual
    shrunk_pp: float | None
    shrunk_interval: tuple[float, float] | None
    shrinkage: float | None
    threshold: ResidualThresholdTest | None
    threshold_p_holm: float | None
    zero_p_holm: float | None
    label: PlacingLabel
    reason: str
    single_model: bool

    @property
    def changed(self) -> bool:
        """Whether the published label says something else."""
        return self.label is not self.published_label


@attrs.frozen(kw_only=True)
class ProviderRatio:
    """Rate of one provider over that of all others, item by item; ``unavailable`` says why there is none."""

    provider: str
    ratio: RiskRatioInterval | None
    unavailable: str | None


@attrs.frozen(kw_only=True)
class Sensitivity:
    """
    The same once more under another choice.

    ``reason`` says exactly what was changed, or why it was impossible; ``same`` that the choice changes nothing here.
    ``changed`` compares both verdicts with the main ones, ``what_changed`` names which.
    """

    name: SensitivityName
    possible: bool
    same: bool
    reason: str
    n_models: int | None
    n_providers: int | None
    eta_squared: float | None
    null_expectation: float | None
    omega_squared: float | None
    p_permutation: float | None
    provider_verdict: ProviderVerdict | None
    slope_pp_per_doubling: float | None
    standard_error_pp_per_doubling: float | None
    p_value: float | None
    scale_verdict: ScalingVerdict | None
    changed: bool
    what_changed: tuple[str, ...]


@attrs.frozen(kw_only=True)
class SettingRoi:
    """
    One grader, target and condition: never pooled with another.

    Attributes
    ----------
    estimand, estimand_note : str
        What a model's rate is, and how its attack classes were chosen.
    points : tuple of ProviderPoint
        Every model, fitted or not.
    line : SizeLine
        The rate over log size, over all fitted models.
    share, share_without_single : ProviderShare
        Over all providers, and over those with several models.
    ratio : ShareRatioNull or None
        Eta squared over R squared, beside what chance makes of it.
    joint : CommonalityAnalysis or None
        What provider and log10 size explain alone, uniquely and in common; ``joint_unavailable`` says why not.
    lineages : Lineages
        Whether provider can be told from lineage.
    places : tuple of ProviderPlace
        Each provider beside the line, the safest first.
    within, within_all
        Size within each provider of two sizes or more, and one slope within all of them.
    ratios : tuple of ProviderRatio
        Each provider against the rest; these models only.
    sensitivities : tuple of Sensitivity
        The same under other choices.
    models_without_provider, models_of_unknown_size : tuple of str
        Shown, and in no share; shown, and in no fit.
    words : str
        The answer.
    """

    grader: GraderMeaning
    target: str
    condition: str
    definition: str
    rows: int
    published_rates: int
    excluded: Mapping[str, int]
    estimand: str
    estimand_note: str
    points: tuple[ProviderPoint, ...]
    line: SizeLine
    share: ProviderShare
    share_without_single: ProviderShare
    ratio: ShareRatioNull | None
    joint: CommonalityAnalysis | None
    joint_unavailable: str | None
    lineages: Lineages
    places: tuple[ProviderPlace, ...]
    within: tuple[SeriesResult, ...]
    within_all: SeriesResult | None
    ratios: tuple[ProviderRatio, ...]
    sensitivities: tuple[Sensitivity, ...]
    models_without_provider: tuple[str, ...]
    models_of_unknown_size: tuple[str, ...]
    caveats: tuple[str, ...]
    words: str

    @property
    def name(self) -> str:
        """The setting in words."""
        return f"grader {self.grader.grader}, target {self.target}, condition {self.condition}"


@attrs.frozen(kw_only=True)
class SafetyRoiResult:
    """
    The answer to "does provider or scale carry the differences between models?".

    ``answer`` is the first paragraph of a report; ``settings`` hold every number, one entry per grader, target and condition.
    """

    fingerprint: str
    selection: Selection
    options: RoiOptions
    claim_classes: tuple[str, ...] | None
    considered: int
    counted: int
    exclusions: tuple[Exclusion, ...]
    aggregate_exclusions: Mapping[str, int]
    traces: TraceCounts
    identical_models: tuple[IdenticalModels, ...]
    graders_without_tier: Mapping[str, str]
    settings: tuple[SettingRoi, ...]
    caveats: tuple[str, ...]
    answer: str

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """Share of provider, slope on size, what each adds to the other, and each provider's residual."""
        return tuple(headline for setting in self.settings for headline in _headlines(setting))


def _headlines(setting: SettingRoi) -> Iterator[Headline]:
    share, line = setting.share.share, setting.line.slope
    yield _headline(
        setting,
        "share of provider (omega squared)",
        "fraction",
        None if share is None else share.omega_squared,
        # the interval is of the population's share, which omega squared estimates
        None if share is None else share.interval,
        None if share is None else share.p_permutation,
        setting.share.verdict.value,
        setting.share.n_models,
    )
    yield _headline(
        setting,
        "slope on size",
        "pp per doubling",
        None if line is None else line.slope_pp_per_doubling,
        setting.line.interval_pp_per_doubling,
        None if line is None else line.p_value,
        setting.line.verdict.value,
        sum(point.why_not_fitted is None for point in setting.points),
    )
    joint = setting.joint
    for quantity, value, p in (
        (
            "provider beside size (adjusted R squared)",
            None if joint is None else joint.adjusted.unique_first,
            None if joint is None else joint.p_first,
        ),
        (
            "size beside provider (adjusted R squared)",
            None if joint is None else joint.adjusted.unique_second,
            None if joint is None else joint.p_second,
        ),
    ):
        told = setting.joint_unavailable or "added to the other factor"
        yield _headline(setting, quantity, "fraction", value, None, p, told, None if joint is None else joint.n)
    for place in setting.places:
        yield _headline(
            setting,
            f"residual of provider {place.provider} from the line of the others, shrunk",
            "pp",
            place.shrunk_pp,
            place.shrunk_interval,
            place.zero_p_holm,
            place.label.value,
            place.n_models,
            place.n_rows,
        )


def _headline(
    setting: SettingRoi,
    quantity: str,
    unit: str,
    estimate: float | None,
    interval: tuple[float, float] | None,
    p_value: float | None,
    verdict: str,
    n_models: int | None,
    n_rows: int | None = None,
) -> Headline:
    low, high = (None, None) if interval is None else interval
    return Headline(
        setting=setting.name,
        quantity=quantity,
        unit=unit,
        estimate=estimate,
        low=low,
        high=high,
        p_value=p_value,
        verdict=verdict,
        n_models=n_models,
        n_rows=n_rows,
    )
