"""Result type of one rate of a grader, estimated from a validation sample."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

__all__ = ["ValidationMethod", "ValidationRate"]

ValidationMethod: TypeAlias = Literal["wilson", "mover", "given"]


@attrs.frozen(kw_only=True)
class ValidationRate:
    """
    One rate of a grader, with its interval, or why the sample does not tell it.

    Attributes
    ----------
    estimate, low, high : float or None
        Fractions, ``0 <= low <= estimate <= high <= 1``; None where the sample does not tell.
    standard_error : float or None
        By the design. None where the estimate is 0 or 1, which leaves no scatter, or is not known.
    effective_n : float or None
        The size of a simple random sample with this variance, where there is scatter.
    method : {"wilson", "mover", "given"} or None
        "wilson": simple random within the stratum. "mover": Wilson's limits of the strata,
        combined. "given": known from the stratum sizes.
    undefined_because : str or None
        Why estimate or interval is None.
    """

    estimate: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    effective_n: float | None
    method: ValidationMethod | None
    undefined_because: str | None
