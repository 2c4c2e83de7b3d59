"""Which counts print as a percentage: rounded, truncated or rounded up, and at which other n."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final

from safescale.audit.claims.printed import Printed, Style
from safescale.audit.claims.result import Reason
from safescale.audit.claims.share_reading import Reading

__all__ = ["check_percentage", "counts_that_print"]

_STYLES: Final[tuple[Style, ...]] = ("rounded", "truncated", "rounded up")


def counts_that_print(percentage: Printed, n: int, style: Style = "rounded") -> tuple[int, int] | None:
    """First and last count k of n whose ``k / n`` prints as this fraction, in exact arithmetic; None where none does."""
    low, high = percentage.bounds(style)
    first, last = max(0, math.ceil(low * n)), min(n, math.floor(high * n))
    if style == "truncated" and percentage.relation == "=" and last >= first and Fraction(last, n) == high:
        last -= 1
    if style == "rounded up" and percentage.relation == "=" and first <= last and Fraction(first, n) == low:
        first += 1
    return (first, last) if first <= last else None


def check_percentage(reading: Reading, percentage: Printed, n: int) -> tuple[Reason, tuple[int, int] | None]:
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
