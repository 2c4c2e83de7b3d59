"""How a grader errs, from a validation sample whose design says which of its rates can be known."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Literal, TypeAlias, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError, InsufficientData
from safescale.stats._domain import choice, fraction, iterated, same_length, unit_labels
from safescale.stats._validation import (
    binary,
    row_weights,
    simple_random_rates,
    stratum_totals,
    two_strata_rates,
    weighted_rates,
)
from safescale.stats.validation_rate import ValidationRate

__all__ = ["MisclassificationMatrix", "SampledOn", "misclassification_by_condition", "misclassification_matrix"]

SampledOn: TypeAlias = Literal["nothing", "graded", "true", "strata"]
_Number = TypeVar("_Number", int, float)
_DESIGNS = ("nothing", "graded", "true", "strata")


@attrs.frozen(kw_only=True)
class MisclassificationMatrix:
    """
    Grader against truth, with the design of the sample it comes from.

    Attributes
    ----------
    sensitivity, specificity : ValidationRate
        P(graded 1 | true 1), P(graded 0 | true 0).
    ppv, npv : ValidationRate
        P(true 1 | graded 1), P(true 0 | graded 0).
    prevalence : ValidationRate
        P(true 1) among the traces that the sample was drawn from.
    table : tuple of tuple of int
        Counts of the sample, ``table[true][graded]``. Its pooled ratios mean nothing unless ``sampled_on="nothing"``.
    shares : tuple of tuple of float, or None
        The same table estimated for the traces that the sample was drawn from (fractions summing to 1).
    sampled_on : {"nothing", "graded", "true", "strata"}
        The design.
    stratum_sizes : dict or None
        Traces per stratum behind the sample, as given.
    true, graded : tuple of int
        The rows that were given, 0 or 1.
    strata : tuple or None
        Stratum of each row, as given.
    inclusion_probabilities : tuple of float, or None
        As given.
    condition : hashable or None
        The condition under which the traces were made; grader error depends on it.
    n : int
        Rows of the sample.
    level : float
        Nominal coverage of each interval.
    """

    sensitivity: ValidationRate
    specificity: ValidationRate
    ppv: ValidationRate
    npv: ValidationRate
    prevalence: ValidationRate
    table: tuple[tuple[int, int], tuple[int, int]]
    shares: tuple[tuple[float, float], tuple[float, float]] | None
    sampled_on: SampledOn
    stratum_sizes: Mapping[Hashable, int] | None
    true: tuple[int, ...]
    graded: tuple[int, ...]
    strata: tuple[Hashable, ...] | None
    inclusion_probabilities: tuple[float, ...] | None
    condition: Hashable | None
    n: int
    level: float


def misclassification_matrix(
    true: Sequence[int | bool] | npt.ArrayLike,
    graded: Sequence[int | bool] | npt.ArrayLike,
    *,
    sampled_on: SampledOn,
    stratum_sizes: Mapping[Hashable, int] | None = None,
    strata: Sequence[Hashable] | None = None,
    inclusion_probabilities: npt.ArrayLike | None = None,
    condition: Hashable | None = None,
    level: float = 0.95,
) -> MisclassificationMatrix:
    """
    Sensitivity, specificity, PPV, NPV and prevalence from a designed validation sample.

    What a sample tells depends on how it was drawn::

        sampled_on   identified                       also, with stratum_sizes N
        "nothing"    all five
        "graded"     PPV, NPV                         Se = N1 PPV / (N1 PPV + N0 (1 - NPV)), Sp, prevalence
        "true"       Se, Sp                           PPV = N1 Se / (N1 Se + N0 (1 - Sp)), NPV
        "strata"     all five, by weights 1 / pi_i    (with strata: pi_i = n_h / N_h)

    Simple random within the stratum: Wilson. Every other rate is a ratio ``A / (A + B)`` of weighted totals (Hajek)
    with ``A = sum_h W_h p_hA``: its limits are the MOVER limits of Donner and Zou from the Wilson limits of each
    ``p_hA, p_hB``, so that 0 misses among ``n_h`` rows leave room for some in each stratum. Its standard error is the
    linearised one.

    Parameters
    ----------
    true, graded : sequence of 0 or 1, shape (rows,)
        The adjudicated and the grader's label of each validated trace.
    sampled_on : {"nothing", "graded", "true", "strata"}
        How rows were chosen: simple random, so many per graded label, so many per true label, or by strata or
        inclusion probabilities of other kinds. There is no default: it must be said.
    stratum_sizes : mapping of stratum to int, optional
        Traces per stratum behind the sample (keys 0 and 1 for "graded" and "true").
    strata : sequence of labels, shape (rows,), optional
        For "strata": the stratum of each row.
    inclusion_probabilities : array_like of float, shape (rows,), optional
        For "strata": the chance of each row to be in the sample, in (0, 1].
    condition : hashable, optional
        Carried along. A matrix from one condition does not hold in another by itself.
    level : float, default 0.95
        Nominal coverage, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    MisclassificationMatrix
        Shape: scalar. Unit: fractions.

    Raises
    ------
    InsufficientData
        If there is no row, or a stratum holds a single one.
    DomainError
        If labels are not 0 or 1, lengths differ, a row has no stratum, or the design and its columns do not fit.

    Notes
    -----
    The rates are those of the process that made the traces: no finite-population correction, and stratum sizes count
    as drawn. Rows are independent within their stratum; rows of the same prompt are not, and make the intervals too narrow.

    References
    ----------
    .. [1] C. B. Begg, R. A. Greenes (1983), Biometrics 39, 207-215 (verification bias).
    .. [2] A. Donner, G. Y. Zou (2012), Stat. Methods Med. Res. 21, 347-359 (MOVER).
    .. [3] C.-E. Sarndal, B. Swensson, J. Wretman (1992), Model Assisted Survey Sampling, section 5.6.

    Examples
    --------
    50 rows per graded label of 100 and 9,900 traces. One miss among the 50 negatives stands for 198:

    >>> from safescale.stats import misclassification_matrix
    >>> true, graded = [1] * 45 + [0] * 5 + [1] + [0] * 49, [1] * 50 + [0] * 50
    >>> matrix = misclassification_matrix(true, graded, sampled_on="graded", stratum_sizes={1: 100, 0: 9900})
    >>> f"PPV {matrix.ppv.estimate:.2f}, Se {matrix.sensitivity.estimate:.2f} (pooled: {45 / 46:.2f})"
    'PPV 0.90, Se 0.31 (pooled: 0.98)'
    >>> misclassification_matrix(true, graded, sampled_on="graded").sensitivity.undefined_because
    'rows were sampled on the graded label; give stratum_sizes to weight them'
    """
    choice("sampled_on", sampled_on, _DESIGNS)
    level = fraction("level", level)
    t, g = binary("true", true), binary("graded", graded)
    same_length("true", len(t), "graded", len(g))
    if len(t) == 0:
        raise InsufficientData("the validation sample holds no row; label some traces first")
    table = np.zeros((2, 2), dtype=np.int64)
    np.add.at(table, (t, g), 1)
    if sampled_on != "strata" and (strata is not None or inclusion_probabilities is not None):
        raise DomainError(f"strata and inclusion_probabilities belong to sampled_on='strata', got sampled_on={sampled_on!r}")
    groups, probabilities = None, None
    if sampled_on == "nothing":
        if stratum_sizes is not None:
            raise DomainError("a simple random sample has no strata; leave stratum_sizes out, or say what was sampled on")
        rates, shares = simple_random_rates(table, level), table / table.sum()
    elif sampled_on == "strata":
        groups, probabilities, w = row_weights(len(t), strata, stratum_sizes, inclusion_probabilities)
        rates, shares = weighted_rates(t, g, w, groups, level), np.zeros((2, 2))
        np.add.at(shares, (t, g), w / w.sum())
    else:
        rates, shares = two_strata_rates(
            table, stratum_totals(table, sampled_on, stratum_sizes), level, on_graded=sampled_on == "graded"
        )
    return MisclassificationMatrix(
        **rates,
        table=_pairs(table.tolist()),
        shares=None if shares is None else _pairs(shares.tolist()),
        sampled_on=sampled_on,
        stratum_sizes=None if stratum_sizes is None else dict(stratum_sizes),
        true=tuple(t.tolist()),
        graded=tuple(g.tolist()),
        strata=groups,
        inclusion_probabilities=probabilities,
        condition=condition,
        n=len(t),
        level=level,
    )


def misclassification_by_condition(
    true: Sequence[int | bool],
    graded: Sequence[int | bool],
    conditions: Sequence[Hashable],
    *,
    sampled_on: SampledOn,
    stratum_sizes: Mapping[Hashable, Mapping[Hashable, int]] | None = None,
    strata: Sequence[Hashable] | None = None,
    inclusion_probabilities: Sequence[float] | None = None,
    level: float = 0.95,
) -> tuple[MisclassificationMatrix, ...]:
    """
    One `misclassification_matrix` per condition: grader error is not the same before and after an attack.

    Parameters
    ----------
    true, graded : sequence of 0 or 1, shape (rows,)
        The adjudicated and the grader's label of each validated trace.
    conditions : sequence of labels, shape (rows,)
        The condition under which each trace was made.
    sampled_on : {"nothing", "graded", "true", "strata"}
        How rows were chosen within each condition.
    stratum_sizes : mapping of condition to (mapping of stratum to int), optional
        Traces per stratum of each condition.
    strata, inclusion_probabilities : sequence, shape (rows,), optional
        As in `misclassification_matrix`.
    level : float, default 0.95
        Nominal coverage of each interval, strictly between 0 and 1. Unit: probability.

    Returns
    -------
    tuple of MisclassificationMatrix
        In order of first appearance of the condition, each with its ``condition``.

    Raises
    ------
    InsufficientData, DomainError
        As in `misclassification_matrix`; or if a condition is missing or has no stratum sizes where others have.

    References
    ----------
    .. [1] C. B. Begg, R. A. Greenes (1983), Biometrics 39, 207-215.

    Examples
    --------
    >>> from safescale.stats import misclassification_by_condition
    >>> rows = [(1, 1, "base")] * 9 + [(1, 0, "base")] + [(1, 1, "ablated")] * 6 + [(1, 0, "ablated")] * 4
    >>> for matrix in misclassification_by_condition(*zip(*rows), sampled_on="true"):
    ...     print(matrix.condition, matrix.sensitivity.estimate)
    base 0.9
    ablated 0.6
    """
    names = unit_labels("conditions", conditions, unit="row")
    true, graded = (
        iterated(side, column, expected="a sequence of 0 and 1") for side, column in (("true", true), ("graded", graded))
    )
    same_length("conditions", len(names), "true", len(true))
    same_length("graded", len(graded), "true", len(true))
    strata = None if strata is None else unit_labels("strata", strata, unit="row")
    if strata is not None:
        same_length("strata", len(strata), "true", len(true))
    if inclusion_probabilities is not None:
        inclusion_probabilities = iterated("inclusion_probabilities", inclusion_probabilities, expected="a sequence of numbers")
        same_length("inclusion_probabilities", len(inclusion_probabilities), "true", len(true))
    found = []
    for name in dict.fromkeys(names):
        if stratum_sizes is not None and name not in stratum_sizes:
            raise DomainError(f"stratum_sizes has no entry for the condition {name!r}; give its sizes")
        at = [row for row, own in enumerate(names) if own == name]
        found.append(
            misclassification_matrix(
                [true[row] for row in at],
                [graded[row] for row in at],
                sampled_on=sampled_on,
                stratum_sizes=None if stratum_sizes is None else stratum_sizes[name],
                strata=None if strata is None else [strata[row] for row in at],
                inclusion_probabilities=None if inclusion_probabilities is None else [inclusion_probabilities[row] for row in at],
                condition=name,
                level=level,
            )
        )
    return tuple(found)


def _pairs(rows: Sequence[Sequence[_Number]]) -> tuple[tuple[_Number, _Number], tuple[_Number, _Number]]:
    (a, b), (c, d) = rows
    return (a, b), (c, d)
