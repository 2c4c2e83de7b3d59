"""
Words and pairs of words, hashed: what can be measured without any weights, and it measures words, not meaning.

Two refusals that say the same in other words lie far apart here (of a sentence model's distances it keeps a rank correlation of
about 0.3), so a mean distance of these rows is called lexical drift and nothing else.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np

from safescale.errors import DomainError
from safescale.grade.embed.embedder import MAX_TOKENS, Rows, each_text_once

__all__ = ["WIDTH", "HashedNgrams"]

WIDTH: Final = 2048
"""Places of a row: chance collisions move a cosine by about 1/sqrt(WIDTH) = 0.02."""

_VERSION: Final = 1
"""Rises whenever a row changes: rows that are kept under another version are not found again."""

_TOKEN: Final = re.compile(r"\w+|[^\w\s]")
_BETWEEN: Final = "\x1f"
_NOTHING: Final = "\x00nothing"


@attrs.frozen(kw_only=True)
class HashedNgrams:
    """
    Signed feature hashing of words and of pairs of neighbouring words [1]_.

    A text is put to NFKC and lower case; words and signs of its first ``max_tokens`` are taken singly and in pairs; each gram falls
    on one of ``WIDTH`` places with a sign, both from BLAKE2b, with the square root of how often it stands; the row is scaled to
    length 1. Rows are the same on every machine. A text without a word or sign has a row of its own, the same for all such texts.

    Parameters
    ----------
    max_tokens : int, default MAX_TOKENS
        Words and signs of a text that are read, 1 or more.

    Raises
    ------
    DomainError
        For ``max_tokens`` below 1.

    References
    ----------
    .. [1] K. Weinberger, A. Dasgupta, J. Langford, A. Smola, J. Attenberg (2009), Feature hashing for large scale multitask
       learning, ICML: a signed hash keeps inner products without bias (lemma 2).
    """

    max_tokens: int = MAX_TOKENS

    def __attrs_post_init__(self) -> None:
        if self.max_tokens < 1:
            raise DomainError(f"max_tokens must be 1 or more, got {self.max_tokens}")

    @property
    def name(self) -> str:
        """What opens it again."""
        return "hashed-ngrams"

    @property
    def measure(self) -> str:
        """Lexical drift, because words are compared and not what they mean."""
        return f"lexical drift (hashed n-grams, first {self.max_tokens} words and signs)"

    @property
    def identity(self) -> str:
        """All that rows depend on."""
        return f"hashed-ngrams/{_VERSION}/{WIDTH}/{self.max_tokens}"

    def embed(self, texts: Sequence[str]) -> Rows:
        """Rows of length 1, shape (texts, WIDTH)."""
        return each_text_once(texts, self._rows)

    def _rows(self, texts: list[str]) -> Rows:
        rows = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            values = self._values(text)
            length = math.sqrt(math.fsum(value * value for value in values.values()))
            row[list(values)] = [value / length for value in values.values()]
        return rows

    def _values(self, text: str) -> dict[int, float]:
        """Value by place; never all zero."""
        tokens = _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())[: self.max_tokens]
        grams = Counter(tokens)
        grams.update(f"{first}{_BETWEEN}{second}" for first, second in itertools.pairwise(tokens))
        values: dict[int, float] = {}
        for gram in sorted(grams):  # by gram, so that sums of grams that share a place do not depend on their order in the text
            place, sign = _place(gram)
            values[place] = values.get(place, 0.0) + sign * math.sqrt(grams[gram])
        if any(values.values()):
            return values
        return {_place(_NOTHING)[0]: 1.0}


@functools.lru_cache(maxsize=1 << 17)
def _place(gram: str) -> tuple[int, float]:
    """Place and sign of a gram."""
    digest = int.from_bytes(hashlib.blake2b(gram.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
    return digest % WIDTH, 1.0 if digest >> 63 else -1.0
