"""The same number by several graders: its range, and whether they lead to one answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from safescale.analyses.headline import Headline
from safescale.analyses.words import percent, plural, signed

__all__ = ["DIFFERENT_ANSWERS", "LEFT_OPEN", "SAME_ANSWER", "NumberBand", "grader_bands", "without_numbers"]

SAME_ANSWER: Final = "lead to the same answer"
LEFT_OPEN: Final = "leave it open"
DIFFERENT_ANSWERS: Final = "do not lead to the same answer"
"""What several graders do, wherever an answer says so."""


_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9.,]*")


@attrs.frozen(kw_only=True)
class NumberBand:
    """
    One number to quote by several graders; the grader is part of every rate.

    ``about`` is the setting without the grader; ``estimates`` and ``verdicts`` stand in the order of ``graders``, an estimate None
    where that grader gives none. ``lowest`` and ``highest`` are of those who give one.
    """

    about: str
    quantity: str
    unit: str
    graders: tuple[str, ...]
    estimates: tuple[float | None, ...]
    verdicts: tuple[str, ...]
    lowest: float | None
    highest: float | None
    agree: bool
    words: str


def without_numbers(verdict: str) -> str:
    """What a verdict says: another number in it is another estimate, not another answer."""
    return _NUMBER.sub("", verdict)


def grader_bands(headlines: Sequence[Headline], graders: Iterable[str]) -> tuple[NumberBand, ...]:
    """
    The numbers that two or more graders give, in the order of the headlines.

    Parameters
    ----------
    headlines : sequence of Headline
        Of one answer; a setting begins with its grader, as ``Setting.words`` has it.
    graders : iterable of str
        Labels of the graders of the corpus.
    """
    starts = [(f"grader {label}, ", label) for label in sorted(set(graders), key=len, reverse=True)]
    grouped: dict[tuple[str, str, str], list[tuple[str, Headline]]] = {}
    for headline in headlines:
        found = next(((start, label) for start, label in starts if headline.setting.startswith(start)), None)
        if found is not None:
            about = headline.setting.removeprefix(found[0])
            grouped.setdefault((about, headline.quantity, headline.unit), []).append((found[1], headline))
    return tuple(_band(*key, members) for key, members in grouped.items() if len({label for label, _ in members}) > 1)


def _band(about: str, quantity: str, unit: str, members: Sequence[tuple[str, Headline]]) -> NumberBand:
    known = [h.estimate for _, h in members if h.estimate is not None]
    verdicts = tuple(h.verdict for _, h in members)
    agree = len({without_numbers(verdict) for verdict in verdicts}) == 1
    return NumberBand(
        about=about,
        quantity=quantity,
        unit=unit,
        graders=tuple(label for label, _ in members),
        estimates=tuple(h.estimate for _, h in members),
        verdicts=verdicts,
        lowest=min(known) if known else None,
        highest=max(known) if known else None,
        agree=agree,
        words=_words(quantity, unit, members, known, agree=agree),
    )


def _words(quantity: str, unit: str, members: Sequence[tuple[str, Headline]], known: Sequence[float], *, agree: bool) -> str:
    each = "; ".join(f"{label}: {h.verdict or 'no verdict'}" for label, h in members)
    if len(known) < 2:
        return f"{quantity}: {plural(len(members), 'grader')} cannot be compared, {len(known)} of them give a number ({each})"
    spread = f"from {_number(min(known), unit)} to {_number(max(known), unit)}"
    does = SAME_ANSWER if agree else DIFFERENT_ANSWERS
    return f"{quantity}: {plural(len(members), 'grader')} {does}, {spread} ({each})"


def _number(value: float, unit: str) -> str:
    if unit.startswith("pp"):
        return f"{signed(value)} {unit}"
    return percent(value) if unit == "fraction" else f"{value:.3g}"
