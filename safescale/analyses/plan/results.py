"""What a plan says, as numbers with what they rest on."""

from __future__ import annotations

from typing import Literal

import attrs

from safescale.analyses.headline import Headline
from safescale.analyses.inverse_scaling import ScalingVerdict
from safescale.analyses.plan.wanted import Assumptions
from safescale.cells import Selection
from safescale.records.outcomes import Tier

__all__ = [
    "NO_CORPUS",
    "CorpusPlan",
    "Detectable",
    "EvenModels",
    "Evidence",
    "ExactReach",
    "ExactRow",
    "FlatNeeded",
    "LabelsNeeded",
    "ModelsNeeded",
    "PowerCurve",
    "PromptsNeeded",
    "SettingPlan",
    "SizeGain",
    "StudyPlan",
    "ThroughGrader",
    "WiderSizes",
]

NO_CORPUS = "none (assumptions alone)"
"""What stands for the fingerprint where no corpus was read."""


@attrs.frozen(kw_only=True)
class ModelsNeeded:
    """
    Models that find an effect at one tau; None stands for the scatter of a published standard error, here and below.

    ``n_models`` is None where 100,000 are not enough. ``by_power`` is what the t test asks for; the whole is at least the number
    of untied sizes at which an exact test can reject, ``limited_by`` says which of the two binds.
    """

    effect_pp_per_decade: float
    tau_pp: float | None
    n_models: int | None
    by_power: int | None
    limited_by: Literal["power", "exact_floor"]
    power_reached: float | None


@attrs.frozen(kw_only=True)
class Detectable:
    """
    What the models at hand find at one tau.

    ``slope_pp_per_decade`` is found with the power that was asked for, ``endless_prompts_pp_per_decade`` is what it falls to with
    endless prompts (0 at tau 0), ``power_for_effect`` the chance to find the effect that was asked for. ``possible`` is False where
    so steep a line would move a rate by more than 100 pp; None where sizes are not known.
    """

    tau_pp: float | None
    slope_pp_per_decade: float
    slope_pp_per_doubling: float
    possible: bool | None
    endless_prompts_pp_per_decade: float | None
    power_for_effect: float
    sampling_share: float | None


@attrs.frozen(kw_only=True)
class SizeGain:
    """One more model of this size: the smallest slope found then, the decades spanned, the smallest attainable p."""

    size_b: float
    slope_pp_per_decade: float
    gain_pp_per_decade: float | None
    decades: float
    smallest_p: float


@attrs.frozen(kw_only=True)
class WiderSizes:
    """
    As many models as there are, evenly over more decades, that find the effect.

    ``possible`` is False where such a line would leave [0, 1], or the largest size lies beyond every model known.
    """

    n_models: int
    decades: float
    from_b: float
    to_b: float
    possible: bool
    why_not: str | None


@attrs.frozen(kw_only=True)
class EvenModels:
    """Models that find the effect when they stand evenly between these sizes; None where 100,000 are not enough."""

    n_models: int | None
    min_b: float
    max_b: float


@attrs.frozen(kw_only=True)
class PromptsNeeded:
    """
    Prompts per model that let the models at hand find the effect, at one tau.

    ``n_prompts`` is None where no number is enough: ``power_limit`` is what endless prompts give, ``models_needed`` what would do.
    """

    tau_pp: float | None
    n_prompts: int | None
    power_limit: float
    models_needed: int | None


@attrs.frozen(kw_only=True)
class ExactRow:
    """What an exact test of k models of different size can reach: smallest p, alone and after Holm."""

    sizes: int
    smallest_p: float
    after_holm: float
    reaches: bool


@attrs.frozen(kw_only=True)
class ExactReach:
    """Exact tests: rows for 3 to 12 sizes, the sizes needed, and what the models at hand reach (None where unknown)."""

    tests: int
    alpha: float
    rows: tuple[ExactRow, ...]
    sizes_needed: int
    at_hand: float | None


@attrs.frozen(kw_only=True)
class LabelsNeeded:
    """
    Human labels that bring a corrected rate to the half-width, among so many graded traces.

    ``n_labels`` is None where all of them labelled are not enough; ``half_width_limit`` is what they give.
    """

    of: Literal["one model", "all models together"]
    n_traces: int
    half_width: float
    n_labels: int | None
    labels_without_grader: int | None
    half_width_limit: float | None
    unavailable: str | None


@attrs.frozen(kw_only=True)
class ThroughGrader:
    """
    What is left of a slope in graded rates: each true point shows as ``sensitivity + specificity - 1`` of one.

    ``models_needed`` find the graded slope at the graded tau.
    """

    factor: float
    effect_pp_per_decade: float
    models_needed: int | None


@attrs.frozen(kw_only=True)
class FlatNeeded:
    """Models that show a flat slope to be flat within the margin, at one tau; the chance of those at hand."""

    tau_pp: float | None
    n_models: int | None
    power_at_hand: float | None


@attrs.frozen(kw_only=True)
class PowerCurve:
    """Power against number of models, or of the models at hand against effect, at one tau."""

    tau_pp: float | None
    x: tuple[float, ...]
    power: tuple[float, ...]


@attrs.frozen(kw_only=True)
class StudyPlan:
    """
    What it takes to find an effect, and what the models at hand can find.

    Attributes
    ----------
    fingerprint : str
        Of the corpus behind the assumptions, or that there is none.
    assumptions : Assumptions
        Everything that the numbers rest on.
    taus_pp : tuple of float
        Spreads between models that are shown, from the smallest up.
    models : tuple of ModelsNeeded
        Over effects and taus.
    detectable : tuple of Detectable
        Per tau; empty where the models at hand make no slope, or none that their exact test can find (``not_detectable_because``).
    size_gains : tuple of SizeGain
        Which size to add to the models at hand, best first.
    sizes_to_reach : tuple of float or None
        Sizes to add, one at a time where they help most, until the effect is found; None where 40 are not enough.
    wider : WiderSizes or None
        The same number of models over more decades.
    evenly : EvenModels or None
        Models spread evenly over all sizes that models come in.
    prompts : tuple of PromptsNeeded
        Per tau.
    exact : ExactReach
        What exact tests can reach.
    labels : tuple of LabelsNeeded
        Empty where nobody asked.
    through_grader : ThroughGrader or None
        The slope that is left in graded rates.
    flat : tuple of FlatNeeded
        Per tau.
    curves_models, curves_effect : tuple of PowerCurve
        Power against number of models, and against effect.
    caveats : tuple of str
        What the assumptions raise.
    answer : str
        In words.
    """

    fingerprint: str
    assumptions: Assumptions
    taus_pp: tuple[float | None, ...]
    models: tuple[ModelsNeeded, ...]
    detectable: tuple[Detectable, ...]
    not_detectable_because: str | None
    size_gains: tuple[SizeGain, ...]
    sizes_to_reach: tuple[float, ...] | None
    wider: WiderSizes | None
    evenly: EvenModels | None
    prompts: tuple[PromptsNeeded, ...]
    exact: ExactReach
    labels: tuple[LabelsNeeded, ...]
    through_grader: ThroughGrader | None
    flat: tuple[FlatNeeded, ...]
    curves_models: tuple[PowerCurve, ...]
    curves_effect: tuple[PowerCurve, ...]
    caveats: tuple[str, ...]
    answer: str

    def needed(self, effect_pp: float | None = None, tau_pp: float | None = None) -> ModelsNeeded | None:
        """Models for an effect at a tau (default: those that were asked for); None where that tau is not known."""
        effect = self.assumptions.effect_pp_per_decade if effect_pp is None else effect_pp
        tau = self.assumptions.tau_pp if tau_pp is None else tau_pp
        return next((row for row in self.models if (row.effect_pp_per_decade, row.tau_pp) == (effect, tau)), None)

    def flat_at(self, tau_pp: float | None = None) -> FlatNeeded | None:
        """Models for flatness at a tau (default: the one that was asked for)."""
        tau = self.assumptions.tau_pp if tau_pp is None else tau_pp
        return next((row for row in self.flat if row.tau_pp == tau), None)

    def found_at(self, tau_pp: float | None = None) -> Detectable | None:
        """What the models at hand find at a tau (default: the one that was asked for)."""
        tau = self.assumptions.tau_pp if tau_pp is None else tau_pp
        return next((row for row in self.detectable if row.tau_pp == tau), None)

    def prompts_at(self, tau_pp: float | None = None) -> PromptsNeeded | None:
        """Prompts needed at a tau (default: the one that was asked for)."""
        tau = self.assumptions.tau_pp if tau_pp is None else tau_pp
        return next((row for row in self.prompts if row.tau_pp == tau), None)

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """Models needed, and the smallest slope found."""
        return plan_headlines("", self, "")


@attrs.frozen(kw_only=True)
class Evidence:
    """
    What the rows of one series say about the assumptions of a plan.

    Attributes
    ----------
    series : str
        Name of the series.
    sizes_b, rates, trials : tuple
        Of the fitted models; trials are None where a rate was published without n.
    base_rate : float
        Mean rate of the models (fraction).
    tau_pp, tau_interval_pp, tau_cautious_pp
        Spread between models of one size, its interval, and its upper 80 % limit (the upper end of the interval where there is
        none); None where it cannot be estimated.
    tau_cautious_is : str
        Which of the two limits it is.
    tau_unavailable : str or None
        Why it cannot.
    tau_holds_sampling_noise : bool
        Where rows are not known, tau is the whole scatter.
    rows_per_model : float or None
        Harmonic mean of the rows of a model.
    prompts_per_model : int or None
        Rows over traces per prompt.
    traces_per_prompt : int
        Mean number of traces of a prompt and model, rounded.
    prompt_icc : float or None
        Correlation of two traces of one prompt and model, mean over cells weighted by rows; None where no prompt was asked twice.
    icc_unavailable : str or None
        Why there is none.
    slope_pp_per_decade, standard_error_pp_per_decade : float or None
        As fitted.
    found_as_fitted_pp_per_decade : float or None
        Smallest slope that a fit with this standard error would have found, with the power and level of the plan.
    """

    series: str
    sizes_b: tuple[float, ...]
    rates: tuple[float, ...]
    trials: tuple[int | None, ...]
    base_rate: float
    tau_pp: float | None
    tau_interval_pp: tuple[float, float] | None
    tau_cautious_pp: float | None
    tau_cautious_is: str
    tau_unavailable: str | None
    tau_holds_sampling_noise: bool
    rows_per_model: float | None
    prompts_per_model: int | None
    traces_per_prompt: int
    prompt_icc: float | None
    icc_unavailable: str | None
    slope_pp_per_decade: float | None
    standard_error_pp_per_decade: float | None
    found_as_fitted_pp_per_decade: float | None


@attrs.frozen(kw_only=True)
class SettingPlan:
    """
    What would settle the question in one setting.

    ``settled`` where the corpus answers it already; ``plan`` and ``evidence`` are None where there is no series to plan from, and
    ``needs`` says what would make one.
    """

    setting: str
    verdict: ScalingVerdict
    settled: bool
    evidence: Evidence | None
    plan: StudyPlan | None
    needs: tuple[str, ...]
    words: str

    @property
    def open(self) -> bool:
        """Whether the corpus can test the question and does not answer it."""
        return not self.settled and self.verdict is not ScalingVerdict.CANNOT_TEST


@attrs.frozen(kw_only=True)
class CorpusPlan:
    """
    What would settle the question of size, for every grader, target and condition of a corpus.

    ``answer`` is in words; ``settings`` come in the order of the question of inverse scaling.
    """

    fingerprint: str
    selection: Selection
    tier: Tier
    settings: tuple[SettingPlan, ...]
    caveats: tuple[str, ...]
    answer: str

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """Models needed and the smallest slope found, of every setting with a plan."""
        return tuple(
            headline
            for setting in self.settings
            if setting.plan is not None
            for headline in plan_headlines(setting.setting, setting.plan, setting.verdict.value)
        )


def plan_headlines(setting: str, plan: StudyPlan, verdict: str) -> tuple[Headline, ...]:
    """The numbers of a plan that one quotes: at the tau that is known."""
    needed, found, flat = plan.needed(), plan.found_at(), plan.flat_at()
    effect = plan.assumptions.effect_pp_per_decade
    rows = (
        (f"models needed for {effect:g} pp per decade", "models", None if needed is None else needed.n_models),
        ("models needed to show flatness", "models", None if flat is None else flat.n_models),
        ("smallest slope found", "pp per decade", None if found is None else found.slope_pp_per_decade),
    )
    unknown = "the spread between models is not known" if plan.assumptions.tau_pp is None else "cannot be reached"
    return tuple(
        Headline(
            setting=setting,
            quantity=quantity,
            unit=unit,
            estimate=None if value is None else float(value),
            low=None,
            high=None,
            p_value=None,
            verdict=unknown if value is None else verdict or "planned",
            n_models=plan.assumptions.design.n_models,
            n_rows=None,
        )
        for quantity, unit, value in rows
    )
