"""Correlation, n and p against each other: by Student's t, by permutation where few are counted, by a normal."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import numpy as np
import numpy.typing as npt
import scipy

from safescale.audit.claims.claim import Correlation
from safescale.audit.claims.p_values import Range, Recomputed, compare, normal_tail, student_tail, t_of_r
from safescale.audit.claims.printed import Printed
from safescale.audit.claims.result import Reason
from safescale.audit.claims.share_reading import level_of
from safescale.stats import kendall_test
from safescale.stats._spearman_untied import LARGEST_TABLE, untied_tails

__all__ = ["another_test", "as_share", "check_correlation", "correlation_p", "r_and_r2", "share_range", "spearman_exact"]

_LARGEST_KENDALL = 60
_MOST_CONTROLS = 6
_RESAMPLES = 1000
"""Usual number of random permutations."""

_FAR_FETCHED = ("fisher_z", "normal_of_r")
"""Tests of Pearson's r that hardly anyone prints a p of: another coefficient is as likely."""

_FEWEST = 0.0105
"""A hundred random orders, the observed one among them, give no smaller p than .01."""

_TIES_SHRINK = 0.62
"""With ties z is at least this share of what it is without: two binary variables have 2/3 (and n - 1 for n)."""


def check_correlation(claim: Correlation) -> tuple[list[Reason], list[Reason]]:
    """Findings about a correlation, and what it left out."""
    if claim.coefficient in ("partial", "other"):
        return _of_another_kind(claim), []
    reasons: list[Reason] = []
    notes: list[Reason] = []
    n, value = claim.n, claim.value
    if n is not None and n < 3:
        return [
            Reason(code="too_few", verdict="impossible", figure="n", printed=str(n), words=f"{n} pairs have no correlation to test")
        ], []
    r = None if value is None else _within_one(value)
    if value is not None and r is None:
        return [
            Reason(
                code="beyond_one", verdict="impossible", figure="value", printed=value.text, words="a correlation lies from -1 to 1"
            )
        ], []
    if claim.r2 is not None:
        reason, r = r_and_r2(claim.r2, r, n)
        reasons += [reason] if reason is not None else []
    if r is None:
        return reasons, notes
    if n is None:
        if claim.p is not None:
            reasons.append(Reason(code="no_n", verdict="cannot be decided", figure="p", words="p cannot be recomputed without n"))
        return reasons, notes
    if claim.t is not None:
        low, high = (t_of_r(end, n) for end in r)
        reasons.append(
            compare("t", claim.t, [Recomputed(low=low, high=high, accepted=True, what="r and n", code="t_of_r")], because="r and n")
        )
    if claim.p is not None:
        reasons.append(
            correlation_p(claim.p, r, n, coefficient=claim.coefficient, sided=claim.sided, distribution=claim.distribution)
        )
    if claim.interval is not None and claim.interval.low is not None and claim.interval.high is not None and n > 3:
        reasons.append(_fisher_interval(claim, r, n))
    notes += _left_out(claim, r, n)
    return reasons, notes


def _of_another_kind(claim: Correlation) -> list[Reason]:
    """A partial correlation spends a degree of freedom on each control; of other coefficients nothing but the range is known."""
    if claim.value is not None and _within_one(claim.value) is None:
        words = "a correlation lies from -1 to 1"
        return [Reason(code="beyond_one", verdict="impossible", figure="value", printed=claim.value.text, words=words)]
    words = "the coefficient is none that is recomputed here"
    r = None if claim.value is None else _within_one(claim.value)
    if claim.coefficient == "partial" and r is not None and claim.n is not None and claim.p is not None:
        fitting = [
            controls
            for controls in range(_MOST_CONTROLS + 1)
            if claim.n - controls > 3
            and correlation_p(
                claim.p, r, claim.n - controls, coefficient="pearson", sided=claim.sided, distribution=claim.distribution
            ).verdict
            == "reproduces"
        ]
        words = "a partial correlation depends on the number of controls, which is no field of a claim"
        if fitting:
            words += f"; the printed p fits {' or '.join(map(str, fitting))} of them"
    figure = "p" if claim.p is not None else "value"
    return [Reason(code="coefficient_not_checked", verdict="cannot be decided", figure=figure, words=words)]


def _within_one(value: Printed) -> Range | None:
    low, high = value.float_bounds
    if low > 1 or high < -1:
        return None
    return max(-1.0, low), min(1.0, high)


def as_share(value: Printed) -> tuple[Printed, ...]:
    """A printed share as a fraction, by each reading that is possible."""
    if value.scale == "percent" or value.value > 1:
        return (value.as_fraction("percent"),)
    if value.scale == "fraction":
        return (value,)
    return value, value.as_fraction("percent")


def share_range(value: Printed) -> Range:
    """Its likeliest reading as a range of fractions."""
    low, high = as_share(value)[0].float_bounds
    return max(0.0, low), min(1.0, high)


def r_and_r2(r2: Printed, r: Range | None, n: int | None) -> tuple[Reason | None, Range | None]:
    """Whether R2 is the square of r; and the range of r that both leave."""
    share = as_share(r2)[0]
    if share.float_bounds[1] < 0 and (n is None or (n > 2 and share.float_bounds[1] >= -1 / (n - 2))):
        words = "R2 is no less than 0, but the adjusted R2 can be"
        details = {"as": "adjusted R2"}
        return Reason(
            code="adjusted_r2", verdict="reproduces only as", figure="r2", printed=r2.text, words=words, details=details
        ), r
    if share.value - share.unit_in_last_place > 1 or (share.float_bounds[1] < 0):
        return Reason(code="not_a_share", verdict="impossible", figure="r2", printed=r2.text, words="R2 lies from 0 to 1"), r
    low, high = (max(0.0, min(1.0, end)) for end in share.float_bounds)
    root = math.sqrt(low), math.sqrt(high)
    if r is None:
        return None, root
    square = _square(r)
    candidates = [Recomputed(low=square[0], high=square[1], accepted=True, what="the square of r", code="r2_is_r_squared")]
    if n is not None and n > 2:
        adjusted = tuple(1 - (1 - end) * (n - 1) / (n - 2) for end in square)
        candidates.append(Recomputed(low=adjusted[0], high=adjusted[1], accepted=False, what="adjusted R2", code="adjusted_r2"))
    reason = compare("r2", share, candidates, because="r")
    if reason.verdict != "reproduces":
        return reason, r
    sign = -1 if r[0] + r[1] < 0 else 1
    ends = sorted((sign * root[0], sign * root[1]))
    both = max(r[0], ends[0]), min(r[1], ends[1])
    return reason, both if both[0] <= both[1] else r


def _square(r: Range) -> Range:
    squares = r[0] ** 2, r[1] ** 2
    return (0.0 if r[0] <= 0 <= r[1] else min(squares)), max(squares)


def correlation_p(
    p: Printed, r: Range, n: int, *, coefficient: str | None, sided: str | None, distribution: str | None, figure: str = "p"
) -> Reason:
    """The printed p against every distribution that could be meant; the stated one first."""
    if distribution in ("permutation", "other"):
        reason = correlation_p(p, r, n, coefficient=coefficient, sided=sided, distribution=None, figure=figure)
        return reason if reason.verdict == "reproduces" else another_test(reason, p, distribution)
    if coefficient is None:
        reason = correlation_p(p, r, n, coefficient="pearson", sided=sided, distribution=distribution, figure=figure)
        named = reason.verdict == "reproduces" or (reason.verdict == "reproduces only as" and reason.code not in _FAR_FETCHED)
        return reason if named else _unnamed(reason, p, r, n, sided, distribution)
    sides = int(sided or 2)
    candidates: list[Recomputed] = []

    def add(code: str, what: str, values: tuple[float, ...], accepted: bool) -> None:
        candidates.append(Recomputed(low=min(values), high=max(values), accepted=accepted, what=what, code=code))

    def over(tail: Callable[[float, int], float], sides: int) -> tuple[float, ...]:
        ends = [abs(end) for end in r] + ([0.0] if r[0] < 0 < r[1] else [])
        return tuple(tail(end, sides) for end in (min(ends), max(ends)))

    def t(end: float, sides: int) -> float:
        return student_tail(t_of_r(end, n), n - 2, sides)

    exact = _exact(coefficient, r, n, sides)
    one = _exact(coefficient, r, n, 1) if sides == 2 else None
    floor = sides / math.factorial(min(n, 20))
    below_floor = coefficient in ("spearman", "kendall") and p.float_bounds[1] < floor * (1 - 1e-9)
    said = distribution
    if exact is not None:
        add("exact_p", "the exact permutation p", exact, said in (None, "exact"))
    if coefficient == "kendall":
        sd = math.sqrt(2 * (2 * n + 5) / (9 * n * (n - 1)))
        add(
            "normal_p",
            "Kendall's normal approximation",
            over(lambda end, s: normal_tail(end / sd, s), sides),
            said in (None, "normal"),
        )
        step = 2 / (n * (n - 1))
        add(
            "normal_p",
            "Kendall's normal approximation with continuity correction",
            over(lambda end, s: normal_tail(max(0.0, end - step) / sd, s), sides),
            said in (None, "normal"),
        )
    else:
        usual = said in (None, "t") and not (below_floor and said is None)
        name = "the t approximation" if coefficient == "spearman" else "Student's t"
        add("t_p", name, over(t, sides), usual)
    if said is not None and not any(candidate.accepted for candidate in candidates):
        stated = {
            "normal": ("normal_for_t", "a normal distribution for t", over(lambda e, s: normal_tail(t_of_r(e, n), s), sides)),
            "fisher z": ("fisher_z", "Fisher's z", over(lambda e, s: _fisher_z(e, n, s), sides)),
        }.get(said)
        if stated is None:
            return Reason(
                code="distribution_unavailable",
                verdict="cannot be decided",
                figure=figure,
                printed=p.text,
                words=f"the {said} p cannot be had from the coefficient and n alone (ties, or too many values)",
            )
        add(*stated, True)
    if sides == 2:
        add("one_sided", "a one-sided test", over(t, 1), False)
        if one is not None:
            add("one_sided", "a one-sided exact test", one, False)
    else:
        add("two_sided", "a two-sided test", over(t, 2), False)
        # the other tail: the claim may test against the sign that came out
        ends = over(t, 1)
        add("other_tail", "the other tail", tuple(1 - end for end in ends), True)
    add(
        "normal_for_t",
        "a normal distribution where Student's t belongs",
        over(lambda e, s: normal_tail(t_of_r(e, n), s), sides),
        False,
    )
    if said != "fisher z" and n > 3:
        add("fisher_z", "Fisher's z", over(lambda e, s: _fisher_z(e, n, s), sides), False)
    add(
        "normal_of_r",
        "a normal distribution for r sqrt(n - 1)",
        over(lambda e, s: normal_tail(e * math.sqrt(n - 1), s), sides),
        False,
    )
    if not any(candidate.accepted for candidate in candidates):
        # untied ranks reach no such p, and ties only raise the floor
        what = f"the smallest p that {n} ranks can reach"
        add("floor", what, (floor, 1.0), True)
        candidates.insert(0, candidates.pop())
        return compare(figure, p, candidates, because="the coefficient and n", details={"floor": floor})
    if coefficient in ("spearman", "kendall"):
        reason = compare(figure, p, candidates, because="the coefficient and n", details={"floor": floor})
        if reason.verdict != "reproduces" and coefficient == "kendall" and said is None and p.float_bounds[1] >= floor:
            return _ties(reason, p, candidates)
        return reason if distribution else _with_hint(reason)
    reason = compare(figure, p, candidates, because="r and n")
    return reason if distribution else _with_hint(reason)


def _with_hint(reason: Reason) -> Reason:
    if reason.verdict != "impossible":
        return reason
    hint = "if the source used permutations, robust errors or a model, say so with `distribution`"
    return attrs.evolve(reason, words=f"{reason.words}; {hint}")


def _ties(reason: Reason, p: Printed, candidates: list[Recomputed]) -> Reason:
    """Ties make p larger, and are not printed: what they could make of it stays open."""
    accepted = [candidate for candidate in candidates if candidate.accepted]
    low, high = min(c.low for c in accepted), max(c.high for c in accepted)
    with_ties = normal_tail(_TIES_SHRINK * -float(scipy.special.ndtri(high / 2)), 2)
    if not p.meets(low / 1.25, max(high * 1.25, with_ties)):
        return reason
    return attrs.evolve(
        reason,
        code="ties_unknown",
        verdict="cannot be decided",
        words=f"{reason.words}; with ties, which are not printed, it might",
    )


def _unnamed(reason: Reason, p: Printed, r: Range, n: int, sided: str | None, distribution: str | None) -> Reason:
    """Nobody said which coefficient it is: one of the others may give the p."""
    for name, words in (("spearman", "Spearman's rho"), ("kendall", "Kendall's tau")):
        other = correlation_p(p, r, n, coefficient=name, sided=sided, distribution=distribution)
        if other.verdict == "reproduces":
            said = (
                f"which coefficient it is, is not said: p follows if it is {words}, not if it is Pearson's r ({reason.recomputed})"
            )
            return attrs.evolve(reason, code="coefficient_unknown", verdict="cannot be decided", words=said)
    return reason


def another_test(reason: Reason, p: Printed, distribution: str) -> Reason:
    """A test that the source names and that needs the data: open, unless random permutations could not be so far off."""
    low, high = reason.details.get("low"), reason.details.get("high")
    if distribution == "permutation" and isinstance(low, float) and isinstance(high, float):
        scatter = 4 * max(math.sqrt(end * (1 - end) / _RESAMPLES) for end in (low, high)) + 1 / _RESAMPLES
        # the approximation that stands in for it is itself off by some part
        if not p.meets(low / 2 - scatter, max(_FEWEST, high * 2 + scatter)):
            return attrs.evolve(reason, verdict="impossible")
    how = "random permutations scatter" if distribution == "permutation" else "that test is not recomputed here, and needs the data"
    words = f"by the usual test p would be {reason.recomputed}; {how}"
    return attrs.evolve(reason, code="test_not_checked", verdict="cannot be decided", words=words)


def _fisher_z(r: float, n: int, sided: int) -> float:
    return 0.0 if abs(r) >= 1 else normal_tail(math.atanh(r) * math.sqrt(max(0, n - 3)), sided)


def _exact(coefficient: str | None, r: Range, n: int, sides: int) -> tuple[float, ...] | None:
    if coefficient == "spearman":
        return spearman_exact(r, n, sides)
    if coefficient == "kendall":
        return _kendall_exact(r, n, sides)
    return None


def spearman_exact(rho: Range, n: int, sides: int) -> tuple[float, ...] | None:
    """Exact p over the untied values of rho in a range: None where there is none, or n is beyond the tables."""
    if not 3 <= n <= LARGEST_TABLE:
        return None
    largest = (n**3 - n) // 3
    # T = largest * rho runs in steps of 4 from the smallest
    first = math.ceil((rho[0] * largest + largest) / 4 - 1e-9)
    last = math.floor((rho[1] * largest + largest) / 4 + 1e-9)
    if first > last:
        return None
    found = []
    ends = {first, last} | ({max(first, min(last, (2 * largest // 4)))} if rho[0] < 0 < rho[1] else set())
    for step in ends:
        top = abs(4 * step - largest)
        tails = untied_tails(n, -top, top)
        p = float(tails.above / tails.total)
        found.append(p if sides == 1 else min(1.0, 1.0 if top == 0 else 2 * p))
    return tuple(found)


def _kendall_exact(tau: Range, n: int, sides: int) -> tuple[float, ...] | None:
    if not 3 <= n <= _LARGEST_KENDALL:
        return None
    pairs = n * (n - 1) // 2
    first = math.ceil((tau[0] + 1) * pairs / 2 - 1e-9)
    last = math.floor((tau[1] + 1) * pairs / 2 + 1e-9)
    if first > last:
        return None
    steps = {first, last} | ({max(first, min(last, pairs // 2))} if tau[0] < 0 < tau[1] else set())
    found = []
    for agreeing in steps:
        inversions = min(agreeing, pairs - agreeing)
        test = kendall_test(
            np.arange(n), _with_inversions(n, inversions), method="exact", alternative="two-sided" if sides == 2 else "greater"
        )
        found.append(test.p_value)
    return tuple(found)


def _with_inversions(n: int, inversions: int) -> npt.NDArray[np.int64]:
    """An order of n values with so many pairs the wrong way round."""
    left, order = list(range(n)), []
    for place in range(n):
        jump = min(inversions, n - 1 - place)
        order.append(left.pop(jump))
        inversions -= jump
    return np.array(order)


def _fisher_interval(claim: Correlation, r: Range, n: int) -> Reason:
    """The usual interval of a correlation; a bootstrap has another."""
    interval, level = claim.interval, level_of(claim.level)
    assert interval is not None
    assert interval.low is not None
    assert interval.high is not None
    z = -float(scipy.special.ndtri((1 - level) / 2)) / math.sqrt(n - 3)
    inner = tuple(max(-1 + 1e-12, min(1 - 1e-12, end)) for end in r)
    low = tuple(math.tanh(math.atanh(end) - z) for end in inner)
    high = tuple(math.tanh(math.atanh(end) + z) for end in inner)
    fits = interval.low.meets(*low) and interval.high.meets(*high)
    shown = f"[{interval.low.like(sum(low) / 2)}, {interval.high.like(sum(high) / 2)}]"
    return Reason(
        code="fisher_interval" if fits else "method_unknown",
        verdict="reproduces" if fits else "cannot be decided",
        figure="interval",
        printed=interval.text,
        recomputed=shown,
        words=f"Fisher's z gives {shown}" + ("" if fits else ", and the source's method is not known"),
    )


def _left_out(claim: Correlation, r: Range, n: int) -> list[Reason]:
    notes = []
    if claim.coefficient in ("spearman", "kendall") and n <= 7:
        floor = 2 / math.factorial(n)
        notes.append(
            Reason(
                code="floor_of_exact_p",
                verdict=None,
                figure="p",
                words=f"with {n} ranks no two-sided p can be below 2/{n}! = {floor:.3g}"
                + (": nothing could have been significant" if floor > 0.05 else ""),
                details={"floor": floor, "n": n},
            )
        )
    middle = sum(r) / 2
    if claim.coefficient != "kendall" and n > 3 and claim.interval is None:
        z = 1.959963984540054 / math.sqrt(n - 3)
        inner = max(-1 + 1e-12, min(1 - 1e-12, middle))
        low, high = math.tanh(math.atanh(inner) - z), math.tanh(math.atanh(inner) + z)
        notes.append(
            Reason(
                code="no_interval",
                verdict=None,
                figure="interval",
                words=f"no interval is printed; Fisher's z gives 95 % [{low:.2f}, {high:.2f}]",
                details={"low": low, "high": high},
            )
        )
    if claim.p is None and claim.coefficient != "kendall":
        exact = spearman_exact(r, n, 2) if claim.coefficient == "spearman" else None
        p = max(exact) if exact else student_tail(t_of_r(middle, n), n - 2, 2)
        notes.append(
            Reason(code="no_p", verdict=None, figure="p", words=f"no p is printed; two-sided it is {p:.3g}", details={"p": p})
        )
    return notes
