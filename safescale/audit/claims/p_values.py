"""A printed p against what the figures beside it give, over their rounding, by one distribution after another."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import attrs
import scipy

from safescale.audit.claims.printed import Printed, Style
from safescale.audit.claims.result import Detail, Reason, Verdict

__all__ = ["Range", "Recomputed", "chi2_tail", "compare", "f_tail", "normal_tail", "number", "student_tail", "t_of_r"]

_OTHER_STYLES: Final[tuple[Style, ...]] = ("truncated", "rounded up")

Range: TypeAlias = tuple[float, float]
"""Smallest and largest value over the rounding of what it is computed from."""


@attrs.frozen(kw_only=True)
class Recomputed:
    """
    A figure as one method gives it.

    ``accepted``: the method that the claim states or that is usual for it. ``what`` names any other: "reproduces only as ...".
    """

    low: float
    high: float
    accepted: bool
    what: str
    code: str


def compare(
    figure: str,
    printed: Printed,
    candidates: Sequence[Recomputed],
    *,
    because: str = "",
    wrong: Verdict = "impossible",
    details: dict[str, Detail] | None = None,
    share_text: bool = False,
    other_rounding: bool = True,
) -> Reason:
    """
    Compare a printed figure with its candidates, the accepted ones first.

    Parameters
    ----------
    figure : str
        Field of the claim.
    printed : Printed
        On the scale of the candidates.
    candidates : sequence of Recomputed
        At least one accepted.
    because : str
        From what it was computed, in words.
    wrong : str
        Verdict where none fits.
    details : mapping, optional
        More numbers.
    share_text : bool
        Whether ``printed`` was rescaled from a percentage.
    other_rounding : bool
        Whether truncation is tried; not against a bound, which is no figure.

    Returns
    -------
    Reason
        "reproduces" by the first accepted that fits, "reproduces only as" by the first other; truncation is tried last.
    """
    accepted = [candidate for candidate in candidates if candidate.accepted]
    first = accepted[0]

    def text(value: float) -> str:
        return f"{100 * value:.2f} %" if share_text else printed.like(value, more=1)

    shown = _range_text(first, text)
    base: dict[str, Any] = {"figure": figure, "printed": printed.text, "recomputed": shown}
    numbers: dict[str, Detail] = {"low": first.low, "high": first.high, **(details or {})}
    for candidate in accepted:
        if printed.meets(candidate.low, candidate.high):
            words = f"{_named(figure, printed)} agrees with {_range_text(candidate, text)} by {candidate.what}"
            return Reason(code=candidate.code, verdict="reproduces", words=words, details=numbers | {"by": candidate.what}, **base)
    for candidate in candidates:
        if not candidate.accepted and printed.meets(candidate.low, candidate.high):
            words = (
                f"{_named(figure, printed)} comes out only by {candidate.what} "
                f"({_range_text(candidate, text)}); {first.what} gives {shown}"
            )
            return Reason(
                code=candidate.code, verdict="reproduces only as", words=words, details=numbers | {"as": candidate.what}, **base
            )
    if printed.relation == "=" and other_rounding:
        for style in _OTHER_STYLES:
            low, high = printed.bounds(style)
            for candidate in accepted:
                if candidate.low < float(high) - 1e-12 and candidate.high > float(low) + 1e-12:
                    words = f"{_named(figure, printed)} is {_range_text(candidate, text)} by {candidate.what}, {style}, not rounded"
                    return Reason(
                        code=style.replace(" ", "_"),
                        verdict="reproduces only as",
                        words=words,
                        details=numbers | {"as": style},
                        **base,
                    )
    tried = "" if len(candidates) == 1 else f" (nor do {', '.join(c.what for c in candidates[1:])} give it)"
    words = f"{_named(figure, printed)} does not follow{because and ' from ' + because}: {first.what} gives {shown}{tried}"
    return Reason(code="does_not_follow", verdict=wrong, words=words, details=numbers, **base)


def _named(figure: str, printed: Printed) -> str:
    """``p < .001``, whether the cell holds the name of the figure or not."""
    text = printed.text.strip()
    return text if re.match(rf"{re.escape(figure)}\s*[<>=\u2264\u2265~]", text, re.IGNORECASE) else f"{figure} {text}"


def _range_text(candidate: Recomputed, text: Callable[[float], str]) -> str:
    low, high = text(candidate.low), text(candidate.high)
    if low == high:
        return low if float(low.rstrip(" %")) != 0 or candidate.high == 0 else f"{candidate.high:.2g}"
    return f"{low} to {high}"


def number(value: float) -> str:
    """A statistic for readers."""
    return f"{value:.4g}"


def normal_tail(z: float, sided: int) -> float:
    """P of a normal deviate at least so large, on one side or on both."""
    return float(sided * scipy.special.ndtr(-abs(z)))


def student_tail(t: float, dof: float, sided: int) -> float:
    """The same of Student's t."""
    if t in (float("inf"), float("-inf")):
        return 0.0
    return float(sided * scipy.special.stdtr(dof, -abs(t)))


def t_of_r(r: float, n: int) -> float:
    """Student's t of a correlation of n pairs."""
    rest = (1 - r) * (1 + r)
    return math.copysign(math.inf, r) if rest <= 0 else r * math.sqrt((n - 2) / rest)


def chi2_tail(x: float, dof: float) -> float:
    """P of a chi-squared at least so large."""
    return float(scipy.special.chdtrc(dof, max(0.0, x)))


def f_tail(f: float, d1: float, d2: float) -> float:
    """P of an F ratio at least so large."""
    if f == float("inf"):
        return 0.0
    return float(scipy.special.fdtrc(d1, d2, max(0.0, f)))
