"""What the question of re-emergence is answered with."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

import attrs

from safescale.analyses.headline import Headline
from safescale.analyses.inverse_scaling import Testability
from safescale.analyses.setting import Setting
from safescale.cells import DistinctResponses, Exclusion, GraderMeaning, IdenticalModels, Selection, TraceCounts
from safescale.stats import (
    AdjacentSeparation,
    CochranArmitageTest,
    DesignEffectSource,
    LogScalingSlope,
    McNemarTest,
    PairedDifferenceInterval,
    ProportionInterval,
    RawDifference,
    SeriesShape,
    SpearmanTest,
)

__all__ = [
    "QUANTITY_WORDS",
    "ClusteredInterval",
    "Options",
    "PromptTrend",
    "Quantity",
    "Reemergence",
    "ReemergenceResult",
    "Share",
    "TamperedModel",
    "TamperedSeries",
    "TamperedSetting",
    "TargetComparison",
    "Trend",
    "WithoutGuesses",
]

Quantity: TypeAlias = Literal["strict", "broad", "functionally_dangerous", "hedging", "refusal", "hallucination_refusal"]
"""
A share of evaluable rows: the three rates, and PARTIAL (hedging, ``broad - strict``), REFUSAL and HALLUCINATION_REFUSAL.
COMPLIANCE is the strict rate.
"""

QUANTITY_WORDS: Final[dict[Quantity, str]] = {
    "strict": "strict rate",
    "broad": "broad rate",
    "functionally_dangerous": "functionally dangerous rate",
    "hedging": "hedging share",
    "refusal": "refusal share",
    "hallucination_refusal": "share of hallucinated refusals",
}


class Reemergence(enum.StrEnum):
    """
    What may be said of refusals and hedging in larger tampered models, two-sided.

    "Re-emergence" needs refusals, not hedging, to rise with size. The verdict tells refusals first, and hedging where refusals do
    not rise.
    """

    REFUSALS_RETURN = "refusals come back with size"
    REFUSALS_FALL = "refusals fall with size"
    REFUSALS_FALL_HEDGING_RISES = "refusals fall and hedging rises with size"
    HEDGING = "compliance turns into hedging with size; no rise of refusals is shown"
    HEDGING_RISES = "hedging rises with size, not shown to replace compliance; no change of refusals is shown"
    HEDGING_FALLS = "hedging falls with size; no change of refusals is shown"
    NEITHER = "no change of refusals or hedging with size is shown"
    CANNOT_TEST = "this corpus cannot test this claim"


@attrs.frozen(kw_only=True)
class Options:
    """Choices that a result depends on."""

    min_cell: int
    alpha: float
    min_decades: float
    level: float


@attrs.frozen(kw_only=True)
class ClusteredInterval:
    """Wilson's interval with a design effect, where prompts were answered several times; fields as in ``DesignEffectInterval``."""

    low: float
    high: float
    design_effect: float
    effective_trials: float
    clusters: int
    source: DesignEffectSource
    note: str | None


@attrs.frozen(kw_only=True)
class Share:
    """
    One share of the evaluable rows of one model.

    ``successes`` and ``trials`` are None where a publication does not imply them; ``clustered`` is None where no prompt was
    answered twice.
    """

    quantity: Quantity
    rate: float
    successes: int | None
    trials: int | None
    interval: ProportionInterval | None
    clustered: ClusteredInterval | None
    published: bool


@attrs.frozen(kw_only=True)
class TamperedModel:
    """
    One tampered model of a series.

    ``verdicts`` and ``responses`` (different responses behind its rows) are None for published rates; ``responses`` also where the
    corpus has no hashes. ``not_told`` says per quantity why it has no share. ``why_not_fitted`` is None for a model that enters the
    trends.
    """

    model: str
    model_ids: tuple[str, ...]
    params_b: float | None
    size_is_guess: bool
    lineage: str | None
    tampering: str
    developer: str | None
    rows: int | None
    prompts: int | None
    verdicts: Mapping[str, int] | None
    responses: DistinctResponses | None
    shares: Mapping[Quantity, Share]
    why_not_fitted: str | None


@attrs.frozen(kw_only=True)
class PromptTrend:
    """Cochran-Armitage trend with prompts as clusters; fields as in ``CochranArmitageClusteredTest``, without its tables."""

    t: float | None
    p_value: float | None
    residual_dof: int
    n_clusters: int
    design_effect: float | None
    undefined_because: str | None
    generalises_to: Literal["these_models"] = "these_models"


@attrs.frozen(kw_only=True)
class Trend:
    """
    One share over size.

    Attributes
    ----------
    quantity : Quantity
        The share.
    n_models : int
        Fitted models that have it.
    smallest, largest : float or None
        Rate at the smallest and at the largest size (mean over models of that size).
    by_models, by_models_unavailable
        Exact Spearman correlation with size and its permutation p with floor: the only test that speaks of new models.
    p_holm : float or None
        That p after Holm over the claims of its family (refusals and hedging only).
    slope : LogScalingSlope or None
        Line over three or more sizes, models as points; a description beside the rank test.
    raw : RawDifference or None
        For two sizes.
    by_rows, by_prompts, by_rows_unavailable
        Item-level trends on log10 size, rows as independent and prompts as clusters: they speak of these models only.
    on_distinct_responses : CochranArmitageTest or None
        The item-level trend once more with each different response of a model counted once per verdict.
    separation : AdjacentSeparation or None
        Neighbouring sizes: disjoint intervals with what that means, Fisher p and Holm.
    shape : SeriesShape or None
        Named only by differences of neighbours that survive Holm.
    """

    quantity: Quantity
    n_models: int
    smallest: float | None
    largest: float | None
    by_models: SpearmanTest | None
    by_models_unavailable: str | None
    p_holm: float | None
    slope: LogScalingSlope | None
    raw: RawDifference | None
    by_rows: CochranArmitageTest | None
    by_prompts: PromptTrend | None
    by_rows_unavailable: str | None
    on_distinct_responses: CochranArmitageTest | None
    separation: AdjacentSeparation | None
    shape: SeriesShape | None

    @property
    def item_sign(self) -> int:
        """+1 where the item-level trend rises with size, -1 where it falls, 0 where there is none."""
        statistic = None if self.by_prompts is None else self.by_prompts.t
        if statistic is None and self.by_rows is not None:
            statistic = self.by_rows.z
        return 0 if not statistic else 1 if statistic > 0 else -1

    @property
    def item_p(self) -> float | None:
        """The p of the item-level trend: prompts as clusters where that can be had, else rows."""
        if self.by_prompts is not None and self.by_prompts.p_value is not None:
            return self.by_prompts.p_value
        return None if self.by_rows is None else self.by_rows.p_value


@attrs.frozen(kw_only=True)
class WithoutGuesses:
    """A series once more without its estimated sizes."""

    n_models: int
    left_out: int
    verdict: Reemergence
    verdict_for_these_models: Reemergence


@attrs.frozen(kw_only=True)
class TamperedSeries:
    """
    Tampered models of one lineage, kind of tampering and maker over size, or all of a setting together.

    Attributes
    ----------
    scope : {"lineage", "all"}
        One lineage of one tampering state and maker, or everything.
    name : str
        In words.
    attack_classes : tuple of str
        The classes whose rows are added up: those that all models of the series have, else all.
    models : tuple of TamperedModel
        Every model, fitted or not, from the smallest up.
    rows : int or None
        Evaluable rows of the fitted models; None where published rates do not tell.
    responses : DistinctResponses or None
        Different responses behind the rows of all fitted models.
    common_prompts : int or None
        Prompts that all fitted models answered; None without rows.
    testability : Testability
        Whether models as units can test a claim, judged by the sizes alone.
    trends : tuple of Trend
        One per quantity that the grader tells.
    not_told : tuple of str
        Why a quantity is missing.
    verdict : Reemergence
        What may be said of models like these (models as units).
    verdict_for_these_models : Reemergence
        What may be said of these models only (rows or prompts as units).
    without_guesses : WithoutGuesses or None
        The same without estimated sizes; None where no size of a fitted model is estimated.
    words : str
        The answer, built from these numbers.
    caveats : tuple of str
        What the numbers raise.
    """

    scope: Literal["lineage", "all"]
    name: str
    attack_classes: tuple[str, ...]
    models: tuple[TamperedModel, ...]
    rows: int | None
    responses: DistinctResponses | None
    common_prompts: int | None
    testability: Testability
    trends: tuple[Trend, ...]
    not_told: tuple[str, ...]
    verdict: Reemergence
    verdict_for_these_models: Reemergence
    without_guesses: WithoutGuesses | None
    words: str
    caveats: tuple[str, ...]

    def trend(self, quantity: Quantity) -> Trend | None:
        """The trend of one share, or None where it is not told."""
        return next((trend for trend in self.trends if trend.quantity == quantity), None)

    @property
    def fitted(self) -> tuple[TamperedModel, ...]:
        """The models that enter the trends, from the smallest up."""
        return tuple(model for model in self.models if model.why_not_fitted is None)


@attrs.frozen(kw_only=True)
class TargetComparison:
    """
    What a tampered model said against what it did: traces with a strict verdict on both targets.

    ``both``, ``first_only``, ``second_only``, ``neither`` count COMPLIANCE; ``test`` is McNemar's exact test, ``p_holm`` after Holm
    over all comparisons of the result, ``difference`` first minus second. Traces replicate, the model does not.
    """

    model: str
    params_b: float | None
    condition: str
    first_target: str
    first_grader: str
    second_target: str
    second_grader: str
    traces: int
    both: int
    first_only: int
    second_only: int
    neither: int
    test: McNemarTest
    p_holm: float
    difference: PairedDifferenceInterval
    generalises_to: Literal["these_models"] = "these_models"


@attrs.frozen(kw_only=True)
class TamperedSetting:
    """One grader, target and condition: every series of tampered models, and the models that are in none."""

    setting: Setting
    grader: GraderMeaning
    rows: int
    published_rates: int
    excluded: Mapping[str, int]
    series: tuple[TamperedSeries, ...]
    alone: tuple[TamperedModel, ...]
    notes: tuple[str, ...]
    words: str


@attrs.frozen(kw_only=True)
class ReemergenceResult:
    """
    The answer to "do refusals come back in larger models whose safety training was removed?".

    ``selection`` is the one that was counted: tampered models only. ``targets_words`` says how text and action compare, or that
    they cannot be compared.
    """

    fingerprint: str
    selection: Selection
    options: Options
    claim_classes: tuple[str, ...] | None
    considered: int
    counted: int
    exclusions: tuple[Exclusion, ...]
    traces: TraceCounts
    identical_models: tuple[IdenticalModels, ...]
    settings: tuple[TamperedSetting, ...]
    targets: tuple[TargetComparison, ...]
    targets_words: str
    caveats: tuple[str, ...]
    answer: str

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """Per series the trends of refusals, hedging, strict and broad rate; per model strict, broad and refusal share."""
        return tuple(headline for setting in self.settings for headline in _headlines(setting))


_TRENDS: Final[tuple[Quantity, ...]] = ("refusal", "hedging", "strict", "broad")
_RATES: Final[tuple[Quantity, ...]] = ("strict", "broad", "refusal")


def _headlines(found: TamperedSetting) -> Iterator[Headline]:
    words = found.setting.words
    for series in found.series:
        for quantity in _TRENDS:
            trend = series.trend(quantity)
            if trend is not None:
                yield _trend_headline(words, series, trend)
    models = {model.model: model for series in found.series for model in series.models} | {m.model: m for m in found.alone}
    for name, model in sorted(models.items()):
        for quantity in _RATES:
            share = model.shares.get(quantity)
            if share is not None:
                yield Headline(
                    setting=words,
                    quantity=f"{QUANTITY_WORDS[quantity]}, {name}",
                    unit="fraction",
                    estimate=share.rate,
                    low=None if share.interval is None else share.interval.low,
                    high=None if share.interval is None else share.interval.high,
                    p_value=None,
                    verdict=model.why_not_fitted or "",
                    n_models=1,
                    n_rows=share.trials,
                )


def _trend_headline(setting: str, series: TamperedSeries, trend: Trend) -> Headline:
    line = trend.slope
    low, high = (None, None) if line is None or line.interval is None else line.interval
    estimate = None if line is None else line.slope_pp_per_decade
    if estimate is None and trend.raw is not None:
        estimate = trend.raw.difference_pp_per_decade
    return Headline(
        setting=setting,
        quantity=f"{QUANTITY_WORDS[trend.quantity]} over size, {series.name}",
        unit="pp per decade",
        estimate=estimate,
        low=low,
        high=high,
        p_value=None if trend.by_models is None else trend.by_models.p_value,
        verdict=series.verdict.value,
        n_models=trend.n_models,
        n_rows=series.rows,
    )
