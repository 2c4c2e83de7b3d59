"""What came of a robustness study, as arrays: one grader's verdicts on every response, by cell, prompt and sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.records.outcomes import Tier
from safescale.studies.asked import AskedModel, AskedPrompt

__all__ = [
    "ATTACK_KINDS",
    "BASELINE",
    "DEFENCE_KINDS",
    "UNDEFENDED",
    "Attack",
    "AttackKind",
    "Cell",
    "Defence",
    "DefenceKind",
    "RobustnessOutcomes",
]

Int8Array = npt.NDArray[np.int8]
Float32Array = npt.NDArray[np.float32]

AttackKind = Literal["none", "finetune", "prompt", "ablation", "random_ablation"]
ATTACK_KINDS: Final[tuple[AttackKind, ...]] = get_args(AttackKind)
DefenceKind = Literal["none", "steering", "tamper_resistance"]
DEFENCE_KINDS: Final[tuple[DefenceKind, ...]] = get_args(DefenceKind)


@attrs.frozen(kw_only=True)
class Attack:
    """
    One attack at one level of compute.

    Parameters
    ----------
    name : str
        For example ``none``, ``lora-n64-s20``, ``puzzle-7``, ``ablation``, ``random_ablation``.
    kind : AttackKind
        What it is. ``random_ablation`` is a control, not an attack.
    examples, steps : int, optional
        Of fine-tuning.
    """

    name: str
    kind: AttackKind = attrs.field(validator=attrs.validators.in_(ATTACK_KINDS))
    examples: int | None = None
    steps: int | None = None


@attrs.frozen(kw_only=True)
class Defence:
    """One defence: ``none``, ``steering-1`` (coefficient of the difference in means), ``tamper_resistance``."""

    name: str
    kind: DefenceKind = attrs.field(validator=attrs.validators.in_(DEFENCE_KINDS))
    coefficient: float | None = None


BASELINE: Final = Attack(name="none", kind="none")
UNDEFENDED: Final = Defence(name="none", kind="none")


@attrs.frozen(kw_only=True)
class Cell:
    """
    What was asked together: one model under one defence and one attack, of one attack seed.

    Parameters
    ----------
    model, defence, attack : int
        Positions on the axes.
    seed : int, optional
        Of the attack; None where there is none.
    tokens : int, optional
        Training tokens of the attack (0 where it trains nothing).
    flops : float, optional
        Floating-point operations of the attack (0 where it trains nothing).
    subject : str
        Id under which its traces stand in the corpus (base id with what was done to it).
    condition : str
        Condition under which they stand.
    """

    model: int
    defence: int
    attack: int
    seed: int | None = None
    tokens: int | None = None
    flops: float | None = None
    subject: str
    condition: str = "default"


@attrs.frozen(kw_only=True, eq=False)
class RobustnessOutcomes:
    """
    One grader's verdicts as arrays.

    Parameters
    ----------
    grader : str
        The grader.
    tier : Tier
        What counts as attack success.
    fingerprint : str
        Of the corpus.
    models, defences, attacks, prompts, cells : tuple
        The axes; cells are sparse. Each model has a cell with ``BASELINE`` and ``UNDEFENDED``.
    categories : tuple of str, shape (prompts,)
        Attack class of each prompt.
    refused : ndarray of int8, shape (cells, prompts, samples)
        1 refused, 0 not, -1 unknown (no answer, not gradeable); of benign prompts too.
    failed : ndarray of int8, same shape
        1 attack success at the tier, 0 none, -1 no evaluable verdict or a benign prompt.
    right : ndarray of int8, same shape
        1 a benign prompt's answer is right, 0 wrong or refused, -1 nobody can say, or a harmful prompt.
    p_refusal : ndarray of float32, same shape
        Probability of a refusal of the probabilistic grader (``entropy_grader``); NaN where it gives none.
    entropy : ndarray of float32, same shape
        Entropy of that grader's class probabilities (nats); NaN likewise.
    distance : ndarray of float32, same shape
        Cosine distance of the response to sample 0 of the same prompt in the baseline cell of the same model without defence;
        NaN for that sample itself, and where either has no text. So of a baseline cell, samples 1, 2, ... are the noise floor.
    entropy_grader : str, optional
        Which grader ``p_refusal`` and ``entropy`` are from; None: none of those asked has probabilities.
    classes : int, optional
        How many classes it has (entropy is at most ln of it).
    embedder : str, optional
        What made the vectors; None: distances are all NaN.
    excluded : mapping of cell position to mapping of reason to count
        Why harmful prompts have no evaluable verdict.
    """

    grader: str
    tier: Tier
    fingerprint: str
    models: tuple[AskedModel, ...]
    defences: tuple[Defence, ...]
    attacks: tuple[Attack, ...]
    prompts: tuple[AskedPrompt, ...]
    categories: tuple[str, ...]
    cells: tuple[Cell, ...]
    refused: Int8Array
    failed: Int8Array
    right: Int8Array
    p_refusal: Float32Array
    entropy: Float32Array
    distance: Float32Array
    entropy_grader: str | None = None
    classes: int | None = None
    embedder: str | None = None
    excluded: Mapping[int, Mapping[str, int]] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        shape = (len(self.cells), len(self.prompts))
        for name in ("refused", "failed", "right", "p_refusal", "entropy", "distance"):
            held = getattr(self, name)
            if held.ndim != 3 or held.shape[:2] != shape or held.shape != self.refused.shape:
                raise DomainError(f"{name} must have shape {shape} and samples, got {held.shape}")
        if len(self.categories) != len(self.prompts):
            raise DomainError(f"categories must be {len(self.prompts)}, one a prompt, got {len(self.categories)}")

    @property
    def samples(self) -> int:
        """Responses to each prompt in each cell."""
        return int(self.refused.shape[2])

    @property
    def harmful(self) -> npt.NDArray[np.bool_]:
        """Which prompts are harmful, shape (prompts,)."""
        return np.array([prompt.prompt_kind == "harmful" for prompt in self.prompts], dtype=bool)

    @property
    def benign(self) -> npt.NDArray[np.bool_]:
        """Which prompts are benign, shape (prompts,); one of unknown kind is neither."""
        return np.array([prompt.prompt_kind == "benign" for prompt in self.prompts], dtype=bool)

    def baseline_of(self, cell: Cell) -> int | None:
        """Position of the cell of the same model without attack and without defence."""
        for at, other in enumerate(self.cells):
            if (
                other.model == cell.model
                and self.attacks[other.attack].kind == "none"
                and self.defences[other.defence].kind == "none"
            ):
                return at
        return None
