"""Which models a plan speaks of, and how further ones are spread over size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs
import numpy as np

from safescale.errors import DomainError
from safescale.stats import distinct_sizes, spread_decades

__all__ = ["Design", "design_of"]

MIN_DECADES = 0.3
"""Sizes closer together than a factor of two are no range to plan over (as in the question of inverse scaling)."""

MOST_MODELS = 10_000
"""Far beyond every study; a plan looks at each model, so it must end somewhere."""


@attrs.frozen(kw_only=True)
class Design:
    """
    The models at hand and the spread of further ones.

    Attributes
    ----------
    kind : {"like_these", "even", "standard_error"}
        Further models are spread as those at hand are; or all stand evenly over log size between two sizes; or all that is known
        is the standard error of a slope over ``n_models``.
    at_hand : bool
        Whether ``sizes_b`` are models that there are, and not a default.
    sizes_b : tuple of float
        Sizes of the models, billions of parameters; empty for a standard error.
    n_models : int
        Number of models.
    min_b, max_b : float or None
        Between which further models stand.
    standard_error_pp_per_decade : float or None
        Of a published slope.
    note : str
        Why the range is not that of the sizes at hand, where it is not.
    """

    kind: Literal["like_these", "even", "standard_error"]
    at_hand: bool
    sizes_b: tuple[float, ...]
    n_models: int
    min_b: float | None
    max_b: float | None
    standard_error_pp_per_decade: float | None = None
    note: str = ""

    @property
    def decades(self) -> float | None:
        """Decades over which further models stand; None where only a standard error is known."""
        return None if self.min_b is None or self.max_b is None else math.log10(self.max_b / self.min_b)

    @property
    def can_fit(self) -> bool:
        """Whether the models at hand make a slope."""
        return self.kind == "standard_error" or len(distinct_sizes(self.sizes_b)) >= 3

    def spread(self) -> dict[str, Any]:
        """How the planning functions of ``safescale.stats`` are told of the spread of sizes."""
        if self.kind == "standard_error":
            return {"size_sd_decades": 1.0}
        return {"params_b": self.sizes_b} if self.kind == "like_these" else {"even_decades": self.decades}

    def size_sd(self) -> float:
        """Standard deviation (divisor n) of log10 size of the models at hand."""
        return 1.0 if self.kind == "standard_error" else float(np.std(np.log10(self.sizes_b)))


def design_of(
    *,
    sizes_b: Sequence[float] | None,
    min_b: float | None,
    max_b: float | None,
    models: int | None,
    standard_error_pp_per_decade: float | None,
    defaults: Mapping[str, float],
) -> Design:
    """
    The design that was asked for; sizes that make no slope leave only the range between them.

    Raises
    ------
    DomainError
        If sizes are not positive, a range is empty, or there are fewer than 3 or more than 10,000 models to be spread.
    """
    if standard_error_pp_per_decade is not None:
        if not standard_error_pp_per_decade > 0:
            raise DomainError(f"a standard error must be positive, got {standard_error_pp_per_decade:g}")
        return Design(
            kind="standard_error",
            at_hand=True,
            sizes_b=(),
            n_models=_models(models or 0),
            min_b=None,
            max_b=None,
            standard_error_pp_per_decade=standard_error_pp_per_decade,
        )
    if sizes_b is not None:
        return _of_sizes(tuple(sorted(_positive(size) for size in sizes_b)), min_b, max_b, defaults)
    low, high = _positive(defaults["min_b"] if min_b is None else min_b), _positive(defaults["max_b"] if max_b is None else max_b)
    if low >= high:
        raise DomainError(f"the sizes must rise from min_b to max_b, got {low:g} and {high:g} billion; exchange them")
    number = _models(int(defaults["models"]) if models is None else models)
    return Design(
        kind="even",
        at_hand=models is not None,
        sizes_b=tuple(np.geomspace(low, high, number).tolist()),
        n_models=number,
        min_b=low,
        max_b=high,
    )


def _of_sizes(sizes: tuple[float, ...], min_b: float | None, max_b: float | None, defaults: Mapping[str, float]) -> Design:
    if len(distinct_sizes(sizes)) >= 3:
        return Design(kind="like_these", at_hand=True, sizes_b=sizes, n_models=len(sizes), min_b=sizes[0], max_b=sizes[-1])
    low, high, note = min_b, max_b, ""
    if len(sizes) > 1 and spread_decades(sizes) >= MIN_DECADES:
        low, high = low or sizes[0], high or sizes[-1]
    else:
        low, high = low or defaults["min_b"], high or defaults["max_b"]
        note = "the sizes at hand span no range, so a usual one is taken"
    return Design(kind="even", at_hand=True, sizes_b=sizes, n_models=len(sizes), min_b=low, max_b=high, note=note)


def _positive(size: float) -> float:
    if not (size > 0 and math.isfinite(size)):
        raise DomainError(f"a size must be a positive number of billions of parameters, got {size:g}")
    return float(size)


def _models(number: int) -> int:
    if number < 3:
        raise DomainError(f"a slope needs at least 3 models, got {number}; plan with 3 or more")
    if number > MOST_MODELS:
        raise DomainError(f"models must be at most {MOST_MODELS:,}, got {number:,}; there are no more models than that")
    return number
