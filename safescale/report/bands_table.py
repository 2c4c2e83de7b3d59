"""The numbers to quote by grader, at the end of a chapter that several graders answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from safescale.analyses.bands import NumberBand
from safescale.analyses.words import percent, signed
from safescale.report import numbers
from safescale.report.chapter import Chapter
from safescale.report.document import Finding, Section, Value
from safescale.report.table import table

__all__ = ["with_bands_table"]

QUESTION: Final = "Does the answer depend on the grader?"


def with_bands_table(chapter: Chapter, bands: Sequence[NumberBand], command: str, fingerprint: str) -> Chapter:
    """A chapter that says of each number how far the graders lie apart; unchanged where no two graders give the same number."""
    if not bands:
        return chapter
    differ = [band for band in bands if not band.agree]
    # the first number with a verdict stands for a setting
    first = {band.about: band for band in reversed([b for b in bands if any(b.verdicts)] or list(bands))}
    finding = Finding(
        question=QUESTION,
        about=f"{len({grader for band in bands for grader in band.graders})} graders",
        verdict=f"yes: they differ on {len(differ)} of {len(bands)} numbers" if differ else "no: all verdicts are the same",
        testable=True,
        testability=f"{len(bands)} numbers are given by two or more graders.",
        answer=" ".join(f"{about}: {band.words}." for about, band in sorted(first.items())),
    )
    rows = [
        (
            band.about,
            band.quantity,
            ", ".join(band.graders),
            numbers.NOTHING if band.lowest is None or band.highest is None else _range(band),
            "the same" if band.agree else "; ".join(f"{g}: {v}" for g, v in zip(band.graders, band.verdicts, strict=True)),
        )
        for band in bands
    ]
    values: list[tuple[Value, ...]] = [
        (band.about, band.quantity, band.unit, grader, estimate, verdict, "yes" if band.agree else "no")
        for band in bands
        for grader, estimate, verdict in zip(band.graders, band.estimates, band.verdicts, strict=True)
    ]
    part = Section(
        id=f"{chapter.section.id}-graders",
        title="By grader",
        tables=(
            table(
                f"{chapter.section.id}-graders-band",
                "Range of each number over graders",
                ("setting", "quantity", "graders", "lowest to highest", "verdicts"),
                ("lowest to highest",),
                rows,
                f"{command} · corpus {fingerprint} · every grader with that number",
                values=values,
                value_names=("setting", "quantity", "unit", "grader", "estimate", "verdict", "verdicts_agree"),
            ),
        ),
    )
    section = attrs.evolve(chapter.section, sections=(*chapter.section.sections, part))
    return attrs.evolve(chapter, findings=(*chapter.findings, finding), section=section)


def _range(band: NumberBand) -> str:
    low, high = (_one(value, band.unit) for value in (band.lowest or 0.0, band.highest or 0.0))
    return low if low == high else f"{low} to {high}"


def _one(value: float, unit: str) -> str:
    if unit.startswith("pp"):
        return signed(value)
    return percent(value) if unit == "fraction" else f"{value:.3g}"
