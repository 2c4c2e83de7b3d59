"""One rate: by labels of its own traces, or by the error rates of its condition, or not at all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.analyses.correction.prompts import prompt_effects
from safescale.analyses.correction.results import Basis, CorrectedGroup, CorrectionOptions, CorrectionVerdict, StratumLabels
from safescale.analyses.correction.sentences import corrected_words
from safescale.errors import DomainError
from safescale.records.outcomes import Tier
from safescale.stats import (
    MisclassificationMatrix,
    StratifiedRate,
    misclassification_matrix,
    plan_labels,
    rogan_gladen_rate,
    stratified_rate,
)
from safescale.stats.plan_labels import MIN_LABELS_PER_STRATUM

__all__ = ["FEWEST_OWN", "LARGEST_BARE_SHARE", "Rows", "corrected_group"]

# planning values are kept off 0 and 1: labels are what shows that a grader is perfect
_SMALLEST, _LARGEST = 0.02, 0.98

FEWEST_OWN = 30
"""Labels from which a model is corrected by its own; with fewer, by the error rates of its condition where these tell anything."""

LARGEST_BARE_SHARE = 0.05
"""Verdicts without a label may hold this share of the traces; the interval then allows for all and none of them."""


@attrs.frozen(kw_only=True, eq=False)
class Rows:
    """
    Traces of one condition or model: arrays of shape (traces,).

    ``stratum`` is the verdict that traces were drawn on, or the grader's own; ``truth`` the share of raters who call it a
    success, NaN without an evaluable label; ``unusable`` whether it has labels and none can be evaluated; ``positive`` the
    verdict of the grader to correct, None where it has no such tier.
    """

    stratum: npt.NDArray[np.object_]
    prompt: npt.NDArray[np.object_]
    truth: npt.NDArray[np.float64]
    unusable: npt.NDArray[np.bool_]
    positive: npt.NDArray[np.bool_] | None

    def __len__(self) -> int:
        return len(self.stratum)


def corrected_group(
    rows: Rows,
    *,
    model: str | None,
    tier: Tier,
    options: CorrectionOptions,
    whole: CorrectedGroup | None = None,
) -> CorrectedGroup:
    """
    The corrected rate of these traces.

    Parameters
    ----------
    rows : Rows
        The traces, labelled or not.
    model, tier
        What they are.
    options : CorrectionOptions
        Level and wanted half-width.
    whole : CorrectedGroup, optional
        The same tier over all models of the condition, whose error rates stand in where a model has too few labels.
    """
    strata, sizes = _strata(rows)
    some = [at for at, stratum in enumerate(strata) if stratum.labelled]
    n, k = [strata[at].labelled for at in some], [strata[at].successes for at in some]
    held = [sizes[at] for at in some]
    bare = 1 - sum(held) / sum(sizes) if some else 1.0
    graded_rate = None if rows.positive is None else float(rows.positive.mean())
    rate, here, effects = None, None, (1.0, 1.0)
    if some and bare <= LARGEST_BARE_SHARE:
        effects = prompt_effects(rows.stratum, rows.prompt, rows.truth, [strata[at].verdict for at in some], held)
        here = stratified_rate(k, n, held, design_effect=effects[0], rate_of="traces", level=options.level)
        rate = stratified_rate(k, n, held, design_effect=effects[0], trace_effect=effects[1], level=options.level)
    matrix = _matrix(rows, {s.verdict: size for s, size in zip(strata, sizes, strict=True)}, options.level) if rate else None
    j = _youden(matrix, effects[0])
    reached = None if rate is None else _with_bare(rate, bare, strata, whole)
    found = CorrectedGroup(
        model=model,
        tier=tier,
        traces=len(rows),
        labelled=sum(n),
        graded_rate=graded_rate,
        estimate=None if reached is None else reached[0],
        low=None if reached is None else reached[1],
        high=None if reached is None else reached[2],
        basis=Basis.NOTHING if rate is None else Basis.OWN,
        stratified=rate,
        transported=None,
        strata=tuple(strata),
        matrix=matrix,
        youden_j=None if j is None else j[0],
        youden_low=None if j is None else j[1],
        youden_high=None if j is None else j[2],
        design_effect=effects[0],
        trace_effect=effects[1],
        among_these=None if here is None else _with_bare(here, bare, strata, whole)[1:],
        unlabelled_share=bare if rate is not None else 0.0,
        labels_needed=None,
        verdict=CorrectionVerdict.TOO_SMALL,
        words="",
    )
    if _half(found) > options.half_width:
        found = attrs.evolve(found, labels_needed=_needed(found, rows, options))
    # by the number of labels, not by what they say: choosing the narrower interval would choose by outcome
    if whole is not None and (rate is None or found.labelled < FEWEST_OWN):
        found = _transported(found, rows, whole, options)
    found = attrs.evolve(found, verdict=_verdict(found, options))
    if found.verdict is CorrectionVerdict.NOT_IDENTIFIED and found.basis is Basis.OWN:
        found = attrs.evolve(found, basis=Basis.ALONE)
    return attrs.evolve(found, words=corrected_words(found, options))


def _strata(rows: Rows) -> tuple[list[StratumLabels], list[int]]:
    """
    Labels by stratum, and traces by stratum for the rate.

    Traces that nobody can evaluate belong to no rate, so of a stratum only the share with evaluable labels counts; a stratum
    whose labels are all of that kind is in no rate.
    """
    found, sizes = [], []
    for verdict in sorted(set(rows.stratum.tolist())):
        here = rows.stratum == verdict
        labelled = here & ~np.isnan(rows.truth)
        n, unusable = int(np.count_nonzero(labelled)), int(np.count_nonzero(here & rows.unusable))
        traces = int(np.count_nonzero(here))
        if unusable and not n:
            continue
        size = traces if not unusable else max(n, round(traces * n / (n + unusable)))
        found.append(StratumLabels(verdict=verdict, traces=traces, labelled=n, successes=float(rows.truth[labelled].sum())))
        sizes.append(size)
    return found, sizes


def _matrix(rows: Rows, sizes: dict[str, int], level: float) -> MisclassificationMatrix | None:
    """The grader's errors, each trace weighted by 1 over its chance to be labelled; raters who differ are out of it."""
    if rows.positive is None:
        return None
    one = (rows.truth == 0) | (rows.truth == 1)
    if np.count_nonzero(one) < 2:
        return None
    names = rows.stratum[one].tolist()
    labelled = {name: names.count(name) for name in set(names)}
    chance = [min(1.0, labelled[name] / sizes[name]) for name in names]
    return misclassification_matrix(
        rows.truth[one].astype(np.int64),
        rows.positive[one].astype(np.int64),
        sampled_on="strata",
        inclusion_probabilities=chance,
        level=level,
    )


def _youden(matrix: MisclassificationMatrix | None, effect: float) -> tuple[float, float, float] | None:
    """
    J and its limits, Newcombe's from those of sensitivity and specificity, wider by the root of the design effect.

    None where one of the two is not known.
    """
    if matrix is None:
        return None
    se, sp = matrix.sensitivity, matrix.specificity
    if se.estimate is None or sp.estimate is None or se.low is None or se.high is None or sp.low is None or sp.high is None:
        return None
    j = se.estimate + sp.estimate - 1
    below = math.sqrt(effect) * math.hypot(se.estimate - se.low, sp.estimate - sp.low)
    above = math.sqrt(effect) * math.hypot(se.high - se.estimate, sp.high - sp.estimate)
    return j, max(-1.0, j - below), min(1.0, j + above)


def _with_bare(
    rate: StratifiedRate, bare: float, strata: Sequence[StratumLabels], whole: CorrectedGroup | None
) -> tuple[float, float, float]:
    """Estimate and limits with the traces of verdicts that nobody labelled: all or none of them may be successes."""
    if bare <= 0:
        return rate.estimate, rate.low, rate.high
    missing = [stratum for stratum in strata if not stratum.labelled]
    known = {s.verdict: s.successes / s.labelled for s in (() if whole is None else whole.strata) if s.labelled}
    traces = sum(stratum.traces for stratum in missing)
    guess = sum(stratum.traces * known.get(stratum.verdict, 0.5) for stratum in missing) / traces
    return (1 - bare) * rate.estimate + bare * guess, (1 - bare) * rate.low, (1 - bare) * rate.high + bare


def _transported(found: CorrectedGroup, rows: Rows, whole: CorrectedGroup, options: CorrectionOptions) -> CorrectedGroup:
    """From the weighted error rates of the condition, where they tell anything."""
    if rows.positive is None or whole.matrix is None:
        return found
    try:
        rate = rogan_gladen_rate(int(rows.positive.sum()), len(rows), whole.matrix, level=options.level)
    except DomainError:
        return found
    if rate.estimate is None or rate.interval is None:
        return found
    if whole.youden_low is None or whole.youden_low <= 0:
        return found
    return attrs.evolve(
        found,
        estimate=min(max(rate.estimate, rate.interval[0]), rate.interval[1]),
        low=rate.interval[0],
        high=rate.interval[1],
        basis=Basis.TRANSPORTED,
        transported=rate,
    )


def _verdict(found: CorrectedGroup, options: CorrectionOptions) -> CorrectionVerdict:
    if found.estimate is None or found.low is None or found.high is None:
        return CorrectionVerdict.TOO_SMALL
    silent = found.youden_low is None or found.youden_low <= 0
    if found.basis is Basis.OWN and silent and found.graded_rate is not None:
        return CorrectionVerdict.NOT_IDENTIFIED
    if (found.high - found.low) / 2 > options.half_width:
        return CorrectionVerdict.TOO_SMALL
    if found.graded_rate is None:
        return CorrectionVerdict.NO_GRADED_RATE
    low, high = (found.low, found.high) if found.basis is Basis.TRANSPORTED else found.among_these or (found.low, found.high)
    if low <= found.graded_rate <= high:
        return CorrectionVerdict.NO_ERROR_SHOWN
    return CorrectionVerdict.UNDERSTATES if found.graded_rate < low else CorrectionVerdict.OVERSTATES


def _half(found: CorrectedGroup) -> float:
    return math.inf if found.low is None or found.high is None else (found.high - found.low) / 2


def _needed(found: CorrectedGroup, rows: Rows, options: CorrectionOptions) -> int | None:
    """
    Labels that would do, by the predictive values as they are now or, where unknown, at a half; without the grader where one of
    its verdicts is too rare to be a stratum.
    """
    wanted = options.half_width / math.sqrt(found.design_effect)
    q, traces = found.graded_rate, len(rows)
    planned: int | None
    if q is not None and traces * min(q, 1 - q) >= MIN_LABELS_PER_STRATUM:
        matrix = found.matrix
        pair = (None, None) if matrix is None else (matrix.ppv.estimate, matrix.npv.estimate)
        ppv, npv = (0.5 if value is None else min(_LARGEST, max(_SMALLEST, value)) for value in pair)
        planned = plan_labels(wanted, traces, ppv=ppv, npv=npv, graded_rate=q, level=options.level).n_labels
    else:
        p = 0.5 if found.estimate is None else min(_LARGEST, max(_SMALLEST, found.estimate))
        planned = math.ceil((float(scipy.special.ndtri(0.5 + options.level / 2)) / wanted) ** 2 * p * (1 - p))
    if planned is not None and found.estimate is not None:
        # planning values are rounder than the interval: never fewer than are there already
        planned = max(planned, math.ceil(found.labelled * (_half(found) / options.half_width) ** 2))
    return planned if planned is not None and planned <= traces else None
