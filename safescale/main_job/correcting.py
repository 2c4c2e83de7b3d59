"""An analysis once more with the grader's errors corrected: one hook for all of them."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

from safescale.analyses.corrected import CorrectedNumbers, corrected_numbers
from safescale.analyses.correction import CorrectionVerdict, analyze_correction
from safescale.analyses.correction.sentences import youden_words
from safescale.analyses.headline import Answer, Headline
from safescale.analyses.imputation import Imputer
from safescale.analyses.reference import Graded, Reference
from safescale.analyses.words import plural
from safescale.cells import Cells, Counting, Selection
from safescale.errors import DomainError
from safescale.main_job.asked import Question
from safescale.main_job.grading import against, sampled_selection

__all__ = ["corrected_answer"]

SEED = 20_261_129


def corrected_answer(
    counting: Counting,
    question: Question,
    graded: Answer,
    run: Callable[[Counting, Question], Answer],
    *,
    stage: Callable[[str], None],
) -> CorrectedNumbers:
    """
    The numbers to quote once more, over draws of the verdicts that the reference would give.

    Parameters
    ----------
    counting : Counting
        Counts of the corpus.
    question : Question
        With ``correcting``: what to correct against.
    graded : Answer
        The uncorrected answer.
    run : callable
        The analysis.
    stage : callable
        Told which draw is being asked.

    Raises
    ------
    DomainError
        If there is no grader to correct, or the labels are not of this corpus.
    """
    asked = question.correcting
    assert asked is not None
    selection = sampled_selection(asked.labels, question.selection)
    reference, graders = against(counting, selection, question.graders, asked.labels, key=None, reference=asked.reference)
    cells = counting.cells(selection)
    imputers = [_imputer(counting, own, reference, cells, selection, level=1 - question.alpha) for own in graders]
    notes = [*reference.notes, *(words for own in imputers for words in _notes(own))]
    # another grader, or the reference itself, has no correction: only what is corrected is asked again
    again = attrs.evolve(question, correcting=None, graders=tuple(own.grader for own in graders))
    draws: list[tuple[Headline, ...]] = []
    for at in range(asked.draws):
        stage(f"correcting, draw {at + 1} of {asked.draws}")
        rng = np.random.default_rng([SEED, at])
        try:
            draws.append(run(counting.with_verdicts([own.draw(rng) for own in imputers]), again).headlines)
        except DomainError as error:
            notes.append(f"no corrected answer: {error}")
            draws = []
            break
    return corrected_numbers(
        graded.headlines, draws, reference=reference.name, notes=tuple(dict.fromkeys(notes)), level=1 - question.alpha
    )


def _imputer(counting: Counting, own: Graded, reference: Reference, cells: Cells, selection: Selection, *, level: float) -> Imputer:
    tiers = cells.graders[own.grader].tiers
    known = analyze_correction(
        [own],
        {own.grader: tiers},
        reference,
        fingerprint=counting.fingerprint,
        selection=selection,
        level=level,
        models=False,
    )
    silent = {
        setting.setting.condition: f"not identified: {youden_words(setting.rates[0])}"
        for setting in known.settings
        if setting.rates[0].verdict is CorrectionVerdict.NOT_IDENTIFIED
    }
    # whatever an analysis lets in by itself (tampered models, say) is corrected or counted as not corrected, never passed on
    everything = counting.grader_rows(
        attrs.evolve(selection, tampered="include", exclude_sources=(), exclude_models=()), own.grader, own.target
    )
    inside = set(own.trace_id.tolist())
    outside = [name for name in everything["trace_id"].to_pylist() if name not in inside]
    return Imputer.of(own, tiers, reference, silent, outside=outside)


def _notes(own: Imputer) -> list[str]:
    words = list(own.words)
    words += [f"{own.graded.grader}, condition {name}: not corrected ({why})" for name, why in own.not_corrected.items()]
    if own.outside:
        words.append(
            f"{plural(len(own.outside), 'trace')} of {own.graded.grader} are of models or sources that the labels do not "
            "stand for: they are in no corrected number"
        )
    return words
