"""Effects of rows (models) freed from those of columns (prompts), by additive least squares on an incomplete table."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import AS_A_WHOLE, FloatVector, frozen

__all__ = ["TwoWayEffects", "two_way_effects"]


@attrs.frozen(kw_only=True)
class TwoWayEffects:
    """
    Least-squares effects of an additive two-way table with holes.

    Attributes
    ----------
    row_effects : ndarray of float, shape (rows,)
        How much a row lies above the others on the same columns; their mean is 0. In units of the values.
    mean : float
        Mean of the values that are there.
    columns_used : int
        Columns with at least two values: the others compare no rows.
    values_used : int
        Values in those columns.
    balanced : bool
        Whether every used column has every row: then the effects are row means less the grand mean.
    """

    row_effects: FloatVector = attrs.field(eq=AS_A_WHOLE)
    mean: float
    columns_used: int
    values_used: int
    balanced: bool


def two_way_effects(values: npt.ArrayLike, present: npt.ArrayLike) -> TwoWayEffects:
    """
    Row effects of ``y_ij = mu + a_i + b_j + e_ij`` over the cells that are there, each cell once.

    With N the 0/1 table of what is there, D its row and C its column sums on the diagonal, the normal equations after
    eliminating the columns are ``(D - N C^-1 N') a = (N . y) 1 - N C^-1 (column sums of y)``, solved with ``sum a = 0``.

    Parameters
    ----------
    values : array_like of float, shape (rows, columns)
        Values; those that are not there are not looked at.
    present : array_like of bool, shape (rows, columns)
        Which are there.

    Returns
    -------
    TwoWayEffects
        Shape: ``(rows,)``. Unit: of the values.

    Raises
    ------
    InsufficientData
        If there are fewer than two rows, or the rows fall into parts without a column in common: they cannot be compared.
    DomainError
        If shapes differ or a value that is there is not finite.

    References
    ----------
    .. [1] F. Yates (1934), J. Amer. Statist. Assoc. 29, 51-66 (unequal numbers in two-way tables).

    Examples
    --------
    The second row looks higher only because it was not given the column where everyone is low:

    >>> from safescale.stats import two_way_effects
    >>> found = two_way_effects([[0.1, 0.5], [0.0, 0.5], [0.1, 0.5]], [[True, True], [False, True], [True, True]])
    >>> found.row_effects.round(12).tolist()
    [0.0, 0.0, 0.0]
    """
    y, there = np.asarray(values, dtype=np.float64), np.asarray(present, dtype=bool)
    if y.ndim != 2 or y.shape != there.shape:
        raise DomainError(f"values and present must have one shape (rows, columns), got {y.shape} and {there.shape}")
    if not np.all(np.isfinite(y[there])):
        raise DomainError("values that are present must be finite; mark unknown ones as not present")
    if len(y) < 2:
        raise InsufficientData(f"{len(y)} row cannot be compared with another; give at least 2")
    shared = there.sum(axis=0) >= 2
    n = there[:, shared].astype(np.float64)
    held = np.where(there[:, shared], y[:, shared], 0.0)
    per_column = n.sum(axis=0)
    laplacian = np.diag(n.sum(axis=1)) - (n / per_column) @ n.T
    parts = _parts(laplacian)
    if parts > 1:
        raise InsufficientData(f"the {len(y)} rows fall into {parts} parts without a column in common, so they cannot be compared")
    right = held.sum(axis=1) - n @ (held.sum(axis=0) / per_column)
    # the rows' own mean is free: fixed at 0 by adding a constant to every entry
    effects = np.linalg.solve(laplacian + 1.0, right)
    effects -= effects.mean()
    return TwoWayEffects(
        row_effects=frozen(effects),
        mean=float(y[there].mean()),
        columns_used=int(shared.sum()),
        values_used=int(n.sum()),
        balanced=bool(np.all(n == 1)),
    )


def _parts(laplacian: FloatVector) -> int:
    """Connected parts of the rows, those that share a column being joined."""
    todo, parts = set(range(len(laplacian))), 0
    while todo:
        parts += 1
        reached = [todo.pop()]
        while reached:
            near = {int(j) for j in np.flatnonzero(laplacian[reached.pop()] != 0)} & todo
            todo -= near
            reached += near
    return parts
