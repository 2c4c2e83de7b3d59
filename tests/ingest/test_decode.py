"""The two-path decoder: the paths agree, every line has one fate, every defect its reason."""

from __future__ import annotations

import json
import random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.ingest import decoding as module
from safescale.ingest.decoding import decode
from safescale.records.contracts import example
from safescale.records.fates import RejectCode

GOOD: dict[str, Any] = {**example("graded_trace"), "verdict": "REFUSAL", "grader_id": "g", "grader_kind": "llm", "score": 0.5}


def line(**changes: Any) -> bytes:
    row = {**GOOD, **changes}
    return json.dumps({k: v for k, v in row.items() if v is not ...}).encode()


GOOD_LINES = [line(trace_id=f"demo:{i}", response='plim \u2028 brüdd \\ " \n') for i in range(4)]

DEFECTS: list[tuple[str, bytes, RejectCode, str | None]] = [
    ("garbage", b"frimble", RejectCode.BAD_JSON, None),
    ("truncated line", line()[:-9], RejectCode.BAD_JSON, None),
    ("missing model", line(model_id=...), RejectCode.MISSING_FIELD, "model_id"),
    ("null model", line(model_id=None), RejectCode.MISSING_FIELD, "model_id"),
    ("empty model", line(model_id=""), RejectCode.MISSING_FIELD, "model_id"),
    ("unknown verdict", line(verdict="MAYBE"), RejectCode.UNKNOWN_VERDICT, "verdict"),
    ("unknown kind", line(prompt_kind="spicy"), RejectCode.UNKNOWN_VALUE, "prompt_kind"),
    ("number for text", line(model_id=7), RejectCode.WRONG_TYPE, "model_id"),
    ("object for text", line(model_id={"a": 1}), RejectCode.WRONG_TYPE, "model_id"),
    ("7B for a number", line(params_total_b="7B"), RejectCode.WRONG_TYPE, "params_total_b"),
    ("'7.5' for a number", line(params_total_b="7.5"), RejectCode.WRONG_TYPE, "params_total_b"),
    ("true for a number", line(score=True), RejectCode.WRONG_TYPE, "score"),
    ("NaN", line().replace(b"0.5", b"NaN"), RejectCode.BAD_JSON, None),
    ("1e999", line().replace(b"0.5", b"1e999"), RejectCode.OUT_OF_RANGE, "score"),
    ("duplicate key", line()[:-1] + b', "source": "other"}', RejectCode.DUPLICATE_KEY, "source"),
    ("unknown key", line(frimble=1), RejectCode.UNKNOWN_FIELD, "frimble"),
    ("array", b"[1, 2]", RejectCode.NOT_AN_OBJECT, None),
    ("two objects", line() + line(), RejectCode.BAD_JSON, None),
    ("raw NUL", line().replace(b"demo", b"de\x00o"), RejectCode.BAD_JSON, None),
    ("NUL padding", b"\x00" * 40, RejectCode.BAD_JSON, None),
    ("lone surrogate", line().replace(b"demo", b"\\ud800"), RejectCode.BAD_JSON, None),
    ("invalid UTF-8", line(model_id="ZZ").replace(b"ZZ", b"\xff\xfe"), RejectCode.NOT_UTF8, None),
    ("negative index", line(sample_index=-1), RejectCode.OUT_OF_RANGE, "sample_index"),
    ("no integer", line(sample_index=1.5), RejectCode.WRONG_TYPE, "sample_index"),
    ("too big", line(sample_index=2**70), RejectCode.OUT_OF_RANGE, "sample_index"),
    ("no instant", line(created_at="yesterday"), RejectCode.OUT_OF_RANGE, "created_at"),
    ("newline in a pattern", line(created_at="2026-01-01\n"), RejectCode.OUT_OF_RANGE, "created_at"),
    ("deep", b'{"a":' * 5000 + b"1" + b"}" * 5000, RejectCode.UNKNOWN_FIELD, "a"),
]


@pytest.mark.parametrize(("name", "bad", "code", "column"), DEFECTS, ids=[d[0] for d in DEFECTS])
def test_a_defect_is_named_and_its_neighbours_are_kept(name: str, bad: bytes, code: RejectCode, column: str | None) -> None:
    decoded = decode(b"\n".join([*GOOD_LINES[:2], bad, *GOOD_LINES[2:]]) + b"\n", first_row=11)
    assert decoded.rows.tolist() == [11, 12, 14, 15]
    assert decoded.table["trace_id"].to_pylist() == [f"demo:{i}" for i in range(4)]
    [reject] = decoded.rejects
    assert (reject.row, reject.code, reject.column) == (13, code, column)
    assert reject.expected
    assert reject.got
    assert reject.raw_sha256 is not None


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
@pytest.mark.parametrize("final", [True, False])
def test_line_endings_do_not_matter(ending: bytes, final: bool) -> None:
    decoded = decode(ending.join(GOOD_LINES) + (ending if final else b""))
    assert decoded.rows.tolist() == [1, 2, 3, 4]
    assert decoded.table["response"].to_pylist() == ['plim \u2028 brüdd \\ " \n'] * 4


def test_blank_lines_are_counted_apart() -> None:
    decoded = decode(b"\n" + GOOD_LINES[0] + b"\n  \n" + GOOD_LINES[1])
    assert (decoded.rows.tolist(), decoded.blank_rows, decoded.rows_in) == ([2, 4], (1, 3), 4)


def test_no_bytes_are_no_rows() -> None:
    decoded = decode(b"")
    assert (decoded.rows_in, decoded.table.num_rows) == (0, 0)


def test_good_lines_take_the_fast_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_exact", None)
    assert decode(b"\n".join(GOOD_LINES)).table.num_rows == 4


def _mutated(rng: random.Random) -> bytes:
    lines = [rng.choice(GOOD_LINES) for _ in range(rng.randint(1, 6))]
    if rng.random() < 0.5:
        lines[rng.randrange(len(lines))] = rng.choice(DEFECTS)[1][:4000]
    data = bytearray(b"\n".join(lines) + rng.choice([b"", b"\n"]))
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(data))
        match rng.randrange(4):
            case 0:
                data[at] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randint(1, 5)]
            case 2:
                data[at:at] = rng.choice([b"{", b"}", b'"', b"\n", b",", b"\\", b"null", b"1e999", b"\x00", b"\xff", b"}{", b"\r"])
            case _:
                data[at:at] = data[max(0, at - rng.randint(1, 30)) : at]
    return bytes(data)


@given(st.integers(0, 2**48))
@settings(max_examples=400)
def test_law_the_two_paths_agree(seed: int) -> None:
    data = _mutated(random.Random(seed))
    ends = module._line_ends(data)
    if len(ends) == 0:
        return
    exact = module._exact(data, ends, 1, "graded_trace")
    assert exact.rows_in == len(exact.rows) + len(exact.rejects) + len(exact.blank_rows)
    fast = module._fast(data, ends, "graded_trace")
    if fast is not None:
        assert exact.rejects == ()
        assert exact.blank_rows == ()
        assert fast.equals(exact.table.select(fast.column_names))


@given(st.integers(0, 2**48), st.integers(1, 10**6))
@settings(max_examples=200)
def test_law_every_line_has_one_fate(seed: int, first_row: int) -> None:
    data = _mutated(random.Random(seed))
    decoded = decode(data, first_row=first_row)
    seen = [*decoded.rows.tolist(), *(r.row for r in decoded.rejects), *decoded.blank_rows]
    lines = data.count(b"\n") + (0 if data.endswith(b"\n") or not data else 1)
    assert sorted(seen) == list(range(first_row, first_row + lines))
    assert decoded.rows_in == lines


def test_the_mutations_reach_both_paths() -> None:
    taken = [
        module._fast(d, module._line_ends(d), "graded_trace") is not None for d in (_mutated(random.Random(s)) for s in range(300))
    ]
    assert 20 < sum(taken) < 280


def test_columns_have_the_schema_of_the_record() -> None:
    from safescale.records.fields import arrow_schema

    for data in (b"\n".join(GOOD_LINES), b"\n".join([*GOOD_LINES, b"bad"])):
        assert decode(data).table.schema.equals(arrow_schema("graded_trace"), check_metadata=False)
        assert isinstance(decode(data).table, pa.Table)
