"""Validation by people and by better graders: a sample out; agreement and corrected rates back."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import attrs

from safescale._version import __version__
from safescale.analyses import to_jsonable
from safescale.analyses.agreement import AgreementResult, Compared, analyze_agreement
from safescale.analyses.correction import CorrectionResult, analyze_correction
from safescale.analyses.reference import Graded, Reference, human_reference, reference_of_grader
from safescale.analyses.words import plural
from safescale.cells import Cells, Counting, Selection
from safescale.errors import DomainError
from safescale.grade import HumanLabels, Sample, SheetFormat, SheetTexts, draw_sample, read_labels, write_sample
from safescale.grade.sample import DESIGN_WORDS
from safescale.ingest.session import Progress
from safescale.main_job.analyses import Analysis
from safescale.main_job.asked import Input, Question
from safescale.main_job.reading import check_selection, opened
from safescale.report.agreement_section import agreement_chapter
from safescale.report.correction_section import correction_chapter
from safescale.store.base import Corpus

__all__ = ["Drawn", "against", "agree", "correct", "sample", "sampled_selection"]

DEFAULT_TARGET = "text"


@attrs.frozen(kw_only=True)
class Drawn:
    """A sample that was written: what was drawn, and where it is."""

    sample: Sample
    sheet: Path
    key: Path
    instructions: Path
    without_text: int

    def told(self, *, as_json: bool) -> str:
        """What was written, as lines or as JSON."""
        own = self.sample
        if as_json:
            whole = {
                "safescale": __version__,
                "sample": {
                    "fingerprint": own.fingerprint,
                    "grader": own.grader,
                    "target": own.target,
                    "seed": own.seed,
                    "design": DESIGN_WORDS,
                    "traces": len(own.traces),
                    "drawn_from": own.population,
                    "without_text": self.without_text,
                    "strata": [
                        attrs.asdict(stratum) | {"inclusion_probability": stratum.inclusion_probability} for stratum in own.strata
                    ],
                    "sheet": str(self.sheet),
                    "key": str(self.key),
                    "instructions": str(self.instructions),
                },
            }
            return json.dumps(to_jsonable(whole), indent=2, ensure_ascii=False)
        width = max(len(s.condition) + len(s.verdict) for s in own.strata) + 2
        lines = [
            f"drew {plural(len(own.traces), 'trace')} of {own.population:,} that {own.grader} graded (corpus {own.fingerprint})",
            f"design: {DESIGN_WORDS}",
            *(
                f"  {f'{s.condition}, {s.verdict}':<{width}}  {s.sampled:>5,} of {s.size:>9,}, chance {s.inclusion_probability:.4f}"
                for s in own.strata
            ),
            f"wrote {self.instructions}",
            f"wrote {self.key} (verdicts and inclusion probabilities: not for raters)",
            f"wrote {self.sheet} (fill in the column label, from the top)",
        ]
        if self.without_text:
            lines.insert(
                1, f"warning: {plural(self.without_text, 'response')} not in this corpus; find them by trace_id in the key"
            )
        return "\n".join(lines)


def sample(
    source: Input,
    question: Question,
    into: Path,
    *,
    labels: int = 200,
    seed: int = 0,
    target: str = DEFAULT_TARGET,
    form: SheetFormat = SheetFormat.CSV,
    without_text: bool = False,
    progress: Progress | None = None,
) -> Drawn:
    """
    Draw a stratified, blinded sample of graded traces and write it for raters.

    Parameters
    ----------
    source : Input
        A corpus or logs.
    question : Question
        The grader whose verdicts are the strata (the only one, where none is named), and what may be drawn.
    into : Path
        The sheet; its key and instructions lie beside it.
    labels, seed : int
        Traces wanted; the same seed and corpus give the same sample.
    target : str
        What of the trace is graded.
    form : SheetFormat
        CSV or JSONL.
    without_text : bool
        Write it although the corpus holds no responses.

    Raises
    ------
    DataError
        When nothing can be read, there is no text, or a file is there already.
    DomainError
        When several graders could be meant, or there are too few labels for the strata.
    """
    selection = _with_keyword(question.selection)
    with (
        tempfile.TemporaryDirectory(prefix="safescale-") as folder,
        opened(source, Path(folder), progress=progress) as (corpus, _),
    ):
        counting = Counting(corpus)
        check_selection(counting, selection)
        grader = _one_grader(counting.cells(selection), question.graders, target)
        rows = counting.grader_rows(selection, grader, target)
        drawn = draw_sample(
            rows, labels, fingerprint=counting.fingerprint, grader=grader, target=target, selection=selection, seed=seed
        )
        texts = _texts(corpus, {trace.trace_id for trace in drawn.traces})
    sheet, key, instructions = write_sample(drawn, texts, into, form=form, without_text=without_text)
    bare = sum(not texts[trace.trace_id][1] for trace in drawn.traces)
    return Drawn(sample=drawn, sheet=sheet, key=key, instructions=instructions, without_text=bare)


def agree(labels: Sequence[Path] = (), *, key: Path | None = None) -> Analysis[AgreementResult]:
    """
    How far do graders agree with each other, and with people?

    Parameters
    ----------
    labels : sequence of Path
        Sheets of one sample, one rater each; without any, the graders of the question (all of them where none is named) are
        compared with each other.
    key : Path, optional
        The key of the sample.
    """

    def run(counting: Counting, question: Question) -> AgreementResult:
        selection = _with_keyword(question.selection)
        cells = counting.cells(selection)
        level = 1 - question.alpha
        if not labels:
            pairs = _pairs_of_graders(counting, cells, selection, question.graders)
            return analyze_agreement(
                pairs, fingerprint=counting.fingerprint, selection=selection, min_rows=question.min_cell, level=level
            )
        given = read_labels(labels, key=key)
        reference = _people(counting, given, selection)
        graders = [_label(cells, name) for name in question.graders] or [given.sample.grader]
        compared = [
            Compared.with_people(_graded(counting, selection, g, given.sample.target), cells.graders[g].tiers, reference)
            for g in graders
        ]
        compared += [
            Compared.of_raters(
                reference,
                a,
                b,
                [
                    (t.trace_id, *(None if t.labels[at] is None else str(t.labels[at]) for at in (a, b)))  # type: ignore[misc]
                    for t in given.traces
                ],
            )
            for a, b in itertools.combinations(range(len(given.raters)), 2)
        ]
        return analyze_agreement(
            compared,
            fingerprint=counting.fingerprint,
            selection=selection,
            min_rows=question.min_cell,
            level=level,
            notes=reference.notes,
        )

    arguments = _arguments(labels, key)
    return Analysis(
        command="agree",
        key="agreement",
        run=run,
        chapter=agreement_chapter,
        arguments=tuple(arguments),
        under=("grade",),
        compares_graders=True,
    )


def correct(
    labels: Sequence[Path] = (),
    *,
    key: Path | None = None,
    reference: str | None = None,
    half_width_pp: float = 10.0,
) -> Analysis[CorrectionResult]:
    """
    What is the rate behind a grader's verdicts, by labels of people or by a better grader?

    Parameters
    ----------
    labels : sequence of Path
        Sheets of one sample, one rater each.
    key : Path, optional
        The key of the sample.
    reference : str, optional
        Instead: a grader of the corpus, by label or id. It is a reference, not the truth.
    half_width_pp : float, default 10.0
        A corrected rate known less well than this is called too small a sample. Unit: percentage points.
    """

    def run(counting: Counting, question: Question) -> CorrectionResult:
        selection = _with_keyword(question.selection)
        cells = counting.cells(selection)
        found, graded = against(counting, selection, question.graders, labels, key=key, reference=reference)
        return analyze_correction(
            graded,
            {own.grader: cells.graders[own.grader].tiers for own in graded},
            found,
            fingerprint=counting.fingerprint,
            selection=selection,
            half_width=half_width_pp / 100,
            level=1 - question.alpha,
        )

    arguments = [*_arguments(labels, key), *(["--reference", reference] if reference else [])]
    arguments += [] if half_width_pp == 10.0 else ["--half-width-pp", f"{half_width_pp:g}"]
    return Analysis(
        command="correct",
        key="correction",
        run=run,
        chapter=correction_chapter,
        arguments=tuple(arguments),
        under=("grade",),
        compares_graders=True,
    )


def against(
    counting: Counting,
    selection: Selection,
    named: Sequence[str],
    labels: Sequence[Path],
    *,
    key: Path | None,
    reference: str | None,
) -> tuple[Reference, list[Graded]]:
    """
    The reference, and the graders to hold against it on what it judged.

    Parameters
    ----------
    selection : Selection
        What may count; of labels, that of the sample.
    named : sequence of str
        Graders to correct; none: the one that the sample was drawn on, or all but the reference.
    """
    if bool(labels) == (reference is not None):
        raise DomainError("rates are corrected against labels of people (--labels) or against one grader (--reference): name one")
    cells = counting.cells(selection)
    if labels:
        given = read_labels(labels, key=key)
        graders = [_label(cells, name) for name in named] or [given.sample.grader]
        return _people(counting, given, selection), [
            _graded(counting, selection, grader, given.sample.target) for grader in graders
        ]
    assert reference is not None
    own = _label(cells, reference)
    targets = [target for label, target in _graded_pairs(cells) if label == own]
    graders = [_label(cells, name) for name in named] or sorted({g for g, _ in _graded_pairs(cells) if g != own})
    if own in graders:
        raise DomainError(f"{own!r} is the reference; a grader is not corrected by itself: leave it out of --grader")
    target = DEFAULT_TARGET if DEFAULT_TARGET in targets else targets[0]
    able = [g for g, t in _graded_pairs(cells) if g in graders and t == target]
    if not able:
        raise DomainError(f"no other grader judged what {own!r} judged; graders: {', '.join(sorted(cells.graders))}")
    found = reference_of_grader(_graded(counting, selection, own, target), cells.graders[own].tiers)
    return found, [_graded(counting, selection, grader, target) for grader in able]


def sampled_selection(labels: Sequence[Path], selection: Selection) -> Selection:
    """The selection that a sample was drawn under; without labels all models of this one, whatever was done to them."""
    if labels:
        return read_labels(labels).sample.selection
    return _with_keyword(attrs.evolve(selection, tampered="include"))


def _arguments(labels: Sequence[Path], key: Path | None) -> list[str]:
    words = [word for path in labels for word in ("--labels", str(path))]
    return words + ([] if key is None else ["--key", str(key)])


def _with_keyword(selection: Selection) -> Selection:
    """A keyword rule may be what is held against something better, so it counts here without being asked for."""
    return attrs.evolve(selection, allow_keyword=True)


def _graded(counting: Counting, selection: Selection, grader: str, target: str) -> Graded:
    return Graded.of(grader, target, counting.grader_rows(selection, grader, target))


def _graded_pairs(cells: Cells) -> list[tuple[str, str]]:
    """Graders with counted verdicts, by target."""
    return sorted(set(zip(cells.table["grader"].to_pylist(), cells.table["target"].to_pylist(), strict=True)))


def _label(cells: Cells, name: str) -> str:
    labels = sorted({grader for grader, _ in _graded_pairs(cells)})
    same = [label for label in labels if name in (label, cells.graders[label].grader_id)]
    if len(same) != 1:
        words = f"several rubric versions of grader {name!r}" if same else f"no counted verdict is of grader {name!r}"
        raise DomainError(f"{words}; graders of this corpus: {', '.join(same or labels) or 'none'}")
    return same[0]


def _one_grader(cells: Cells, named: Sequence[str], target: str) -> str:
    graders = [label for label, own in _graded_pairs(cells) if own == target]
    if len(named) > 1:
        raise DomainError(f"a sample is drawn by the verdicts of one grader, got {', '.join(named)}")
    if named:
        return _label(cells, named[0])
    if not graders:
        raise DomainError(f"no counted verdict is of target {target!r}; name another with --target")
    if len(graders) > 1:
        raise DomainError(f"the verdicts of which grader are to be the strata? name one with --grader: {', '.join(graders)}")
    return graders[0]


def _pairs_of_graders(counting: Counting, cells: Cells, selection: Selection, named: Sequence[str]) -> list[Compared]:
    wanted = [_label(cells, name) for name in named] or sorted({label for label, _ in _graded_pairs(cells)})
    if len(wanted) < 2:
        raise DomainError(
            "agreement needs two graders (--grader A --grader B) or labels of people (--labels); "
            f"here: {', '.join(wanted) or 'none'}"
        )
    pairs = _graded_pairs(cells)
    found = []
    for target in sorted({target for _, target in pairs}):
        graders = [label for label in wanted if (label, target) in pairs]
        rows = {label: _graded(counting, selection, label, target) for label in graders}
        for a, b in itertools.combinations(graders, 2):
            one = Compared.of_graders(rows[a], rows[b], cells.graders[a].tiers, cells.graders[b].tiers)
            if len(one.rows):
                found.append(one)
    if not found:
        raise DomainError(f"no trace was graded by two of: {', '.join(wanted)}")
    return found


def _people(counting: Counting, labels: HumanLabels, selection: Selection) -> Reference:
    drawn = labels.sample
    if drawn.selection != selection:
        mine, theirs = attrs.asdict(selection), attrs.asdict(drawn.selection)
        differ = ", ".join(f"{name} {theirs[name]!r}" for name in mine if mine[name] != theirs[name])
        raise DomainError(f"the sample was drawn from another selection of rows ({differ}); ask with the same options")
    return human_reference(labels, _graded(counting, selection, drawn.grader, drawn.target))


def _texts(corpus: Corpus, wanted: set[str]) -> SheetTexts:
    found: dict[str, tuple[str | None, str | None]] = dict.fromkeys(wanted, (None, None))
    for batch in corpus.batches("traces", ["trace_id", "prompt", "response"]):
        for row in batch.to_pylist():
            if row["trace_id"] in wanted:
                found[row["trace_id"]] = (row["prompt"], row["response"])
    return found
