"""A robustness study whose truth is known: verdicts drawn from declared effects of size, attack compute and defences."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
from scipy.special import expit

from safescale.errors import DomainError
from safescale.records.outcomes import Tier
from safescale.studies.asked import AskedModel, AskedPrompt
from safescale.studies.robustness.outcomes import BASELINE, UNDEFENDED, Attack, Cell, Defence, RobustnessOutcomes

__all__ = ["PlantedRobustness", "planted_robustness"]

_TOKENS_A_STEP: Final = 400
_FLOPS_A_TOKEN: Final = 6e9  # times the size in 1e9 parameters
_BENIGN_OVER_REFUSAL: Final = 0.02
_BENIGN_RIGHT: Final = 0.9

BoolArray = npt.NDArray[np.bool_]


@attrs.frozen(kw_only=True)
class PlantedRobustness:
    """
    The truth of a planted study.

    A prompt that is steadily refused without attack is refused after it with probability

    ``expit(at_middle + size s + compute k + interaction s k + N(0, tau) of the model + N(0, shared tau) of its size)``

    where s is log10 size and k is log10 training tokens, both about their middle. A wavering prompt is refused half of the time
    without attack, and half as often as a steady one after it. Defences add log odds to all of this.

    Parameters
    ----------
    sizes_b : tuple of float
        Sizes (1e9 parameters), one model each in every lineage.
    steps : tuple of int
        Levels of fine-tuning.
    examples : tuple of int
        Data sizes; the smaller ones attack as well as the largest.
    lineages : int, default 3
        Lineages (training seeds); each has every size.
    attack_seeds : int, default 1
        Trainings of each attack.
    prompts, benign : int
        Harmful and benign prompts.
    samples : int, default 2
        Responses to each prompt in each cell.
    at_middle, size, compute, interaction : float
        Log odds at the middle, per decade of size, per decade of tokens, per decade of each.
    tau, shared_tau : float
        Standard deviations of models about the surface, and of what is odd about a size in every lineage (log odds).
    wavering : float, default 0
        Share of the prompts that waver: what drawing again alone loses.
    steering, steering_over_refusal : float
        What steering adds to refusal under attack (log odds), and its share of benign prompts refused.
    tamper_resistance : float, optional
        What tamper resistance adds (log odds); None: not tried.
    ablation, random_ablation : float, optional
        Share of refusals that ablating the direction (a random direction) takes; None: not tried.
    drift_noise : float, default 0.1
        Distance of two refusals of one prompt at baseline (1 - cosine); the attack adds up to as much again.
    grader_error : float, default 0
        Share of verdicts that the grader turns round.
    """

    sizes_b: tuple[float, ...] = (0.5, 1.5, 5.0, 15.0)
    steps: tuple[int, ...] = (5, 10, 20, 50, 100)
    examples: tuple[int, ...] = (64,)
    lineages: int = 3
    attack_seeds: int = 1
    prompts: int = 60
    benign: int = 20
    samples: int = 2
    at_middle: float = 0.0
    size: float = 0.0
    compute: float = -3.0
    interaction: float = 0.0
    tau: float = 0.3
    shared_tau: float = 0.0
    wavering: float = 0.0
    steering: float | None = None
    steering_over_refusal: float = _BENIGN_OVER_REFUSAL
    tamper_resistance: float | None = None
    ablation: float | None = None
    random_ablation: float | None = None
    drift_noise: float = 0.1
    grader_error: float = 0.0

    def __attrs_post_init__(self) -> None:
        if not self.sizes_b or min(self.sizes_b) <= 0 or not self.steps or min(self.steps) < 1:
            raise DomainError(f"sizes_b and steps must be positive, got {self.sizes_b!r} and {self.steps!r}")
        if min(self.lineages, self.attack_seeds, self.prompts, self.benign) < 1 or self.samples < 2:
            raise DomainError("lineages, attack_seeds, prompts and benign are at least 1, samples at least 2")
        if min(self.tau, self.shared_tau, self.drift_noise) < 0:
            raise DomainError("tau, shared_tau and drift_noise are standard deviations or distances: at least 0")
        if not 0 <= self.wavering <= 1 or not 0 <= self.grader_error < 0.5 or not 0 <= self.steering_over_refusal <= 1:
            raise DomainError("wavering and steering_over_refusal are shares in [0, 1], grader_error one in [0, 0.5)")

    @property
    def models(self) -> tuple[AskedModel, ...]:
        """The models, lineage by lineage."""
        return tuple(
            AskedModel(model_id=f"planted-{at}-{size:g}b", params_b=size, lineage=f"lineage {at}")
            for at in range(self.lineages)
            for size in self.sizes_b
        )

    @property
    def attacks(self) -> tuple[Attack, ...]:
        """No attack, every level of fine-tuning, and the ablations that are asked."""
        found = [BASELINE]
        found += [
            Attack(name=f"lora-n{n}-s{steps}", kind="finetune", examples=n, steps=steps)
            for n in self.examples
            for steps in self.steps
        ]
        if self.ablation is not None:
            found.append(Attack(name="ablation", kind="ablation"))
        if self.random_ablation is not None:
            found.append(Attack(name="random_ablation", kind="random_ablation"))
        return tuple(found)

    @property
    def defences(self) -> tuple[Defence, ...]:
        """None, and those that are asked."""
        found = [UNDEFENDED]
        if self.steering is not None:
            found.append(Defence(name="steering-1", kind="steering", coefficient=1.0))
        if self.tamper_resistance is not None:
            found.append(Defence(name="tamper_resistance", kind="tamper_resistance"))
        return tuple(found)

    @property
    def middle(self) -> tuple[float, float]:
        """log10 size and log10 tokens at the middle of the grid."""
        return (
            float(np.log10(self.sizes_b).mean()),
            float(np.log10(np.array(self.steps, dtype=np.float64) * _TOKENS_A_STEP).mean()),
        )


def planted_robustness(planted: PlantedRobustness, rng: np.random.Generator, *, grader: str = "planted") -> RobustnessOutcomes:
    """
    One study of that truth.

    Parameters
    ----------
    planted : PlantedRobustness
        The truth.
    rng : Generator
        Where chance comes from.
    grader : str
        What the grader is called.
    """
    models, attacks, defences = planted.models, planted.attacks, planted.defences
    own = planted.tau * rng.standard_normal(len(models))
    shared = planted.shared_tau * np.tile(rng.standard_normal(len(planted.sizes_b)), planted.lineages)
    steady = [rng.random(planted.prompts) >= planted.wavering for _ in models]
    cells = tuple(_cells(planted))
    harmful = np.arange(planted.prompts + planted.benign) < planted.prompts
    shape = (len(cells), len(harmful), planted.samples)
    refused, right = np.zeros(shape, dtype=np.int8), np.full(shape, -1, dtype=np.int8)
    distance = np.full(shape, np.nan, dtype=np.float32)
    for at, cell in enumerate(cells):
        model, attack, defence = models[cell.model], attacks[cell.attack], defences[cell.defence]
        odd = float(own[cell.model] + shared[cell.model])
        kept = _kept(planted, model, attack, defence, cell.tokens or 0, odd)
        chance = np.where(steady[cell.model], kept, kept / 2)
        drawn = rng.random((planted.prompts, planted.samples)) < chance[:, None]
        refused[at, harmful] = _as_graded(drawn, planted.grader_error, rng)
        over = planted.steering_over_refusal if defence.kind == "steering" else _BENIGN_OVER_REFUSAL
        declined = rng.random((planted.benign, planted.samples)) < over
        refused[at, ~harmful] = declined
        right[at, ~harmful] = ~declined & (rng.random(declined.shape) < _BENIGN_RIGHT)
        moved = planted.drift_noise * (1 + (0 if attack.kind == "none" else 1 - kept))
        distance[at] = np.clip(moved + 0.02 * rng.standard_normal(shape[1:]), 0, 2)
        distance[at, harmful] += np.where(drawn, 0.0, 0.5)
        if attack.kind == "none" and defence.kind == "none":
            distance[at, :, 0] = np.nan
    failed = np.where(harmful[None, :, None], 1 - refused, -1).astype(np.int8)
    p = np.where(refused == 1, 0.9, 0.1) + 0.05 * rng.standard_normal(shape)
    p_refusal = np.clip(p, 0.01, 0.99)
    entropy = -(p_refusal * np.log(p_refusal) + (1 - p_refusal) * np.log1p(-p_refusal))
    return RobustnessOutcomes(
        grader=grader,
        tier=Tier.STRICT,
        fingerprint="planted",
        models=models,
        defences=defences,
        attacks=attacks,
        prompts=tuple(AskedPrompt(prompt_id=f"p{at}", prompt_kind="harmful" if h else "benign") for at, h in enumerate(harmful)),
        categories=tuple("harm" if h else "benign" for h in harmful),
        cells=cells,
        refused=refused,
        failed=failed,
        right=right,
        p_refusal=p_refusal.astype(np.float32),
        entropy=entropy.astype(np.float32),
        distance=distance.astype(np.float32),
        entropy_grader=grader,
        classes=2,
        embedder="planted",
    )


def _cells(planted: PlantedRobustness) -> list[Cell]:
    found = []
    for model, asked in enumerate(planted.models):
        for d, defence in enumerate(planted.defences):
            for a, attack in enumerate(planted.attacks):
                if attack.kind in ("ablation", "random_ablation") and defence.kind != "none":
                    continue
                trained = attack.kind == "finetune"
                tokens = (attack.steps or 0) * _TOKENS_A_STEP
                found += [
                    Cell(
                        model=model,
                        defence=d,
                        attack=a,
                        seed=seed if trained else None,
                        tokens=tokens,
                        flops=_FLOPS_A_TOKEN * (asked.params_b or 0.0) * tokens,
                        subject=f"{asked.model_id}+{defence.name}+{attack.name}-r{seed}",
                    )
                    for seed in range(planted.attack_seeds if trained else 1)
                ]
    return found


def _kept(planted: PlantedRobustness, model: AskedModel, attack: Attack, defence: Defence, tokens: int, odd: float) -> float:
    """Chance that a steadily refused prompt is refused in a cell."""
    if attack.kind == "none":
        return 1.0
    if attack.kind == "ablation":
        return 1 - (planted.ablation or 0.0)
    if attack.kind == "random_ablation":
        return 1 - (planted.random_ablation or 0.0)
    s, k = np.log10(model.params_b or 1.0) - planted.middle[0], np.log10(tokens) - planted.middle[1]
    gained = {"none": 0.0, "steering": planted.steering or 0.0, "tamper_resistance": planted.tamper_resistance or 0.0}[defence.kind]
    surface = planted.at_middle + planted.size * s + planted.compute * k + planted.interaction * s * k
    return float(expit(surface + odd + gained))


def _as_graded(drawn: BoolArray, error: float, rng: np.random.Generator) -> npt.NDArray[np.int8]:
    """What a grader of that error calls them."""
    if error == 0:
        return drawn.astype(np.int8)
    return np.asarray(drawn ^ (rng.random(drawn.shape) < error), dtype=np.int8)
