"""Eta squared against its groups, F, p, omega squared and epsilon squared; and what it is by chance."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import attrs

from safescale.audit.claims.claim import EtaSquaredClaim
from safescale.audit.claims.correlation import as_share
from safescale.audit.claims.p_values import Range, Recomputed, compare, f_tail
from safescale.audit.claims.printed import Printed
from safescale.audit.claims.result import SEVERITY, Reason
from safescale.stats import variance_shares_from_f

__all__ = ["check_eta_squared"]

_ShareOf: TypeAlias = Callable[[float, int, int], float]


def check_eta_squared(claim: EtaSquaredClaim) -> tuple[list[Reason], list[Reason]]:
    """Findings about a share of variance, and what it left out."""
    d1 = claim.df1 if claim.df1 is not None else None if claim.k is None else claim.k - 1
    given = None if claim.df2 is None else float(claim.df2.value)
    d2 = int(given) if given is not None else None if claim.k is None or claim.n is None else claim.n - claim.k
    # Welch's F has broken degrees of freedom, and is no function of eta2
    broken = given is not None and not given.is_integer()
    if claim.test == "other" or broken:
        return _of_another_test(claim, broken), []
    reasons: list[Reason] = []
    if claim.k is not None and claim.df1 is not None and claim.df1 != claim.k - 1:
        reasons.append(_degrees("df1", claim.df1, f"{claim.k} groups have {claim.k - 1} degrees of freedom between them"))
    if claim.k is not None and claim.n is not None and given is not None and given != claim.n - claim.k:
        reasons.append(_degrees("df2", int(given), f"{claim.n} values in {claim.k} groups have {claim.n - claim.k} within them"))
    eta = None
    if claim.eta2 is not None:
        eta = as_share(claim.eta2)[0]
        if eta.float_bounds[0] > 1 or eta.float_bounds[1] < 0:
            return [
                Reason(
                    code="not_a_share",
                    verdict="impossible",
                    figure="eta2",
                    printed=claim.eta2.text,
                    words="eta squared lies from 0 to 1",
                )
            ], []
    if claim.k is not None and (claim.k < 2 or (claim.n is not None and claim.k >= claim.n)):
        words = f"{claim.k} groups of {claim.n or 'some'} values share out nothing: either one group, or each value its own"
        return [Reason(code="no_groups", verdict="impossible", figure="k", printed=str(claim.k), words=words)], []
    if d1 is None or d2 is None or d1 < 1 or d2 < 1:
        return reasons, []
    if eta is not None:
        share = max(0.0, eta.float_bounds[0]), min(1.0, eta.float_bounds[1])
        f = _f(share[0], d1, d2), _f(share[1], d1, d2)
    elif claim.f is not None:
        f = claim.f.float_bounds
        f = max(0.0, f[0]), f[1]
    else:
        return reasons, []
    if eta is not None and claim.f is not None:
        candidates = [
            Recomputed(low=f[0], high=f[1], accepted=True, what=f"eta2 with {d1} and {d2} degrees of freedom", code="f_follows")
        ]
        reasons.append(compare("f", claim.f, candidates, because=f"eta2 with {d1} and {d2} degrees of freedom"))
        both = max(f[0], claim.f.float_bounds[0]), min(f[1], claim.f.float_bounds[1])
        f = both if both[0] <= both[1] else f
    if claim.p is not None:
        low, high = f_tail(f[1], d1, d2), f_tail(f[0], d1, d2)
        candidates = [Recomputed(low=low, high=high, accepted=True, what=f"F({d1}, {d2})", code="p_follows")]
        swapped = f_tail(f[1], d2, d1), f_tail(f[0], d2, d1)
        candidates.append(
            Recomputed(
                low=min(swapped), high=max(swapped), accepted=False, what="degrees of freedom exchanged", code="df_exchanged"
            )
        )
        reasons.append(compare("p", claim.p, candidates, because="F"))
    for name, printed, share_of in (("omega2", claim.omega2, _omega2), ("epsilon2", claim.epsilon2, _epsilon2)):
        if printed is not None:
            reasons.append(_unbiased(name, printed, share_of, f, d1, d2))
    if claim.test is None:
        hint = "; if the source used Welch's F or Kruskal-Wallis, say so with `test`"
        reasons = [
            attrs.evolve(reason, words=reason.words + hint)
            if reason.verdict == "impossible" and reason.figure in ("f", "p")
            else reason
            for reason in reasons
        ]
    return reasons, _left_out(claim, f, d1, d2)


def _of_another_test(claim: EtaSquaredClaim, broken: bool) -> list[Reason]:
    found = []
    for name, printed, upper in (("eta2", claim.eta2, 1.0), ("p", claim.p, 1.0), ("f", claim.f, math.inf)):
        share = printed if printed is None or name != "eta2" else as_share(printed)[0]
        if printed is not None and share is not None and (share.float_bounds[0] > upper or share.float_bounds[1] < 0):
            words = f"{name} lies from 0 to 1" if upper == 1 else "an F ratio is never negative"
            found.append(Reason(code="not_a_share", verdict="impossible", figure=name, printed=printed.text, words=words))
    words = "broken degrees of freedom are of Welch's F" if broken else "the test is not the usual F"
    words += ", which is no function of eta2: it needs the groups' own values"
    return [*found, Reason(code="test_not_checked", verdict="cannot be decided", figure="f", words=words)]


def _degrees(name: str, value: int, words: str) -> Reason:
    return Reason(code="degrees_of_freedom", verdict="impossible", figure=name, printed=str(value), words=words)


def _f(eta2: float, d1: int, d2: int) -> float:
    return math.inf if eta2 >= 1 else eta2 / (1 - eta2) * d2 / d1


def _omega2(f: float, d1: int, d2: int) -> float:
    return 1.0 if math.isinf(f) else d1 * (f - 1) / (d1 * f + d2 + 1)


def _epsilon2(f: float, d1: int, d2: int) -> float:
    return 1.0 if math.isinf(f) else d1 * (f - 1) / (d1 * f + d2)


def _unbiased(name: str, printed: Printed, share_of: _ShareOf, f: Range, d1: int, d2: int) -> Reason:
    low, high = share_of(f[0], d1, d2), share_of(f[1], d1, d2)
    # negative values are often printed as 0
    options = [Recomputed(low=low, high=high, accepted=True, what="eta2 and its degrees of freedom", code=f"{name}_follows")]
    if low < 0:
        options.append(
            Recomputed(
                low=max(0.0, low), high=max(0.0, high), accepted=True, what="eta2, set to 0 below it", code=f"{name}_follows"
            )
        )
    found = [compare(name, share, options, because="eta2 and its degrees of freedom") for share in as_share(printed)]
    return min(found, key=lambda reason: SEVERITY.index(reason.verdict or "impossible"))


def _left_out(claim: EtaSquaredClaim, f: Range, d1: int, d2: int) -> list[Reason]:
    middle = sum(f) / 2 if math.isfinite(sum(f)) else None
    if claim.eta2 is not None and middle is not None:
        eta = float(as_share(claim.eta2)[0].value)
        middle = _f(eta, d1, d2)
    chance = d1 / (d1 + d2)
    notes = [
        Reason(
            code="null_expectation",
            verdict=None,
            figure="eta2",
            words=f"{d1 + 1} groups of {d1 + d2 + 1} values have eta2 = {chance:.2f} on average when they do not differ at all",
            details={"null_expectation": chance, "k": d1 + 1, "n": d1 + d2 + 1},
        )
    ]
    if middle is None or not math.isfinite(middle) or middle >= 1e60:
        return notes
    shares = variance_shares_from_f(middle, d1, d2)
    if claim.f is None or claim.p is None:
        notes.append(
            Reason(
                code="no_test",
                verdict=None,
                figure="p",
                words=f"F({d1}, {d2}) = {middle:.2f}, p = {shares.p_value:.2g}",
                details={"f": middle, "p": shares.p_value, "df1": d1, "df2": d2},
            )
        )
    if claim.omega2 is None:
        notes.append(
            Reason(
                code="no_unbiased_share",
                verdict=None,
                figure="omega2",
                words=f"corrected for chance: omega2 = {shares.omega_squared:.2f}, epsilon2 = {shares.epsilon_squared:.2f}",
                details={"omega2": shares.omega_squared, "epsilon2": shares.epsilon_squared},
            )
        )
    if shares.interval is not None:
        low, high = shares.interval
        notes.append(
            Reason(
                code="no_interval",
                verdict=None,
                figure="eta2",
                words=f"the 95 % interval of the population's eta2 is [{low:.2f}, {high:.2f}]",
                details={"low": low, "high": high},
            )
        )
    return notes
