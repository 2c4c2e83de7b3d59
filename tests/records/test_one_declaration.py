"""Everything that is derived from the declaration agrees with pandera and with each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ibis
import jsonschema
import numpy as np
import pandera.errors
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.records.contracts import contracts, example
from safescale.records.fields import arrow_schema, field_specs, record_names
from safescale.records.json_schema import json_schema
from safescale.records.models import RECORDS
from safescale.records.rows import RejectedRow
from safescale.records.rules import first_violations, ibis_violations, rules, violations
from safescale.records.strict import line_decoder, repeated_key

ROOT = Path(__file__).parents[2]

_ODD: dict[str, list[Any]] = {
    "text": ["", "frimble", "ab" * 32, "REFUSAL", "text", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z\n", "٣", "é\u2028", None],
    "integer": [0, 1, -1, 7, 2**40, None],
    "number": [0.0, 0.5, 1.0, -1.0, 2.5, float("nan"), float("inf"), None],
}


@st.composite
def odd_rows(draw: st.DrawFn, record: str) -> dict[str, Any]:
    """A valid row with a few cells replaced by values at the edges of the rules."""
    row: dict[str, Any] = {f.name: example(record).get(f.name) for f in field_specs(record)}
    for spec in draw(st.lists(st.sampled_from(field_specs(record)), max_size=3)):
        row[spec.name] = draw(st.sampled_from(_ODD[spec.kind]))
    return row


def _table(rows: list[dict[str, Any]], record: str) -> pa.Table:
    schema = pa.schema([pa.field(f.name, f.type) for f in arrow_schema(record)])
    return pa.Table.from_pylist(rows, schema=schema)


def test_odd_rows_find_good_and_bad_rows() -> None:
    from hypothesis import find

    for record in record_names():
        find(odd_rows(record), lambda row, r=record: not violations(_table([row], r), r).any())
        find(odd_rows(record), lambda row, r=record: bool(violations(_table([row], r), r).any()))


@pytest.mark.parametrize("record", record_names())
def test_law_mask_agrees_with_pandera(record: str) -> None:
    @settings(max_examples=25)
    @given(st.lists(odd_rows(record), min_size=1, max_size=4))
    def law(rows: list[dict[str, Any]]) -> None:
        table = _table(rows, record)
        if any(isinstance(v, float) and not np.isfinite(v) for row in rows for v in row.values()):
            return  # pandera has no rule for finite numbers; the mask has (tested below)
        try:
            RECORDS[record].validate(table, lazy=True)
            valid = True
        except pandera.errors.SchemaErrors:
            valid = False
        assert valid == (not violations(table, record).any())

    law()


@pytest.mark.parametrize("record", record_names())
def test_law_mask_agrees_with_the_strict_decoder_and_json_schema(record: str) -> None:
    decoder = line_decoder(record)
    validator = jsonschema.Draft202012Validator(json_schema(record))

    @given(odd_rows(record))
    def law(row: dict[str, Any]) -> None:
        if any(isinstance(v, float) and not np.isfinite(v) for v in row.values()):
            return
        good = not violations(_table([row], record), record).any()
        decoded = decoder.decode(json.dumps(row).encode(), 1)
        assert good == (not isinstance(decoded, RejectedRow))
        if not any(isinstance(v, str) and v.endswith("\n") for v in row.values()):  # jsonschema's re.search: $ before \n
            assert good == validator.is_valid(row)

    law()


def odd_table(record: str) -> pa.Table:
    """A good row, and one for each odd value of each column."""
    rows: list[dict[str, Any]] = []
    base: dict[str, Any] = {f.name: example(record).get(f.name) for f in field_specs(record)}
    for spec in field_specs(record):
        rows += [{**base, spec.name: value} for value in _ODD[spec.kind]]
    return _table(rows, record)


@pytest.mark.parametrize("record", record_names())
def test_law_ibis_on_duckdb_gives_the_same_mask(record: str) -> None:
    table = odd_table(record)
    ours = violations(table, record)
    assert ours.any()
    assert (ours == 0).any()
    theirs = ibis.duckdb.connect().to_pyarrow(ibis_violations(ibis.memtable(table), record)).to_numpy()
    assert theirs.astype(np.uint64).tolist() == ours.tolist()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_breaks_the_mask(value: float) -> None:
    row = {f.name: example("grade").get(f.name) for f in field_specs("grade")} | {"score": value}
    mask = violations(_table([row], "grade"), "grade")
    [(index, rule)] = first_violations(mask, "grade")
    assert (index, rule.field.name, rule.test) == (0, "score", "range")


@pytest.mark.parametrize("record", record_names())
def test_masks_fit_into_63_bits(record: str) -> None:
    assert len(rules(record)) < 63
    assert [r.bit for r in rules(record)] == list(range(len(rules(record))))


@pytest.mark.parametrize("record", record_names())
def test_the_published_example_is_valid(record: str) -> None:
    assert not isinstance(line_decoder(record).decode(json.dumps(example(record)).encode(), 1), RejectedRow)


def test_published_contracts_have_not_drifted() -> None:
    published = {p.name: p.read_text(encoding="utf-8") for p in (ROOT / "schemas").iterdir() if p.name != "README.md"}
    assert published == contracts(), "run: safescale schema export"


@pytest.mark.parametrize(
    ("line", "key"),
    [(b'{"a":1,"a":2}', "a"), (b'{"a":{"b":1,"b":2}}', "b"), (b'{"a":{"b":1},"b":2}', None), (b'{"a":"\\"a\\":1"}', None)],
)
def test_repeated_keys_are_seen_at_every_depth(line: bytes, key: str | None) -> None:
    assert repeated_key(line) == key


def test_refuses_a_rule_that_has_no_lowering() -> None:
    import pandera.pyarrow as pap

    from safescale.errors import SafescaleError
    from safescale.records.fields import _lower

    column = pap.Column(str, pap.Check.str_startswith("a"))
    with pytest.raises(SafescaleError, match=r"column 'x': rule str_startswith .* has no lowering"):
        _lower("x", column)
