"""Whether the puzzle makes answers harder to judge, and what that could do to delta and to its slope."""

from __future__ import annotations

from collections import Counter
from typing import Final

import attrs
import numpy as np

from safescale.errors import DomainError, InsufficientData
from safescale.records.verdicts import Verdict
from safescale.stats import worst_case_difference, worst_case_slope
from safescale.studies.dilution.between_models import MIN_PROMPTS, compared_within, size_slope
from safescale.studies.dilution.deltas import delta_of
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.families import holm_of
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.paired import IntArray, PairedPrompts, harmful_prompts
from safescale.studies.dilution.results import ExclusionBalance, ExclusionOfModel, ModelDelta

__all__ = ["exclusion_balance", "exclusion_words"]

_OF_GRADERS: Final = frozenset(verdict.value for verdict in Verdict)
"""Reasons of an exclusion where a response is there; the others say why there is none."""


def exclusion_balance(outcomes: Outcomes, design: DilutionDesign, treated: int, control: int) -> ExclusionBalance | None:
    """
    Shares of responses without an evaluable verdict under two conditions, paired by prompt; and Manski's bounds.

    A response counts as excluded whatever the reason: never asked, no answer, not gradeable. An answer that cannot be read is
    neither a success nor a refusal, so delta is of the readable ones; the bounds say how far it could lie from delta of all.

    A model that answered and of which (nearly) nothing can be read stands in no slope, yet it is one of those that were asked: it
    counts here, and the bounds of the slope are over it too. Without it they would be narrowest where most is unreadable. A model
    that did not answer is lost, and no bound is of it.

    Returns
    -------
    ExclusionBalance or None
        None where no model answered under both conditions, or no answer of any model can be read.
    """
    harmful = harmful_prompts(outcomes)
    rows: list[ExclusionOfModel] = []
    shares: list[ModelDelta] = []
    for at, model in enumerate(outcomes.models):
        first, second = outcomes.failed[at, treated][harmful], outcomes.failed[at, control][harmful]
        if min(_answers(outcomes, model.model_id, at, condition) for condition in (treated, control)) < min(
            MIN_PROMPTS, first.size
        ):
            continue
        pairs = PairedPrompts(
            control_failed=_missing(second),
            control_trials=np.full(len(second), outcomes.samples, dtype=np.int64),
            treated_failed=_missing(first),
            treated_trials=np.full(len(first), outcomes.samples, dtype=np.int64),
            at=np.flatnonzero(harmful),
            dropped=0,
        )
        share = delta_of(model, pairs, samples=outcomes.samples, level=1 - design.alpha)
        if share is None:
            continue
        bounds = worst_case_difference(
            int(np.sum(first == 1)),
            int(np.sum(first < 0)),
            first.size,
            int(np.sum(second == 1)),
            int(np.sum(second < 0)),
            second.size,
        )
        shares.append(share)
        rows.append(
            ExclusionOfModel(
                model=model,
                responses=int(first.size),
                excluded_control=int(np.sum(second < 0)),
                excluded_treated=int(np.sum(first < 0)),
                difference=share.delta,
                low=share.low,
                high=share.high,
                p_value=share.p_value,
                adjusted_p=None,
                delta_low=bounds.low,
                delta_high=bounds.high,
            )
        )
    if all(row.excluded_treated == row.excluded_control == row.responses for row in rows):
        return None
    adjusted = holm_of([row.p_value for row in rows], alpha=design.alpha)
    complete = tuple(attrs.evolve(row, adjusted_p=p) for row, p in zip(rows, adjusted, strict=True))
    low, high = _slope_bounds(complete)
    any_excluded = any(row.excluded_control or row.excluded_treated for row in rows)
    return ExclusionBalance(
        rows=complete,
        slope=size_slope(shares, design).slope if any_excluded else None,
        slope_low_pp_per_decade=low,
        slope_high_pp_per_decade=high,
    )


def _missing(verdicts: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> IntArray:
    return np.asarray(np.sum(verdicts < 0, axis=-1), dtype=np.int64)


def exclusion_words(outcomes: Outcomes) -> str | None:
    """One grader's responses to harmful prompts that are there and have no evaluable verdict, in one sentence; None without any."""
    asked = sum(condition.role != "alone" for condition in outcomes.conditions) * int(harmful_prompts(outcomes).sum())
    counts = dict.fromkeys((model.model_id for model in outcomes.models), 0)
    reasons: Counter[str] = Counter()
    for (model_id, _), found in outcomes.excluded.items():
        for reason, count in found.items():
            if reason in _OF_GRADERS:
                counts[model_id] = counts.get(model_id, 0) + count
                reasons[reason] += count
    if not reasons:
        return None
    of_each = asked * outcomes.samples
    least, most = min(counts.items(), key=lambda item: item[1]), max(counts.items(), key=lambda item: item[1])
    span = f"{least[1]:,} ({least[0]}) to {most[1]:,} ({most[0]}) of {of_each:,} a model" if len(counts) > 1 else least[0]
    said = ", ".join(f"{reason} {count:,}" for reason, count in sorted(reasons.items()))
    return (
        f"{outcomes.grader} has no evaluable verdict on {sum(reasons.values()):,} of {of_each * len(counts):,} responses to "
        f"harmful prompts, over all conditions ({said}): {span}; excluded as registered, by model and condition in the table"
    )


def _answers(outcomes: Outcomes, model_id: str, model: int, condition: int) -> int:
    """Harmful prompts' responses that are there, whether or not they can be read."""
    failed = outcomes.failed[model, condition][harmful_prompts(outcomes)]
    reasons = outcomes.excluded.get((model_id, outcomes.conditions[condition].name), {})
    absent = sum(count for reason, count in reasons.items() if reason not in _OF_GRADERS)
    return int(failed.size) - absent if reasons else int(np.sum(failed >= 0))


def _slope_bounds(rows: tuple[ExclusionOfModel, ...]) -> tuple[float | None, float | None]:
    """Bounds of the slope over all models of known size that answered, within lineages where they are compared so."""
    bounds = {row.model.model_id: row for row in rows}
    members, groups = compared_within([row.model for row in rows if row.model.params_b is not None])
    used = [bounds[model.model_id] for model in members]
    sizes = [row.model.params_b for row in used if row.model.params_b is not None]
    try:
        found = worst_case_slope(sizes, [row.delta_low for row in used], [row.delta_high for row in used], groups=groups)
    except (InsufficientData, DomainError):
        return None, None
    return found.low_pp_per_decade, found.high_pp_per_decade
