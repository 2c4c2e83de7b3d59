"""How a model is made resistant: steps of the defence, the attack that is simulated within each, what is weighed against what."""

from __future__ import annotations

import attrs

from safescale.errors import DomainError

__all__ = ["TamperResistanceSetting"]


@attrs.frozen(kw_only=True)
class TamperResistanceSetting:
    """
    A first-order defence by simulated attacks.

    Parameters
    ----------
    outer_steps : int, default 40
        Steps of the defence.
    inner_steps : int, default 6
        Most steps of the simulated attack within each; how many is drawn from 1 to this.
    learning_rate : float, default 1e-3
        Of the defence (AdamW, constant), for models of a hundred thousand parameters; large ones need less.
    inner_learning_rate : float, default 1e-3
        Of the simulated attack (AdamW on all weights).
    refusal_weight : float, default 0.3
        Of the refusal loss after the simulated attack; the retain loss weighs 1.
    batch_size : int, default 16
        Pairs of each kind a step, of the attack and of the defence.
    seed : int, default 0
        Of all draws.
    device : str, default "cpu"
        As torch names it. On a CPU the same weights come out bit by bit.
    threads : int, default 1
        Of torch on a CPU.
    """

    outer_steps: int = 40
    inner_steps: int = 6
    learning_rate: float = 1e-3
    inner_learning_rate: float = 1e-3
    refusal_weight: float = 0.3
    batch_size: int = 16
    seed: int = 0
    device: str = "cpu"
    threads: int = 1

    def __attrs_post_init__(self) -> None:
        for name in ("outer_steps", "inner_steps", "batch_size", "threads"):
            if getattr(self, name) < 1:
                raise DomainError(f"{name} is at least 1, got {getattr(self, name)!r}")
        for name in ("learning_rate", "inner_learning_rate", "refusal_weight"):
            if not 0 < getattr(self, name) < float("inf"):
                raise DomainError(f"{name} is above 0, got {getattr(self, name)!r}")
        if self.seed < 0:
            raise DomainError(f"seed is at least 0, got {self.seed!r}")
