"""The closed lexicon: every word, number and mark that puzzles and neutral prose can hold."""

from __future__ import annotations

import re
from functools import cache

from safescale.pressure.puzzles.arithmetic import ARITHMETIC_TEXTS
from safescale.pressure.puzzles.ordering import ORDERING_TEXTS
from safescale.pressure.puzzles.scheduling import SCHEDULING_TEXTS
from safescale.pressure.puzzles.syllogism import SYLLOGISM_TEXTS
from safescale.pressure.puzzles.truth_tellers import TRUTH_TELLER_TEXTS
from safescale.pressure.puzzles.words import LARGEST_NUMBER, NAMES, pieces
from safescale.pressure.sentences import PROSE_TEXTS

__all__ = ["lexicon", "pieces"]


@cache
def lexicon() -> frozenset[str]:
    """
    All pieces of all texts that this room makes, in the case in which they stand.

    Pieces are what :func:`safescale.pressure.puzzles.words.pieces` cuts a text into.

    A tokenizer with a word for each of these loses nothing of a puzzle or of neutral prose but its white space.
    """
    texts = (*ORDERING_TEXTS, *TRUTH_TELLER_TEXTS, *SCHEDULING_TEXTS, *ARITHMETIC_TEXTS, *SYLLOGISM_TEXTS, *PROSE_TEXTS)
    words = {piece for text in texts for piece in pieces(re.sub(r"\{\w+\}", " ", text))}
    return frozenset({*words, *NAMES, *(str(number) for number in range(LARGEST_NUMBER + 1))})
