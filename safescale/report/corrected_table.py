"""The numbers to quote, uncorrected and corrected, at the end of a chapter."""

from __future__ import annotations

from typing import Final

import attrs

from safescale.analyses.corrected import CorrectedHeadline, CorrectedNumbers
from safescale.analyses.words import percent, signed
from safescale.report import numbers
from safescale.report.chapter import Chapter
from safescale.report.document import Finding, Section, Table, Value
from safescale.report.table import table

__all__ = ["with_corrected_table"]

QUESTION: Final = "And with the grader's errors corrected?"
_VALUES: Final = (
    *("setting", "quantity", "unit", "graded", "graded_low", "graded_high", "graded_verdict"),
    *("corrected", "corrected_low", "corrected_high", "share_of_variance_from_correction", "corrected_verdict", "draws_with_it"),
)


def with_corrected_table(chapter: Chapter, found: CorrectedNumbers, command: str, fingerprint: str) -> Chapter:
    """A chapter with both answers: the uncorrected one stays where it is, the corrected stands beside it."""
    source = f"{command} · corpus {fingerprint} · {found.draws} draws of the verdicts · reference: {found.reference}"
    changed = sum(bool(h.verdicts) and not h.same_verdict for h in found.headlines)
    finding = Finding(
        question=QUESTION,
        about=f"against {found.reference}",
        verdict=f"{changed} of {len(found.headlines)} verdicts change",
        testable=any(h.estimate is not None for h in found.headlines),
        testability=". ".join(found.notes) + "." if found.notes else "Nothing can be corrected.",
        answer=found.answer,
    )
    part = Section(
        id=f"{chapter.section.id}-corrected",
        title="Uncorrected and corrected",
        warnings=found.notes,
        tables=(_table(found, f"{chapter.section.id}-corrected-numbers", source),),
        methods=(
            f"Verdicts by the reference were imputed {found.draws} times from labels, given the grader's verdict, model and "
            "condition, and the analysis was repeated on them; estimates were combined by Rubin's rules.",
        ),
    )
    return attrs.evolve(
        chapter,
        findings=(*chapter.findings, finding),
        section=attrs.evolve(chapter.section, sections=(*chapter.section.sections, part)),
    )


def _table(found: CorrectedNumbers, id: str, source: str) -> Table:
    names = ("setting", "quantity", "uncorrected", "corrected", "uncorrected verdict", "corrected verdict")
    rows = [
        (
            h.graded.setting or "whole corpus",
            f"{h.graded.quantity}, {h.graded.unit}" if h.graded.unit else h.graded.quantity,
            _number(h.graded.estimate, h.graded.low, h.graded.high, h.graded.unit),
            _number(h.estimate, h.low, h.high, h.graded.unit),
            h.graded.verdict,
            _verdict(h, found.draws),
        )
        for h in found.headlines
    ]
    note = f"{100 * found.level:g} % intervals; corrected ones hold what the labels leave open. Neither replaces the other."
    return table(
        id,
        "Uncorrected and corrected side by side",
        names,
        ("uncorrected", "corrected"),
        rows,
        source,
        (note,),
        values=[_values(h) for h in found.headlines],
        value_names=_VALUES,
    )


def _verdict(found: CorrectedHeadline, draws: int) -> str:
    if not found.verdicts:
        return "no such number: not corrected"
    words, times = found.verdicts[0]
    return words if times == draws else f"{words} (in {times} of {draws} draws)"


def _number(estimate: float | None, low: float | None, high: float | None, unit: str) -> str:
    if estimate is None:
        return numbers.NOTHING
    words = [_one(value, unit) for value in (estimate, low, high) if value is not None]
    return words[0] if len(words) < 3 else f"{words[0]} [{words[1]}, {words[2]}]"


def _one(value: float, unit: str) -> str:
    if unit.startswith("pp"):
        return signed(value)
    return percent(value) if unit == "fraction" else f"{value:.3g}"


def _values(h: CorrectedHeadline) -> tuple[Value, ...]:
    top = h.verdicts[0] if h.verdicts else (None, None)
    return (
        *(h.graded.setting, h.graded.quantity, h.graded.unit, h.graded.estimate, h.graded.low, h.graded.high, h.graded.verdict),
        *(h.estimate, h.low, h.high, h.of_correction, *top),
    )
