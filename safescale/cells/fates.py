"""The one fate of every graded row: counted, or excluded for the first reason that holds."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from safescale.cells.coding import group_rows
from safescale.cells.graded_rows import VERDICTS, GradedRows, Traces
from safescale.cells.selection import VERDICT_REASONS, Reason, Selection
from safescale.records.verdicts import EVALUABLE

__all__ = ["COUNTED", "REASONS", "TAMPERED_STATES", "fates_of", "provenance_reasons", "settled_repeats"]

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

COUNTED: Final = -1
REASONS: Final[tuple[Reason, ...]] = tuple(Reason)
TAMPERED_STATES: Final = ("abliterated", "fine_tuned", "steered")

_CODE: Final = {reason: code for code, reason in enumerate(REASONS)}
_IS_EVALUABLE: Final = np.array([verdict in EVALUABLE for verdict in VERDICTS])


def provenance_reasons(
    model_ids: list[str], tampering: list[str], in_excluded_source: list[bool], selection: Selection
) -> list[Reason | None]:
    """Reason of provenance or tampering for which a row of this model and source is excluded, or None."""
    reasons: list[Reason | None] = []
    for model_id, state, source_is_out in zip(model_ids, tampering, in_excluded_source, strict=True):
        is_tampered = state in TAMPERED_STATES
        if source_is_out:
            reasons.append(Reason.SOURCE_EXCLUDED)
        elif model_id in selection.exclude_models:
            reasons.append(Reason.MODEL_EXCLUDED)
        elif is_tampered and selection.tampered == "exclude":
            reasons.append(Reason.TAMPERED_MODEL)
        elif not is_tampered and selection.tampered == "only":
            reasons.append(Reason.NOT_A_TAMPERED_MODEL)
        else:
            reasons.append(None)
    return reasons


def fates_of(rows: GradedRows, traces: Traces, tampering: list[str], selection: Selection) -> Integers:
    """
    Fate of each graded row.

    Provenance comes first, then the grader, the response, repetition, contradiction, the kind of prompt, the verdict.

    Returns
    -------
    numpy.ndarray of int64
        Shape: (graded rows,). ``COUNTED`` or an index into ``REASONS``.
    """
    fate = np.full(rows.count, COUNTED, dtype=np.int64)
    kept = traces.kept[rows.trace]
    _assign(fate, traces.in_excluded_source[rows.trace], Reason.SOURCE_EXCLUDED)
    _exclude_models(fate, traces.model_id.codes[kept], traces.model_id.values, tampering, selection)
    if not selection.allow_keyword:
        _assign(fate, rows.grader_kind.is_in(["keyword"]), Reason.KEYWORD_GRADER)
    if not selection.include_telemetry:
        _assign(fate, traces.response_kind.is_in(["telemetry"])[kept], Reason.TELEMETRY)
    if not selection.include_no_response:
        _assign(fate, traces.response_kind.is_in(["none"])[kept], Reason.NO_RESPONSE)
    _settle_repeats(fate, rows, kept)
    _assign(fate, traces.prompt_kind.is_in(["benign"])[kept], Reason.BENIGN_PROMPT)
    for verdict, reason in VERDICT_REASONS.items():
        _assign(fate, rows.verdict == VERDICTS.index(verdict), reason)
    return fate


def _assign(fate: Integers, where: Flags, reason: Reason) -> None:
    fate[where & (fate == COUNTED)] = _CODE[reason]


def _exclude_models(fate: Integers, model: Integers, model_ids: pa.Array, tampering: list[str], selection: Selection) -> None:
    reasons = provenance_reasons(model_ids.to_pylist(), tampering, [False] * len(tampering), selection)
    codes = np.array([COUNTED if reason is None else _CODE[reason] for reason in reasons], dtype=np.int64)
    undecided = fate == COUNTED
    fate[undecided] = codes[model[undecided]]


def settled_repeats(rows: GradedRows, traces: Traces) -> Integers:
    """
    What repetition and contradiction alone decide of each graded row.

    A trace's rows by one grader are in or out together under every selection, unless copies of it stand in an excluded source: so
    this can be settled before anything is selected.
    """
    fate = np.full(rows.count, COUNTED, dtype=np.int64)
    _settle_repeats(fate, rows, traces.kept[rows.trace])
    return fate


def _settle_repeats(fate: Integers, rows: GradedRows, kept: Integers) -> None:
    """One verdict per trace, target and grader: repeats count once, non-evaluable yields, contradiction is out."""
    alive = np.flatnonzero(fate == COUNTED)
    if rows.repeat is not None:
        fate[alive] = rows.repeat[alive]
        return
    if alive.size == 0:
        return
    is_copy = rows.trace[alive] != kept[alive]
    verdict = rows.verdict[alive]
    group = group_rows([kept[alive], rows.target.codes[alive], rows.grader.codes[alive]]).of_row
    key = group * len(VERDICTS) + verdict
    order = np.lexsort((is_copy, key))
    repeated = np.zeros(alive.size, dtype=bool)
    repeated[order[1:]] = key[order[1:]] == key[order[:-1]]
    fate[alive[repeated & is_copy]] = _CODE[Reason.SAME_TRACE]
    fate[alive[repeated & ~is_copy]] = _CODE[Reason.REPEATED_GRADE]
    evaluable = _IS_EVALUABLE[verdict] & ~repeated
    different = np.bincount(group, weights=evaluable).astype(np.int64)[group]
    fate[alive[~repeated & ~evaluable & (different > 0)]] = _CODE[Reason.SUPERSEDED]
    fate[alive[evaluable & (different > 1)]] = _CODE[Reason.CONTRADICTION]
