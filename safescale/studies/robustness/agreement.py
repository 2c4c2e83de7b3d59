"""How far the graders agree about refusal, by kind of cell: they err differently under attack."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from safescale.errors import DomainError, InsufficientData
from safescale.stats import clustered_agreement
from safescale.studies.robustness.outcomes import RobustnessOutcomes
from safescale.studies.robustness.results import ConditionAgreement

__all__ = ["agreement_of", "kind_of"]


def agreement_of(outcomes: Sequence[RobustnessOutcomes], *, level: float) -> tuple[ConditionAgreement, ...]:
    """
    Agreement and kappa of every two graders on whether harmful prompts' responses refuse, by kind of cell.

    Prompts are the clusters: responses of all models to one prompt are not independent. Responses of which either grader says
    nothing are left out. A kind is what was done (``none``, ``finetune``, ``steering``, ``tamper_resistance + finetune``, ...).

    Raises
    ------
    DomainError
        If the graders' cells or prompts are not the same.
    """
    found = []
    for first, second in combinations(outcomes, 2):
        _require_same_axes(first, second)
        kinds = [kind_of(first, at) for at in range(len(first.cells))]
        for kind in dict.fromkeys(kinds):
            mine = np.array([of == kind for of in kinds])
            found.append(_of_kind(first, second, kind, mine, level))
    return tuple(found)


def kind_of(outcomes: RobustnessOutcomes, at: int) -> str:
    """What was done to the model of a cell, in a word or two."""
    cell = outcomes.cells[at]
    defence, attack = outcomes.defences[cell.defence].kind, outcomes.attacks[cell.attack].kind
    if defence == "none":
        return attack
    return defence if attack == "none" else f"{defence} + {attack}"


def _of_kind(
    first: RobustnessOutcomes, second: RobustnessOutcomes, kind: str, mine: np.ndarray[tuple[int], np.dtype[np.bool_]], level: float
) -> ConditionAgreement:
    graders = (first.grader, second.grader)
    one, other = (of.refused[mine][:, first.harmful] for of in (first, second))
    known = (one >= 0) & (other >= 0)
    n = int(known.sum())
    prompt = np.broadcast_to(np.arange(one.shape[1])[None, :, None], one.shape)
    # responses alike in prompt and both verdicts enter as one row with their number as weight: sums within prompts are the same
    codes, numbers = np.unique(prompt[known] * 4 + 2 * one[known] + other[known], return_counts=True)
    try:
        said = clustered_agreement(
            [int(code) // 2 % 2 for code in codes],
            [int(code) % 2 for code in codes],
            [int(code) // 4 for code in codes],
            categories=[0, 1],
            weights=numbers.astype(np.float64),
            level=level,
        )
    except InsufficientData:
        why = "no response has a verdict on refusal by both"
        return ConditionAgreement(condition=kind, graders=graders, n=n, agreement=None, kappa=None, kappa_interval=None, why=why)
    kappa = said.kappa
    return ConditionAgreement(
        condition=kind,
        graders=graders,
        n=n,
        agreement=said.observed.estimate,
        kappa=kappa.estimate,
        kappa_interval=None if kappa.low is None or kappa.high is None else (kappa.low, kappa.high),
        why=kappa.undefined_because,
        refused=(float((one[known] == 1).mean()), float((other[known] == 1).mean())),
    )


def _require_same_axes(first: RobustnessOutcomes, second: RobustnessOutcomes) -> None:
    for what in ("cells", "prompts"):
        if getattr(first, what) != getattr(second, what):
            raise DomainError(
                f"graders {first.grader!r} and {second.grader!r} have different {what}: they must be reduced on the same axes"
            )
    if first.samples != second.samples:
        raise DomainError(f"graders {first.grader!r} and {second.grader!r} have {first.samples} and {second.samples} samples")
