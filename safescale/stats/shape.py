"""The shape of a series over model size, named only as far as neighbouring differences bear it."""

from __future__ import annotations

from itertools import groupby
from typing import Literal, TypeAlias

import attrs
import numpy.typing as npt

from safescale.errors import InsufficientData
from safescale.stats._domain import fraction
from safescale.stats.separation import AdjacentPair, adjacent_separation

__all__ = ["SeriesShape", "Shape", "shape_of_series"]

Shape: TypeAlias = Literal["increasing", "decreasing", "u", "inverted_u", "several_turns", "none"]


@attrs.frozen(kw_only=True)
class SeriesShape:
    """
    The named shape of an ordered series of proportions.

    Attributes
    ----------
    shape : {"increasing", "decreasing", "u", "inverted_u", "several_turns", "none"}
        "none": no shape is claimed, which is not a claim of flatness.
    surviving : tuple of int
        Per pair of neighbours: +1 or -1 where the rise or fall survives Holm at ``alpha``, else 0.
    pairs : tuple of AdjacentPair
        The differences and their p-values.
    alpha : float
        Family-wise level over the pairs.
    successes, trials : tuple of int
        The counts that were given.
    generalises_to : {"these_models"}
        The trials replicate, the models do not.
    """

    shape: Shape
    surviving: tuple[int, ...]
    pairs: tuple[AdjacentPair, ...]
    alpha: float
    successes: tuple[int, ...]
    trials: tuple[int, ...]
    generalises_to: Literal["these_models"] = "these_models"


def shape_of_series(successes: npt.ArrayLike, trials: npt.ArrayLike, *, alpha: float = 0.05) -> SeriesShape:
    """
    Name the shape of an ordered series of proportions.

    Neighbours are compared by Fisher's exact test, Holm-adjusted over the pairs. A turn (U, inverted U, several) is
    claimed only when differences of opposite sign survive. A monotone shape is claimed when at least one difference
    survives and no observed difference runs the other way.

    Parameters
    ----------
    successes, trials : array_like of int, shape (cells,)
        Counts in the order of the series (model size), at least 3 cells. Unit: traces.
    alpha : float, default 0.05
        Family-wise level, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    SeriesShape
        Shape: scalar, with ``(cells - 1,)`` pairs.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 cells: two points have no shape.
    DomainError
        If a cell is empty or inconsistent.

    References
    ----------
    .. [1] S. Holm (1979), Scand. J. Statist. 6, 65-70.

    Examples
    --------
    Published as a "U-shape", 58.6, 94.8, 78.9 and 57.4 % are the opposite:

    >>> from safescale.stats import shape_of_series
    >>> shape_of_series([1103, 615, 821, 1540], [1882, 649, 1040, 2683]).shape
    'inverted_u'
    """
    alpha = fraction("alpha", alpha)
    series = adjacent_separation(successes, trials)
    if len(series.intervals) < 3:
        raise InsufficientData(f"a shape needs at least 3 cells, got {len(series.intervals)}; report the difference")
    surviving = tuple(_sign(pair.difference) if pair.p_holm <= alpha else 0 for pair in series.pairs)
    observed = {_sign(pair.difference) for pair in series.pairs} - {0}
    return SeriesShape(
        shape=_name([sign for sign, _ in groupby(s for s in surviving if s)], observed),
        surviving=surviving,
        pairs=series.pairs,
        alpha=alpha,
        successes=tuple(interval.successes for interval in series.intervals),
        trials=tuple(interval.trials for interval in series.intervals),
    )


def _sign(difference: float) -> int:
    return (difference > 0) - (difference < 0)


def _name(runs: list[int], observed: set[int]) -> Shape:
    """From the runs of surviving signs, neighbours merged, and the signs of all observed differences."""
    if len(runs) > 2:
        return "several_turns"
    if len(runs) == 2:
        return "inverted_u" if runs[0] > 0 else "u"
    if len(runs) == 1 and len(observed) == 1:
        return "increasing" if runs[0] > 0 else "decreasing"
    return "none"
