"""What a tampered model said against what it did, where both were graded on the same traces."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pyarrow as pa

from safescale.analyses.reemergence.results import TargetComparison
from safescale.analyses.units import model_units
from safescale.cells import TargetPairs
from safescale.records.verdicts import Verdict
from safescale.stats import holm, mcnemar_exact_test, paired_newcombe_interval

__all__ = ["target_comparisons"]


def target_comparisons(
    pairs: Sequence[TargetPairs], models: pa.Table, *, claim_classes: Sequence[str] | None, alpha: float, level: float
) -> tuple[TargetComparison, ...]:
    """One comparison per model, condition and pair of graders, attack classes added up; Holm over all of them."""
    chosen = [pair for pair in pairs if claim_classes is None or pair.attack_class in claim_classes]
    units = model_units(models, [pair.model_id for pair in chosen])
    tables: dict[tuple[str, ...], list[int]] = {}
    sizes: dict[str, float | None] = {}
    for pair in chosen:
        unit = units[pair.model_id]
        sizes[unit.model] = unit.params_total_b
        key = (unit.model, pair.condition, pair.first_target, pair.first_grader, pair.second_target, pair.second_grader)
        table = tables.setdefault(key, [0, 0, 0, 0])
        for (first, second), count in pair.traces.items():
            table[2 * (first is not Verdict.COMPLIANCE) + (second is not Verdict.COMPLIANCE)] += count
    found = [_comparison(key, table, sizes[key[0]], level) for key, table in tables.items()]
    if not found:
        return ()
    corrected = holm([comparison.test.p_value for comparison in found], alpha=alpha).adjusted
    ordered = (attrs.evolve(comparison, p_holm=p) for comparison, p in zip(found, corrected, strict=True))
    return tuple(sorted(ordered, key=lambda c: (c.condition, c.second_target, c.params_b is None, c.params_b or 0.0, c.model)))


def _comparison(key: tuple[str, ...], table: Sequence[int], params_b: float | None, level: float) -> TargetComparison:
    both, first_only, second_only, neither = table
    model, condition, first_target, first_grader, second_target, second_grader = key
    return TargetComparison(
        model=model,
        params_b=params_b,
        condition=condition,
        first_target=first_target,
        first_grader=first_grader,
        second_target=second_target,
        second_grader=second_grader,
        traces=sum(table),
        both=both,
        first_only=first_only,
        second_only=second_only,
        neither=neither,
        test=mcnemar_exact_test(first_only, second_only),
        p_holm=1.0,
        difference=paired_newcombe_interval(both, first_only, second_only, neither, level=level),
    )
