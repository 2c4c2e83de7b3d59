"""The cells of a study: every model under every defence and attack that is asked, by its subject's id, before anything is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from safescale.errors import DomainError
from safescale.studies.robustness.design import FinetuneGrid, RobustnessDesign
from safescale.studies.robustness.outcomes import BASELINE, UNDEFENDED, Attack, Defence

__all__ = [
    "ABLATION",
    "DEFAULT",
    "RANDOM_ABLATION",
    "TAMPER_RESISTANCE",
    "PlannedCell",
    "adapter_name",
    "axes_of",
    "lora",
    "planned_cells",
    "steering",
]

DEFAULT: Final = "default"
"""Condition without an attack on the prompt, where the models file names no other."""
ABLATION: Final = Attack(name="ablation", kind="ablation")
RANDOM_ABLATION: Final = Attack(name="random_ablation", kind="random_ablation")
TAMPER_RESISTANCE: Final = Defence(name="tamper_resistance", kind="tamper_resistance")


@attrs.frozen(kw_only=True)
class PlannedCell:
    """
    One cell before it is asked.

    Parameters
    ----------
    model_id : str
        The model as it was.
    defence, attack : Defence, Attack
        What is done to it.
    seed : int, optional
        Of the attack's training.
    subject : str
        Id under which its traces stand.
    condition : str
        Condition under which they stand.
    """

    model_id: str
    defence: Defence
    attack: Attack
    seed: int | None = None
    subject: str
    condition: str

    @property
    def kind(self) -> str:
        """What was done in a word or two, as ``studies.robustness.agreement`` says it: ``none``, ``steering + finetune``."""
        parts = [kind for kind in (self.defence.kind, self.attack.kind) if kind != "none"]
        return " + ".join(parts) or "none"

    @property
    def is_baseline(self) -> bool:
        """Whether nothing was done."""
        return self.kind == "none"


def lora(examples: int, steps: int) -> Attack:
    """The attack of one level of the grid."""
    return Attack(name=f"lora-n{examples}-s{steps}", kind="finetune", examples=examples, steps=steps)


def steering(coefficient: float) -> Defence:
    """The defence of one coefficient."""
    return Defence(name=f"steering-{coefficient:g}", kind="steering", coefficient=coefficient)


def adapter_name(examples: int, steps: int, seed: int) -> str:
    """Name of an adapter and of its folder."""
    return f"n{examples}-s{steps}-r{seed}"


def planned_cells(
    models: Sequence[str], design: RobustnessDesign, *, weights: Sequence[str], finetune: bool = True, condition: str = DEFAULT
) -> tuple[PlannedCell, ...]:
    """
    Every cell, model by model, the model as it was first.

    A steered model is asked without attack, which shows its price, and under the attacks that steering is tried against. A
    tamper-resistant one is asked without attack and under the whole grid of the main data size.

    Parameters
    ----------
    models : sequence of str
        Ids.
    design : RobustnessDesign
        The grid.
    weights : sequence of str
        Those of the models whose weights are at hand: the others are asked as they are and under attacks on the prompt.
    finetune : bool, default True
        Whether models are fine-tuned.
    condition : str
        Name of the condition without an attack on the prompt.

    Raises
    ------
    DomainError
        For a template whose name another attack has.
    """
    prompts = _prompt_attacks(design, condition)
    return tuple(cell for model in models for cell in _of(model, design, prompts, model in set(weights), finetune, condition))


def axes_of(cells: Sequence[PlannedCell]) -> tuple[tuple[Defence, ...], tuple[Attack, ...]]:
    """Defences and attacks of these cells, nothing done first, each once."""
    defences = dict.fromkeys([UNDEFENDED, *(cell.defence for cell in cells)])
    attacks = dict.fromkeys([BASELINE, *(cell.attack for cell in cells)])
    return tuple(defences), tuple(attacks)


def _of(
    model: str, design: RobustnessDesign, prompts: tuple[Attack, ...], weights: bool, finetune: bool, condition: str
) -> Iterator[PlannedCell]:
    def cell(suffix: str, defence: Defence, attack: Attack, *, seed: int | None = None, under: str = condition) -> PlannedCell:
        return PlannedCell(model_id=model, defence=defence, attack=attack, seed=seed, subject=model + suffix, condition=under)

    yield cell("", UNDEFENDED, BASELINE)
    for attack in prompts:
        yield cell("", UNDEFENDED, attack, under=attack.name)
    if not weights:
        return
    grid = design.finetune
    if finetune:
        for examples, steps, seed in _levels(grid, grid.examples, grid.steps):
            yield cell(_tuned(examples, steps, seed), UNDEFENDED, lora(examples, steps), seed=seed)
    if design.geometry is not None and design.geometry.ablation:
        yield cell("+abliterated+k1", UNDEFENDED, ABLATION)
        yield cell("+steered+random", UNDEFENDED, RANDOM_ABLATION)
    if design.steering is not None:
        for coefficient in design.steering.coefficients:
            defence, suffix = steering(coefficient), f"+steered+c{coefficient:g}"
            yield cell(suffix, defence, BASELINE)
            for examples, steps, seed in _levels(grid, (grid.main_examples,), design.steering.against) if finetune else ():
                yield cell(suffix + _tuned(examples, steps, seed), defence, lora(examples, steps), seed=seed)
    if design.tamper_resistance is not None:
        yield cell("+tamper_resistant", TAMPER_RESISTANCE, BASELINE)
        for examples, steps, seed in _levels(grid, (grid.main_examples,), grid.steps) if finetune else ():
            suffix = f"+tamper_resistant{_tuned(examples, steps, seed)}"
            yield cell(suffix, TAMPER_RESISTANCE, lora(examples, steps), seed=seed)


def _levels(grid: FinetuneGrid, examples: Sequence[int], steps: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    for n in sorted(examples):
        for seed in range(grid.seeds):
            for step in sorted(steps):
                yield n, step, seed


def _tuned(examples: int, steps: int, seed: int) -> str:
    return f"+lora_finetune+{adapter_name(examples, steps, seed)}"


def _prompt_attacks(design: RobustnessDesign, condition: str) -> tuple[Attack, ...]:
    asked = design.prompts
    names = [*(f"puzzle-{lines}" for lines in asked.puzzle_lines), *(name for name, _ in asked.templates)]
    grid = design.finetune
    taken = {condition, "none", ABLATION.name, RANDOM_ABLATION.name, *(lora(n, s).name for n in grid.examples for s in grid.steps)}
    for name in names:
        if name in taken or names.count(name) > 1:
            raise DomainError(f"two attacks are called {name!r}; give the template of that name another")
    return tuple(Attack(name=name, kind="prompt") for name in names)
