"""A column of percentages that no whole numbers of its n give, row after row: means over prompts or models, not shares of n."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import attrs

from safescale.audit.claims.claim import Claim, Proportion
from safescale.audit.claims.result import ClaimResult, Reason, worst

__all__ = ["read_as_means"]

_FEWEST: Final = 6
"""A few wrong figures are misprints."""

_FEWEST_ROWS: Final = 8
_LEAST_PART: Final = 0.25
"""Of the misfits that figures without any count behind them would have."""

_NO_COUNT: Final = ("no_count_at_n", "truncated", "rounded_up")


def read_as_means(claims: Sequence[Claim], results: Sequence[ClaimResult]) -> tuple[ClaimResult, ...]:
    """
    Withdraw "impossible" where a whole column of a table says that its percentages are no shares of n.

    A judge's score averaged over behaviours, or a rate over several attempts each, prints beside the number of behaviours in many
    papers (HarmBench, table 6). Of such figures a part that is known fits no count; where at least a quarter of that part is
    seen (some attacks of a table are means, others are not), the column is read as means, and says so.

    Parameters
    ----------
    claims : sequence of Claim
        Of one table.
    results : sequence of ClaimResult
        Of each of them.

    Returns
    -------
    tuple of ClaimResult
        The same, in order.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for at, claim in enumerate(claims):
        if not isinstance(claim, Proportion) or claim.k is not None or claim.interval is not None or claim.averaged:
            continue
        share = claim.percentage
        if claim.n and share is not None and share.relation == "=" and share.value not in (0, 1, 100):
            groups[claim.n].append(at)
    found = list(results)
    for n, rows in groups.items():
        misfits = [at for at in rows if any(_fits_no_count(reason) for reason in results[at].reasons)]
        if len(rows) < _FEWEST_ROWS or len(misfits) < max(_FEWEST, _LEAST_PART * len(rows) * _misfits_of_means(claims, rows, n)):
            continue
        words = (
            f"{len(misfits)} of the {len(rows)} percentages of n = {n:,} in this table are no share of {n:,}: they look like means "
            "over prompts or models; if they are, say `averaged = true`, else they are wrong"
        )
        for at in misfits:
            own = [
                attrs.evolve(reason, code="column_of_means", verdict="cannot be decided", words=f"{reason.words}; but {words}")
                if _fits_no_count(reason)
                else reason
                for reason in results[at].reasons
            ]
            found[at] = attrs.evolve(results[at], reasons=tuple(own), verdict=worst(own), as_what=None)
    return tuple(found)


def _fits_no_count(reason: Reason) -> bool:
    return reason.figure == "percentage" and reason.code in _NO_COUNT


def _misfits_of_means(claims: Sequence[Claim], rows: Sequence[int], n: int) -> float:
    """The share of arbitrary figures with so many decimals that no count of n gives."""
    shares = []
    for at in rows:
        claim = claims[at]
        assert isinstance(claim, Proportion)
        assert claim.percentage is not None
        percent = claim.percentage.scale == "percent" or claim.percentage.value > 1
        unit = float(claim.percentage.unit_in_last_place) / (100 if percent else 1)
        shares.append(max(0.0, 1 - (n + 1) * unit))
    return max(0.05, sum(shares) / len(shares))
