"""The corpus as flat rows: a trace with at most one grade (record ``graded_trace``), texts left out unless asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from safescale.export.joining import BATCH_ROWS, Integers, joined, read_compact
from safescale.export.result import ExportRequest
from safescale.ingest.identity import sha256_text
from safescale.records.fields import arrow_schema
from safescale.store.base import Corpus, DeclaredSize
from safescale.store.content import PROVENANCE

__all__ = ["LONGEST_LABEL", "WITHHELD_LABEL", "graded_rows", "grades_of", "may_be_text", "redacted_traces"]

TEXTS: Final = ("prompt", "response")
LONGEST_LABEL: Final = 80
"""Characters of a raw label; a longer one is no label but text (a grader that answered), and is left out with the texts."""
WITHHELD_LABEL: Final = "(text withheld)"
LONGEST_IDS: Final = {"error": 80, "prompt_id": 80, "trace_id": 200}
"""Characters after which these columns are taken for text where texts are left out."""
MOST_WORDS: Final = {"error": 2, "prompt_id": 4}
"""Words after which they are, however short: a request for harm fits into 40 characters, and an error quotes it."""

_GRADE_COLUMNS: Final = [f.name for f in arrow_schema("grade") if f.name not in PROVENANCE]
_TRACE_COLUMNS: Final = [f.name for f in arrow_schema("trace") if f.name not in PROVENANCE]


def grades_of(request: ExportRequest) -> pa.Table:
    """The grades that are exported, compact; long labels are left out with the texts."""
    grades = read_compact(request.corpus, "grades", _GRADE_COLUMNS)
    if request.graders:
        ids = grades["grader_id"].cast(pa.string())
        grades = grades.filter(pc.is_in(ids, value_set=pa.array(sorted(request.graders))))
    if not request.with_text:
        labels = grades["raw_label"].cast(pa.string())
        long = pc.greater(pc.utf8_length(labels), LONGEST_LABEL)
        if pc.any(long).as_py():
            at = grades.schema.get_field_index("raw_label")
            grades = grades.set_column(at, "raw_label", pc.if_else(long, WITHHELD_LABEL, labels))
    return grades


def may_be_text(name: str, value: str | None) -> bool:
    """Whether what stands in a column (one of ``LONGEST_IDS``) may be, or quote, a prompt or a response."""
    if value is None:
        return False
    return len(value) > LONGEST_IDS[name] or len(value.split()) > MOST_WORDS.get(name, LONGEST_IDS[name])


def redacted_traces(traces: pa.Table) -> pa.Table:
    """
    Traces without their texts: hashes and lengths stay, and what was text is withheld.

    An error in words may quote a text, and an id in words may be one: the error is withheld, the id becomes its hash (equal ids
    stay equal).
    """
    for name in LONGEST_IDS:
        if name in traces.schema.names:
            long = pa.chunked_array([[may_be_text(name, value) for value in traces[name].to_pylist()]], pa.bool_())
            traces = _replaced(traces, name, long)
    for name in TEXTS:
        at = traces.schema.get_field_index(name)
        traces = traces.set_column(at, name, pa.nulls(traces.num_rows, pa.string()))
    at = traces.schema.get_field_index("response_kind")
    kind = traces["response_kind"]
    return traces.set_column(at, "response_kind", pc.if_else(pc.equal(kind, "text"), "withheld", kind))


def _replaced(traces: pa.Table, name: str, long: pa.ChunkedArray) -> pa.Table:
    if not pc.any(long).as_py():
        return traces
    texts = zip(traces[name].to_pylist(), long.to_pylist(), strict=True)
    values = [(WITHHELD_LABEL if name == "error" else f"sha256:{sha256_text(text)}") if cut else text for text, cut in texts]
    return traces.set_column(traces.schema.get_field_index(name), name, pa.array(values, pa.string()))


def graded_rows(request: ExportRequest, left_out: Counter[str]) -> Iterator[pa.Table]:
    """
    Flat rows in pieces, schema of ``graded_trace``: every grade with its trace, and the traces that nobody graded.

    With graders named, only their grades, and no trace that none of them graded.
    """
    corpus, grades = request.corpus, grades_of(request)
    maps = _outcome_maps(corpus)
    sizes = corpus.declared_sizes()
    texts = 0
    for piece in joined(corpus, grades["trace_id"], _TRACE_COLUMNS, keep_lonely=not request.graders):
        traces = piece.traces if request.with_text else redacted_traces(piece.traces)
        texts += len(traces) - piece.traces["response"].null_count if not request.with_text else 0
        for start in range(0, len(piece.row), BATCH_ROWS):  # a trace of many judges stands in as many rows
            some = slice(start, start + BATCH_ROWS)
            yield _flat(traces.take(pa.array(piece.trace[some])), grades, piece.row[some], maps, sizes)
        request.progress(len(traces))
    left_out.update({"response texts (give --with-text to have them)": texts})
    left_out.update(_not_flat(corpus))


def _flat(
    traces: pa.Table, grades: pa.Table, row: Integers, maps: Mapping[str, str], sizes: Mapping[str, DeclaredSize]
) -> pa.Table:
    given = grades.take(pa.array(row, mask=row < 0))
    graders = given["grader_id"].cast(pa.string())
    columns: dict[str, pa.ChunkedArray | pa.Array] = {
        "outcome_map": pa.array([None if g is None else maps.get(g, "flip") for g in graders.to_pylist()], pa.string())
    }
    declared = [sizes.get(model, (None, None, False)) for model in traces["model_id"].to_pylist()]
    columns["params_total_b"] = pa.array([d[0] for d in declared], pa.float64())
    columns["params_active_b"] = pa.array([d[1] for d in declared], pa.float64())
    stated = [None if d[0] is None and d[1] is None else "estimated" if d[2] else "declared" for d in declared]
    columns["params_source"] = pa.array(stated, pa.string())
    schema = arrow_schema("graded_trace")
    out = []
    for field in schema:
        if field.name in columns:
            column = columns[field.name]
        elif field.name in traces.schema.names:
            column = traces[field.name]
        else:
            column = given[field.name].cast(field.type)
        out.append(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)
    return pa.Table.from_arrays(out, schema=schema)


def _outcome_maps(corpus: Corpus) -> dict[str, str]:
    table = corpus.read("graders", ["grader_id", "outcome_map"])
    return dict(zip(table["grader_id"].to_pylist(), table["outcome_map"].to_pylist(), strict=True))


def _not_flat(corpus: Corpus) -> dict[str, int]:
    """What no flat row holds."""
    return {"turns (a flat row holds the final response)": corpus.count("turns"), "published rates": corpus.count("aggregates")}
