"""The bundled example: small, harmless, watermarked, in the shape of Failure-First files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from safescale.simulate.outcomes import LABELS, SIZES_B, Draws, draw, verdict_counts
from safescale.simulate.plan import CorpusPlan, SimulatedModel
from safescale.simulate.texts import TextPool, text_pool

__all__ = ["EXAMPLE_SEED", "write_example"]

EXAMPLE_SEED: Final = 353
_SLOPE_PP: Final = 22.0
_PROMPTS: Final = 66
"""33 a class: about 26 evaluable in a cell, and no cell under the 20 below which nothing is fitted."""
_LINEAGES: Final = (("simtorva", "arbel3", SIZES_B), ("simquill", "mirdan2", SIZES_B), ("simtorva", "arbel3", (1.7, 8.0, 27.0)))
_TAMPERED: Final = 2
_README: Final = """\
Simulated traces with known truth (`truth.toml`): invented words, no real model. Written by `safescale.simulate.write_example`.
Class {rising}: larger models comply more. Class {flat}: no effect of size. The `-abliterated` series complies nearly always.
"""


def write_example(folder: Path, *, seed: int = EXAMPLE_SEED) -> Mapping[str, Any]:
    """
    Write the example: two attack classes, six sizes in two lineages, and one tampered series.

    Parameters
    ----------
    folder : Path
        Where; one file a lineage, ``truth.toml`` and ``README.md``.
    seed : int, default 353
        Seed of everything.

    Returns
    -------
    mapping
        The contents of ``truth.toml``: planted slopes and rates, and the counts that must be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    models = _models()
    plan = CorpusPlan(
        rows=_PROMPTS * len(models),
        models=len(models),
        prompts=_PROMPTS,
        attack_classes=2,
        seed=seed,
        base_rate=0.34,
        slope_pp_per_decade=_SLOPE_PP,
        slopes_by_class={1: 0.0},
        tau_pp=2.0,
    )
    draws_rng, texts_rng = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    draws = draw(plan, models, draws_rng)
    pool = text_pool(plan, texts_rng, prompt_chars=20, fragment_chars=10)
    files = _write_lineages(folder, models, draws, pool)
    kept = np.ones(plan.rows, dtype=np.bool_)
    truth = _truth_toml(plan, models, draws, pool, files, verdict_counts(models, draws.model, draws.label, kept))
    (folder / "truth.toml").write_text(truth, encoding="utf-8")
    (folder / "README.md").write_text(_README.format(rising=pool.classes[0], flat=pool.classes[1]), encoding="utf-8")
    return tomllib.loads(truth)


def _models() -> tuple[SimulatedModel, ...]:
    found = []
    for number, (provider, family, sizes) in enumerate(_LINEAGES):
        tampered = number == _TAMPERED
        for size in sizes:
            name = f"{provider}/{family}-{size:g}b{'-abliterated' if tampered else ''}"
            found.append(SimulatedModel(model_id=name, provider=provider, lineage=family, size_b=size, tampered=tampered))
    return tuple(found)


def _write_lineages(folder: Path, models: tuple[SimulatedModel, ...], draws: Draws, pool: TextPool) -> dict[str, int]:
    """One graded file for each lineage, and one for the tampered series; rows by file name."""
    lines: dict[str, list[bytes]] = {}
    for row, (model, prompt, label) in enumerate(
        zip(draws.model.tolist(), draws.prompt.tolist(), draws.label.tolist(), strict=True)
    ):
        which = models[model]
        stem = f"{which.lineage}{'-abliterated' if which.tampered else ''}"
        line = msgspec.json.encode(_record(row, which, prompt, LABELS[label], pool))
        lines.setdefault(f"{stem}_flip_graded.jsonl", []).append(line)
    for name, written in lines.items():
        (folder / name).write_bytes(b"\n".join(written) + b"\n")
    return {name: len(written) for name, written in lines.items()}


def _record(row: int, model: SimulatedModel, prompt: int, label: str, pool: TextPool) -> dict[str, Any]:
    failed = label.endswith("ERROR")
    scenario = {"scenario_class": pool.class_of(prompt), "attack_attempt": True}
    return {
        "trace_id": f"example-{row:04d}",
        "scenario_id": pool.prompt_ids[prompt],
        "model_id": model.model_id,
        "dataset_kind": "single",
        "input": {"scenario": scenario},
        "turns": [
            {"role": "user", "text": pool.prompts[prompt]},
            {"role": "agent", "text": "[ERROR: simulated]" if failed else pool.response(row)},
        ],
        "metadata": {"simulated": True, "dataset": "simulated-example", "finish_reason": "error" if failed else "stop"},
        "llm_verdict": label,
    }


def _truth_toml(
    plan: CorpusPlan,
    models: tuple[SimulatedModel, ...],
    draws: Draws,
    pool: TextPool,
    files: Mapping[str, int],
    counts: Mapping[str, Mapping[str, int]],
) -> str:
    """The truth as TOML; rates are fractions by attack class."""
    out = [f"simulated = true\nseed = {plan.seed}\nrows = {plan.rows}\ntau_pp = {plan.tau_pp}", "\n[files]"]
    out += [f'"{name}" = {rows}' for name, rows in files.items()]
    out.append("\n[slopes_pp_per_decade]")
    out += [f"{pool.classes[i]} = {plan.slopes_by_class.get(i, plan.slope_pp_per_decade)}" for i in range(2)]
    for index, model in enumerate(models):
        out.append(f'\n[models."{model.model_id}"]')
        out.append(f'lineage = "{model.lineage}"\nsize_b = {model.size_b}\ntampered = {str(model.tampered).lower()}')
        rates = ", ".join(f"{name} = {draws.rates[index, i]:.4f}" for i, name in enumerate(pool.classes))
        out.append(f"rates = {{ {rates} }}")
        verdicts = ", ".join(f"{name} = {n}" for name, n in sorted(counts[model.model_id].items()))
        out.append(f"verdicts = {{ {verdicts} }}")
    return "\n".join(out) + "\n"
