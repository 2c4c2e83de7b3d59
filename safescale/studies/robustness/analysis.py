"""The analysis of a robustness study: verdicts in, an answer in words out."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.errors import DomainError
from safescale.studies.robustness.agreement import agreement_of
from safescale.studies.robustness.caveats import caveats_of
from safescale.studies.robustness.cell_metrics import cell_metrics
from safescale.studies.robustness.defence_effects import defence_effects
from safescale.studies.robustness.design import RobustnessDesign
from safescale.studies.robustness.forms import forms_of
from safescale.studies.robustness.half_compute import half_compute_of
from safescale.studies.robustness.lineages import lineages_of
from safescale.studies.robustness.outcomes import RobustnessOutcomes
from safescale.studies.robustness.results import GeometryOfModel, GraderFindings, RobustnessResult
from safescale.studies.robustness.sentences import sentences_of
from safescale.studies.robustness.surfaces import surfaces_of
from safescale.studies.robustness.verdict import verdict_of, verdict_over_graders

__all__ = ["analyze_robustness", "findings_of"]


def analyze_robustness(
    design: RobustnessDesign, outcomes: Sequence[RobustnessOutcomes], geometry: Sequence[GeometryOfModel] = ()
) -> RobustnessResult:
    """
    What a robustness study found.

    Parameters
    ----------
    design : RobustnessDesign
        As planned.
    outcomes : sequence of RobustnessOutcomes
        One for each grader, the primary one first; all on the same axes.
    geometry : sequence of GeometryOfModel, optional
        Refusal directions of the models, where they were looked for.

    Returns
    -------
    RobustnessResult
        All findings of every grader; the verdict is the primary grader's, unless another reaches the opposite one.

    Raises
    ------
    DomainError
        If there is no grader, one comes twice, graders have different axes, or an entropy is impossible.
    """
    if not outcomes:
        raise DomainError("a robustness study needs the outcomes of at least one grader, got none; grade the responses first")
    graders = [of.grader for of in outcomes]
    if len(set(graders)) < len(graders):
        raise DomainError(f"every grader has one set of outcomes, got {graders!r}")
    agreement = agreement_of(outcomes, level=1 - design.alpha)
    findings = tuple(findings_of(design, of, primary=outcomes[0]) for of in outcomes)
    said = verdict_over_graders(findings)
    return RobustnessResult(
        design=design,
        graders=findings,
        geometry=tuple(geometry),
        agreement=agreement,
        verdict=said.verdict,
        sentences=sentences_of(design, findings, agreement, tuple(geometry), said),
        caveats=caveats_of(design, outcomes, findings, agreement),
    )


def findings_of(
    design: RobustnessDesign, outcomes: RobustnessOutcomes, *, primary: RobustnessOutcomes | None = None
) -> GraderFindings:
    """All that rests on one grader; ``primary`` as in `cell_metrics`."""
    cells = cell_metrics(outcomes, level=1 - design.alpha, primary=primary)
    surfaces, lineages, half = surfaces_of(cells, design), lineages_of(cells, design), half_compute_of(cells, design)
    said = verdict_of(design, cells, surfaces, lineages, half)
    return GraderFindings(
        grader=outcomes.grader,
        tier=outcomes.tier,
        fingerprint=outcomes.fingerprint,
        cells=cells,
        surfaces=surfaces,
        lineages=lineages,
        half=half,
        forms=forms_of(cells, design),
        defences=defence_effects(cells, design),
        verdict=said.verdict,
        reasons=said.reasons,
    )
