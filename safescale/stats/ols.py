"""Ordinary least squares by a QR decomposition."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._augmented import refined
from safescale.stats._domain import AS_A_WHOLE, FloatVector, as_array, frozen, same_length, squarable, vector

__all__ = ["OLSFit", "ols"]

_WELL_CONDITIONED = 10.0  # largest ratio on the diagonal of R at which plain refinement loses no digit to speak of


@attrs.frozen(kw_only=True)
class OLSFit:
    """
    A least-squares fit of ``y = X b + e``.

    Attributes
    ----------
    coefficients, standard_errors : ndarray of float, shape (columns,)
        In units of y per unit of each column.
    covariance : ndarray of float, shape (columns, columns)
        Estimated covariance of the coefficients.
    r_squared : float or None
        Share of the sum of squares of y (about its mean where the columns span a constant, about 0 otherwise). None
        where y has no such sum of squares: the share of nothing is not a number.
    centred : bool
        Whether the columns span a constant.
    residual_sd : float
        ``sqrt(RSS / residual_dof)``.
    residual_dof, n : int
        ``n - columns`` and the number of rows.
    residuals : ndarray of float, shape (rows,)
        ``y - X b``.
    design, response : ndarray of float, shapes (rows, columns) and (rows,)
        The inputs that were given.
    """

    coefficients: FloatVector = attrs.field(eq=AS_A_WHOLE)
    standard_errors: FloatVector = attrs.field(eq=AS_A_WHOLE)
    covariance: FloatVector = attrs.field(eq=AS_A_WHOLE)
    r_squared: float | None
    centred: bool
    residual_sd: float
    residual_dof: int
    n: int
    residuals: FloatVector = attrs.field(eq=AS_A_WHOLE)
    design: FloatVector = attrs.field(eq=AS_A_WHOLE)
    response: FloatVector = attrs.field(eq=AS_A_WHOLE)


def ols(X: npt.ArrayLike, y: npt.ArrayLike) -> OLSFit:
    """
    Ordinary least squares, ``min_b |y - X b|^2``, by Householder QR of the column-scaled design.

    ``X = Q R``, ``b = R^-1 Q'y``, ``s^2 = RSS / (n - p)``, ``Cov(b) = s^2 (R'R)^-1``. Where the columns are far from
    orthogonal, b and the residuals are refined together in doubled precision [2]_: b is then the exact solution for these floats,
    rounded. No intercept is added: give a column of ones.

    Parameters
    ----------
    X : array_like of float, shape (rows, columns)
        Design of full column rank, more rows than columns.
    y : array_like of float, shape (rows,)
        Response.

    Returns
    -------
    OLSFit
        Shapes: ``(columns,)`` for coefficients and standard errors. Unit: of y per unit of the column.

    Raises
    ------
    InsufficientData
        If there are no more rows than columns: nothing is left to estimate the scatter from.
    DomainError
        If shapes disagree, a value is not finite or its square overflows (1e60 and more), a column reaches no 1e-60, or the columns
        are linearly dependent.

    References
    ----------
    .. [1] G. H. Golub, C. F. Van Loan (2013), Matrix Computations, 4th ed., section 5.3.
    .. [2] A. Björck (1967), BIT 7, 257-278 (refinement of the augmented system).

    Examples
    --------
    >>> from safescale.stats import ols
    >>> fit = ols([[1, 0], [1, 1], [1, 2]], [1, 2, 4])
    >>> fit.coefficients.round(4).tolist(), round(fit.r_squared, 4), fit.residual_dof
    ([0.8333, 1.5], 0.9643, 1)
    """
    design, response = _design(X), squarable("y", vector("y", y))
    n, p = design.shape
    same_length("X", n, "y", len(response))
    if n <= p:
        raise InsufficientData(f"{n} rows leave no degree of freedom beside {p} coefficients; give more rows or fewer columns")
    scale = np.sqrt(np.sum(design * design, axis=0))
    scale[scale == 0] = 1.0
    scale = 2.0 ** np.round(np.log2(scale))  # powers of two: scaling rounds nothing
    scaled = design / scale
    q, r = np.linalg.qr(scaled)
    diagonal = np.abs(np.diag(r))
    if diagonal.min() <= 8 * np.finfo(np.float64).eps * np.sqrt(n):
        at = int(np.argmin(diagonal))
        raise DomainError(f"column {at} of X is a combination of the columns before it; drop one of them")
    b = np.linalg.solve(r, q.T @ response)
    if diagonal.max() > _WELL_CONDITIONED * diagonal.min():
        b, residuals = refined(scaled, response, q, r, b)
    else:
        b += np.linalg.solve(r, q.T @ (response - scaled @ b))
        residuals = response - scaled @ b
    rss = float(residuals @ residuals)
    r_inverse = np.linalg.solve(r, np.eye(p)) / scale[:, np.newaxis]
    covariance = rss / (n - p) * (r_inverse @ r_inverse.T)
    centred = bool(np.linalg.norm(1.0 - q @ q.sum(axis=0)) <= 1e-8 * np.sqrt(n))
    return OLSFit(
        coefficients=frozen(b / scale),
        standard_errors=frozen(np.sqrt(np.diag(covariance))),
        covariance=frozen(covariance),
        r_squared=share_explained(rss, response, centred=centred),
        centred=centred,
        residual_sd=float(np.sqrt(rss / (n - p))),
        residual_dof=n - p,
        n=n,
        residuals=frozen(residuals),
        design=frozen(design),
        response=frozen(response),
    )


def share_explained(rss: float, response: FloatVector, *, centred: bool) -> float | None:
    """``1 - RSS / TSS``, or None where the response has no sum of squares beyond rounding."""
    if np.all(response == response[0] if centred else response == 0):
        return None
    about = response - response.mean() if centred else response
    squares = float(about @ about)
    return max(0.0, 1.0 - rss / squares) if squares > 0 else None


def _design(X: npt.ArrayLike) -> FloatVector:
    design = as_array("X", X, expected="a table of numbers, shape (rows, columns)")
    if design.ndim != 2 or design.shape[1] == 0:
        raise DomainError(f"X must have shape (rows, columns), got {design.shape}; give a column of ones for a mean")
    if design.dtype.kind not in "iuf":
        raise DomainError(f"X must hold real numbers, got dtype {design.dtype}")
    if not np.all(np.isfinite(design)):
        raise DomainError("X must be finite; leave rows with unknown values out")
    design = design.astype(np.float64)
    for at, column in enumerate(design.T):
        squarable(f"column {at} of X", column, divisor=True)
    return design
