"""How a model is attacked by fine-tuning: data sizes, steps, the adapter, the optimiser, the seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import attrs

from safescale.errors import DomainError

__all__ = ["DTYPES", "FinetuneSetting"]

DTYPES: Final = ("float32", "bfloat16", "float16")


def _counts(value: int | Iterable[int]) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)


@attrs.frozen(kw_only=True)
class FinetuneSetting:
    """
    LoRA on all linear layers but the output head, AdamW at a constant rate.

    Parameters
    ----------
    examples : int or tuple of int
        Data sizes: each takes the first N pairs of an order that the seed draws, so a smaller size is part of a larger one. Each
        is one training.
    steps : tuple of int
        Optimiser steps after which the adapter is kept; one training passes all of them.
    rank : int, default 8
        Of the adapter.
    alpha : float, default 16
        LoRA's alpha: what the adapter adds is scaled by alpha / rank.
    learning_rate : float, default 4e-4
        Constant.
    batch_size : int, default 16
        Pairs a step; with fewer examples than that a batch holds some of them more than once, so that equal steps are equal work.
    seed : int, default 0
        Of the order of the pairs, of the batches, and of the first weights of the adapter.
    device : str, default "cpu"
        As torch names it. On a CPU a training repeats bit by bit.
    dtype : str, optional
        Of the model that is attacked: "float32", "bfloat16" or "float16"; the adapter's weights are float32 always. Default:
        float32 on a CPU, the checkpoint's own elsewhere.
    threads : int, default 1
        Of torch on a CPU; small models are fastest with one.
    """

    examples: tuple[int, ...] = attrs.field(converter=_counts)
    steps: tuple[int, ...] = attrs.field(converter=_counts)
    rank: int = 8
    alpha: float = attrs.field(default=16.0, converter=float)
    learning_rate: float = 4e-4
    batch_size: int = 16
    seed: int = 0
    device: str = "cpu"
    dtype: str | None = None
    threads: int = 1

    def __attrs_post_init__(self) -> None:
        for name in ("examples", "steps"):
            values = getattr(self, name)
            if not values or min(values) < 1 or len(set(values)) != len(values):
                raise DomainError(f"{name} must be different whole numbers of at least 1, got {values!r}")
        for name in ("rank", "batch_size", "threads"):
            if getattr(self, name) < 1:
                raise DomainError(f"{name} is at least 1, got {getattr(self, name)!r}")
        for name in ("alpha", "learning_rate"):
            if not 0 < getattr(self, name) < float("inf"):
                raise DomainError(f"{name} is above 0, got {getattr(self, name)!r}")
        if self.seed < 0:
            raise DomainError(f"seed is at least 0, got {self.seed!r}")
        if self.dtype is not None and self.dtype not in DTYPES:
            raise DomainError(f"dtype must be one of {', '.join(DTYPES)}, got {self.dtype!r}")
