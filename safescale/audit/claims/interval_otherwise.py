"""What else a printed interval may be: another level or rounding, a bootstrap, rows in clusters, no interval at all."""

from __future__ import annotations

import math
from typing import Any, Final, Literal

from safescale.audit.claims.interval_methods import VARIANTS, Ints, Variant, method_words, z_values
from safescale.audit.claims.interval_search import Fit, all_fits, nearest_fit
from safescale.audit.claims.interval_words import interval_text
from safescale.audit.claims.printed import PrintedInterval, Style
from safescale.audit.claims.result import Reason
from safescale.audit.claims.share_reading import Reading

__all__ = ["another_method", "as_something_else", "by_another_method", "not_said_to_be_an_interval"]

_OTHER_LEVELS: Final = (0.9, 0.99, 0.95, 0.8, 0.5, 0.999, math.erf(1 / math.sqrt(2)), math.erf(2 / math.sqrt(2)))


_USUAL_LEVELS: Final = (0.9, 0.99, math.erf(1 / math.sqrt(2)))


_SHARP: Final = 40
"""Half-width in units of its last place from which a fit among some hundred formulas is no chance."""


_LARGEST_DESIGN_EFFECT: Final = 200.0
"""Rows of one prompt or behaviour are hardly more."""


_BOOTSTRAP_NOISE: Final = 0.05
"""How far the ends of a few hundred resamples scatter, as a share of the width."""


def by_another_method(reading: Reading, interval: PrintedInterval, k: Ints, n: Ints, own: tuple[Variant, ...]) -> Reason:
    """The source names a method that needs the data: only an interval without its own rate in it contradicts itself."""
    nearest, _ = nearest_fit(reading, interval, k, n, own)
    shown = interval_text(nearest, reading, 0)
    printed: dict[str, Any] = {"figure": "interval", "printed": interval.text, "recomputed": shown}
    if interval.low is not None and interval.high is not None:
        low, high = float(interval.low.bounds()[0]), float(interval.high.bounds()[1])
        if high < k.min() / n[0] or low > k.max() / n[0]:
            words = "the printed share lies outside its own interval"
            return Reason(code="outside_its_interval", verdict="impossible", words=words, **printed)
    words = f"the interval was made by a method that is not recomputed here; independent rows would give {shown}"
    return Reason(code="method_not_checked", verdict="cannot be decided", words=words, **printed)


def not_said_to_be_an_interval(reading: Reading, interval: PrintedInterval, k: Ints, n: Ints, own: tuple[Variant, ...]) -> Reason:
    """``40.4 +- 3.3`` without a level: a standard error, the scatter over seeds, or an interval."""
    nearest, _ = nearest_fit(reading, interval, k, n, own)
    p, rows = nearest.k / nearest.n, nearest.n
    words = (
        f"what follows the \u00b1 is not said to be an interval: independent rows have {interval_text(nearest, reading, 0)}, "
        f"and a standard error of {100 * math.sqrt(p * (1 - p) / rows):.2g} pp; name level or method if it is one"
    )
    return Reason(
        code="plus_minus_of_what",
        verdict="cannot be decided",
        figure="interval",
        printed=interval.text,
        recomputed=interval_text(nearest, reading, 0),
        words=words,
    )


def as_something_else(
    reading: Reading, interval: PrintedInterval, k: Ints, n: Ints, own: tuple[Variant, ...], others: tuple[Variant, ...]
) -> Reason | None:
    """The same counts by another method, level, rounding or from a rounded share."""
    printed: dict[str, Any] = {"figure": "interval", "printed": interval.text}
    usual = reading.stated or "its method"
    usual_fit, _ = nearest_fit(reading, interval, k, n, own)

    def reason(code: str, fit: Fit, what: str, words: str, more: tuple[str, ...] = ()) -> Reason:
        return Reason(
            code=code,
            verdict="reproduces only as",
            words=words,
            recomputed=interval_text(usual_fit, reading, 0),
            details={"as": what, "method": fit.variant.method, "k": fit.k, "n": fit.n, "level": fit.level, "methods": more},
            **printed,
        )

    pinned = reading.percentage is not None or reading.claim.k is not None
    if not pinned:
        # any count may be meant: with every variant, level and rounding of every method, one of them fits by chance
        others = tuple(variant for variant in others if not variant.detail)
    fits = list(all_fits(reading, interval, k, n, others))
    if fits:
        methods = tuple(dict.fromkeys(fit.variant.method for fit in fits))
        # the usual form of the method comes first
        what = fits[0].variant.words
        words = (
            f"{fits[0].k:,}/{fits[0].n:,} gives the interval by {method_words(methods[0])}; "
            f"{method_words(usual)} gives {interval_text(usual_fit, reading, 0)}"
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
        fit = next(all_fits(reading, interval, k, n, own, style=style), None)
        if fit is not None:
            how = "with its ends rounded outwards" if style == "outward" else style
            words = f"{fit.k:,}/{fit.n:,} gives the interval by {fit.variant.words} only {how}, not rounded"
            return reason("truncated" if style == "truncated" else "rounded_away", fit, how, words)
    tried = _OTHER_LEVELS if reading.stated else _USUAL_LEVELS
    levels = tuple(level for level in tried if abs(level - reading.level) > 1e-9)
    for level in levels:
        fit = next(all_fits(reading, interval, k, n, own, levels=z_values(level)), None)
        if fit is not None:
            what = f"a {100 * level:.3g} % interval"
            words = f"{fit.k:,}/{fit.n:,} gives it as {what} by {fit.variant.words}, not at {100 * reading.level:.3g} %"
            return reason("another_level", fit, what, words)
    complement = next(all_fits(reading, interval, n - k, n, own), None)
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


def another_method(reading: Reading, interval: PrintedInterval, k: Ints, n: Ints, nearest: Fit) -> Reason | None:
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
    shown = interval_text(nearest, reading, 0)
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


def _printed_ends(reading: Reading, interval: PrintedInterval, nearest: Fit) -> tuple[float, float]:
    p = float(reading.percentage.value) if reading.percentage is not None else nearest.k / nearest.n
    low = float(interval.low.value) if interval.low is not None else p - float(interval.below.value if interval.below else 0)
    high = float(interval.high.value) if interval.high is not None else p + float(interval.above.value if interval.above else 0)
    return low, high
