"""Agreement of two graders on the same traces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from safescale.analyses.compare.results import CompareOptions, GraderAgreement
from safescale.errors import DomainError
from safescale.records.outcomes import TIER_NUMERATORS
from safescale.records.verdicts import Verdict
from safescale.stats import CohenKappa, GwetAC, cohen_kappa_table, gwet_ac1

__all__ = ["grader_agreement"]


def grader_agreement(
    pairs: pa.Table, target: str, condition: str, classes: Sequence[str], options: CompareOptions
) -> GraderAgreement | None:
    """
    Agreement of one target and condition over some classes; None where the graders share no trace.

    Parameters
    ----------
    pairs : pyarrow.Table
        Pairs of verdicts, as ``safescale.cells.verdict_pairs`` gives them.
    target, condition, classes
        Which rows of it count.
    options : CompareOptions
        Tier (for success alone) and level.
    """
    order = [verdict.value for verdict in Verdict]
    table = np.zeros((len(order), len(order)), dtype=np.int64)
    for row in pairs.to_pylist():
        if row["target"] == target and row["condition"] == condition and row["attack_class"] in classes:
            table[order.index(row["first"]), order.index(row["second"])] += row["traces"]
    if not table.sum():
        return None
    used = np.flatnonzero(table.sum(axis=0) + table.sum(axis=1))
    names = [order[i] for i in used]
    counts = table[np.ix_(used, used)]
    success = np.array([Verdict(name) in TIER_NUMERATORS[options.tier] for name in names])
    binary = np.array([[counts[np.ix_(success == a, success == b)].sum() for b in (True, False)] for a in (True, False)])
    kappa, ac1, of_success = _kappa(counts, options.level), _ac1(counts, names, options.level), _kappa(binary, options.level)
    return GraderAgreement(
        traces=int(counts.sum()),
        verdicts=tuple(names),
        table=tuple(tuple(int(n) for n in row) for row in counts),
        observed=float(np.trace(counts) / counts.sum()),
        kappa=None if kappa is None else kappa.kappa,
        kappa_interval=None if kappa is None else kappa.interval,
        ac1=None if ac1 is None else ac1.coefficient,
        ac1_interval=None if ac1 is None else ac1.interval,
        success_observed=float(np.trace(binary) / binary.sum()),
        success_kappa=None if of_success is None else of_success.kappa,
        success_kappa_interval=None if of_success is None else of_success.interval,
    )


def _kappa(counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]], level: float) -> CohenKappa | None:
    if counts.shape[0] < 2:
        return None
    try:
        return cohen_kappa_table(counts, level=level)
    except DomainError:
        return None


def _ac1(counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]], names: Sequence[str], level: float) -> GwetAC | None:
    if len(names) < 2:
        return None
    at = [(names[i], names[j]) for i, j in np.argwhere(counts) for _ in range(int(counts[i, j]))]
    return gwet_ac1(at, categories=names, level=level)
