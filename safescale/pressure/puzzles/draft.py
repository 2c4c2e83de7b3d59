"""What the maker of a kind hands back: sentences and an answer, not yet a puzzle."""

from __future__ import annotations

from typing import Protocol

import attrs

from safescale.pressure.puzzles.draws import Draws

__all__ = ["Draft", "Maker"]


@attrs.frozen
class Draft:
    """Premises in the order in which they are told, the question, and its answer."""

    premises: list[str]
    question: str
    answer: str


class Maker(Protocol):
    """Drafts puzzles of one kind; None when the draws led nowhere, which asks for other draws."""

    def __call__(self, draws: Draws, *, premises: int, needed: int, lot: int) -> Draft | None:
        """
        A draft with so many premises, so many of which are needed.

        ``lot`` settles the answer. It stays when the rest is drawn again, so that draws which lead nowhere tilt no answers.
        """
        ...
