"""The analysis of a dilution experiment: counts in, an answer in words out."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.words import plural, signed
from safescale.errors import DomainError
from safescale.studies.dilution.answer import grader_answer
from safescale.studies.dilution.caveats import missing_models
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.results import DilutionResult, GraderAnswer
from safescale.studies.dilution.sentences import answer_words
from safescale.studies.dilution.settle import settle_words
from safescale.studies.dilution.verdict import reversal_of, verdict_over_graders

__all__ = ["analyze_dilution"]


def analyze_dilution(
    design: DilutionDesign, outcomes: Sequence[Outcomes], *, expected_models: Sequence[str] = ()
) -> DilutionResult:
    """
    What a dilution experiment found.

    Parameters
    ----------
    design : DilutionDesign
        As registered.
    outcomes : sequence of Outcomes
        One for each grader, the registered primary one first; all of one corpus.
    expected_models : sequence of str, optional
        Model ids that were declared: those of which nothing came are named.

    Returns
    -------
    DilutionResult
        The whole answer of every grader; the verdict is the primary grader's, unless another reaches the opposite one.

    Raises
    ------
    DomainError
        If there is no grader, or one grader comes twice.
    """
    if not outcomes:
        raise DomainError("a dilution experiment needs the outcomes of at least one grader, got none; grade the responses first")
    graders = [of.grader for of in outcomes]
    if len(set(graders)) < len(graders):
        raise DomainError(f"every grader has one set of outcomes, got {graders!r}")
    parts = [grader_answer(of, design) for of in outcomes]
    answers = tuple(part.answer for part in parts)
    verdict, doubts_in_words = verdict_over_graders(answers)
    reversal = reversal_of(answers)
    doubts = parts[0].doubts if reversal is None else (reversal,)
    settle = settle_words(doubts, answers[0].size, parts[0].fitted, design)
    lead = answer_words(answers[0], design, doubts=doubts_in_words, verdict=verdict)
    words = [lead, _other_graders(answers), settle]
    return DilutionResult(
        design=design,
        answers=answers,
        verdict=verdict,
        answer=" ".join(word for word in words if word),
        settle=settle,
        caveats=(
            *missing_models(outcomes[0], expected_models),
            *answers[0].caveats,
            *_grader_caveats(answers, outcomes),
        ),
        fingerprint=outcomes[0].fingerprint,
    )


def _other_graders(answers: Sequence[GraderAnswer]) -> str:
    if len(answers) < 2:
        return ""
    told = []
    for answer in answers[1:]:
        slope = "" if answer.size is None else f" ({signed(answer.size.slope_pp_per_decade)} pp per decade)"
        told.append(f"{answer.grader} {answer.verdict}{slope}")
    slopes = [answer.size.slope_pp_per_decade for answer in answers if answer.size is not None]
    band = (
        f"; over {plural(len(slopes), 'grader')} the slope is {signed(min(slopes))} to {signed(max(slopes))} pp per decade"
        if len(slopes) > 1
        else ""
    )
    return f"By the other graders: {', '.join(told)}{band}."


def _grader_caveats(answers: Sequence[GraderAnswer], outcomes: Sequence[Outcomes]) -> list[str]:
    found = []
    if len(answers) == 1:
        found.append(f"one grader ({answers[0].grader}): how much the answer depends on it is not known")
    differ = [answer.grader for answer in answers[1:] if answer.verdict is not answers[0].verdict]
    if differ:
        found.append(f"the verdict of {', '.join(differ)} differs from that of {answers[0].grader}")
    fingerprints = {of.fingerprint for of in outcomes}
    if len(fingerprints) > 1:
        found.append(f"the graders saw {len(fingerprints)} different corpora ({', '.join(sorted(fingerprints))})")
    return found
