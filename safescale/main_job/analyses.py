"""The questions that can be put to a corpus, each with how it is computed and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

from safescale.analyses import (
    CompareResult,
    InverseScalingResult,
    PooledResult,
    analyze_compare,
    analyze_inverse_scaling,
    analyze_pooled,
)
from safescale.analyses.compare import By
from safescale.analyses.headline import Answer
from safescale.cells import Counting
from safescale.main_job.asked import Question
from safescale.report.chapter import Chapter
from safescale.report.compare_section import compare_chapter
from safescale.report.figures.sink import FigureSink
from safescale.report.pooled_section import pooled_chapter
from safescale.report.scaling_section import scaling_chapter

__all__ = ["Analysis", "compare", "inverse_scaling", "pooled"]

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
    named : tuple of str
        What stands before the paths on a command line.
    """

    command: str
    key: str
    run: Callable[[Counting, Question], Result]
    chapter: Callable[[Result, str, FigureSink | None], Chapter]
    arguments: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


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


def pooled() -> Analysis[PooledResult]:
    """Is a slope over model size the same in every source of rows, and what is the pooled one made of?"""

    def run(counting: Counting, question: Question) -> PooledResult:
        return analyze_pooled(
            counting.cells(question.selection, by_source=True),
            counting.cells(attrs.evolve(question.selection, tampered="include"), by_source=True),
            counting.models,
            tier=question.tier,
            claim_classes=question.claim_classes or None,
            grader=question.graders or None,
            min_cell=question.min_cell,
            alpha=question.alpha,
            margin_pp=question.margin_pp,
        )

    return Analysis(command="pooled", key="pooled", run=run, chapter=pooled_chapter)


def compare(first: str, second: str, *, by: By = "model") -> Analysis[CompareResult]:
    """How do two models, conditions or graders differ?"""

    def run(counting: Counting, question: Question) -> CompareResult:
        return analyze_compare(
            counting.cells(question.selection),
            counting.models,
            first,
            second,
            by=by,
            verdict_pairs=lambda a, b: counting.verdict_pairs(question.selection, a, b),
            tier=question.tier,
            claim_classes=question.claim_classes or None,
            grader=question.graders or None,
            min_cell=question.min_cell,
            alpha=question.alpha,
        )

    arguments = () if by == "model" else ("--by", by)
    return Analysis(command="compare", key="compare", run=run, chapter=compare_chapter, arguments=arguments, named=(first, second))
