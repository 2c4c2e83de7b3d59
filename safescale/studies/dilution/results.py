"""What a dilution experiment found; every result carries its inputs. Rates and deltas are fractions, slopes pp per decade."""

from __future__ import annotations

import enum
from typing import Literal

import attrs

from safescale.records.outcomes import Tier
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.outcomes import AskedCondition, AskedModel

__all__ = [
    "BetweenModels",
    "Contrast",
    "DilutionResult",
    "DilutionVerdict",
    "DoseOfModel",
    "DoseResponse",
    "GraderAnswer",
    "Interaction",
    "LargestAgainstSmallest",
    "LengthMatch",
    "LineageSlope",
    "ModelDelta",
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
    contrasts of the experiment.
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


@attrs.frozen(kw_only=True)
class Solving:
    """
    How often the puzzle alone is solved, and how that goes with delta. An association: nothing here says why.

    ``rates`` are (model_id, solved, asked); ``within`` compares, within models, prompts whose puzzle was solved with the others:
    difference of mean delta in pp with its interval over models; ``between`` is Spearman's rho over models with its exact p.
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
class GraderAnswer:
    """The whole answer under one grader."""

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
