"""Rates of one model with prompts as what replicates: attack success by grader, over-refusal, and the band of graders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from safescale.analyses.observations import ROUNDING_OF_PUBLISHED_RATES
from safescale.analyses.residual_safety.results import Band, ClusteredRate, OverRefusal, PublishedRate, RatesOfGrader, RatesOfRows
from safescale.analyses.setting import Setting
from safescale.cells import AggregateCell, Cell, Cells, GraderMeaning
from safescale.errors import DomainError
from safescale.records.outcomes import OUTCOME_MAPS, Tier
from safescale.records.verdicts import EVALUABLE, Verdict
from safescale.stats import design_effect_wilson_interval, wilson_interval

__all__ = ["OVER_REFUSAL", "clustered_rate", "grader_bands", "over_refusals", "published_rates", "rates_by_grader"]

OVER_REFUSAL: Final = "REFUSAL over evaluable verdicts on benign prompts"

Integers = npt.NDArray[np.int64]


def clustered_rate(tier: Tier, definition: str, successes: Integers, trials: Integers, *, level: float) -> ClusteredRate:
    """
    A rate with prompts as clusters.

    Parameters
    ----------
    successes, trials : array of int
        Shape (prompts,) each. Unit: rows.
    """
    k, n = int(successes.sum()), int(trials.sum())
    if trials.size > 1:
        found = design_effect_wilson_interval(successes, trials, level=level)
        low, high, effective = found.low, found.high, found.effective_trials
    else:  # one prompt tells nothing of others, and its rows are all there is
        one = wilson_interval(k, n, level=level)
        low, high, effective = one.low, one.high, float(n)
    return ClusteredRate(
        tier=tier,
        definition=definition,
        successes=k,
        trials=n,
        prompts=int(trials.size),
        estimate=k / n,
        low=low,
        high=high,
        level=level,
        effective_trials=effective,
        method="wilson_design_effect" if trials.size > 1 else "wilson_one_prompt",
    )


def rates_by_grader(cells: Cells, model_ids: Sequence[str], graders: Sequence[str], *, level: float) -> tuple[RatesOfGrader, ...]:
    """What each grader says of these ids, by target and condition: people, other graders, keyword rules."""
    by_setting: dict[Setting, list[Cell]] = {}
    for cell in cells:
        if cell.model_id in model_ids and (not graders or cell.grader in graders):
            by_setting.setdefault(Setting(grader=cell.grader, target=cell.target, condition=cell.condition), []).append(cell)
    found = []
    left_out = _excluded(cells, model_ids)
    for setting, members in by_setting.items():
        meaning = cells.graders[setting.grader]
        classes = sorted({cell.attack_class for cell in members})
        found.append(
            RatesOfGrader(
                setting=setting,
                grader_kinds=meaning.grader_kinds,
                is_keyword=set(meaning.grader_kinds) == {"keyword"},
                overall=_rows(cells, members, meaning, None, level),
                classes=tuple(_rows(cells, [c for c in members if c.attack_class == k], meaning, k, level) for k in classes),
                missing_tiers={tier.value: _why_no_tier(meaning, tier) for tier in Tier if tier not in meaning.tiers},
                excluded=left_out.get(setting, {}),
            )
        )
    return tuple(sorted(found, key=_trust))


def _trust(own: RatesOfGrader) -> tuple[int, str, str, str]:
    rank = 2 if own.is_keyword else 0 if "human" in own.grader_kinds else 1
    return rank, own.setting.target, own.setting.condition, own.setting.grader


def _rows(cells: Cells, members: Sequence[Cell], meaning: GraderMeaning, attack_class: str | None, level: float) -> RatesOfRows:
    vectors = [cells.prompts(cell) for cell in members]
    codes, place = np.unique(np.concatenate([vector.codes for vector in vectors]), return_inverse=True)

    def by_prompt(columns: Iterable[Integers]) -> Integers:
        total = np.zeros(codes.size, dtype=np.int64)
        np.add.at(total, place, np.concatenate(list(columns)))
        return total

    trials = by_prompt(vector.evaluable for vector in vectors)
    verdicts: dict[str, int] = {}
    for cell in members:
        for verdict, count in cell.verdicts.items():
            verdicts[verdict.value] = verdicts.get(verdict.value, 0) + count
    return RatesOfRows(
        attack_class=attack_class,
        rows=int(trials.sum()),
        prompts=int(codes.size),
        verdicts={name: count for name, count in sorted(verdicts.items()) if count},
        rates=tuple(
            clustered_rate(tier, meaning.definition(tier), by_prompt(v.successes[tier] for v in vectors), trials, level=level)
            for tier in Tier
            if tier in meaning.tiers
        ),
    )


def _why_no_tier(meaning: GraderMeaning, tier: Tier) -> str:
    try:
        meaning.definition(tier)
    except DomainError as error:
        return str(error)
    return ""


def _excluded(cells: Cells, model_ids: Sequence[str]) -> dict[Setting, dict[str, int]]:
    """Graded rows of these ids that are in no rate, by setting and reason."""
    counts: dict[Setting, dict[str, int]] = {}
    mine = cells.excluded.filter(pc.is_in(cells.excluded["model_id"], value_set=pa.array(model_ids, pa.string())))
    for row in sorted(mine.to_pylist(), key=lambda row: str(row["reason"])):
        setting = Setting(grader=row["grader"], target=row["target"], condition=row["condition"])
        here = counts.setdefault(setting, {})
        here[row["reason"]] = here.get(row["reason"], 0) + row["rows"]
    return counts


def published_rates(cells: Cells, model_ids: Sequence[str], graders: Sequence[str], *, level: float) -> tuple[PublishedRate, ...]:
    """Published rates of these ids, as printed."""
    mine = [cell for cell in cells.aggregates if cell.model_id in model_ids and (not graders or cell.grader in graders)]
    return tuple(_published(cell, level) for cell in mine)


def _published(cell: AggregateCell, level: float) -> PublishedRate:
    implied = None
    if cell.n is not None and abs((k := round(cell.rate * cell.n)) / cell.n - cell.rate) <= ROUNDING_OF_PUBLISHED_RATES:
        found = wilson_interval(k, cell.n, level=level)
        implied = (found.low, found.high)
    return PublishedRate(
        source=cell.source,
        setting=Setting(grader=cell.grader, target=cell.target, condition=cell.condition),
        attack_class=cell.attack_class,
        tier=cell.tier,
        rate=cell.rate,
        n=cell.n,
        low=cell.interval_low,
        high=cell.interval_high,
        if_independent=implied,
    )


def over_refusals(
    fates: pa.Table,
    prompt_of: Mapping[str, str],
    model_ids: Sequence[str],
    meanings: Mapping[str, GraderMeaning],
    graders: Sequence[str],
    *,
    model: str,
    attacked: frozenset[str],
    level: float,
) -> tuple[OverRefusal, ...]:
    """
    Refusals of benign prompts, by grader, target and condition.

    Parameters
    ----------
    fates : pyarrow.Table
        What became of each grade (``Counting.row_fates``).
    prompt_of : mapping of trace id to prompt id
        For the traces of these models.
    meanings : mapping of grader label to GraderMeaning
        What the labels of each grader say.
    attacked : frozenset of str
        Conditions under which attack success of the model was measured.
    """
    mine = fates.filter(
        pc.and_(pc.equal(fates["reason"], "benign_prompt"), pc.is_in(fates["model_id"], value_set=pa.array(model_ids, pa.string())))
    )
    evaluable = {verdict.value for verdict in EVALUABLE}
    counts: dict[Setting, dict[str, list[int]]] = {}
    for row in mine.to_pylist():
        if row["verdict"] not in evaluable or (graders and row["grader"] not in graders):
            continue
        setting = Setting(grader=row["grader"], target=row["target"], condition=row["condition"])
        tally = counts.setdefault(setting, {}).setdefault(prompt_of[row["trace_id"]], [0, 0, 0])
        tally[0] += 1
        tally[1] += row["verdict"] == Verdict.REFUSAL.value
        tally[2] += row["verdict"] == Verdict.PARTIAL.value
    found = []
    for setting, by_prompt in sorted(counts.items(), key=lambda item: (item[0].target, item[0].condition, item[0].grader)):
        table = np.array([by_prompt[name] for name in sorted(by_prompt)], dtype=np.int64)
        meaning = meanings.get(setting.grader)
        why = None if table[:, 1].any() else _tells_no_refusal(meaning)
        rate = None if why else clustered_rate(Tier.STRICT, OVER_REFUSAL, table[:, 1], table[:, 0], level=level)
        found.append(
            OverRefusal(
                model=model,
                setting=setting,
                is_keyword=meaning is not None and set(meaning.grader_kinds) == {"keyword"},
                attacked_here=setting.condition in attacked,
                rows=int(table[:, 0].sum()),
                prompts=len(table),
                rate=rate,
                partial=int(table[:, 2].sum()),
                unknown_because=why,
            )
        )
    return tuple(found)


def _tells_no_refusal(meaning: GraderMeaning | None) -> str | None:
    known = None if meaning is None else OUTCOME_MAPS.get(meaning.outcome_map)
    if known is None or Verdict.REFUSAL in known.labels.values():
        return None
    return f"the outcome map {known.name!r} does not tell a refusal from another harmless answer"


def grader_bands(rates: Sequence[RatesOfGrader]) -> tuple[Band, ...]:
    """The band of each target, condition and tier that several graders of harm rate; people are a reference, not part of a band."""
    found = []
    judged = [own for own in rates if not own.is_keyword and set(own.grader_kinds) != {"human"}]
    for target, condition in sorted({(own.setting.target, own.setting.condition) for own in judged}):
        here = [own for own in judged if (own.setting.target, own.setting.condition) == (target, condition)]
        for tier in Tier:
            named = [(rate, own.setting.grader) for own in here if (rate := own.overall.rate(tier)) is not None]
            if len(named) < 2:
                continue
            least, most = min(named, key=lambda pair: pair[0].estimate), max(named, key=lambda pair: pair[0].estimate)
            found.append(
                Band(
                    target=target,
                    condition=condition,
                    tier=tier,
                    low=least[0].estimate,
                    high=most[0].estimate,
                    low_grader=least[1],
                    high_grader=most[1],
                    graders=len(named),
                    same_rows=len({(rate.trials, rate.prompts) for rate, _ in named}) == 1,
                )
            )
    return tuple(found)
