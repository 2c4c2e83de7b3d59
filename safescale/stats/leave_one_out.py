"""Slopes on log10 size with each family, or each model, left out in turn: whose slope is it?"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import InsufficientData
from safescale.stats._domain import FloatVector, IntVector, fraction, group_codes, sizes_and_rates
from safescale.stats.slope import LogScalingSlope, log_scaling_slope

__all__ = ["LeaveOneOutSlopes", "SlopeWithout", "leave_one_family_out", "leave_one_model_out"]


@attrs.frozen(kw_only=True)
class SlopeWithout:
    """
    The slope that remains when one family or model is left out.

    Attributes
    ----------
    left_out : hashable
        The family's label, or the model's position.
    models_left_out : int
        How many models that took away.
    slope : LogScalingSlope or None
        The fit of the others; None where they no longer carry a slope.
    change_pp_per_decade : float or None
        That slope minus the slope of all models.
    undefined_because : str or None
        Why there is no slope.
    """

    left_out: Hashable
    models_left_out: int
    slope: LogScalingSlope | None
    change_pp_per_decade: float | None
    undefined_because: str | None


@attrs.frozen(kw_only=True)
class LeaveOneOutSlopes:
    """
    A slope on log10 size, and how it moves when each part is left out.

    Attributes
    ----------
    slope : LogScalingSlope
        The fit of all models; it carries sizes and rates.
    without : tuple of SlopeWithout
        One per family (in order of first appearance) or model.
    lowest_pp_per_decade, highest_pp_per_decade : float or None
        Range of the slopes that remain; None where none does.
    most_influential : hashable or None
        Whose absence moves the slope most (the first of equals).
    sign_changes : tuple
        Those without whom the slope points the other way.
    undefined : tuple
        Those without whom there is no slope.
    families : tuple or None
        The family of each model; None where models are left out one by one.
    generalises_to : {"new_models"}
        As of the slope.
    """

    slope: LogScalingSlope
    without: tuple[SlopeWithout, ...]
    lowest_pp_per_decade: float | None
    highest_pp_per_decade: float | None
    most_influential: Hashable | None
    sign_changes: tuple[Hashable, ...]
    undefined: tuple[Hashable, ...]
    families: tuple[Hashable, ...] | None
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def leave_one_family_out(
    params_b: npt.ArrayLike, rates: npt.ArrayLike, families: Iterable[Hashable], *, level: float = 0.95
) -> LeaveOneOutSlopes:
    """
    Least-squares slope on log10 size without each family in turn.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates. Unit: fraction in [0, 1].
    families : iterable of hashable, shape (models,)
        Family (lineage) of each model, at least 2.
    level : float, default 0.95
        Nominal coverage of each slope's interval. Unit: probability.

    Returns
    -------
    LeaveOneOutSlopes
        One slope per family. Unit: percentage points per decade. A family without which fewer than 3 sizes remain is
        recorded with the reason, not raised.

    Raises
    ------
    InsufficientData
        If all models together have fewer than 3 distinct sizes, or are all of one family.
    DomainError
        If a size is not positive, a rate not a fraction, a family missing, or lengths differ.

    References
    ----------
    .. [1] R. D. Cook (1977), Technometrics 19, 15-18 (influence by deletion).

    Examples
    --------
    One family makes the slope:

    >>> from safescale.stats import leave_one_family_out
    >>> sizes, rates = [1, 3, 9, 1, 3, 9, 70, 400], [0.3, 0.3, 0.31, 0.32, 0.3, 0.28, 0.8, 0.9]
    >>> found = leave_one_family_out(sizes, rates, list("aaabbbcc"))
    >>> found.most_influential, found.sign_changes, round(found.lowest_pp_per_decade, 1)
    ('c', ('c',), -1.6)
    """
    x, y = sizes_and_rates(params_b, rates)
    labels, codes = group_codes(families, len(x), name="families")
    names = tuple(dict.fromkeys(labels))
    full = log_scaling_slope(x, y, level=fraction("level", level))
    if len(names) < 2:
        raise InsufficientData("all models are of one family, so leaving it out leaves none; use leave_one_model_out")
    return _leave_out(full, x, y, codes, names, labels)


def leave_one_model_out(params_b: npt.ArrayLike, rates: npt.ArrayLike, *, level: float = 0.95) -> LeaveOneOutSlopes:
    """
    Least-squares slope on log10 size without each model in turn.

    Parameters
    ----------
    params_b : array_like of float, shape (models,)
        Model sizes, at least 3 distinct. Unit: billions of parameters.
    rates : array_like of float, shape (models,)
        Rates. Unit: fraction in [0, 1].
    level : float, default 0.95
        Nominal coverage of each slope's interval. Unit: probability.

    Returns
    -------
    LeaveOneOutSlopes
        One slope per model, labelled by its position. Unit: percentage points per decade.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 distinct sizes.
    DomainError
        If a size is not positive, a rate not a fraction, or lengths differ.

    References
    ----------
    .. [1] R. D. Cook (1977), Technometrics 19, 15-18 (influence by deletion).

    Examples
    --------
    >>> from safescale.stats import leave_one_model_out
    >>> found = leave_one_model_out([1, 2, 4, 400], [0.1, 0.11, 0.09, 0.9])
    >>> found.most_influential, found.sign_changes
    (3, (3,))
    """
    x, y = sizes_and_rates(params_b, rates)
    full = log_scaling_slope(x, y, level=fraction("level", level))
    return _leave_out(full, x, y, np.arange(len(x), dtype=np.int64), tuple(range(len(x))), None)


def _leave_out(
    full: LogScalingSlope,
    x: FloatVector,
    y: FloatVector,
    codes: IntVector,
    names: Sequence[Hashable],
    families: tuple[Hashable, ...] | None,
) -> LeaveOneOutSlopes:
    without = tuple(_without(full, x, y, codes != code, name) for code, name in enumerate(names))
    slopes = [part.slope.slope_pp_per_decade for part in without if part.slope is not None]
    moved = [part for part in without if part.change_pp_per_decade is not None]
    return LeaveOneOutSlopes(
        slope=full,
        without=without,
        lowest_pp_per_decade=min(slopes, default=None),
        highest_pp_per_decade=max(slopes, default=None),
        most_influential=max(moved, key=_move).left_out if moved else None,
        sign_changes=tuple(
            part.left_out
            for part in moved
            if part.slope is not None and part.slope.slope_pp_per_decade * full.slope_pp_per_decade < 0
        ),
        undefined=tuple(part.left_out for part in without if part.slope is None),
        families=families,
    )


def _move(part: SlopeWithout) -> float:
    return abs(part.change_pp_per_decade or 0.0)


def _without(full: LogScalingSlope, x: FloatVector, y: FloatVector, kept: npt.NDArray[np.bool_], name: Hashable) -> SlopeWithout:
    left_out = int(np.count_nonzero(~kept))
    distinct = len(np.unique(x[kept]))
    if distinct < 3:
        reason = f"without {name!r} only {distinct} distinct sizes remain, and a slope needs 3"
        return SlopeWithout(
            left_out=name, models_left_out=left_out, slope=None, change_pp_per_decade=None, undefined_because=reason
        )
    slope = log_scaling_slope(x[kept], y[kept], level=full.level)
    return SlopeWithout(
        left_out=name,
        models_left_out=left_out,
        slope=slope,
        change_pp_per_decade=slope.slope_pp_per_decade - full.slope_pp_per_decade,
        undefined_because=None,
    )
