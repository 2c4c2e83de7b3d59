"""Whether the puzzle makes answers harder to judge, and what that could do to delta and to its slope."""

from __future__ import annotations

import attrs
import numpy as np

from safescale.errors import DomainError, InsufficientData
from safescale.stats import worst_case_difference, worst_case_slope
from safescale.studies.dilution.between_models import SizedModels, size_slope
from safescale.studies.dilution.deltas import delta_of
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.families import holm_of
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.paired import IntArray, PairedPrompts, harmful_prompts
from safescale.studies.dilution.results import ExclusionBalance, ExclusionOfModel, ModelDelta

__all__ = ["exclusion_balance"]


def exclusion_balance(
    outcomes: Outcomes, design: DilutionDesign, treated: int, control: int, fitted: SizedModels
) -> ExclusionBalance | None:
    """
    Shares of responses without an evaluable verdict under two conditions, paired by prompt; and Manski's bounds.

    A response counts as excluded whatever the reason: never asked, no answer, not gradeable. An answer that cannot be read is
    neither a success nor a refusal, so delta is of the readable ones; the bounds say how far it could lie from delta of all.

    Returns
    -------
    ExclusionBalance or None
        None where no model has a pair of readable answers.
    """
    harmful = harmful_prompts(outcomes)
    rows: list[ExclusionOfModel] = []
    shares: list[ModelDelta] = []
    for at, model in enumerate(outcomes.models):
        first, second = outcomes.failed[at, treated][harmful], outcomes.failed[at, control][harmful]
        if not (first >= 0).any() or not (second >= 0).any():
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
    if not rows:
        return None
    adjusted = holm_of([row.p_value for row in rows], alpha=design.alpha)
    complete = tuple(attrs.evolve(row, adjusted_p=p) for row, p in zip(rows, adjusted, strict=True))
    low, high = _slope_bounds(complete, fitted)
    any_excluded = any(row.excluded_control or row.excluded_treated for row in rows)
    return ExclusionBalance(
        rows=complete,
        slope=size_slope(shares, design).slope if any_excluded else None,
        slope_low_pp_per_decade=low,
        slope_high_pp_per_decade=high,
    )


def _missing(verdicts: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> IntArray:
    return np.asarray(np.sum(verdicts < 0, axis=-1), dtype=np.int64)


def _slope_bounds(rows: tuple[ExclusionOfModel, ...], fitted: SizedModels) -> tuple[float | None, float | None]:
    """Bounds of the slope over the models that stand in it."""
    bounds = {row.model.model_id: row for row in rows}
    used = [bounds[delta.model.model_id] for delta in fitted.deltas]
    sizes = [row.model.params_b for row in used if row.model.params_b is not None]
    try:
        found = worst_case_slope(sizes, [row.delta_low for row in used], [row.delta_high for row in used], groups=fitted.groups)
    except (InsufficientData, DomainError):
        return None, None
    return found.low_pp_per_decade, found.high_pp_per_decade
