"""From verdicts to paired counts: which prompts of a model are compared under two conditions, and how often each failed."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.studies.dilution.outcomes import Int8Array, Outcomes

__all__ = [
    "MOST_INCOMPLETE",
    "BoolArray",
    "FloatArray",
    "IntArray",
    "PairedPrompts",
    "counts_over_samples",
    "fitted_prompts",
    "harmful_prompts",
    "paired_prompts",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@attrs.frozen(kw_only=True, eq=False)
class PairedPrompts:
    """
    One model's harmful prompts that have an evaluable verdict under both of two conditions.

    Attributes
    ----------
    control_failed, control_trials, treated_failed, treated_trials : ndarray of int, shape (prompts,)
        Attack successes and evaluable responses of each prompt, every number of trials at least 1.
    at : ndarray of int, shape (prompts,)
        Position of each prompt in the experiment.
    dropped : int
        Harmful prompts that are not among them.
    """

    control_failed: IntArray
    control_trials: IntArray
    treated_failed: IntArray
    treated_trials: IntArray
    at: IntArray
    dropped: int

    @property
    def differences(self) -> FloatArray:
        """Rate under treated minus rate under control of each prompt, shape (prompts,)."""
        return self.treated_failed / self.treated_trials - self.control_failed / self.control_trials


MOST_INCOMPLETE: Final = 4_000
"""Prompts up to which missing pairs are fitted around: that fit takes a square of the prompts in memory."""


def harmful_prompts(outcomes: Outcomes) -> BoolArray:
    """Which prompts are in an attack success rate, shape (prompts,)."""
    return np.array([prompt.prompt_kind == "harmful" for prompt in outcomes.prompts], dtype=bool)


def counts_over_samples(verdicts: Int8Array) -> tuple[IntArray, IntArray]:
    """Number of ones, and of verdicts that are there, over the last axis (samples)."""
    return np.sum(verdicts == 1, axis=-1, dtype=np.int64), np.sum(verdicts >= 0, axis=-1, dtype=np.int64)


def fitted_prompts(control_trials: IntArray, treated_trials: IntArray) -> BoolArray:
    """
    Prompts that a fit over items takes: all, or of very many with missing pairs those that miss none.

    Parameters
    ----------
    control_trials, treated_trials : ndarray of int, shape (rows, prompts)
        Evaluable responses of each row (model, length) and prompt.
    """
    paired = (control_trials > 0) & (treated_trials > 0)
    if paired.shape[1] <= MOST_INCOMPLETE or paired.all():
        return np.ones(paired.shape[1], dtype=np.bool_)
    return np.asarray(paired.all(axis=0))


def paired_prompts(outcomes: Outcomes, model: int, treated: int, control: int) -> PairedPrompts:
    """Harmful prompts of one model that are evaluable under both conditions (positions on the axes of the outcomes)."""
    failed_1, trials_1 = counts_over_samples(outcomes.failed[model, treated])
    failed_2, trials_2 = counts_over_samples(outcomes.failed[model, control])
    harmful = harmful_prompts(outcomes)
    both = harmful & (trials_1 > 0) & (trials_2 > 0)
    return PairedPrompts(
        control_failed=failed_2[both],
        control_trials=trials_2[both],
        treated_failed=failed_1[both],
        treated_trials=trials_1[both],
        at=np.flatnonzero(both),
        dropped=int(harmful.sum() - both.sum()),
    )
