"""Which counts and n give a printed interval, by which formula, and which one comes nearest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, Literal

import attrs
import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from safescale.audit.claims.interval_methods import VARIANTS, Floats, Ints, Variant, z_values
from safescale.audit.claims.printed import Printed, PrintedInterval, Style
from safescale.audit.claims.share_reading import Reading

__all__ = ["LARGEST_N", "Fit", "all_fits", "candidate_counts", "closest_anywhere", "nearest_fit", "search_n", "split_variants"]

_MOST_PAIRS: Final = 1_500_000
"""Pairs of k and n that the search over other n may try."""


_MOST_COUNTS: Final = 20_000


LARGEST_N: Final = 20_000


_SLACK: Final = 1e-9


@attrs.frozen(kw_only=True)
class Fit:
    """A count of n whose interval, by one formula at one level, prints as the one that is asked for."""

    variant: Variant
    level: float
    k: int
    n: int
    low: float
    high: float


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


def all_fits(
    reading: Reading,
    interval: PrintedInterval,
    k: Ints,
    n: Ints,
    variants: tuple[Variant, ...],
    *,
    levels: tuple[float, ...] | None = None,
    style: Style | Literal["outward"] = "rounded",
) -> Iterator[Fit]:
    """Fits of these counts and n, formula by formula and level by level."""
    for variant in variants:
        for level in levels or z_values(reading.level):
            low, high = variant.bounds(k, n, level)
            for at in np.flatnonzero(_matches(interval, k / n, low, high, style)):
                yield Fit(variant=variant, level=level, k=int(k[at]), n=int(n[at]), low=float(low[at]), high=float(high[at]))


def candidate_counts(interval: PrintedInterval, n: int, counts: tuple[int, int], level: float) -> Ints:
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


def split_variants(stated: str | None) -> tuple[tuple[Variant, ...], tuple[Variant, ...]]:
    """The variants that a claim speaks of, and the others."""
    if stated is None:
        return VARIANTS, ()
    return tuple(v for v in VARIANTS if v.method == stated), tuple(v for v in VARIANTS if v.method != stated)


def nearest_fit(reading: Reading, interval: PrintedInterval, k: Ints, n: Ints, variants: tuple[Variant, ...]) -> tuple[Fit, float]:
    """The computed interval whose farther end is nearest, by the usual form of the method, and how far that is."""
    best: tuple[Fit, float] | None = None
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
            fit = Fit(variant=variant, level=reading.level, k=int(k[at]), n=int(n[at]), low=float(low[at]), high=float(high[at]))
            best = fit, float(gaps[at])
    assert best is not None
    return best


def search_n(reading: Reading, interval: PrintedInterval, own: tuple[Variant, ...]) -> tuple[list[Fit], bool]:
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
            for f in all_fits(
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
    largest = int(min(LARGEST_N, 4 * expected + 60))
    if expected > LARGEST_N:
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


def closest_anywhere(reading: Reading, interval: PrintedInterval, own: tuple[Variant, ...]) -> Fit | None:
    """The nearest interval over all n."""
    grid = _grid(interval, reading.percentage, reading.level, slack=0.002)
    if grid is None or len(grid[0]) == 0:
        return None
    fit, _ = nearest_fit(reading, interval, *grid, own)
    return fit
