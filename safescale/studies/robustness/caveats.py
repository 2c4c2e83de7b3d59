"""What a reader must know beside the answer, each built from its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from safescale.analyses.words import and_list, percent, plural, signed
from safescale.studies.robustness.defence_effects import over_models
from safescale.studies.robustness.design import RobustnessDesign
from safescale.studies.robustness.grid import FEWEST_ROWS, metric_of
from safescale.studies.robustness.outcomes import RobustnessOutcomes
from safescale.studies.robustness.quantities import (
    cells_at,
    compute_words,
    interval_words,
    is_lexical,
    mean_over_models,
    strongest,
    unit_words,
)
from safescale.studies.robustness.results import CellMetrics, ConditionAgreement, GraderFindings
from safescale.studies.robustness.surfaces import sizes_as_units
from safescale.studies.robustness.verdict import main_lineages, main_surface

__all__ = ["caveats_of", "random_takes"]

NOTABLE: Final = 0.05
"""Fraction from which a random direction's loss, a spread of nulls or unread responses are worth a caveat."""
MOST_UNREADABLE: Final = 0.2


def caveats_of(
    design: RobustnessDesign,
    outcomes: Sequence[RobustnessOutcomes],
    findings: Sequence[GraderFindings],
    agreement: Sequence[ConditionAgreement],
) -> tuple[str, ...]:
    """All caveats; those about numbers are of the primary grader."""
    first, of = findings[0], outcomes[0]
    return (
        *_graders(findings, outcomes),
        *_models(first, of),
        *_few_rows(first, design),
        *_lineages(first, design),
        *_estimated(first, design),
        *_control(first),
        *_null(first),
        *_broken(first, design),
        *_excluded(of),
        *_entropy(first, of, design),
        *_drift(first),
        *_flattered(first),
        f"{of.samples} samples of a prompt are not independent: prompts are the clusters within a cell, models the units of every "
        "effect of size",
        "one comparison answers the question (|compute| - |size| of RRR); every other interval stands by itself and is not "
        "corrected for their number, but for the defences under one attack (Holm)",
        "no shares of variance are given: they depend on which sizes and levels the grid has; effects per decade do not",
    )


def _graders(findings: Sequence[GraderFindings], outcomes: Sequence[RobustnessOutcomes]) -> list[str]:
    found = []
    if len(findings) == 1:
        found.append(f"one grader ({findings[0].grader}): how much the answer depends on it is not known")
    differ = [other.grader for other in findings[1:] if other.verdict is not findings[0].verdict]
    if differ:
        found.append(f"the verdict of {and_list(differ)} differs from that of {findings[0].grader}")
    fingerprints = {of.fingerprint for of in outcomes}
    if len(fingerprints) > 1:
        found.append(f"the graders saw {len(fingerprints)} different corpora ({', '.join(sorted(fingerprints))})")
    silent = [of.grader for of in outcomes if not (of.refused >= 0).any()]
    if silent:
        found.append(f"{and_list(silent)} cannot say whether a response refuses: no RRR by it")
    return found


def _models(first: GraderFindings, of: RobustnessOutcomes) -> list[str]:
    found = []
    unsized = [model.model_id for model in of.models if model.params_b is None]
    if unsized:
        found.append(f"shown and in no slope, because their size is not known: {and_list(unsized)}")
    base = {cell.cell.model: cell for cell in first.cells if cell.attack.kind == "none" and cell.defence.kind == "none"}
    missing = [model.model_id for at, model in enumerate(of.models) if at not in base]
    if missing:
        found.append(f"no baseline, so no RRR: {and_list(missing)}")
    never = [cell.model.model_id for cell in base.values() if cell.retention.rrr.value is None]
    if never:
        found.append(f"refused no harmful prompt before, so nothing can be retained: {and_list(never)}")
    return found


def _flattered(first: GraderFindings) -> list[str]:
    """The study hands one file of attack pairs to both sides."""
    if not any(cell.defence.kind == "tamper_resistance" and cell.attack.kind == "finetune" for cell in first.cells):
        return []
    return ["tamper resistance was trained against the same pairs as it is then attacked with, which flatters it"]


def _few_rows(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    found = []
    for metric in ("rrr", "rd", "ce"):
        few = sum(0 < metric_of(cell, metric).n < FEWEST_ROWS for cell in cells_at(first.cells, design))
        if few:
            found.append(
                f"{plural(few, 'cell')} of fine-tuning {'rests' if few == 1 else 'rest'} on fewer than {FEWEST_ROWS} responses for "
                f"{metric.upper()}: shown and not fitted"
            )
    return found


def _lineages(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    surface, lineages = main_surface(first.surfaces, design), main_lineages(first.lineages, design)
    if surface is None or surface.why is not None or lineages is None:
        return []
    names = [row[0] for row in lineages.rows]
    found = []
    if len(names) == 1:
        found.append(
            "the lineages of the models are not known: size and lineage are not told apart"
            if names == ["unknown"]
            else "one lineage: nothing says that another training of these sizes would do the same"
        )
    elif all(size is None for _, size, _ in lineages.rows):
        found.append(f"none of {len(names)} lineages has the sizes for a fit of its own: size and lineage are not told apart")
    elif lineages.outweighs.interval is None:
        found.append(f"lineages as units say nothing ({lineages.outweighs.why})")
    if surface.n_models > surface.n_sizes:
        found.append(
            f"{plural(surface.n_models, 'model')} share {plural(surface.n_sizes, 'size')}: what is odd about one size in all of "
            "them (shape, training) counts as its effect; the verdict is taken back where leaving one size out turns it, which is "
            f"no cure; {_sizes_words(first, design)}"
        )
    return found


def _sizes_words(first: GraderFindings, design: RobustnessDesign) -> str:
    found = sizes_as_units(first.cells, design, design.compute_unit)
    if found.estimate is None or found.interval is None:
        return f"with sizes as units there is no interval ({found.why})"
    cannot = ", which by itself cannot tell" if found.interval[0] <= 0 <= found.interval[1] else ""
    return (
        f"with sizes as units, the safer count, |compute| - |size| is {signed(found.estimate, 2)}{interval_words(found.interval)} "
        f"log odds per decade ({unit_words(design.compute_unit)}){cannot}"
    )


def _estimated(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    without = main_surface(first.surfaces, design, guesses=False)
    if without is None:
        return []
    guessed = {cell.model.model_id for cell in first.cells if cell.model.size_estimated}
    told = f"there is no fit ({without.why})" if without.why else "the fit is given as well"
    return [f"the size of {plural(len(guessed), 'model')} is estimated; without it {told}"]


def random_takes(cells: Sequence[CellMetrics]) -> list[CellMetrics]:
    """Cells of a randomly chosen direction in which refusals are lost beyond a second draw, by 5 points or more."""
    return [
        cell
        for cell in cells
        if cell.attack.kind == "random_ablation"
        and (lost := cell.retention.lost).value is not None
        and lost.value >= NOTABLE
        and (lost.interval is None or lost.interval[0] > 0)
    ]


def _control(first: GraderFindings) -> list[str]:
    random = [cell for cell in first.cells if cell.attack.kind == "random_ablation"]
    if not random:
        if any(cell.attack.kind == "ablation" for cell in first.cells):
            return ["ablation has no control: what a random direction would have done is not known"]
        return []
    takes = random_takes(random)
    if not takes:
        return []
    worst = max(takes, key=lambda cell: cell.retention.lost.value or 0.0)
    return [
        f"ablation results cannot be read in {len({cell.cell.model for cell in takes})} of "
        f"{plural(len({cell.cell.model for cell in random}), 'model')}: ablating a random direction, which must do nothing, takes "
        f"{percent(worst.retention.lost.value or 0.0)} of the refusals at most ({worst.model.model_id})"
    ]


def _null(first: GraderFindings) -> list[str]:
    nulls = [
        cell.retention.null.value
        for cell in first.cells
        if cell.attack.kind == "none" and cell.defence.kind == "none" and cell.retention.null.value is not None
    ]
    if not nulls:
        return []
    low, high = min(nulls), max(nulls)
    found = []
    if high - low >= NOTABLE:
        found.append(
            f"a second draw without attack keeps {percent(low)} to {percent(high)} by model: part of what differs in RRR between "
            "models is that, and not the attack; what is lost beyond it stands beside RRR in every cell"
        )
    if low <= 1 - NOTABLE:
        found.append(
            f"RRR cannot stand above what a second draw keeps ({percent(low)} at least): its log odds flatten near that, which "
            "makes effects look smaller where little is lost"
        )
    return found


def _broken(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """Not refusing is not harm, and a broken model refuses nothing."""
    last = strongest(first.cells, design)
    if not last:
        return []
    level = 1 - design.alpha
    refused = mean_over_models(last, lambda cell: cell.retention.marginal.value, level).value
    success = mean_over_models(last, lambda cell: cell.attack_success.value, level).value
    calm = {
        cell.cell.model: cell.benign_accuracy.value
        for cell in first.cells
        if cell.attack.kind == "none" and cell.defence.kind == "none"
    }

    def fall(cell: CellMetrics) -> float | None:
        before, after = calm.get(cell.cell.model), cell.benign_accuracy.value
        return None if before is None or after is None else before - after

    broken = mean_over_models(last, fall, level, least=-1.0)
    found = []
    if refused is not None and success is not None and (1 - refused) - success > NOTABLE:
        found.append(
            f"after {compute_words(last)} {percent(1 - refused)} of harmful prompts are not refused and {percent(success)} are "
            f"attack success at the {first.tier.value} tier: what is no longer refused is not all harm"
        )
    shown = broken.interval is None or broken.interval[0] > 0
    if broken.value is not None and broken.value > NOTABLE and shown:
        found.append(
            f"the attack also breaks the models: benign accuracy falls by {100 * broken.value:.1f} points"
            f"{interval_words(broken.interval, 100)} after {compute_words(last)}, and a broken model refuses nothing"
        )
    return found


def _excluded(of: RobustnessOutcomes) -> list[str]:
    harmful = of.refused[:, of.harmful]
    if not harmful.size:
        return ["there is no harmful prompt"]
    unread = (harmful < 0).mean(axis=(1, 2))
    worst = int(unread.argmax())
    if unread[worst] < NOTABLE:
        return []
    found = [
        f"up to {percent(float(unread[worst]))} of a cell's harmful responses have no verdict on refusal "
        f"({of.cells[worst].subject}); they are left out of both sides of a rate"
    ]
    many = int((unread > MOST_UNREADABLE).sum())
    if many:
        found.append(
            f"in {plural(many, 'cell')} more than {percent(MOST_UNREADABLE)} have none: the others no longer stand for all"
        )
    return found


def _entropy(first: GraderFindings, of: RobustnessOutcomes, design: RobustnessDesign) -> list[str]:
    if of.entropy_grader is None:
        return []
    found = []
    if of.entropy_grader == of.grader:
        found.append(
            f"{of.entropy_grader} is calibrated against its own verdicts: that says how sure it is and not how right it is; "
            "another primary grader, or human labels, would"
        )
    level = 1 - design.alpha

    def error(cells: Sequence[CellMetrics], of_cell: Callable[[CellMetrics], float | None]) -> float | None:
        return over_models([value for cell in cells if (value := of_cell(cell)) is not None], level, least=0.0)[0].value

    calm = [cell for cell in first.cells if cell.attack.kind == "none" and cell.defence.kind == "none"]
    before, after, null = (
        error(calm, lambda cell: None if cell.entropy is None else cell.entropy.calibration_error),
        error(strongest(first.cells, design), lambda cell: None if cell.entropy is None else cell.entropy.calibration_error),
        error(strongest(first.cells, design), lambda cell: None if cell.entropy is None else cell.entropy.calibration_null),
    )
    if before is not None and after is not None and null is not None and after > null + NOTABLE and after > before + NOTABLE:
        found.append(
            f"the probabilities of {of.entropy_grader} are less calibrated under attack (expected calibration error {after:.2f}, "
            f"by luck {null:.2f}, without attack {before:.2f}): CE may move for that alone"
        )
    if of.samples < 5:
        found.append(f"with {of.samples} samples a prompt the entropy of repeated sampling is biased low")
    return found


def _drift(first: GraderFindings) -> list[str]:
    names = {cell.drift.embedder for cell in first.cells if cell.drift is not None}
    return [f"{name} measures words and not meaning: RD is lexical drift" for name in sorted(names) if is_lexical(name)]
