"""A model against the one that it was made from, on the same prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from safescale.analyses.compare import CompareResult, analyze_compare
from safescale.analyses.lineage import analyze_lineage
from safescale.analyses.residual_safety.results import Subject, Variant
from safescale.analyses.units import TAMPERED, model_units
from safescale.cells import Cells
from safescale.records.outcomes import Tier

__all__ = ["COMPARED", "compared_with", "find_base", "gap_pairs", "variants_of"]

COMPARED = (Tier.STRICT, Tier.BROAD)
"""Tiers that are compared with the base."""


def find_base(
    cells: Cells, models: pa.Table, subject: Subject, pairs: Sequence[Variant], given: str | None
) -> tuple[str | None, str | None, str | None]:
    """
    The base, how it was found, and why there is none.

    In this order: the one that was given; the one that the id names before its first ``+``; the untampered model of the same
    lineage and size, by the pairs of the safety gap.
    """
    if given is not None:
        return given, "named by the user", None
    present = set(cells.table["model_id"].unique().to_pylist())
    known = set(models["model_id"].to_pylist()) | set(models["canonical_id"].to_pylist())
    named = {name.split("+", 1)[0] for name in subject.model_ids if "+" in name}
    if len(named) == 1:
        (name,) = named
        if name in present:
            return name, "the id names it", None
        if name in known:
            return None, None, f"{name}, which the id names, has no counted row in this corpus"
    if subject.tampering not in TAMPERED:
        if named:
            return None, None, f"{' or '.join(sorted(named))}, which the id names, is not in this corpus"
        return None, None, "this model is not known to be made from another"
    units = model_units(models, subject.model_ids)
    mine = {unit.model for unit in units.values()}
    sides = [own.pair.base for own in pairs if own.pair.tampered.model in mine]
    # by the id of the source where there is one alone: a reader finds the model by it
    bases = Counter(side.model_ids[0] if len(side.model_ids) == 1 else side.model for side in sides)
    if bases:
        name = min(bases, key=lambda base: (-bases[base], base))
        return name, "the untampered model of its lineage and size in this corpus", None
    return None, None, "this corpus has no counted row of an untampered model of its lineage and size"


def compared_with(
    cells: Cells, models: pa.Table, base: str, model: str, graders: Sequence[str], *, level: float, alpha: float, min_cell: int
) -> tuple[CompareResult, ...]:
    """The model minus its base, tier by tier, under settings in which both have rows."""
    found = []
    for tier in COMPARED:
        result = analyze_compare(
            cells, models, base, model, tier=tier, grader=list(graders) or None, level=level, alpha=alpha, min_cell=min_cell
        )
        if any(setting.overall is not None or setting.identical is not None for setting in result.settings):
            found.append(result)
    return tuple(found)


def variants_of(models: pa.Table, subject: Subject, pairs: Sequence[Variant]) -> tuple[Variant, ...]:
    """The pairs in which this model is the untampered one."""
    mine = {unit.model for unit in model_units(models, subject.model_ids).values()}
    return tuple(own for own in pairs if own.pair.base.model in mine and own.pair.tampered.model not in mine)


def gap_pairs(
    cells: Cells, models: pa.Table, graders: Sequence[str], *, level: float, alpha: float, min_cell: int
) -> tuple[Variant, ...]:
    """Every pair of the safety gap with the setting that it is of."""
    found = analyze_lineage(cells, models, grader=list(graders) or None, level=level, alpha=alpha, min_cell=min_cell)
    return tuple(Variant(setting=setting.setting_words, pair=pair) for setting in found.settings for pair in setting.pairs)
