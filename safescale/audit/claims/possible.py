"""Is a printed proportion possible: does any whole count give its percentage and its interval, by which method, at which n."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from safescale.audit.claims.claim import Proportion
from safescale.audit.claims.interval_methods import VARIANTS, method_words
from safescale.audit.claims.interval_search import LARGEST_N, search_n, split_variants
from safescale.audit.claims.interval_words import list_words
from safescale.audit.claims.result import SEVERITY, Reason, worst
from safescale.audit.claims.share_counts import check_percentage, counts_that_print
from safescale.audit.claims.share_interval import check_interval
from safescale.audit.claims.share_reading import Reading, readings_of, scales_of

__all__ = ["check_proportion"]

_DEEPER: Final = Reason(code="not_searched", verdict="cannot be decided", words="n has to be searched")


def check_proportion(claim: Proportion) -> tuple[list[Reason], list[Reason]]:
    """
    Findings about a printed proportion and what it left out.

    Parameters
    ----------
    claim : Proportion
        With at least two of count, n, percentage and interval, or nothing can contradict it.

    Returns
    -------
    tuple of list of Reason
        Findings and omissions. Of several readings of the scale (percent or fraction) the one that fits best counts.
    """
    best: list[Reason] | None = None
    # the searches for what else it could be are dear: only where no reading fits, and only for those that fit best
    quick = [(reading, _check(reading, deep=False)) for reading in readings_of(claim)]
    least = min((_misfits(found) for _, found in quick), default=0)
    for reading, found in quick:
        if _misfits(found) > least:
            continue
        if least > 0:
            found = _check(reading, deep=True)
        if best is None or SEVERITY.index(worst(found)) < SEVERITY.index(worst(best)):
            best = found
    if best is None:
        best = [
            Reason(
                code="not_a_share",
                verdict="impossible",
                figure="percentage",
                printed=None if claim.percentage is None else claim.percentage.text,
                words="no share of rows lies outside 0 to 100 %",
            )
        ]
    return best, _left_out(claim)


def _misfits(reasons: list[Reason]) -> int:
    return sum(reason.verdict != "reproduces" for reason in reasons)


def _check(reading: Reading, *, deep: bool) -> list[Reason]:
    claim = reading.claim
    if claim.n == 0:
        return [Reason(code="no_rows", verdict="impossible", figure="n", printed="0", words="a share of no rows is not defined")]
    if claim.n is not None and claim.k is not None and claim.k > claim.n:
        return [
            Reason(
                code="more_than_n",
                verdict="impossible",
                figure="k",
                printed=f"{claim.k:,}",
                words=f"{claim.k:,} of {claim.n:,} is more than all",
            )
        ]
    if claim.averaged:
        return [
            Reason(
                code="mean_of_rates",
                verdict="cannot be decided",
                figure="percentage",
                words="a mean over models or prompts is no count of rows; the rates that it averages are needed",
            )
        ]
    if claim.n_about and claim.n is None:
        words = f"n is rounded ({claim.n_about}): a share of so many rows can be any; the exact n is needed"
        return [Reason(code="n_is_rounded", verdict="cannot be decided", figure="n", printed=claim.n_about, words=words)]
    if claim.n is None:
        return _without_n(reading) if deep or reading.interval is None else [_DEEPER]
    reasons: list[Reason] = []
    counts = (claim.k, claim.k) if claim.k is not None else (0, claim.n)
    if reading.percentage is not None:
        reason, found = check_percentage(reading, reading.percentage, claim.n)
        reasons.append(reason)
        counts = found if found is not None and claim.k is None else counts
        if found is None and claim.k is None:
            counts = (0, claim.n)
    if reading.interval is not None:
        reasons.append(check_interval(reading, reading.interval, claim.n, counts, deep=deep))
    return reasons


def _without_n(reading: Reading) -> list[Reason]:
    """Nothing says how many rows there were: which n could it have been."""
    if reading.interval is None or reading.percentage is None:
        return [
            Reason(
                code="no_n",
                verdict="cannot be decided",
                figure="percentage",
                words="without the number of rows nothing can contradict the figure",
            )
        ]
    own, _ = split_variants(reading.stated)
    found, complete = search_n(reading, reading.interval, own)
    printed: dict[str, Any] = {"figure": "interval", "printed": reading.interval.text}
    if found:
        ns = sorted({fit.n for fit in found})
        words = f"n is not printed; the interval and the share fit n = {list_words(ns)}"
        return [
            Reason(
                code="n_from_interval", verdict="cannot be decided", words=words, details={"other_n": tuple(ns[:100])}, **printed
            )
        ]
    if complete and reading.stated is not None:
        words = f"no n up to {LARGEST_N:,} gives share and interval by {method_words(reading.stated)}"
        return [Reason(code="fits_at_no_n", verdict="impossible", words=words, **printed)]
    return [Reason(code="no_n", verdict="cannot be decided", words="n is not printed, and no n was found that fits", **printed)]


def _left_out(claim: Proportion) -> list[Reason]:
    notes: list[Reason] = []
    if claim.n and claim.interval is None and not claim.averaged and claim.percentage is not None:
        for scale in scales_of((claim.percentage,)):
            found = counts_that_print(claim.percentage.as_fraction(scale), claim.n)
            if found is None:
                continue
            low, high = VARIANTS[0].bounds(np.array(found[:1]), np.array([claim.n]), 0.95)
            notes.append(
                Reason(
                    code="no_interval",
                    verdict=None,
                    figure="interval",
                    words=f"no interval is printed; Wilson 95 % of {found[0]:,}/{claim.n:,} "
                    f"is [{100 * low[0]:.1f}, {100 * high[0]:.1f}] %",
                    details={"low": float(low[0]), "high": float(high[0])},
                )
            )
            break
    interval = claim.interval
    if (
        interval is not None
        and interval.low is not None
        and interval.high is not None
        and interval.low.value == interval.high.value
    ):
        notes.append(
            Reason(
                code="no_width",
                verdict=None,
                figure="interval",
                words="an interval without width says that nothing is left to know",
            )
        )
    return notes
