"""How much of the spread a factor and a covariate explain: each alone, each beyond the other, and in common."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.errors import InsufficientData
from safescale.stats._domain import FloatVector, same_length, squarable, unit_labels, vector
from safescale.stats._one_way import OneWay, one_way

__all__ = ["CommonalityAnalysis", "CommonalityShares", "commonality"]


@attrs.frozen(kw_only=True)
class CommonalityShares:
    """
    Shares of the sum of squares, on R squared or on adjusted R squared.

    ``total = unique_first + unique_second + common`` and ``total = shapley_first + shapley_second``, while ``first_alone +
    second_alone`` is ``total + common``.

    Attributes
    ----------
    first_alone, second_alone : float
        Fit with this factor only.
    total : float
        Fit with both.
    unique_first, unique_second : float
        What a factor adds to the other.
    common : float
        ``first_alone + second_alone - total``. Negative where one factor hides the other.
    shapley_first, shapley_second : float
        The mean of what a factor explains alone and what it adds to the other (LMG).
    residual : float
        ``1 - total``.
    """

    first_alone: float
    second_alone: float
    total: float
    unique_first: float
    unique_second: float
    common: float
    shapley_first: float
    shapley_second: float
    residual: float


@attrs.frozen(kw_only=True)
class CommonalityAnalysis:
    """
    What a factor (provider) and a covariate (log size) explain, alone, uniquely and in common.

    Attributes
    ----------
    r_squared, adjusted : CommonalityShares
        On R squared, which every degree of freedom raises, and on ``1 - (1 - R2) (n - 1) / (n - p - 1)``, which chance alone
        leaves at 0. Compare factors of unequal degrees of freedom on `adjusted`; its shares can be negative.
    p_first, p_second : float or None
        F test of what the factor adds to the covariate, and the covariate to the factor. None where both leave no residual.
    df_first, df_second, df_residual, n : int
        ``k - 1``, 1, ``n - k - 1`` and the number of values.
    single_member_groups : tuple
        Groups of one value: each spends a degree of freedom to fit its value exactly and says nothing about the covariate.
    y, second : tuple of float
        The values and the covariate that were given.
    first : tuple
        The factor's label for each value.
    note : str
        What the shares are not.
    generalises_to : {"new_models"}
        Values are the units; the tests speak of further ones of these groups.
    """

    r_squared: CommonalityShares
    adjusted: CommonalityShares
    p_first: float | None
    p_second: float | None
    df_first: int
    df_second: int
    df_residual: int
    n: int
    single_member_groups: tuple[Hashable, ...]
    y: tuple[float, ...]
    first: tuple[Hashable, ...]
    second: tuple[float, ...]
    note: str
    generalises_to: Literal["these_models", "new_models"] = "new_models"


def commonality(y: npt.ArrayLike, first: Iterable[Hashable] | npt.NDArray[Any], second: npt.ArrayLike) -> CommonalityAnalysis:
    """
    Commonality analysis and Shapley (LMG) shares of a factor and a covariate.

    Three fits of y: on the factor (R2_f), on the covariate (R2_c), on both (R2)::

        unique_first = R2 - R2_c     unique_second = R2 - R2_f     common = R2_f + R2_c - R2
        shapley_first = (R2_f + R2 - R2_c) / 2      shapley_second = (R2_c + R2 - R2_f) / 2

    on R squared and on adjusted R squared. Shares of correlated factors taken alone do not add: "provider 65.3 %, scale 1.1
    %, residual 33.6 %" is no decomposition unless provider and scale are orthogonal.

    Parameters
    ----------
    y : array_like of float, shape (values,)
        One value per unit, usually a model's rate. Any unit; not all equal.
    first : iterable of hashable or ndarray, shape (values,)
        The factor: the group (provider) of each value, at least two groups.
    second : array_like of float, shape (values,)
        The covariate: usually log10 of the size. It must vary within some group.

    Returns
    -------
    CommonalityAnalysis
        Shape: scalar. Unit: fraction of the sum of squares.

    Raises
    ------
    InsufficientData
        If all values are equal, there is one group, no residual degree of freedom is left, or the covariate does not vary
        or varies between groups only: then factor and covariate cannot be told apart.
    DomainError
        If a value is not finite or its square overflows (1e60 and more), a label is missing, or lengths differ.

    References
    ----------
    .. [1] K. F. Nimon, F. L. Oswald (2013), Organ. Res. Methods 16, 650-674 (commonality).
    .. [2] R. H. Lindeman, P. F. Merenda, R. Z. Gold (1980), Introduction to Bivariate and Multivariate Analysis (LMG).

    Examples
    --------
    Larger models come from the stricter provider, so most of what either explains alone is common:

    >>> from safescale.stats import commonality
    >>> shares = commonality([0.5, 0.45, 0.4, 0.3, 0.25, 0.22], list("aaabbb"), [0.0, 0.5, 1.0, 1.0, 1.5, 2.0]).adjusted
    >>> round(shares.unique_first, 2), round(shares.unique_second, 2), round(shares.common, 2)
    (0.12, 0.16, 0.72)
    """
    values, x = vector("y", y), vector("second", second)
    x = squarable("second", x, divisor=True)
    labels = unit_labels("first", first.tolist() if isinstance(first, np.ndarray) else first, unit="value")
    same_length("second", len(x), "y", len(values))
    table = one_way(values, labels, name="y")
    n, k = table.n, table.k
    _refuse(table)
    sxx, sxy, syy = _products(x, values)
    within_xx, within_xy, _ = _products(x, values, table)
    # a covariate that is constant within groups leaves rounding there
    if sxx == 0 or within_xx <= 1e-18 * sxx:
        raise InsufficientData(
            "second does not vary within any group of first, so the two cannot be told apart; "
            "give groups with members of several sizes"
        )
    alone_first, alone_second = table.between / table.total, sxy**2 / sxx / syy
    residual = max(0.0, table.within - within_xy**2 / within_xx) / table.total
    raw = _shares(alone_first, alone_second, 1.0 - residual)
    adjusted = _shares(
        *(1 - (1 - r) * (n - 1) / df for r, df in ((alone_first, n - k), (alone_second, n - 2), (1 - residual, n - k - 1)))
    )
    singles = table.singles
    return CommonalityAnalysis(
        r_squared=raw,
        adjusted=adjusted,
        p_first=_added(raw.unique_first, residual, k - 1, n - k - 1),
        p_second=_added(raw.unique_second, residual, 1, n - k - 1),
        df_first=k - 1,
        df_second=1,
        df_residual=n - k - 1,
        n=n,
        single_member_groups=singles,
        y=tuple(values.tolist()),
        first=tuple(labels),
        second=tuple(x.tolist()),
        note=_note(raw, n - k - 1, singles),
    )


def _refuse(table: OneWay) -> None:
    n, k = table.n, table.k
    if k == 1:
        raise InsufficientData(f"all {n} values are in one group of first; without a second group it has no share")
    if n - k - 1 < 1:
        raise InsufficientData(
            f"{n} values in {k} groups leave {n - k - 1} degrees of freedom beside {k - 1} for first and 1 for second; "
            f"{len(table.singles)} groups hold one value: group more coarsely or add members"
        )


def _products(x: FloatVector, y: FloatVector, table: OneWay | None = None) -> tuple[float, float, float]:
    """Sums of squares and products about the means, of all or of each group."""
    codes = np.zeros(len(x), dtype=np.int64) if table is None else table.codes
    columns = []
    for column in (x, y):
        d = column - column.mean()
        columns.append(d - (np.bincount(codes, weights=d) / np.bincount(codes))[codes])
    u, v = columns
    return float(np.sum(u * u)), float(np.sum(u * v)), float(np.sum(v * v))


def _shares(first: float, second: float, total: float) -> CommonalityShares:
    return CommonalityShares(
        first_alone=first,
        second_alone=second,
        total=total,
        unique_first=total - second,
        unique_second=total - first,
        common=first + second - total,
        shapley_first=(first + total - second) / 2,
        shapley_second=(second + total - first) / 2,
        residual=1 - total,
    )


def _added(share: float, residual: float, df: int, df_residual: int) -> float | None:
    """The p of the F test of a share added to the other factor's; None where nothing is left to compare it with."""
    # rounding of the sums is no residual
    if residual <= 1e-14:
        return None
    return float(scipy.special.betainc(df_residual / 2, df / 2, residual / (residual + max(share, 0.0))))


def _note(raw: CommonalityShares, df_residual: int, singles: tuple[Hashable, ...]) -> str:
    words = (
        f"Alone the two explain {raw.first_alone:.3f} and {raw.second_alone:.3f}, together {raw.total:.3f}: "
        "shares taken alone do not add where factors are correlated. Common and adjusted shares can be negative."
    )
    if singles or df_residual < 5:
        words += f" {len(singles)} groups hold one value; {df_residual} residual degrees of freedom carry the whole comparison."
    return words
