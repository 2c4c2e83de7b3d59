"""How refusal directions are sought, and who says what a refusal is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import attrs

from safescale.errors import DomainError

__all__ = ["DirectionSetting", "Refuses"]

Refuses: TypeAlias = Callable[[Sequence[str], Sequence[str]], Sequence[bool | None]]
"""Prompts and responses to whether each refuses; None: nobody can say. A grader, given by the caller."""


def _ints(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(values)


@attrs.frozen(kw_only=True)
class DirectionSetting:
    """
    How refusal directions are sought.

    Parameters
    ----------
    layers : tuple of int, optional
        Decoder layers (0-based, their output) that are searched; None: all.
    positions : tuple of int
        Tokens of the rendered prompt that are searched, counted from its end. A chat template's last tokens stand after every
        request, which is what makes a mean over requests mean something there.
    ranks : tuple of int
        How many directions are ablated at once; those above the number of categories are left out.
    steering_depth : float, optional
        Share of the layers, from the first, after which steering is sought. Default: 0.8 as in Arditi et al. (2024), since adding
        to every token after a late layer repeats first words; 1 in models of fewer than 8 layers, in which no earlier one decides.
    random : int, default 4
        Random directions, as control.
    seed : int, default 0
        Of the random directions and of the geometry's resamples.
    finalists : int, default 4
        Candidates that are judged on all searched validation prompts, after a first look on few.
    first_look : int, default 24
        Validation prompts of the first look.
    tolerance : float, default 0.05
        Candidates that leave no more than so much (share of prompts) above the best one are equals: of them the earliest layer is
        taken.
    max_kl_nats : float, default 0.1
        Candidates whose ablation moves the first token of benign answers by more than this (mean Kullback-Leibler divergence from
        the model as it is) are left out, as in Arditi et al. (2024).
    alpha : float, default 0.01
        Level of the test of whether ablation lowers refusal.
    least_drop : float, default 0.2
        By how much (share of prompts) ablation must lower refusal below the mean of the random directions, to count as found.
    max_tokens : int, default 24
        Of an answer that is judged: a refusal shows early.
    batch_size : int, default 32
        Prompts at once.
    threads : int, optional
        Of torch; None: torch's own.
    device, dtype : str, optional
        As the engine ``transformers`` takes them.
    resamples : int, default 1000
        Of the geometry's bootstrap and of its null.
    """

    layers: tuple[int, ...] | None = attrs.field(default=None, converter=attrs.converters.optional(_ints))
    positions: tuple[int, ...] = attrs.field(default=(-1, -2, -3, -4), converter=_ints)
    ranks: tuple[int, ...] = attrs.field(default=(1, 2, 3, 4), converter=_ints)
    steering_depth: float | None = None
    random: int = 4
    seed: int = 0
    finalists: int = 4
    first_look: int = 24
    tolerance: float = 0.05
    max_kl_nats: float = 0.1
    alpha: float = 0.01
    least_drop: float = 0.2
    max_tokens: int = 24
    batch_size: int = 32
    threads: int | None = None
    device: str | None = None
    dtype: str | None = None
    resamples: int = 1_000

    def __attrs_post_init__(self) -> None:
        if not self.positions or max(self.positions) >= 0 or len(set(self.positions)) != len(self.positions):
            raise DomainError(f"positions count from the end of the prompt, -1 the last, each once, got {self.positions!r}")
        if self.layers is not None and (not self.layers or min(self.layers) < 0 or len(set(self.layers)) != len(self.layers)):
            raise DomainError(f"layers are different whole numbers of at least 0, got {self.layers!r}")
        if not self.ranks or min(self.ranks) < 1:
            raise DomainError(f"ranks are at least 1, got {self.ranks!r}")
        for name in ("random", "finalists", "first_look", "max_tokens", "batch_size"):
            if getattr(self, name) < 1:
                raise DomainError(f"{name} must be at least 1, got {getattr(self, name)!r}")
        if not self.max_kl_nats > 0 or not 0 < self.alpha < 0.5 or self.seed < 0:
            raise DomainError("max_kl_nats is above 0, alpha in (0, 0.5), seed at least 0")
        if self.steering_depth is not None and not 0 < self.steering_depth <= 1:
            raise DomainError(f"steering_depth is a share of the layers in (0, 1], got {self.steering_depth!r}")
        if not 0 <= self.least_drop < 1 or not 0 <= self.tolerance < 1:
            raise DomainError("least_drop and tolerance are shares of prompts in [0, 1)")
