"""The questions that can be put to a corpus, each with how it is computed and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import attrs

from safescale.analyses import (
    InverseScalingResult,
    LineageResult,
    ReemergenceResult,
    analyze_inverse_scaling,
    analyze_lineage,
    analyze_reemergence,
)
from safescale.analyses.headline import Answer
from safescale.cells import Counting
from safescale.main_job.asked import Question
from safescale.report.chapter import Chapter
from safescale.report.figures.sink import FigureSink
from safescale.report.lineage_section import lineage_chapter
from safescale.report.reemergence_section import reemergence_chapter
from safescale.report.scaling_section import scaling_chapter

__all__ = ["Analysis", "inverse_scaling", "lineage", "reemergence"]

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
    """

    command: str
    key: str
    run: Callable[[Counting, Question], Result]
    chapter: Callable[[Result, str, FigureSink | None], Chapter]
    arguments: tuple[str, ...] = ()


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


def reemergence() -> Analysis[ReemergenceResult]:
    """Do refusals come back in larger models whose safety training was removed?"""

    def run(counting: Counting, question: Question) -> ReemergenceResult:
        selection = attrs.evolve(question.selection, tampered="only")
        return analyze_reemergence(
            counting.cells(selection),
            counting.models,
            responses=counting.responses(selection),
            target_pairs=counting.target_pairs(selection),
            claim_classes=question.claim_classes or None,
            grader=question.graders or None,
            min_cell=question.min_cell,
            alpha=question.alpha,
        )

    return Analysis(command="reemergence", key="reemergence", run=run, chapter=reemergence_chapter)


SIZE_TOLERANCE = 0.05
"""Share of the larger size by which the sizes of a pair may differ, unless the user says another."""


def lineage(
    *,
    baseline_condition: str | None = None,
    tampered_conditions: Sequence[str] = (),
    size_tolerance: float = SIZE_TOLERANCE,
) -> Analysis[LineageResult]:
    """
    How much does removing safety training change, and does that depend on model size?

    With conditions a model is paired with itself, else a tampered model with the untampered one of its lineage and size.
    """

    def run(counting: Counting, question: Question) -> LineageResult:
        by_condition = baseline_condition is not None
        selection = question.selection if by_condition else attrs.evolve(question.selection, tampered="include")
        return analyze_lineage(
            counting.cells(selection),
            counting.models,
            tier=question.tier,
            claim_classes=question.claim_classes or None,
            grader=question.graders or None,
            baseline_condition=baseline_condition,
            tampered_conditions=tuple(tampered_conditions),
            size_tolerance=size_tolerance,
            min_cell=question.min_cell,
            alpha=question.alpha,
            margin_pp=question.margin_pp,
        )

    arguments = [] if baseline_condition is None else ["--baseline-condition", baseline_condition]
    arguments += [word for name in tampered_conditions for word in ("--tampered-condition", name)]
    arguments += [] if size_tolerance == SIZE_TOLERANCE else ["--size-tolerance", f"{size_tolerance:g}"]
    return Analysis(command="lineage", key="lineage", run=run, chapter=lineage_chapter, arguments=tuple(arguments))
