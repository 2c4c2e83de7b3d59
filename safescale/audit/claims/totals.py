"""Parts and totals, shares and ratios: arithmetic over the rounding of what is printed."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from safescale.audit.claims.claim import Ratio, Totals
from safescale.audit.claims.correlation import as_share
from safescale.audit.claims.p_values import Recomputed, compare
from safescale.audit.claims.printed import Printed
from safescale.audit.claims.result import SEVERITY, Reason
from safescale.stats import share_ratio_null

__all__ = ["check_ratio", "check_totals"]

_Bounds = tuple[Fraction, Fraction]


def check_totals(claim: Totals) -> tuple[list[Reason], list[Reason]]:
    """Findings about a sum, its shares and its mean."""
    reasons: list[Reason] = []
    if not claim.parts:
        return reasons, []
    exact, rounded = _sum(claim.parts, exact=True), _sum(claim.parts, exact=False)
    if claim.total is not None:
        reasons.append(_total(claim, claim.total, exact, rounded))
    if claim.mean is not None:
        n = len(claim.parts)
        low, high = rounded[0] / n, rounded[1] / n
        whole = exact[0] / n, exact[1] / n
        candidates = [
            Recomputed(
                low=float(whole[0]), high=float(whole[1]), accepted=True, what=f"the mean of {n} parts", code="mean_follows"
            ),
            Recomputed(low=float(low), high=float(high), accepted=True, what=f"the mean of {n} rounded parts", code="mean_follows"),
        ]
        reasons.append(compare("mean", claim.mean, candidates, because="the parts"))
    if claim.shares:
        reasons += _shares(claim)
    return reasons, []


def _sum(parts: tuple[Printed, ...], *, exact: bool) -> _Bounds:
    """Range of the sum; whole numbers are counts where ``exact``."""
    low = high = Fraction(0)
    for part in parts:
        own = (part.value, part.value) if exact and _is_count(part) else part.bounds()
        low, high = low + own[0], high + own[1]
    return low, high


def _is_count(part: Printed) -> bool:
    return part.relation == "=" and part.scale != "percent" and part.unit_in_last_place >= 1


def _total(claim: Totals, total: Printed, exact: _Bounds, rounded: _Bounds) -> Reason:
    printed: dict[str, Any] = {"figure": "total", "printed": total.text}
    shown = _sum_text(exact, total)
    # the total of counts is a count; a rounded total leaves its own half unit
    own = (total.value, total.value) if _is_count(total) else total.bounds()
    if claim.overlapping:
        return _overlapping(claim, total, exact, shown, own)
    if not claim.complete:
        fits = exact[0] <= own[1]
        words = f"the parts add up to {shown}, {'within' if fits else 'more than'} {total.text}"
        return Reason(
            code="parts_within" if fits else "parts_exceed",
            verdict="reproduces" if fits else "impossible",
            words=words,
            recomputed=shown,
            **printed,
        )
    if exact[0] <= own[1] and exact[1] >= own[0]:
        return Reason(code="parts_add_up", verdict="reproduces", words=f"the parts add up to {shown}", recomputed=shown, **printed)
    wide = total.bounds()
    if rounded[0] <= wide[1] and rounded[1] >= wide[0] and total.value in (1, 100):
        words = f"the parts add up to {shown}: not as counts, but as rounded percentages they can"
        return Reason(code="rounded_shares", verdict="cannot be decided", words=words, recomputed=shown, **printed)
    apart = exact[0] - total.value if exact[0] > total.value else total.value - exact[1]
    words = (
        f"the parts add up to {shown}, not {total.text}: {_plain(abs(apart))} "
        f"{'too many' if exact[0] > total.value else 'are not listed'}"
    )
    if exact[0] > total.value and all(part.value <= total.value for part in claim.parts):
        words += "; if a row may count in several parts, say `overlapping = true`"
    return Reason(
        code="parts_do_not_add_up", verdict="impossible", words=words, recomputed=shown, details={"apart": float(apart)}, **printed
    )


def _overlapping(claim: Totals, total: Printed, exact: _Bounds, shown: str, own: _Bounds) -> Reason:
    """Parts that share rows add up to no less than their union, and none is larger than it."""
    printed: dict[str, Any] = {"figure": "total", "printed": total.text, "recomputed": shown}
    largest = max(claim.parts, key=lambda part: part.value)
    if largest.bounds()[0] > own[1]:
        words = f"a part, {largest.text}, is more than all, {total.text}"
        return Reason(code="part_exceeds", verdict="impossible", words=words, **printed)
    if claim.complete and exact[1] < own[0]:
        words = f"the parts add up to {shown}: parts that share rows cannot have {total.text} together"
        return Reason(code="parts_too_few", verdict="impossible", words=words, **printed)
    words = f"the parts may share rows and add up to {shown}: how many rows they share is not printed"
    return Reason(code="parts_overlap", verdict="cannot be decided", words=words, **printed)


def _sum_text(total: _Bounds, like: Printed) -> str:
    if total[0] == total[1]:
        return _plain(total[0])
    return f"{like.like(float(total[0]), more=1)} to {like.like(float(total[1]), more=1)}"


def _plain(value: Fraction) -> str:
    return f"{int(value):,}" if value.denominator == 1 else f"{float(value):g}"


def _shares(claim: Totals) -> list[Reason]:
    """Each printed share of its part, by the printed total or by the sum of the parts."""
    if len(claim.shares) != len(claim.parts):
        return [
            Reason(
                code="share_count",
                verdict="cannot be decided",
                figure="shares",
                words=f"{len(claim.shares)} shares stand beside {len(claim.parts)} parts",
            )
        ]
    listed = _sum(claim.parts, exact=True)
    totals: list[tuple[str, _Bounds, bool]] = []
    if claim.total is not None:
        own = (claim.total.value, claim.total.value) if _is_count(claim.total) else claim.total.bounds()
        totals.append(("the printed total", own, True))
    if claim.total is None or (claim.complete and listed != totals[0][1]):
        totals.append(("the sum of the parts", listed, claim.total is None))
    wrong: list[Reason] = []
    for at, (part, share) in enumerate(zip(claim.parts, claim.shares, strict=True)):
        own = (part.value, part.value) if _is_count(part) else part.bounds()
        candidates = [
            Recomputed(
                low=float(own[0] / of[1]),
                high=float(own[1] / of[0]),
                accepted=accepted,
                what=f"its part of {what}",
                code="share_follows" if accepted else "share_of_the_sum",
            )
            for what, of, accepted in totals
            if of[0] > 0
        ]
        if not candidates:
            continue
        found = min(
            (
                compare(f"shares[{at}]", reading, candidates, because="its part and the total", share_text=True)
                for reading in as_share(share)
            ),
            key=lambda reason: SEVERITY.index(reason.verdict or "impossible"),
        )
        if found.verdict != "reproduces":
            wrong.append(found)
    if wrong:
        return wrong
    return [
        Reason(
            code="shares_follow",
            verdict="reproduces",
            figure="shares",
            words=f"all {len(claim.shares)} shares follow from their parts",
        )
    ]


def check_ratio(claim: Ratio) -> tuple[list[Reason], list[Reason]]:
    """Findings about "57.5x", and whether the two can be compared at all."""
    reasons: list[Reason] = []
    if claim.ratio is not None and claim.numerator is not None and claim.denominator is not None:
        found = []
        for top in _numbers(claim.numerator):
            for bottom in _numbers(claim.denominator):
                low, high = _quotient(top.bounds(), bottom.bounds())
                candidates = [
                    Recomputed(low=low, high=high, accepted=True, what="the two figures", code="ratio_follows"),
                    Recomputed(
                        low=low - 1, high=high - 1, accepted=False, what='"more than" (the ratio less 1)', code="ratio_less_one"
                    ),
                    Recomputed(
                        low=100 * low,
                        high=100 * high,
                        accepted=claim.ratio.scale == "percent",
                        what="the ratio in percent",
                        code="ratio_in_percent",
                    ),
                    Recomputed(
                        low=100 * (low - 1),
                        high=100 * (high - 1),
                        accepted=False,
                        what="the change in percent",
                        code="change_in_percent",
                    ),
                    Recomputed(
                        low=1 / high if high else math.inf,
                        high=1 / low if low > 0 else math.inf,
                        accepted=False,
                        what="the inverse",
                        code="inverse",
                    ),
                ]
                found.append(
                    compare("ratio", claim.ratio, [c for c in candidates if math.isfinite(c.low)], because="the two figures")
                )
        reasons.append(min(found, key=lambda reason: SEVERITY.index(reason.verdict or "impossible")))
    return reasons, _left_out(claim)


def _numbers(figure: Printed) -> tuple[Printed, ...]:
    if figure.scale == "percent":
        return (figure.as_fraction("percent"),)
    return (figure, figure.as_fraction("percent")) if figure.value > 1 and figure.unit_in_last_place < 1 else (figure,)


def _quotient(top: _Bounds, bottom: _Bounds) -> tuple[float, float]:
    low = float(top[0] / bottom[1]) if bottom[1] > 0 else 0.0
    return low, float(top[1] / bottom[0]) if bottom[0] > 0 else math.inf


def _left_out(claim: Ratio) -> list[Reason]:
    d1, d2 = claim.df_numerator, claim.df_denominator
    if d1 is None or d2 is None or d1 == d2:
        return []
    notes = [
        Reason(
            code="unequal_degrees_of_freedom",
            verdict=None,
            figure="ratio",
            words=f"the ratio compares {d1} degrees of freedom with {d2}: the two shares are not on one scale",
            details={"df_numerator": d1, "df_denominator": d2},
        )
    ]
    ratio = None if claim.ratio is None else float(claim.ratio.value)
    if claim.n is not None and d2 == 1 and ratio is not None and ratio >= 0 and 1 <= d1 < claim.n - 1:
        groups = [at % (d1 + 1) for at in range(claim.n)]
        null = share_ratio_null(ratio, groups, [math.log(1 + at) for at in range(claim.n)])
        notes.append(
            Reason(
                code="ratio_by_chance",
                verdict=None,
                figure="ratio",
                words=(
                    f"where neither does anything, {claim.n} values have a median ratio of about {null.null_median:.0f}, "
                    f"and one at least as large with probability about {null.p_as_large:.2f}"
                ),
                details={"null_median": null.null_median, "p_as_large": null.p_as_large},
            )
        )
    return notes
