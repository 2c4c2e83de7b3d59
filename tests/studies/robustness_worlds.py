"""Small planted robustness studies, and one that is written by hand."""

import attrs
import numpy as np

from safescale.records.outcomes import Tier
from safescale.studies.asked import AskedModel, AskedPrompt
from safescale.studies.robustness.design import FinetuneGrid, RobustnessDesign, SteeringAsked
from safescale.studies.robustness.outcomes import BASELINE, UNDEFENDED, Attack, Cell, RobustnessOutcomes
from safescale.studies.robustness.planted import PlantedRobustness, planted_robustness

STEPS = (5, 10, 20, 50, 100)
WORLD = PlantedRobustness(steps=STEPS, prompts=30, benign=6)


def design_for(planted=WORLD, **changes):
    """The design that asks what the planted world answers."""
    finetune = FinetuneGrid(examples=planted.examples, steps=planted.steps, seeds=planted.attack_seeds)
    asked = {"finetune": finetune, "steering": SteeringAsked(against=(50,)), "samples": planted.samples}
    return RobustnessDesign(**(asked | changes))


def planted(seed=0, *, whole=False, base=WORLD, grader="planted", **changes):
    """Outcomes of a planted world; without drift and entropy, which take time, unless ``whole``."""
    truth = attrs.evolve(base, **changes)
    outcomes = planted_robustness(truth, np.random.default_rng(seed), grader=grader)
    return outcomes if whole else attrs.evolve(outcomes, embedder=None, entropy_grader=None)


def with_sizes(outcomes, sizes):
    """Other sizes under the same answers, compute in FLOPs along with them."""
    models = tuple(attrs.evolve(model, params_b=sizes[model.params_b]) for model in outcomes.models)
    return with_models(outcomes, models)


def with_models(outcomes, models):
    """Other models under the same answers; FLOPs follow the sizes."""
    cells = tuple(
        attrs.evolve(cell, flops=None if models[cell.model].params_b is None else 6e9 * models[cell.model].params_b * cell.tokens)
        for cell in outcomes.cells
    )
    return attrs.evolve(outcomes, models=models, cells=cells)


def with_compute(outcomes, tokens):
    """Other tokens under the same answers."""
    cells = tuple(
        attrs.evolve(cell, tokens=tokens[cell.tokens], flops=6e9 * outcomes.models[cell.model].params_b * tokens[cell.tokens])
        if cell.tokens
        else cell
        for cell in outcomes.cells
    )
    return attrs.evolve(outcomes, cells=cells)


def by_hand():
    """One model, four harmful and two benign prompts, two samples: every metric can be counted on paper."""
    baseline = [[1, 1], [1, 0], [1, 1], [0, 1], [0, 0], [1, 0]]
    attacked = [[0, 0], [1, 0], [-1, 1], [1, 1], [0, 0], [0, 1]]
    refused = np.array([baseline, attacked], dtype=np.int8)
    harmful = np.array([True] * 4 + [False] * 2)
    failed = np.where(harmful[None, :, None] & (refused >= 0), 1 - refused, -1).astype(np.int8)
    right = np.full(refused.shape, -1, dtype=np.int8)
    right[:, 4:] = np.array([[[1, 1], [0, 1]], [[1, 0], [1, 0]]], dtype=np.int8)
    distance = np.full(refused.shape, np.nan, dtype=np.float32)
    distance[0, :4, 1] = [0.1, 0.7, 0.3, 0.6]
    distance[1, :4] = [[0.9, 0.8], [0.2, 0.9], [0.5, 0.4], [0.7, 0.6]]
    p = np.full(refused.shape, 0.5)
    p[1, :4] = [[0.1, 0.1], [0.9, 0.5], [0.9, 0.9], [0.9, 0.9]]
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    return RobustnessOutcomes(
        grader="hand",
        tier=Tier.STRICT,
        fingerprint="hand",
        models=(AskedModel(model_id="one", params_b=1.0, lineage="a"),),
        defences=(UNDEFENDED,),
        attacks=(BASELINE, Attack(name="lora-n64-s20", kind="finetune", examples=64, steps=20)),
        prompts=tuple(AskedPrompt(prompt_id=f"p{at}", prompt_kind="harmful" if h else "benign") for at, h in enumerate(harmful)),
        categories=("x",) * 6,
        cells=(
            Cell(model=0, defence=0, attack=0, tokens=0, flops=0.0, subject="one"),
            Cell(model=0, defence=0, attack=1, seed=0, tokens=100, flops=1e12, subject="one+lora"),
        ),
        refused=refused,
        failed=failed,
        right=right,
        p_refusal=p.astype(np.float32),
        entropy=entropy.astype(np.float32),
        distance=distance,
        entropy_grader="hand",
        classes=2,
        embedder="words",
        excluded={1: {"ERROR": 1}},
    )
