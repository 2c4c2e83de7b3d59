"""The share of the spread between models that lies between providers, with everything that keeps it from being misread."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from safescale.analyses.safety_roi.results import ProviderShare, ProviderVerdict, RoiOptions
from safescale.analyses.words import p_words, plural
from safescale.errors import DomainError
from safescale.stats import (
    EtaSquared,
    EtaSquaredBinomialNull,
    ShareRatioNull,
    anova_power,
    eta_squared,
    eta_squared_binomial_null,
    share_ratio_null,
)

__all__ = ["provider_share", "ratio_beside_chance", "smallest_permutation_p"]

COUNTING_DRAWS = 999
RATIO_DRAWS = 9_999
LARGEST_FIXED_ICC = 0.999


def smallest_permutation_p(group_sizes: Sequence[int]) -> float:
    """
    The smallest p that a permutation of values over groups of these sizes can reach.

    Of the ``n! / prod(m_g!)`` assignments, those that only exchange groups of one size have the same share:
    ``prod(c_s!) prod(m_g!) / n!`` with ``c_s`` groups of size s.
    """
    n = sum(group_sizes)
    log = sum(math.lgamma(m + 1) for m in group_sizes) - math.lgamma(n + 1)
    log += sum(math.lgamma(c + 1) for c in Counter(group_sizes).values())
    return min(1.0, math.exp(log))


def provider_share(
    rates: Sequence[float],
    providers: Sequence[str],
    options: RoiOptions,
    *,
    counts: Sequence[tuple[int, int]] | None = None,
) -> ProviderShare:
    """
    The share of provider over these models.

    Parameters
    ----------
    rates : sequence of float, shape (models,)
        One rate per model.
    providers : sequence of str, shape (models,)
        Its provider.
    options : RoiOptions
        Level, random assignments, power.
    counts : sequence of (successes, trials), shape (models,), optional
        Counts behind the rates, for what counting noise alone would give.
    """
    sizes = Counter(providers)
    n, k = len(rates), len(sizes)
    singles = tuple(sorted(name for name, models in sizes.items() if models == 1))
    smallest = smallest_permutation_p(tuple(sizes.values())) if n else None
    unavailable, reason, found = _refusal(n, k), None, None
    if unavailable is None:
        try:
            found = eta_squared(rates, list(providers), resamples=options.resamples, level=options.level)
        except DomainError as error:
            unavailable = str(error)
    if unavailable is None and smallest is not None and smallest > options.alpha:
        reason = f"the smallest p that {plural(n, 'model')} of {plural(k, 'provider')} can reach is {p_words(smallest)}"
        reason += "; needs more providers with two models or more"
    noise = None if found is None or counts is None else _counting_noise(counts, providers)
    return ProviderShare(
        share=found,
        unavailable=unavailable,
        verdict=_verdict(found, unavailable or reason, options.alpha),
        reason=unavailable or reason,
        n_models=n,
        n_providers=k,
        single_model_providers=singles,
        smallest_p=smallest,
        p_floor=None if found is None or smallest is None else _floor(found, smallest),
        counting_noise_mean=None if noise is None else noise.null_mean,
        counting_noise_p=None if noise is None else noise.p_value,
        detectable_icc=None if found is None else _detectable(tuple(sizes.values()), options),
    )


def ratio_beside_chance(
    share: EtaSquared | None, r_squared: float | None, providers: Sequence[str], log_sizes: Sequence[float]
) -> ShareRatioNull | None:
    """Eta squared over R squared beside what it comes to under no effect; None where one of them is missing or R squared is 0."""
    if share is None or not r_squared:
        return None
    try:
        return share_ratio_null(share.eta_squared / r_squared, list(providers), log_sizes, draws=RATIO_DRAWS)
    except DomainError:
        return None


def _refusal(n: int, k: int) -> str | None:
    if n < 3:
        return f"{plural(n, 'model')} with a provider; needs at least 3, two of them of one provider"
    if k < 2:
        return f"all {n} models are of one provider; needs models of another"
    if k == n:
        return f"each of {n} providers has one model, so provider and model are the same; needs two models of some provider"
    return None


def _verdict(found: EtaSquared | None, reason: str | None, alpha: float) -> ProviderVerdict:
    if found is None or reason is not None:
        return ProviderVerdict.CANNOT_TELL
    return ProviderVerdict.DIFFER if found.p_permutation <= alpha else ProviderVerdict.NOT_SHOWN


def _floor(found: EtaSquared, smallest: float) -> float:
    return smallest if found.permutation_method != "monte_carlo" else max(smallest, 1 / (found.resamples + 1))


def _counting_noise(counts: Sequence[tuple[int, int]], providers: Sequence[str]) -> EtaSquaredBinomialNull | None:
    try:
        return eta_squared_binomial_null([k for k, _ in counts], [n for _, n in counts], list(providers), resamples=COUNTING_DRAWS)
    except DomainError:
        return None


def _detectable(sizes: tuple[int, ...], options: RoiOptions) -> float | None:
    """The true share at which the F test of this design has the power asked for, by bisection to a thousandth."""
    if anova_power(sizes, icc=LARGEST_FIXED_ICC, alpha=options.alpha).power < options.power:
        return None
    low, high = 0.0, LARGEST_FIXED_ICC
    while high - low > 5e-4:
        middle = (low + high) / 2
        if anova_power(sizes, icc=middle, alpha=options.alpha).power < options.power:
            low = middle
        else:
            high = middle
    return high
