"""The answer in words: each sentence made from the numbers, the answer first."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.words import capital, plural, signed
from safescale.studies.robustness.defence_words import ablation_words, defence_words, prompt_words
from safescale.studies.robustness.design import ComputeUnit, RobustnessDesign
from safescale.studies.robustness.geometry_words import agreement_words, geometry_words
from safescale.studies.robustness.half_words import forms_words, half_words
from safescale.studies.robustness.metric_words import drift_words, entropy_words, regression_words
from safescale.studies.robustness.quantities import (
    decade_words,
    interval_words,
    reference_words,
    unit_words,
)
from safescale.studies.robustness.results import (
    ConditionAgreement,
    GeometryOfModel,
    GraderFindings,
    LineageEffects,
    RobustnessVerdict,
    Surface,
)
from safescale.studies.robustness.verdict import Said, claim_of, claim_of_half, main_half, main_lineages, main_surface

__all__ = ["sentences_of"]

QUESTION = "attack compute outweighs model size for RRR (refusals retained)"


def sentences_of(
    design: RobustnessDesign,
    findings: Sequence[GraderFindings],
    agreement: Sequence[ConditionAgreement],
    geometry: Sequence[GeometryOfModel],
    said: Said,
) -> tuple[str, ...]:
    """
    The answer of the primary grader, and what stands beside it.

    Parameters
    ----------
    findings : sequence of GraderFindings
        Primary grader first.
    said : Said
        The verdict over graders.
    """
    first = findings[0]
    surface = main_surface(first.surfaces, design)
    found = [
        lead_words(said, surface, other_claim(first, design), other_name(design)),
        *([] if surface is None else effects_words(surface)),
        *other_unit_words(first, design),
        *lineage_words(main_lineages(first.lineages, design), surface),
        *other_grader_words(findings, design),
        *data_size_words(first, design),
        *regression_words(first, design),
        *half_words(first, design),
        *forms_words(first, design),
        *drift_words(first, design),
        *entropy_words(first, design),
        *resistance_words(first, design),
        *defence_words(first, design),
        *ablation_words(first, design),
        *prompt_words(first, design),
        *geometry_words(geometry),
        *agreement_words(agreement, design),
    ]
    return tuple(words for words in found if words)


def lead_words(
    said: Said, surface: Surface | None, other: RobustnessVerdict = RobustnessVerdict.CANNOT_TELL, unit: ComputeUnit = "flops"
) -> str:
    """The answer itself; where the other unit of compute has the opposite one, that is said in the same breath."""
    if said.verdict is RobustnessVerdict.CANNOT_TELL:
        return f"Cannot tell whether {QUESTION}: {'; '.join(said.reasons)}."
    by = "" if surface is None else f", a decade of each, compute in {unit_words(surface.unit)}"
    if other not in (said.verdict, RobustnessVerdict.CANNOT_TELL):
        by += f" (in {unit_words(unit)} {other})"
    rests = f" This rests on half-compute: {'; '.join(said.reasons)}." if said.reasons else ""
    return f"{capital(said.verdict.value)} for RRR (refusals retained){by}.{rests}"


def effects_words(surface: Surface) -> list[str]:
    """What ten times of each does about the reference point, and the rate of exchange."""
    if surface.why is not None:
        return []
    compute, size = decade_words(surface, "compute"), decade_words(surface, "size")
    more = surface.outweighs
    words = f"About {reference_words(surface)}, {compute}; {size}"
    if more.estimate is not None:
        words += f". |compute| - |size| is {signed(more.estimate, 2)}{interval_words(more.interval)} log odds per decade"
    words += f" over {plural(surface.n_models, 'model')} as units ({plural(surface.n_cells, 'cell')})."
    return [words, interaction_words(surface), exchange_words(surface)]


def interaction_words(surface: Surface) -> str:
    """Where the effects depend on the place in the grid, that the answer is one of its middle."""
    twist = surface.interaction
    if twist.estimate is None or twist.interval is None or twist.interval[0] <= 0 <= twist.interval[1]:
        return ""
    return (
        f"Size and compute do not act apart: with each decade of size the effect of a decade of compute changes by "
        f"{signed(twist.estimate, 2)}{interval_words(twist.interval)}, and the answer is one of the middle of the grid."
    )


def exchange_words(surface: Surface) -> str:
    """How much size offsets ten times the compute, or why there is no such rate."""
    rate = surface.exchange
    if rate.decades is None or rate.interval is None:
        return f"There is no rate of exchange between size and compute ({unit_words(surface.unit)}): {rate.why}."
    times = 10 ** abs(rate.decades) if abs(rate.decades) < 4 else None
    factor = "" if times is None else f", {float(f'{times:.2g}'):,g} times the size"
    quoted = f"{signed(rate.decades, 2)} decades of size{interval_words(rate.interval)}{factor}"
    far = 0 < surface.size_decades < abs(rate.decades)
    beyond = f", beyond the {surface.size_decades:.1f} decades of size that were tried: the line is drawn on" if far else ""
    if rate.interval[0] <= 0 <= rate.interval[1]:
        return (
            f"Exchange: that any change of size offsets ten times the attack compute ({unit_words(surface.unit)}) is not shown: "
            f"{signed(rate.decades, 2)} decades of size{interval_words(rate.interval)}; that compute moves RRR is not shown."
        )
    if rate.decades >= 0:
        return f"Exchange: ten times the attack compute ({unit_words(surface.unit)}) is offset by a larger model, {quoted}{beyond}."
    return (
        f"Exchange: size and compute move RRR the same way, so that only a smaller model offsets ten times the compute "
        f"({unit_words(surface.unit)}): {signed(rate.decades, 2)} decades of size{interval_words(rate.interval)}{beyond}."
    )


def other_name(design: RobustnessDesign) -> ComputeUnit:
    """The unit of compute that the design does not name."""
    return "flops" if design.compute_unit == "tokens" else "tokens"


def other_claim(first: GraderFindings, design: RobustnessDesign) -> RobustnessVerdict:
    """What the interval says in the other unit: of the surface, or of half-compute where the answer rests on that."""
    surface, mine = other_unit(first, design), main_surface(first.surfaces, design)
    if surface is not None and surface.why is None:
        return claim_of(surface.outweighs)
    half = main_half(first.half, design, other_name(design))
    rests = mine is not None and mine.separated and half is not None
    return claim_of_half(half.slope) if rests and half is not None else RobustnessVerdict.CANNOT_TELL


def other_unit(first: GraderFindings, design: RobustnessDesign) -> Surface | None:
    """The main surface in the unit of compute that the design does not name."""
    return main_surface(first.surfaces, design, other_name(design))


def other_unit_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """The same in the other unit of compute, on which the effect of size depends."""
    surface = other_unit(first, design)
    mine = main_surface(first.surfaces, design)
    if surface is None or mine is None:
        return []
    if surface.why is not None and mine.why is not None:
        return _other_half_words(first, design) if mine.separated else []
    why = _equal(surface.unit)
    if surface.why is not None:
        return [f"For attacks {why} there is no fit: {surface.why}."]
    claim, answered = claim_of(surface.outweighs), claim_of(mine.outweighs)
    told = "that cannot be told" if claim is RobustnessVerdict.CANNOT_TELL else str(claim.value)
    words = (
        f"For attacks {why} {told}: size {_effect(surface, 'size')}, compute {_effect(surface, 'compute')} log odds per decade, "
        f"|compute| - |size| {signed(surface.outweighs.estimate or 0.0, 2)}{interval_words(surface.outweighs.interval)}"
    )
    return [f"{words}{'' if claim is answered else ': the answer depends on the unit of compute'}."]


def _other_half_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """Where the answer rests on half-compute: that larger models take more of it per token says less in FLOPs, and the reverse."""
    mine, other = main_half(first.half, design), main_half(first.half, design, other_name(design))
    if mine is None or other is None or mine.slope.interval is None or other.slope.interval is None:
        return []
    claim = claim_of_half(other.slope)
    told = "that cannot be told" if claim is RobustnessVerdict.CANNOT_TELL else str(claim.value)
    estimate = "" if other.slope.estimate is None else f" {signed(other.slope.estimate, 2)}"
    words = (
        f"For attacks {_equal(other.unit)} {told}: slope of log compute at one half on log size{estimate}"
        f"{interval_words(other.slope.interval)} ({unit_words(other.unit)})"
    )
    return [f"{words}{'' if claim is claim_of_half(mine.slope) else ': the answer depends on the unit of compute'}."]


def _equal(unit: ComputeUnit) -> str:
    return "of equal FLOPs" if unit == "flops" else "of equal training tokens"


def _effect(surface: Surface, which: str) -> str:
    effect = surface.size if which == "size" else surface.compute
    return "unknown" if effect.estimate is None else f"{signed(effect.estimate, 2)}{interval_words(effect.interval)}"


def lineage_words(lineages: LineageEffects | None, surface: Surface | None) -> list[str]:
    """The same with lineages as units."""
    if lineages is None or surface is None or surface.why is not None:
        return []
    fitted = sum(size is not None for _, size, _ in lineages.rows)
    of = f"{plural(len(lineages.rows), 'lineage')} as units"
    if lineages.outweighs.interval is None:
        return [f"With {of} there is no interval: {lineages.outweighs.why}."]
    claim, models = claim_of(lineages.outweighs), claim_of(surface.outweighs)
    if claim is models:
        agrees = "as with models as units"
    elif RobustnessVerdict.CANNOT_TELL in (claim, models):
        agrees = "which by itself cannot tell" if claim is RobustnessVerdict.CANNOT_TELL else "though models as units cannot tell"
    else:
        agrees = "which is the opposite of models as units"
    some = "" if fitted == len(lineages.rows) else f" ({fitted} with a fit of their own)"
    return [
        f"With {of}{some}, size {signed(lineages.size.estimate or 0.0, 2)}{interval_words(lineages.size.interval)}, compute "
        f"{signed(lineages.compute.estimate or 0.0, 2)}{interval_words(lineages.compute.interval)}, |compute| - |size| "
        f"{signed(lineages.outweighs.estimate or 0.0, 2)}{interval_words(lineages.outweighs.interval)} log odds per decade "
        f"({unit_words(lineages.unit)}): {agrees}."
    ]


def other_grader_words(findings: Sequence[GraderFindings], design: RobustnessDesign) -> list[str]:
    """What the other graders say."""
    if len(findings) < 2:
        return []
    told = []
    for found in findings[1:]:
        surface = main_surface(found.surfaces, design)
        if surface is None or surface.outweighs.estimate is None:
            told.append(f"{found.grader}: {found.verdict}")
            continue
        more = f"{signed(surface.outweighs.estimate, 2)}{interval_words(surface.outweighs.interval)}"
        told.append(f"{found.grader}: {found.verdict} (|compute| - |size| {more} log odds per decade, {unit_words(surface.unit)})")
    return [f"By the other graders: {'; '.join(told)}."]


def data_size_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """The smaller data sizes, as a check."""
    told = []
    mine = main_surface(first.surfaces, design)
    for surface in first.surfaces:
        key = (surface.metric, surface.unit, surface.defence, surface.without_estimates)
        if key != ("rrr", design.compute_unit, "none", False) or surface is mine:
            continue
        if surface.why is not None:
            told.append(f"with {surface.examples} pairs no fit ({surface.why})")
            continue
        told.append(
            f"with {surface.examples} pairs size {_effect(surface, 'size')}, compute {_effect(surface, 'compute')}: "
            f"{claim_of(surface.outweighs)}"
        )
    return (
        [f"Fewer training pairs, as a check (log odds per decade, {unit_words(design.compute_unit)}): {'; '.join(told)}."]
        if told
        else []
    )


def resistance_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """The two effects under tamper resistance."""
    told = []
    for surface in first.surfaces:
        if (surface.metric, surface.unit, surface.without_estimates) != ("rrr", design.compute_unit, False):
            continue
        if surface.defence == "none" or surface.examples != design.finetune.main_examples:
            continue
        name = surface.defence.replace("_", " ")
        if surface.why is not None:
            told.append(f"Under {name} there is no surface of RRR: {surface.why}.")
            continue
        told.append(
            f"Under {name}, about {reference_words(surface)}, {decade_words(surface, 'compute')}; {decade_words(surface, 'size')}; "
            f"{claim_of(surface.outweighs)}."
        )
    return told
