"""Model ids with the same verdict on every prompt: one series under two names, or a copy."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.cells.coding import Coded, group_rows, tally
from safescale.cells.graded_rows import VERDICTS

__all__ = ["MIN_IDENTICAL_ROWS", "IdenticalModels", "identical_models"]

Integers = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

MIN_IDENTICAL_ROWS: Final = 30
"""Fewer rows than this agree by chance too often."""

SETTING_KEYS: Final = ("grader", "target", "condition", "model_id")


@attrs.frozen(kw_only=True)
class IdenticalModels:
    """
    Different model ids whose evaluable verdicts are the same on every prompt, under one grader, target and condition.

    ``minority`` counts the rows that do not hold the most frequent verdict: agreement on few of those is weak evidence.
    """

    model_ids: tuple[str, ...]
    tampering: tuple[str, ...]
    grader: str
    target: str
    condition: str
    evaluable: int
    prompts: int
    minority: int


def identical_models(
    at: Integers, keys: dict[str, Coded], prompt: Coded, verdict: Integers, tampering: list[str], weight: Integers | None = None
) -> tuple[IdenticalModels, ...]:
    """
    Find ids with identical, non-constant verdict vectors of at least ``MIN_IDENTICAL_ROWS`` rows.

    Parameters
    ----------
    at : ndarray of int, shape (counted rows,)
        Graded rows that count, whatever their model.
    keys, prompt, verdict
        Columns of all graded rows.
    tampering : list of str
        State of each model, by the code of ``keys["model_id"]``.
    weight : ndarray of int, shape (counted rows,), optional
        For how many graded rows each stands.
    """
    owners = group_rows([keys[name].codes[at] for name in SETTING_KEYS])
    points = group_rows([owners.of_row, prompt.codes[at], verdict[at]])
    rows = tally(points.of_row, points.count, weight)
    owner, prompt_code, verdict_code = points.codes
    digest = np.zeros(owners.count, dtype=np.uint64)
    np.add.at(digest, owner, _mixed(prompt_code, verdict_code, rows))
    by_verdict = np.zeros((owners.count, len(VERDICTS)), dtype=np.int64)
    np.add.at(by_verdict, (owner, verdict_code), rows)
    prompts = np.bincount(group_rows([owner, prompt_code]).codes[0], minlength=owners.count)
    evaluable = by_verdict.sum(axis=1)
    minority = evaluable - by_verdict.max(axis=1, initial=0)
    groups: dict[tuple[int, ...], list[int]] = {}
    for i in np.flatnonzero((evaluable >= MIN_IDENTICAL_ROWS) & (minority > 0)).tolist():
        grader, target, condition, _ = owners.codes[:, i].tolist()
        groups.setdefault((grader, target, condition, int(digest[i]), int(evaluable[i])), []).append(i)
    return tuple(
        IdenticalModels(
            model_ids=tuple(keys["model_id"].values[int(owners.codes[3, i])].as_py() for i in members),
            tampering=tuple(tampering[int(owners.codes[3, i])] for i in members),
            grader=keys["grader"].values[group[0]].as_py(),
            target=keys["target"].values[group[1]].as_py(),
            condition=keys["condition"].values[group[2]].as_py(),
            evaluable=int(evaluable[members[0]]),
            prompts=int(prompts[members[0]]),
            minority=int(minority[members[0]]),
        )
        for group, members in sorted(groups.items())
        if len(members) > 1
    )


def _mixed(*columns: Integers) -> Hashes:
    """A 64-bit hash per row (splitmix64 over the columns); sums of it identify a set of rows whatever their order."""
    state = np.zeros(columns[0].size, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for column in columns:
            state = state * np.uint64(0x100000001B3) + column.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return state
