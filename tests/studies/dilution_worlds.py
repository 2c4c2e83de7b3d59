"""Outcomes of whole dilution experiments, every condition asked, made from declared rates."""

import attrs
import numpy as np

from safescale.records.outcomes import Tier
from safescale.studies.asked import AskedModel, AskedPrompt
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.outcomes import AskedCondition, Outcomes

SIZES = (0.5, 1.2, 3.0, 7.0, 14.0, 32.0)
CONDITIONS = (
    AskedCondition(name="baseline", role="baseline"),
    AskedCondition(name="puzzle-2", role="puzzle", lines=2),
    AskedCondition(name="puzzle-4", role="puzzle", lines=4),
    AskedCondition(name="puzzle-7", role="puzzle", lines=7, main=True),
    AskedCondition(name="puzzle-10", role="puzzle", lines=10),
    AskedCondition(name="neutral", role="neutral", lines=7),
    AskedCondition(name="appended", role="appended", lines=7),
    AskedCondition(name="alone", role="alone", lines=7),
    AskedCondition(name="polite", role="template"),
    AskedCondition(name="blunt", role="template"),
)
DESIGN = DilutionDesign(templates=(("polite", "Please: {prompt}"), ("blunt", "Now: {prompt}")))


def world(
    *,
    sizes=SIZES,
    lineages=1,
    harmful=200,
    benign=40,
    samples=1,
    baseline=0.3,
    puzzle_slope=0.10,
    puzzle_mean=0.10,
    neutral_slope=0.0,
    per_line=0.0,
    unreadable=None,
    grader="exact",
    seed=0,
):
    """The puzzle adds ``mean + slope * (log10 size - mean) + per_line * (lines - 7)`` to the baseline, prose only its slope."""
    rng = np.random.default_rng(seed)
    models = tuple(
        AskedModel(model_id=f"s{at}-{size:g}b", params_b=size, lineage=f"seed {at}") for at in range(lineages) for size in sizes
    )
    x = np.log10([model.params_b for model in models])
    x -= x.mean()
    rates = np.full((len(models), len(CONDITIONS)), baseline, dtype=float)
    for at, condition in enumerate(CONDITIONS):
        if condition.role == "puzzle":
            rates[:, at] += puzzle_mean + puzzle_slope * x + per_line * (condition.lines - 7)
        if condition.role == "neutral":
            rates[:, at] += neutral_slope * x
        if condition.role == "appended":
            rates[:, at] += (puzzle_mean + puzzle_slope * x) / 2
    rates = np.clip(rates, 0.0, 1.0)
    prompts = tuple(AskedPrompt(prompt_id=f"h{at}", prompt_kind="harmful") for at in range(harmful)) + tuple(
        AskedPrompt(prompt_id=f"b{at}", prompt_kind="benign") for at in range(benign)
    )
    shape = (len(models), len(CONDITIONS), len(prompts), samples)
    failed = (rng.random(shape) < rates[:, :, np.newaxis, np.newaxis]).astype(np.int8)
    refused = (1 - failed).astype(np.int8)
    refused[:, :, harmful:] = rng.random((len(models), len(CONDITIONS), benign, samples)) < 0.05
    failed[:, :, harmful:] = -1
    alone = [at for at, condition in enumerate(CONDITIONS) if condition.role == "alone"]
    failed[:, alone], refused[:, alone] = -1, -1
    for at, share in (unreadable or {}).items():
        gone = rng.random(shape) < share
        where = np.zeros(shape, dtype=bool)
        where[:, [c for c, condition in enumerate(CONDITIONS) if condition.name == at]] = True
        failed[gone & where], refused[gone & where] = -1, -1
    tokens = np.full(shape[:3], 20, dtype=np.int32)
    for at, condition in enumerate(CONDITIONS):
        tokens[:, at] += 10 * (condition.lines or 0)
    solved = (rng.random((len(models), len(prompts), samples)) < np.clip(0.5 + 0.2 * x, 0, 1)[:, np.newaxis, np.newaxis]).astype(
        np.int8
    )
    return Outcomes(
        grader=grader,
        tier=Tier.STRICT,
        fingerprint="f00d",
        models=models,
        conditions=CONDITIONS,
        prompts=prompts,
        failed=failed,
        refused=refused,
        prompt_tokens=tokens,
        solved=solved,
    )


def with_models(outcomes, **changes):
    """The same outcomes, every model changed alike: ``params_b=None`` takes the sizes away."""
    return attrs.evolve(outcomes, models=tuple(attrs.evolve(model, **changes) for model in outcomes.models))


def only(outcomes, *, models=None, conditions=None, prompts=None):
    """A part of the outcomes, by positions or by a predicate on the axis."""

    def chosen(axis, predicate):
        return [at for at, item in enumerate(axis) if predicate is None or predicate(item)]

    m, c, p = chosen(outcomes.models, models), chosen(outcomes.conditions, conditions), chosen(outcomes.prompts, prompts)
    return attrs.evolve(
        outcomes,
        models=tuple(outcomes.models[at] for at in m),
        conditions=tuple(outcomes.conditions[at] for at in c),
        prompts=tuple(outcomes.prompts[at] for at in p),
        failed=outcomes.failed[np.ix_(m, c, p)],
        refused=outcomes.refused[np.ix_(m, c, p)],
        prompt_tokens=outcomes.prompt_tokens[np.ix_(m, c, p)],
        solved=outcomes.solved[np.ix_(m, p)],
    )


def main_only(outcomes):
    """Baseline and main puzzle alone: a tenth of the work."""
    return only(outcomes, conditions=lambda c: c.role == "baseline" or c.main)
