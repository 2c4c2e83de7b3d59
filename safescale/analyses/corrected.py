"""The numbers to quote of an analysis, as graded and as corrected: side by side, the first never replaced."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import attrs
import numpy as np
import scipy

from safescale.analyses.bands import without_numbers
from safescale.analyses.headline import Headline
from safescale.analyses.words import and_list, plural

__all__ = ["CorrectedHeadline", "CorrectedNumbers", "corrected_numbers"]


OF_ROWS = "share of rows"
"""Numbers that count rows and no verdicts: there is nothing to correct in them."""


@attrs.frozen(kw_only=True)
class CorrectedHeadline:
    """
    One number to quote, uncorrected and corrected.

    Attributes
    ----------
    graded : Headline
        As the grader's verdicts give it.
    estimate, low, high : float or None
        Corrected, in the unit of ``graded``: the mean over draws, with the interval that sampling and correction make together
        (Rubin's rules); None where some draw has none.
    of_correction : float or None
        Share of the variance that is the correction's (fraction).
    verdicts : tuple of (str, int)
        What the analysis says in how many draws, the most frequent first.
    """

    graded: Headline
    estimate: float | None
    low: float | None
    high: float | None
    of_correction: float | None
    verdicts: tuple[tuple[str, int], ...]

    @property
    def same_verdict(self) -> bool:
        """Whether most draws say what the graded rates say."""
        return bool(self.verdicts) and without_numbers(self.verdicts[0][0]) == without_numbers(self.graded.verdict)


@attrs.frozen(kw_only=True)
class CorrectedNumbers:
    """Every number to quote, beside its correction against ``reference``; ``notes`` say what it rests on."""

    reference: str
    draws: int
    level: float
    headlines: tuple[CorrectedHeadline, ...]
    notes: tuple[str, ...]
    answer: str


def corrected_numbers(
    graded: Sequence[Headline],
    draws: Sequence[Sequence[Headline]],
    *,
    reference: str,
    notes: Sequence[str],
    level: float = 0.95,
) -> CorrectedNumbers:
    """
    Numbers over draws of the true verdicts, combined by Rubin's rules.

    With ``q_d`` and its variance ``u_d`` (from the interval's width) in each of D draws: mean q, variance ``mean u + (1 + 1 / D)
    var q``, and Student's t with ``(D - 1) (1 + mean u / ((1 + 1 / D) var q))^2`` degrees of freedom.

    Parameters
    ----------
    graded : sequence of Headline
        Of the uncorrected answer.
    draws : sequence of sequence of Headline
        Of the same analysis on each draw; a number is found again by its setting and name.
    reference, notes
        What was corrected against, and what must be said.
    level : float, default 0.95
        Nominal coverage, that of the headlines too. Unit: probability.

    Returns
    -------
    CorrectedNumbers
        One entry per uncorrected number, in its order.

    References
    ----------
    .. [1] D. B. Rubin (1987), Multiple Imputation for Nonresponse in Surveys, section 3.3.
    .. [2] S. R. Cole, H. Chu, S. Greenland (2006), Int. J. Epidemiol. 35, 1074-1081 (misclassification as missing data).
    """
    named = [{(h.setting, h.quantity): h for h in one} for one in draws]
    found = tuple(
        _combined(own, [d[key] for d in named if (key := (own.setting, own.quantity)) in d], level)
        for own in graded
        if not own.quantity.startswith(OF_ROWS)
    )
    return CorrectedNumbers(
        reference=reference, draws=len(draws), level=level, headlines=found, notes=tuple(notes), answer=_answer(found, reference)
    )


def _combined(graded: Headline, drawn: Sequence[Headline], level: float) -> CorrectedHeadline:
    said = {without_numbers(h.verdict): h.verdict for h in reversed(drawn)}
    verdicts = tuple((said[words], n) for words, n in Counter(without_numbers(h.verdict) for h in drawn).most_common())
    known = [h for h in drawn if h.estimate is not None]
    if len(known) < max(2, len(drawn)):
        return CorrectedHeadline(graded=graded, estimate=None, low=None, high=None, of_correction=None, verdicts=verdicts)
    values = np.array([h.estimate for h in known], dtype=float)
    between = (1 + 1 / len(values)) * float(values.var(ddof=1))
    mean = float(values.mean())
    if any(h.low is None or h.high is None for h in known):
        return CorrectedHeadline(graded=graded, estimate=mean, low=None, high=None, of_correction=None, verdicts=verdicts)
    z = float(scipy.special.ndtri(0.5 + level / 2))
    within = float(np.mean([((h.high - h.low) / 2 / z) ** 2 for h in known if h.high is not None and h.low is not None]))
    total = within + between
    reach = 0.0
    if total > 0:
        dof = (len(values) - 1) * (1 + within / between) ** 2 if between > 0 else math.inf
        reach = float(scipy.special.stdtrit(min(dof, 1e6), 0.5 + level / 2)) * math.sqrt(total)
    low, high = mean - reach, mean + reach
    if graded.unit == "fraction" and "rate" in graded.quantity:
        # of fractions, a difference or a share of variance may be negative
        low, high = max(0.0, low), min(1.0, high)
    return CorrectedHeadline(
        graded=graded,
        estimate=mean,
        low=low,
        high=high,
        of_correction=between / total if total > 0 else None,
        verdicts=verdicts,
    )


def _answer(found: Sequence[CorrectedHeadline], reference: str) -> str:
    head = f"Corrected against {reference}: "
    if not found:
        return f"{head}there is no number to correct."
    compared = [h for h in found if h.verdicts]
    if not compared:
        return f"{head}nothing can be corrected."
    changed = [h for h in compared if not h.same_verdict]
    if not changed:
        return f"{head}{'the one verdict stays' if len(compared) == 1 else f'all {len(compared)} verdicts stay'}."
    names = [
        f"{h.graded.quantity} ({h.graded.setting or 'whole corpus'}): {h.graded.verdict} becomes {h.verdicts[0][0]}"
        for h in changed[:3]
    ]
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return f"{head}{len(changed)} of {plural(len(compared), 'verdict')} change, {and_list(names)}{more}."
