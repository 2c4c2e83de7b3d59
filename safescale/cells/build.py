"""From a corpus to its cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from safescale.cells.aggregates import aggregate_cells, aggregate_graders
from safescale.cells.coding import Coded, Groups, group_rows, tally
from safescale.cells.fates import COUNTED, REASONS, fates_of
from safescale.cells.graded_rows import VERDICTS, GradedRows, Traces, read_graded_rows, read_traces, tampering_of
from safescale.cells.graders import grader_meanings
from safescale.cells.identical import identical_models
from safescale.cells.readable import Readable
from safescale.cells.selection import MODEL_REASONS, REASON_WORDS, SWITCHES, Reason, Selection
from safescale.cells.table import CELL_KEYS, Cells, Exclusion, TraceCounts
from safescale.records.outcomes import TIER_NUMERATORS, Tier
from safescale.records.verdicts import EVALUABLE

__all__ = ["build_cells", "cells_of_rows", "key_columns", "trace_counts"]

Integers = npt.NDArray[np.int64]

SOURCE_KEYS: Final = ("source", *CELL_KEYS)
"""Columns that make a cell where sources are kept apart."""

_EVALUABLE_CODES: Final = [code for code, verdict in enumerate(VERDICTS) if verdict in EVALUABLE]
_TIER_CODES: Final = {tier: [code for code, verdict in enumerate(VERDICTS) if verdict in TIER_NUMERATORS[tier]] for tier in Tier}


def build_cells(corpus: Readable, selection: Selection | None = None, *, by_source: bool = False) -> Cells:
    """
    Count a corpus into cells.

    Parameters
    ----------
    corpus : Readable
        SQLite, Parquet, or anything else with that Protocol. Only the columns that counting needs are read, no text.
    selection : Selection, optional
        What to leave out; the defaults of ``Selection`` when absent.
    by_source : bool, default False
        Keep the sources apart: a cell holds rows of one source. A trace that two sources hold counts once all the same, in the
        source whose copy counts, so the cells of all sources add up to those without this.

    Returns
    -------
    Cells
        Counts per (attack class, model, condition, grader, target) and per prompt, with every exclusion counted.
        Unit: graded rows.

    Raises
    ------
    DataError
        When a grade belongs to no stored trace.
    """
    chosen = Selection() if selection is None else selection
    traces = read_traces(corpus, chosen)
    rows = read_graded_rows(corpus, traces)
    return cells_of_rows(corpus, traces, rows, trace_counts(traces, rows), chosen, by_source=by_source)


def cells_of_rows(
    corpus: Readable, traces: Traces, rows: GradedRows, counts: TraceCounts, chosen: Selection, *, by_source: bool
) -> Cells:
    """
    The cells of graded rows that were read, or of which only counts are left.

    Parameters
    ----------
    corpus : Readable
        Its tables ``models``, ``graders`` and ``aggregates``, and its fingerprint.
    traces, rows
        The rows; each may stand for several.
    counts : TraceCounts
        Where the traces stand under this selection.
    chosen, by_source
        As in ``build_cells``.
    """
    tampering = tampering_of(corpus, traces.model_id.values)
    fate = fates_of(rows, traces, tampering, chosen)
    keys = key_columns(rows, traces)
    group_keys = SOURCE_KEYS if by_source else CELL_KEYS
    counted = np.flatnonzero(fate == COUNTED)
    prompt = traces.prompt_id.take(traces.kept[rows.trace])
    table, prompt_counts = _count(counted, keys, prompt, rows, group_keys)
    everybody = _rows_of_every_model(fate, counted, rows, traces, tampering, chosen)
    kinds = _kinds_by_grader(rows)
    aggregates, left_out = aggregate_cells(corpus, chosen, table)
    names = {**rows.grader_names, **aggregate_graders(aggregates)}
    in_cells = np.unique(keys["model_id"].codes[counted])
    return Cells(
        fingerprint=corpus.fingerprint(),
        selection=chosen,
        table=table,
        prompt_counts=prompt_counts,
        excluded=_excluded(fate, keys, group_keys, rows),
        over_refusal=_over_refusal(np.flatnonzero(fate == REASONS.index(Reason.BENIGN_PROMPT)), keys, rows),
        aggregates=aggregates,
        aggregate_exclusions=left_out,
        considered=rows.total,
        counted=rows.total_at(counted),
        exclusions=_exclusions(fate, rows),
        traces=counts,
        graders=grader_meanings(corpus, names, kinds),
        identical_models=identical_models(everybody, keys, prompt, rows.verdict, tampering, rows.weight_at(everybody)),
        unknown_tampering=tuple(traces.model_id.values[i].as_py() for i in in_cells if tampering[i] == "unknown"),
    )


def _rows_of_every_model(
    fate: Integers, counted: Integers, rows: GradedRows, traces: Traces, tampering: list[str], selection: Selection
) -> Integers:
    """Rows that count but for their model: a copy under another id must be found among the models left out too."""
    if not np.isin(fate, [REASONS.index(reason) for reason in MODEL_REASONS]).any():
        return counted
    every_model = attrs.evolve(selection, tampered="include", exclude_models=())
    return np.flatnonzero(fates_of(rows, traces, tampering, every_model) == COUNTED)


def key_columns(rows: GradedRows, traces: Traces) -> dict[str, Coded]:
    """Columns of ``SOURCE_KEYS`` by graded row, taken from the copy of the trace that counts."""
    kept = traces.kept[rows.trace]
    return {
        "attack_class": traces.attack_class.take(kept),
        "model_id": traces.model_id.take(kept),
        "condition": traces.condition.take(kept),
        "grader": rows.grader,
        "target": rows.target,
        "source": traces.source.take(kept),
    }


def _group(at: Integers, keys: dict[str, Coded], more: Sequence[Integers] = (), names: Sequence[str] = CELL_KEYS) -> Groups:
    return group_rows([keys[name].codes[at] for name in names] + [column[at] for column in more])


def _key_arrays(groups: Groups, keys: dict[str, Coded], names: Sequence[str] = CELL_KEYS) -> dict[str, pa.Array]:
    return {name: keys[name].values.take(pa.array(groups.codes[i])) for i, name in enumerate(names)}


def _verdict_counts(group: Integers, at: Integers, rows: GradedRows, groups: int) -> Integers:
    """Counts of shape (groups, verdicts)."""
    flat = tally(group * len(VERDICTS) + rows.verdict[at], groups * len(VERDICTS), rows.weight_at(at))
    return flat.reshape(groups, len(VERDICTS))


def _tier_columns(counts: Integers) -> dict[str, Integers]:
    columns = {"evaluable": counts[:, _EVALUABLE_CODES].sum(axis=1)}
    return columns | {tier.value: counts[:, codes].sum(axis=1) for tier, codes in _TIER_CODES.items()}


def _count(
    at: Integers, keys: dict[str, Coded], prompt: Coded, rows: GradedRows, names: Sequence[str]
) -> tuple[pa.Table, pa.Table]:
    """The table of cells and the table of prompt counts, from the counted rows."""
    cells = _group(at, keys, names=names)
    by_prompt = group_rows([cells.of_row, prompt.codes[at]])
    prompt_tiers = _tier_columns(_verdict_counts(by_prompt.of_row, at, rows, by_prompt.count))
    prompts = np.bincount(by_prompt.codes[0], minlength=cells.count)
    counts = _verdict_counts(cells.of_row, at, rows, cells.count)
    evaluable = {VERDICTS[code].value: counts[:, code] for code in _EVALUABLE_CODES}
    table = pa.table(
        _key_arrays(cells, keys, names)
        | evaluable
        | _tier_columns(counts)
        | {"prompts": prompts.astype(np.int64), "offset": np.cumsum(prompts) - prompts}
    )
    prompt_ids = pa.DictionaryArray.from_arrays(by_prompt.codes[1].astype(np.int32), prompt.values)
    return table, pa.table({"cell": by_prompt.codes[0], "prompt_id": prompt_ids} | prompt_tiers)


def _excluded(fate: Integers, keys: dict[str, Coded], names: Sequence[str], rows: GradedRows) -> pa.Table:
    at = np.flatnonzero(fate != COUNTED)
    groups = _group(at, keys, [fate], names)
    reasons = pa.array([REASONS[code].value for code in groups.codes[-1]], pa.string())
    counts = tally(groups.of_row, groups.count, rows.weight_at(at))
    return pa.table(_key_arrays(groups, keys, names) | {"reason": reasons, "rows": counts})


def _over_refusal(at: Integers, keys: dict[str, Coded], rows: GradedRows) -> pa.Table:
    groups = _group(at, keys)
    counts = _verdict_counts(groups.of_row, at, rows, groups.count)
    verdicts = {verdict.value: counts[:, code] for code, verdict in enumerate(VERDICTS)}
    return pa.table(_key_arrays(groups, keys) | verdicts | {"evaluable": counts[:, _EVALUABLE_CODES].sum(axis=1)})


def _exclusions(fate: Integers, rows: GradedRows) -> tuple[Exclusion, ...]:
    out = np.flatnonzero(fate != COUNTED)
    counts = tally(fate[out], len(REASONS), rows.weight_at(out)).tolist()
    return tuple(
        Exclusion(reason=reason, words=REASON_WORDS[reason], rows=count, switch=SWITCHES.get(reason))
        for reason, count in zip(REASONS, counts, strict=True)
        if count
    )


def trace_counts(traces: Traces, rows: GradedRows) -> TraceCounts:
    """Where the traces stand: copies, graded, waiting."""
    own = np.flatnonzero(traces.kept == np.arange(traces.count))
    graded = np.zeros(traces.count, dtype=bool)
    graded[traces.kept[rows.trace]] = True
    waiting = own[~graded[own]]
    return TraceCounts(
        traces=traces.count,
        copies=traces.count - int(own.size),
        graded=int(graded[own].sum()),
        ungraded=int(waiting.size),
        ungraded_without_response=int(traces.response_kind.is_in(["none"])[waiting].sum()),
        prompt_kind_unknown=int(traces.prompt_kind.is_in(["unknown"])[own].sum()),
    )


def _kinds_by_grader(rows: GradedRows) -> dict[str, tuple[str, ...]]:
    groups = group_rows([rows.grader.codes, rows.grader_kind.codes])
    kinds: dict[str, tuple[str, ...]] = {}
    for grader, kind in groups.codes.T.tolist():
        label = rows.grader.values[grader].as_py()
        kinds[label] = (*kinds.get(label, ()), rows.grader_kind.values[kind].as_py())
    return kinds
