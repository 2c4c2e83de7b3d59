"""Every exclusion that has a switch, undone by itself: the same analysis with and without it."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from safescale.analyses.headline import Answer, Headline
from safescale.cells import Counting, Reason, Selection, flips

__all__ = ["SwitchEffect", "switch_effects"]


@attrs.frozen(kw_only=True)
class SwitchEffect:
    """
    What one exclusion does to an answer.

    Attributes
    ----------
    reason : Reason
        The exclusion.
    rows : int
        Graded rows that it left out.
    before, after : tuple of Headline
        The numbers to quote with the exclusion, and without it.
    """

    reason: Reason
    rows: int
    before: tuple[Headline, ...]
    after: tuple[Headline, ...]


def switch_effects(
    counting: Counting, selection: Selection, run: Callable[[Selection], Answer], *, answer: Answer | None = None
) -> tuple[SwitchEffect, ...]:
    """
    Run an analysis again under each exclusion undone.

    Parameters
    ----------
    counting : Counting
        The counts of the corpus.
    selection : Selection
        What the answer rests on.
    run : callable
        The analysis under a selection.
    answer : Answer, optional
        The answer under ``selection``, where it is there already.

    Returns
    -------
    tuple of SwitchEffect
        One per exclusion that left rows out and has a switch, in the order of the exclusions; empty where there is none.
    """
    found = tuple(flips(counting.cells(selection)))
    if not found:
        return ()
    before = (answer or run(selection)).headlines
    return tuple(
        SwitchEffect(reason=flip.reason, rows=flip.rows, before=before, after=run(flip.selection).headlines) for flip in found
    )
