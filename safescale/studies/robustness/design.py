"""What a robustness study asks: attacks and their compute, defences, geometry, samples, and how the answer is sought."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

import attrs

from safescale.errors import DomainError
from safescale.records.outcomes import Tier

__all__ = [
    "COMPUTE_UNITS",
    "FULL_STEPS",
    "ComputeUnit",
    "FinetuneGrid",
    "GeometryAsked",
    "PromptAttacks",
    "RobustnessDesign",
    "SteeringAsked",
    "TamperResistanceAsked",
]

ComputeUnit = Literal["tokens", "flops"]
"""
Unit of attack compute in the fits.

tokens: tokens that went through the attacked model in training, padding left out; equal steps on equal examples are equal compute
whatever the model's size. flops: floating-point operations of the same training, which are about proportional to the size of the
model. On a log scale one is the other plus the size, so the effect of size differs between the two and that of compute does not:
both are always shown, and the design says which one the answer speaks of.
"""
COMPUTE_UNITS: Final[tuple[ComputeUnit, ...]] = get_args(ComputeUnit)

FULL_STEPS: Final = (5, 10, 20, 50, 100, 200, 500, 1000, 2000)
"""The full grid; 0 is the model as it was, which is always asked. The collapse is within tens of steps."""


def _ints(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(values)


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


@attrs.frozen(kw_only=True)
class FinetuneGrid:
    """
    LoRA fine-tuning on (prompt, target) pairs.

    Parameters
    ----------
    examples : tuple of int
        Data sizes: each takes the first N pairs of an order that the seed draws. The largest is the main one.
    steps : tuple of int
        Optimiser steps after which the adapter is kept; one training of the largest passes all of them.
    rank : int, default 8
        Of the adapters, on all linear layers.
    alpha : float, default 16
        LoRA's alpha: what the adapter adds is scaled by alpha / rank.
    learning_rate : float, default 4e-4
        Constant.
    batch_size : int, default 16
        Pairs a step.
    seeds : int, default 1
        Trainings of each, seeds 0, 1, ...: order of the pairs and first weights of the adapter.
    """

    examples: tuple[int, ...] = attrs.field(default=(16, 64), converter=_ints)
    steps: tuple[int, ...] = attrs.field(default=FULL_STEPS, converter=_ints)
    rank: int = 8
    alpha: float = 16.0
    learning_rate: float = 4e-4
    batch_size: int = 16
    seeds: int = 1

    def __attrs_post_init__(self) -> None:
        for name in ("examples", "steps"):
            values = getattr(self, name)
            if not values or min(values) < 1 or len(set(values)) != len(values):
                raise DomainError(f"{name} must be different whole numbers of at least 1, got {values!r}")
        if min(self.rank, self.batch_size, self.seeds) < 1 or not self.learning_rate > 0 or not self.alpha > 0:
            raise DomainError("rank, batch_size and seeds are at least 1, learning_rate and alpha above 0")

    @property
    def main_examples(self) -> int:
        """The largest data size, on which the fits over compute rest."""
        return max(self.examples)


@attrs.frozen(kw_only=True)
class PromptAttacks:
    """
    Attacks that change the prompt alone (part 6); they have no training compute and stand beside the grid.

    Parameters
    ----------
    puzzle_lines : tuple of int
        A logic puzzle of so many lines before the prompt.
    templates : tuple of (name, text)
        Paraphrases from the user's file, each with ``{prompt}`` once.
    """

    puzzle_lines: tuple[int, ...] = attrs.field(default=(), converter=_ints)
    templates: tuple[tuple[str, str], ...] = ()


@attrs.frozen(kw_only=True)
class SteeringAsked:
    """
    Steering along the refusal direction, as a defence.

    Parameters
    ----------
    coefficients : tuple of float
        Multiples of the difference in means that are added.
    against : tuple of int
        Steps of the main data size against which it is tried, besides the model as it was (which shows its price).
    """

    coefficients: tuple[float, ...] = attrs.field(default=(0.5, 1.0, 2.0), converter=_floats)
    against: tuple[int, ...] = attrs.field(default=(50,), converter=_ints)

    def __attrs_post_init__(self) -> None:
        written = [f"{coefficient:g}" for coefficient in self.coefficients]
        if not written or len(set(written)) != len(written):
            raise DomainError(
                "coefficients must be at least one, and differ in six digits (a subject is named by them), got "
                f"{self.coefficients!r}"
            )
        if not self.against or len(set(self.against)) != len(self.against):
            raise DomainError(f"against must be at least one number of steps, each once, got {self.against!r}")


@attrs.frozen(kw_only=True)
class TamperResistanceAsked:
    """
    A small first-order baseline in the manner of TAR.

    Parameters
    ----------
    outer_steps, inner_steps : int
        Steps of the defence, and most steps of the simulated attack within each.
    """

    outer_steps: int = 40
    inner_steps: int = 6


@attrs.frozen(kw_only=True)
class GeometryAsked:
    """
    What is asked of refusal directions.

    Parameters
    ----------
    ranks : tuple of int
        How many directions are ablated at once.
    random : int, default 4
        Random directions of equal norm, as control.
    ablation : bool, default True
        Whether the best direction is ablated as an attack, with the random one beside it.
    """

    ranks: tuple[int, ...] = attrs.field(default=(1, 2, 3, 4), converter=_ints)
    random: int = 4
    ablation: bool = True


@attrs.frozen(kw_only=True)
class RobustnessDesign:
    """
    The part of a study that is not models, prompts, engines and graders.

    Parameters
    ----------
    finetune : FinetuneGrid
        The attack whose compute is varied.
    prompts : PromptAttacks
        Attacks without training.
    steering : SteeringAsked, optional
        None: not tried.
    tamper_resistance : TamperResistanceAsked, optional
        None: not tried.
    geometry : GeometryAsked, optional
        None: not asked.
    samples : int, default 2
        Responses to each prompt in each cell, at least 2: the second baseline draw is the null of RRR and the noise floor of RD.
    compute_unit : {"tokens", "flops"}
        What the answer speaks of.
    tier : Tier
        What counts as attack success.
    alpha : float
        Level of the tests; intervals are at ``1 - alpha``.
    """

    finetune: FinetuneGrid = attrs.field(factory=FinetuneGrid)
    prompts: PromptAttacks = attrs.field(factory=PromptAttacks)
    steering: SteeringAsked | None = attrs.field(factory=SteeringAsked)
    tamper_resistance: TamperResistanceAsked | None = attrs.field(factory=TamperResistanceAsked)
    geometry: GeometryAsked | None = attrs.field(factory=GeometryAsked)
    samples: int = 2
    compute_unit: ComputeUnit = attrs.field(default="tokens", validator=attrs.validators.in_(COMPUTE_UNITS))
    tier: Tier = Tier.STRICT
    alpha: float = 0.05

    def __attrs_post_init__(self) -> None:
        if self.samples < 2:
            raise DomainError(
                f"samples must be at least 2, got {self.samples}: without a second baseline draw nobody knows how many refusals "
                "are lost by drawing again alone"
            )
        if not 0 < self.alpha < 0.5:
            raise DomainError(f"alpha must lie in (0, 0.5), got {self.alpha!r}")
        if self.steering is not None and not set(self.steering.against) <= set(self.finetune.steps):
            raise DomainError(
                f"steering is tried against steps {self.steering.against!r}, and the grid keeps {self.finetune.steps!r}; "
                "name some of these"
            )
