"""Which figures differ between two corpora, and which rows did it?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import attrs
import pyarrow as pa
import pyarrow.compute as pc

from safescale.analyses.diff.figures import figure_changes
from safescale.analyses.diff.results import DiffResult, HeadlineChange, RowTotals
from safescale.analyses.diff.rows import events_of, field_changes, row_changes, row_totals, with_traces
from safescale.analyses.diff.sentences import answer_words
from safescale.analyses.headline import Headline
from safescale.cells import Counting, Selection
from safescale.cells.row_fates import ROW_KEYS
from safescale.errors import DomainError
from safescale.records.outcomes import Tier

__all__ = ["NamedHeadlines", "diff_corpora"]

NamedHeadlines: TypeAlias = tuple[str, Callable[[Counting], Sequence[Headline]]]
"""Name of an analysis, and how its headlines come from the counts of a corpus."""

TRACE_FIELDS: Final = (
    *("source", "model_id", "prompt_id", "prompt_kind", "attack_class", "condition", "sample_index", "response_kind"),
    *("prompt_sha256", "response_sha256"),
)
MODEL_FIELDS: Final = (
    *("canonical_id", "params_total_b", "params_active_b", "size_source", "tampering", "developer", "family", "lineage"),
)
GRADER_FIELDS: Final = ("outcome_map", "hallucination_refusal")
PUBLISHED_FIELDS: Final = ("model_id", "attack_class", "condition", "outcome", "grader_id", "rate", "n")


def diff_corpora(
    first: Counting,
    second: Counting,
    *,
    selection: Selection | None = None,
    tier: Tier = Tier.STRICT,
    headlines: Sequence[NamedHeadlines] = (),
) -> DiffResult:
    """
    Compare two corpora: rows by id, rates by model and setting with the rows that changed them, quoted numbers.

    Traces match by their id; grades by trace, grader (with rubric version) and target. A row that counts otherwise has one cause:
    added, removed, moved (the trace of this id has another model, prompt, class or condition), answered anew (it has another
    response), re-graded (another label), re-mapped (the same label, another verdict), newly excluded or included (the same
    verdict, another fate).

    Parameters
    ----------
    first, second : Counting
        The corpora before and after.
    selection : Selection, optional
        What may count in both; the defaults when absent.
    tier : Tier, default strict
        Which rate is compared.
    headlines : sequence of (str, callable)
        Analyses whose quoted numbers are compared.

    Returns
    -------
    DiffResult
        ``same`` where nothing differs. Of each rate that changed, the parts by cause add up to the change.

    Raises
    ------
    DomainError
        If a corpus holds two rows of one id.
    """
    chosen = Selection() if selection is None else selection
    prints = (first.fingerprint, second.fingerprint)
    models = field_changes(first.models, second.models, "model_id", MODEL_FIELDS)
    graders = field_changes(_graders(first), _graders(second), "grader_id", GRADER_FIELDS)
    same = prints[0] == prints[1] and not models and not graders
    if same:
        keys = {"traces": "trace_id", "grades": "trace_id", "aggregates": "aggregate_id"}
        counts = [_unchanged(first.read(table, [key]).num_rows) for table, key in keys.items()]
        return DiffResult(
            first_fingerprint=prints[0],
            second_fingerprint=prints[1],
            same=True,
            selection=chosen,
            tier=tier,
            traces=counts[0],
            grades=counts[1],
            published=counts[2],
            row_changes=(),
            models=(),
            graders=(),
            published_changes=(),
            figures=(),
            figures_compared=0,
            headline_changes=(),
            headlines_compared=0,
            answer="No difference: both corpora hold the same content, and their models are described alike.",
        )
    traces = [side.read("traces", ["trace_id", *TRACE_FIELDS]) for side in (first, second)]
    published = [side.read("aggregates", ["aggregate_id", *PUBLISHED_FIELDS]) for side in (first, second)]
    for side, table in zip(("first", "second"), traces, strict=True):
        _check_ids(table["trace_id"], side)
    rows = [with_traces(side.row_fates(chosen), table) for side, table in zip((first, second), traces, strict=True)]
    events = events_of(rows[0], rows[1])
    figures, compared = figure_changes(rows[0], rows[1], events, tier)
    changes, quoted = _headline_changes(first, second, headlines)
    found = DiffResult(
        first_fingerprint=prints[0],
        second_fingerprint=prints[1],
        same=False,
        selection=chosen,
        tier=tier,
        traces=row_totals(traces[0], traces[1], ["trace_id"], TRACE_FIELDS),
        grades=row_totals(rows[0], rows[1], ROW_KEYS, ("verdict", "raw_label", "reason")),
        published=row_totals(published[0], published[1], ["aggregate_id"], PUBLISHED_FIELDS),
        row_changes=row_changes(rows[0], rows[1], events),
        models=models,
        graders=graders,
        published_changes=field_changes(published[0], published[1], "aggregate_id", PUBLISHED_FIELDS),
        figures=figures,
        figures_compared=compared,
        headline_changes=changes,
        headlines_compared=quoted,
        answer="",
    )
    return attrs.evolve(found, answer=answer_words(found))


def _graders(side: Counting) -> pa.Table:
    """One row per grader; one that was declared twice has both declarations in one text."""
    declared: dict[str, list[tuple[str, str]]] = {}
    for row in side.read("graders", ["grader_id", *GRADER_FIELDS]).to_pylist():
        declared.setdefault(row["grader_id"], []).append(tuple(row[field] for field in GRADER_FIELDS))
    rows = [
        {"grader_id": grader_id} | {f: " and ".join(sorted({d[i] for d in of_grader})) for i, f in enumerate(GRADER_FIELDS)}
        for grader_id, of_grader in declared.items()
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in ("grader_id", *GRADER_FIELDS)]))


def _unchanged(rows: int) -> RowTotals:
    return RowTotals(before=rows, after=rows, added=0, removed=0, changed=0, changed_columns={})


def _check_ids(ids: pa.ChunkedArray, side: str) -> None:
    if pc.count_distinct(ids).as_py() != len(ids):
        raise DomainError(f"the {side} corpus holds several traces of one id; ingest it anew")


def _headline_changes(
    first: Counting, second: Counting, headlines: Sequence[NamedHeadlines]
) -> tuple[tuple[HeadlineChange, ...], int]:
    changes = []
    compared = 0
    for name, compute in headlines:
        before, after = ({(h.setting, h.quantity): h for h in compute(side)} for side in (first, second))
        keys = sorted({*before, *after})
        compared += len(keys)
        changes += [
            HeadlineChange(analysis=name, before=before.get(key), after=after.get(key))
            for key in keys
            if before.get(key) != after.get(key)
        ]
    return tuple(changes), compared
