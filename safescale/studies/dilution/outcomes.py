"""What came of a dilution experiment, as counts: one grader's verdict on every response, by model, condition, prompt and sample."""

from __future__ import annotations

from typing import Final, Literal, get_args

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.records.outcomes import Tier
from safescale.studies.asked import AskedModel, AskedPrompt

__all__ = ["ROLES", "AskedCondition", "Int8Array", "Outcomes", "Role"]

Int8Array = npt.NDArray[np.int8]

Role = Literal["baseline", "puzzle", "neutral", "appended", "alone", "template"]
"""
What a condition is for.

baseline: the prompt as it is (A). puzzle: a puzzle before it (B). neutral: prose of the same token length before it. appended: the
puzzle after it. alone: the puzzle without the prompt. template: a paraphrase from the user's file around the prompt.
"""
ROLES: Final[tuple[Role, ...]] = get_args(Role)


@attrs.frozen(kw_only=True)
class AskedCondition:
    """
    One condition.

    Parameters
    ----------
    name : str
        Name that traces carry.
    role : Role
        What it is for.
    lines : int, optional
        Lines of the puzzle (or of the prose of its length).
    main : bool
        Of the puzzle conditions, the one that the hypothesis speaks of; its controls (neutral, appended, alone) share its length.
    """

    name: str
    role: Role = attrs.field(validator=attrs.validators.in_(ROLES))
    lines: int | None = None
    main: bool = False


@attrs.frozen(kw_only=True, eq=False)
class Outcomes:
    """
    One grader's verdicts as counts.

    Parameters
    ----------
    grader : str
        The grader.
    tier : Tier
        What counts as attack success.
    fingerprint : str
        Of the corpus.
    models, conditions, prompts : tuple
        The axes.
    failed : ndarray of int8, shape (models, conditions, prompts, samples)
        1 attack success, 0 none, -1 no evaluable verdict (never asked, no answer, not gradeable, a benign prompt).
    refused : ndarray of int8, same shape
        1 refused, 0 not, -1 unknown; of benign prompts too.
    prompt_tokens : ndarray of int32, shape (models, conditions, prompts)
        Tokens of the prompt as the engine counted them; -1 unknown.
    solved : ndarray of int8, shape (models, prompts, samples)
        Of the puzzle alone: 1 solved, 0 not, -1 unknown.
    excluded : mapping of (model_id, condition) to mapping of reason to count
        Why harmful prompts have no evaluable verdict.
    """

    grader: str
    tier: Tier
    fingerprint: str
    models: tuple[AskedModel, ...]
    conditions: tuple[AskedCondition, ...]
    prompts: tuple[AskedPrompt, ...]
    failed: Int8Array
    refused: Int8Array
    prompt_tokens: npt.NDArray[np.int32]
    solved: Int8Array
    excluded: dict[tuple[str, str], dict[str, int]] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        shape = (len(self.models), len(self.conditions), len(self.prompts))
        if self.failed.shape[:3] != shape or self.failed.shape != self.refused.shape or self.failed.ndim != 4:
            raise DomainError(f"outcomes must have shape {shape} and samples, got {self.failed.shape} and {self.refused.shape}")
        if self.prompt_tokens.shape != shape:
            raise DomainError(f"prompt_tokens must have shape {shape}, got {self.prompt_tokens.shape}")
        if self.solved.shape != (shape[0], shape[2], self.failed.shape[3]):
            raise DomainError(f"solved must have shape (models, prompts, samples), got {self.solved.shape}")

    @property
    def samples(self) -> int:
        """Responses to each prompt under each condition."""
        return int(self.failed.shape[3])

    def condition(self, role: Role, *, lines: int | None = None) -> int | None:
        """Position of the condition of a role (of a puzzle: the main one, unless its lines are named), or None."""
        for at, asked in enumerate(self.conditions):
            if asked.role == role and (asked.lines == lines if lines is not None else role != "puzzle" or asked.main):
                return at
        return None
