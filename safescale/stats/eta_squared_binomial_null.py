"""Eta squared of rates against the share that counting noise alone puts between groups."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Literal

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import (
    AS_A_WHOLE,
    FloatVector,
    IntVector,
    count,
    frozen,
    iterated,
    same_length,
    successes_of_trials_arrays,
    vector,
)
from safescale.stats._one_way import OneWay, one_way
from safescale.stats._one_way_permutation import between_of_rows
from safescale.stats._tails import seeded
from safescale.stats.eta_squared import EtaSquared, eta_squared

__all__ = ["EtaSquaredBinomialNull", "eta_squared_binomial_null"]

# numbers per chunk: 8 MiB of floats
_CHUNK = 1 << 20


@attrs.frozen(kw_only=True)
class EtaSquaredBinomialNull:
    """
    Eta squared of rates, and its distribution where only counting noise makes the rates differ.

    Attributes
    ----------
    observed : EtaSquared
        Eta squared of the rates with epsilon and omega squared, F test and permutation test.
    null_mean, null_median, null_95, null_99 : float
        Mean, median and quantiles of eta squared under the null, which counts of unequal trials move away from
        ``(k - 1) / (n - 1)``.
    p_value : float
        ``(b + 1) / (resamples + 1)`` with b the simulated eta squared at least as large as the observed one.
    undefined_draws : int
        Simulated tables whose rates were all equal; they count as at least as large and in no quantile.
    resamples : int
        Tables simulated.
    null : {"common", "given"}
        One pooled rate for all models, or the rates that were given.
    null_rates : ndarray of float, shape (models,)
        The rates that were simulated from.
    successes, trials : ndarray of int, shape (models,)
        The inputs that were given.
    generalises_to : {"these_models"}
        Trials replicate, models do not.
    caveat : str
        What the result does not say.
    """

    observed: EtaSquared
    null_mean: float
    null_median: float
    null_95: float
    null_99: float
    p_value: float
    undefined_draws: int
    resamples: int
    null: Literal["common", "given"]
    null_rates: FloatVector = attrs.field(eq=AS_A_WHOLE)
    successes: IntVector = attrs.field(eq=AS_A_WHOLE)
    trials: IntVector = attrs.field(eq=AS_A_WHOLE)
    generalises_to: Literal["these_models", "new_models"] = "these_models"
    caveat: str = (
        "The null has no spread between models beyond counting noise. Where models differ, for whatever reason, the "
        "permutation test of `observed` is the one that speaks of groups."
    )


def eta_squared_binomial_null(
    successes: npt.ArrayLike,
    trials: npt.ArrayLike,
    groups: Iterable[Hashable] | npt.NDArray[Any],
    *,
    null_rates: npt.ArrayLike | None = None,
    resamples: int = 9_999,
    rng: np.random.Generator | int | None = None,
    level: float = 0.95,
) -> EtaSquaredBinomialNull:
    """
    Parametric binomial test of eta squared: does counting noise alone put that much between groups?

    Eta squared of the rates ``k_i / n_i``, each model one value, is compared with that of simulated tables with ``k_i ~
    Binomial(n_i, p_i)``. The trials may differ: models with few of them are noisier, and where they sit moves the null.

    Parameters
    ----------
    successes, trials : array_like of int, shape (models,)
        Counts of each model, ``0 <= k <= n``, ``n >= 1``. Unit: traces.
    groups : iterable of hashable or ndarray, shape (models,)
        The group (provider) of each model.
    null_rates : array_like of float, shape (models,), optional
        Rates under the null, such as fitted values of a regression on size. Default: the pooled rate, for all. Unit:
        fraction.
    resamples : int, default 9,999
        Tables simulated, at least 99.
    rng : numpy Generator or int, optional
        Source or seed of the tables and of the permutations; None is the fixed seed 20260630.
    level : float, default 0.95
        Nominal coverage of the interval in ``observed``, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    EtaSquaredBinomialNull
        Shape: scalar. Unit: fraction of the sum of squares; ``p_value``: probability, never 0.

    Raises
    ------
    InsufficientData
        If all rates are equal, or there is one group, or each model is its own.
    DomainError
        If a count or a null rate is out of range, or lengths differ.

    References
    ----------
    .. [1] A. C. Davison, D. V. Hinkley (1997), Bootstrap Methods and their Application, section 4.2.

    Examples
    --------
    >>> from safescale.stats import eta_squared_binomial_null
    >>> test = eta_squared_binomial_null([12, 30, 41, 9], [100, 100, 100, 25], ["a", "b", "b", "a"])
    >>> round(test.observed.eta_squared, 2), round(test.null_mean, 2), round(test.p_value, 1)
    (0.28, 0.34, 0.5)
    """
    k, n = successes_of_trials_arrays(successes, trials)
    resamples = count("resamples", resamples)
    if resamples < 99:
        raise DomainError(f"resamples must be at least 99, got {resamples}; fewer tables show no tail")
    p = np.full(len(k), k.sum() / n.sum()) if null_rates is None else vector("null_rates", null_rates)
    same_length("null_rates", len(p), "trials", len(n))
    if np.any((p < 0) | (p > 1)):
        at = int(np.argmax((p < 0) | (p > 1)))
        raise DomainError(f"null_rates must be fractions in [0, 1], got {p[at]:g} at position {at}; divide percent by 100")
    labels = groups if isinstance(groups, np.ndarray) else iterated("groups", groups, expected="a sequence of labels")
    generator = np.random.default_rng(seeded(rng))
    observed = eta_squared(k / n, labels, rng=generator, level=level)
    if observed.df_between == 0 or observed.df_within == 0:
        raise InsufficientData(f"{observed.undefined_because}; eta squared is fixed whatever the counts")
    shares = _simulated_shares(p, n, one_way(k / n, labels), resamples, generator)
    known = shares[np.isfinite(shares)]
    if not len(known):
        raise InsufficientData("every simulated table had equal rates; give null_rates strictly between 0 and 1")
    undefined = resamples - len(known)
    beyond = int(np.count_nonzero(known >= observed.eta_squared - 1e-10)) + undefined
    median, q95, q99 = np.quantile(known, [0.5, 0.95, 0.99]).tolist()
    return EtaSquaredBinomialNull(
        observed=observed,
        null_mean=float(known.mean()),
        null_median=median,
        null_95=q95,
        null_99=q99,
        p_value=(beyond + 1) / (resamples + 1),
        undefined_draws=undefined,
        resamples=resamples,
        null="common" if null_rates is None else "given",
        null_rates=frozen(p),
        successes=frozen(k),
        trials=frozen(n),
    )


def _simulated_shares(p: FloatVector, n: IntVector, table: OneWay, resamples: int, generator: np.random.Generator) -> FloatVector:
    """Eta squared of each simulated table, shape ``(resamples,)``; infinite where all its rates are equal."""
    order = np.argsort(table.codes, kind="stable")
    p, n = p[order], n[order]
    shares = np.empty(resamples)
    for start in range(0, resamples, max(1, _CHUNK // len(n))):
        part = shares[start : start + max(1, _CHUNK // len(n))]
        rates = generator.binomial(n, p, size=(len(part), len(n))) / n
        rates -= rates.mean(axis=1, keepdims=True)
        total = np.einsum("ij,ij->i", rates, rates)
        # rates of counts that differ do so by far more than rounding
        equal = total <= 1e-24
        part[:] = np.where(equal, np.inf, between_of_rows(rates, table.sizes) / np.where(equal, 1.0, total))
    return shares
