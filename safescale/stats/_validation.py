"""The rates of a grader by design: simple random, two strata, weighted rows. Private to `misclassification`."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._agreement import normal_quantile, score_bounds
from safescale.stats._domain import FloatVector, IntVector, as_array, count, positive, same_length, unit_labels
from safescale.stats.validation_rate import ValidationMethod, ValidationRate

Rates = dict[str, ValidationRate]


def binary(name: str, values: Sequence[int | bool] | npt.ArrayLike) -> IntVector:
    """Refuse anything but a one-dimensional column of 0 and 1 (or truth values)."""
    array = as_array(name, values, expected="a one-dimensional column of 0 and 1")
    if array.ndim != 1:
        raise DomainError(f"{name} must be one-dimensional, got shape {array.shape}; pass one label per row")
    if array.size and array.dtype.kind not in "iub":
        raise DomainError(f"{name} must hold 0 or 1, got dtype {array.dtype}; map verdicts to 0 and 1, leave ungraded rows out")
    codes = array.astype(np.int64)
    if np.any((codes < 0) | (codes > 1)):
        at = int(np.argmax((codes < 0) | (codes > 1)))
        raise DomainError(f"{name} must hold 0 or 1, got {codes[at]} at row {at}")
    return codes


def unknown(reason: str) -> ValidationRate:
    """A rate that the sample does not tell."""
    return ValidationRate(
        estimate=None, low=None, high=None, standard_error=None, effective_n=None, method=None, undefined_because=reason
    )


def _rate(
    p: float, low: float, high: float, se: float, n: float | None, method: ValidationMethod, reason: str | None = None
) -> ValidationRate:
    return ValidationRate(
        estimate=p,
        low=float(max(0.0, min(low, p))),
        high=float(min(1.0, max(high, p))),
        standard_error=se if se > 0 else None,
        effective_n=n,
        method=method,
        undefined_because=reason,
    )


def share(k: int, n: int, level: float, none_of: str) -> ValidationRate:
    """Successes k of n rows of a simple random sample."""
    if n == 0:
        return unknown(f"no row that is {none_of} was sampled")
    p = k / n
    return _rate(p, *score_bounds(p, n, level), math.sqrt(p * (1 - p) / n), float(n), "wilson")


def simple_random_rates(table: IntVector, level: float) -> Rates:
    """All five, each from its margin of ``table[true, graded]``."""
    (n00, n01), (n10, n11) = table.tolist()
    return {
        "sensitivity": share(n11, n11 + n10, level, "truly 1"),
        "specificity": share(n00, n00 + n01, level, "truly 0"),
        "ppv": share(n11, n11 + n01, level, "graded 1"),
        "npv": share(n00, n00 + n10, level, "graded 0"),
        "prevalence": share(n10 + n11, n00 + n01 + n10 + n11, level, "labelled"),
    }


def stratum_totals(table: IntVector, sampled_on: str, stratum_sizes: Mapping[Hashable, int] | None) -> tuple[int, int] | None:
    """Traces with label 0 and 1 behind a sample drawn on that label."""
    if stratum_sizes is None:
        return None
    if set(stratum_sizes) != {0, 1}:
        raise DomainError(f"stratum_sizes needs the keys 0 and 1 for sampled_on={sampled_on!r}, got {tuple(stratum_sizes)!r}")
    sampled = table.sum(axis=0 if sampled_on == "graded" else 1).tolist()
    sizes = count("stratum_sizes[0]", stratum_sizes[0]), count("stratum_sizes[1]", stratum_sizes[1])
    for label in (0, 1):
        if sizes[label] < sampled[label]:
            raise DomainError(
                f"stratum_sizes[{label}] must be at least the {sampled[label]} rows sampled there, got {sizes[label]}"
            )
    return sizes


def two_strata_rates(
    table: IntVector, sizes: tuple[int, int] | None, level: float, *, on_graded: bool
) -> tuple[Rates, FloatVector | None]:
    """Rates and estimated shares of a sample of so many rows per label of one side."""
    t, g = np.repeat([0, 0, 1, 1], table.ravel()), np.repeat([0, 1, 0, 1], table.ravel())
    side: Literal["graded", "true"] = "graded" if on_graded else "true"
    drawn_on = g if on_graded else t
    direct = ("ppv", "npv") if on_graded else ("sensitivity", "specificity")
    rates = {name: rate for name, rate in simple_random_rates(table, level).items() if name in direct}
    sampled = np.bincount(drawn_on, minlength=2)
    if sizes is None:
        rest = unknown(f"rows were sampled on the {side} label; give stratum_sizes to weight them")
    elif 0 in sizes or 0 in sampled:
        rest = unknown(f"both {side} labels must be in the sample and in stratum_sizes to weigh one against the other")
    else:
        weights = np.array([sizes[0] / sampled[0], sizes[1] / sampled[1]])[drawn_on]
        rates, shares = weighted_rates(t, g, weights, tuple(drawn_on.tolist()), level, known=side) | rates, np.zeros((2, 2))
        np.add.at(shares, (t, g), weights / sum(sizes))
        if not on_graded:
            rates["prevalence"] = _given(sizes[1] / sum(sizes))
        return rates, shares
    return dict.fromkeys(("sensitivity", "specificity", "ppv", "npv", "prevalence"), rest) | rates, None


def _given(known: float) -> ValidationRate:
    reason = "known from stratum_sizes, not estimated"
    return attrs.evolve(unknown(reason), estimate=known, method="given")


def row_weights(
    rows: int,
    strata: Sequence[Hashable] | None,
    stratum_sizes: Mapping[Hashable, int] | None,
    inclusion_probabilities: npt.ArrayLike | None,
) -> tuple[tuple[Hashable, ...] | None, tuple[float, ...] | None, FloatVector]:
    """Strata, inclusion probabilities as given, and the weight ``1 / pi`` of each row."""
    # a row without a stratum has no known chance to be in the sample
    groups = None if strata is None else unit_labels("strata", strata, unit="row")
    if groups is not None:
        same_length("strata", len(groups), "true", rows)
        sampled = {name: groups.count(name) for name in dict.fromkeys(groups)}
        for name, held in sampled.items():
            if held == 1:
                raise InsufficientData(f"the stratum {name!r} holds one row, which has no variance; merge it with another")
    if (stratum_sizes is None) == (inclusion_probabilities is None):
        raise DomainError("sampled_on='strata' needs either stratum_sizes (with strata) or inclusion_probabilities, not both")
    if inclusion_probabilities is not None:
        pi = positive("inclusion_probabilities", inclusion_probabilities, unit="probability")
        same_length("inclusion_probabilities", len(pi), "true", rows)
        if np.any(pi > 1):
            raise DomainError(f"inclusion_probabilities must not exceed 1, got {pi.max():g}; pass 1 / weight, not the weight")
        return groups, tuple(pi.tolist()), 1 / pi
    assert stratum_sizes is not None
    if groups is None:
        raise DomainError("stratum_sizes needs strata: the stratum of each row")
    if set(stratum_sizes) != set(sampled):
        odd = sorted(map(repr, set(stratum_sizes) ^ set(sampled)))
        raise DomainError(f"strata and stratum_sizes must name the same strata, got {', '.join(odd)} in one of them only")
    sizes = {name: count(f"stratum_sizes[{name!r}]", stratum_sizes[name]) for name in sampled}
    for name, held in sampled.items():
        if sizes[name] < held:
            raise DomainError(f"stratum_sizes[{name!r}] must be at least the {held} rows sampled there, got {sizes[name]}")
    return groups, None, np.array([sizes[name] / sampled[name] for name in groups])


Flags: TypeAlias = npt.NDArray[np.bool_]
# per rate, the (true, graded) of what it counts and of what it counts against; None is either
_KINDS: dict[str, tuple[tuple[int, int | None], tuple[int, int | None], str]] = {
    "sensitivity": ((1, 1), (1, 0), "truly 1"),
    "specificity": ((0, 0), (0, 1), "truly 0"),
    "ppv": ((1, 1), (0, 1), "graded 1"),
    "npv": ((0, 0), (1, 0), "graded 0"),
    "prevalence": ((1, None), (0, None), "labelled"),
}


def weighted_rates(
    t: IntVector,
    g: IntVector,
    w: FloatVector,
    groups: tuple[Hashable, ...] | None,
    level: float,
    *,
    known: Literal["graded", "true"] = "graded",
) -> Rates:
    """
    All five as ratios of weighted totals.

    Where each stratum holds one value of the ``known`` label, the strata were drawn on it, and no trace of the other
    value hides in them.
    """
    if len(t) == 1:
        raise InsufficientData("a weighted sample of one row has no variance; label more traces")
    order = {name: at for at, name in enumerate(dict.fromkeys(groups or ()))}
    codes = np.zeros(len(t), dtype=np.int64) if groups is None else np.array([order[name] for name in groups])
    label = g if known == "graded" else t
    nested = len(set(label.tolist())) == 2 and len(set(zip(codes.tolist(), label.tolist(), strict=True))) == len(
        set(codes.tolist())
    )

    def where(kind: tuple[int, int | None]) -> tuple[Flags, Flags]:
        true, graded = kind
        rows = (t == true) & (g == graded if graded is not None else True)
        own = graded if known == "graded" else true
        return rows, label == own if nested and own is not None else np.ones(len(t), dtype=np.bool_)

    return {name: _ratio(where(a), where(b), w, codes, level, none_of) for name, (a, b, none_of) in _KINDS.items()}


def _ratio(
    a_kind: tuple[Flags, Flags], b_kind: tuple[Flags, Flags], w: FloatVector, codes: IntVector, level: float, none_of: str
) -> ValidationRate:
    """Weighted share ``A / (A + B)``; of each kind, its rows and those in whose strata it could be."""
    if not np.any(a_kind[0] | b_kind[0]):
        return unknown(f"no row that is {none_of} was sampled")
    n = float(w.sum())
    strata = [_Stratum.of(a_kind, b_kind, codes == code, w, level) for code in np.unique(codes)]
    parts = np.array([stratum.size for stratum in strata]) / n
    means = np.array([stratum.means for stratum in strata])
    a, b = (float(total) for total in parts @ means)
    # the strata were drawn in these shares, too
    between = ((means.T * parts) @ means - np.outer((a, b), (a, b))) / n
    covariance = between + sum(part**2 * stratum.covariance for part, stratum in zip(parts, strata, strict=True))
    z2 = normal_quantile(level) ** 2
    down = parts[:, np.newaxis] * np.array([stratum.below for stratum in strata])
    up = parts[:, np.newaxis] * np.array([stratum.above for stratum in strata])
    r = np.array([stratum.correlation for stratum in strata])
    below_a, below_b = (math.sqrt(float(down[:, k] @ down[:, k]) + z2 * max(0.0, between[k, k])) for k in (0, 1))
    above_a, above_b = (math.sqrt(float(up[:, k] @ up[:, k]) + z2 * max(0.0, between[k, k])) for k in (0, 1))
    low = lower_share(a, below_a, b, above_b, float(r @ (down[:, 0] * up[:, 1])) + z2 * between[0, 1])
    high = 1 - lower_share(b, below_b, a, above_a, float(r @ (down[:, 1] * up[:, 0])) + z2 * between[0, 1])
    p = a / (a + b)
    gradient = np.array([b, -a]) / (a + b) ** 2
    se = math.sqrt(max(0.0, float(gradient @ covariance @ gradient)))
    return _rate(p, low, high, se, p * (1 - p) / se**2 if se > 0 and 0 < p < 1 else None, "mover")


@attrs.frozen(kw_only=True)
class _Stratum:
    """Two kinds in one stratum: weighted shares, how far their Wilson limits lie below and above, and how they covary."""

    size: float
    means: tuple[float, float]
    below: tuple[float, float]
    above: tuple[float, float]
    covariance: FloatVector
    correlation: float

    @classmethod
    def of(cls, a_kind: tuple[Flags, Flags], b_kind: tuple[Flags, Flags], here: Flags, w: FloatVector, level: float) -> _Stratum:
        own = w[here]
        (p_a, low_a, high_a), (p_b, low_b, high_b) = (_weighted_share(kind, here, own, level) for kind in (a_kind, b_kind))
        apart = own * np.array([a_kind[0][here] - p_a, b_kind[0][here] - p_b]) / own.sum()
        covariance = apart @ apart.T
        scale = math.sqrt(covariance[0, 0] * covariance[1, 1])
        if bool(np.all(a_kind[0][here] | b_kind[0][here])) and a_kind[1][here][0] and b_kind[1][here][0]:
            # the two fill the stratum: one is the other's complement, seen or not
            correlation = -1.0
        else:
            correlation = max(-1.0, float(covariance[0, 1]) / scale) if scale > 0 else 0.0
        return cls(
            size=float(own.sum()),
            means=(p_a, p_b),
            below=(p_a - low_a, p_b - low_b),
            above=(high_a - p_a, high_b - p_b),
            covariance=covariance,
            correlation=correlation,
        )


def _weighted_share(kind: tuple[Flags, Flags], here: Flags, w: FloatVector, level: float) -> tuple[float, float, float]:
    """Weighted share of a kind in one stratum and its Wilson limits."""
    rows, possible = kind[0][here], bool(kind[1][here][0])
    if not possible:
        return 0.0, 0.0, 0.0
    n, total = len(w), float(w.sum())
    p = float(w @ rows) / total
    if rows.all() or not rows.any():
        # what 0 of n leaves room for, at the largest weight
        room = min(1.0, score_bounds(0.0, n, level)[1] * n * float(w.max()) / total)
        return (1.0, 1.0 - room, 1.0) if rows.all() else (0.0, 0.0, room)
    variance = float(((w * (rows - p)) ** 2).sum()) / total**2
    return p, *score_bounds(p, p * (1 - p) / variance, level)


def lower_share(a: float, below: float, b: float, above: float, joint: float) -> float:
    """
    Lower MOVER limit of ``A / (A + B)``, A and B estimates, ``joint`` their correlation times below times above.

    The odds L with ``(A - L B)^2 = below^2 - 2 L joint + L^2 above^2``, where ``A - below`` is the lower limit of A and
    ``B + above`` the upper limit of B; in the form that subtracts no two nearly equal numbers.
    """
    step = (a - below) * (a + below)
    if step <= 0:
        return 0.0
    product = a * b - joint
    odds = step / (product + math.sqrt(max(0.0, product * product - step * (b - above) * (b + above))))
    return odds / (1 + odds)
