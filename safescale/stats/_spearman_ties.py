"""
Tail counts of Spearman's statistic with ties, exact, at a cost that is known before anything is computed.

Rows are given one by one to columns of which some are equal. What matters of the past is how many columns of each value
are used up, a vector u with ``0 <= u_j <= m_j``, and how many orders lead there with each sum so far: a polynomial
``P_u(q)``. A row of value a extends them all::

    P_u(q) = sum over j with u_j > 0 of q^(a b_j) P_(u - e_j)(q)

The lower and the upper half of the rows are done apart and meet in the middle, where a tail needs only products of
``P_u`` with running sums of the other half's ``P_(m - u)``. In each half the rows are centred and come from the middle
outwards, so that the sums of all states of a layer lie in nearly the same range, and one matrix, states by sums, holds
them with little waste.

Private: `safescale.stats.spearman` decides what to ask.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from safescale.stats._domain import IntVector

_Matrix: TypeAlias = npt.NDArray[Any]

# What "exact" may cost: additions of one number to another, some 2 to 4 ns each on a slow core, and bytes held at once. Fixed
# numbers and no clock: the method behind a p-value must not depend on who else uses the machine.
MAX_ADDITIONS = 3_000_000_000
MAX_BYTES = 2_000_000_000
# beyond these even the cost takes long to work out, and it is far above the budget
_MAX_STATES = 50_000_000
_MAX_PAIRS = 2_000
# what float64 holds, with room for a product
_MOST_ORDERS = 10**300
# numbers in the states that are filled together: few enough for a core's cache, many enough to outweigh a call of numpy
_BLOCK = 131_072


class Tails(NamedTuple):
    """How many of ``total`` equally likely orders have a sum at most ``low``, and at least ``high``; exact where ints."""

    below: float
    above: float
    total: float


class _Half(NamedTuple):
    """Rows of one half less their centre, in the order of their use; the range of all sums after 0, 1, ... of them."""

    rows: tuple[int, ...]
    centre: int
    lowest: tuple[int, ...]
    highest: tuple[int, ...]

    def width(self, used: int) -> int:
        return self.highest[used] - self.lowest[used] + 1


class TiedPlan(NamedTuple):
    """
    What a count will do, and its cost in additions and in bytes held at once.

    A sum of products of centred doubled midranks is ``step * (sum of rows times values) + offset``. ``orders[r]`` is the
    largest number of orders of the first r rows that lead to one state.
    """

    values: tuple[int, ...]
    multiplicities: tuple[int, ...]
    lower: _Half
    upper: _Half
    step: int
    offset: int
    orders: tuple[int, ...]
    additions: int
    bytes: int

    @property
    def total(self) -> int:
        return _orders(self.multiplicities)

    @property
    def whole_numbers(self) -> bool:
        """Whether the products of two halves fit 64 bits; else all are float64 sums of positive terms, some 1e-13 off."""
        return min(self.total, self.orders[-1] * self.orders[len(self.lower.rows)]) < 2**64

    @property
    def affordable(self) -> bool:
        return self.additions <= MAX_ADDITIONS and self.bytes <= MAX_BYTES


def tied_plan(a: IntVector, b: IntVector) -> TiedPlan | None:
    """The cheaper of two plans, rows from a or rows from b; None where the states are too many to plan for."""
    plans = [plan for plan in (_plan(a, b), _plan(b, a)) if plan is not None]
    return min(plans, key=lambda plan: plan.additions, default=None)


def _plan(rows: IntVector, columns: IntVector) -> TiedPlan | None:
    values, repeats = np.unique(columns, return_counts=True)
    m, n, h = tuple(int(k) for k in repeats), len(rows), len(rows) // 2
    if n > _MAX_PAIRS or math.prod(k + 1 for k in m) > _MAX_STATES or _orders(m) > _MOST_ORDERS:
        return None
    lowest_row, step_r, rows = _in_steps(np.sort(rows))
    lowest_column, step_c, values = _in_steps(values)
    in_order = np.repeat(values, repeats)
    plan = TiedPlan(
        values=tuple(values.tolist()),
        multiplicities=m,
        lower=_half(rows[:h], in_order),
        upper=_half(rows[h:], in_order),
        step=step_r * step_c,
        offset=-n * lowest_row * lowest_column,
        orders=_most_orders(m, n - h),
        additions=0,
        bytes=0,
    )
    states, moves = _layer_sizes(m)
    additions = held = waiting = 0
    for half in (plan.lower, plan.upper):
        sizes = [states[r] * half.width(r) * _number_type(plan, r).itemsize for r in range(len(half.rows) + 1)]
        held = max(held, waiting + max(before + here for before, here in itertools.pairwise(sizes)))
        # while the second half grows, the last layer of the first is kept
        waiting = sizes[-1]
        additions += sum(moves[r] * half.width(r) for r in range(len(half.rows)))
    # running sums and products, for two tails
    additions += 8 * states[h] * plan.upper.width(n - h)
    return plan._replace(additions=additions, bytes=held)


def _orders(m: tuple[int, ...]) -> int:
    """``n! / prod m_j!``"""
    return math.factorial(sum(m)) // math.prod(map(math.factorial, m))


def _in_steps(values: IntVector) -> tuple[int, int, IntVector]:
    """Increasing whole numbers as the lowest, the largest common step, and how many steps above the lowest each is."""
    step = int(np.gcd.reduce(np.diff(values)))
    return int(values[0]), step, (values - values[0]) // step


def _half(rows: IntVector, columns: IntVector) -> _Half:
    """The order of the rows, and the extreme sums after each, by the rearrangement inequality."""
    centre = round(float(rows.mean()))
    ordered = (rows - centre)[np.argsort(np.abs(rows - centre), kind="stable")]
    lowest, highest, n = [], [], len(columns)
    for used in range(len(rows) + 1):
        sofar = np.sort(ordered[:used])
        k = int(np.count_nonzero(sofar < 0))
        down, up = sofar[:k], sofar[k:]
        highest.append(int(down @ columns[:k] + up @ columns[n - len(up) :]))
        lowest.append(int(down @ columns[n - k :][::-1] + up @ columns[: len(up)][::-1]))
    return _Half(rows=tuple(ordered.tolist()), centre=centre, lowest=tuple(lowest), highest=tuple(highest))


def _layer_sizes(m: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Per number of used columns: how many states there are, and how many steps lead out of them."""
    states = _vectors_by_sum(m)
    moves = np.zeros_like(states)
    for k in set(m):
        fewer = list(m)
        fewer[fewer.index(k)] -= 1
        moves[:-1] += m.count(k) * _vectors_by_sum(fewer)
    return states.tolist(), moves.tolist()


def _vectors_by_sum(m: Sequence[int]) -> IntVector:
    """How many vectors ``0 <= u <= m`` have the sum 0, 1, ..., sum(m)."""
    counts = np.ones(1, dtype=np.int64)
    for k in m:
        counts = np.convolve(counts, np.ones(k + 1, dtype=np.int64))
    return counts


def _most_orders(m: tuple[int, ...], longest: int) -> tuple[int, ...]:
    """The largest multinomial ``r! / prod u_j!`` over ``u <= m`` of sum r, for r = 0 .. longest: fill evenly."""
    used, most = [0] * len(m), [1]
    for r in range(1, longest + 1):
        j = min((j for j in range(len(m)) if used[j] < m[j]), key=used.__getitem__)
        used[j] += 1
        most.append(most[-1] * r // used[j])
    return tuple(most)


def _number_type(plan: TiedPlan, used: int) -> np.dtype[Any]:
    if not plan.whole_numbers:
        return np.dtype(np.float64)
    return np.dtype(np.uint32 if plan.orders[used] < 2**32 else np.uint64)


def tied_tails(plan: TiedPlan, low: int, high: int) -> Tails:
    """Both tails of the sum of products of centred doubled midranks; takes what the plan says."""
    codes, p = _last_layer(plan, plan.lower)
    # the complement of the i-th state from below is the i-th from above
    q = _last_layer(plan, plan.upper)[1][::-1]
    used = _digits(plan, codes) @ np.array(plan.values)
    everything = sum(v * m for v, m in zip(plan.values, plan.multiplicities, strict=True))
    start = plan.lower.lowest[-1] + plan.upper.lowest[-1] + plan.lower.centre * used + plan.upper.centre * (everything - used)
    # the least, and the largest, sum of the two positions in p and q that lies in the tail
    least, most = -((plan.offset - high) // plan.step) - start, (low - plan.offset) // plan.step - start
    above = _pairs_reaching(p, q, least)
    below = _pairs_reaching(p[:, ::-1], q[:, ::-1], p.shape[1] + q.shape[1] - 2 - most)
    return Tails(below, above, plan.total)


def _radices(plan: TiedPlan) -> IntVector:
    return np.cumprod([1, *(k + 1 for k in plan.multiplicities[:-1])], dtype=np.int64)


def _digits(plan: TiedPlan, codes: IntVector) -> IntVector:
    """The vectors u behind the codes ``sum_j u_j prod_(i < j) (m_i + 1)``, shape ``(states, values)``."""
    digits: IntVector = codes[:, np.newaxis] // _radices(plan) % (np.array(plan.multiplicities) + 1)
    return digits


def _last_layer(plan: TiedPlan, half: _Half) -> tuple[IntVector, _Matrix]:
    """All states that the rows of one half reach, by increasing code, and their polynomials, ``(states, sums)``."""
    codes, sums = np.zeros(1, dtype=np.int64), np.ones((1, 1), dtype=_number_type(plan, 0))
    for used in range(len(half.rows)):
        codes, sums = _give_row(plan, half, used, codes, sums)
    return codes, sums


def _give_row(plan: TiedPlan, half: _Half, used: int, codes: IntVector, old: _Matrix) -> tuple[IntVector, _Matrix]:
    """The next layer: every state is added to every state that has one more column, moved by row times value."""
    radices, width, new_width = _radices(plan), old.shape[1], half.width(used + 1)
    free = _digits(plan, codes) < np.array(plan.multiplicities)
    fresh = np.unique(np.concatenate([codes[free[:, j]] + radix for j, radix in enumerate(radices)]))
    taken = _digits(plan, fresh) > 0
    new = np.zeros((len(fresh), new_width), dtype=_number_type(plan, used + 1))
    together = max(1, _BLOCK // new_width)
    for start in range(0, len(fresh), together):
        block = slice(start, start + together)
        for j, value in enumerate(plan.values):
            shift = half.rows[used] * value + half.lowest[used] - half.lowest[used + 1]
            # a state that may take this value is zero wherever the shift leaves the new range
            first, last = max(0, -shift), min(width, new_width - shift)
            to = np.flatnonzero(taken[block, j])
            if len(to) and first < last:
                source = np.searchsorted(codes, fresh[block][to] - radices[j])
                new[block][to, first + shift : last + shift] += old[source, first:last]
    return fresh, new


def _pairs_reaching(p: _Matrix, q: _Matrix, least: IntVector) -> float:
    """``sum over u and s + t >= least_u of p_us q_ut``: s from ``least`` on meets every t, before that the highest ones only."""
    kind = np.float64 if q.dtype.kind == "f" else np.uint64
    pairs: float = 0
    for value in np.unique(least).tolist():
        members = np.flatnonzero(least == value)
        all_of_q, none_of_q = min(max(value, 0), p.shape[1]), max(0, value - q.shape[1] + 1)
        at = q.shape[1] - 1 - value
        together = max(1, _BLOCK // q.shape[1])
        for start in range(0, len(members), together):
            part = members[start : start + together]
            left, highest = p[part], np.cumsum(q[part, ::-1], axis=1, dtype=kind)
            pairs += (left[:, all_of_q:].sum(axis=1, dtype=kind) @ highest[:, -1]).item()
            if none_of_q < all_of_q:
                left, highest = left[:, none_of_q:all_of_q], highest[:, at + none_of_q : at + all_of_q]
                pairs += np.sum(left * highest, dtype=kind).item()
    return pairs
