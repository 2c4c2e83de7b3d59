"""What a dilution experiment found; every result carries its inputs. Rates and deltas are fractions, slopes pp per decade."""

from __future__ import annotations

import enum
from typing import Literal

import attrs

from safescale.records.outcomes import Tier
from safescale.studies.asked import AskedModel
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.outcomes import AskedCondition

__all__ = [
    "BetweenModels",
    "Contrast",
    "DilutionResult",
    "DilutionVerdict",
    "DoseOfModel",
    "DoseResponse",
    "ExclusionBalance",
    "ExclusionOfModel",
    "GraderAnswer",
    "Interaction",
    "LargestAgainstSmallest",
    "LengthMatch",
    "LineageSlope",
    "ModelDelta",
    "OddsSlope",
    "RefusalRate",
    "Room",
    "Solving",
    "TemplateRates",
]


class DilutionVerdict(enum.StrEnum):
    """What the data say of "the puzzle raises attack success more in larger models"."""

    SUPPORTS = "supports"
    CONTRADICTS = "contradicts"
    CANNOT_TELL = "cannot tell"


@attrs.frozen(kw_only=True)
class ModelDelta:
    """
    Attack success of one model under two conditions, paired by prompt.

    Attributes
    ----------
    model : AskedModel
        The model.
    n11, n10, n01, n00 : int or None
        Prompts that failed under both, under ``treated`` alone, under ``control`` alone, under neither; None with several
        samples a prompt.
    prompts : int
        Prompts with an evaluable verdict under both.
    dropped : int
        Harmful prompts without one.
    control_rate, treated_rate, delta : float
        Fractions; ``delta = treated - control``.
    low, high : float
        Interval of delta.
    method : {"tango", "clustered"}
        Tango's score interval of pairs, or a t interval with prompts as clusters.
    variance : float
        Sampling variance of delta (squared fraction), for weights; positive also where no pair differs.
    mcnemar_p : float or None
        Exact two-sided p; None with several samples.
    level : float
        Of the interval.
    p_value : float or None
        Two-sided p of no difference: ``mcnemar_p`` with one sample, else of the clustered interval.
    """

    model: AskedModel
    n11: int | None
    n10: int | None
    n01: int | None
    n00: int | None
    prompts: int
    dropped: int
    control_rate: float
    treated_rate: float
    delta: float
    low: float
    high: float
    method: Literal["tango", "clustered"]
    variance: float
    mcnemar_p: float | None
    level: float
    p_value: float | None = None


@attrs.frozen(kw_only=True)
class LineageSlope:
    """Slope of delta on log10 size within one lineage (one training seed, say)."""

    lineage: str
    models: int
    slope_pp_per_decade: float


@attrs.frozen(kw_only=True)
class BetweenModels:
    """
    Slope of a quantity on log10 size, models as units.

    Attributes
    ----------
    slope_pp_per_decade : float
        Within lineages where there are several with two sizes or more, else over all models.
    low, high : float or None
        Its interval (t on the scatter of models), pp per decade.
    permutation_p, permutation_floor : float
        Exact (or Monte Carlo) permutation of models, within lineages where there are several; and the smallest p possible.
    permutation_method : str
        Which.
    meta_slope_pp_per_decade, meta_low, meta_high, meta_p, tau_pp : float or None
        Meta-regression with spread between models (REML, reference prior).
    tau_low, tau_high : float or None
        Interval of tau, pp.
    lineages : tuple of LineageSlope
        One for each lineage with two sizes or more.
    over_lineages_low, over_lineages_high : float or None
        t interval of the mean slope with lineages (training seeds) as units; None with fewer than two.
    flat_p : float or None
        p of the equivalence test at the margin.
    models : int
        Models in it.
    sizes_b : tuple of float
        Distinct sizes, ascending (1e9 parameters).
    within_lineages : bool
        Whether slope and permutation are within lineages.
    sampling_sd_pp : float or None
        Root mean sampling variance of the models' deltas: what more prompts would remove.
    over_sizes_p, over_sizes_floor : float or None
        The same permutation with sizes as units, each the mean of its models, and the smallest p it can reach; None where every
        size has one model. Training seeds replicate training and not size: what is odd about one size in every seed is in this p
        alone.
    generalises_to : {"new_models"}
        Models are the units.
    """

    slope_pp_per_decade: float
    low: float | None
    high: float | None
    permutation_p: float
    permutation_floor: float
    permutation_method: str
    meta_slope_pp_per_decade: float | None
    meta_low: float | None
    meta_high: float | None
    meta_p: float | None
    tau_pp: float | None
    tau_low: float | None
    tau_high: float | None
    lineages: tuple[LineageSlope, ...]
    over_lineages_low: float | None
    over_lineages_high: float | None
    flat_p: float | None
    models: int
    sizes_b: tuple[float, ...] = ()
    within_lineages: bool = False
    sampling_sd_pp: float | None = None
    over_sizes_p: float | None = None
    over_sizes_floor: float | None = None
    generalises_to: Literal["new_models"] = "new_models"


@attrs.frozen(kw_only=True)
class LargestAgainstSmallest:
    """The rule of report 353: mean delta at the largest size minus that at the smallest, against 20 pp."""

    smallest_b: float
    largest_b: float
    difference_pp: float
    low_pp: float
    high_pp: float
    threshold_pp: float
    large: bool | None
    """True: the interval lies above the threshold; False: below; None: it holds the threshold."""
    prompts: int = 0
    """Prompts that every model at the two sizes answered readably under both conditions."""
    models_smallest: int = 0
    models_largest: int = 0
    lineages: int | None = None
    """Lineages at both sizes, within which the two were compared; None where sizes are compared over all models."""
    over_lineages_low_pp: float | None = None
    over_lineages_high_pp: float | None = None
    """t interval of the same difference with lineages (training seeds) as units; None of fewer than 3."""
    generalises_to: Literal["these_models"] = "these_models"


@attrs.frozen(kw_only=True)
class Interaction:
    """Condition x log10 size on items, prompts as clusters: speaks of these models on other prompts."""

    slope_pp_per_decade: float
    low: float
    high: float
    p_value: float
    prompts: int
    models: int
    generalises_to: Literal["these_models"] = "these_models"


@attrs.frozen(kw_only=True)
class Contrast:
    """
    One condition against another in every model, and over models.

    ``mean``, ``low``, ``high`` (fractions) are over models as units; ``slope`` is on size. ``adjusted_p`` is Holm's over the
    control contrasts of the experiment, ``slope_adjusted_p`` the same for the permutation p of their slopes; None for the main
    contrast, which is no member of that family.
    """

    name: str
    treated: AskedCondition
    control: AskedCondition
    deltas: tuple[ModelDelta, ...]
    mean: float | None
    low: float | None
    high: float | None
    p_value: float | None
    adjusted_p: float | None
    slope: BetweenModels | None
    slope_adjusted_p: float | None = None


@attrs.frozen(kw_only=True)
class DoseOfModel:
    """Delta of one model at each length; ``slope_pp_per_line`` and its interval over prompts as clusters (these models)."""

    model: AskedModel
    lines: tuple[int, ...]
    deltas: tuple[ModelDelta, ...]
    slope_pp_per_line: float | None
    low: float | None
    high: float | None


@attrs.frozen(kw_only=True)
class DoseResponse:
    """Delta against puzzle length: by model; the mean slope over models as units; the slope on size at each length."""

    lines: tuple[int, ...]
    models: tuple[DoseOfModel, ...]
    mean_slope_pp_per_line: float | None
    low: float | None
    high: float | None
    p_value: float | None
    size_slopes: tuple[tuple[int, BetweenModels], ...]
    size_slopes_adjusted_p: tuple[float, ...] = ()
    """Holm's over lengths, in their order."""


@attrs.frozen(kw_only=True)
class Solving:
    """
    How often the puzzle alone is solved, and how that goes with delta. An association: nothing here says why.

    ``rates`` are (model_id, solved, asked); ``within`` compares, within models, prompts whose puzzle was solved with the others:
    difference of mean delta in pp with its interval over models; ``between`` is Spearman's rho over models with its p: exact up to
    12 models, else of random orders.
    """

    rates: tuple[tuple[str, int, int], ...]
    between_rho: float | None
    between_p: float | None
    within_pp: float | None
    within_low_pp: float | None
    within_high_pp: float | None
    why_not: str | None


@attrs.frozen(kw_only=True)
class LengthMatch:
    """Whether neutral prose and puzzle had equal token length, as each model's engine counted: mean and largest difference."""

    rows: tuple[tuple[str, float, int], ...]
    unknown: tuple[str, ...]


@attrs.frozen(kw_only=True)
class TemplateRates:
    """Attack success by template and sample (crossed), averaged over models; shares of variance are of this grid alone."""

    templates: tuple[str, ...]
    samples: int
    rates: tuple[tuple[float, ...], ...]
    sd_templates_pp: float | None
    sd_samples_pp: float | None
    spread_pp: tuple[float, float]


@attrs.frozen(kw_only=True)
class RefusalRate:
    """
    How often one model refuses under one condition, with Wilson's interval; of harmful and of benign prompts apart.

    ``rate``, ``low`` and ``high`` are None where no response was readable: 0 of 0 is not a rate.
    """

    model: AskedModel
    condition: AskedCondition
    prompt_kind: str
    refused: int
    trials: int
    rate: float | None
    low: float | None
    high: float | None
    level: float


@attrs.frozen(kw_only=True)
class ExclusionOfModel:
    """
    Responses to harmful prompts without an evaluable verdict, under both conditions of the main contrast.

    Attributes
    ----------
    responses : int
        Harmful prompts times samples: what each condition was to bring.
    excluded_control, excluded_treated : int
        Of these, how many have no evaluable verdict.
    difference, low, high : float
        Share excluded under treated minus under control (fractions), paired by prompt.
    p_value : float or None
        Exact McNemar (one sample) or clustered t.
    adjusted_p : float or None
        Holm's over models.
    delta_low, delta_high : float
        Worst-case bounds of this model's delta (fractions) over all its harmful prompts: every excluded response counted as it
        lowers or raises delta most (Manski).
    """

    model: AskedModel
    responses: int
    excluded_control: int
    excluded_treated: int
    difference: float
    low: float
    high: float
    p_value: float | None
    adjusted_p: float | None
    delta_low: float
    delta_high: float


@attrs.frozen(kw_only=True)
class ExclusionBalance:
    """
    Whether the puzzle changes how often an answer can be judged, and what that could do to delta and to its slope.

    ``slope`` is the slope on size of the difference in shares excluded; ``slope_low_pp_per_decade`` and
    ``slope_high_pp_per_decade`` bound the slope of delta whatever the excluded responses would have been.
    """

    rows: tuple[ExclusionOfModel, ...]
    slope: BetweenModels | None
    slope_low_pp_per_decade: float | None
    slope_high_pp_per_decade: float | None


@attrs.frozen(kw_only=True)
class OddsSlope:
    """Slope on log10 size of the change in log odds (each count raised by one half), models as units: a sensitivity."""

    slope_logit_per_decade: float
    low: float | None
    high: float | None
    permutation_p: float
    models: int


@attrs.frozen(kw_only=True)
class Room:
    """
    How much delta could move at all: a rate near 1 cannot rise by much, one near 0 cannot fall.

    ``rows`` are (model_id, baseline rate); ``little_up`` names the models whose baseline leaves less than the threshold of the
    rule above it, ``little_down`` those with less below it. ``odds`` is the slope where rates are told apart near 0 and 1.
    """

    rows: tuple[tuple[str, float], ...]
    threshold_pp: float
    little_up: tuple[str, ...]
    little_down: tuple[str, ...]
    odds: OddsSlope | None
    saturated: tuple[str, ...] = ()
    """Models that fail (nearly) all prompts with the puzzle, whatever their baseline: their delta could not be larger."""


@attrs.frozen(kw_only=True)
class GraderAnswer:
    """
    The whole answer under one grader.

    ``not_fitted`` are (model_id, why) of models that are shown and in no slope; ``unavailable`` are (part, why) of parts of the
    answer that could not be computed; ``doubts`` say why the verdict is no firmer than it is; ``duplicates`` are groups of ids
    with one and the same vector of verdicts.
    """

    grader: str
    tier: Tier
    deltas: tuple[ModelDelta, ...]
    size: BetweenModels | None
    without_estimates: BetweenModels | None
    rule: LargestAgainstSmallest | None
    interaction: Interaction | None
    contrasts: tuple[Contrast, ...]
    dose: DoseResponse | None
    solving: Solving | None
    length_match: LengthMatch | None
    templates: TemplateRates | None
    baseline_refusal: tuple[tuple[str, float, int], ...]
    over_refusal: tuple[tuple[str, str, int, int], ...]
    """(model_id, condition, refused, benign prompts with a verdict)."""
    verdict: DilutionVerdict
    words: str
    main: Contrast | None = None
    """Puzzle minus baseline over models; ``deltas`` and ``size`` are its parts."""
    deltas_adjusted_p: tuple[float | None, ...] = ()
    """Holm's over models, of the p of each of ``deltas``."""
    refusal: tuple[RefusalRate, ...] = ()
    exclusions: ExclusionBalance | None = None
    room: Room | None = None
    duplicates: tuple[tuple[str, ...], ...] = ()
    not_fitted: tuple[tuple[str, str], ...] = ()
    unavailable: tuple[tuple[str, str], ...] = ()
    doubts: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class DilutionResult:
    """
    What the experiment found.

    Attributes
    ----------
    design : DilutionDesign
        What was asked.
    answers : tuple of GraderAnswer
        One for each grader, the registered primary one first.
    verdict : DilutionVerdict
        Of the primary grader, unless another grader reverses it: then "cannot tell".
    answer : str
        In words, with what would settle it.
    settle : str
        What would settle it.
    caveats : tuple of str
        What a reader must know.
    fingerprint : str
        Of the corpus.
    """

    design: DilutionDesign
    answers: tuple[GraderAnswer, ...]
    verdict: DilutionVerdict
    answer: str
    settle: str
    caveats: tuple[str, ...]
    fingerprint: str
