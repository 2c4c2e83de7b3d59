"""Each exclusion that has a switch, and what the answer is without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from safescale.analyses.headline import Headline
from safescale.analyses.switched import SwitchEffect
from safescale.analyses.words import percent, signed
from safescale.cells import REASON_WORDS, SWITCHES, Reason
from safescale.report import numbers
from safescale.report.chapter import Chapter
from safescale.report.document import Column, Section, Table, Value
from safescale.report.switches import SELECTION_SWITCHES

__all__ = ["NO_ROW", "switch_table", "with_switch_table"]

NO_ROW: Final = "no row was left out by a switch"
HEADLINE: Final = "slope of the headline"
"""An analysis whose quantities begin so is compared by them; any other by the first number of each setting."""

ABSENT: Final = "no such number"

_NAMES: Final = ("left out because", "what lets them in", "#rows left out", "quantity", "with → without the exclusion")
_VERDICTS: Final = ("verdict with → without", "changed")
_OF_A_HEADLINE: Final = ("estimate", "low", "high", "p_value", "n_models", "n_rows", "verdict")
_VALUE_NAMES: Final = (
    *("reason", "switch", "rows_left_out", "setting", "quantity", "unit"),
    *(f"{name}_{when}" for when in ("with_exclusion", "without_exclusion") for name in _OF_A_HEADLINE),
    "verdict_changed",
)


def switch_table(effects: Sequence[SwitchEffect], *, id: str, source: str) -> Table:
    """
    The numbers to quote with each exclusion and without it.

    Parameters
    ----------
    effects : sequence of SwitchEffect
        As ``switch_effects`` gives them; empty where no switch left a row out, which the table then says.
    id, source : str
        As in ``Table``.
    """
    pairs = [(effect, *pair) for effect in effects for pair in _pairs(effect)]
    settings = any(headline.setting for effect in effects for headline in (*effect.before, *effect.after))
    names = (*_NAMES[:3], *(["setting"] if settings else []), *_NAMES[3:], *_VERDICTS)
    rows = [_row(effect, with_it, without_it, settings) for effect, with_it, without_it in pairs]
    if not rows:
        rows = [(NO_ROW, *(numbers.NOTHING for _ in names[1:]))]
    return Table(
        id=id,
        caption="The answer with and without each exclusion",
        columns=tuple(Column(name=name.removeprefix("#"), numeric=name.startswith("#")) for name in names),
        rows=tuple(rows),
        source=source,
        notes=("One exclusion is undone at a time; the others hold. Changed: another verdict, not only another estimate.",)
        if pairs
        else (),
        values=tuple(_values(*pair) for pair in pairs),
        value_names=_VALUE_NAMES,
    )


def with_switch_table(chapter: Chapter, effects: Sequence[SwitchEffect], command: str, fingerprint: str) -> Chapter:
    """A chapter with that table at the end of its section."""
    source = f"{command} · corpus {fingerprint} · once more without each exclusion"
    table = switch_table(effects, id=f"{chapter.section.id}-switches", source=source)
    part = Section(id=f"{chapter.section.id}-without", title="With and without each exclusion", tables=(table,))
    return attrs.evolve(chapter, section=attrs.evolve(chapter.section, sections=(*chapter.section.sections, part)))


def _quoted(headlines: Sequence[Headline]) -> dict[tuple[str, str], Headline]:
    """The numbers that stand for an answer, by name."""
    head = [headline for headline in headlines if headline.quantity.startswith(HEADLINE)]
    if not head:
        first = {headline.setting: headline for headline in reversed(headlines)}
        head = [headline for headline in headlines if first[headline.setting] is headline]
    return {(headline.setting, headline.quantity): headline for headline in head}


def _pairs(effect: SwitchEffect) -> Iterator[tuple[Headline | None, Headline | None]]:
    """The same number with and without the exclusion; None where one of them lacks it."""
    before = {(headline.setting, headline.quantity): headline for headline in effect.before}
    after = {(headline.setting, headline.quantity): headline for headline in effect.after}
    quoted = _quoted(effect.before)
    answered = {setting for setting, _ in quoted}
    # a setting that only exists without the exclusion has its own first number
    names = [*quoted, *(name for name in _quoted(effect.after) if name[0] not in answered)]
    if not names:
        yield None, None
    for name in names:
        yield before.get(name), after.get(name)


def _row(effect: SwitchEffect, with_it: Headline | None, without_it: Headline | None, settings: bool) -> tuple[str, ...]:
    named = with_it or without_it
    setting = numbers.NOTHING if named is None else named.setting or "whole corpus"
    quantity = numbers.NOTHING if named is None else f"{named.quantity}, {named.unit}" if named.unit else named.quantity
    verdicts = (_verdict(with_it), _verdict(without_it))
    return (
        REASON_WORDS[effect.reason],
        _switch(effect.reason),
        numbers.count(effect.rows),
        *([setting] if settings else []),
        quantity,
        f"{_estimate(with_it)} → {_estimate(without_it)}",
        verdicts[0] if verdicts[0] == verdicts[1] else " → ".join(verdicts),
        numbers.yes_no(verdicts[0] != verdicts[1]),
    )


def _verdict(headline: Headline | None) -> str:
    return ABSENT if headline is None else headline.verdict


def _estimate(headline: Headline | None) -> str:
    """Estimate and interval in the unit of the quantity."""
    if headline is None or headline.estimate is None:
        return numbers.NOTHING
    words = _number(headline.estimate, headline.unit)
    if headline.low is None or headline.high is None:
        return words
    return f"{words} [{_number(headline.low, headline.unit)}, {_number(headline.high, headline.unit)}]"


def _number(value: float, unit: str) -> str:
    if unit.startswith("pp"):
        return signed(value)
    return percent(value) if unit == "fraction" else f"{value:.3g}"


def _switch(reason: Reason) -> str:
    """The words of a command line that let these rows in."""
    switch = SELECTION_SWITCHES[SWITCHES[reason]]
    if reason in (Reason.TAMPERED_MODEL, Reason.NOT_A_TAMPERED_MODEL):
        return f"{switch} include"
    return f"leave out {switch}" if reason in (Reason.SOURCE_EXCLUDED, Reason.MODEL_EXCLUDED) else switch


def _values(effect: SwitchEffect, with_it: Headline | None, without_it: Headline | None) -> tuple[Value, ...]:
    named = with_it or without_it
    return (
        *(effect.reason.value, _switch(effect.reason), effect.rows),
        *((None, None, None) if named is None else (named.setting, named.quantity, named.unit)),
        *(value for headline in (with_it, without_it) for value in _of(headline)),
        numbers.yes_no(_verdict(with_it) != _verdict(without_it)),
    )


def _of(headline: Headline | None) -> tuple[Value, ...]:
    return tuple(None if headline is None else getattr(headline, name) for name in _OF_A_HEADLINE)
