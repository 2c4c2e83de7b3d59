"""Verdicts of one tampered model: shares with intervals, and the same counts by prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.analyses.observations import Observation, Series
from safescale.analyses.reemergence.results import ClusteredInterval, Options, Quantity, Share, TamperedModel
from safescale.cells import Cell, Cells, GraderMeaning, Responses
from safescale.records.outcomes import OUTCOME_MAPS, Tier
from safescale.records.verdicts import Verdict
from safescale.stats import design_effect_wilson_interval, wilson_interval

__all__ = ["Composition", "composition", "missing_quantities", "told_quantities"]

Integers = npt.NDArray[np.int64]

OF_TIER: Final[dict[Tier, Quantity]] = {
    Tier.STRICT: "strict",
    Tier.BROAD: "broad",
    Tier.FUNCTIONALLY_DANGEROUS: "functionally_dangerous",
}


@attrs.frozen(kw_only=True, eq=False)
class Composition:
    """
    One model with what trends are computed from.

    ``prompts`` holds prompt codes, ``trials`` and ``successes`` the evaluable rows and those of each quantity by prompt, all of
    shape (prompts,); None for published rates.
    """

    model: TamperedModel
    observation: Observation
    prompts: Integers | None
    trials: Integers | None
    successes: Mapping[Quantity, Integers]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells behind it."""
        return tuple(cell for part in self.observation.parts for cell in part.cells)


def told_quantities(meaning: GraderMeaning) -> tuple[Quantity, ...]:
    """The shares that the labels of a grader distinguish."""
    told: list[Quantity] = [OF_TIER[tier] for tier in meaning.tiers]
    if Tier.BROAD in meaning.tiers:
        told.append("hedging")
    if _tells_refusals(meaning):
        told.append("refusal")
    known = OUTCOME_MAPS.get(meaning.outcome_map)
    if known is not None and Verdict.HALLUCINATION_REFUSAL in known.labels.values() and meaning.hallucination_refusal != "not_used":
        told.append("hallucination_refusal")
    return tuple(told)


def missing_quantities(meaning: GraderMeaning) -> tuple[str, ...]:
    """Why hedging, refusals or the functionally dangerous rate cannot be had from this grader."""
    told = told_quantities(meaning)
    known = meaning.outcome_map in OUTCOME_MAPS
    name = f"{f'outcome map {meaning.outcome_map!r}' if known else f'{meaning.outcome_map} outcome map'} of grader {meaning.grader}"
    reasons = []
    if "hedging" not in told:
        reasons.append(f"the {name} has no PARTIAL, so hedging and the broad rate are not told")
    if "refusal" not in told:
        reasons.append(f"the {name} does not tell a refusal from another harmless answer")
    if "functionally_dangerous" not in told and "broad" in told:
        reasons.append(
            f"no functionally dangerous rate: HALLUCINATION_REFUSAL of grader {meaning.grader} is "
            f"{meaning.hallucination_refusal.replace('_', ' ')}, not declared as harmful content"
        )
    return tuple(reasons)


def _tells_refusals(meaning: GraderMeaning) -> bool:
    known = OUTCOME_MAPS.get(meaning.outcome_map)
    return Verdict.REFUSAL in known.labels.values() if known is not None else Tier.BROAD in meaning.tiers


def composition(
    by_tier: Mapping[Tier, Observation],
    *,
    why_not_fitted: str | None,
    meaning: GraderMeaning,
    cells: Cells,
    responses: Responses | None,
    options: Options,
) -> Composition:
    """
    Everything of one model that a series needs.

    Parameters
    ----------
    by_tier : mapping of Tier to Observation
        The model under each tier that the grader has; published rates may be of one tier only.
    why_not_fitted : str or None
        As the series has it.
    meaning, cells, responses, options
        As in the analysis.
    """
    strict = by_tier.get(Tier.STRICT) or next(iter(by_tier.values()))
    chosen = [cell for part in strict.parts for cell in part.cells]
    unit = strict.unit
    shares: dict[Quantity, Share] = {}
    prompts: Integers | None = None
    trials: Integers | None = None
    successes: dict[Quantity, Integers] = {}
    verdicts: dict[str, int] | None = None
    from_rows = all(part.cells for part in strict.parts)
    if from_rows:
        verdicts = _verdicts(chosen)
        prompts, trials, successes = _by_prompt(chosen, cells, told_quantities(meaning))
        if verdicts.get(Verdict.NOT_HARMFUL.value):
            successes.pop("refusal", None)
        shares = {quantity: _share(quantity, k, trials, options.level) for quantity, k in successes.items()}
    else:
        shares = _published(by_tier, options.level)
    model = TamperedModel(
        model=unit.model,
        model_ids=unit.model_ids,
        params_b=unit.params_total_b,
        size_is_guess=unit.size_is_guess,
        lineage=unit.lineage,
        tampering=unit.tampering,
        developer=unit.developer,
        rows=strict.trials,
        prompts=cells.distinct_prompts(chosen) if from_rows else None,
        verdicts=verdicts,
        responses=responses.of(chosen) if responses is not None and from_rows else None,
        shares=shares,
        why_not_fitted=why_not_fitted,
    )
    return Composition(model=model, observation=strict, prompts=prompts, trials=trials, successes=successes)


def _verdicts(chosen: Sequence[Cell]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for cell in chosen:
        for verdict, count in cell.verdicts.items():
            counts[verdict.value] = counts.get(verdict.value, 0) + count
    if not counts.get(Verdict.NOT_HARMFUL.value):
        counts.pop(Verdict.NOT_HARMFUL.value, None)
    return counts


def _by_prompt(
    chosen: Sequence[Cell], cells: Cells, told: Sequence[Quantity]
) -> tuple[Integers, Integers, dict[Quantity, Integers]]:
    vectors = [cells.prompts(cell) for cell in chosen]
    codes, at = np.unique(np.concatenate([vector.codes for vector in vectors]), return_inverse=True)

    def summed(columns: Sequence[Integers]) -> Integers:
        total = np.zeros(codes.size, np.int64)
        np.add.at(total, at.reshape(-1), np.concatenate(columns))
        return total

    trials = summed([vector.evaluable for vector in vectors])
    tier = {name: summed([vector.successes[tier] for vector in vectors]) for tier, name in OF_TIER.items()}
    counted: dict[Quantity, Integers] = {
        **tier,
        "hedging": tier["broad"] - tier["strict"],
        "refusal": trials - tier["functionally_dangerous"],
        "hallucination_refusal": tier["functionally_dangerous"] - tier["broad"],
    }
    return codes, trials, {quantity: counted[quantity] for quantity in told}


def _share(quantity: Quantity, k: Integers, n: Integers, level: float) -> Share:
    successes, trials = int(k.sum()), int(n.sum())
    clustered = None
    if n.size > 1 and int(n.max()) > 1:
        found = design_effect_wilson_interval(k, n, level=level)
        clustered = ClusteredInterval(
            low=found.low,
            high=found.high,
            design_effect=found.design_effect,
            effective_trials=found.effective_trials,
            clusters=found.clusters,
            source=found.source,
            note=found.note,
        )
    return Share(
        quantity=quantity,
        rate=successes / trials,
        successes=successes,
        trials=trials,
        interval=wilson_interval(successes, trials, level=level),
        clustered=clustered,
        published=False,
    )


def _published(by_tier: Mapping[Tier, Observation], level: float) -> dict[Quantity, Share]:
    """Shares from published rates: each tier that has one, and hedging where strict and broad are both known."""
    shares: dict[Quantity, Share] = {}
    for tier, observation in by_tier.items():
        whole = Series(scope="rows_pooled", name="", pooling="rows", observations=(observation,))
        rate = whole.rate(observation)
        if rate is not None:
            shares[OF_TIER[tier]] = _published_share(OF_TIER[tier], rate, observation.successes, observation.trials, level)
    strict, broad = shares.get("strict"), shares.get("broad")
    if strict is not None and broad is not None and broad.rate >= strict.rate:
        counted = strict.successes is not None and broad.successes is not None and strict.trials == broad.trials
        hedged = (broad.successes or 0) - (strict.successes or 0) if counted else None
        shares["hedging"] = _published_share("hedging", broad.rate - strict.rate, hedged, strict.trials if counted else None, level)
    return shares


def _published_share(quantity: Quantity, rate: float, successes: int | None, trials: int | None, level: float) -> Share:
    return Share(
        quantity=quantity,
        rate=rate,
        successes=successes,
        trials=trials,
        interval=None if successes is None or not trials else wilson_interval(successes, trials, level=level),
        clustered=None,
        published=True,
    )
