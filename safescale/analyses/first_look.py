"""What is in a corpus: counts and rates, before any question is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from safescale.cells import Cells, Exclusion, GraderMeaning, IdenticalModels, Selection, TraceCounts
from safescale.records.outcomes import Tier
from safescale.stats import ProportionInterval, wilson_interval

__all__ = ["FirstLook", "OverRefusalRow", "RateRow", "TierRate", "first_look"]

SETTING = ("grader", "target", "condition")


@attrs.frozen(kw_only=True)
class TierRate:
    """The attack success rate of one tier with its Wilson interval, rows taken as independent."""

    tier: Tier
    definition: str
    interval: ProportionInterval


@attrs.frozen(kw_only=True)
class RateRow:
    """
    Rates of one grader, target and condition: of everything (``name`` None), of a model, or of an attack class.

    Rows of several models or classes are added up here, so the rate depends on their mix; no comparison is made.
    """

    name: str | None
    grader: str
    target: str
    condition: str
    models: int
    attack_classes: int
    rows: int
    rates: tuple[TierRate, ...]


@attrs.frozen(kw_only=True)
class OverRefusalRow:
    """Refusals of benign prompts by one model: a rate of its own, never part of an attack success rate."""

    model_id: str
    grader: str
    target: str
    condition: str
    refused: ProportionInterval


@attrs.frozen(kw_only=True)
class FirstLook:
    """
    Overview of a corpus under one selection.

    ``overall`` has a row per grader, target and condition; ``by_model`` and ``by_class`` split each of them.
    ``published_rates`` counts rates without rows.
    """

    fingerprint: str
    selection: Selection
    considered: int
    counted: int
    cells: int
    models: int
    attack_classes: int
    prompts: int
    published_rates: int
    aggregate_exclusions: Mapping[str, int]
    traces: TraceCounts
    exclusions: tuple[Exclusion, ...]
    graders: tuple[GraderMeaning, ...]
    identical_models: tuple[IdenticalModels, ...]
    unknown_tampering: tuple[str, ...]
    overall: tuple[RateRow, ...]
    by_model: tuple[RateRow, ...]
    by_class: tuple[RateRow, ...]
    over_refusal: tuple[OverRefusalRow, ...]


def first_look(cells: Cells, *, level: float = 0.95) -> FirstLook:
    """
    Count and rate a corpus, per grader, target and condition.

    Parameters
    ----------
    cells : Cells
        Counts of a corpus.
    level : float, default 0.95
        Nominal coverage of the intervals. Unit: probability.

    Returns
    -------
    FirstLook
        Counts, exclusions, and rates with Wilson intervals.
    """
    table = cells.table
    return FirstLook(
        fingerprint=cells.fingerprint,
        selection=cells.selection,
        considered=cells.considered,
        counted=cells.counted,
        cells=len(cells),
        models=len(table["model_id"].unique()),
        attack_classes=len(table["attack_class"].unique()),
        prompts=len(cells.prompt_counts["prompt_id"].unique()),
        published_rates=len(cells.aggregates),
        aggregate_exclusions=cells.aggregate_exclusions,
        traces=cells.traces,
        exclusions=cells.exclusions,
        graders=tuple(cells.graders.values()),
        identical_models=cells.identical_models,
        unknown_tampering=cells.unknown_tampering,
        overall=_rates(cells, None, level),
        by_model=_rates(cells, "model_id", level),
        by_class=_rates(cells, "attack_class", level),
        over_refusal=_over_refusal(cells, level),
    )


def _rates(cells: Cells, by: str | None, level: float) -> tuple[RateRow, ...]:
    keys = [*SETTING] if by is None else [*SETTING, by]
    sums = [(name, "sum") for name in ("evaluable", *(tier.value for tier in Tier))]
    grouped = cells.table.group_by(keys).aggregate([*sums, ("model_id", "count_distinct"), ("attack_class", "count_distinct")])
    rows = grouped.sort_by([(key, "ascending") for key in keys]).to_pylist()
    return tuple(
        RateRow(
            name=None if by is None else row[by],
            grader=row["grader"],
            target=row["target"],
            condition=row["condition"],
            models=row["model_id_count_distinct"],
            attack_classes=row["attack_class_count_distinct"],
            rows=row["evaluable_sum"],
            rates=_tier_rates(row, cells.graders[row["grader"]], level),
        )
        for row in rows
    )


def _tier_rates(row: Mapping[str, Any], grader: GraderMeaning, level: float) -> tuple[TierRate, ...]:
    return tuple(
        TierRate(
            tier=tier,
            definition=grader.definition(tier),
            interval=wilson_interval(row[f"{tier.value}_sum"], row["evaluable_sum"], level=level),
        )
        for tier in grader.tiers
    )


def _over_refusal(cells: Cells, level: float) -> tuple[OverRefusalRow, ...]:
    keys: Sequence[str] = (*SETTING, "model_id")
    grouped = cells.over_refusal.group_by(list(keys)).aggregate([("REFUSAL", "sum"), ("evaluable", "sum")])
    rows = grouped.sort_by([(key, "ascending") for key in keys]).to_pylist()
    return tuple(
        OverRefusalRow(
            model_id=row["model_id"],
            grader=row["grader"],
            target=row["target"],
            condition=row["condition"],
            refused=wilson_interval(row["REFUSAL_sum"], row["evaluable_sum"], level=level),
        )
        for row in rows
        if row["evaluable_sum"]
    )
