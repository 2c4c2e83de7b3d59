"""The whole answer under one grader."""

from __future__ import annotations

import attrs

from safescale.studies.dilution.between_models import SizedModels, SizeSlope, size_slope, sized_models
from safescale.studies.dilution.caveats import answer_caveats
from safescale.studies.dilution.contrasts import contrast_of, control_contrasts
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.dose import dose_response
from safescale.studies.dilution.duplicates import identical_models
from safescale.studies.dilution.exclusions import exclusion_balance
from safescale.studies.dilution.families import holm_of
from safescale.studies.dilution.interaction import interaction_of
from safescale.studies.dilution.length_match import length_match
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.paired import harmful_prompts
from safescale.studies.dilution.refusals import refusal_rates
from safescale.studies.dilution.results import BetweenModels, DilutionVerdict, GraderAnswer, ModelDelta
from safescale.studies.dilution.room import room_of
from safescale.studies.dilution.rule import largest_against_smallest
from safescale.studies.dilution.sentences import answer_words
from safescale.studies.dilution.solving import solving_of
from safescale.studies.dilution.templates import template_rates
from safescale.studies.dilution.verdict import Doubt, verdict_of

__all__ = ["AnswerParts", "grader_answer"]


@attrs.frozen(kw_only=True)
class AnswerParts:
    """An answer with what only the plan for the next experiment needs: the deltas in its slope, and the kinds of its doubts."""

    answer: GraderAnswer
    fitted: SizedModels
    doubts: tuple[Doubt, ...]


def grader_answer(outcomes: Outcomes, design: DilutionDesign) -> AnswerParts:
    """Everything that one grader's outcomes say; parts that cannot be computed are named with their reason."""
    level = 1 - design.alpha
    puzzle, baseline = outcomes.condition("puzzle"), outcomes.condition("baseline")
    unavailable: list[tuple[str, str]] = []
    refusal = refusal_rates(outcomes, level=level)
    answer = GraderAnswer(
        grader=outcomes.grader,
        tier=outcomes.tier,
        deltas=(),
        size=None,
        without_estimates=None,
        rule=None,
        interaction=None,
        contrasts=control_contrasts(outcomes, design),
        dose=None,
        solving=None,
        length_match=length_match(outcomes),
        templates=template_rates(outcomes),
        baseline_refusal=tuple(
            (row.model.model_id, row.rate, row.trials)
            for row in refusal
            if row.condition.role == "baseline" and row.prompt_kind == "harmful" and row.rate is not None
        ),
        over_refusal=tuple(
            (row.model.model_id, row.condition.name, row.refused, row.trials)
            for row in refusal
            if row.prompt_kind == "benign" and row.trials
        ),
        verdict=DilutionVerdict.CANNOT_TELL,
        words="",
        refusal=refusal,
        duplicates=identical_models(outcomes),
    )
    why_no_size = _nothing_asked(outcomes)
    fitted = SizedModels(deltas=(), groups=None, not_fitted=())
    if puzzle is not None and baseline is not None:
        main = contrast_of(outcomes, design, puzzle, baseline)
        fitted = sized_models(main.deltas)
        slope = size_slope(main.deltas, design)
        why_no_size = why_no_size or slope.why_not
        rule, why_no_rule = largest_against_smallest(outcomes, fitted, puzzle, baseline, level=level)
        interaction, why_no_interaction = interaction_of(outcomes, fitted, puzzle, baseline, level=level)
        dose, why_no_dose = dose_response(outcomes, design)
        unavailable += [
            (part, why)
            for part, why in (
                ("slope on size", why_no_size),
                ("rule of report 353", why_no_rule),
                ("interaction on items", why_no_interaction),
                ("dose response", why_no_dose if design.doses else None),
            )
            if why is not None
        ]
        answer = attrs.evolve(
            answer,
            deltas=main.deltas,
            main=main,
            deltas_adjusted_p=holm_of([delta.p_value for delta in main.deltas], alpha=design.alpha),
            size=slope.slope,
            without_estimates=_without_estimates(main.deltas, slope, design),
            rule=rule,
            interaction=interaction,
            dose=dose,
            solving=solving_of(outcomes, main.deltas, level=level),
            exclusions=exclusion_balance(outcomes, design, puzzle, baseline),
            room=room_of(main.deltas, fitted, level=level) if main.deltas else None,
            not_fitted=(*_without_delta(outcomes, main.deltas), *slope.not_fitted),
        )
    answer = attrs.evolve(answer, unavailable=tuple(unavailable))
    verdict, doubts = verdict_of(
        design,
        size=answer.size,
        why_no_size=why_no_size,
        estimated=sum(delta.model.size_estimated for delta in fitted.deltas),
        without_estimates=answer.without_estimates,
        deltas=fitted.deltas,
        room=answer.room,
        exclusions=answer.exclusions,
    )
    answer = attrs.evolve(answer, verdict=verdict, doubts=tuple(doubt.words for doubt in doubts))
    answer = attrs.evolve(answer, words=answer_words(answer, design), caveats=answer_caveats(answer, outcomes, design))
    return AnswerParts(answer=answer, fitted=fitted, doubts=doubts)


def _nothing_asked(outcomes: Outcomes) -> str | None:
    """Why no delta can exist, before any count."""
    missing = [role for role in ("baseline", "puzzle") if outcomes.condition(role) is None]
    if missing:
        return f"the condition {' and '.join(missing)} was not asked"
    if not harmful_prompts(outcomes).any():
        return "no prompt is harmful, and attack success is of harmful prompts alone"
    return None


def _without_estimates(deltas: tuple[ModelDelta, ...], slope: SizeSlope, design: DilutionDesign) -> BetweenModels | None:
    """The slope once more without guessed sizes; the same slope where none is guessed."""
    if not any(delta.model.size_estimated for delta in deltas):
        return slope.slope
    return size_slope(deltas, design, with_estimated=False).slope


def _without_delta(outcomes: Outcomes, deltas: tuple[ModelDelta, ...]) -> tuple[tuple[str, str], ...]:
    """Models without a single delta, with the reasons that their responses were excluded for."""
    there = {delta.model.model_id for delta in deltas}
    found = []
    for model in outcomes.models:
        if model.model_id in there:
            continue
        reasons: dict[str, int] = {}
        for condition in outcomes.conditions:
            if condition.role == "baseline" or condition.main:
                for reason, n in outcomes.excluded.get((model.model_id, condition.name), {}).items():
                    reasons[reason] = reasons.get(reason, 0) + n
        told = ", ".join(f"{n:,} {reason}" for reason, n in sorted(reasons.items(), key=lambda item: -item[1]))
        found.append((model.model_id, f"fewer than 2 prompts with a verdict under both conditions{f': {told}' if told else ''}"))
    return tuple(found)
