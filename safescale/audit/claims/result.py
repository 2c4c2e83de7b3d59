"""What becomes of a claim: a verdict, the reasons as data and words, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import attrs

__all__ = ["SEVERITY", "ClaimResult", "Reason", "Verdict", "compose", "worst"]

Verdict: TypeAlias = Literal["reproduces", "reproduces only as", "impossible", "cannot be decided"]
"""
"reproduces": each printed figure comes out, by what the claim says it is. "reproduces only as": it comes out as something else
(another method, another n, truncated). "impossible": nothing here gives it. "cannot be decided": what is printed does not say.
"""

SEVERITY: Final[tuple[Verdict, ...]] = ("reproduces", "cannot be decided", "reproduces only as", "impossible")

Detail: TypeAlias = "str | int | float | bool | tuple[Detail, ...] | None"


@attrs.frozen(kw_only=True)
class Reason:
    """
    One thing found about a claim.

    Attributes
    ----------
    code : str
        Stable name: ``count_found``, ``no_count_at_n``, ``normal_for_t``, ...
    verdict : str or None
        What it alone says of the printed figure; None for what was left out.
    words : str
        The same as a sentence.
    figure : str or None
        Field of the claim that it is about.
    printed, recomputed : str or None
        As printed, and as it comes out with the same decimals.
    details : mapping of str to value
        Numbers behind the words, unrounded.
    """

    code: str
    verdict: Verdict | None
    words: str
    figure: str | None = None
    printed: str | None = None
    recomputed: str | None = None
    details: Mapping[str, Detail] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class ClaimResult:
    """
    A claim with its verdict.

    Attributes
    ----------
    id, kind, source : str
        Of the claim.
    printed : mapping of str to str
        The figures as printed.
    verdict : str
        The worst of the reasons' verdicts.
    as_what : str or None
        What it reproduces as, where it does so only as something else.
    recomputed : mapping of str to str
        By figure, what comes out.
    reasons : tuple of Reason
        Behind the verdict.
    left_out : tuple of Reason
        What the claim should have said; never changes the verdict.
    """

    id: str
    kind: str
    source: str
    printed: Mapping[str, str]
    verdict: Verdict
    as_what: str | None
    recomputed: Mapping[str, str]
    reasons: tuple[Reason, ...]
    left_out: tuple[Reason, ...]

    @property
    def found_wrong(self) -> bool:
        """Whether somebody has to look: impossible, or something else than it says."""
        return self.verdict in ("impossible", "reproduces only as")

    @property
    def words(self) -> str:
        """The verdict as a sentence, with the reason that decides."""
        decisive = [reason for reason in self.reasons if reason.verdict == self.verdict]
        return f"{self.verdict}{'' if self.as_what is None else f' {self.as_what}'}: {'; '.join(r.words for r in decisive)}"


def worst(reasons: tuple[Reason, ...] | list[Reason]) -> Verdict:
    """The verdict of several findings together."""
    said = [reason.verdict for reason in reasons if reason.verdict is not None]
    return max(said, key=SEVERITY.index, default="cannot be decided")


def compose(
    *, id: str, kind: str, source: str, printed: Mapping[str, str], reasons: list[Reason], left_out: list[Reason]
) -> ClaimResult:
    """A result from its findings."""
    if not any(reason.verdict is not None for reason in reasons):
        reasons = [
            *reasons,
            Reason(
                code="nothing_to_check",
                verdict="cannot be decided",
                words="the figures are possible, and nothing printed beside them could contradict them",
            ),
        ]
    verdict = worst(reasons)
    only_as = [str(reason.details["as"]) for reason in reasons if reason.verdict == "reproduces only as" and "as" in reason.details]
    return ClaimResult(
        id=id,
        kind=kind,
        source=source,
        printed=printed,
        verdict=verdict,
        as_what="; ".join(dict.fromkeys(only_as)) or None if verdict == "reproduces only as" else None,
        recomputed={reason.figure: reason.recomputed for reason in reasons if reason.figure and reason.recomputed},
        reasons=tuple(reasons),
        left_out=tuple(left_out),
    )
