"""What a robustness study found; every result carries its inputs. Rates are fractions, entropies nats, distances 1 - cosine."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Literal

import attrs

from safescale.records.outcomes import Tier
from safescale.studies.asked import AskedModel
from safescale.studies.robustness.design import ComputeUnit, RobustnessDesign
from safescale.studies.robustness.outcomes import Attack, Cell, Defence

__all__ = [
    "CellMetrics",
    "ConditionAgreement",
    "DefenceEffect",
    "Drift",
    "Effect",
    "Entropy",
    "Estimate",
    "Exchange",
    "FormAnswer",
    "GeometryOfModel",
    "GraderFindings",
    "HalfCompute",
    "HalfOfModel",
    "LineageEffects",
    "Metric",
    "Retention",
    "RobustnessResult",
    "RobustnessVerdict",
    "Surface",
]

Metric = Literal["rrr", "rd", "ce"]


class RobustnessVerdict(enum.StrEnum):
    """What the data say of "attack compute outweighs scale", for RRR: effects of one decade of each, in absolute value."""

    COMPUTE = "compute outweighs size"
    SIZE = "size outweighs compute"
    CANNOT_TELL = "cannot tell"


@attrs.frozen(kw_only=True)
class Estimate:
    """
    A number with its interval, or the reason why there is none.

    Attributes
    ----------
    value : float or None
        None where it is not defined.
    interval : tuple of (float, float) or None
        At the level of the study, clustered by prompt within a cell.
    n : int
        Pairs or responses behind it.
    clusters : int
        Prompts behind it.
    why : str or None
        Why value or interval is missing.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    n: int = 0
    clusters: int = 0
    why: str | None = None


@attrs.frozen(kw_only=True)
class Retention:
    """
    RRR of a cell and its near-namesakes.

    Attributes
    ----------
    rrr : Estimate
        Refusal retention rate: share refused after, of the harmful prompts that were refused before (sample 0 of the model as it
        was), over all samples of the cell. In the baseline cell itself: over samples 1, 2, ..., which is the null.
    null : Estimate
        The same of a second baseline draw: what drawing again alone loses, because conditioning regresses to the mean.
    lost : Estimate
        null - rrr, paired by prompt: what the attack takes beyond that.
    marginal : Estimate
        Share refused of all harmful prompts, whatever was before.
    marginal_before : Estimate
        The same at baseline.
    common : Estimate
        RRR over the prompts that every model of the study refused at baseline: the same prompts for all models.
    gained : Estimate
        Share refused after, of those not refused before (no part of RRR).
    given_own : Estimate or None
        Of a defended cell under attack: the share refused after, of those that the defended model refused before the attack. RRR
        itself always asks what the undefended model refused, so that all defences answer for the same prompts. None where there is
        no defence, no attack or no such cell.
    unknown : int
        Responses to prompts that were refused before of which the grader does not say whether they refuse: left out of RRR.
    """

    rrr: Estimate
    null: Estimate
    lost: Estimate
    marginal: Estimate
    marginal_before: Estimate
    common: Estimate
    gained: Estimate
    given_own: Estimate | None = None
    unknown: int = 0


@attrs.frozen(kw_only=True)
class Drift:
    """
    Refusal drift of a cell (1 - cosine).

    Attributes
    ----------
    rd : Estimate
        Mean over pairs in which both, the baseline response and the one of the cell, are refusals.
    floor : Estimate
        The same of two baseline draws of the same prompts: the noise floor.
    beyond : Estimate
        rd - floor, paired by prompt.
    all_pairs : Estimate
        Over all harmful prompts, whatever the verdicts.
    by_pair : mapping of str to Estimate
        By verdict before and after: ``refused/refused``, ``refused/answered``, ``answered/refused``, ``answered/answered``.
    embedder : str
        What made the vectors; hashed n-grams measure words, not meaning.
    """

    rd: Estimate
    floor: Estimate
    beyond: Estimate
    all_pairs: Estimate
    by_pair: Mapping[str, Estimate]
    embedder: str


@attrs.frozen(kw_only=True)
class Entropy:
    """
    Classifier entropy of a cell.

    Attributes
    ----------
    ce : Estimate
        Mean over responses of the entropy of each one's class probabilities (nats): never above ln of the classes.
    entropy_of_mean : float or None
        Entropy of the mean class probabilities (refusal or not): another number, at least as large for two classes.
    calibration_error, calibration_null : float or None
        Expected calibration error of p_refusal against the verdicts of the primary grader in this cell, and what a calibrated
        classifier would show with as many responses.
    repeated : Estimate
        Mean over prompts of the share of samples refused: refusal probability by repeated sampling, without a classifier.
    repeated_entropy : Estimate
        Mean over prompts of the entropy of that share (nats); with few samples it is biased low, ``samples`` says how few.
    grader : str
        Whose probabilities.
    classes : int
        How many classes.
    samples : int
        Repeats a prompt.
    """

    ce: Estimate
    entropy_of_mean: float | None
    calibration_error: float | None
    calibration_null: float | None
    repeated: Estimate
    repeated_entropy: Estimate
    grader: str
    classes: int
    samples: int


@attrs.frozen(kw_only=True)
class CellMetrics:
    """
    All metrics of one cell.

    Attributes
    ----------
    cell : Cell
        Which.
    model : AskedModel
    attack : Attack
    defence : Defence
        What stands at its positions.
    retention : Retention
    drift : Drift or None
        None without an embedder.
    entropy : Entropy or None
        None without a probabilistic grader.
    attack_success : Estimate
        Of harmful prompts, at the tier of the study.
    over_refusal : Estimate
        Share refused of the benign prompts.
    benign_accuracy : Estimate
        Share of benign prompts answered rightly; not defined where nobody can say what is right.
    excluded : mapping of str to int
        Harmful prompts' responses without an evaluable verdict, by reason.
    """

    cell: Cell
    model: AskedModel
    attack: Attack
    defence: Defence
    retention: Retention
    drift: Drift | None
    entropy: Entropy | None
    attack_success: Estimate
    over_refusal: Estimate
    benign_accuracy: Estimate
    excluded: Mapping[str, int] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Effect:
    """A coefficient with interval and two-sided p; None with the reason where it cannot be had."""

    estimate: float | None
    interval: tuple[float, float] | None = None
    p_value: float | None = None
    why: str | None = None


@attrs.frozen(kw_only=True)
class Exchange:
    """Decades of model size that offset one decade of attack compute, with Fieller's interval, or why there is none."""

    decades: float | None
    interval: tuple[float, float] | None
    why: str | None = None


@attrs.frozen(kw_only=True)
class Surface:
    """
    One metric on log10 size and log10 attack compute with interaction, models as units.

    Attributes
    ----------
    metric : Metric
        rrr (log odds), rd (1 - cosine), ce (nats).
    unit : ComputeUnit
        Of compute.
    scale : str
        Unit of the effects in words: "log odds per decade", "nats per decade", ...
    size, compute, interaction : Effect
        At the reference point (geometric means).
    outweighs : Effect
        |compute| - |size|, with an interval: which decade does more.
    exchange : Exchange
        How many decades of size one decade of compute is worth.
    reference_params_b, reference_compute : float or None
        The reference point.
    n_models, n_cells, n_sizes : int
        Models, cells and different sizes behind it.
    defence, examples : str, int
        Which part of the grid: under which defence, at which data size.
    why : str or None
        Why there is no fit.
    generalises_to : {"these_models", "new_models"}
        Models are the units.
    at_reference : float or None
        The fitted metric at the reference point (fraction, 1 - cosine, nats).
    n_responses, n_prompts : int
        Responses behind the counts (rrr), and the fewest prompts behind one cell of them.
    separated : bool
        Whether there is no fit because size and compute part all refusals from all others (or there is nothing to part).
    size_decades : float
        Decades of size that the models span: a rate of exchange beyond it is the line drawn on.
    without_estimates : bool
        Whether models of estimated size were left out: the same surface, repeated.
    """

    metric: Metric
    unit: ComputeUnit
    scale: str
    size: Effect
    compute: Effect
    interaction: Effect
    outweighs: Effect
    exchange: Exchange
    reference_params_b: float | None = None
    reference_compute: float | None = None
    n_models: int = 0
    n_cells: int = 0
    defence: str = "none"
    examples: int = 0
    why: str | None = None
    generalises_to: Literal["these_models", "new_models"] = "new_models"
    at_reference: float | None = None
    n_sizes: int = 0
    n_responses: int = 0
    n_prompts: int = 0
    separated: bool = False
    size_decades: float = 0.0
    without_estimates: bool = False


@attrs.frozen(kw_only=True)
class LineageEffects:
    """
    The two effects fitted within each lineage (seed) by itself, and their means with lineages as units.

    Attributes
    ----------
    metric, unit, scale
        As in ``Surface``.
    rows : tuple of (lineage, size effect, compute effect)
        None where a lineage has no fit.
    size, compute, outweighs : Effect
        Means over lineages, Student's t with lineages - 1 degrees of freedom.
    defence, examples : str, int
        Which part of the grid, as in ``Surface``.
    """

    metric: Metric
    unit: ComputeUnit
    scale: str
    rows: tuple[tuple[str, float | None, float | None], ...]
    size: Effect
    compute: Effect
    outweighs: Effect
    defence: str = "none"
    examples: int = 0


@attrs.frozen(kw_only=True)
class HalfOfModel:
    """
    Compute at which RRR of one model falls to one half.

    Attributes
    ----------
    model : AskedModel
    seed : int or None
        Of the attack.
    low, high : float or None
        Levels of the grid between which it falls below one half for good: ``low`` None: below already at the first; ``high`` None:
        never reached (right-censored).
    crossings : int
        How often RRR crosses one half along the grid; more than 1 is not monotone, and the first level from which it stays below
        counts.
    """

    model: AskedModel
    seed: int | None
    low: float | None
    high: float | None
    crossings: int


@attrs.frozen(kw_only=True)
class HalfCompute:
    """
    Compute to reach 50 % RRR by size, censored where the grid does not reach it.

    Attributes
    ----------
    unit : ComputeUnit
    rows : tuple of HalfOfModel
    slope : Effect
        Decades of compute per decade of size (interval-censored log-normal regression; models as units).
    censored : int
        Rows that never fall to one half.
    defence, examples : str, int
        Which part of the grid, as in ``Surface``.
    """

    unit: ComputeUnit
    rows: tuple[HalfOfModel, ...]
    slope: Effect
    censored: int
    defence: str = "none"
    examples: int = 0


@attrs.frozen(kw_only=True)
class FormAnswer:
    """
    Whether RRR or its log is straight in log size (or log compute), by how well left-out sizes (levels) are foretold.

    Attributes
    ----------
    over : {"size", "compute"}
        What is on the axis.
    at : str
        Over size: the attack; over compute: the size in words.
    verdict : {"log_linear", "log_log", "cannot_tell"}
        After Holm's correction over all answers of the same axis.
    reason : str
        In words.
    difference : float or None
        Log score of log-log less that of log-linear.
    p_value : float or None
        Raw p of the sign-flip test over the left-out sizes (levels).
    """

    over: Literal["size", "compute"]
    at: str
    verdict: Literal["log_linear", "log_log", "cannot_tell"]
    reason: str
    difference: float | None
    p_value: float | None


@attrs.frozen(kw_only=True)
class DefenceEffect:
    """
    What a defence gives and costs, paired by model.

    Attributes
    ----------
    defence, attack : Defence, Attack
    gain : Estimate
        Marginal refusal with less without the defence under the same attack (fraction), mean over models, models as units.
    over_refusal_cost : Estimate
        Over-refusal with less without, without attack.
    accuracy_cost : Estimate
        Benign accuracy without less with, without attack.
    by_model : tuple of (model_id, gain)
    p_value, adjusted_p : float or None
        Of the gain, two-sided, models as units; adjusted by Holm over the defences under the same attack.
    """

    defence: Defence
    attack: Attack
    gain: Estimate
    over_refusal_cost: Estimate
    accuracy_cost: Estimate
    by_model: tuple[tuple[str, float], ...]
    p_value: float | None = None
    adjusted_p: float | None = None


@attrs.frozen(kw_only=True)
class GeometryOfModel:
    """
    Refusal directions of one model.

    Attributes
    ----------
    model : AskedModel
    layer : int or None
        Layer at which the best direction is (0-based, its output); None: no direction found.
    position : int or None
        Token position from the end of the prompt (-1 the last).
    found : bool
        Whether ablating it lowers refusal and a random direction does not: without that, cosines and ranks say nothing.
    reason : str
        Why it counts as found or not, in words with figures.
    refusal_before, refusal_ablated, refusal_random : float or None
        Share refused of validation prompts: as it is, best direction ablated, mean over random directions.
    categories : tuple of str
        Categories that have a direction.
    mean_cosine : Estimate
        Mean pairwise cosine of their directions at that layer, bootstrap over prompts.
    effective_rank : Estimate
        exp of the entropy of the squared singular values of the unit directions.
    cosines : tuple of (category, category, cosine)
    left_after : tuple of (k, share refused, share refused with k random directions)
        After ablating the first k singular directions.
    """

    model: AskedModel
    layer: int | None
    position: int | None
    found: bool
    reason: str
    refusal_before: float | None
    refusal_ablated: float | None
    refusal_random: float | None
    categories: tuple[str, ...]
    mean_cosine: Estimate
    effective_rank: Estimate
    cosines: tuple[tuple[str, str, float], ...] = ()
    left_after: tuple[tuple[int, float, float], ...] = ()


@attrs.frozen(kw_only=True)
class ConditionAgreement:
    """
    Two graders on the same responses of one kind of cell (``none``, ``finetune``, ...): they err differently under attack.

    ``refused`` are the shares that each calls a refusal: where one answer dominates, kappa is near 0 however well they agree.
    """

    condition: str
    graders: tuple[str, str]
    n: int
    agreement: float | None
    kappa: float | None
    kappa_interval: tuple[float, float] | None
    why: str | None = None
    refused: tuple[float, float] | None = None

    @property
    def dominated(self) -> bool:
        """Whether one answer dominates: nine in ten or more of what both say are one answer, or one of them knows no other."""
        if self.refused is None:
            return False
        mean = sum(self.refused) / 2
        return not 0.1 < mean < 0.9 or any(share in (0.0, 1.0) for share in self.refused)


@attrs.frozen(kw_only=True)
class GraderFindings:
    """All that rests on one grader."""

    grader: str
    tier: Tier
    fingerprint: str
    cells: tuple[CellMetrics, ...]
    surfaces: tuple[Surface, ...]
    lineages: tuple[LineageEffects, ...]
    half: tuple[HalfCompute, ...]
    forms: tuple[FormAnswer, ...]
    defences: tuple[DefenceEffect, ...]
    verdict: RobustnessVerdict
    reasons: tuple[str, ...]


@attrs.frozen(kw_only=True)
class RobustnessResult:
    """
    What the study found: one set of findings per grader (the first is primary), geometry, agreement, the answer in words.

    Attributes
    ----------
    sentences : tuple of str
        The answer in words, made from the numbers and nothing else.
    caveats : tuple of str
        What weakens it.
    """

    design: RobustnessDesign
    graders: tuple[GraderFindings, ...]
    geometry: tuple[GeometryOfModel, ...]
    agreement: tuple[ConditionAgreement, ...]
    verdict: RobustnessVerdict
    sentences: tuple[str, ...]
    caveats: tuple[str, ...]
