"""
All distinct orders of a few values, and how rare the most extreme one is.

Under the null hypothesis of a permutation test every assignment of the y-values to the x-values is equally likely.
Orders that differ only by exchanging equal values are one arrangement here, and each stands for equally many
assignments, so a p-value is a share of arrangements.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

# either floats or whole numbers; sums of whole numbers stay exact
Values: TypeAlias = npt.NDArray[Any]

# 9 untied values have 362,880 orders: some 30 MB and a tenth of a second
MAX_ARRANGEMENTS = 400_000
# up to here factorials are whole numbers; the logarithms beyond are good to nine digits
_LARGEST_FACTORIAL = 1_000


def multiplicities(values: Values) -> list[int]:
    """How often each distinct value occurs, in increasing order of the values."""
    return [int(m) for m in np.unique(values, return_counts=True)[1]]


def number_of_arrangements(values: Values) -> int:
    """``n! / prod(m_j!)``."""
    return math.factorial(len(values)) // math.prod(math.factorial(m) for m in multiplicities(values))


def arrangements(values: Values) -> Values:
    """All distinct orders, shape ``(arrangements, n)``: each prefix is extended by every value it has left."""
    distinct, repeats = np.unique(values, return_counts=True)
    prefixes = np.zeros((1, 0), dtype=np.int8)
    left = repeats[np.newaxis, :].astype(np.int8)
    for _ in range(len(values)):
        row, symbol = np.nonzero(left)
        prefixes = np.column_stack([prefixes[row], symbol.astype(np.int8)])
        left = left[row]
        left[np.arange(len(row)), symbol] -= 1
    orders: Values = distinct[prefixes]
    return orders


def fewest_arrangements(x: Values, y: Values) -> int:
    """The number of distinct pairings of x with y that one column's orders generate, the cheaper column moving."""
    return min(number_of_arrangements(x), number_of_arrangements(y))


def all_sums_of_products(x: Values, y: Values) -> Values:
    """``sum_i x_i y_pi(i)`` over all arrangements; the column with fewer orders moves, the other stands."""
    moving, standing = (x, y) if number_of_arrangements(x) <= number_of_arrangements(y) else (y, x)
    return np.asarray(arrangements(moving) @ standing)


def share_of_largest_sum(x: Values, y: Values) -> Fraction:
    """
    The share of all ``n!`` assignments that reach the largest possible ``sum_i x_i y_pi(i)``, without enumeration.

    By the rearrangement inequality these are the assignments in which y never falls where x rises. With tie blocks of
    x of sizes ``a_k``, of y of sizes ``b_j``, and ``c_jk`` the overlap of the two in sorted order, there are ``prod_k
    a_k! prod_j (b_j! / prod_k c_jk!)`` of them.
    """
    n = len(x)
    block_x, sizes_x = _tie_blocks(x)
    block_y, sizes_y = _tie_blocks(y)
    overlaps = np.unique(block_x * n + block_y, return_counts=True)[1].tolist()
    if n > _LARGEST_FACTORIAL:
        logs = [math.lgamma(m + 1) for m in sizes_x + sizes_y] + [-math.lgamma(c + 1) for c in overlaps]
        return Fraction(math.exp(math.fsum(logs) - math.lgamma(n + 1)))
    ways = math.prod(math.factorial(m) for m in sizes_x + sizes_y) // math.prod(math.factorial(c) for c in overlaps)
    return Fraction(ways, math.factorial(n))


def _tie_blocks(values: Values) -> tuple[npt.NDArray[np.int64], list[int]]:
    """For each place in sorted order, the number of its block of equal values; and the sizes of the blocks."""
    sizes = np.unique(values, return_counts=True)[1]
    return np.repeat(np.arange(len(sizes)), sizes), sizes.tolist()
