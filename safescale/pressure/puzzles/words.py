"""The closed vocabulary of the puzzles: everyday names and nouns, and what a text is cut into."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["LARGEST_NUMBER", "NAMES", "NUMBER_WORDS", "pieces"]

NAMES: Final = (
    *("Anna", "Ben", "Chen", "Dina", "Emil", "Fatima", "Greta", "Hugo", "Iris", "Jonas"),
    *("Kofi", "Leila", "Maya", "Nils", "Olga", "Pablo", "Rosa", "Samir", "Tara", "Yuki"),
)
LARGEST_NUMBER: Final = 40
NUMBER_WORDS: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_PIECE: Final = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")


def pieces(text: str) -> tuple[str, ...]:
    """
    Words, numbers and punctuation marks of a text, in order; white space parts them and is not one.

    >>> pieces("Who arrives earlier, Anna or Ben?")
    ('Who', 'arrives', 'earlier', ',', 'Anna', 'or', 'Ben', '?')
    """
    return tuple(_PIECE.findall(text))
