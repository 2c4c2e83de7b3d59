"""Counts of one side by what can be paired: model, attack class and prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from safescale.analyses.observations import ROUNDING_OF_PUBLISHED_RATES
from safescale.cells import AggregateCell, Cell, Cells
from safescale.records.outcomes import Tier

__all__ = ["SideCounts", "side_counts"]

Integers = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True, eq=False)
class SideCounts:
    """
    Rows of one side: ``keys`` (units,) sorted codes of (model, class, prompt), with prompt, rows and successes of each.

    Published rates have no keys: their counts (implied by rate and n) are ``published_successes`` of ``published_trials``, both
    None where a publication gives no n.
    """

    keys: Integers
    prompt: Integers
    trials: Integers
    successes: Integers
    published_rate: float | None
    published_trials: int | None
    published_successes: int | None

    @property
    def rows(self) -> int:
        """Evaluable rows."""
        return int(self.trials.sum())

    @property
    def total(self) -> tuple[int, int] | None:
        """Successes and rows, of published counts where there are no rows; None where neither is known."""
        if self.keys.size:
            return int(self.successes.sum()), self.rows
        if self.published_successes is None or self.published_trials is None:
            return None
        return self.published_successes, self.published_trials

    @property
    def rate(self) -> float:
        """Over all rows."""
        if self.keys.size:
            return float(self.successes.sum() / self.trials.sum())
        assert self.published_rate is not None
        return self.published_rate


def side_counts(
    cells: Cells, chosen: Iterable[Cell | AggregateCell], *, tier: Tier, models: Sequence[str] | None, classes: Sequence[str]
) -> SideCounts:
    """
    Counts of some cells.

    Parameters
    ----------
    cells : Cells
        Where the cells are from.
    chosen : iterable
        Cells and published rates of one side.
    tier : Tier
        What counts as success.
    models, classes : sequence of str
        What may be met on either side; rows of different models pair only with the same model, all rows when ``models`` is None.
    """
    rows = [cell for cell in chosen if isinstance(cell, Cell)]
    published = [cell for cell in chosen if isinstance(cell, AggregateCell)]
    model_at = {} if models is None else {name: i for i, name in enumerate(models)}
    class_at = {name: i for i, name in enumerate(classes)}
    span = len(cells.prompt_counts["prompt_id"].combine_chunks().dictionary) + 1
    keys, prompts, trials, successes = [], [], [], []
    for cell in rows:
        found = cells.prompts(cell)
        base = (model_at.get(cell.model_id, 0) * len(classes) + class_at[cell.attack_class]) * span
        keys.append(base + found.codes)
        prompts.append(found.codes)
        trials.append(found.evaluable)
        successes.append(found.successes[tier])
    empty = np.zeros(0, np.int64)
    whole = np.concatenate(keys) if keys else empty
    distinct, first, at = np.unique(whole, return_index=True, return_inverse=True)
    n, k = np.zeros(distinct.size, np.int64), np.zeros(distinct.size, np.int64)
    np.add.at(n, at, np.concatenate(trials) if trials else empty)
    np.add.at(k, at, np.concatenate(successes) if successes else empty)
    rate, implied_n, implied_k = (None, None, None) if rows or not published else _implied(published)
    return SideCounts(
        keys=distinct,
        prompt=(np.concatenate(prompts) if prompts else empty)[first],
        trials=n,
        successes=k,
        published_rate=rate,
        published_trials=implied_n,
        published_successes=implied_k,
    )


def _implied(published: Sequence[AggregateCell]) -> tuple[float, int | None, int | None]:
    sizes = [cell.n for cell in published if cell.n is not None]
    if len(sizes) < len(published):
        return sum(cell.rate for cell in published) / len(published), None, None
    total = sum(sizes)
    rate = sum(cell.rate * n for cell, n in zip(published, sizes, strict=True)) / total
    whole = all(abs(round(c.rate * n) / n - c.rate) <= ROUNDING_OF_PUBLISHED_RATES for c, n in zip(published, sizes, strict=True))
    return rate, total, sum(round(c.rate * n) for c, n in zip(published, sizes, strict=True)) if whole else None
