"""
What a meta-regression on log size says once its values and their variances are known: slope, interval, p, tau.

Private: rates and differences of rates come here with their own checks done.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import scipy

from safescale.stats._domain import FloatVector
from safescale.stats._inference import ROUNDING, student_inference
from safescale.stats._random_effects import (
    WeightedLine,
    mixture_quantiles,
    mixture_tails,
    q_profile,
    reml_tau2,
    slope_mixture,
    weighted_line,
)

MetaRegressionMethod: TypeAlias = Literal["reference_prior", "knapp_hartung", "knapp_hartung_guarded"]
META_REGRESSION_METHODS = ("reference_prior", "knapp_hartung", "knapp_hartung_guarded")
_TINY = float(np.finfo(np.float64).tiny)
_SE_TAIL = 0.025  # of the interval that the standard error of a mixture is read from; with 3 or 4 models it has no variance


class MetaRegression(NamedTuple):
    """Slope and its inference (fractions per decade; the interval in pp), and the spread tau as fractions."""

    slope: float
    standard_error_pp: float | None
    interval_pp: tuple[float, float] | None
    p_value: float | None
    undefined_because: str | None
    height_at_1b: float
    tau2: float
    tau_interval_pp: tuple[float, float] | None
    tau_undefined_because: str | None
    noise_share: float
    i_squared: float
    q_residual: float


def meta_regression(
    x: FloatVector, y: FloatVector, v: FloatVector, method: MetaRegressionMethod, level: float, *, values: str
) -> MetaRegression:
    """The random-effects line of y on x = log10 size; v are known variances of y, ``values`` is what reasons call it."""
    tau2 = float(reml_tau2(x, y, v))
    line, at_zero = weighted_line(x, y, v, np.asarray(tau2)), weighted_line(x, y, v, np.asarray(0.0))
    inference = (
        _integrated(x, y, v, level) if method == "reference_prior" else _knapp_hartung(line, len(x) - 2, method, level, values)
    )
    tau = q_profile(x, y, v, level)
    typical = (len(x) - 2) / float(at_zero.residual_trace)
    return MetaRegression(
        slope=inference.slope,
        standard_error_pp=inference.standard_error,
        interval_pp=inference.interval,
        p_value=inference.p_value,
        undefined_because=inference.undefined_because,
        height_at_1b=float(line.height - line.slope * line.centre),
        tau2=tau2,
        tau_interval_pp=None if tau is None else (100 * float(np.sqrt(tau[0])), 100 * float(np.sqrt(tau[1]))),
        tau_undefined_because=None if tau is not None else _too_little_scatter(float(at_zero.q), len(x) - 2, values),
        noise_share=float(v.mean() / (v.mean() + tau2)),
        i_squared=tau2 / (tau2 + typical),
        q_residual=float(at_zero.q),
    )


class _Inference(NamedTuple):
    slope: float
    standard_error: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    undefined_because: str | None


def _integrated(x: FloatVector, y: FloatVector, v: FloatVector, level: float) -> _Inference:
    mixture = slope_mixture(x, y, v)
    slopes, sds = mixture.line.slope, 1.0 / np.sqrt(mixture.line.information)
    tail = (1.0 - level) / 2.0
    wanted = np.array([tail, _SE_TAIL, 0.5, 1.0 - _SE_TAIL, 1.0 - tail])
    low, near, slope, far, high = mixture_quantiles(slopes, sds, mixture.mass, wanted).tolist()
    below, above = mixture_tails(slopes, sds, mixture.mass, np.asarray(0.0))
    t = -float(scipy.special.stdtrit(len(x) - 2, _SE_TAIL))
    p_value = min(1.0, max(2 * min(float(below), float(above)), _TINY))
    return _Inference(slope, 100 * (far - near) / (2 * t), (100 * low, 100 * high), p_value, None)


def _knapp_hartung(line: WeightedLine, dof: int, method: MetaRegressionMethod, level: float, values: str) -> _Inference:
    slope, q = float(line.slope), float(line.q) / dof
    if method == "knapp_hartung" and q <= ROUNDING:
        reason = f"the {values} lie on the fitted line, which leaves no scatter to scale by; use method='reference_prior'"
        return _Inference(slope, None, None, None, reason)
    inflation = max(1.0, q) if method == "knapp_hartung_guarded" else q
    se = float(np.sqrt(inflation / line.information))
    interval, p_value = student_inference(slope, se, dof, level)
    return _Inference(slope, 100 * se, interval, p_value, None)


def _too_little_scatter(q: float, dof: int, values: str) -> str:
    return (
        f"the {values} scatter less about the line than their sampling variances allow (Q = {q:.3g} on {dof} degrees of "
        "freedom), so no spread between models fits; are the variances too large, or the models not independent?"
    )
