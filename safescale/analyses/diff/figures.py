"""Rates before and after, and what each kind of changed row did to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from safescale.analyses.diff.results import Contribution, FigureChange
from safescale.analyses.diff.rows import CAUSES, Events
from safescale.records.outcomes import TIER_NUMERATORS, Tier

__all__ = ["figure_changes", "parts_of_change"]

SETTING: Final = ("grader", "target", "condition")
SUMS: Final = [("k", "sum"), ("n", "sum")]

Counts = npt.NDArray[np.int64]


def parts_of_change(before: tuple[int, int], after: tuple[int, int], parts: Sequence[tuple[int, int]]) -> tuple[float, ...] | None:
    """
    Parts of a change of a rate that add up to it, whatever their order.

    With the rates ``r = K / N`` before and after, and parts that add ``(dk, dn)`` to the counts::

        r2 - r1 = sum (dk - r1 dn) / N2 = sum (dk - r2 dn) / N1

    both exactly; each part is the mean of its two terms, so swapping before and after changes its sign only.

    Parameters
    ----------
    before, after : tuple of (int, int)
        Successes and trials.
    parts : sequence of (int, int)
        Successes and trials that each part adds; they add up to the difference of the counts.

    Returns
    -------
    tuple of float, or None
        Shape: (parts,). Unit: fraction. None where there are no trials before, or none after.

    Examples
    --------
    Ten successes of twenty; ten failures are added, then nothing else:

    >>> [round(part, 4) for part in parts_of_change((10, 20), (10, 30), [(0, 10)])]
    [-0.1667]
    """
    (k1, n1), (k2, n2) = before, after
    if not n1 or not n2:
        return None
    r1, r2 = k1 / n1, k2 / n2
    return tuple(((dk - r1 * dn) / n2 + (dk - r2 * dn) / n1) / 2 for dk, dn in parts)


def figure_changes(first: pa.Table, second: pa.Table, events: Events, tier: Tier) -> tuple[tuple[FigureChange, ...], int]:
    """
    Every rate (per model and over all models, by grader, target and condition) that any changed row is behind.

    Returns
    -------
    tuple
        The rates that changed rows are behind, and the number of rates compared.
    """
    sides = [_counts(table, tier) for table in (first, second)]
    moves = _moves(first, second, events, tier)
    found: list[FigureChange] = []
    compared = 0
    for keys in (SETTING, (*SETTING, "model_id")):
        before, after = (_totals(side, keys) for side in sides)
        compared += len(before.keys() | after.keys())
        parts = _parts(moves, keys)
        found += [_figure(key, before.get(key, (0, 0)), after.get(key, (0, 0)), rows, tier) for key, rows in sorted(parts.items())]
    return tuple(found), compared


def _counts(table: pa.Table, tier: Tier) -> pa.Table:
    """Counted rows with their success."""
    counted = table.filter(pc.equal(table["reason"], ""))
    return (
        counted.select([*SETTING, "model_id"])
        .append_column("k", _success(counted["verdict"], tier))
        .append_column("n", pa.array(np.ones(counted.num_rows, dtype=np.int64)))
    )


def _success(verdict: pa.ChunkedArray, tier: Tier) -> pa.Array:
    hit = pc.is_in(verdict, value_set=pa.array([v.value for v in TIER_NUMERATORS[tier]]))
    return pc.cast(hit, pa.int64())


def _totals(counts: pa.Table, keys: Sequence[str]) -> dict[tuple[str, ...], tuple[int, int]]:
    grouped = counts.group_by(list(keys)).aggregate(SUMS)
    return {tuple(row[key] for key in keys): (row["k_sum"], row["n_sum"]) for row in grouped.to_pylist()}


def _moves(first: pa.Table, second: pa.Table, events: Events, tier: Tier) -> pa.Table:
    """Each event as what it takes from the cell before and gives to the cell after, one row where the cell is the same."""
    out, gain = _side(first, events.first, tier), _side(second, events.second, tier)
    same = np.ones(events.cause.size, dtype=bool)
    for name in (*SETTING, "model_id"):
        same &= np.asarray(pc.equal(out[name], gain[name]).to_numpy(zero_copy_only=False), dtype=bool)
    both = (out["counted"] & gain["counted"]) & same
    pieces = []
    labels = {"cause": pa.array(events.cause), "before": events.before, "after": events.after}
    for side, sign, where in ((out, -1, out["counted"] & ~both), (gain, 1, gain["counted"] & ~both)):
        at = pa.array(np.flatnonzero(where))
        cells = {name: side[name].take(at) for name in (*SETTING, "model_id")}
        words = {name: column.take(at) for name, column in labels.items()}
        k = sign * side["k"][where]
        # a row that leaves one cell for another is one row where both are added up
        row = np.ones(k.size, dtype=np.int64) if sign < 0 else (~out["counted"][where]).astype(np.int64)
        pieces.append(pa.table(cells | words | {"k": k, "n": np.full(k.size, sign, dtype=np.int64), "row": row}))
    at = pa.array(np.flatnonzero(both))
    cells = {name: gain[name].take(at) for name in (*SETTING, "model_id")}
    words = {name: column.take(at) for name, column in labels.items()}
    k = gain["k"][both] - out["k"][both]
    nothing = np.zeros(k.size, dtype=np.int64)
    pieces.append(pa.table(cells | words | {"k": k, "n": nothing, "row": nothing + 1}))
    return pa.concat_tables(pieces)


def _side(table: pa.Table, at: Counts, tier: Tier) -> Mapping[str, Any]:
    present = at >= 0
    if not table.num_rows:
        nothing = pa.array([""] * at.size, pa.string())
        flags = np.zeros(at.size, dtype=bool)
        return dict.fromkeys((*SETTING, "model_id"), nothing) | {"counted": flags, "k": np.zeros(at.size, dtype=np.int64)}
    rows = table.take(pa.array(np.where(present, at, 0)))
    counted = np.asarray(pc.equal(rows["reason"], "").to_numpy(), dtype=bool) & present
    cells = {name: pc.if_else(pa.array(present), rows[name].combine_chunks(), "") for name in (*SETTING, "model_id")}
    k = np.asarray(_success(rows["verdict"], tier).to_numpy(), dtype=np.int64)
    return cells | {"counted": counted, "k": np.where(counted, k, 0)}


def _parts(moves: pa.Table, keys: Sequence[str]) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    names = [*keys, "cause", "before", "after"]
    grouped = (
        moves.group_by(names).aggregate([*SUMS, ("row", "sum"), ("n", "count")]).sort_by([(name, "ascending") for name in names])
    )
    parts: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in grouped.to_pylist():
        parts.setdefault(tuple(row[key] for key in keys), []).append(row)
    return parts


def _figure(
    key: tuple[str, ...], before: tuple[int, int], after: tuple[int, int], rows: Sequence[dict[str, Any]], tier: Tier
) -> FigureChange:
    shares = parts_of_change(before, after, [(row["k_sum"], row["n_sum"]) for row in rows])
    rates = [k / n if n else None for k, n in (before, after)]
    return FigureChange(
        grader=key[0],
        target=key[1],
        condition=key[2],
        model_id=key[3] if len(key) > len(SETTING) else None,
        tier=tier,
        successes_before=before[0],
        trials_before=before[1],
        successes_after=after[0],
        trials_after=after[1],
        before=rates[0],
        after=rates[1],
        change=None if rates[0] is None or rates[1] is None else rates[1] - rates[0],
        contributions=tuple(
            Contribution(
                cause=CAUSES[row["cause"]],
                before=row["before"],
                after=row["after"],
                rows=row["n_count"] if len(key) > len(SETTING) else row["row_sum"],
                successes=row["k_sum"],
                trials=row["n_sum"],
                share=0.0 if shares is None else shares[i],
            )
            for i, row in enumerate(rows)
        ),
    )
