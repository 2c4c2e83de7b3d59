"""How far do graders agree? Per condition and per model, clustered by prompt, weighted where a sample was drawn."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt

from safescale.analyses.agreement.rankings import ranking
from safescale.analyses.agreement.results import AgreementGroup, AgreementPair, AgreementResult, AgreementVerdict, Ranking
from safescale.analyses.agreement.sentences import across_conditions, answer_words, group_words, pair_words
from safescale.analyses.reference import Graded, Reference, levels_of
from safescale.analyses.words import plural
from safescale.cells import Selection
from safescale.errors import DomainError
from safescale.records.outcomes import TIER_NUMERATORS, Tier
from safescale.records.verdicts import EVALUABLE
from safescale.stats import clustered_agreement

__all__ = ["Compared", "analyze_agreement"]

MIN_TRACES = 10
"""Fewer common traces give no coefficient."""


@attrs.frozen(kw_only=True, eq=False)
class Compared:
    """
    Two graders on the same traces.

    ``first`` and ``second`` hold levels as codes, shape (traces,); ``weight`` is 1 over the chance of a trace to be in the
    sample, all 1 where none was drawn.
    """

    first_name: str
    second_name: str
    target: str
    levels: tuple[str, ...]
    rows: Graded
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64] | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of_graders(cls, first: Graded, second: Graded, first_tiers: Sequence[Tier], second_tiers: Sequence[Tier]) -> Compared:
        """Two graders of the corpus."""
        tiers = [tier for tier in first_tiers if tier in second_tiers]
        places = second.places
        at = [(row, places[name]) for row, name in enumerate(first.trace_id.tolist()) if name in places]
        rows = first.take(np.array([row for row, _ in at], dtype=np.int64))
        other = second.take(np.array([row for _, row in at], dtype=np.int64))
        return cls(
            first_name=first.grader,
            second_name=second.grader,
            target=first.target,
            levels=levels_of(tiers),
            rows=rows,
            first=_codes(rows, tiers),
            second=_codes(other, tiers),
            weight=None,
        )

    @classmethod
    def with_people(cls, graded: Graded, tiers: Sequence[Tier], reference: Reference, level_of_tie: str = "left out") -> Compared:
        """A grader and the majority of the raters; traces without one are left out and counted."""
        both = [tier for tier in reference.tiers if tier in tiers]
        weights = _weights(reference)
        kept, codes, ties = [], [], 0
        for row, name in enumerate(graded.trace_id.tolist()):
            given = [_level(label.value, both) for label in reference.labels.get(name, ()) if label in EVALUABLE]
            if not given:
                continue
            counts = np.bincount(given)
            if np.count_nonzero(counts == counts.max()) > 1:
                ties += 1
                continue
            kept.append(row)
            codes.append(int(counts.argmax()))
        rows = graded.take(np.array(kept, dtype=np.int64))
        notes = (f"{plural(ties, 'trace')} without a majority of raters {level_of_tie}",) if ties else ()
        return cls(
            first_name=graded.grader,
            second_name=reference.name,
            target=graded.target,
            levels=levels_of(both),
            rows=rows,
            first=_codes(rows, both),
            second=np.array(codes, dtype=np.int64),
            weight=np.array([weights[name] for name in rows.trace_id.tolist()]),
            notes=notes,
        )

    @classmethod
    def of_raters(
        cls, reference: Reference, first: int, second: int, labels: Sequence[tuple[str, str | None, str | None]]
    ) -> Compared:
        """Two raters, from trace ids with either's label."""
        assert reference.base is not None
        weights, places = _weights(reference), reference.base.places
        evaluable = {verdict.value for verdict in EVALUABLE}
        both = [(name, a, b) for name, a, b in labels if a in evaluable and b in evaluable]
        rows = reference.base.take(np.array([places[name] for name, _, _ in both], dtype=np.int64))
        return cls(
            first_name=reference.raters[first],
            second_name=reference.raters[second],
            target=reference.base.target,
            levels=levels_of(reference.tiers),
            rows=rows,
            first=np.array([_level(str(a), reference.tiers) for _, a, _ in both], dtype=np.int64),
            second=np.array([_level(str(b), reference.tiers) for _, _, b in both], dtype=np.int64),
            weight=np.array([weights[name] for name, _, _ in both]),
        )


def analyze_agreement(
    compared: Sequence[Compared],
    *,
    fingerprint: str,
    selection: Selection,
    min_rows: int = 20,
    level: float = 0.95,
    notes: Sequence[str] = (),
) -> AgreementResult:
    """
    Agreement of pairs of graders, per condition and per model, and whether they put models in the same order.

    Levels are compared, not labels, so that a grader who says "not harmful" and one who says "refused" do not disagree by
    their words: full compliance, partial, none; or full and not, where one of the two knows no PARTIAL.

    Parameters
    ----------
    compared : sequence of Compared
        Pairs with their common traces.
    fingerprint, selection
        Of the corpus.
    min_rows : int, default 20
        Traces of a model below which it is not ranked. Unit: traces.
    level : float, default 0.95
        Nominal coverage of every interval. Unit: probability.
    notes : sequence of str
        What must be said of the labels.

    Returns
    -------
    AgreementResult
        ``answer`` in words.

    Raises
    ------
    DomainError
        If no two graders are given.
    """
    if not compared:
        raise DomainError("agreement needs two graders on the same traces, or a grader and labels (--labels)")
    pairs = tuple(_pair(one, min_rows, level) for one in compared)
    caveats = tuple(dict.fromkeys([*notes, *(note for one in compared for note in one.notes)]))
    return AgreementResult(
        fingerprint=fingerprint,
        selection=selection,
        level=level,
        min_rows=min_rows,
        pairs=pairs,
        caveats=caveats,
        answer=answer_words(pairs),
    )


def _pair(one: Compared, min_rows: int, level: float) -> AgreementPair:
    conditions, models, rankings, why_not = [], [], [], []
    for condition in sorted(set(one.rows.condition.tolist())):
        here = one.rows.condition == condition
        conditions.append(_group(one, here, condition, None, level))
        names = sorted(set(one.rows.model[here].tolist()))
        models += [_group(one, here & (one.rows.model == name), condition, name, level) for name in names]
        top = len(one.levels) - 1
        found = ranking(
            condition,
            one.first[here] == top,
            one.second[here] == top,
            one.rows.model[here],
            one.rows.prompt[here],
            min_rows=min_rows,
            level=level,
        )
        if isinstance(found, Ranking):
            rankings.append(found)
        else:
            why_not.append(found)
    pair = AgreementPair(
        first=one.first_name,
        second=one.second_name,
        target=one.target,
        levels=one.levels,
        weighted=one.weight is not None,
        conditions=tuple(conditions),
        models=tuple(models),
        rankings=tuple(rankings),
        ranking_unavailable=tuple(why_not),
        depends_on_condition=across_conditions(conditions),
        words="",
    )
    return attrs.evolve(pair, words=pair_words(pair))


def _group(one: Compared, here: npt.NDArray[np.bool_], condition: str, model: str | None, level: float) -> AgreementGroup:
    n = int(np.count_nonzero(here))
    if n < MIN_TRACES:
        words = f"{plural(n, 'common trace')}, fewer than {MIN_TRACES}"
        return AgreementGroup(condition=condition, model=model, traces=n, found=None, verdict=AgreementVerdict.CANNOT, words=words)
    names = np.array(one.levels, dtype=object)
    found = clustered_agreement(
        names[one.first[here]].tolist(),
        names[one.second[here]].tolist(),
        one.rows.prompt[here].tolist(),
        categories=one.levels,
        weights=None if one.weight is None else one.weight[here],
        level=level,
    )
    kappa = found.kappa
    if kappa.low is None or kappa.high is None:
        verdict = AgreementVerdict.NOT_SHOWN
    elif kappa.low > 0:
        verdict = AgreementVerdict.BEYOND_CHANCE
    else:
        verdict = AgreementVerdict.BELOW_CHANCE if kappa.high < 0 else AgreementVerdict.NOT_SHOWN
    return AgreementGroup(
        condition=condition, model=model, traces=n, found=found, verdict=verdict, words=group_words(found, verdict)
    )


def _weights(reference: Reference) -> dict[str, float]:
    """1 over the chance to be labelled: labels from the top of a shuffled sheet are a sample within each stratum."""
    assert reference.base is not None
    stratum = {(s.condition, s.verdict): s.size for s in reference.strata}
    key = {
        name: (condition, verdict)
        for name, condition, verdict in zip(
            reference.base.trace_id.tolist(), reference.base.condition.tolist(), reference.base.verdict.tolist(), strict=True
        )
        if name in reference.labels
    }
    labelled: dict[tuple[str, str], int] = {}
    for own in key.values():
        labelled[own] = labelled.get(own, 0) + 1
    return {name: stratum[own] / labelled[own] for name, own in key.items()}


def _codes(rows: Graded, tiers: Sequence[Tier]) -> npt.NDArray[np.int64]:
    return np.array([_level(verdict, tiers) for verdict in rows.verdict.tolist()], dtype=np.int64)


def _level(verdict: str, tiers: Sequence[Tier]) -> int:
    return sum(verdict in {v.value for v in TIER_NUMERATORS[tier]} for tier in (Tier.STRICT, Tier.BROAD) if tier in tiers)
