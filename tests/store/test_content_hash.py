"""The content hash: equal exactly when the content is."""

from __future__ import annotations

import hashlib
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.records.fields import field_specs, record_names
from safescale.store.content import PROVENANCE, content_hashes
from store.store_strategies import rows_of, table_of, tables_of, trace

RECORDS = [name for name in record_names() if name not in ("graded_trace", "reject")]


@pytest.mark.parametrize("record", RECORDS)
@given(data=st.data())
def test_order_of_rows_columns_and_chunking_are_irrelevant(record: str, data: st.DataObject) -> None:
    table = data.draw(tables_of(record, min_size=2))
    hashes = content_hashes(table, record)
    columns = data.draw(st.permutations(table.column_names))
    cut = data.draw(st.integers(0, table.num_rows))
    pieces = pa.concat_tables([table.slice(0, cut), table.slice(cut)]).select(columns)
    assert content_hashes(pieces, record) == hashes
    order = data.draw(st.permutations(range(table.num_rows)))
    assert content_hashes(table.take(order), record) == [hashes[i] for i in order]


@pytest.mark.parametrize("record", RECORDS)
@given(data=st.data())
def test_equal_exactly_when_the_content_is(record: str, data: st.DataObject) -> None:
    one = data.draw(rows_of(record))
    name = data.draw(st.sampled_from([f.name for f in field_specs(record)]))
    other = one | {name: data.draw(rows_of(record))[name]}
    first, second = content_hashes(table_of(record, [one, other]), record)
    content = [{k: v for k, v in row.items() if k not in PROVENANCE} for row in (one, other)]
    if record == "trace":  # the hash speaks for the text
        content = [_stood_in(row) for row in content]
    assert (first == second) == (content[0] == content[1])


def _stood_in(row: dict[str, Any]) -> dict[str, Any]:
    return row | {text: "there" for text in ("prompt", "response") if row[text] is not None and row[f"{text}_sha256"] is not None}


@pytest.mark.parametrize("record", RECORDS)
def test_every_field_counts(record: str) -> None:
    """The random law above cannot promise to touch each one."""
    row = {f.name: _plain(f) for f in field_specs(record)}
    other = {f.name: _plain(f, other=True) for f in field_specs(record)}
    (before,) = content_hashes(table_of(record, [row]), record)
    names = [name for name in row if name not in PROVENANCE and not (record == "trace" and name in ("prompt", "response"))]
    changed = [content_hashes(table_of(record, [row | {name: other[name]}]), record)[0] for name in names]
    assert len({before, *changed}) == len(names) + 1


def _plain(field: Any, *, other: bool = False) -> Any:
    return ("b" if other else "a") if field.kind == "text" else (2 if other else 1)


def test_null_is_not_empty() -> None:
    assert _hash(error=None) != _hash(error="")
    assert _hash(prompt=None, prompt_sha256=None) != _hash(prompt="", prompt_sha256=None)
    assert _hash(seed=None) != _hash(seed=0)
    assert _hash(response=None) != _hash(response="text")


@given(st.text(min_size=1, max_size=8), st.integers(0, 8))
def test_moving_a_character_to_the_next_column_shows(text: str, cut: int) -> None:
    columns = sorted(f.name for f in field_specs("trace") if f.kind == "text")
    left, right = columns[0], columns[1]
    assert (left, right) == ("attack_class", "condition")
    moved = {_hash(attack_class=text[:k], condition=text[k:]) for k in {0, min(cut, len(text)), len(text)}}
    assert len(moved) == len({0, min(cut, len(text)), len(text)})


def test_text_without_a_hash_speaks_for_itself() -> None:
    without: dict[str, Any] = {"response_sha256": None}
    assert _hash(response="one", **without) != _hash(response="two", **without)
    assert _hash(response="one", response_sha256="0" * 64) == _hash(response="two", response_sha256="0" * 64)


def test_signed_zeros_are_one_number_and_integers_keep_every_bit() -> None:
    assert _of("grade", score=0.0) == _of("grade", score=-0.0)
    assert _hash(seed=2**53) != _hash(seed=2**53 + 1)


def test_equal_rows_of_two_records_differ() -> None:
    grader = table_of("grader", [{f.name: "a" for f in field_specs("grader")}])
    renamed = pa.table({f.name: pa.array(["a"]) for f in field_specs("run")})
    assert content_hashes(grader, "grader") != content_hashes(renamed, "run")


def test_the_serialisation_is_fixed() -> None:
    """A change here changes every fingerprint in print: then it needs another prefix than ss1."""
    digest = hashlib.sha256(b"".join(content_hashes(table_of("trace", [trace("made:1"), trace("made:2", seed=None)]), "trace")))
    assert digest.hexdigest()[:16] == "69177b7fb9972454"


def test_slices_of_more_rows_than_a_piece_agree() -> None:
    table = table_of("trace", [trace(f"t{i}") for i in range(40)])
    many = pa.concat_tables([table] * 500)
    assert content_hashes(many, "trace") == content_hashes(table, "trace") * 500
    assert content_hashes(many.slice(17, 19_000), "trace") == (content_hashes(table, "trace") * 500)[17 : 17 + 19_000]


def test_no_rows_no_hashes() -> None:
    assert content_hashes(table_of("trace", []), "trace") == []


def _hash(**changes: Any) -> bytes:
    return content_hashes(table_of("trace", [trace("t") | changes]), "trace")[0]


def _of(record: str, **changes: Any) -> bytes:
    rows = {
        "grade": {"trace_id": "t", "target": "text", "grader_id": "g", "grader_kind": "llm", "verdict": "ERROR", "raw_label": ""}
    }
    return content_hashes(table_of(record, [rows[record] | changes]), record)[0]
