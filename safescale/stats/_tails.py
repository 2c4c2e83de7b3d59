"""From a permutation distribution to a p-value, and to the smallest p-value that it could have given."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.stats._domain import count
from safescale.stats.fisher import Alternative

# the fixed seed behind rng=None, the same in the whole room
DEFAULT_SEED = 20_260_630
RESAMPLES = 99_999


def seeded(rng: np.random.Generator | int | None) -> np.random.Generator | int:
    """The generator or seed that was given, or the fixed seed; for ``np.random.default_rng``."""
    if rng is None:
        return DEFAULT_SEED
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool | np.bool_) or not isinstance(rng, int | np.integer) or rng < 0:
        raise DomainError(
            f"rng must be a numpy Generator, a seed (a whole number, 0 or more) or None for the fixed seed, got {rng!r}; "
            "np.random.default_rng makes a Generator of other sources"
        )
    return int(rng)


def tail_share(
    sums: npt.NDArray[np.float64] | npt.NDArray[np.int64],
    observed: float,
    alternative: Alternative,
    *,
    doubled: bool,
    extra: int = 0,
    tolerance: float = 0.0,
) -> float:
    """
    The share of centred sums at least as extreme as the observed one.

    ``extra=1`` counts the observed arrangement among random ones, ``(b + 1) / (m + 1)``; sums closer than
    ``tolerance`` are equal.
    """
    total = len(sums) + extra
    above = (int(np.count_nonzero(sums >= observed - tolerance)) + extra) / total
    below = (int(np.count_nonzero(sums <= observed + tolerance)) + extra) / total
    if alternative == "greater":
        return above
    if alternative == "less":
        return below
    if doubled:
        return min(1.0, 2 * min(above, below))
    return (int(np.count_nonzero(np.abs(sums) >= abs(observed) - tolerance)) + extra) / total


def smallest_share(
    up: Fraction,
    down: Fraction,
    highest: float,
    lowest: float,
    alternative: Alternative,
    *,
    doubled: bool,
    tolerance: float = 0.0,
) -> float:
    """The smallest `tail_share`, from the shares of the arrangements that reach the highest and the lowest sum."""
    one = Fraction(1)
    if alternative != "two-sided":
        return float(up if alternative == "greater" else down)
    if doubled:
        return float(min(one, 2 * min(up, down)))
    if abs(highest + lowest) <= tolerance:
        return float(min(one, up + down))
    return float(up if highest > -lowest else down)


def enough_resamples(resamples: int) -> int:
    """The number of random arrangements that was asked for; a p of .01 must be within reach."""
    m = count("resamples", resamples)
    if m < 99:
        raise DomainError(f"resamples must be at least 99, got {m}; with fewer no p of .01 can be seen")
    return m


def smallest_monte_carlo(alternative: Alternative, *, doubled: bool, resamples: int = RESAMPLES) -> float:
    """The smallest p that so many random arrangements can give."""
    return (2 if doubled and alternative == "two-sided" else 1) / (resamples + 1)
