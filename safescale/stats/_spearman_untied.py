"""
Tail counts of Spearman's statistic without ties, looked up.

The tables (`_spearman_tables`) are imported and unpacked on the first question about their n: the package imports fast,
and most programs ask about one or two n.
"""

from __future__ import annotations

import binascii
import functools
import itertools
import math
import zlib

import numpy as np

from safescale.stats._spearman_ties import Tails

LARGEST_TABLE = 26


@functools.cache
def _lower_counts(n: int) -> tuple[int, ...]:
    """Permutations at most 0, 1, .. steps above the smallest sum, up to the middle ``floor((n^3 - n) / 12)``."""
    from safescale.stats._spearman_tables import TABLES

    length = (n**3 - n) // 12 + 1
    planes = np.frombuffer(zlib.decompress(binascii.a2b_base64(TABLES[n])), dtype=np.uint8).reshape(-1, length)
    packed, width = planes.T.tobytes(), len(planes)
    counts = (int.from_bytes(packed[at : at + width], "little") for at in range(0, len(packed), width))
    return tuple(itertools.accumulate(counts))


def _at_most(n: int, steps: int) -> int:
    """Permutations at most so many steps above the smallest sum; the distribution is its own mirror image."""
    counts, top = _lower_counts(n), (n**3 - n) // 6
    if steps < 0:
        return 0
    if steps < len(counts):
        return counts[steps]
    return math.factorial(n) - (counts[top - steps - 1] if steps < top else 0)


def untied_tails(n: int, low: int, high: int) -> Tails:
    """
    Both tails of the sum of products of centred doubled ranks, 3 <= n <= 26.

    That sum goes from ``-(n^3 - n) / 3`` to ``(n^3 - n) / 3`` in steps of 4.
    """
    lowest = -((n**3 - n) // 3)
    return Tails(_at_most(n, (low - lowest) // 4), _at_most(n, (-high - lowest) // 4), math.factorial(n))
