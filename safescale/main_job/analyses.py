"""The questions that can be put to a corpus, each with how it is computed and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

from safescale.analyses import InverseScalingResult, SafetyRoiResult, analyze_inverse_scaling, analyze_safety_roi
from safescale.analyses.headline import Answer
from safescale.analyses.plan import CorpusPlan, Wanted, analyze_plan, plan_of_scaling
from safescale.cells import Counting, Selection
from safescale.main_job.asked import Question
from safescale.report.chapter import Chapter
from safescale.report.figures.sink import FigureSink
from safescale.report.plan_section import plan_chapter
from safescale.report.roi_section import safety_roi_chapter
from safescale.report.scaling_section import scaling_chapter

__all__ = ["Analysis", "inverse_scaling", "plan", "safety_roi"]

Result = TypeVar("Result", bound=Answer)


@attrs.frozen(kw_only=True)
class Analysis(Generic[Result]):
    """
    One question.

    Attributes
    ----------
    command : str
        Its name under ``safescale analyze``.
    key : str
        Its name in JSON.
    run : callable
        Computes the result from the counts of a corpus.
    chapter : callable
        The result as findings and a section: from the result, the command that repeats it, and where figures go (None: nowhere).
    arguments : tuple of str
        Its own options, as a command line has them.
    under : tuple of str
        The command that it is part of; empty for a command of its own.
    """

    command: str
    key: str
    run: Callable[[Counting, Question], Result]
    chapter: Callable[[Result, str, FigureSink | None], Chapter]
    arguments: tuple[str, ...] = ()
    under: tuple[str, ...] = ("analyze",)


def inverse_scaling() -> Analysis[InverseScalingResult]:
    """Does the attack success rate change with model size?"""

    def run(counting: Counting, question: Question) -> InverseScalingResult:
        return analyze_inverse_scaling(
            counting.cells(question.selection),
            counting.models,
            tier=question.tier,
            claim_classes=question.claim_classes or None,
            grader=question.graders or None,
            min_cell=question.min_cell,
            alpha=question.alpha,
            margin_pp=question.margin_pp,
        )

    return Analysis(command="inverse-scaling", key="inverse_scaling", run=run, chapter=scaling_chapter)


def plan(
    wanted: Wanted | None = None, arguments: tuple[str, ...] = (), *, scaling: InverseScalingResult | None = None
) -> Analysis[CorpusPlan]:
    """What would settle it: models, sizes and prompts. ``scaling`` is the answer to inverse scaling where it is there already."""

    def run(counting: Counting, question: Question) -> CorpusPlan:
        cells = counting.cells(question.selection)
        if scaling is not None:
            return plan_of_scaling(scaling, cells, wanted=wanted)
        return analyze_plan(
            cells,
            counting.models,
            wanted=wanted,
            tier=question.tier,
            claim_classes=question.claim_classes or None,
            grader=question.graders or None,
            min_cell=question.min_cell,
            alpha=question.alpha,
            margin_pp=question.margin_pp,
        )

    return Analysis(command="plan", key="plan", run=run, chapter=plan_chapter, arguments=arguments, under=())


def safety_roi(*, residual_pp: float = 10.0) -> Analysis[SafetyRoiResult]:
    """
    Does provider or size carry the differences between models?

    Parameters
    ----------
    residual_pp : float, default 10.0
        Residual from which a provider is called over- or under-invested. Unit: percentage points.
    """

    def run(counting: Counting, question: Question) -> SafetyRoiResult:
        return analyze_safety_roi(
            counting.cells(question.selection),
            counting.models,
            other_tampering=counting.cells(_other_tampering(question.selection)),
            tier=question.tier,
            claim_classes=question.claim_classes or None,
            grader=question.graders or None,
            min_cell=question.min_cell,
            alpha=question.alpha,
            margin_pp=question.margin_pp,
            threshold_pp=residual_pp,
        )

    arguments = () if residual_pp == 10.0 else ("--residual-pp", f"{residual_pp:g}")
    return Analysis(command="safety-roi", key="safety_roi", run=run, chapter=safety_roi_chapter, arguments=arguments)


def _other_tampering(selection: Selection) -> Selection:
    """The same with tampered models, or without them where they are in."""
    return attrs.evolve(selection, tampered="exclude" if selection.tampered == "include" else "include")
