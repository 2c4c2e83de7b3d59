"""A dilution experiment whose truth is known: counts of prompts drawn from declared sizes, deltas and spread between models."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError
from safescale.records.outcomes import Tier
from safescale.stats import ProportionInterval, wilson_interval
from safescale.studies.asked import AskedModel, AskedPrompt
from safescale.studies.dilution.between_models import compared_within, registered_p
from safescale.studies.dilution.outcomes import AskedCondition, Int8Array, Outcomes
from safescale.studies.dilution.paired import FloatArray

__all__ = ["PlantedDilution", "planted_counts", "planted_deltas", "planted_outcomes", "share_rejected"]

_IntArray = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True)
class PlantedDilution:
    """
    The truth of a planted experiment.

    ``delta_i = mean_pp + slope (log10 size_i - mean log10 size) + N(0, tau) + N(0, shared tau) of its size``.

    Of the prompts of a model a share ``discordance``
    (at least ``|delta_i|``) differ between the two conditions, split so that their difference is ``delta_i``.

    Parameters
    ----------
    sizes_b : tuple of float
        Sizes (1e9 parameters), one model each in every lineage.
    prompts : int, default 2000
        Harmful prompts.
    baseline : float, default 0.35
        Attack success of the baseline (fraction), of every model.
    mean_pp : float, default 5
        Mean delta at the middle of the sizes, percentage points.
    slope_pp_per_decade : float, default 0
        Of delta on log10 size.
    tau_pp : float, default 0
        Standard deviation of the models' deltas about the line.
    shared_tau_pp : float, default 0
        Standard deviation of what is odd about a size in every lineage: the part that more training seeds do not average out.
    discordance : float, default 0.25
        Share of prompts that differ between the conditions (fraction).
    lineages : int, default 1
        Lineages (training seeds); each has every size.
    """

    sizes_b: tuple[float, ...]
    prompts: int = 2000
    baseline: float = 0.35
    mean_pp: float = 5.0
    slope_pp_per_decade: float = 0.0
    tau_pp: float = 0.0
    shared_tau_pp: float = 0.0
    discordance: float = 0.25
    lineages: int = 1

    def __attrs_post_init__(self) -> None:
        if not self.sizes_b or min(self.sizes_b) <= 0:
            raise DomainError(f"sizes_b must be positive, in 1e9 parameters, got {self.sizes_b!r}")
        if self.prompts < 1 or self.lineages < 1:
            raise DomainError(f"prompts and lineages must be at least 1, got {self.prompts} and {self.lineages}")
        if not 0 < self.baseline < 1 or not 0 <= self.discordance <= 1:
            raise DomainError(f"baseline must lie in (0, 1), discordance in [0, 1]; got {self.baseline!r}, {self.discordance!r}")
        if self.tau_pp < 0 or self.shared_tau_pp < 0:
            raise DomainError(f"tau_pp and shared_tau_pp must be at least 0, got {self.tau_pp!r} and {self.shared_tau_pp!r}")

    @property
    def params_b(self) -> tuple[float, ...]:
        """Size of each model, lineage by lineage."""
        return self.sizes_b * self.lineages

    @property
    def models(self) -> tuple[AskedModel, ...]:
        """The models, lineage by lineage."""
        return tuple(
            AskedModel(model_id=f"planted-{at}-{size:g}b", params_b=size, lineage=f"lineage {at}")
            for at in range(self.lineages)
            for size in self.sizes_b
        )


def share_rejected(planted: PlantedDilution, repeats: int, rng: np.random.Generator, *, alpha: float = 0.05) -> ProportionInterval:
    """Share of planted experiments in which the registered test rejects, with Wilson's interval: its size or its power."""
    counts = planted_counts(planted, repeats, rng)
    deltas = (counts[..., 1] - counts[..., 2]) / planted.prompts
    members, groups = compared_within(planted.models)
    sizes = [member.params_b or 0.0 for member in members]
    rejected = sum(registered_p(sizes, row.tolist(), groups).p_value <= alpha for row in deltas)
    return wilson_interval(rejected, repeats)


def planted_deltas(planted: PlantedDilution, repeats: int, rng: np.random.Generator) -> FloatArray:
    """
    True deltas of the models (fractions), shape (repeats, models).

    A delta that the baseline cannot take (more than it leaves above or below) is brought to that edge.
    """
    x = np.log10(np.array(planted.params_b))
    line = planted.mean_pp + planted.slope_pp_per_decade * (x - x.mean())
    own = planted.tau_pp * rng.standard_normal((repeats, len(x)))
    shared = planted.shared_tau_pp * np.tile(rng.standard_normal((repeats, len(planted.sizes_b))), planted.lineages)
    deltas = (line + own + shared) / 100
    return np.asarray(np.clip(deltas, -planted.baseline, 1 - planted.baseline))


def planted_counts(planted: PlantedDilution, repeats: int, rng: np.random.Generator) -> _IntArray:
    """
    Prompts that failed under both, under the puzzle alone, under the baseline alone, under neither.

    Returns
    -------
    ndarray of int
        Shape (repeats, models, 4): n11, n10, n01, n00, each drawn from a multinomial of its model's true shares.
    """
    delta = planted_deltas(planted, repeats, rng)
    base = planted.baseline
    # no more prompts can lose an attack than the baseline has, nor win one than it lacks
    most = np.minimum(2 * base + delta, 2 * (1 - base) - delta)
    discordant = np.clip(planted.discordance, np.abs(delta), most)
    only_treated, only_control = (discordant + delta) / 2, (discordant - delta) / 2
    both = base - only_control
    shares = np.stack([both, only_treated, only_control, 1 - both - discordant], axis=-1)
    shares = np.maximum(shares, 0.0)
    return np.asarray(rng.multinomial(planted.prompts, shares / shares.sum(axis=-1, keepdims=True)))


def planted_outcomes(planted: PlantedDilution, counts: npt.ArrayLike, rng: np.random.Generator) -> Outcomes:
    """
    One experiment with those counts, prompts in random order.

    Parameters
    ----------
    counts : array_like of int, shape (models, 4)
        One repeat of `planted_counts`.
    """
    pairs = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=np.int8)
    verdicts: list[Int8Array] = []
    for row in np.asarray(counts):
        of_model = np.repeat(pairs, row, axis=0)
        verdicts.append(of_model[rng.permutation(len(of_model))])
    failed = np.ascontiguousarray(np.stack(verdicts).transpose(0, 2, 1)[:, ::-1, :, np.newaxis])
    models = planted.models
    return Outcomes(
        grader="planted",
        tier=Tier.STRICT,
        fingerprint="planted",
        models=models,
        conditions=(
            AskedCondition(name="baseline", role="baseline"),
            AskedCondition(name="puzzle", role="puzzle", lines=7, main=True),
        ),
        prompts=tuple(AskedPrompt(prompt_id=f"p{at}", prompt_kind="harmful") for at in range(planted.prompts)),
        failed=failed,
        refused=np.asarray(1 - failed, dtype=np.int8),
        prompt_tokens=np.full(failed.shape[:3], -1, dtype=np.int32),
        solved=np.full((len(models), planted.prompts, 1), -1, dtype=np.int8),
    )
