"""Compute to reach one half, and the form of scaling, in words."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.words import p_clause, plural, signed
from safescale.studies.robustness.design import RobustnessDesign
from safescale.studies.robustness.quantities import amount_words, interval_words, unit_words
from safescale.studies.robustness.results import FormAnswer, GraderFindings, HalfCompute
from safescale.studies.robustness.verdict import main_half

__all__ = ["forms_words", "half_words"]

_PRINTED = 0.005


def half_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """Undefended, and under tamper resistance where that was tried."""
    told = []
    names = dict.fromkeys(found.defence for found in first.half)
    for name in names:
        half = main_half(first.half, design, defence=name)
        if half is not None and half.rows:
            told.append(_half(half, "" if name == "none" else f" under {name.replace('_', ' ')}"))
    return told


def _half(half: HalfCompute, under: str) -> str:
    rows = half.rows
    n, models = len(rows), plural(len({row.model.model_id for row in rows}), "model")
    of = f"{plural(n, 'training')} of {models}" if len({row.seed for row in rows}) > 1 else plural(n, "model")
    reached = [row.high for row in rows if row.high is not None]
    words = f"Compute to reach 50 % RRR{under}: "
    if not reached:
        words += f"never reached within the grid by any of {of} (all censored)"
    else:
        lowest, highest = (amount_words(end, half.unit) for end in (min(reached), max(reached)))
        words += f"reached by {len(reached)} of {of}, at {lowest if lowest == highest else f'levels from {lowest} to {highest}'}"
        if half.censored:
            words += f"; {half.censored} never {'falls' if half.censored == 1 else 'fall'} to it within the grid (censored)"
        early = sum(row.low is None for row in rows)
        if early:
            words += f"; {early} {'is' if early == 1 else 'are'} below it at the first level already"
    turning = sum(row.crossings > 1 for row in rows)
    if turning:
        cross = "crosses" if turning == 1 else "cross"
        words += f"; {turning} {cross} one half more than once: the level from which RRR stays below counts"
    return f"{words}. {_slope(half)}"


def _slope(half: HalfCompute) -> str:
    slope = half.slope
    if slope.interval is None:
        return f"Its slope on size is not known: {slope.why}."
    estimate = "" if slope.estimate is None else signed(slope.estimate, 2)
    quoted = f"{estimate}{interval_words(slope.interval)} decades of compute ({unit_words(half.unit)}) per decade of size".strip()
    # an end that is printed as 0.00 does not show the reader that 0 is excluded
    if slope.interval[0] < _PRINTED and slope.interval[1] > -_PRINTED:
        return f"That larger models take more of it, or less, is not shown: {quoted}."
    return f"Larger models take {'more' if slope.interval[0] > 0 else 'less'} of it: {quoted}."


def forms_words(first: GraderFindings, design: RobustnessDesign) -> list[str]:
    """In how many answers either form foretells better."""
    told = []
    for axis, where in (("size", "compute level"), ("compute", "size")):
        answers = [found for found in first.forms if found.over == axis]
        if answers:
            told.append(_form_words(answers, axis, where))
    return [f"Straight in RRR or in its log, by how well what is left out is foretold: {'; '.join(told)}."] if told else []


def _form_words(answers: Sequence[FormAnswer], axis: str, where: str) -> str:
    decided = [found for found in answers if found.verdict != "cannot_tell"]
    if not decided:
        one = answers[0]
        return f"over log {axis}, cannot tell at any of {plural(len(answers), where)} (at {one.at}: {one.reason})"
    parts = []
    for form, name in (("log_linear", "RRR"), ("log_log", "its log")):
        mine = [found for found in decided if found.verdict == form]
        if mine:
            parts.append(f"{name} at {len(mine)} ({', '.join(f'{found.at}, {p_clause(found.p_value or 0.0)}' for found in mine)})")
    left = len(answers) - len(decided)
    return f"over log {axis}, {' and '.join(parts)}, cannot tell at {left}" if left else f"over log {axis}, {' and '.join(parts)}"
