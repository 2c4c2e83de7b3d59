"""Which line: the rate, or the log of the rate, on log10 size (or attack compute)? By how well each foretells what is left out."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import InsufficientData
from safescale.stats._domain import FloatVector, choice, fraction, positive, same_length, sizes, successes_of_trials_arrays
from safescale.stats._sign_flips import sign_flip_floor, sign_flip_p_value

__all__ = ["FormVerdict", "ScalingAxis", "ScalingForm", "ScalingFormComparison", "scaling_form_comparison"]

ScalingForm: TypeAlias = Literal["log_linear", "log_log"]
ScalingAxis: TypeAlias = Literal["size", "compute"]
FormVerdict: TypeAlias = Literal["log_linear", "log_log", "cannot_tell"]

SCALING_AXES = ("size", "compute")
# what is left out, in words
_LEFT_OUT: dict[ScalingAxis, str] = {"size": "sizes", "compute": "levels of compute"}
_MORE: dict[ScalingAxis, str] = {"size": "models of other sizes", "compute": "levels of compute"}
MIN_SIZES = 4
_FARTHEST = 12.0  # log odds at the two ends of the line: rates between 6e-6 and 1 - 6e-6


@attrs.frozen(kw_only=True)
class ScalingFormComparison:
    """
    A comparison of two forms of scaling by leave-one-size-out log score.

    Attributes
    ----------
    verdict : {"log_linear", "log_log", "cannot_tell"}
        The form that foretells the left-out sizes better, where ``p_value <= alpha`` and the log score over all traces
        (``difference``) favours the same form; else "cannot_tell".
    reason : str
        The verdict in words, with what would decide where nothing does.
    log_score_log_linear, log_score_log_log : float
        Total log score of each form: log probability (natural) of the left-out counts, over all sizes. Higher is better.
    difference : float
        Log score of "log_log" less that of "log_linear": every trace counts alike, so sizes with many traces decide.
    difference_by_size : tuple of float, shape (sizes,)
        The same, for each left-out size in increasing order; scaled to one trace by ``trials`` of that size.
    p_value : float
        Two-sided sign-flip test of those differences per trace: sizes, not traces, are the units.
    p_floor : float
        The smallest p that so many sizes can reach, ``2 / 2^sizes``.
    alpha : float
        Threshold of the verdict.
    clipped : int
        Predictions that left (0, 1) and were set to the nearest rate that the data can tell from 0 or 1.
    over : {"size", "compute"}
        What the lines run over. With "compute", every "size" here is a level of attack compute.
    left_out_params_b : tuple of float, shape (sizes,)
        The sizes, in increasing order; with ``over="compute"`` the levels.
    params_b : tuple of float
        The sizes that were given; with ``over="compute"`` the levels.
    successes, trials : tuple of int
        The counts that were given.
    generalises_to : {"these_models", "new_models"}
        Sizes that were not fitted are foretold: new models. Levels that were not: of these models.
    """

    verdict: FormVerdict
    reason: str
    log_score_log_linear: float
    log_score_log_log: float
    difference: float
    difference_by_size: tuple[float, ...]
    p_value: float
    p_floor: float
    alpha: float
    clipped: int
    over: ScalingAxis
    left_out_params_b: tuple[float, ...]
    params_b: tuple[float, ...]
    successes: tuple[int, ...]
    trials: tuple[int, ...]
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def scaling_form_comparison(
    params_b: npt.ArrayLike,
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    *,
    over: ScalingAxis = "size",
    alpha: float = 0.05,
) -> ScalingFormComparison:
    """
    Compare ``rate = a + b log10(size)`` with ``log(rate) = a + b log10(size)``.

    Each distinct size is left out in turn; both lines are fitted to the others by binomial maximum likelihood, with rates kept
    inside (0, 1) over the fitted sizes; the left-out counts are scored by their binomial log probability. A rate of zero enters
    through the likelihood: nothing is added to it and nothing is dropped. The differences per trace of the sizes are tested
    against 0 by changing their signs in all ways. That counts sizes alike, and the total log score counts traces alike: where the
    two favour different forms, there is no verdict.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 4 distinct. Unit: billions of parameters. With ``over="compute"``: attack compute of each cell, in any
        unit, above 0 (a baseline without attack has no logarithm), at least 4 distinct levels.
    successes, trials : array_like of int, shape (models,)
        Counts per model. Unit: traces.
    over : {"size", "compute"}, default "size"
        What is left out. Cells of several models may share a level; one line is then drawn through all of them; for a line of each,
        with models as units, use `scaling_form_over_compute`.
    alpha : float, default 0.05
        Threshold of the verdict. Unit: probability.

    Returns
    -------
    ScalingFormComparison
        Shape: scalar. Log scores in natural units.

    Raises
    ------
    InsufficientData
        With fewer than 4 distinct sizes (a line needs 3 of them when one is left out), or no success or no failure at all.
    DomainError
        If an input is out of range.

    Notes
    -----
    "cannot_tell" is the usual answer: under 6 sizes no test can reach .05 (``p_floor``), and over less than two decades the two
    lines hardly part.

    References
    ----------
    .. [1] T. Gneiting, A. E. Raftery (2007), J. Amer. Statist. Assoc. 102, 359-378, section 4 (log score).
    .. [2] E. J. G. Pitman (1937), J. Roy. Statist. Soc. Suppl. 4, 119-130 (sign changes).

    Examples
    --------
    Four sizes cannot tell, whatever they show:

    >>> from safescale.stats import scaling_form_comparison
    >>> found = scaling_form_comparison([1, 3, 10, 30], [400, 200, 100, 50], [1000] * 4)
    >>> found.verdict, found.p_floor
    ('cannot_tell', 0.125)

    Refusals left after 5 to 200 steps of an attack: the log of the rate is straight in log compute:

    >>> found = scaling_form_comparison([5, 10, 20, 50, 100, 200], [800, 400, 200, 80, 40, 20], [1000] * 6, over="compute")
    >>> found.verdict, round(found.p_value, 3), found.generalises_to
    ('log_log', 0.031, 'these_models')
    """
    choice("over", over, SCALING_AXES)
    size = sizes(params_b) if over == "size" else positive("compute", params_b, unit="units of attack compute")
    k, n = (a.astype(np.float64) for a in successes_of_trials_arrays(successes, trials))
    same_length("params_b" if over == "size" else "compute", len(size), "successes", len(k))
    alpha = fraction("alpha", alpha)
    distinct = np.unique(size)
    if len(distinct) < MIN_SIZES:
        raise InsufficientData(
            f"leaving one {'size' if over == 'size' else 'level'} out of a line needs at least {MIN_SIZES} distinct "
            f"{_LEFT_OUT[over]}, got {len(distinct)}; add {_MORE[over]}"
        )
    if k.sum() in (0, n.sum()):
        raise InsufficientData(
            f"{'no success' if k.sum() == 0 else 'no failure'} in {int(n.sum())} traces: both lines are flat; add models or "
            "attacks whose rate lies between 0 and 1"
        )
    x = np.log10(size)
    by_size: dict[ScalingForm, list[float]] = {"log_linear": [], "log_log": []}
    weights, clipped = [], 0
    for left_out in distinct:
        out = size == left_out
        weights.append(float(n[out].sum()))
        for form, scores in by_size.items():
            rate = _line(form, x[~out], k[~out], n[~out], x[out])
            nearest = 0.5 / (float(n[~out].sum()) + 1.0)
            inside = np.clip(rate, nearest, 1 - nearest)
            clipped += int(np.count_nonzero(inside != rate))
            scores.append(float(np.sum(_log_probability(k[out], n[out], inside))))
    differences = np.array(by_size["log_log"]) - np.array(by_size["log_linear"])
    per_trace = differences / np.array(weights)
    p_value, p_floor = sign_flip_p_value(per_trace), sign_flip_floor(len(distinct))
    total = math.fsum(differences.tolist())
    verdict = _verdict(per_trace, total, p_value, alpha)
    return ScalingFormComparison(
        verdict=verdict,
        reason=_reason(verdict, total, p_value, p_floor, alpha, distinct, over),
        log_score_log_linear=math.fsum(by_size["log_linear"]),
        log_score_log_log=math.fsum(by_size["log_log"]),
        difference=total,
        difference_by_size=tuple(per_trace.tolist()),
        p_value=p_value,
        p_floor=p_floor,
        alpha=alpha,
        clipped=clipped,
        over=over,
        left_out_params_b=tuple(distinct.tolist()),
        params_b=tuple(size.tolist()),
        successes=tuple(k.astype(np.int64).tolist()),
        trials=tuple(n.astype(np.int64).tolist()),
        generalises_to="new_models" if over == "size" else "these_models",
    )


def _line(form: ScalingForm, x: FloatVector, k: FloatVector, n: FloatVector, at: FloatVector) -> FloatVector:
    """
    Rates at ``at`` of the line of highest binomial likelihood over ``x``.

    The line is held by the log odds of its two ends, so that every rate between them is one. Either likelihood is concave in
    its line, and the log odds only bend the scale: there is one maximum.
    """
    low, high = float(x.min()), float(x.max())
    share = (x - low) / (high - low)

    def loss(ends: FloatVector) -> tuple[float, FloatVector]:
        one, other = scipy.special.expit(ends)
        rate = _rates(form, one, other, share)
        steep = k / rate - (n - k) / (1 - rate)
        if form == "log_linear":
            slopes = np.array([(1 - share) @ steep * one * (1 - one), share @ steep * other * (1 - other)])
        else:
            slopes = np.array([(1 - share) @ (steep * rate) * (1 - one), share @ (steep * rate) * (1 - other)])
        return -float(np.sum(_log_probability(k, n, rate))) / float(n.sum()), -slopes / float(n.sum())

    start = np.array([_log_odds(k[x == end].sum(), n[x == end].sum()) for end in (low, high)])
    fit = scipy.optimize.minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=[(-_FARTHEST, _FARTHEST)] * 2,
        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 500},
    )
    one, other = scipy.special.expit(fit.x)
    return _rates(form, one, other, (at - low) / (high - low))


def _rates(form: ScalingForm, one: float, other: float, share: FloatVector) -> FloatVector:
    if form == "log_linear":
        return np.asarray(one + (other - one) * share, dtype=np.float64)
    return np.asarray(np.exp(np.log(one) + (np.log(other) - np.log(one)) * share), dtype=np.float64)


def _log_odds(successes: float, trials: float) -> float:
    return float(scipy.special.logit((successes + 0.5) / (trials + 1.0)))


def _log_probability(k: FloatVector, n: FloatVector, rate: FloatVector) -> FloatVector:
    ways = scipy.special.gammaln(n + 1) - scipy.special.gammaln(k + 1) - scipy.special.gammaln(n - k + 1)
    return np.asarray(ways + scipy.special.xlogy(k, rate) + scipy.special.xlog1py(n - k, -rate), dtype=np.float64)


def _verdict(per_trace: FloatVector, total: float, p_value: float, alpha: float) -> FormVerdict:
    tested = float(per_trace.sum())
    if p_value > alpha or tested * total <= 0:
        return "cannot_tell"
    return "log_log" if tested > 0 else "log_linear"


def _reason(
    verdict: FormVerdict, total: float, p_value: float, p_floor: float, alpha: float, distinct: FloatVector, over: ScalingAxis
) -> str:
    what = _LEFT_OUT[over]
    if verdict != "cannot_tell":
        words = "log rate" if verdict == "log_log" else "rate"
        better = f"a line of the {words} on log {over} foretells the left-out {what} better"
        return f"{better} (p = {p_value:.2g} over {len(distinct)} {what})"
    if p_value <= alpha:
        by_sizes, by_traces = ("log rate", "rate") if total <= 0 else ("rate", "log rate")
        return (
            f"{what} counted alike favour a line of the {by_sizes} (p = {p_value:.2g} over {len(distinct)} {what}), "
            f"traces counted alike one of the {by_traces} (log score {abs(total):.3g} higher); "
            f"more traces at the {what} with few would part them"
        )
    if p_floor > alpha:
        needed = math.ceil(1 - math.log2(alpha))
        short = f"{len(distinct)} {what} cannot reach p = {alpha:g} (the floor is {p_floor:.2g})"
        return f"{short}; at least {needed} distinct {what} are needed"
    decades = math.log10(float(distinct[-1] / distinct[0]))
    neither = f"neither line foretells the left-out {what} better (p = {p_value:.2g})"
    return f"{neither}; more {what} over more than {decades:.1f} decades would part them"
