"""How an encoder is fine-tuned."""

from __future__ import annotations

import attrs

from safescale.errors import DomainError

__all__ = ["TrainingSettings"]


@attrs.frozen(kw_only=True)
class TrainingSettings:
    """
    How an encoder is fine-tuned.

    Parameters
    ----------
    epochs : int
        Passes over the training split; the one with the smallest loss on the tune split is kept.
    learning_rate : float
        Peak of AdamW, reached after a tenth of the steps, then falling to 0 in a line.
    batch_size : int
        Responses a step.
    max_tokens : int
        Tokens of a response that are read: three quarters from its head, one from its tail, where it is longer.
    weight_decay : float
        Of AdamW.
    seed : int
        Of the head's weights and of the order of responses.
    threads : int
        CPU threads (one is fastest for small models on shared cores).
    device : str
        "auto" (a GPU when there is one), "cpu", "cuda".
    """

    epochs: int = 4
    learning_rate: float = 3e-5
    batch_size: int = 16
    max_tokens: int = 512
    weight_decay: float = 0.01
    seed: int = 0
    threads: int = 1
    device: str = "auto"

    def __attrs_post_init__(self) -> None:
        for name in ("epochs", "batch_size", "threads"):
            if getattr(self, name) < 1:
                raise DomainError(f"{name} must be at least 1, got {getattr(self, name)!r}")
        if self.max_tokens < 16:
            raise DomainError(f"max_tokens must be at least 16, got {self.max_tokens!r}")
        if not 0.0 < self.learning_rate < 1.0:
            raise DomainError(f"learning_rate must lie between 0 and 1, got {self.learning_rate!r}")
