"""A whole corpus in the shapes that its users' files have."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from safescale.simulate.database import write_database
from safescale.simulate.flat import write_flat
from safescale.simulate.nested import write_nested
from safescale.simulate.outcomes import class_slopes, draw, roster
from safescale.simulate.plan import CorpusPlan, FileTruth, Truth
from safescale.simulate.texts import text_pool

__all__ = ["simulate_corpus"]

_PROMPT_CHARS = 260
_FRAGMENT_CHARS = 290
_NESTED_FRAGMENT_CHARS = 130


def simulate_corpus(plan: CorpusPlan, folder: Path) -> Truth:
    """
    Write a simulated corpus.

    Parameters
    ----------
    plan : CorpusPlan
        What to write. Each part has random numbers of its own: leaving one out does not change the others.
    folder : Path
        Where: ``flat.jsonl``, ``nested/sim_traces.jsonl``, ``nested/sim_flip_graded.jsonl``, ``jailbreak_corpus.db``.

    Returns
    -------
    Truth
        Planted rates and slopes, and for each file exact counts of verdicts and defects.

    Raises
    ------
    FileExistsError
        When the database is there already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seeds = np.random.SeedSequence(plan.seed).spawn(6)
    models_rng, draws_rng, flat_rng, nested_rng, database_rng = map(np.random.default_rng, seeds[1:])
    models = roster(plan, models_rng)
    draws = draw(plan, models, draws_rng)
    long, short = (
        text_pool(plan, np.random.default_rng(seeds[0]), prompt_chars=_PROMPT_CHARS, fragment_chars=chars)
        for chars in (_FRAGMENT_CHARS, _NESTED_FRAGMENT_CHARS)
    )
    files: dict[str, FileTruth] = {}
    if "flat" in plan.parts:
        files["flat"] = write_flat(folder / "flat.jsonl", plan, models, draws, long, flat_rng)
    if "nested" in plan.parts:
        files |= write_nested(folder / "nested", plan, models, draws, short, nested_rng)
    if "database" in plan.parts:
        path = folder / "jailbreak_corpus.db"
        files["database"] = write_database(path, plan, models, draws, long, database_rng)
    return Truth(
        plan=plan,
        models=models,
        attack_classes=tuple(long.classes),
        rates={m.model_id: tuple(rates) for m, rates in zip(models, draws.rates.tolist(), strict=True)},
        slopes_pp_per_decade=dict(zip(long.classes, class_slopes(plan), strict=True)),
        files=files,
    )
