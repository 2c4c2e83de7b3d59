"""Ingest and validate as wholes: fates, idempotence, identity, order, and being killed."""

from __future__ import annotations

import contextlib
import gzip
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.lines import row, write
from safescale.errors import DataError, DomainError
from safescale.ingest.batch import Options
from safescale.ingest.session import ingest, validate
from safescale.records.fates import Fate, RejectCode
from safescale.report.ingest_report import ingest_text
from safescale.store import open_corpus
from safescale.store.base import Corpus

FORMS = ("corpus.db", "corpus")


@pytest.fixture(params=FORMS)
def corpus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Corpus]:
    opened = open_corpus(tmp_path / request.param, create=True)
    yield opened
    opened.close()


def _codes(report: Any) -> list[tuple[int, RejectCode]]:
    return [(r.row, r.code) for f in report.files for r in f.rejects]


def test_every_row_has_one_fate(tmp_path: Path, corpus: Corpus) -> None:
    rows = [row(0), row(1), b"", row(0), b"frimble", row(2, verdict="MAYBE"), row(3)]
    report = ingest([write(tmp_path / "a.jsonl", rows)], corpus)
    assert report.rows_in == 7
    assert {f: n for f, n in report.fates.items() if n} == {Fate.TRACE: 3, Fate.METADATA: 1, Fate.DUPLICATE: 1, Fate.REJECT: 2}
    assert _codes(report) == [(5, RejectCode.BAD_JSON), (6, RejectCode.UNKNOWN_VERDICT)]
    assert (corpus.count("traces"), corpus.count("grades"), corpus.count("rejects")) == (3, 3, 2)


def test_texts_get_their_hashes_and_lengths(tmp_path: Path, corpus: Corpus) -> None:
    import hashlib

    ingest([write(tmp_path / "a.jsonl", [row(0)])], corpus)
    [stored] = corpus.read("traces").to_pylist()
    assert stored["response_sha256"] == hashlib.sha256(row(0)["response"].encode()).hexdigest()
    assert stored["prompt_sha256"] == hashlib.sha256(row(0)["prompt"].encode()).hexdigest()
    assert stored["response_chars"] == len(row(0)["response"])
    assert (stored["source_file"], stored["source_row"]) == (str(tmp_path / "a.jsonl"), 1)


def test_a_hash_that_contradicts_its_text_is_a_reject(tmp_path: Path, corpus: Corpus) -> None:
    report = ingest([write(tmp_path / "a.jsonl", [row(0, response_sha256="0" * 64), row(1)])], corpus)
    assert _codes(report) == [(1, RejectCode.CONTRADICTION)]
    assert corpus.count("traces") == 1
    assert corpus.count("grades") == 1


def test_the_same_file_twice_adds_nothing_and_says_so(tmp_path: Path, corpus: Corpus) -> None:
    file = write(tmp_path / "a.jsonl", [row(i) for i in range(5)])
    first = ingest([file], corpus)
    again = ingest([file.rename(tmp_path / "renamed.jsonl")], corpus)
    assert again.files[0].already_ingested
    assert again.fates[Fate.DUPLICATE] == 5
    assert again.fingerprint == first.fingerprint
    assert corpus.count("traces") == 5


def test_a_grade_of_a_known_trace_is_a_grade(tmp_path: Path, corpus: Corpus) -> None:
    ingest([write(tmp_path / "a.jsonl", [row(0, verdict=..., grader_id=..., grader_kind=...), row(1)])], corpus)
    report = ingest([write(tmp_path / "b.jsonl", [row(0), row(1), row(1, grader_id="other")])], corpus)
    assert {f: n for f, n in report.fates.items() if n} == {Fate.GRADE: 2, Fate.DUPLICATE: 1}
    assert (corpus.count("traces"), corpus.count("grades")) == (2, 3)


def test_repeats_are_kept_and_duplicates_are_not(tmp_path: Path, corpus: Corpus) -> None:
    rows = [row(0), row(0, trace_id="demo:0b", sample_index=1), row(0)]
    report = ingest([write(tmp_path / "a.jsonl", rows)], corpus)
    assert (report.fates[Fate.TRACE], report.fates[Fate.DUPLICATE]) == (2, 1)


def test_one_id_with_two_contents_is_a_reject_whatever_the_order(tmp_path: Path) -> None:
    one, other = row(0, response="plim", verdict="REFUSAL"), row(0, response="brudd", verdict="COMPLIANCE")
    fingerprints, kept = set(), set()
    for form in FORMS:
        for order in ((one, other), (other, one)):
            for split in (False, True):
                folder = tmp_path / f"{form}-{order[0]['verdict']}-{split}"
                folder.mkdir()
                corpus = open_corpus(folder / form, create=True)
                parts = [[order[0], row(1)], [order[1]]] if split else [[order[0], row(1), order[1]]]
                reports = [ingest([write(folder / f"{i}.jsonl", part)], corpus) for i, part in enumerate(parts)]
                codes = [code for report in reports for _, code in _codes(report)]
                assert codes == [RejectCode.DUPLICATE_ID]
                fingerprints.add(reports[-1].fingerprint)
                traces = {t["trace_id"]: t["response"] for t in corpus.read("traces").to_pylist()}
                grades = {g["trace_id"]: g["verdict"] for g in corpus.read("grades").to_pylist()}
                assert corpus.count("grades") == 2
                kept.add((traces["demo:0"], grades["demo:0"]))
                corpus.close()
    assert len(fingerprints) == 1
    assert kept in ({("plim", "REFUSAL")}, {("brudd", "COMPLIANCE")})


@given(st.randoms(use_true_random=False), st.integers(1, 4))
@settings(max_examples=20)
def test_law_the_fingerprint_ignores_row_order_file_order_and_names(rng: random.Random, files: int) -> None:
    import tempfile

    rows = [row(i) for i in range(12)] + [row(3), row(4, response="another")]
    found = set()
    with tempfile.TemporaryDirectory() as folder:
        for attempt in range(2):
            rng.shuffle(rows)
            there = Path(folder) / str(attempt)
            there.mkdir()
            corpus = open_corpus(there / "corpus.db", create=True)
            parts = [write(there / f"{rng.random()}-{i}.jsonl", rows[i::files]) for i in range(files)]
            found.add(ingest(parts, corpus).fingerprint)
            corpus.close()
    assert len(found) == 1


@pytest.mark.parametrize("change", [{"response": "x"}, {"verdict": "PARTIAL"}, {"model_id": "m"}, {"score": 9.5}, {"seed": 3}])
def test_the_fingerprint_changes_with_content(tmp_path: Path, change: dict[str, Any]) -> None:
    found = set()
    for name, first in (("a", row(0)), ("b", row(0, **change))):
        corpus = open_corpus(tmp_path / f"{name}.db", create=True)
        found.add(ingest([write(tmp_path / f"{name}.jsonl", [first, row(1)])], corpus).fingerprint)
        corpus.close()
    assert len(found) == 2


def test_a_trace_in_two_sources_counts_once(tmp_path: Path, corpus: Corpus) -> None:
    here = [row(i) for i in range(6)]
    there = [row(i, trace_id=f"other:{i}", source="other", grader_id="second-judge") for i in range(4)]
    for order in ((here, there), (there, here)):
        report = None
        for i, rows in enumerate(order):
            report = ingest([write(tmp_path / f"{order[0][0]['source']}{i}.jsonl", rows)], corpus)
        assert report is not None
        assert report.same_traces == 4
        pairs = corpus.same_traces().to_pylist()
        assert sorted((p["trace_id"], p["kept_trace_id"]) for p in pairs) == [(f"other:{i}", f"demo:{i}") for i in range(4)]


def test_a_copy_counts_as_often_as_the_source_that_has_it_most(tmp_path: Path, corpus: Corpus) -> None:
    same = {"prompt_id": "p", "response": "plim", "model_id": "m"}
    here = [row(i, sample_index=i, **same) for i in range(3)]
    there = [row(i, trace_id=f"other:{i}", source="other", sample_index=i, **same) for i in range(2)]
    report = ingest([write(tmp_path / "a.jsonl", here), write(tmp_path / "b.jsonl", there)], corpus)
    assert report.same_traces == 2


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.jsonl", b"", RejectCode.EMPTY_FILE),
        ("a.csv", b"frimble\n1\n", RejectCode.UNKNOWN_FORMAT),
        ("a.jsonl", b"\xff\xfe\x00\x01frimble", RejectCode.NOT_UTF8),
        ("a.jsonl", b" \n\n", RejectCode.EMPTY_FILE),
        ("a.db", b"SQLite format 3\x00 but not really", None),
    ],
)
def test_a_file_that_is_no_log_is_named(tmp_path: Path, corpus: Corpus, name: str, content: bytes, code: RejectCode | None) -> None:
    (tmp_path / name).write_bytes(content)
    report = ingest([tmp_path / name], corpus)
    [(row_number, found)] = _codes(report)
    assert row_number == 0
    assert found is code or code is None
    assert report.rows_in == 0
    assert corpus.count("traces") == 0


def test_an_empty_folder_is_named_and_notes_are_not_data(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "README.md").write_text("frimble")
    report = validate([tmp_path / "logs"])
    assert _codes(report) == [(0, RejectCode.EMPTY_FOLDER)]


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file or folder"):
        validate([tmp_path / "nowhere.jsonl"])


def test_refuses_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no format is called 'frimble'; known formats: safescale"):
        validate([write(tmp_path / "a.jsonl", [row(0)])], format="frimble")


def test_a_cut_archive_keeps_what_came_before(tmp_path: Path, corpus: Corpus) -> None:
    packed = gzip.compress(
        write(tmp_path / "a.jsonl", [row(i, response="plim" * 500 + str(i)) for i in range(4000)]).read_bytes(), 0
    )
    (tmp_path / "cut.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    report = ingest([tmp_path / "cut.jsonl.gz"], corpus)
    codes = [code for _, code in _codes(report)]
    assert RejectCode.TRUNCATED_FILE in codes
    assert 1900 < report.fates[Fate.TRACE] <= 2000
    assert len(codes) <= 2


def test_validate_finds_what_ingest_finds(tmp_path: Path, corpus: Corpus) -> None:
    rows = [row(0), b"[", row(0), row(1, model_id=7), row(0, response="other")]
    file = write(tmp_path / "a.jsonl", rows)
    checked, stored = validate([file]), ingest([file], corpus)
    assert checked.fates == stored.fates
    assert [c for _, c in _codes(checked)] == [c for _, c in _codes(stored)]


def test_declared_sizes_reach_the_models(tmp_path: Path, corpus: Corpus) -> None:
    ingest([write(tmp_path / "a.jsonl", [row(0, model_id="frimble-7b", params_total_b=13.0)])], corpus)
    [model] = corpus.read("models").to_pylist()
    assert (model["params_total_b"], model["size_source"]) == (13.0, "declared")


def _ingest_process(files: Path, corpus: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "safescale", "ingest", str(files), "--into", str(corpus)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _whole_files(path: Path) -> int:
    """Opens the corpus, asserts that it holds whole files only, and gives their number."""
    if not path.exists():
        return 0
    if path.suffix == ".db":
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    try:
        corpus = open_corpus(path)
    except DataError:
        return 0  # killed before the corpus itself was there
    ledger = corpus.ledger()
    assert corpus.count("traces") == sum(e.fates["trace"] for e in ledger)
    assert corpus.count("grades") == corpus.count("traces")
    stored = corpus.read("traces", ["source_file"])["source_file"].value_counts().to_pylist()
    assert {v["values"]: v["counts"] for v in stored} == {e.file: e.fates["trace"] for e in ledger}
    corpus.close()
    return len(ledger)


def _files_there(path: Path) -> int:
    try:
        with contextlib.closing(open_corpus(path)) as corpus:
            return len(corpus.ledger())
    except DataError:
        return 0


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_kill_at_ten_moments_leaves_whole_files_and_a_rerun_completes(tmp_path: Path, form: str) -> None:
    files = tmp_path / "logs"
    files.mkdir()
    for f in range(8):
        write(files / f"{f}.jsonl", [row(i, trace_id=f"demo:{f}-{i}", response="plim " * 150) for i in range(600)])
    undisturbed = tmp_path / f"whole-{form}"
    process = _ingest_process(files, undisturbed)
    assert process.wait() == 0, process.stderr and process.stderr.read()
    assert process.stderr is not None
    process.stderr.close()
    rng, seen = random.Random(7), set()
    for attempt in range(10):
        target = tmp_path / f"{attempt}-{form}"
        process = _ingest_process(files, target)
        while process.poll() is None and _files_there(target) < attempt % 8:
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.1))
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
        seen.add(_whole_files(target))
        process = _ingest_process(files, target)
        assert process.wait() == 0, process.stderr and process.stderr.read()
        assert process.stderr is not None
        process.stderr.close()
        assert _whole_files(target) == 8
    corpora = [open_corpus(p) for p in (undisturbed, target)]
    assert corpora[0].fingerprint() == corpora[1].fingerprint()
    for opened in corpora:
        opened.close()
    assert len(seen) > 1, "the kills must hit the ingest at different moments"


@pytest.mark.parametrize("changes", [{"grader_kind": "keyword"}, {"outcome_map": "binary_harmful"}])
def test_a_grader_with_two_meanings_is_a_reject_of_the_odd_row(tmp_path: Path, corpus: Corpus, changes: dict[str, Any]) -> None:
    rows = [row(i) for i in range(20)]
    for place in (0, 7):
        odd = [*rows[:place], {**rows[place], **changes}, *rows[place + 1 :]]
        file = write(tmp_path / f"{place}.jsonl", odd)
        assert _codes(validate([file])) == [(place + 1, RejectCode.CONTRADICTION)]
    assert _codes(ingest([file], corpus)) == [(8, RejectCode.CONTRADICTION)]
    later = ingest([write(tmp_path / "later.jsonl", [row(30, **changes), row(31, **changes)])], corpus)
    assert _codes(later) == [(1, RejectCode.CONTRADICTION), (2, RejectCode.CONTRADICTION)]
    assert corpus.count("graders") == 1


def test_a_grader_without_a_verdict_is_a_reject(tmp_path: Path) -> None:
    rows = [row(0, verdict=None), row(1, verdict=...), row(2), row(3, verdict=..., grader_id=..., grader_kind=..., raw_label=...)]
    report = validate([write(tmp_path / "a.jsonl", rows)])
    assert _codes(report) == [(1, RejectCode.MISSING_FIELD), (2, RejectCode.MISSING_FIELD)]


def test_declared_sizes_that_contradict_each_other_count_for_nothing(tmp_path: Path, corpus: Corpus) -> None:
    same = {"model_id": "acme/frimble"}
    rows = [row(i, params_total_b=1.0, **same) for i in range(20)] + [row(20, params_total_b=0.001, **same)]
    rows += [row(21, model_id="acme/plim", params_total_b=3.0), row(22, model_id="acme/plim")]
    ingest([write(tmp_path / "a.jsonl", rows)], corpus)
    models = {m["model_id"]: m for m in corpus.read("models").to_pylist()}
    assert models["acme/frimble"]["params_total_b"] is None
    assert "contradict each other" in models["acme/frimble"]["size_note"]
    assert models["acme/plim"]["params_total_b"] == 3.0


def test_dead_links_and_closed_folders_do_not_lose_the_rest(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    write(logs / "good.jsonl", [row(0)])
    (logs / "dead.jsonl").symlink_to(tmp_path / "nowhere.jsonl")
    (logs / "loop.jsonl").symlink_to(logs / "loop.jsonl")
    report = validate([logs])
    assert report.fates[Fate.TRACE] == 1
    assert _codes(report) == [(0, RejectCode.UNREADABLE)] * 2
    assert report.unreadable == 2


def test_pieces_are_counted_for_the_progress_bar(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [row(i) for i in range(50)])
    told: list[int] = []
    validate([file], progress=lambda _, done: told.append(done))
    assert sum(told) == file.stat().st_size


def test_tables_have_the_columns_of_their_records(tmp_path: Path, corpus: Corpus) -> None:
    from safescale.records.fields import arrow_schema
    from safescale.store.base import TABLES

    ingest([write(tmp_path / "a.jsonl", [row(0), b"["])], corpus)
    for table, record in TABLES.items():
        found = corpus.read(table)
        assert isinstance(found, pa.Table)
        assert found.column_names == arrow_schema(record).names


def test_files_without_a_data_suffix_are_named(tmp_path: Path) -> None:
    """A folder whose graded files end in something else must not look clean and whole."""
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.jsonl", [row(0)])
    for name in ("b.jsonl.bak", "c.txt", ".hidden"):
        write(tmp_path / "in" / name, [row(1)])
    report = validate([tmp_path / "in"])
    assert report.rows_in == 1
    assert [Path(name).name for name in report.not_read] == ["b.jsonl.bak", "c.txt"]
    assert "not read, no suffix of a data format: 2" in ingest_text(report)
    assert validate([tmp_path / "in" / "c.txt"]).rows_in == 1


@pytest.mark.parametrize("rows", [5, 500])
@pytest.mark.parametrize("tail", [b"\0" * 512, b"frimble"])
def test_bytes_after_an_archive_cost_no_row(tmp_path: Path, tail: bytes, rows: int) -> None:
    path = tmp_path / "a.jsonl.gz"
    plain = write(tmp_path / "a.jsonl", [row(i) for i in range(rows)]).read_bytes()
    path.write_bytes(gzip.compress(plain) + tail)
    report = validate([path])
    assert report.fates[Fate.TRACE] == rows
    assert _codes(report) == ([] if tail.startswith(b"\0") else [(0, RejectCode.TRUNCATED_FILE)])


def test_what_is_no_archive_at_all_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a_flip_graded.jsonl.gz").write_bytes(b"frimble")
    (tmp_path / "b.jsonl").write_bytes('{"a": 1}\n'.encode("utf-16"))
    (tmp_path / "c.db").write_bytes(b"SQLite format 3\0" + b"\0" * 50)
    report = validate([tmp_path])
    assert report.unreadable == 3
    assert {r.code for f in report.files[1:] for r in f.rejects} == {RejectCode.NOT_UTF8, RejectCode.UNREADABLE}


def test_a_column_map_that_is_not_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [row(0)])
    with pytest.raises(DataError, match="the column map cannot be read") as caught:
        validate([path], options=Options(column_map=tmp_path / "plim.yaml"), format="safescale")
    assert caught.value.file == str(tmp_path / "plim.yaml")


@pytest.mark.parametrize("option", ["hallucination_refusal", "outcome_map"])
def test_options_outside_their_vocabulary_are_refused(option: str) -> None:
    with pytest.raises(DomainError, match=f"{option} must be one of .*got 'plim'"):
        Options(**{option: "plim"})
