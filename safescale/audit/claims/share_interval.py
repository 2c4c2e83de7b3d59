"""Whether a share's printed interval is that of its count, and by which method."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from safescale.audit.claims.interval_methods import VARIANTS, method_words
from safescale.audit.claims.interval_otherwise import (
    another_method,
    as_something_else,
    by_another_method,
    not_said_to_be_an_interval,
)
from safescale.audit.claims.interval_search import (
    all_fits,
    candidate_counts,
    closest_anywhere,
    nearest_fit,
    search_n,
    split_variants,
)
from safescale.audit.claims.interval_words import NEAR_PP, count_words, interval_text, list_words, near_words
from safescale.audit.claims.printed import PrintedInterval
from safescale.audit.claims.result import Reason
from safescale.audit.claims.share_reading import Reading

__all__ = ["check_interval"]


def check_interval(reading: Reading, interval: PrintedInterval, n: int, counts: tuple[int, int], *, deep: bool) -> Reason:
    """
    The finding about a printed interval of counts that are possible.

    ``deep = False`` leaves out the search for what else it could be.
    """
    k = candidate_counts(interval, n, counts, reading.level)
    ns = np.full(len(k), n, dtype=np.int64)
    printed: dict[str, Any] = {"figure": "interval", "printed": interval.text}
    own, others = split_variants(reading.stated)
    fit = next(all_fits(reading, interval, k, ns, own), None)
    if fit is not None:
        fitting = sorted(
            {found.variant.method for found in all_fits(reading, interval, k, ns, VARIANTS if reading.stated is None else own)}
        )
        which = " or ".join(method_words(method) for method in fitting)
        ks = sorted({found.k for found in all_fits(reading, interval, k, ns, own)})
        return Reason(
            code="interval_found",
            verdict="reproduces",
            words=f"{count_words(ks)} of {n:,} gives the interval by {which}",
            recomputed=interval_text(fit, reading, 0),
            details={"method": fit.variant.method, "methods": tuple(fitting), "k": tuple(ks[:50]), "n": n, "level": fit.level},
            **printed,
        )
    if not deep:
        return Reason(code="no_count_at_n", verdict="impossible", words="no count gives the interval", **printed)
    if reading.claim.method == "other":
        return by_another_method(reading, interval, k, ns, own)
    if interval.low is None and interval.high is None and reading.stated is None and reading.claim.level is None:
        return not_said_to_be_an_interval(reading, interval, k, ns, own)
    alternative = as_something_else(reading, interval, k, ns, own, others)
    if alternative is not None:
        return alternative
    k_all = candidate_counts(interval, n, (0, n), reading.level)
    elsewhere = None
    if len(k_all) > len(k):
        elsewhere = next(all_fits(reading, interval, k_all, np.full(len(k_all), n), own), None)
    nearest, apart = nearest_fit(reading, interval, k, ns, own)
    near = apart <= NEAR_PP / 100
    shown = interval_text(nearest, reading, 0)
    said = method_words(reading.stated) if reading.stated else "any of the methods tried"
    open_question = another_method(reading, interval, k, ns, nearest)
    if open_question is not None and open_question.code == "method_unknown":
        return open_question
    details: dict[str, Any] = {
        "n": n,
        "nearest_k": nearest.k,
        "nearest_low": nearest.low,
        "nearest_high": nearest.high,
        "apart_pp": 100 * apart,
        "near": near,
        "nearest_method": nearest.variant.method,
    }
    if elsewhere is not None:
        return Reason(
            code="interval_of_another_count",
            verdict="impossible",
            words=f"the interval is that of {elsewhere.k:,}/{n:,} ({elsewhere.variant.words}), "
            f"which is not the printed share; {nearest.k:,}/{n:,} gives {shown}",
            recomputed=shown,
            details=details | {"k_of_interval": elsewhere.k},
            **printed,
        )
    found, complete = search_n(reading, interval, own)
    if found and not near:
        ns_found = sorted({fit.n for fit in found}, key=lambda other: (abs(other - n), other))
        if open_question is not None:
            words = f"{open_question.words}; independent rows fit at n = {list_words(sorted(ns_found))}"
            return attrs.evolve(open_question, words=words, details={**open_question.details, "other_n": tuple(sorted(ns_found))})
        words = f"no count of {n:,} gives the interval by {said} ({near_words(nearest, shown, apart)}); " + (
            f"exact fits are at n = {list_words(sorted(ns_found))}"
        )
        return Reason(
            code="fits_at_other_n",
            verdict="reproduces only as",
            words=words,
            recomputed=shown,
            details=details
            | {
                "as": f"n = {list_words(sorted(ns_found))}",
                "other_n": tuple(sorted(ns_found)),
                "fits": tuple((fit.k, fit.n) for fit in sorted(found, key=lambda fit: (fit.n, fit.k))[:20]),
            },
            **printed,
        )
    if open_question is not None:
        return open_question
    closest = closest_anywhere(reading, interval, own) if complete else None
    tail = "" if not complete else "; no other n does"
    if found:
        tail = f"; exact fits are at n = {list_words(sorted({fit.n for fit in found}))}"
        closest = None
    if closest is not None:
        tail += f" (the nearest is {closest.k:,}/{closest.n:,}: {interval_text(closest, reading, 1)})"
    by = f"by {said}" if reading.stated else "by Wilson, Clopper-Pearson, Wald, Agresti-Coull, Jeffreys or their variants"
    return Reason(
        code="near_at_n" if near else "no_count_at_n",
        verdict="impossible",
        words=f"no count of {n:,} gives the interval {by}: {near_words(nearest, shown, apart)}{tail}",
        recomputed=shown,
        details=details
        | {"other_n": tuple(sorted({fit.n for fit in found})), "searched_all_n": complete}
        | ({} if closest is None else {"closest_k": closest.k, "closest_n": closest.n}),
        **printed,
    )
