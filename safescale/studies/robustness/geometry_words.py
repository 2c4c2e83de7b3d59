"""Refusal directions, and the agreement of graders, in words."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.words import plural, signed
from safescale.studies.robustness.design import RobustnessDesign
from safescale.studies.robustness.quantities import interval_words
from safescale.studies.robustness.results import ConditionAgreement, GeometryOfModel

__all__ = ["agreement_words", "dominated_words", "geometry_words"]

_ALIKE = 0.1
_MOVED = 0.05


def geometry_words(geometry: Sequence[GeometryOfModel]) -> list[str]:
    """In how many models a direction was found, and how alike the categories' directions are there."""
    if not geometry:
        return []
    found = [one for one in geometry if one.found]
    missing = [one for one in geometry if not one.found]
    words = f"A refusal direction was found in {len(found)} of {plural(len(geometry), 'model')}"
    if missing:
        named = "; ".join(f"{one.model.model_id} ({one.reason})" for one in missing[:2])
        others = ", ".join(one.model.model_id for one in missing[2:6]) + (
            f" and {len(missing) - 6} more" if len(missing) > 6 else ""
        )
        words += f"; no direction found in {named}{f'; nor in {others}' if others else ''}: cosines and ranks say nothing there"
    told = [f"{words}."]
    cosines = [one.mean_cosine.value for one in found if one.mean_cosine.value is not None]
    ranks = [one.effective_rank.value for one in found if one.effective_rank.value is not None]
    if cosines:
        categories = max(len(one.categories) for one in found)
        rank = f"; effective rank {_between(ranks)} of at most {categories}" if ranks else ""
        told.append(
            f"Where one was found, the mean cosine between the directions of {categories} categories "
            f"is {_between(cosines)} by model{_ends(found)}{rank}."
        )
    left = [(k, one, other) for model in found for k, one, other in model.left_after]
    if left:
        most = max(k for k, _, _ in left)
        mine = [(one, other) for k, one, other in left if k == most]
        told.append(
            f"Ablating {plural(most, 'direction')} at once leaves {_range([one for one, _ in mine])} of prompts refused by model, "
            f"as many random ones {_range([other for _, other in mine])}."
        )
    return told


def _between(values: Sequence[float]) -> str:
    low, high = (signed(end, 2).removeprefix("+") for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _ends(found: Sequence[GeometryOfModel]) -> str:
    """The widest reach of the intervals, and for how many models noise could not be taken out of the cosine."""
    known = [one.mean_cosine for one in found if one.mean_cosine.value is not None]
    ends = [one.interval for one in known if one.interval is not None]
    told = (
        f" (intervals from {_between([min(low for low, _ in ends)])} to {_between([max(high for _, high in ends)])})"
        if ends
        else ""
    )
    raw = len(known) - len(ends)
    return f"{told}, as observed in {plural(raw, 'model')} with noise left in, which moves it" if raw else told


def _range(values: Sequence[float]) -> str:
    low, high = f"{100 * min(values):.0f}", f"{100 * max(values):.0f}"
    return f"{low} %" if low == high else f"{low} to {high} %"


def agreement_words(agreement: Sequence[ConditionAgreement], design: RobustnessDesign) -> list[str]:
    """Kappa without attack and under fine-tuning, for every two graders."""
    told = []
    for graders in dict.fromkeys(found.graders for found in agreement):
        mine = {found.condition: found for found in agreement if found.graders == graders}
        parts = [
            f"{_kappa(mine[kind])} {where}"
            for kind, where in (("none", "without attack"), ("finetune", "under fine-tuning"))
            if kind in mine
        ]
        if parts:
            told.append(f"{graders[0]} and {graders[1]} agree about refusal with {', '.join(parts)}{_moved(mine)}.")
    return told


def _kappa(found: ConditionAgreement) -> str:
    if found.kappa is None:
        return f"no kappa ({found.why})"
    share = "" if found.agreement is None else f", agreement {100 * found.agreement:.0f} %"
    unsure = f" (no interval: {found.why})" if found.kappa_interval is None else interval_words(found.kappa_interval)
    said = f"; {dominated_words(found)}" if found.dominated else ""
    return f"kappa {signed(found.kappa, 2).removeprefix('+')}{unsure}{share}{said}"


def dominated_words(found: ConditionAgreement) -> str:
    """Why kappa says little: one answer dominates, and there is hardly anything to agree about beyond it."""
    one, other = (f"{100 * share:.0f} %" for share in found.refused or (0.0, 0.0))
    return f"they call {one} and {other} refusals, and where one answer dominates kappa is low however well they agree"


def _moved(mine: dict[str, ConditionAgreement]) -> str:
    if not {"none", "finetune"} <= mine.keys():
        return ""
    if mine["none"].dominated or mine["finetune"].dominated:
        return ""
    one, other = mine["none"].kappa_interval, mine["finetune"].kappa_interval
    if one is None or other is None:
        return ""
    moved = "falls" if other[1] < one[0] else "rises" if other[0] > one[1] else None
    if moved is None:
        return ": that it moves under attack is not shown"
    shares = [sum(mine[kind].refused or (0.0, 0.0)) / 2 for kind in ("none", "finetune")]
    agreed = [mine[kind].agreement or 0.0 for kind in ("none", "finetune")]
    along = (agreed[1] - agreed[0]) * (-1 if moved == "falls" else 1) > _MOVED
    if along or abs(shares[0] - shares[1]) < _ALIKE:
        return f": it {moved} under attack"
    before, after = (f"{100 * share:.0f} %" for share in shares)
    why = f", where {after} in place of {before} are refusals: that alone moves kappa"
    return f": kappa {moved} under attack{why}"
