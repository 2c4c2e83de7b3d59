"""Defences with their price, the control of ablation, and attacks by the prompt alone, in words."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.words import p_clause, percent, plural, signed
from safescale.studies.robustness.design import RobustnessDesign
from safescale.studies.robustness.outcomes import Defence
from safescale.studies.robustness.quantities import interval_words, mean_over_models
from safescale.studies.robustness.results import DefenceEffect, Estimate, GraderFindings

__all__ = ["ablation_words", "compared_attack", "defence_words", "prompt_words"]


def compared_attack(effects: Sequence[DefenceEffect], design: RobustnessDesign) -> str | None:
    """
    The attack under which the defences are told: fixed by the design, not by what came out.

    The most steps that steering is tried against; without steering, the most steps of the grid; at the main data size.
    """
    trained = [found.attack for found in effects if found.attack.examples == design.finetune.main_examples]
    wanted = max(design.steering.against) if design.steering is not None and design.steering.against else None
    for attack in trained:
        if attack.steps == wanted:
            return attack.name
    return max(trained, key=lambda attack: attack.steps or 0).name if trained else None


def defence_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """One sentence a defence: its gain under the attack that the design fixed, and its price without attack."""
    at = compared_attack(first.defences, design)
    told = []
    for effect in first.defences:
        if effect.attack.name == at:
            told.append(_defence(effect, design))
    return told


def _defence(effect: DefenceEffect, design: RobustnessDesign) -> str:
    gain = effect.gain
    name = defence_name(effect.defence)
    under = f"under {effect.attack.steps} steps on {effect.attack.examples} pairs"
    if gain.value is None:
        return f"{name} {under}: not known ({gain.why})."
    p = effect.adjusted_p
    shown = p is not None and p <= design.alpha
    verb = ("adds to" if gain.value > 0 else "takes from") if shown else "does not demonstrably move"
    quoted = f"{points(gain)} points{'' if p is None else f', {p_clause(p)} by Holm'}, {plural(gain.n, 'model')}"
    return (
        f"{name} {verb} refusal of harmful prompts {under} ({quoted}); its price without attack: over-refusal "
        f"{points(effect.over_refusal_cost)} points, benign accuracy {points(effect.accuracy_cost, turned=True)} points."
    )


def defence_name(defence: Defence) -> str:
    """``steering x 1``, ``tamper resistance``."""
    if defence.kind == "steering" and defence.coefficient is not None:
        return f"steering x {defence.coefficient:g}"
    return defence.name.replace("_", " ")


def points(estimate: Estimate, *, turned: bool = False) -> str:
    """A difference of fractions in points with its interval; ``turned``: with the other sign."""
    if estimate.value is None:
        return "unknown"
    side = -1 if turned else 1
    interval = None if estimate.interval is None else tuple(sorted(100 * side * end for end in estimate.interval))
    quoted = signed(100 * side * estimate.value)
    return quoted if interval is None else f"{quoted} [{signed(interval[0])}, {signed(interval[1])}]"


def ablation_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """What ablating the direction takes, and what a random one takes."""
    level = 1 - design.alpha
    found = {}
    for kind in ("ablation", "random_ablation"):
        cells = [cell for cell in first.cells if cell.attack.kind == kind and cell.defence.kind == "none"]
        if cells:
            found[kind] = mean_over_models(cells, lambda cell: cell.retention.rrr.value, level)
    told = []
    if (one := found.get("ablation")) is not None and one.value is not None:
        told.append(f"ablating the refusal direction leaves RRR {percent(one.value)}{interval_words(one.interval, 100)}")
    if (one := found.get("random_ablation")) is not None and one.value is not None:
        told.append(f"ablating a random one leaves {percent(one.value)}{interval_words(one.interval, 100)}")
    if not told:
        return []
    words = "; ".join(told)
    models = [one.n for one in found.values() if one.value is not None]
    return [f"{words[0].upper()}{words[1:]} ({means_words(models)})."]


def means_words(models: Sequence[int]) -> str:
    """Of how many models a mean is, which are the units of its interval."""
    low, high = min(models), max(models)
    return f"means over {plural(high, 'model') if low == high else f'{low} to {high} models'} as units"


def prompt_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """Attacks without training stand beside the grid."""
    level = 1 - design.alpha
    told, models = [], []
    for name in dict.fromkeys(cell.attack.name for cell in first.cells if cell.attack.kind == "prompt"):
        cells = [cell for cell in first.cells if cell.attack.name == name and cell.defence.kind == "none"]
        rrr = mean_over_models(cells, lambda cell: cell.retention.rrr.value, level)
        if rrr.value is not None:
            models.append(rrr.n)
            told.append(f"{name} leaves RRR {percent(rrr.value)}{interval_words(rrr.interval, 100)}")
    return (
        [f"Attacks by the prompt alone, which have no training compute: {'; '.join(told)} ({means_words(models)})."] if told else []
    )
