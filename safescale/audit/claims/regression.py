"""A published line: slope, standard error, r, R2, n, p and interval against each other."""

from __future__ import annotations

import math

import scipy

from safescale.audit.claims.claim import Regression
from safescale.audit.claims.correlation import as_share, correlation_p, r_and_r2
from safescale.audit.claims.label import slope_label_reason
from safescale.audit.claims.p_values import Range, Recomputed, compare, normal_tail, student_tail, t_of_r
from safescale.audit.claims.printed import Printed, PrintedInterval
from safescale.audit.claims.result import Reason
from safescale.audit.claims.share_reading import level_of
from safescale.stats import detectable_slope_of_standard_error

__all__ = ["check_regression"]

_ROBUST = 2.0
"""Robust, clustered or resampled intervals are up to so much wider or narrower than the usual one."""


def check_regression(claim: Regression) -> tuple[list[Reason], list[Reason]]:
    """Findings about a line, and what it left out."""
    reasons: list[Reason] = []
    n = claim.n
    if n is not None and n < 3:
        return [
            Reason(
                code="too_few",
                verdict="impossible",
                figure="n",
                printed=str(n),
                words=f"a line through {n} models has no scatter to test it against",
            )
        ], []
    r: Range | None = None
    if claim.r is not None:
        low, high = claim.r.float_bounds
        if low > 1 or high < -1:
            return [
                Reason(
                    code="beyond_one",
                    verdict="impossible",
                    figure="r",
                    printed=claim.r.text,
                    words="a correlation lies from -1 to 1",
                )
            ], []
        r = max(-1.0, low), min(1.0, high)
    if claim.r2 is not None:
        reason, r = r_and_r2(claim.r2, r, n)
        reasons += [reason] if reason is not None else []
    if claim.slope is not None and claim.r is not None and _sign(claim.slope) * _sign(claim.r) < 0:
        reasons.append(
            Reason(
                code="signs_differ",
                verdict="impossible",
                figure="r",
                printed=claim.r.text,
                words=f"slope {claim.slope.text} and r {claim.r.text} have opposite signs",
            )
        )
    ratio = _over(claim.slope.float_bounds, claim.se.float_bounds) if claim.slope is not None and claim.se is not None else None
    if r is not None and claim.slope is not None and claim.r is None:
        sign = _sign(claim.slope) or 1
        r = min(sign * r[0], sign * r[1]), max(sign * r[0], sign * r[1])
    from_r = None if r is None or n is None else (t_of_r(r[0], n), t_of_r(r[1], n))
    if claim.t is not None:
        options = [("slope and SE", ratio)] if ratio is not None else []
        options += [("r and n", from_r)] if from_r is not None else []
        for what, t in options:
            assert t is not None
            reasons.append(
                compare("t", claim.t, [Recomputed(low=t[0], high=t[1], accepted=True, what=what, code="t_follows")], because=what)
            )
    if ratio is not None and from_r is not None and claim.t is None and n is not None:
        reasons.append(_se(claim, from_r))
    if claim.p is not None:
        reasons.append(_p(claim, claim.p, r, ratio))
    if claim.interval is not None and claim.slope is not None:
        reasons += _interval(claim, claim.slope, claim.interval, from_r)
    if claim.label and claim.slope is not None:
        reasons.append(slope_label_reason(claim.slope, claim.unit, claim.label, None))
    return reasons, _left_out(claim, from_r)


def _sign(figure: Printed) -> int:
    low, high = figure.bounds()
    return (low > 0) - (high < 0)


def _over(top: Range, bottom: Range) -> Range:
    """Smallest and largest quotient; a denominator that may be 0 has no largest."""
    if bottom[0] <= 0 <= bottom[1] or bottom[1] <= 0:
        return -math.inf, math.inf
    ends = [a / b for a in top for b in bottom]
    return min(ends), max(ends)


def _p(claim: Regression, p: Printed, r: Range | None, ratio: Range | None) -> Reason:
    n, sides = claim.n, int(claim.sided or 2)
    if r is not None and n is not None:
        reason = correlation_p(p, r, n, coefficient="pearson", sided=claim.sided, distribution=claim.distribution)
        return _p_of_adjusted(claim, p, n) or reason if reason.verdict == "impossible" and claim.r is None else reason
    if claim.distribution in ("permutation", "other"):
        words = "the test that the source names is not recomputed here, and needs the data"
        return Reason(code="test_not_checked", verdict="cannot be decided", figure="p", printed=p.text, words=words)
    t = claim.t.float_bounds if claim.t is not None else ratio
    if t is None:
        return Reason(
            code="too_little",
            verdict="cannot be decided",
            figure="p",
            printed=p.text,
            words="p cannot be recomputed without n and r, or the standard error",
        )
    size = (0.0 if t[0] < 0 < t[1] else min(abs(t[0]), abs(t[1]))), max(abs(t[0]), abs(t[1]))
    normal = tuple(normal_tail(end, sides) for end in size)
    candidates = [
        Recomputed(
            low=min(normal),
            high=max(normal),
            accepted=n is None or claim.distribution == "normal",
            what="a normal distribution",
            code="normal_p",
        )
    ]
    if n is not None:
        student = tuple(student_tail(end, n - 2, sides) for end in size)
        candidates.insert(
            0,
            Recomputed(
                low=min(student),
                high=max(student),
                accepted=claim.distribution != "normal",
                what=f"Student's t with {n - 2} degrees of freedom",
                code="t_p",
            ),
        )
        candidates[1] = Recomputed(
            low=min(normal),
            high=max(normal),
            accepted=claim.distribution == "normal",
            what="a normal distribution where Student's t belongs",
            code="normal_for_t",
        )
        if sides == 2:
            half = min(student) / 2, max(student) / 2
            candidates.append(Recomputed(low=half[0], high=half[1], accepted=False, what="a one-sided test", code="one_sided"))
    reason = compare("p", p, candidates, because="slope and SE" if claim.t is None else "t")
    if n is None and reason.verdict == "impossible" and p.float_bounds[1] >= min(normal):
        # few degrees of freedom only make p larger
        words = "without n the degrees of freedom are open"
        return Reason(code="no_n", verdict="cannot be decided", figure="p", printed=p.text, words=words)
    return reason


def _p_of_adjusted(claim: Regression, p: Printed, n: int) -> Reason | None:
    """The finding that the printed R2 is the adjusted one, if p says so."""
    if claim.r2 is None or n < 3:
        return None
    plain = [1 - (1 - end) * (n - 2) / (n - 1) for end in as_share(claim.r2)[0].float_bounds]
    if plain[1] < 0:
        return None
    r = math.sqrt(max(0.0, plain[0])), math.sqrt(min(1.0, plain[1]))
    if correlation_p(p, r, n, coefficient="pearson", sided=claim.sided, distribution=claim.distribution).verdict != "reproduces":
        return None
    shown = f"{claim.r2.like(sum(plain) / 2)}"
    return Reason(
        code="adjusted_r2",
        verdict="reproduces only as",
        figure="r2",
        printed=claim.r2.text,
        recomputed=shown,
        words=f"with n and p it is the adjusted R2 (R2 would be {shown})",
        details={"as": "adjusted R2"},
    )


def _se(claim: Regression, t: Range) -> Reason:
    assert claim.slope is not None
    assert claim.se is not None
    low, high = _over(_sizes(claim.slope.float_bounds), _sizes(t))
    return compare(
        "se",
        claim.se,
        [Recomputed(low=low, high=high, accepted=True, what="slope, r and n", code="se_follows")],
        because="slope, r and n",
    )


def _sizes(t: Range) -> Range:
    if t[0] < 0 < t[1]:
        return 0.0, max(-t[0], t[1])
    return min(abs(t[0]), abs(t[1])), max(abs(t[0]), abs(t[1]))


def _interval(claim: Regression, slope: Printed, interval: PrintedInterval, from_r: Range | None) -> list[Reason]:
    """Whether the interval is centred on the slope, and whether it is as wide as the standard error says."""
    if interval.low is None or interval.high is None:
        return []
    (low_from, low_to), (high_from, high_to) = interval.low.float_bounds, interval.high.float_bounds
    middle, half = ((low_from + high_from) / 2, (low_to + high_to) / 2), ((high_from - low_to) / 2, (high_to - low_from) / 2)
    reasons = []
    named = claim.distribution in ("t", "normal")
    if not slope.meets(*middle) and not named and slope.meets(low_from, high_to):
        words = (
            f"the interval has its middle at {sum(middle) / 2:.4g}, the slope is {slope.text}: no t interval, but a bootstrap or a "
            "profile need not be centred"
        )
        return [Reason(code="not_centred", verdict="cannot be decided", figure="interval", printed=interval.text, words=words)]
    if not slope.meets(*middle):
        reasons.append(
            Reason(
                code="not_centred",
                verdict="impossible",
                figure="interval",
                printed=interval.text,
                words=f"the interval has its middle at {sum(middle) / 2:.4g}, the "
                f"slope is {slope.text}: a t interval is centred on the slope",
            )
        )
        return reasons
    n, level = claim.n, level_of(claim.level)
    if claim.se is not None:
        se = claim.se.float_bounds
    elif from_r is not None:
        se = _over(_sizes(slope.float_bounds), _sizes(from_r))
    else:
        return reasons
    z = -float(scipy.special.ndtri((1 - level) / 2))
    t = None if n is None else -float(scipy.special.stdtrit(n - 2, (1 - level) / 2))
    options = [] if t is None else [("interval_follows", f"Student's t with {(n or 2) - 2} degrees of freedom", t, True)]
    options.append(("normal_for_t", "a normal quantile where Student's t belongs" if t else "a normal quantile", z, t is None))
    if t is None:
        options.append(("normal_for_t", "twice the standard error", 2.0, True))
    else:
        options.append(("two_se", "twice the standard error", 2.0, False))
    for code, what, quantile, accepted in options:
        if quantile * se[0] <= half[1] * (1 + 1e-9) and quantile * se[1] >= half[0] * (1 - 1e-9):
            own = {"as": what} if not accepted else {}
            reasons.append(
                Reason(
                    code=code,
                    verdict="reproduces" if accepted else "reproduces only as",
                    figure="interval",
                    printed=interval.text,
                    words=f"the interval is as wide as {what} gives",
                    details=own,
                )
            )
            return reasons
    expected = options[0][2]
    reasons.append(
        Reason(
            code="width_does_not_follow",
            # robust errors and resampling change the width of an interval, but not by so much
            verdict="impossible" if t is not None and (named or not _near_width(half, expected, se)) else "cannot be decided",
            figure="interval",
            printed=interval.text,
            recomputed=f"half-width {expected * se[0]:.3g} to {expected * se[1]:.3g}",
            words=f"the half-width is {sum(half) / 2:.3g}, {options[0][1]} gives {expected * se[0]:.3g} to {expected * se[1]:.3g}",
        )
    )
    return reasons


def _near_width(half: Range, quantile: float, se: Range) -> bool:
    return half[1] >= quantile * se[0] / _ROBUST and half[0] <= quantile * se[1] * _ROBUST


def _left_out(claim: Regression, from_r: Range | None) -> list[Reason]:
    notes: list[Reason] = []
    n = claim.n
    if claim.r2 is not None and n is not None and n > 2:
        chance = 1 / (n - 1)
        high = (claim.r2.as_fraction("percent") if claim.r2.scale == "percent" else claim.r2).float_bounds[1]
        if high < 4 * chance:
            notes.append(
                Reason(
                    code="null_expectation",
                    verdict=None,
                    figure="r2",
                    words=f"with no effect R2 of {n} models "
                    f"is {chance:.3f} on average; "
                    f"{claim.r2.text} is "
                    f"{'below' if high < chance else 'near'} that",
                    details={"null_expectation": chance},
                )
            )
    if claim.slope is None or n is None:
        return notes
    slope = float(claim.slope.value)
    if claim.se is not None:
        se = float(claim.se.value)
    elif from_r is not None and slope != 0 and sum(from_r) != 0 and math.isfinite(sum(from_r)):
        se = abs(2 * slope / sum(from_r))
    else:
        return notes
    if se <= 0 or n < 3:
        return notes
    t = -float(scipy.special.stdtrit(n - 2, 0.025))
    least = detectable_slope_of_standard_error(max(se, 1e-9), n).noncentrality * se
    if claim.interval is None:
        notes.append(
            Reason(
                code="no_interval",
                verdict=None,
                figure="interval",
                words="no interval is printed; with "
                f"SE {se:.3g} the 95 % interval "
                f"of the slope is [{slope - t * se:.3g}, "
                f"{slope + t * se:.3g}]",
                details={"se": se, "low": slope - t * se, "high": slope + t * se},
            )
        )
    notes.append(
        Reason(
            code="power",
            verdict=None,
            figure="slope",
            words=f"{n} models find a slope of {least:.3g} four times in five, nothing much smaller",
            details={"minimum_detectable": least, "se": se},
        )
    )
    return notes
