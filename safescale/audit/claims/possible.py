"""Is a printed proportion possible: does any whole count give its percentage and its interval, by which method, at which n."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, Literal

import attrs
import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from safescale.audit.claims.claim import Proportion
from safescale.audit.claims.interval_methods import VARIANTS, Floats, Ints, Variant, method_words, z_values
from safescale.audit.claims.printed import Printed, PrintedInterval, Style
from safescale.audit.claims.result import SEVERITY, Reason, worst

__all__ = ["NEAR_PP", "check_proportion", "counts_that_print", "level_of"]

NEAR_PP: Final = 0.2
"""A nearest count whose interval is within this is called near. Unit: percentage points."""

_MOST_PAIRS: Final = 1_500_000
"""Pairs of k and n that the search over other n may try."""

_MOST_COUNTS: Final = 20_000
_LARGEST_N: Final = 20_000
_STYLES: Final[tuple[Style, ...]] = ("rounded", "truncated", "rounded up")
_SLACK: Final = 1e-9
_OTHER_LEVELS: Final = (0.9, 0.99, 0.95, 0.8, 0.5, 0.999, math.erf(1 / math.sqrt(2)), math.erf(2 / math.sqrt(2)))
_LARGEST_DESIGN_EFFECT: Final = 200.0
"""Rows of one prompt or behaviour are hardly more."""

_SHARP: Final = 40
"""Half-width in units of its last place from which a fit among some hundred formulas is no chance."""

_USUAL_LEVELS: Final = (0.9, 0.99, math.erf(1 / math.sqrt(2)))

_BOOTSTRAP_NOISE: Final = 0.05
"""How far the ends of a few hundred resamples scatter, as a share of the width."""


@attrs.frozen(kw_only=True)
class _Reading:
    """A claim with its rates as fractions, by one reading of their scale."""

    claim: Proportion
    percentage: Printed | None
    interval: PrintedInterval | None
    level: float

    @property
    def stated(self) -> str | None:
        method = self.claim.method
        return None if method == "other" else method


def level_of(level: Printed | None) -> float:
    """Nominal coverage as a fraction; 95 % where none is printed."""
    if level is None:
        return 0.95
    value = float(level.value)
    return value / 100 if value > 1 or level.scale == "percent" else value


def counts_that_print(percentage: Printed, n: int, style: Style = "rounded") -> tuple[int, int] | None:
    """First and last count k of n whose ``k / n`` prints as this fraction, in exact arithmetic; None where none does."""
    low, high = percentage.bounds(style)
    first, last = max(0, math.ceil(low * n)), min(n, math.floor(high * n))
    if style == "truncated" and percentage.relation == "=" and last >= first and Fraction(last, n) == high:
        last -= 1
    if style == "rounded up" and percentage.relation == "=" and first <= last and Fraction(first, n) == low:
        first += 1
    return (first, last) if first <= last else None


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
    quick = [(reading, _check(reading, deep=False)) for reading in _readings(claim)]
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


def _readings(claim: Proportion) -> Iterator[_Reading]:
    level = level_of(claim.level)
    for rate_scale in _scales((claim.percentage,) if claim.percentage is not None else ()):
        for interval_scale in _scales(claim.interval.figures if claim.interval is not None else ()):
            yield _Reading(
                claim=claim,
                percentage=None if claim.percentage is None else claim.percentage.as_fraction(rate_scale),
                interval=None if claim.interval is None else claim.interval.as_fraction(interval_scale),
                level=level,
            )


def _scales(figures: tuple[Printed, ...]) -> tuple[Literal["percent", "fraction"], ...]:
    """How the figures of one place can be read; nothing where they are no share at all."""
    if not figures:
        return ("fraction",)
    said = {figure.scale for figure in figures} - {"either"}
    largest = max(float(abs(figure.value)) for figure in figures)
    if "percent" in said or (largest > 1.05 and said != {"fraction"}):
        return ("percent",) if largest <= 130 else ()
    if said == {"fraction"}:
        return ("fraction",) if largest <= 1.3 else ()
    return ("fraction", "percent")


def _check(reading: _Reading, *, deep: bool) -> list[Reason]:
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
        reason, found = _percentage(reading, reading.percentage, claim.n)
        reasons.append(reason)
        counts = found if found is not None and claim.k is None else counts
        if found is None and claim.k is None:
            counts = (0, claim.n)
    if reading.interval is not None:
        reasons.append(_interval(reading, reading.interval, claim.n, counts, deep=deep))
    return reasons


def _percentage(reading: _Reading, percentage: Printed, n: int) -> tuple[Reason, tuple[int, int] | None]:
    """Whether a count gives the percentage, and which."""
    claim, text = reading.claim, reading.claim.percentage.text if reading.claim.percentage is not None else ""
    printed: dict[str, Any] = {"figure": "percentage", "printed": text}
    if claim.k is not None:
        share = Fraction(claim.k, n)
        exact = _as_printed(share, claim.percentage)
        details: dict[str, Any] = {"k": claim.k, "n": n}
        if percentage.admits(share):
            words = f"{claim.k:,}/{n:,} = {exact}"
            return Reason(
                code="count_gives_it", verdict="reproduces", words=words, recomputed=exact, details=details, **printed
            ), None
        for style in _STYLES[1:]:
            if (found := counts_that_print(percentage, n, style)) is not None and found[0] <= claim.k <= found[1]:
                return (
                    Reason(
                        code="truncated" if style == "truncated" else "rounded_up",
                        verdict="reproduces only as",
                        words=f"{claim.k:,}/{n:,} = {float(100 * share):.4g} % prints so only when {style}, not rounded",
                        recomputed=exact,
                        details=details | {"as": style},
                        **printed,
                    ),
                    None,
                )
        words = f"{claim.k:,}/{n:,} is {exact}, not {text}"
        return Reason(
            code="count_gives_another", verdict="impossible", words=words, recomputed=exact, details=details, **printed
        ), None
    for style in _STYLES:
        found = counts_that_print(percentage, n, style)
        if found is None:
            continue
        which = f"k = {found[0]:,}" if found[0] == found[1] else f"k = {found[0]:,} to {found[1]:,}"
        nearest = _as_printed(Fraction(found[0], n), claim.percentage)
        details = {"k_first": found[0], "k_last": found[1], "n": n}
        if style == "rounded":
            words = f"{which} of {n:,} gives the percentage"
            return Reason(
                code="count_found", verdict="reproduces", words=words, recomputed=nearest, details=details, **printed
            ), found
        words = f"{which} of {n:,} gives the percentage only when {style}, not rounded"
        code = "truncated" if style == "truncated" else "rounded_up"
        return (
            Reason(
                code=code, verdict="reproduces only as", words=words, recomputed=nearest, details=details | {"as": style}, **printed
            ),
            found,
        )
    k = round(float(percentage.value) * n)
    below, above = (_as_printed(Fraction(min(n, max(0, count)), n), claim.percentage) for count in _neighbours(percentage, n))
    others = _other_n_of(percentage, n)
    words = f"no whole number of {n:,} gives {text}: the neighbours are {below} and {above}"
    if others:
        words += f"; n = {', '.join(f'{other:,}' for other in others)} would"
    words += "; a mean over prompts or models need not (`averaged = true`)"
    return (
        Reason(
            code="no_count_at_n",
            verdict="impossible",
            words=words,
            recomputed=_as_printed(Fraction(min(n, max(0, k)), n), claim.percentage),
            details={"n": n, "other_n": tuple(others)},
            **printed,
        ),
        None,
    )


def _neighbours(percentage: Printed, n: int) -> tuple[int, int]:
    below = math.floor(percentage.value * n)
    return below, below + 1


def _as_printed(share: Fraction, like: Printed | None) -> str:
    """A share on the scale and with the decimals of a printed one."""
    if like is None:
        return f"{float(share):.4f}"
    percent = like.scale == "percent" or "%" in like.text or abs(like.value) > 1
    return f"{like.like(float(100 * share))} %" if percent else like.like(float(share))


def _other_n_of(percentage: Printed, n: int) -> list[int]:
    """The nearest n on either side that have a count for the percentage."""
    found = []
    for step in (-1, 1):
        for distance in range(1, min(2000, n) if step < 0 else 2000):
            if n + step * distance >= 1 and counts_that_print(percentage, n + step * distance) is not None:
                found.append(n + step * distance)
                break
    return found


def _matches(
    interval: PrintedInterval, p: Floats, low: Floats, high: Floats, style: Style | Literal["outward"] = "rounded"
) -> npt.NDArray[np.bool_]:
    """Which computed intervals print as this one."""
    ok = np.ones(len(low), dtype=np.bool_)
    pairs = (
        (interval.low, low, "truncated" if style == "outward" else style),
        (interval.high, high, "rounded up" if style == "outward" else style),
        (interval.below, p - low, style),
        (interval.above, high - p, style),
    )
    for printed, computed, own in pairs:
        if printed is None:
            continue
        first, last = printed.bounds("rounded" if own == "outward" else own)
        ok &= (computed >= float(first) - _SLACK) & (computed <= float(last) + _SLACK)
    return ok


@attrs.frozen(kw_only=True)
class _Fit:
    variant: Variant
    level: float
    k: int
    n: int
    low: float
    high: float


def _fits(
    reading: _Reading,
    interval: PrintedInterval,
    k: Ints,
    n: Ints,
    variants: tuple[Variant, ...],
    *,
    levels: tuple[float, ...] | None = None,
    style: Style | Literal["outward"] = "rounded",
) -> Iterator[_Fit]:
    for variant in variants:
        for level in levels or z_values(reading.level):
            low, high = variant.bounds(k, n, level)
            for at in np.flatnonzero(_matches(interval, k / n, low, high, style)):
                yield _Fit(variant=variant, level=level, k=int(k[at]), n=int(n[at]), low=float(low[at]), high=float(high[at]))


def _candidates(interval: PrintedInterval, n: int, counts: tuple[int, int], level: float) -> Ints:
    """
    Counts worth trying: those given, cut to where the estimate of any method could lie.

    No method's midpoint is farther from k/n than a few ``z^2 / n``.
    """
    first, last = counts
    if interval.low is not None and interval.high is not None and last - first > 50:
        middle = [float(interval.low.bounds()[at] + interval.high.bounds()[at]) / 2 for at in (0, 1)]
        room = 6 * max(4.0, float(ndtri((1 - level) / 2)) ** 2) / n
        cut = max(first, math.floor((middle[0] - room) * n)), min(last, math.ceil((middle[1] + room) * n))
        first, last = cut if cut[0] <= cut[1] else (first, min(last, first + 50))
    if last - first > _MOST_COUNTS:
        # so many that one step moves no printed digit
        return np.unique(np.linspace(first, last, _MOST_COUNTS).round().astype(np.int64))
    return np.arange(first, last + 1, dtype=np.int64)


def _interval(reading: _Reading, interval: PrintedInterval, n: int, counts: tuple[int, int], *, deep: bool) -> Reason:
    k = _candidates(interval, n, counts, reading.level)
    ns = np.full(len(k), n, dtype=np.int64)
    printed: dict[str, Any] = {"figure": "interval", "printed": interval.text}
    own, others = _split(reading.stated)
    fit = next(_fits(reading, interval, k, ns, own), None)
    if fit is not None:
        fitting = sorted(
            {found.variant.method for found in _fits(reading, interval, k, ns, VARIANTS if reading.stated is None else own)}
        )
        which = " or ".join(method_words(method) for method in fitting)
        ks = sorted({found.k for found in _fits(reading, interval, k, ns, own)})
        return Reason(
            code="interval_found",
            verdict="reproduces",
            words=f"{_count_words(ks)} of {n:,} gives the interval by {which}",
            recomputed=_interval_text(fit, reading, 0),
            details={"method": fit.variant.method, "methods": tuple(fitting), "k": tuple(ks[:50]), "n": n, "level": fit.level},
            **printed,
        )
    if not deep:
        return Reason(code="no_count_at_n", verdict="impossible", words="no count gives the interval", **printed)
    if reading.claim.method == "other":
        return _by_another_method(reading, interval, k, ns, own)
    if interval.low is None and interval.high is None and reading.stated is None and reading.claim.level is None:
        return _not_said_to_be_an_interval(reading, interval, k, ns, own)
    alternative = _as_something_else(reading, interval, k, ns, own, others)
    if alternative is not None:
        return alternative
    k_all = _candidates(interval, n, (0, n), reading.level)
    elsewhere = None
    if len(k_all) > len(k):
        elsewhere = next(_fits(reading, interval, k_all, np.full(len(k_all), n), own), None)
    nearest, apart = _nearest(reading, interval, k, ns, own)
    near = apart <= NEAR_PP / 100
    shown = _interval_text(nearest, reading, 0)
    said = method_words(reading.stated) if reading.stated else "any of the methods tried"
    open_question = _another_method(reading, interval, k, ns, nearest)
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
    found, complete = _search(reading, interval, own)
    if found and not near:
        ns_found = sorted({fit.n for fit in found}, key=lambda other: (abs(other - n), other))
        if open_question is not None:
            words = f"{open_question.words}; independent rows fit at n = {_list_words(sorted(ns_found))}"
            return attrs.evolve(open_question, words=words, details={**open_question.details, "other_n": tuple(sorted(ns_found))})
        words = f"no count of {n:,} gives the interval by {said} ({_near_words(nearest, shown, apart)}); " + (
            f"exact fits are at n = {_list_words(sorted(ns_found))}"
        )
        return Reason(
            code="fits_at_other_n",
            verdict="reproduces only as",
            words=words,
            recomputed=shown,
            details=details
            | {
                "as": f"n = {_list_words(sorted(ns_found))}",
                "other_n": tuple(sorted(ns_found)),
                "fits": tuple((fit.k, fit.n) for fit in sorted(found, key=lambda fit: (fit.n, fit.k))[:20]),
            },
            **printed,
        )
    if open_question is not None:
        return open_question
    closest = _closest_anywhere(reading, interval, own) if complete else None
    tail = "" if not complete else "; no other n does"
    if found:
        tail = f"; exact fits are at n = {_list_words(sorted({fit.n for fit in found}))}"
        closest = None
    if closest is not None:
        tail += f" (the nearest is {closest.k:,}/{closest.n:,}: {_interval_text(closest, reading, 1)})"
    by = f"by {said}" if reading.stated else "by Wilson, Clopper-Pearson, Wald, Agresti-Coull, Jeffreys or their variants"
    return Reason(
        code="near_at_n" if near else "no_count_at_n",
        verdict="impossible",
        words=f"no count of {n:,} gives the interval {by}: {_near_words(nearest, shown, apart)}{tail}",
        recomputed=shown,
        details=details
        | {"other_n": tuple(sorted({fit.n for fit in found})), "searched_all_n": complete}
        | ({} if closest is None else {"closest_k": closest.k, "closest_n": closest.n}),
        **printed,
    )


def _by_another_method(reading: _Reading, interval: PrintedInterval, k: Ints, n: Ints, own: tuple[Variant, ...]) -> Reason:
    """The source names a method that needs the data: only an interval without its own rate in it contradicts itself."""
    nearest, _ = _nearest(reading, interval, k, n, own)
    shown = _interval_text(nearest, reading, 0)
    printed: dict[str, Any] = {"figure": "interval", "printed": interval.text, "recomputed": shown}
    if interval.low is not None and interval.high is not None:
        low, high = float(interval.low.bounds()[0]), float(interval.high.bounds()[1])
        if high < k.min() / n[0] or low > k.max() / n[0]:
            words = "the printed share lies outside its own interval"
            return Reason(code="outside_its_interval", verdict="impossible", words=words, **printed)
    words = f"the interval was made by a method that is not recomputed here; independent rows would give {shown}"
    return Reason(code="method_not_checked", verdict="cannot be decided", words=words, **printed)


def _not_said_to_be_an_interval(reading: _Reading, interval: PrintedInterval, k: Ints, n: Ints, own: tuple[Variant, ...]) -> Reason:
    """``40.4 +- 3.3`` without a level: a standard error, the scatter over seeds, or an interval."""
    nearest, _ = _nearest(reading, interval, k, n, own)
    p, rows = nearest.k / nearest.n, nearest.n
    words = (
        f"what follows the \u00b1 is not said to be an interval: independent rows have {_interval_text(nearest, reading, 0)}, "
        f"and a standard error of {100 * math.sqrt(p * (1 - p) / rows):.2g} pp; name level or method if it is one"
    )
    return Reason(
        code="plus_minus_of_what",
        verdict="cannot be decided",
        figure="interval",
        printed=interval.text,
        recomputed=_interval_text(nearest, reading, 0),
        words=words,
    )


def _split(stated: str | None) -> tuple[tuple[Variant, ...], tuple[Variant, ...]]:
    """The variants that a claim speaks of, and the others."""
    if stated is None:
        return VARIANTS, ()
    return tuple(v for v in VARIANTS if v.method == stated), tuple(v for v in VARIANTS if v.method != stated)


def _as_something_else(
    reading: _Reading, interval: PrintedInterval, k: Ints, n: Ints, own: tuple[Variant, ...], others: tuple[Variant, ...]
) -> Reason | None:
    """The same counts by another method, level, rounding or from a rounded share."""
    printed: dict[str, Any] = {"figure": "interval", "printed": interval.text}
    usual = reading.stated or "its method"
    usual_fit, _ = _nearest(reading, interval, k, n, own)

    def reason(code: str, fit: _Fit, what: str, words: str, more: tuple[str, ...] = ()) -> Reason:
        return Reason(
            code=code,
            verdict="reproduces only as",
            words=words,
            recomputed=_interval_text(usual_fit, reading, 0),
            details={"as": what, "method": fit.variant.method, "k": fit.k, "n": fit.n, "level": fit.level, "methods": more},
            **printed,
        )

    pinned = reading.percentage is not None or reading.claim.k is not None
    if not pinned:
        # any count may be meant: with every variant, level and rounding of every method, one of them fits by chance
        others = tuple(variant for variant in others if not variant.detail)
    fits = list(_fits(reading, interval, k, n, others))
    if fits:
        methods = tuple(dict.fromkeys(fit.variant.method for fit in fits))
        # the usual form of the method comes first
        what = fits[0].variant.words
        words = (
            f"{fits[0].k:,}/{fits[0].n:,} gives the interval by {method_words(methods[0])}; "
            f"{method_words(usual)} gives {_interval_text(usual_fit, reading, 0)}"
        )
        return reason("another_method", fits[0], what, words, methods)
    if not pinned:
        return None
    if reading.stated is None:
        # the source names no method: what many formulas, levels and roundings hit must not be a coincidence
        if not _sharp(interval):
            return None
        own = tuple(variant for variant in own if not variant.detail)
    # within a unit of the last place of an unnamed method's interval a bootstrap would do as well
    ways: tuple[Style | Literal["outward"], ...] = ("truncated", "rounded up", "outward") if reading.stated else ()
    for style in ways:
        fit = next(_fits(reading, interval, k, n, own, style=style), None)
        if fit is not None:
            how = "with its ends rounded outwards" if style == "outward" else style
            words = f"{fit.k:,}/{fit.n:,} gives the interval by {fit.variant.words} only {how}, not rounded"
            return reason("truncated" if style == "truncated" else "rounded_away", fit, how, words)
    tried = _OTHER_LEVELS if reading.stated else _USUAL_LEVELS
    levels = tuple(level for level in tried if abs(level - reading.level) > 1e-9)
    for level in levels:
        fit = next(_fits(reading, interval, k, n, own, levels=z_values(level)), None)
        if fit is not None:
            what = f"a {100 * level:.3g} % interval"
            words = f"{fit.k:,}/{fit.n:,} gives it as {what} by {fit.variant.words}, not at {100 * reading.level:.3g} %"
            return reason("another_level", fit, what, words)
    complement = next(_fits(reading, interval, n - k, n, own), None)
    if complement is not None:
        words = f"the interval is that of the complement, {complement.k:,}/{complement.n:,}, by {complement.variant.words}"
        return reason("of_the_complement", complement, "the interval of the complement", words)
    return None


def _sharp(interval: PrintedInterval) -> bool:
    """Whether so many digits are printed that hardly any formula fits by chance."""
    half = interval.above or interval.below
    if half is not None:
        return bool(half.value >= _SHARP * half.unit_in_last_place)
    if interval.low is None or interval.high is None:
        return False
    unit = max(interval.low.unit_in_last_place, interval.high.unit_in_last_place)
    return bool(interval.high.value - interval.low.value >= 2 * _SHARP * unit)


def _nearest(reading: _Reading, interval: PrintedInterval, k: Ints, n: Ints, variants: tuple[Variant, ...]) -> tuple[_Fit, float]:
    """The computed interval whose farther end is nearest, by the usual form of the method, and how far that is."""
    best: tuple[_Fit, float] | None = None
    for variant in variants[:1] if reading.stated else tuple(v for v in variants if not v.detail):
        low, high = variant.bounds(k, n, reading.level)
        p = k / n
        gaps = np.zeros(len(k))
        for printed, computed in (
            (interval.low, low),
            (interval.high, high),
            (interval.below, p - low),
            (interval.above, high - p),
        ):
            if printed is not None:
                gaps = np.maximum(gaps, np.abs(computed - float(printed.value)))
        at = int(np.argmin(gaps))
        if best is None or gaps[at] < best[1]:
            fit = _Fit(variant=variant, level=reading.level, k=int(k[at]), n=int(n[at]), low=float(low[at]), high=float(high[at]))
            best = fit, float(gaps[at])
    assert best is not None
    return best


def _search(reading: _Reading, interval: PrintedInterval, own: tuple[Variant, ...]) -> tuple[list[_Fit], bool]:
    """Fits at any n, by the stated method or by the usual form of each; False where n was too large to search."""
    grid = _grid(interval, reading.percentage, reading.level)
    if grid is None:
        return [], False
    k, n = grid
    variants = own if reading.stated else tuple(v for v in own if v.method in ("wilson", "clopper pearson", "wald"))
    if reading.claim.k is not None:
        keep = k == reading.claim.k
        k, n = k[keep], n[keep]
    if len(k) == 0:
        return [], True
    return list(
        {
            (f.k, f.n): f
            for f in _fits(
                reading, interval, k, n, variants[:2] if reading.stated else variants, levels=z_values(reading.level)[:2]
            )
        }.values()
    ), True


def _grid(interval: PrintedInterval, percentage: Printed | None, level: float, *, slack: float = 0.0) -> tuple[Ints, Ints] | None:
    """Pairs of count and n that an interval of this width and place can come from."""
    low, high = interval.low, interval.high
    if low is None or high is None:
        return None
    first, last = float(low.bounds()[0]) - slack, float(high.bounds()[1]) + slack
    width, centre = max(last - first, 1e-9), min(0.999, max(0.001, (first + last) / 2))
    z = -float(ndtri((1 - level) / 2))
    expected = (2 * z / width) ** 2 * max(centre * (1 - centre), width / 4)
    largest = int(min(_LARGEST_N, 4 * expected + 60))
    if expected > _LARGEST_N:
        return None
    ns = np.arange(1, largest + 1)
    if percentage is not None:
        p_low, p_high = (float(bound) for bound in percentage.bounds())
    else:
        p_low, p_high = first, last
        if width < 0.3:
            # every method's estimate stands in the middle half unless the interval touches 0 or 1
            p_low = first if first < width / 2 else first + width / 4
            p_high = last if last > 1 - width / 2 else last - width / 4
    start = np.maximum(0, np.ceil(p_low * ns - 1e-9)).astype(np.int64)
    stop = np.minimum(ns, np.floor(p_high * ns + 1e-9)).astype(np.int64)
    lengths = np.maximum(0, stop - start + 1)
    if int(lengths.sum()) > _MOST_PAIRS:
        keep = ns >= expected / 4
        ns, start, lengths = ns[keep], start[keep], lengths[keep]
        if int(lengths.sum()) > _MOST_PAIRS:
            return None
    n = np.repeat(ns, lengths)
    offsets = np.arange(len(n)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(start, lengths) + offsets, n


def _closest_anywhere(reading: _Reading, interval: PrintedInterval, own: tuple[Variant, ...]) -> _Fit | None:
    """The nearest interval over all n."""
    grid = _grid(interval, reading.percentage, reading.level, slack=0.002)
    if grid is None or len(grid[0]) == 0:
        return None
    fit, _ = _nearest(reading, interval, *grid, own)
    return fit


def _another_method(reading: _Reading, interval: PrintedInterval, k: Ints, n: Ints, nearest: _Fit) -> Reason | None:
    """Whether a method that is not known here could have made it: nobody said which, and nothing rules one out."""
    if reading.stated is not None:
        return None
    printed: dict[str, Any] = {"figure": "interval", "printed": interval.text}
    low, high = _printed_ends(reading, interval, nearest)
    width = nearest.high - nearest.low
    lows, highs = [], []
    for variant in VARIANTS:
        ends = variant.bounds(k, n, reading.level)
        lows += [ends[0].min(), ends[0].max()]
        highs += [ends[1].min(), ends[1].max()]
    # the ends are known no better than they are printed
    unit = float(max(end.unit_in_last_place for end in interval.figures))
    noise = _BOOTSTRAP_NOISE * width + min(unit / 2, width / 8)
    below, above = min(lows) - low, high - max(highs)
    shown = _interval_text(nearest, reading, 0)
    within = min(lows) - noise <= low <= max(lows) + noise and min(highs) - noise <= high <= max(highs) + noise
    if within:
        return Reason(
            code="method_unknown",
            verdict="cannot be decided",
            words="none of the methods known here gives the interval exactly "
            f"({nearest.variant.words}: {shown}), but a bootstrap might",
            recomputed=shown,
            details={"nearest_k": nearest.k},
            **printed,
        )
    ratio = (high - low) / width if width > 0 else math.inf
    if below > 0 and above > 0 and ratio**2 <= _LARGEST_DESIGN_EFFECT:
        return Reason(
            code="wider_than_binomial",
            verdict="cannot be decided",
            words=(
                f"wider than any interval of {int(n[0]):,} independent rows "
                f"({shown}), by {ratio:.2f}: rows in clusters would do that "
                f"(design effect {ratio**2:.1f}), if the source says so"
            ),
            recomputed=shown,
            details={"width_ratio": ratio, "design_effect": ratio**2},
            **printed,
        )
    return None


def _printed_ends(reading: _Reading, interval: PrintedInterval, nearest: _Fit) -> tuple[float, float]:
    p = float(reading.percentage.value) if reading.percentage is not None else nearest.k / nearest.n
    low = float(interval.low.value) if interval.low is not None else p - float(interval.below.value if interval.below else 0)
    high = float(interval.high.value) if interval.high is not None else p + float(interval.above.value if interval.above else 0)
    return low, high


def _without_n(reading: _Reading) -> list[Reason]:
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
    own, _ = _split(reading.stated)
    found, complete = _search(reading, reading.interval, own)
    printed: dict[str, Any] = {"figure": "interval", "printed": reading.interval.text}
    if found:
        ns = sorted({fit.n for fit in found})
        words = f"n is not printed; the interval and the share fit n = {_list_words(ns)}"
        return [
            Reason(
                code="n_from_interval", verdict="cannot be decided", words=words, details={"other_n": tuple(ns[:100])}, **printed
            )
        ]
    if complete and reading.stated is not None:
        words = f"no n up to {_LARGEST_N:,} gives share and interval by {method_words(reading.stated)}"
        return [Reason(code="fits_at_no_n", verdict="impossible", words=words, **printed)]
    return [Reason(code="no_n", verdict="cannot be decided", words="n is not printed, and no n was found that fits", **printed)]


def _left_out(claim: Proportion) -> list[Reason]:
    notes: list[Reason] = []
    if claim.n and claim.interval is None and not claim.averaged and claim.percentage is not None:
        for scale in _scales((claim.percentage,)):
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


def _interval_text(fit: _Fit, reading: _Reading, more: int) -> str:
    """A computed interval on the scale and with the decimals of the printed one."""
    printed = reading.claim.interval
    figure = None if printed is None else (printed.high or printed.above)
    own = None if reading.interval is None else (reading.interval.high or reading.interval.above)
    if figure is None or own is None:
        return f"[{100 * fit.low:.1f}, {100 * fit.high:.1f}] %"
    scale = 100 if own.unit_in_last_place != figure.unit_in_last_place else 1
    return f"[{figure.like(scale * fit.low, more=more)}, {figure.like(scale * fit.high, more=more)}]"


def _near_words(nearest: _Fit, shown: str, apart: float) -> str:
    kind = "near" if apart <= NEAR_PP / 100 else "the nearest"
    return f"{kind} is {nearest.k:,}/{nearest.n:,} with {shown}, {100 * apart:.2f} pp away"


def _count_words(ks: list[int]) -> str:
    if len(ks) == 1:
        return f"k = {ks[0]:,}"
    return f"k = {ks[0]:,} to {ks[-1]:,}" if ks[-1] - ks[0] == len(ks) - 1 else f"k = {_list_words(ks)}"


def _list_words(numbers: list[int]) -> str:
    """``290, 295`` and runs as ``232-233``; many are shortened."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = [f"{run[0]:,}" if len(run) == 1 else f"{run[0]:,}-{run[-1]:,}" for run in runs]
    return ", ".join(shown) if len(shown) <= 6 else f"{', '.join(shown[:3])} ... {shown[-1]}"
