"""How alike two prompts are: the Jaccard index of their character n-grams, exactly."""

from __future__ import annotations

import functools
import unicodedata
from typing import Final

__all__ = ["SHINGLE_CHARS", "folded", "jaccard", "shingles"]

SHINGLE_CHARS: Final = 5
"""Prompts are short: one word of ten changed leaves most runs of five characters, but only 5 of 11 runs of three words."""


def folded(text: str) -> str:
    """The text that is compared: compatibility forms (NFKC), case folded, every run of blanks one blank, none at the ends."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@functools.lru_cache(maxsize=1 << 13)
def shingles(text: str) -> frozenset[str]:
    """Runs of ``SHINGLE_CHARS`` characters of a folded text; a shorter text is its own and only run."""
    if len(text) <= SHINGLE_CHARS:
        return frozenset((text,))
    return frozenset(text[i : i + SHINGLE_CHARS] for i in range(len(text) - SHINGLE_CHARS + 1))


def jaccard(one: str, other: str) -> float:
    """
    Jaccard index of the runs of characters of two folded texts.

    Parameters
    ----------
    one, other : str
        Texts that went through ``folded``.

    Returns
    -------
    float
        ``|A and B| / |A or B|``, in [0, 1]; 1 for equal texts. Unit: fraction.

    References
    ----------
    .. [1] A. Z. Broder (1997), On the resemblance and containment of documents, Proc. SEQUENCES, 21-29 (there: resemblance).

    Examples
    --------
    >>> jaccard("dye a quindle", "dye a quindle"), jaccard("dye a quindle", "knit")
    (1.0, 0.0)
    """
    a, b = shingles(one), shingles(other)
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)
