"""From responses to arrays: corpus, grades, vectors, outcomes of each grader."""

from __future__ import annotations

from pathlib import Path

import attrs

from safescale.ingest.session import Progress
from safescale.studies.robustness.answering import Answered
from safescale.studies.robustness.config import StudyConfig
from safescale.studies.robustness.outcomes import Float32Array, RobustnessOutcomes
from safescale.studies.robustness.pieces import Pieces
from safescale.studies.robustness.preparing import Prepared, Rows, silent
from safescale.studies.robustness.reduction import (
    TOY_JUDGE,
    Axes,
    Responses,
    axes,
    distances,
    probabilities,
    reduced,
    responses,
    with_right,
)
from safescale.studies.robustness.vectors import EMBEDDINGS, vectors_of
from safescale.studies.running.corpus import Made, graded_corpus, trace_corpus
from safescale.studies.running.grading import GradedBy, grade_by
from safescale.studies.running.stages import StageLog

__all__ = ["Counted", "counted"]


@attrs.frozen(kw_only=True, eq=False)
class Counted:
    """
    The responses as counts, as far as a call came.

    Parameters
    ----------
    graded : tuple of GradedBy
        Every grader that was asked.
    outcomes : tuple of RobustnessOutcomes
        Of the graders of the study.
    axes : Axes, optional
    held : Responses, optional
    corpus : Made, optional
        What the outcomes are of.
    """

    graded: tuple[GradedBy, ...] = ()
    outcomes: tuple[RobustnessOutcomes, ...] = ()
    axes: Axes | None = None
    held: Responses | None = None
    corpus: Made | None = None


def counted(
    config: StudyConfig,
    made: Prepared,
    asked: Answered,
    out: Path,
    *,
    until: str,
    log: StageLog,
    rows: Rows,
    reading: Progress | None,
    pieces: Pieces,
) -> Counted:
    """
    Ingest, grade, embed and reduce.

    Parameters
    ----------
    config, made, asked, out, pieces
        What is asked, of whom, what they said, where, by what.
    until : str
        The last stage.
    log : StageLog
        Times.
    rows, reading : callable, optional
        Progress.
    """
    with log.stage("ingest") as counts:
        traces = trace_corpus(out, asked.plans, progress=reading)
        counts |= {"responses": traces.traces} if traces.new else {"nothing": 1}
    if until == "ingest":
        return Counted()
    graded: list[GradedBy] = []
    with log.stage("grading") as counts:
        for grader in config.all_graders:
            graded.append(grade_by(grader, traces, out, tier=config.design.tier, progress=rows))
        corpus = graded_corpus(out, traces, [one.file for one in graded], progress=reading)
        counts |= {"responses": sum(one.judged for one in graded)} if corpus.new else {"nothing": 1}
    found = Counted(graded=tuple(graded), corpus=corpus)
    if until == "grading":
        return found
    on = axes(made.materials.models, asked.cells, made.materials.prompts, config.design.samples, asked.adapters(made))
    held = responses(on, traces)
    found = attrs.evolve(found, axes=on, held=held)
    distance, measure = _drift(config, on, held, out, log, rows, pieces)
    if until == "embedding":
        return attrs.evolve(found, axes=None)
    with log.stage("reduction"):
        outcomes = _outcomes(config, found, distance, measure)
    return attrs.evolve(found, outcomes=outcomes)


def _drift(
    config: StudyConfig, on: Axes, held: Responses, out: Path, log: StageLog, rows: Rows, pieces: Pieces
) -> tuple[Float32Array | None, str | None]:
    if config.embedder is None:
        return None, None
    with log.stage("embedding") as counts, (rows or silent)("embed", len(held.by_hash)) as tell:
        cache = out / EMBEDDINGS / f"{config.embedder.partition(':')[0]}.npz"
        cache.parent.mkdir(exist_ok=True)
        embedder = pieces.embedder(config.embedder, cache)
        vectors = vectors_of(held.by_hash, embedder, tell=tell)
        counts["responses"] = len(vectors)
        return distances(on, held, vectors), getattr(embedder, "measure", embedder.name)


def _outcomes(
    config: StudyConfig, found: Counted, distance: Float32Array | None, measure: str | None
) -> tuple[RobustnessOutcomes, ...]:
    assert found.axes is not None
    assert found.held is not None
    assert found.corpus is not None
    names = [grader.name for grader in config.all_graders]
    probable = None
    if config.entropy_grader is not None:
        of = found.graded[names.index(config.entropy_grader)]
        probable = probabilities(found.axes, found.held, of, found.corpus)
    made = tuple(
        reduced(
            found.axes,
            found.held,
            one,
            found.corpus,
            tier=config.design.tier,
            entropy=probable,
            distance=distance,
            embedder=measure,
        )
        for one in found.graded[: len(config.graders)]
    )
    judge = next((one for one in made if one.grader.startswith(TOY_JUDGE)), None)
    return made if judge is None else tuple(with_right(one, judge) for one in made)
