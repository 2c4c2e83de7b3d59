"""What is asked of a plan, and every assumption that its numbers rest on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import attrs
import numpy as np

from safescale.analyses.plan.design import Design, design_of
from safescale.errors import DomainError

__all__ = ["Assumptions", "LabelQuestion", "Origin", "Stated", "Wanted", "assumptions_of"]

Origin: TypeAlias = Literal["given", "assumed", "corpus"]
"""Who says so: whoever asks, a default of this program, or the rows."""

LOG10_OF_2 = math.log10(2.0)

DEFAULTS: Mapping[str, float] = {
    "effect_pp_per_decade": 5.0,
    "base_rate": 0.5,
    "prompts": 100,
    "traces_per_prompt": 1,
    "prompt_icc": 0.0,
    "models": 8,
    "min_b": 0.5,
    "max_b": 70.0,
    "tests": 1,
    "power": 0.8,
    "alpha": 0.05,
    "margin_pp": 5.0,
    "level": 0.95,
}
"""Taken where nobody says otherwise, and marked so. A rate of a half has the most sampling noise."""


@attrs.frozen(kw_only=True)
class Wanted:
    """
    What is asked; None leaves it to the corpus, else to a default that the result names.

    Attributes
    ----------
    effect_pp_per_decade, effect_pp_per_doubling : float or None
        The slope to be found, of either direction; one of the two.
    tau_pp : float or None
        Spread between models of one size. Without it every answer is given over a range.
    base_rate : float or None
        Rate at which sampling noise is taken (fraction).
    prompts, traces_per_prompt : int or None
        Of each model.
    prompt_icc : float or None
        Correlation of two traces of one prompt and model.
    sizes_b : tuple of float or None
        Sizes of the models at hand (billions); further models are then like these.
    min_b, max_b, models
        Instead: that many models, evenly over log size between two sizes.
    standard_error_pp_per_decade, standard_error_pp_per_doubling : float or None
        Instead: the standard error of a fitted slope over ``models`` models, as a publication gives it.
    tests : int or None
        Tests between which alpha is divided (the first step of Holm).
    power, alpha, level : float or None
        Chance to find the slope, family-wise level, coverage of intervals.
    margin_pp : float or None
        Largest slope that counts as flat, pp per decade.
    half_width_pp, sensitivity, specificity, ppv, npv : float or None
        The question of labels: half-width wanted, and the grader seen from the truth or from its grades.
    """

    effect_pp_per_decade: float | None = None
    effect_pp_per_doubling: float | None = None
    tau_pp: float | None = None
    base_rate: float | None = None
    prompts: int | None = None
    traces_per_prompt: int | None = None
    prompt_icc: float | None = None
    sizes_b: tuple[float, ...] | None = None
    min_b: float | None = None
    max_b: float | None = None
    models: int | None = None
    standard_error_pp_per_decade: float | None = None
    standard_error_pp_per_doubling: float | None = None
    tests: int | None = None
    power: float | None = None
    alpha: float | None = None
    margin_pp: float | None = None
    level: float | None = None
    half_width_pp: float | None = None
    sensitivity: float | None = None
    specificity: float | None = None
    ppv: float | None = None
    npv: float | None = None


@attrs.frozen(kw_only=True)
class Stated:
    """One assumption: a number, its unit, and who says so."""

    name: str
    value: float | None
    unit: str
    origin: Origin
    note: str = ""


@attrs.frozen(kw_only=True)
class LabelQuestion:
    """Half-width wanted of a corrected rate (fraction), and the grader by its truth or by its grades."""

    half_width: float
    sensitivity: float | None
    specificity: float | None
    ppv: float | None
    npv: float | None


@attrs.frozen(kw_only=True)
class Assumptions:
    """
    Everything that the numbers of a plan rest on, complete.

    ``tau_pp`` is None where nobody knows it; ``tau_cautious_pp`` is its upper limit where a corpus gave one. ``prompts`` is
    None where sampling noise is part of tau. ``design`` says which models there are and how further ones are spread.
    ``stated`` lists all of it with its origin.
    """

    effect_pp_per_decade: float
    tau_pp: float | None
    tau_cautious_pp: float | None
    base_rate: float
    prompts: int | None
    traces_per_prompt: int
    prompt_icc: float
    design: Design
    tests: int
    power: float
    alpha: float
    margin_pp: float
    level: float
    labels: LabelQuestion | None
    stated: tuple[Stated, ...]

    @property
    def design_effect(self) -> float:
        """Factor on the binomial variance for traces that share a prompt."""
        return 1.0 + (self.traces_per_prompt - 1) * self.prompt_icc

    @property
    def trials(self) -> int | None:
        """Traces per model."""
        return None if self.prompts is None else self.prompts * self.traces_per_prompt

    @property
    def alpha_per_test(self) -> float:
        """Level of the first step of Holm, which a plan has to reach."""
        return self.alpha / self.tests

    @property
    def sampling_variance(self) -> float:
        """Of one model's rate (fraction squared)."""
        trials = self.trials
        return 0.0 if trials is None else self.design_effect * self.base_rate * (1 - self.base_rate) / trials


def assumptions_of(wanted: Wanted, seen: Sequence[Stated] = (), *, sizes_b: Sequence[float] | None = None) -> Assumptions:
    """
    Complete what was asked: by what was seen in a corpus, else by defaults.

    Parameters
    ----------
    wanted : Wanted
        What is asked; it goes before everything else.
    seen : sequence of Stated
        What a corpus says, by the names of ``Wanted``, and ``tau_cautious_pp``.
    sizes_b : sequence of float, optional
        Sizes of the models of the corpus.

    Raises
    ------
    DomainError
        If something is out of range or said twice; the message names the option and what to state instead.
    """
    _refuse_contradictions(wanted)
    found = {stated.name: stated for stated in seen}
    effect, effect_origin = _per_decade(wanted, "effect_pp_per_{}", found)
    taken = {name: _taken(name, getattr(wanted, name), found) for name in _PLAIN}
    if "sampling_noise_in_tau" in found and wanted.prompts is None:
        taken["prompts"] = Stated(
            name="prompts", value=None, unit="prompts per model", origin="corpus", note="tau holds their noise"
        )
    tau = _tau(wanted, found)
    values = {name: stated.value for name, stated in taken.items()}
    standard_error, _ = _per_decade(wanted, "standard_error_pp_per_{}", found)
    design = design_of(
        sizes_b=wanted.sizes_b if wanted.sizes_b is not None else sizes_b,
        min_b=wanted.min_b,
        max_b=wanted.max_b,
        models=wanted.models,
        standard_error_pp_per_decade=standard_error,
        defaults=DEFAULTS,
    )
    cautious = found.get("tau_cautious_pp")
    made = Assumptions(
        effect_pp_per_decade=DEFAULTS["effect_pp_per_decade"] if effect is None else effect,
        tau_pp=tau.value,
        tau_cautious_pp=None if cautious is None or tau.origin == "given" else cautious.value,
        base_rate=_real(values["base_rate"]),
        prompts=None if values["prompts"] is None else int(values["prompts"]),
        traces_per_prompt=int(_real(values["traces_per_prompt"])),
        prompt_icc=_real(values["prompt_icc"]),
        design=design,
        tests=int(_real(values["tests"])),
        power=_real(values["power"]),
        alpha=_real(values["alpha"]),
        margin_pp=_real(values["margin_pp"]),
        level=_real(values["level"]),
        labels=_labels(wanted),
        stated=(
            Stated(
                name="effect_pp_per_decade",
                value=DEFAULTS["effect_pp_per_decade"] if effect is None else effect,
                unit="pp per decade",
                origin=effect_origin,
            ),
            *([] if design.kind == "standard_error" else [tau]),
            *([] if cautious is None or tau.origin == "given" else [cautious]),
            *(stated for stated in taken.values() if design.kind != "standard_error" or stated.name not in _IN_AN_ERROR),
        ),
    )
    _check(made)
    return made


_UNITS = {
    "base_rate": "fraction",
    "prompts": "prompts per model",
    "traces_per_prompt": "traces per prompt and model",
    "prompt_icc": "correlation",
    "tests": "tests in the family",
    "power": "probability",
    "alpha": "probability",
    "margin_pp": "pp per decade",
    "level": "probability",
}
_PLAIN = tuple(_UNITS)


_IN_AN_ERROR = ("base_rate", "prompts", "traces_per_prompt", "prompt_icc")
"""A published standard error holds all of these."""


def _taken(name: str, given: float | None, found: Mapping[str, Stated]) -> Stated:
    if given is not None:
        return Stated(name=name, value=given, unit=_UNITS[name], origin="given")
    return found.get(name) or Stated(name=name, value=DEFAULTS[name], unit=_UNITS[name], origin="assumed")


def _tau(wanted: Wanted, found: Mapping[str, Stated]) -> Stated:
    if wanted.tau_pp is not None:
        return Stated(name="tau_pp", value=wanted.tau_pp, unit="pp", origin="given")
    return found.get("tau_pp") or Stated(name="tau_pp", value=None, unit="pp", origin="assumed", note="not known: a range is shown")


def _per_decade(wanted: Wanted, name: str, found: Mapping[str, Stated]) -> tuple[float | None, Origin]:
    """What may be said per decade or per doubling, per decade."""
    decade, doubling = getattr(wanted, name.format("decade")), getattr(wanted, name.format("doubling"))
    if decade is not None:
        return decade, "given"
    if doubling is not None:
        return doubling / LOG10_OF_2, "given"
    seen = found.get(name.format("decade"))
    return (None, "assumed") if seen is None else (seen.value, seen.origin)


def _labels(wanted: Wanted) -> LabelQuestion | None:
    if wanted.half_width_pp is None:
        return None
    return LabelQuestion(
        half_width=wanted.half_width_pp / 100,
        sensitivity=wanted.sensitivity,
        specificity=wanted.specificity,
        ppv=wanted.ppv,
        npv=wanted.npv,
    )


def _real(value: float | None) -> float:
    assert value is not None
    return value


def _refuse_contradictions(wanted: Wanted) -> None:
    for name in ("effect_pp_per", "standard_error_pp_per"):
        if getattr(wanted, f"{name}_decade") is not None and getattr(wanted, f"{name}_doubling") is not None:
            words = name.replace("_pp_per", "").replace("_", " ")
            raise DomainError(f"the {words} is given per decade and per doubling; give one, a doubling is {LOG10_OF_2:.3f} decades")
    published = wanted.standard_error_pp_per_decade is not None or wanted.standard_error_pp_per_doubling is not None
    if published:
        clash = [n for n in ("tau_pp", "sizes_b", "min_b", "max_b", "prompts", "prompt_icc") if getattr(wanted, n) is not None]
        if clash:
            raise DomainError(f"a published standard error already holds {', '.join(clash)}; leave them out, or leave it out")
        if wanted.models is None:
            raise DomainError("a published standard error needs the number of models behind it; give models")
    if wanted.sizes_b is not None and (wanted.min_b, wanted.max_b, wanted.models) != (None, None, None):
        raise DomainError("sizes are given one by one and as a range; give the sizes, or the smallest, the largest and a number")
    grader = [name for name in ("sensitivity", "specificity", "ppv", "npv") if getattr(wanted, name) is not None]
    if wanted.half_width_pp is None and grader:
        raise DomainError(f"{', '.join(grader)} says how good the grader is; how narrow must the rate be? Give half_width_pp")
    if wanted.half_width_pp is not None and grader not in (["sensitivity", "specificity"], ["ppv", "npv"]):
        raise DomainError("labels are planned from sensitivity and specificity, or from ppv and npv; give both of one pair")


def _check(made: Assumptions) -> None:
    """Every number where a plan is defined; the message names the option."""
    if not (0 < made.effect_pp_per_decade <= 100 and math.isfinite(made.effect_pp_per_decade)):
        raise DomainError(
            f"the effect must lie in (0, 100] pp per decade, got {made.effect_pp_per_decade:g}; the plan looks in both directions, "
            "so state its size"
        )
    if made.tau_pp is not None and not 0 <= made.tau_pp <= 50:
        raise DomainError(f"tau_pp must lie in [0, 50] percentage points, got {made.tau_pp:g}; a fraction times 100 is one")
    if not 0 < made.base_rate < 1:
        raise DomainError(f"base_rate must lie strictly between 0 and 1, got {made.base_rate:g}; a percentage over 100 is one")
    if made.prompts is not None and made.prompts < 1:
        raise DomainError(f"prompts must be at least 1 per model, got {made.prompts}")
    if made.traces_per_prompt < 1:
        raise DomainError(f"traces_per_prompt must be at least 1, got {made.traces_per_prompt}")
    if not 0 <= made.prompt_icc <= 1:
        raise DomainError(f"prompt_icc must lie in [0, 1], got {made.prompt_icc:g}; 0 where traces of a prompt are independent")
    if made.tests < 1:
        raise DomainError(f"tests must be at least 1, got {made.tests}; it is the number of series that are tested together")
    if not 0 < made.alpha < 0.5:
        raise DomainError(f"alpha must lie strictly between 0 and 0.5, got {made.alpha:g}")
    if not made.alpha < made.power < 1:
        raise DomainError(f"power must lie between alpha ({made.alpha:g}) and 1, got {made.power:g}; 0.8 is usual")
    if not made.margin_pp > 0:
        raise DomainError(f"margin_pp must be positive, got {made.margin_pp:g}; state the largest slope that counts as flat")
    if not 0 < made.level < 1:
        raise DomainError(f"level must lie strictly between 0 and 1, got {made.level:g}")
    if made.labels is not None and not 0 < made.labels.half_width < 0.5:
        raise DomainError(f"half_width_pp must lie in (0, 50), got {100 * made.labels.half_width:g}; it is half an interval")
    if made.prompts is None and made.tau_pp is not None and made.tau_pp == 0:
        raise DomainError("tau 0 and no sampling noise leave nothing to plan against; give tau_pp, or prompts")
    if not np.all(np.isfinite(made.design.sizes_b)):
        raise DomainError("sizes must be finite numbers of billions of parameters")
