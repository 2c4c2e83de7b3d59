"""Human labels that a graded rate needs, and what a grader leaves of a slope."""

from __future__ import annotations

from typing import Any, Literal

from safescale.analyses.plan.noise import residual_sd
from safescale.analyses.plan.results import LabelsNeeded, ThroughGrader
from safescale.analyses.plan.wanted import Assumptions, LabelQuestion
from safescale.errors import DomainError
from safescale.stats import plan_labels, plan_models

__all__ = ["labels_needed", "through_grader"]


def labels_needed(asked: Assumptions) -> tuple[LabelsNeeded, ...]:
    """For the rate of one model, and of all models together; empty where nobody asked or rows are not known."""
    if asked.labels is None or asked.trials is None:
        return ()
    return (
        _labels(asked, asked.labels, "one model", asked.trials),
        _labels(asked, asked.labels, "all models together", asked.trials * asked.design.n_models),
    )


def _labels(
    asked: Assumptions, question: LabelQuestion, of: Literal["one model", "all models together"], n_traces: int
) -> LabelsNeeded:
    grader: dict[str, Any] = (
        {"sensitivity": question.sensitivity, "specificity": question.specificity, "rate": asked.base_rate}
        if question.sensitivity is not None
        else {"ppv": question.ppv, "npv": question.npv, "graded_rate": asked.base_rate}
    )
    try:
        plan = plan_labels(question.half_width, n_traces, level=asked.level, **grader)
    except DomainError as error:
        # so few traces, or so rare a grade, is an answer here: the next number of traces may do
        if n_traces * min(asked.base_rate, 1 - asked.base_rate) > FEW_TRACES:
            raise
        return LabelsNeeded(
            of=of,
            n_traces=n_traces,
            half_width=question.half_width,
            n_labels=None,
            labels_without_grader=None,
            half_width_limit=None,
            unavailable=str(error),
        )
    return LabelsNeeded(
        of=of,
        n_traces=n_traces,
        half_width=question.half_width,
        n_labels=plan.n_labels,
        labels_without_grader=plan.labels_without_grader,
        half_width_limit=plan.half_width_limit,
        unavailable=plan.unreachable_because,
    )


FEW_TRACES = 50
"""With fewer of the rarer outcome a plan of labels may have no traces to take them from."""


def through_grader(asked: Assumptions) -> ThroughGrader | None:
    """
    The slope that graded rates show where the grader errs alike at every size, ``(Se + Sp - 1)`` times the true one [1].

    Spread between models shrinks by the same factor and sampling noise is that of the graded rate, so grading costs power only
    where sampling noise matters. [1] W. J. Rogan, B. Gladen (1978), Amer. J. Epidemiol. 107, 71-76.
    """
    question = asked.labels
    if question is None or question.sensitivity is None or question.specificity is None or asked.tau_pp is None:
        return None
    factor = question.sensitivity + question.specificity - 1
    if factor <= 0 or asked.trials is None:
        return ThroughGrader(factor=factor, effect_pp_per_decade=factor * asked.effect_pp_per_decade, models_needed=None)
    graded_rate = asked.base_rate * question.sensitivity + (1 - asked.base_rate) * (1 - question.specificity)
    sampling = asked.design_effect * graded_rate * (1 - graded_rate) / asked.trials
    between = (factor * residual_sd(asked, asked.tau_pp, endless_prompts=True)) ** 2
    plan = plan_models(
        factor * asked.effect_pp_per_decade,
        residual_sd=(between + sampling) ** 0.5,
        power=asked.power,
        alpha=asked.alpha_per_test,
        **asked.design.spread(),
    )
    return ThroughGrader(factor=factor, effect_pp_per_decade=factor * asked.effect_pp_per_decade, models_needed=plan.n_models)
