"""The questions that can be put to a corpus, each with how it is computed and how it is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import attrs

from safescale.analyses import (
    CompareResult,
    InverseScalingResult,
    LineageResult,
    PooledResult,
    ReemergenceResult,
    SafetyRoiResult,
    analyze_compare,
    analyze_inverse_scaling,
    analyze_lineage,
    analyze_pooled,
    analyze_reemergence,
    analyze_safety_roi,
)
from safescale.analyses.compare import By
from safescale.analyses.headline import Answer
from safescale.analyses.plan import CorpusPlan, Wanted, analyze_plan, plan_of_scaling
from safescale.cells import Counting, Selection
from safescale.main_job.asked import Question
from safescale.report.chapter import Chapter
from safescale.report.compare_section import compare_chapter
from safescale.report.figures.sink import FigureSink
from safescale.report.lineage_section import lineage_chapter
from safescale.report.plan_section import plan_chapter
from safescale.report.pooled_section import pooled_chapter
from safescale.report.reemergence_section import reemergence_chapter
from safescale.report.roi_section import safety_roi_chapter
from safescale.report.scaling_section import scaling_chapter

__all__ = ["Analysis", "compare", "inverse_scaling", "lineage", "plan", "pooled", "reemergence", "safety_roi"]

Result = TypeVar("Result", bound=Answer)


def _never(_: Answer) -> str | None:
    return None


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
    named : tuple of str
        Its own positional arguments; they come before the paths.
    brief : callable, optional
        As ``run``, for the numbers to quote only: a report repeats these without each exclusion.
    compares_graders : bool
        Whether its own answer says how far graders lie apart.
    idle : callable
        Why this corpus has nothing to ask, in words, or None: a report then says that and nothing more.
    """

    command: str
    key: str
    run: Callable[[Counting, Question], Result]
    chapter: Callable[[Result, str, FigureSink | None], Chapter]
    arguments: tuple[str, ...] = ()
    under: tuple[str, ...] = ("analyze",)
    named: tuple[str, ...] = ()
    brief: Callable[[Counting, Question], Result] | None = None
    compares_graders: bool = False
    idle: Callable[[Result], str | None] = _never


def inverse_scaling() -> Analysis[InverseScalingResult]:
    """Does the attack success rate change with model size?"""

    def run(counting: Counting, question: Question, *, brief: bool = False) -> InverseScalingResult:
        several = len(counting.sources) > 1
        return analyze_inverse_scaling(
            counting.cells(question.selection),
            counting.models,
            by_source=counting.cells(question.selection, by_source=True) if several else None,
            brief=brief,
            tier=question.tier,
            claim_classes=question.claim_classes or None,
            grader=question.graders or None,
            min_cell=question.min_cell,
            alpha=question.alpha,
            margin_pp=question.margin_pp,
        )

    return Analysis(
        command="inverse-scaling",
        key="inverse_scaling",
        run=run,
        chapter=scaling_chapter,
        brief=functools.partial(run, brief=True),
        compares_graders=True,
    )


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

    return Analysis(command="plan", key="plan", run=run, chapter=plan_chapter, arguments=arguments, under=(), compares_graders=True)


def safety_roi(*, residual_pp: float = 10.0) -> Analysis[SafetyRoiResult]:
    """
    Does provider or size carry the differences between models?

    Parameters
    ----------
    residual_pp : float, default 10.0
        Residual from which a provider is called over- or under-invested. Unit: percentage points.
    """

    def run(counting: Counting, question: Question, *, brief: bool = False) -> SafetyRoiResult:
        return analyze_safety_roi(
            counting.cells(question.selection),
            counting.models,
            other_tampering=counting.cells(_other_tampering(question.selection)),
            by_source=counting.cells(question.selection, by_source=True) if len(counting.sources) > 1 else None,
            brief=brief,
            tier=question.tier,
            claim_classes=question.claim_classes or None,
            grader=question.graders or None,
            min_cell=question.min_cell,
            alpha=question.alpha,
            margin_pp=question.margin_pp,
            threshold_pp=residual_pp,
        )

    arguments = () if residual_pp == 10.0 else ("--residual-pp", f"{residual_pp:g}")
    return Analysis(
        command="safety-roi",
        key="safety_roi",
        run=run,
        chapter=safety_roi_chapter,
        arguments=arguments,
        brief=functools.partial(run, brief=True),
    )


def _other_tampering(selection: Selection) -> Selection:
    """The same with tampered models, or without them where they are in."""
    return attrs.evolve(selection, tampered="exclude" if selection.tampered == "include" else "include")


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

    return Analysis(command="reemergence", key="reemergence", run=run, chapter=reemergence_chapter, idle=_nothing_tampered)


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
    return Analysis(command="lineage", key="lineage", run=run, chapter=lineage_chapter, arguments=tuple(arguments), idle=_no_pair)


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

    return Analysis(command="pooled", key="pooled", run=run, chapter=pooled_chapter, idle=_one_source)


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


def reported(scaling: InverseScalingResult) -> tuple[Analysis[Any], ...]:
    """What a report asks besides inverse scaling, in its order; ``scaling`` is the answer to that."""
    return (safety_roi(), pooled(), reemergence(), lineage(), plan(scaling=scaling))


def _one_source(result: PooledResult) -> str | None:
    if any(len(setting.sources) > 1 for setting in result.settings):
        return None
    return "all rows of a grader, target and condition are from one source; rows of several are needed"


def _nothing_tampered(result: ReemergenceResult) -> str | None:
    return None if result.settings else "no counted row is of a model whose safety training is known to be removed"


def _no_pair(result: LineageResult) -> str | None:
    if any(setting.pairs for setting in result.settings):
        return None
    return "no tampered model has an untampered one of its lineage and size beside it"
