"""Dirt in CSV, JSONL and Parquet files: each bad row is one reject with its reason, the good ones around it stay."""

from __future__ import annotations

import gzip
import random
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ingest.reading import Read, read_mapped
from safescale.errors import DataError

MAP: dict[str, Any] = {
    "source": "toy",
    "kind": "traces",
    "columns": {"model_id": "model", "prompt_id": "item", "response": "answer", "seed": {"column": "seed", "optional": True}},
    "grades": [{"grader_id": "judge", "grader_kind": "llm", "column": "label", "outcome_map": "flip"}],
}
HEADER = b"model,item,answer,label\n"
GOOD = [b"m,p%d,plum,COMPLIANCE\n" % i for i in range(4)]


def run(folder: Path, data: bytes, name: str) -> Read:
    (folder / name).write_bytes(data)
    (folder / "map.yaml").write_text(yaml.safe_dump(MAP))
    return read_mapped(folder / name, folder / "map.yaml")


CSV_DEFECTS: list[tuple[str, bytes, str]] = [
    ("too few fields", b"m,p9,plum\n", "MISSING_FIELD"),
    ("too many fields", b"m,p9,plum,COMPLIANCE,extra\n", "UNKNOWN_FIELD"),
    ("not UTF-8", b"m,p9,pl\xffum,COMPLIANCE\n", "NOT_UTF8"),
    ("lone surrogate", b"m,p9,pl\xed\xa0\x80um,COMPLIANCE\n", "NOT_UTF8"),
    ("NUL", b"m,p9,pl\x00um,COMPLIANCE\n", "UNREADABLE"),
    ("text after a quote", b'm,p9,"pl"um,COMPLIANCE\n', "UNREADABLE"),
    ("quote not closed", b'm,p9,"plum,COMPLIANCE\n', "UNREADABLE"),
    ("carriage return alone", b"m,p9,pl\rum,COMPLIANCE\n", "UNREADABLE"),
    ("unknown verdict", b"m,p9,plum,perhaps\n", "UNKNOWN_VERDICT"),
    ("no model", b",p9,plum,COMPLIANCE\n", "MISSING_FIELD"),
    ("no prompt", b"m,,plum,COMPLIANCE\n", "MISSING_FIELD"),
]


@pytest.mark.parametrize(("bad", "code"), [d[1:] for d in CSV_DEFECTS], ids=[d[0] for d in CSV_DEFECTS])
@pytest.mark.parametrize("at", [0, 2, 4])
def test_one_bad_csv_record_is_one_reject(tmp_path: Path, bad: bytes, code: str, at: int) -> None:
    found = run(tmp_path, b"".join([HEADER, *GOOD[:at], bad, *GOOD[at:]]), "rows.csv")
    assert (found.rows_in, found.codes()) == (5, [(at + 1, code)])
    assert [t["prompt_id"] for t in found.traces] == ["p0", "p1", "p2", "p3"]
    assert found.rejects[0].raw_sha256 is not None


@pytest.mark.parametrize(
    "data",
    [
        b"".join([b"\xef\xbb\xbf", HEADER, *GOOD]),
        b"".join([HEADER, *GOOD]).replace(b"\n", b"\r\n"),
        b"".join([HEADER, *GOOD]).removesuffix(b"\n"),
        b"".join([HEADER, *GOOD]).replace(b"plum", '"pl\u2028um"'.encode()),
        b"".join([HEADER, *GOOD]).replace(b"plum", b'"pl\num, ""said"" it"'),
        b"".join([HEADER, *GOOD]).replace(b"plum", b"plum" * 100_000),
    ],
    ids=["BOM", "CRLF", "no final newline", "U+2028", "line breaks in quotes", "long fields"],
)
def test_what_is_no_defect(tmp_path: Path, data: bytes) -> None:
    found = run(tmp_path, data, "rows.csv")
    assert (found.rows_in, found.rejects) == (4, [])
    assert [t["source_row"] for t in found.traces] == [1, 2, 3, 4]


def test_blank_records_are_metadata(tmp_path: Path) -> None:
    found = run(tmp_path, b"".join([HEADER, GOOD[0], b"\n", GOOD[1]]), "rows.csv")
    assert (found.rows_in, found.metadata, len(found.traces)) == (3, [2], 2)


def test_a_record_cut_inside_a_quoted_text_is_one_reject(tmp_path: Path) -> None:
    data = b"".join([HEADER, *GOOD, b'm,p9,"first line\nsecond line\nthird'])
    found = run(tmp_path, data, "rows.csv")
    assert (found.rows_in, found.codes()) == (5, [(5, "UNREADABLE")])
    assert "3 lines" in found.rejects[0].got


def test_a_repeated_column_refuses_the_file(tmp_path: Path) -> None:
    found = run(tmp_path, b"model,item,model,label\na,b,c,d\n", "rows.csv")
    assert (found.rows_in, found.codes()) == (0, [(0, "DUPLICATE_KEY")])


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "EMPTY_FILE"), (b"\n\n", "EMPTY_FILE"), (HEADER, "EMPTY_FILE"), (HEADER.decode().encode("utf-16"), "NOT_UTF8")],
)
def test_a_csv_without_rows_says_so(tmp_path: Path, data: bytes, code: str) -> None:
    found = run(tmp_path, data, "rows.csv")
    assert (found.rows_in, found.codes()) == (0, [(0, code)])


LINE = '{"model": "m", "item": "p%d", "answer": "plum", "label": "COMPLIANCE", "seed": 1}'
GOOD_LINES = [(LINE % i).encode() + b"\n" for i in range(4)]
BAD_LINE = LINE % 9
JSONL_DEFECTS: list[tuple[str, bytes, str]] = [
    ("garbage", b"%%%\n", "BAD_JSON"),
    ("truncated", BAD_LINE[:40].encode() + b"\n", "BAD_JSON"),
    ("two objects", f"{BAD_LINE} {BAD_LINE}\n".encode(), "BAD_JSON"),
    ("array", b"[1, 2]\n", "NOT_AN_OBJECT"),
    ("NaN", BAD_LINE.replace("1}", "NaN}").encode() + b"\n", "BAD_JSON"),
    ("1e999", BAD_LINE.replace("1}", "1e999}").encode() + b"\n", "OUT_OF_RANGE"),
    ("raw NUL", BAD_LINE.replace("plum", "pl\x00um").encode() + b"\n", "BAD_JSON"),
    ("lone surrogate", BAD_LINE.replace("plum", "pl\\ud800um").encode() + b"\n", "BAD_JSON"),
    ("invalid UTF-8", BAD_LINE.encode().replace(b"plum", b"pl\xffum") + b"\n", "NOT_UTF8"),
    ("repeated key", BAD_LINE.replace('"seed": 1', '"model": "n"').encode() + b"\n", "DUPLICATE_KEY"),
    ("repeated key beside a backslash", (BAD_LINE[:-1] + ', "a\\\\": 1, "b": 1, "b"\t: 2}').encode() + b"\n", "DUPLICATE_KEY"),
    ("repeated key within", BAD_LINE.replace("1}", '{"a": 1, "a" : 2}}').encode() + b"\n", "DUPLICATE_KEY"),
    ("number for text", BAD_LINE.replace('"plum"', "7").encode() + b"\n", "WRONG_TYPE"),
    ("object for text", BAD_LINE.replace('"plum"', "{}").encode() + b"\n", "WRONG_TYPE"),
    ("truth value for a number", BAD_LINE.replace("1}", "true}").encode() + b"\n", "WRONG_TYPE"),
    ("7B for a number", BAD_LINE.replace("1}", '"7B"}').encode() + b"\n", "WRONG_TYPE"),
    ("7.5 for an integer", BAD_LINE.replace("1}", "7.5}").encode() + b"\n", "WRONG_TYPE"),
    ("huge integer", BAD_LINE.replace("1}", f"{10**30}}}").encode() + b"\n", "WRONG_TYPE"),
    ("unknown verdict", BAD_LINE.replace("COMPLIANCE", "perhaps").encode() + b"\n", "UNKNOWN_VERDICT"),
    ("list for a verdict", BAD_LINE.replace('"COMPLIANCE"', '["x"]').encode() + b"\n", "UNKNOWN_VERDICT"),
    ("missing model", BAD_LINE.replace('"model"', '"other"').encode() + b"\n", "MISSING_FIELD"),
]


@pytest.mark.parametrize(("bad", "code"), [d[1:] for d in JSONL_DEFECTS], ids=[d[0] for d in JSONL_DEFECTS])
@pytest.mark.parametrize("at", [0, 2, 4])
def test_one_bad_line_is_one_reject(tmp_path: Path, bad: bytes, code: str, at: int) -> None:
    found = run(tmp_path, b"".join([*GOOD_LINES[:at], bad, *GOOD_LINES[at:]]), "rows.jsonl")
    assert (found.rows_in, found.codes()) == (5, [(at + 1, code)])
    assert [t["prompt_id"] for t in found.traces] == ["p0", "p1", "p2", "p3"]


@pytest.mark.parametrize("depth", [50, 200, 300, 480, 600, 900, 1100, 100_000])
def test_deep_nesting_never_stops_the_file(tmp_path: Path, depth: int) -> None:
    deep = BAD_LINE.replace("1}", '1, "deep": ' + '{"a": [' * (depth // 2) + "]}" * (depth // 2) + "}")
    content = {**MAP, "columns": {"model_id": "model", "prompt_id": "item"}}
    (tmp_path / "map.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "rows.jsonl").write_bytes(deep.encode() + b"\n" + GOOD_LINES[0])
    found = read_mapped(tmp_path / "rows.jsonl", tmp_path / "map.yaml")
    assert found.codes() in ([], [(1, "BAD_JSON")])
    assert found.traces[-1]["prompt_id"] == "p0"


def test_a_null_label_keeps_the_trace_ungraded(tmp_path: Path) -> None:
    data = b"".join(GOOD_LINES) + BAD_LINE.replace('"COMPLIANCE"', "null").encode()
    found = run(tmp_path, data, "rows.jsonl")
    assert found.verdicts() == {"COMPLIANCE": 4, "UNGRADED": 1}


def test_a_text_that_looks_like_keys_is_no_repeated_key(tmp_path: Path) -> None:
    line = BAD_LINE.replace("plum", 'say \\"model\\": \\"x\\", \\"model\\": \\\\')
    found = run(tmp_path, line.encode() + b"\n", "rows.jsonl")
    assert (len(found.traces), found.rejects) == (1, [])


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf" + b"".join(GOOD_LINES), b"".join(GOOD_LINES).replace(b"\n", b"\r\n")])
def test_byte_order_mark_and_crlf_in_json_lines(tmp_path: Path, data: bytes) -> None:
    found = run(tmp_path, data, "rows.jsonl")
    assert (len(found.traces), found.rejects) == (4, [])


def test_blank_lines_are_metadata_and_an_empty_file_says_so(tmp_path: Path) -> None:
    found = run(tmp_path, b"\n" + b"".join(GOOD_LINES) + b"  \n", "rows.jsonl")
    assert (found.rows_in, found.metadata) == (6, [1, 6])
    assert run(tmp_path, b"", "rows.jsonl").codes() == [(0, "EMPTY_FILE")]


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
@pytest.mark.parametrize("codec", ["gz", "zst"])
def test_a_cut_archive_keeps_what_came_before_and_says_so(tmp_path: Path, name: str, codec: str) -> None:
    noise = random.Random(0)
    if name == "rows.csv":
        rows = [b"m,p%d,%s,COMPLIANCE\n" % (i, noise.randbytes(40).hex().encode()) for i in range(40_000)]
        data = HEADER + b"".join(rows)
    else:
        data = b"".join((LINE % i).replace("plum", noise.randbytes(40).hex()).encode() + b"\n" for i in range(40_000))
    packed = gzip.compress(data, 1) if codec == "gz" else pa.compress(data, codec="zstd", asbytes=True)
    found = run(tmp_path, packed[: len(packed) // 2], f"{name}.{codec}")
    assert (0, "TRUNCATED_FILE") in found.codes()
    assert 10_000 < len(found.traces) < 40_000


def test_a_damaged_parquet_file_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"model": ["m"], "item": ["p"], "answer": ["a"], "label": ["COMPLIANCE"]}), path)
    found = run(tmp_path, path.read_bytes()[:-8], "rows.parquet")
    assert (found.rows_in, found.codes()) == (0, [(0, "UNREADABLE")])


def test_invalid_text_in_parquet_is_a_reject_of_its_row(tmp_path: Path) -> None:
    answer = pa.array([b"plum", b"pl\xff", b"fig"]).view(pa.string())
    table = pa.table({"model": ["m"] * 3, "item": ["1", "2", "3"], "answer": answer, "label": ["COMPLIANCE"] * 3})
    pq.write_table(table, tmp_path / "rows.parquet")
    found = run(tmp_path, (tmp_path / "rows.parquet").read_bytes(), "rows.parquet")
    assert found.codes() == [(2, "NOT_UTF8")]
    assert [t["response"] for t in found.traces] == ["plum", "fig"]


def mutated(good: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    data = bytearray(good)
    for where, cut, new in edits:
        at = int(where * len(data))
        data[at : at + cut] = new
    return bytes(data)


PIECES = st.sampled_from(
    [b'"', b"\n", b",", b"\r", b"\x00", b"\xff", b"{", b"}", b"\\", b":", b"null", b"NaN", b"\xef\xbb\xbf", b'"\n"', b"1e999"]
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), PIECES | st.binary(max_size=4)), max_size=4)


@pytest.mark.parametrize(("name", "good"), [("rows.csv", HEADER + b"".join(GOOD)), ("rows.jsonl", b"".join(GOOD_LINES))])
@given(edits=EDITS)
def test_rows_are_conserved_whatever_the_bytes(name: str, good: bytes, edits: list[tuple[float, int, bytes]]) -> None:
    """``read`` asserts the law of every batch; a file may only be refused as a whole for its header."""
    with tempfile.TemporaryDirectory() as folder:
        found: Read | None
        try:
            found = run(Path(folder), mutated(good, edits), name)
        except DataError as error:
            refused = str(error.file)
            found = None
    if found is None:
        assert refused.endswith(name)
        return
    assert found.rows_in == len(found.traces) + len(found.metadata) + sum(r.row > 0 for r in found.rejects)


@given(edits=EDITS.filter(lambda edits: len(edits) > 0))
def test_one_edited_line_costs_no_other(edits: list[tuple[float, int, bytes]]) -> None:
    line = mutated(GOOD_LINES[2].rstrip(b"\n"), edits).replace(b"\n", b" ") + b"\n"
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), b"".join([*GOOD_LINES[:2], line, *GOOD_LINES[3:]]), "rows.jsonl")
    kept = {t["source_row"]: t["prompt_id"] for t in found.traces}
    assert {1: "p0", 2: "p1", 4: "p3"}.items() <= kept.items()
    assert found.rows_in == 4
