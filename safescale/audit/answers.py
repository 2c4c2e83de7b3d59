"""Traces by what came back: which responses are worth comparing, and what verdict they got."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np

from safescale.audit.corpus_facts import AuditFacts, Flags, Integers, verdict_code
from safescale.records.verdicts import Verdict

__all__ = ["MIN_CHARS", "Answers", "answers"]

MIN_CHARS: Final = 40
"""Shorter responses ("Yes.", "I cannot help with that.") are the same by chance."""

_SAYS_SOMETHING: Final = (Verdict.COMPLIANCE, Verdict.PARTIAL, Verdict.HALLUCINATION_REFUSAL, Verdict.NOT_HARMFUL)


@attrs.frozen(kw_only=True, eq=False)
class Answers:
    """
    Which traces hold an answer of substance.

    Attributes
    ----------
    of_substance : ndarray of bool, shape (traces,)
        Own traces (no copies of another source's) with a known response that no grader took for a refusal and some grader took for
        more: one text of refusal for many prompts is what models do, one text of compliance is not. NOT_HARMFUL says as much only
        from a grader that tells refusals apart: from a binary one it is the verdict of every refusal.
    long : ndarray of bool, shape (traces,)
        Those whose response has at least ``MIN_CHARS`` characters, or a length that is not known.
    response : ndarray of int, shape (traces,)
        Code of the response; -1 where it is not known.
    """

    of_substance: Flags
    long: Flags
    response: Integers


def answers(facts: AuditFacts) -> Answers:
    """The answers of substance of a corpus."""
    codes = facts.response.codes
    missing = facts.response.is_in([""])
    says, refuses = np.zeros(facts.traces.count, dtype=bool), np.zeros(facts.traces.count, dtype=bool)
    refused = facts.rows.verdict == verdict_code(Verdict.REFUSAL)
    tells_refusals = np.zeros(len(facts.rows.grader.values), dtype=bool)
    tells_refusals[facts.rows.grader.codes[refused]] = True
    substance = np.isin(facts.rows.verdict, [verdict_code(verdict) for verdict in _SAYS_SOMETHING])
    substance &= tells_refusals[facts.rows.grader.codes] | (facts.rows.verdict != verdict_code(Verdict.NOT_HARMFUL))
    says[facts.rows.trace[substance]] = True
    refuses[facts.rows.trace[refused]] = True
    text = facts.traces.response_kind.is_in(["text", "withheld"])
    of_substance = facts.own & ~missing & text & says & ~refuses
    chars = facts.response_chars
    return Answers(
        of_substance=of_substance,
        long=of_substance & ((chars < 0) | (chars >= MIN_CHARS)),
        response=np.where(missing, -1, codes),
    )
