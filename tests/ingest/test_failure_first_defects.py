"""Every defect becomes one reject with its row and reason, its neighbours are kept, and no row is lost."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.ingest.batch import Batch, Options
from safescale.ingest.bytes_in import CHUNK_BYTES
from safescale.ingest.failure_first import FailureFirst
from safescale.ingest.failure_first_lines import is_utf8


def line(number: int, **changes: object) -> bytes:
    """A good line; ``...`` removes a key."""
    record = {
        "trace_id": f"t{number}",
        "scenario_id": "s",
        "model_id": "sim/arbel-7b",
        "input": {"scenario": {"attack_attempt": True, "labels": {"attack_success": True}}},
        "turns": [{"role": "user", "text": "zorbel é"}, {"role": "agent", "text": "glim"}],
        "labels": {"attack_success": True},
        "metadata": {"note": "nothing reads this", "finish_reason": "stop"},
        "llm_verdict": "PARTIAL",
    }
    record |= changes
    return json.dumps({k: v for k, v in record.items() if v is not ...}, ensure_ascii=False).encode()


GOOD = [line(i) for i in range(4)]
RECORDS = ("traces", "turns", "grades", "aggregates")


def kept_rows(batch: Batch) -> set[int]:
    """Rows that carry a record."""
    tables = (getattr(batch, name) for name in RECORDS)
    return {row for table in tables if table is not None for row in table["source_row"].to_pylist()}


def assert_conserved(batch: Batch) -> None:
    """The law of the brief: every row has exactly one fate."""
    bad = [r.row for r in batch.rejects if r.row > 0]
    groups = [kept_rows(batch), set(bad), set(batch.metadata_rows), set(batch.superseded_rows)]
    assert len(bad) == len(set(bad))
    assert sum(len(group) for group in groups) == len(set().union(*groups)) == batch.rows_in


def read(path: Path, data: bytes) -> list[Batch]:
    path.write_bytes(data)
    batches = list(FailureFirst().read(path, Options()))
    for batch in batches:
        assert_conserved(batch)
    return batches


DEFECTS = [
    ("garbage", b"%%%", "BAD_JSON", None),
    ("cut", GOOD[0][:60], "BAD_JSON", None),
    ("nan", GOOD[0].replace(b'"s"', b"NaN"), "BAD_JSON", None),
    ("nan in a field that is skipped", GOOD[0].replace(b'"nothing reads this"', b"NaN"), "BAD_JSON", None),
    ("two objects", GOOD[0] + GOOD[1], "BAD_JSON", None),
    ("two objects apart", GOOD[0] + b" " + GOOD[1], "BAD_JSON", None),
    ("raw nul", GOOD[0].replace(b"glim", b"gl\x00im"), "BAD_JSON", None),
    ("nul padding", GOOD[0] + b"\x00\x00", "BAD_JSON", None),
    ("nul line", b"\x00\x00\x00", "BAD_JSON", None),
    ("lone surrogate", GOOD[0].replace(b"glim", b"\\ud800"), "BAD_JSON", None),
    ("trailing comma", GOOD[0][:-1] + b",}", "BAD_JSON", None),
    ("invalid utf-8", GOOD[0].replace(b"glim", b"gl\xffim"), "NOT_UTF8", None),
    ("invalid utf-8 in a field that is skipped", GOOD[0].replace(b"reads", b"re\xc3ads"), "NOT_UTF8", None),
    ("latin-1", GOOD[0].replace("é".encode(), b"\xe9"), "NOT_UTF8", None),
    ("array", b"[" + GOOD[0] + b"]", "NOT_AN_OBJECT", None),
    ("number", b"7", "NOT_AN_OBJECT", None),
    ("null", b"null", "NOT_AN_OBJECT", None),
    ("key twice", b'{"model_id":"x",' + GOOD[0][1:], "DUPLICATE_KEY", "model_id"),
    ("verdict twice", GOOD[0][:-1] + b',"llm_verdict":"REFUSAL"}', "DUPLICATE_KEY", "llm_verdict"),
    ("inner key twice", GOOD[0].replace(b'"note"', b'"finish_reason":"length","note"'), "DUPLICATE_KEY", "finish_reason"),
    ("deep nesting", GOOD[0][:-1] + b',"x":' + b"[" * 5000 + b"]" * 5000 + b"}", "BAD_JSON", None),
    ("no model", line(9, model_id=...), "MISSING_FIELD", "model_id"),
    ("null model", line(9, model_id=None), "MISSING_FIELD", "model_id"),
    ("blank model", line(9, model_id=" "), "MISSING_FIELD", "model_id"),
    ("no prompt at all", line(9, scenario_id=..., turns=[{"role": "agent", "text": "a"}]), "MISSING_FIELD", "scenario_id"),
    ("number for text", line(9, model_id=7), "WRONG_TYPE", "model_id"),
    ("object for text", line(9, llm_verdict={"v": 1}), "WRONG_TYPE", "llm_verdict"),
    ("text for list", line(9, turns="none"), "WRONG_TYPE", "turns"),
    ("text for flag", line(9, labels={"attack_success": "yes"}), "WRONG_TYPE", "labels.attack_success"),
    ("number for flag", line(9, labels_pred={"attack_success_pred": 1}), "WRONG_TYPE", "labels_pred.attack_success_pred"),
    ("number for a turn's text", line(9, turns=[{"role": "user", "text": 1}]), "WRONG_TYPE", "turns[0].text"),
    ("bool for number", line(9, sample_index=True), "WRONG_TYPE", "sample_index"),
    ("negative sample", line(9, sample_index=-1), "OUT_OF_RANGE", "sample_index"),
    ("bad instant", line(9, metadata={"execution_timestamp": "yesterday"}), "OUT_OF_RANGE", "metadata.execution_timestamp"),
    ("unknown role", line(9, turns=[{"role": "narrator", "text": "x"}]), "UNKNOWN_VALUE", "turns.role"),
    ("unknown verdict", line(9, llm_verdict="MAYBE"), "UNKNOWN_VERDICT", "llm_verdict"),
    ("empty verdict", line(9, llm_verdict=""), "UNKNOWN_VERDICT", "llm_verdict"),
    ("unknown export label", line(9, llm_verdict=..., label="HUH"), "UNKNOWN_VERDICT", "label"),
    ("unknown verdict in several turns", line(9, dataset_kind="episode", llm_verdict="MAYBE"), "UNKNOWN_VERDICT", "llm_verdict"),
]  # fmt: skip


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize(("bad", "code", "column"), [d[1:] for d in DEFECTS], ids=[d[0] for d in DEFECTS])
def test_defect_is_one_reject_and_the_four_good_rows_stay(
    tmp_path: Path, bad: bytes, code: str, column: str | None, ending: bytes
) -> None:
    (batch,) = read(tmp_path / "a.jsonl", ending.join([*GOOD[:2], bad, *GOOD[2:], b""]))
    (reject,) = batch.rejects
    assert (reject.row, reject.code, reject.column) == (3, code, column)
    assert reject.raw_sha256 in {hashlib.sha256(raw).hexdigest() for raw in (bad, bad + b"\r")}
    assert reject.expected
    assert reject.got
    assert kept_rows(batch) == {1, 2, 4, 5}


@pytest.mark.parametrize(
    ("bad", "expected", "got"),
    [
        (line(1, labels={"attack_success": "yes"}), "bool | null", '"yes"'),
        (line(1, turns=[{"role": "user", "text": "u"}, {"role": "agent", "text": [12]}]), "str | null", "[12]"),
        (line(1, labels={"intent": [1]}), "object | null", "[1]"),
    ],
)
def test_wrong_value_is_shown(tmp_path: Path, bad: bytes, expected: str, got: str) -> None:
    (batch,) = read(tmp_path / "a.jsonl", bad + b"\n")
    (reject,) = batch.rejects
    assert (reject.expected, reject.got) == (expected, got)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + b"\n".join(GOOD) + b"\n",
        b"\r\n".join(GOOD) + b"\r\n",
        b"\n".join(GOOD),
        b"\n".join([*GOOD[:3], GOOD[3].replace(b"glim", "gl\u2028im".encode())]) + b"\n",
        b"\n".join([*GOOD[:3], GOOD[3].replace(b"glim", b"x" * (3 << 20))]) + b"\n",
        b"\n".join([*GOOD[:3], GOOD[3].replace(b"glim", b"\\u0000\\ud83d\\ude42")]) + b"\n",
    ],
    ids=["bom", "crlf", "no final newline", "u+2028", "3 MB line", "escapes"],
)
def test_harmless_oddities_lose_nothing(tmp_path: Path, data: bytes) -> None:
    batches = read(tmp_path / "a.jsonl", data)
    assert [r for b in batches for r in b.rejects] == []
    assert set().union(*(kept_rows(b) for b in batches)) == {1, 2, 3, 4}


def test_blank_lines_are_metadata(tmp_path: Path) -> None:
    (batch,) = read(tmp_path / "a.jsonl", b"\n" + GOOD[0] + b"\n \t\r\n" + GOOD[1] + b"\n")
    assert (batch.rows_in, batch.metadata_rows, kept_rows(batch)) == (4, [1, 3], {2, 4})


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf"], ids=["no bytes", "only a mark"])
def test_empty_file_is_a_reject_of_the_file(tmp_path: Path, data: bytes) -> None:
    (batch,) = read(tmp_path / "a_traces.jsonl", data)
    assert [(r.row, r.code) for r in batch.rejects] == [(0, "EMPTY_FILE")]


def test_truncated_last_line_is_a_reject(tmp_path: Path) -> None:
    batches = read(tmp_path / "a.jsonl", b"\n".join(GOOD)[:-20])
    assert [(r.row, r.code) for b in batches for r in b.rejects] == [(4, "BAD_JSON")]
    assert set().union(*(kept_rows(b) for b in batches)) == {1, 2, 3}


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_truncated_archive_keeps_what_came_before_the_cut(tmp_path: Path, suffix: str) -> None:
    noise = [hashlib.sha256(str(i).encode()).hexdigest() * 8 for i in range(2000)]
    data = b"\n".join(line(i, turns=[{"role": "user", "text": text}]) for i, text in enumerate(noise)) + b"\n"
    whole = gzip.compress(data) if suffix == ".gz" else pa.compress(data, "zstd", asbytes=True)
    batches = read(tmp_path / f"a.jsonl{suffix}", whole[: len(whole) * 3 // 4])
    rejects = [(r.row, r.code.value) for b in batches for r in b.rejects]
    assert (0, "TRUNCATED_FILE") in rejects
    kept = set().union(*(kept_rows(b) for b in batches))
    assert len(kept) > 500
    assert kept == set(range(1, len(kept) + 1))
    assert {code for row, code in rejects if row > 0} <= {"BAD_JSON"}


def test_row_numbers_go_on_over_chunks(tmp_path: Path) -> None:
    good = line(0, turns=[{"role": "user", "text": "u"}, {"role": "agent", "text": "x" * 2000}])
    count = 2 * CHUNK_BYTES // len(good)
    lines = [good] * count
    lines[-7] = b"%%%"
    batches = read(tmp_path / "a.jsonl", b"\n".join(lines) + b"\n")
    assert len(batches) > 1
    assert [(r.row, r.code) for b in batches for r in b.rejects] == [(count - 6, "BAD_JSON")]
    assert sum(b.rows_in for b in batches) == count


# ---- laws ----------------------------------------------------------------------------------------------------------------


@st.composite
def _mutated(draw: st.DrawFn) -> bytes:
    """A good line with a few bytes replaced, removed or inserted."""
    found = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(found) - 1))
        found[place : place + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
    return bytes(found)


@given(lines=st.lists(st.one_of(_mutated(), st.sampled_from([*GOOD, b"", b" ", *(d[1] for d in DEFECTS)])), max_size=12))
def test_every_row_has_one_fate_whatever_the_bytes(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    data = b"\n".join(lines)
    batches = read(tmp_path_factory.mktemp("mutated") / "a.jsonl", data)
    expected = data.count(b"\n") + (not data.endswith(b"\n")) if data else 0
    assert sum(b.rows_in for b in batches) == expected


@given(data=st.one_of(st.binary(), st.text().map(lambda t: t.encode("utf-8", "surrogatepass")), _mutated()))
def test_utf8_check_agrees_with_python(data: bytes) -> None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        assert not is_utf8(data)
    else:
        assert is_utf8(data)


@given(order=st.permutations(range(len(GOOD))), place=st.integers(0, len(GOOD)))
def test_a_bad_line_is_found_wherever_it_stands(tmp_path_factory: pytest.TempPathFactory, order: list[int], place: int) -> None:
    lines = [GOOD[i] for i in order]
    lines.insert(place, b'{"model_id":"x",' + GOOD[0][1:])
    batches = read(tmp_path_factory.mktemp("order") / "a.jsonl", b"\n".join(lines))
    assert [(r.row, r.code) for b in batches for r in b.rejects] == [(place + 1, "DUPLICATE_KEY")]
