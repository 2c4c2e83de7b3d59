"""How safe is one model, or its tampered variant, as far as a corpus tells?"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from safescale.analyses.correction import CorrectionResult
from safescale.analyses.residual_safety.base import compared_with, find_base, gap_pairs, variants_of
from safescale.analyses.residual_safety.rates import grader_bands, over_refusals, published_rates, rates_by_grader
from safescale.analyses.residual_safety.results import (
    AgainstBase,
    Corrected,
    GraderError,
    OverRefusal,
    RatesOfGrader,
    ResidualSafety,
    Subject,
)
from safescale.analyses.residual_safety.sentences import answer_words, caveats, not_to_conclude, not_told
from safescale.analyses.residual_safety.subject import prompt_sets, prompt_uses, runs_of, subject_of, traces_of
from safescale.analyses.setting import Setting
from safescale.cells import Cells, Counting, Selection
from safescale.errors import DomainError

__all__ = ["analyze_residual_safety", "card_selection"]


def card_selection(selection: Selection) -> Selection:
    """
    The selection of a card: tampered models and keyword rules are in it.

    A card is about one model whatever was done to it, and it names each grader with its kind.
    """
    return attrs.evolve(selection, tampered="include", allow_keyword=True)


def analyze_residual_safety(
    counting: Counting,
    model: str,
    *,
    selection: Selection | None = None,
    base: str | None = None,
    graders: Sequence[str] = (),
    correction: CorrectionResult | None = None,
    no_correction_because: str | None = None,
    level: float = 0.95,
    alpha: float = 0.05,
    min_cell: int = 20,
) -> ResidualSafety:
    """
    Everything that a corpus tells of the residual safety of one model, and what it does not tell.

    Attack success by grader, target, condition, tier and attack class, with prompts as clusters; over-refusal of benign prompts;
    the graders' errors where there is a reference; and the model against its base, paired by prompt.

    Parameters
    ----------
    counting : Counting
        Counts of a corpus.
    model : str
        Exact or canonical id.
    selection : Selection, optional
        What may count; tampered models and keyword rules always do.
    base : str, optional
        The model that it was made from; found by id, or by lineage and size, when absent.
    graders : sequence of str
        Only these (label or id); all of them when empty.
    correction : CorrectionResult, optional
        Rates corrected against a reference (``analyze_correction`` with models).
    no_correction_because : str, optional
        Why there is none.
    level : float, default 0.95
        Nominal coverage of every interval. Unit: probability.
    alpha : float, default 0.05
        Level of the comparison with the base. Unit: probability.
    min_cell : int, default 20
        Rows below which a rate is said to be of few rows, and a difference is not tested.

    Returns
    -------
    ResidualSafety
        ``answer`` in words.

    Raises
    ------
    DomainError
        When the corpus has no such model, base or grader, or a parameter is outside its range.
    """
    if not 0.5 <= level < 1 or not 0 < alpha < 0.5 or min_cell < 1:
        raise DomainError(f"0.5 <= level < 1, 0 < alpha < 0.5, min_cell at least 1: got {level:g}, {alpha:g}, {min_cell}")
    chosen = card_selection(Selection() if selection is None else selection)
    subject = subject_of(counting.models, model)
    cells = counting.cells(chosen)
    labels = _labels(cells, graders)
    traces = traces_of(counting, subject.model_ids, chosen)
    rates = rates_by_grader(cells, subject.model_ids, labels, level=level)
    published = published_rates(cells, subject.model_ids, labels, level=level)
    found = ResidualSafety(
        fingerprint=counting.fingerprint,
        selection=chosen,
        level=level,
        min_cell=min_cell,
        sources=tuple(sorted({row["source"] for row in traces} | {own.source for own in published})),
        subject=subject,
        runs=runs_of(counting, subject.model_ids),
        prompt_sets=prompt_sets(traces),
        prompts=prompt_uses(traces),
        ungraded_traces=_ungraded(counting, {row["trace_id"] for row in traces}),
        rates=rates,
        published=published,
        grader_error=_grader_error(cells, subject, rates, correction, no_correction_because),
        over_refusal=_over_refusal(counting, cells, subject.model, subject.model_ids, labels, chosen, level),
        against_base=_against_base(counting, cells, subject, labels, chosen, base, level=level, alpha=alpha, min_cell=min_cell),
        not_told=(),
        not_to_conclude=(),
        caveats=(),
        answer="",
    )
    found = attrs.evolve(found, not_told=not_told(found), caveats=caveats(found, cells), not_to_conclude=not_to_conclude(found))
    return attrs.evolve(found, answer=answer_words(found))


def _labels(cells: Cells, names: Sequence[str]) -> tuple[str, ...]:
    found = []
    for name in names:
        labels = [label for label, meaning in cells.graders.items() if name in (label, meaning.grader_id)]
        if not labels:
            known = ", ".join(sorted(cells.graders)) or "none"
            raise DomainError(f"no counted verdict is of grader {name!r}; graders of this corpus: {known}")
        found += labels
    return tuple(dict.fromkeys(found))


def _ungraded(counting: Counting, mine: set[str]) -> int:
    graded = pc.is_in(
        pa.array(sorted(mine), pa.string()), value_set=counting.read("grades", ["trace_id"])["trace_id"].combine_chunks()
    )
    return len(mine) - int(pc.sum(graded).as_py() or 0)


def _over_refusal(
    counting: Counting,
    cells: Cells,
    model: str,
    model_ids: Sequence[str],
    labels: Sequence[str],
    chosen: Selection,
    level: float,
) -> tuple[OverRefusal, ...]:
    benign = {row["trace_id"]: row["prompt_id"] for row in traces_of(counting, model_ids, chosen) if row["prompt_kind"] == "benign"}
    if not benign:
        return ()
    attacked = frozenset(cell.condition for cell in cells if cell.model_id in model_ids)
    return over_refusals(
        counting.row_fates(chosen), benign, model_ids, cells.graders, labels, model=model, attacked=attacked, level=level
    )


def _grader_error(
    cells: Cells,
    subject: Subject,
    rates: Sequence[RatesOfGrader],
    correction: CorrectionResult | None,
    because: str | None,
) -> GraderError:
    bands = grader_bands(rates)
    if correction is None:
        reason = because or "no label of a person and no reference grader"
        return GraderError(reference=None, reference_kind=None, corrected=(), notes=(), bands=bands, unknown_because=reason)
    corrected = []
    for setting in correction.settings:
        groups = setting.models or (setting.rates if _alone(cells, setting.setting, subject) else ())
        corrected += [
            Corrected(setting=setting.setting, found=group)
            for group in groups
            if group.model is None or group.model in subject.model_ids
        ]
    none = "no trace of this model, under a grader and condition of it, stands beside one of the reference"
    return GraderError(
        reference=correction.reference,
        reference_kind=correction.reference_kind,
        corrected=tuple(corrected),
        notes=correction.caveats,
        bands=bands,
        unknown_because=None if any(own.found.estimate is not None for own in corrected) else none,
    )


def _alone(cells: Cells, setting: Setting, subject: Subject) -> bool:
    """Whether all rows of a setting are of this model."""
    found = cells.find(grader=setting.grader, target=setting.target, condition=setting.condition)
    return {cell.model_id for cell in found} <= set(subject.model_ids)


def _against_base(
    counting: Counting,
    cells: Cells,
    subject: Subject,
    labels: Sequence[str],
    chosen: Selection,
    given: str | None,
    *,
    level: float,
    alpha: float,
    min_cell: int,
) -> AgainstBase:
    models = counting.models
    pairs = gap_pairs(cells, models, labels, level=level, alpha=alpha, min_cell=min_cell)
    base, found_by, unavailable = find_base(cells, models, subject, pairs, given)
    variants = variants_of(models, subject, pairs)
    if base is None:
        return AgainstBase(base=None, found_by=None, unavailable=unavailable, compared=(), over_refusal=(), variants=variants)
    other = subject_of(models, base)
    if set(other.model_ids) & set(subject.model_ids):
        raise DomainError(f"{base!r} is the model of this card itself; name another with --base")
    counted = {cell.model_id for cell in cells} | {cell.model_id for cell in cells.aggregates}
    without = [one.model for one in (subject, other) if counted.isdisjoint(one.model_ids)]
    compared = () if without else compared_with(
        cells, models, base, subject.model, labels, level=level, alpha=alpha, min_cell=min_cell
    )  # fmt: skip
    if without:
        unavailable = f"no counted row is of {' or of '.join(without)}"
    elif not compared:
        unavailable = "no grader rated both under one target and condition, on one attack class"
    return AgainstBase(
        base=base,
        found_by=found_by,
        unavailable=unavailable,
        compared=compared,
        over_refusal=_over_refusal(counting, cells, other.model, other.model_ids, labels, chosen, level),
        variants=variants,
    )
