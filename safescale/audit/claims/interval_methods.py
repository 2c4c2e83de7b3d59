"""Every way in which a paper's interval of a proportion may have been made, many counts at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.stats import (
    agresti_coull_intervals,
    clopper_pearson_intervals,
    jeffreys_intervals,
    wilson_continuity_intervals,
    wilson_intervals,
)

__all__ = ["METHODS", "VARIANTS", "Bounds", "Variant", "method_words", "z_values"]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bounds: TypeAlias = "tuple[Floats, Floats]"

METHODS: Final[dict[str, str]] = {
    "wilson": "Wilson",
    "wilson continuity": "Wilson with continuity correction",
    "clopper pearson": "Clopper-Pearson",
    "agresti coull": "Agresti-Coull",
    "jeffreys": "Jeffreys",
    "wald": "Wald",
    "wald continuity": "Wald with continuity correction",
    "uniform prior": "posterior under a uniform prior",
}


@attrs.frozen(kw_only=True)
class Variant:
    """One formula of a method; ``detail`` says what sets it apart from the usual one."""

    method: str
    bounds: Callable[[Ints, Ints, float], Bounds]
    detail: str = ""

    @property
    def words(self) -> str:
        """Name of the method with the detail."""
        return method_words(self.method) + (f" ({self.detail})" if self.detail else "")


def method_words(method: str) -> str:
    """Name of a method for readers."""
    return METHODS.get(method, method)


def z_values(level: float) -> tuple[float, ...]:
    """Quantiles in use for a level, as levels: exact, and rounded to two or three decimals (1.96, 1.645, 2.58)."""
    z = -float(scipy.special.ndtri((1 - level) / 2))
    rounded = dict.fromkeys((round(z, 2), round(z, 3), *((1.65,) if round(z, 2) == 1.64 else ())))
    return (level, *(math.erf(value / math.sqrt(2)) for value in rounded))


def _floats(values: object) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _z(level: float) -> float:
    return -float(scipy.special.ndtri((1 - level) / 2))


def _wilson(k: Ints, n: Ints, level: float) -> Bounds:
    found = wilson_intervals(k, n, level=level)
    return found.low, found.high


def _wilson_continuity(k: Ints, n: Ints, level: float) -> Bounds:
    found = wilson_continuity_intervals(k, n, level=level)
    return found.low, found.high


def _wilson_continuity_r(k: Ints, n: Ints, level: float) -> Bounds:
    """R's ``prop.test`` corrects by at most ``|k - n/2|``."""
    (low, high), (plain_low, plain_high) = _wilson_continuity(k, n, level), _wilson(k, n, level)
    middle = 2 * k == n
    return np.where(middle, plain_low, low), np.where(middle, plain_high, high)


def _clopper_pearson(k: Ints, n: Ints, level: float) -> Bounds:
    found = clopper_pearson_intervals(k, n, level=level)
    return found.low, found.high


def _clopper_pearson_one_sided_edges(k: Ints, n: Ints, level: float) -> Bounds:
    """At 0 and n the whole error goes to the side that is open."""
    low, high = _clopper_pearson(k, n, level)
    edge = 1 - (1 - level) ** (1 / n)
    return np.where(k == n, 1 - edge, low), np.where(k == 0, edge, high)


def _agresti_coull(k: Ints, n: Ints, level: float) -> Bounds:
    found = agresti_coull_intervals(k, n, level=level)
    return found.low, found.high


def _around(p: Floats, half: Floats) -> Bounds:
    return p - half, p + half


def _agresti_coull_unclipped(k: Ints, n: Ints, level: float) -> Bounds:
    z2 = _z(level) ** 2
    total = n + z2
    p = (k + z2 / 2) / total
    return _around(p, np.sqrt(z2 * p * (1 - p) / total))


def _plus_four(k: Ints, n: Ints, level: float) -> Bounds:
    p = (k + 2) / (n + 4)
    return _around(p, _z(level) * np.sqrt(p * (1 - p) / (n + 4)))


def _jeffreys(k: Ints, n: Ints, level: float) -> Bounds:
    found = jeffreys_intervals(k, n, level=level)
    return found.low, found.high


def _jeffreys_tails(k: Ints, n: Ints, level: float) -> Bounds:
    """Equal tails at 0 and n too, as several programs have them."""
    a = (1 - level) / 2
    return (
        _floats(scipy.special.betaincinv(k + 0.5, n - k + 0.5, a)),
        _floats(scipy.special.betaincinv(k + 0.5, n - k + 0.5, 1 - a)),
    )


def _uniform_tails(k: Ints, n: Ints, level: float) -> Bounds:
    a = (1 - level) / 2
    return (
        _floats(scipy.special.betaincinv(k + 1, n - k + 1, a)),
        _floats(scipy.special.betaincinv(k + 1, n - k + 1, 1 - a)),
    )


def _wald(k: Ints, n: Ints, level: float) -> Bounds:
    p = k / n
    return _around(p, _z(level) * np.sqrt(p * (1 - p) / n))


def _wald_of_sample(k: Ints, n: Ints, level: float) -> Bounds:
    """Standard error from the sample's standard deviation, n - 1 below it."""
    p = k / n
    return _around(p, _z(level) * np.sqrt(p * (1 - p) / np.maximum(n - 1, 1)))


def _student(k: Ints, n: Ints, level: float) -> Bounds:
    p, dof = k / n, np.maximum(n - 1, 1)
    return _around(p, -_floats(scipy.special.stdtrit(dof, (1 - level) / 2)) * np.sqrt(p * (1 - p) / dof))


def _wald_continuity(k: Ints, n: Ints, level: float) -> Bounds:
    p = k / n
    return _around(p, _z(level) * np.sqrt(p * (1 - p) / n) + 1 / (2 * n))


def _clipped(bounds: Callable[[Ints, Ints, float], Bounds]) -> Callable[[Ints, Ints, float], Bounds]:
    def inside(k: Ints, n: Ints, level: float) -> Bounds:
        low, high = bounds(k, n, level)
        return np.clip(low, 0, 1), np.clip(high, 0, 1)

    return inside


VARIANTS: Final[tuple[Variant, ...]] = (
    Variant(method="wilson", bounds=_wilson),
    Variant(method="clopper pearson", bounds=_clopper_pearson),
    Variant(method="wald", bounds=_clipped(_wald)),
    Variant(method="wald", bounds=_wald, detail="not cut off at 0 and 1"),
    Variant(method="agresti coull", bounds=_agresti_coull),
    Variant(method="jeffreys", bounds=_jeffreys),
    Variant(method="wilson continuity", bounds=_wilson_continuity),
    Variant(method="wilson continuity", bounds=_wilson_continuity_r, detail="as R's prop.test"),
    Variant(method="jeffreys", bounds=_jeffreys_tails, detail="equal tails at 0 and n too"),
    Variant(method="agresti coull", bounds=_agresti_coull_unclipped, detail="not cut off at 0 and 1"),
    Variant(method="agresti coull", bounds=_plus_four, detail="two successes and two failures added"),
    Variant(method="agresti coull", bounds=_clipped(_plus_four), detail="two successes and two failures added, cut off"),
    Variant(method="clopper pearson", bounds=_clopper_pearson_one_sided_edges, detail="one-sided at 0 and n"),
    Variant(method="wald", bounds=_wald_of_sample, detail="n - 1 in the variance"),
    Variant(method="wald", bounds=_clipped(_wald_of_sample), detail="n - 1 in the variance, cut off"),
    Variant(method="wald", bounds=_student, detail="Student's t"),
    Variant(method="wald", bounds=_clipped(_student), detail="Student's t, cut off"),
    Variant(method="wald continuity", bounds=_wald_continuity),
    Variant(method="wald continuity", bounds=_clipped(_wald_continuity), detail="cut off at 0 and 1"),
    Variant(method="uniform prior", bounds=_uniform_tails),
)
"""The usual form of each method first."""
