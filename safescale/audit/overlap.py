"""How many graded rows two model ids have in common: prompt, verdict and repeat alike, under one grader, target and condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs
import numpy as np
from scipy.sparse import coo_matrix, csr_matrix

from safescale.audit.chance import log_coincidence
from safescale.audit.corpus_facts import AuditFacts, Integers
from safescale.cells.coding import group_rows
from safescale.cells.graded_rows import VERDICTS

__all__ = ["MIN_SHARED_ROWS", "SharedRows", "shared_rows"]

MIN_SHARED_ROWS: Final = 30
"""Fewer rows than this agree by chance too often."""


@attrs.frozen(kw_only=True, eq=False)
class SharedRows:
    """
    Every row of ``model_id`` stands under ``other_id`` too: as all of its rows (``identical``), or among more.

    Attributes
    ----------
    rows, other_rows : int
        Evaluable rows of the two ids. Unit: graded rows.
    minority : int
        Rows of ``model_id`` that do not hold its most frequent verdict.
    chance : float
        Probability that any two of the models under this setting, equally often off their usual verdict, would agree on where:
        conditional on how often each prompt draws the unusual verdict from the other models, times the pairs of models.
    at : ndarray of int
        Graded rows of ``model_id``.
    """

    model_id: str
    other_id: str
    setting: tuple[str, str, str]
    rows: int
    other_rows: int
    minority: int
    chance: float
    at: Integers

    @property
    def identical(self) -> bool:
        """Whether neither id has a row more."""
        return self.rows == self.other_rows


def shared_rows(facts: AuditFacts) -> tuple[SharedRows, ...]:
    """
    Pairs of ids of which one holds every row of the other.

    An id with one verdict on everything is no evidence (models that refuse everything exist) and is not looked at.
    """
    at = facts.counted
    kept = facts.trace_of_row[at]
    model, condition, prompt = (
        column.codes[kept] for column in (facts.traces.model_id, facts.traces.condition, facts.traces.prompt_id)
    )
    verdict = facts.rows.verdict[at]
    settings = group_rows([facts.rows.grader.codes[at], facts.rows.target.codes[at], condition])
    names = (facts.rows.grader.values, facts.rows.target.values, facts.traces.condition.values)
    order = np.argsort(settings.of_row, kind="stable")
    bounds = np.searchsorted(settings.of_row[order], np.arange(settings.count + 1))
    found: list[SharedRows] = []
    for number in range(settings.count):
        rows = order[bounds[number] : bounds[number + 1]]
        label = tuple(values[int(settings.codes[i, number])].as_py() for i, values in enumerate(names))
        for one, other, pairs in _held_pairs(model[rows], prompt[rows], verdict[rows]):
            of_one = model[rows] == one
            majority = int(np.bincount(verdict[rows][of_one], minlength=len(VERDICTS)).argmax())
            chance = _chance(model[rows], prompt[rows], verdict[rows] != majority, one, other) + np.log(pairs)
            found.append(
                SharedRows(
                    model_id=facts.traces.model_id.values[one].as_py(),
                    other_id=facts.traces.model_id.values[other].as_py(),
                    setting=(label[0], label[1], label[2]),
                    rows=int(of_one.sum()),
                    other_rows=int((model[rows] == other).sum()),
                    minority=int((verdict[rows][of_one] != majority).sum()),
                    chance=float(np.exp(min(chance, 0.0))),
                    at=at[rows[of_one]],
                )
            )
    return tuple(found)


def _held_pairs(model: Integers, prompt: Integers, verdict: Integers) -> Iterator[tuple[int, int, int]]:
    """Codes of models of which the second holds all rows of the first, and the pairs that there are."""
    points = group_rows([model, prompt, verdict])
    order = np.argsort(points.of_row, kind="stable")
    starts = np.searchsorted(points.of_row[order], np.arange(points.count))
    repeat = np.empty(model.size, dtype=np.int64)
    repeat[order] = np.arange(model.size) - starts[points.of_row[order]]
    keys = group_rows([prompt, verdict, repeat]).of_row
    codes, owner = np.unique(model, return_inverse=True)
    whole = csr_matrix((np.ones(model.size, dtype=np.int32), (owner, keys)))
    rows = np.bincount(owner)
    by_verdict = np.zeros((codes.size, len(VERDICTS)), dtype=np.int64)
    np.add.at(by_verdict, (owner, verdict), 1)
    varied = (rows >= MIN_SHARED_ROWS) & (by_verdict.max(axis=1) < rows)
    if not varied.any():
        return
    pairs = max(codes.size * (codes.size - 1) // 2, 1)
    chosen = np.flatnonzero(varied)
    common = coo_matrix(whole[chosen] @ whole.T)
    first = chosen[common.row]
    held = (common.data == rows[first]) & (first != common.col)
    for one, other in zip(first[held].tolist(), common.col[held].tolist(), strict=True):
        yield int(codes[one]), int(codes[other]), pairs


def _chance(model: Integers, prompt: Integers, unusual: np.ndarray[tuple[int], np.dtype[np.bool_]], one: int, other: int) -> float:
    """Log probability of the agreement of two models, from what the other models do on the same prompts."""
    mine = model == one
    others = ~mine & (model != other)
    width = int(prompt.max()) + 1
    hits = np.bincount(prompt[others & unusual], minlength=width)
    trials = np.bincount(prompt[others], minlength=width)
    share = (hits[prompt[mine]] + 0.5) / (trials[prompt[mine]] + 1.0)
    return log_coincidence(unusual[mine], share / (1.0 - share))
