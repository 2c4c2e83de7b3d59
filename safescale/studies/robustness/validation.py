"""People's labels on a sample of responses, drawn by kind of cell and verdict: written as a sheet, read back when filled in."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import pyarrow as pa

from safescale.cells import Selection
from safescale.errors import DataError, InsufficientData
from safescale.grade.allocation import LEAST_PER_STRATUM
from safescale.grade.labels import read_labels
from safescale.grade.sample import Sample, draw_sample
from safescale.grade.sheet import SheetFormat, write_sample
from safescale.records.verdicts import EVALUABLE, Verdict
from safescale.stats import cohen_kappa
from safescale.store import open_corpus
from safescale.studies.robustness.reduction import Axes, Responses
from safescale.studies.robustness.results import ConditionAgreement
from safescale.studies.running.corpus import Made
from safescale.studies.running.grading import GradedBy

__all__ = ["LABELS", "SHEET", "VALIDATION", "Labelled", "agreement_with_people", "draw_validation", "labels_there", "refusals_said"]

VALIDATION: Final = "validation"
SHEET: Final = "sample.csv"
LABELS: Final = "labels*.csv"
TARGET: Final = "text"
PEOPLE: Final = "people"
_ROWS: Final = 16_384


@attrs.frozen(kw_only=True)
class Labelled:
    """What people said of responses: refused or not by trace id, kind of cell and chance to be drawn; and who."""

    rater: str
    refused: Mapping[str, bool]
    kind: Mapping[str, str]


def draw_validation(out: Path, axes: Axes, held: Responses, graded: GradedBy, corpus: Made, *, labels: int) -> Path | None:
    """
    Draw the sample once and write sheet, key and instructions into ``out/validation``.

    Strata are kind of cell (``none``, ``finetune``, ``steering + finetune``, ...) and verdict of the
    primary grader; where ``labels`` cannot give each of them two, more are drawn. A sheet that is there is kept: it may
    hold labels.

    Returns
    -------
    Path or None
        The sheet; None where nothing can be drawn.

    Raises
    ------
    DataError
        When it cannot be written.
    """
    sheet = out / VALIDATION / SHEET
    if sheet.exists() or labels < 1:
        return sheet if sheet.exists() else None
    for left in (out / VALIDATION).glob(f"{SHEET}*"):  # a key without its sheet: a kill came between
        left.unlink()
    rows = _rows(axes, held, graded, corpus)
    strata = Counter(zip(rows["condition"].to_pylist(), rows["verdict"].to_pylist(), strict=True))
    least = sum(min(size, LEAST_PER_STRATUM) for size in strata.values())
    try:
        sample = draw_sample(
            rows,
            max(labels, least),
            fingerprint=corpus.fingerprint,
            grader=graded.grader_id,
            target=TARGET,
            selection=Selection(),
        )
    except InsufficientData:
        return None
    write_sample(sample, _texts(sample, corpus), sheet, form=SheetFormat.CSV)
    return sheet


def labels_there(out: Path, axes: Axes, held: Responses) -> tuple[Labelled, ...]:
    """
    What was filled in: every ``labels*.csv`` of ``out/validation`` is one rater's sheet.

    Raises
    ------
    DataError
        Naming file, row and column, for a label that is none, or rows that are not of the sample.
    """
    folder = out / VALIDATION
    found = []
    for path in sorted(folder.glob(LABELS)):
        labelled = read_labels([path], key=_key(folder))
        given = {trace.trace_id: trace.labels[0] for trace in labelled.traces}
        known = EVALUABLE | {Verdict.BENIGN_QUERY}
        refused = {name: verdict is Verdict.REFUSAL for name, verdict in given.items() if verdict in known}
        kind = {name: axes.planned[held.place[name][0]].kind for name in refused if name in held.place}
        found.append(Labelled(rater=path.stem, refused={name: refused[name] for name in kind}, kind=kind))
    return tuple(found)


def agreement_with_people(
    people: Sequence[Labelled], graders: Mapping[str, Mapping[str, bool]], *, level: float
) -> tuple[ConditionAgreement, ...]:
    """
    Each grader with each rater on refusal, by kind of cell; the sample is stratified, so shares are those of the sample.

    Parameters
    ----------
    people : sequence of Labelled
        Raters.
    graders : mapping of grader to mapping of trace id to bool
        Whether each says that the response refuses, where it says.
    level : float
        Of the intervals.
    """
    found = []
    for rater in people:
        for grader, says in graders.items():
            for kind in dict.fromkeys(sorted(rater.kind.values())):
                pairs = [(says[name], rater.refused[name]) for name, own in rater.kind.items() if own == kind and name in says]
                found.append(_agreement(kind, (grader, f"{PEOPLE}:{rater.rater}"), pairs, level))
    return tuple(one for one in found if one.n)


def _agreement(kind: str, graders: tuple[str, str], pairs: Sequence[tuple[bool, bool]], level: float) -> ConditionAgreement:
    if not pairs:
        return ConditionAgreement(
            condition=kind, graders=graders, n=0, agreement=None, kappa=None, kappa_interval=None, why="no label"
        )
    found = cohen_kappa([one for one, _ in pairs], [other for _, other in pairs], categories=(True, False), level=level)
    return ConditionAgreement(
        condition=kind,
        graders=graders,
        n=len(pairs),
        agreement=found.observed_agreement,
        kappa=found.kappa,
        kappa_interval=found.interval,
        why=None if found.kappa is not None else "both say the same of every response, so kappa is not defined",
        refused=(sum(one for one, _ in pairs) / len(pairs), sum(other for _, other in pairs) / len(pairs)),
    )


def refusals_said(held: Responses, graded: GradedBy, corpus: Made) -> dict[str, bool]:
    """Whether a grader says of each response that it refuses."""
    found: dict[str, bool] = {}
    known = {verdict.value for verdict in EVALUABLE | {Verdict.BENIGN_QUERY}}
    if graded.classes and Verdict.REFUSAL not in graded.classes:
        return found
    for trace_id, verdict in _verdicts(graded, corpus):
        if trace_id in held.place and verdict in known:
            found[trace_id] = verdict == Verdict.REFUSAL.value
    return found


def _rows(axes: Axes, held: Responses, graded: GradedBy, corpus: Made) -> pa.Table:
    """Evaluable verdicts on responses with text, with the kind of cell in the place of the condition."""
    evaluable = {verdict.value for verdict in EVALUABLE | {Verdict.BENIGN_QUERY}}
    rows = [
        {
            "trace_id": trace_id,
            "model_id": axes.planned[held.place[trace_id][0]].model_id,
            "condition": axes.planned[held.place[trace_id][0]].kind,
            "verdict": verdict,
        }
        for trace_id, verdict in _verdicts(graded, corpus)
        if verdict in evaluable and trace_id in held.place and held.texts[held.place[trace_id]] is not None
    ]
    names = ("trace_id", "model_id", "condition", "verdict")
    return pa.table(
        {name: pa.array([row[name] for row in sorted(rows, key=lambda r: r["trace_id"])], pa.string()) for name in names}
    )


def _verdicts(graded: GradedBy, corpus: Made) -> list[tuple[str, str]]:
    found = []
    with contextlib.closing(open_corpus(corpus.path)) as opened:
        for batch in opened.batches("grades", ["trace_id", "verdict", "grader_id", "rubric_version"], rows=_ROWS):
            for trace_id, verdict, grader_id, rubric in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if grader_id == graded.grader_id and rubric == graded.rubric_version:
                    found.append((trace_id, verdict))
    return found


def _texts(sample: Sample, corpus: Made) -> dict[str, tuple[str | None, str | None]]:
    wanted = {trace.trace_id for trace in sample.traces}
    found: dict[str, tuple[str | None, str | None]] = {}
    with contextlib.closing(open_corpus(corpus.path)) as opened:
        for batch in opened.batches("traces", ["trace_id", "prompt", "response"], rows=_ROWS):
            for trace_id, prompt, response in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if trace_id in wanted:
                    found[trace_id] = (prompt, response)
    return found


def _key(folder: Path) -> Path:
    keys = sorted(folder.glob(f"{SHEET}*key*"))
    if not keys:
        raise DataError(
            "the key of the sample is gone, so labels cannot be read; restore it", file=str(folder / f"{SHEET}.key.json")
        )
    return keys[0]
