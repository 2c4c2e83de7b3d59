"""The card of one model: its residual safety as far as a corpus, or logs, tell."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import attrs

from safescale._version import __version__
from safescale.analyses.correction import CorrectionResult, analyze_correction
from safescale.analyses.reference import REFERENCE_TIERS, Graded, Reference, reference_of_people
from safescale.analyses.residual_safety import ResidualSafety, analyze_residual_safety, card_selection
from safescale.cells import Cells, Counting, Selection
from safescale.errors import DataError
from safescale.example import SIMULATED_SOURCE
from safescale.ingest.session import Progress
from safescale.main_job.asked import Input, Question
from safescale.main_job.grading import against, sampled_selection
from safescale.main_job.reading import check_selection, opened
from safescale.report.model_card_text import card_json, card_markdown, card_text
from safescale.report.switches import command_line
from safescale.store.text_file import write_text

__all__ = ["Card", "card", "write_card"]

Stage = Callable[[str], None]
Form = Literal["text", "markdown", "json"]


@attrs.frozen(kw_only=True)
class Card:
    """The card, and the command that makes it again."""

    result: ResidualSafety
    command: str
    version: str
    simulated: bool

    def told(self, form: Form) -> str:
        """The card as text, Markdown or JSON."""
        render = {"text": card_text, "markdown": card_markdown, "json": card_json}[form]
        return render(self.result, version=self.version, command=self.command, simulated=self.simulated)


def card(
    source: Input,
    question: Question,
    model: str,
    *,
    base: str | None = None,
    progress: Progress | None = None,
    stage: Stage | None = None,
) -> Card:
    """
    Make the card of one model.

    Grades are held against ``question.correcting``; without it, against the people who graded in this corpus, where there are any.

    Parameters
    ----------
    source : Input
        A corpus or logs.
    question : Question
        Graders, level and what may count; tampered models and keyword rules always do.
    model : str
        Exact or canonical id.
    base : str, optional
        The model that it was made from.
    progress, stage : callable, optional
        Told of bytes read, and of what is being done.

    Raises
    ------
    DataError
        When nothing can be read.
    DomainError
        When the corpus has no such model, base or grader.
    """
    tell = stage or _silent
    with (
        tempfile.TemporaryDirectory(prefix="safescale-") as folder,
        opened(source, Path(folder), progress=progress) as (corpus, _),
    ):
        counting = Counting(corpus)
        check_selection(counting, question.selection)
        tell("counting")
        correction, because = _correction(counting, question)
        tell("comparing")
        result = analyze_residual_safety(
            counting,
            model,
            selection=question.selection,
            base=base,
            graders=question.graders,
            correction=correction,
            no_correction_because=because,
            level=1 - question.alpha,
            alpha=question.alpha,
            min_cell=question.min_cell,
        )
        simulated = SIMULATED_SOURCE in counting.sources
    words = [model, *_source_arguments(source), *([] if base is None else ["--base", base]), *question.arguments()]
    return Card(result=result, command=command_line(["card"], words), version=__version__, simulated=simulated)


def write_card(made: Card, into: Path, *, form: Form | None = None) -> Path:
    """
    Write a card, whole or not at all; as JSON where the name ends so, else as Markdown.

    Raises
    ------
    DataError
        When the folder is not there, or the file cannot be written.
    """
    if not into.parent.is_dir():
        raise DataError(f"the folder {into.parent} does not exist: make it first", file=str(into))
    chosen: Form = form or ("json" if into.suffix == ".json" else "markdown")
    told = made.told(chosen)
    try:
        write_text(into, told if told.endswith("\n") else f"{told}\n")
    except OSError as error:
        raise DataError(f"the card cannot be written: {error}", file=str(into)) from error
    return into


def _source_arguments(source: Input) -> list[str]:
    """As ``Input.arguments``, with the option that this command reads from."""
    bare = attrs.evolve(source, paths=())
    return [word for path in source.paths for word in ("--corpus", str(path))] + bare.arguments()


def _correction(counting: Counting, question: Question) -> tuple[CorrectionResult | None, str | None]:
    """Rates against the reference that was named, or against people of this corpus; or why there are none."""
    asked = question.correcting
    selection = card_selection(question.selection)
    cells = counting.cells(selection)
    if asked is not None:
        selection = sampled_selection(asked.labels, question.selection)
        reference, graded = against(counting, selection, question.graders, asked.labels, key=None, reference=asked.reference)
    else:
        people = _people(cells)
        if not people:
            return None, None
        reference, graded = _against_people(counting, cells, selection, people, question.graders)
        if not graded:
            return None, f"no other grader judged what {', '.join(people)} judged"
    result = analyze_correction(
        graded,
        {own.grader: counting.cells(selection).graders[own.grader].tiers for own in graded},
        reference,
        fingerprint=counting.fingerprint,
        selection=selection,
        level=1 - question.alpha,
    )
    return result, None


def _people(cells: Cells) -> tuple[str, ...]:
    """The human graders with counted verdicts."""
    labels = set(cells.table["grader"].unique().to_pylist())
    return tuple(sorted(label for label in labels if "human" in cells.graders[label].grader_kinds))


def _against_people(
    counting: Counting, cells: Cells, selection: Selection, people: Sequence[str], named: Sequence[str]
) -> tuple[Reference, list[Graded]]:
    """All people of the corpus as the raters of one reference, on the target that they judged most; and whom it is held against."""
    judged = list(zip(*(cells.table[name].to_pylist() for name in ("grader", "target")), strict=True))
    target = Counter(target for grader, target in judged if grader in people).most_common(1)[0][0]
    rows = [
        Graded.of(label, target, counting.grader_rows(selection, label, target)) for label in people if (label, target) in judged
    ]
    wanted = [label for label in cells.graders if not named or label in named or cells.graders[label].grader_id in named]
    graded = [
        Graded.of(label, target, counting.grader_rows(selection, label, target))
        for label in sorted(wanted)
        if label not in people and (label, target) in judged
    ]
    tiers = [tier for tier in REFERENCE_TIERS if all(tier in cells.graders[own.grader].tiers for own in rows)]
    return reference_of_people(rows, tiers), graded


def _silent(_: str) -> None:
    """Tell nobody."""
