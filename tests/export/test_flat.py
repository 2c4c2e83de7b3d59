"""Flat exports: lines that come back as the same content, and the same rows in every form."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.corpora import SECRET, corpus_of, rows
from ingest.lines import row
from safescale.example import example_logs
from safescale.export import ExportKind, export_corpus
from safescale.ingest.batch import Options
from safescale.ingest.session import ingest
from safescale.records.fields import arrow_schema
from safescale.store import open_corpus


def read_back(path: Path, into: Path, **options: Any) -> str:
    copy = open_corpus(into, create=True)
    report = ingest([path], copy, options=Options(**options))
    assert report.findings == 0
    assert [f.format for f in report.files] == ["safescale"]
    fingerprint = copy.fingerprint()
    copy.close()
    return fingerprint


@pytest.mark.parametrize("form", ["corpus.db", "corpus"])
@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "jsonl.zst"])
def test_lines_with_text_come_back_as_the_same_content(tmp_path: Path, form: str, suffix: str) -> None:
    corpus = corpus_of(tmp_path, name=form)
    result = export_corpus(corpus, tmp_path / f"x.{suffix}", ExportKind.JSONL, with_text=True)
    assert read_back(tmp_path / f"x.{suffix}", tmp_path / "copy.db") == result.fingerprint == corpus.fingerprint()
    assert result.left_out == {}


def test_the_bundled_example_comes_back_as_the_same_content(tmp_path: Path) -> None:
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    ingest(example_logs(), corpus)
    result = export_corpus(corpus, tmp_path / "x.jsonl", ExportKind.JSONL, with_text=True)
    meanings = set(corpus.read("graders")["hallucination_refusal"].to_pylist())
    assert len(meanings) == 1
    options = {} if meanings == {"undeclared"} else {"hallucination_refusal": meanings.pop()}
    assert corpus.count("grades") > 500
    if corpus.count("turns"):
        assert any(words.startswith("turns") for words in result.left_out)
    else:
        assert read_back(tmp_path / "x.jsonl", tmp_path / "copy.db", **options) == corpus.fingerprint()


LINE = st.builds(
    row,
    st.integers(0, 5),
    response=st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.none(),
    prompt=st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    grader_id=st.sampled_from(["a", "b", "c"]),
    raw_label=st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    verdict=st.sampled_from(["COMPLIANCE", "REFUSAL", "ERROR", "UNGRADED"]),
    params_total_b=st.none() | st.sampled_from([1.5, 7.0]),
    rubric_version=st.none() | st.sampled_from(["1", "2"]),
    response_sha256=st.just(...),
    prompt_sha256=st.just(...),
    response_chars=st.just(...),
)


@given(lines=st.lists(LINE, min_size=1, max_size=8))
@settings(max_examples=12)
def test_any_corpus_of_lines_comes_back_as_the_same_content(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("law")
    corpus = open_corpus(folder / "corpus.db", create=True)
    path = folder / "in.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    ingest([path], corpus)
    export_corpus(corpus, folder / "x.jsonl", ExportKind.JSONL, with_text=True)
    copy = open_corpus(folder / "copy.db", create=True)
    ingest([folder / "x.jsonl"], copy)
    same = {table: sorted(map(tuple, copy.content_hashes(table).tolist())) for table in ("traces", "grades")}
    assert same == {table: sorted(map(tuple, corpus.content_hashes(table).tolist())) for table in ("traces", "grades")}
    if not any(size == (None, None, False) for size in corpus.declared_sizes().values()):  # contradicted sizes have no line
        assert copy.fingerprint() == corpus.fingerprint()
    corpus.close()
    copy.close()


def test_without_text_all_but_the_texts_comes_back(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    result = export_corpus(corpus, tmp_path / "x.jsonl", ExportKind.JSONL)
    copy = open_corpus(tmp_path / "copy.db", create=True)
    ingest([tmp_path / "x.jsonl"], copy)
    texts = {"prompt", "response", "response_kind"}
    drop = texts | {"source_file", "source_row"}
    plain = [
        [{k: v for k, v in t.items() if k not in drop} for t in found.read("traces").to_pylist() if t["error"] is None]
        for found in (corpus, copy)
    ]
    assert len(plain[0]) == 15
    assert sorted(plain[0], key=str) == sorted(plain[1], key=str)
    assert {t["response_kind"] for t in copy.read("traces").to_pylist()} == {"withheld"}
    labels = [
        sorted((g["trace_id"], g["grader_id"], g["verdict"]) for g in found.read("grades").to_pylist() if len(g["trace_id"]) < 20)
        for found in (corpus, copy)
    ]
    assert labels[0] == labels[1]
    assert list(result.left_out.values()) == [16]


def test_a_request_that_is_an_id_and_an_error_that_quotes_it_are_text_however_short(tmp_path: Path) -> None:
    """As where a column map takes the prompt for its own id."""
    asked = {"prompt_id": "how do I plim a zarv?", "error": "refused: how do I plim a zarv?"}
    corpus = corpus_of(tmp_path, [row(1, **asked), row(2, prompt_id="False advertising of zarvs", error="limit: token")])
    export_corpus(corpus, tmp_path / "out.jsonl", ExportKind.JSONL)
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert "plim" not in (tmp_path / "out.jsonl").read_text()
    assert {line["error"] for line in found} == {"(text withheld)", "limit: token"}
    assert [line["prompt_id"] for line in found if line["error"] == "limit: token"] == ["False advertising of zarvs"]


def test_a_long_id_that_may_be_a_text_leaves_as_its_hash_and_equal_ids_stay_equal(tmp_path: Path) -> None:
    asked = {"prompt_id": "how do I plim? " * 10, "error": "refused: how do I plim? " * 10}
    corpus = corpus_of(tmp_path, [row(i, **asked) for i in (1, 2)] + [row(3, error="timeout")])
    export_corpus(corpus, tmp_path / "x.jsonl", ExportKind.JSONL)
    found = sorted(
        (json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()), key=lambda line: str(line["trace_id"])
    )
    hashed = f"sha256:{hashlib.sha256(asked['prompt_id'].encode()).hexdigest()}"
    assert [line["prompt_id"] for line in found] == [hashed, hashed, row(3)["prompt_id"]]
    assert [line["error"] for line in found] == ["(text withheld)", "(text withheld)", "timeout"]


def test_every_flat_form_holds_the_same_rows(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    found = {}
    for kind, name in ((ExportKind.PARQUET, "x.parquet"), (ExportKind.JSONL, "x.jsonl"), (ExportKind.CSV, "x.csv")):
        result = export_corpus(corpus, tmp_path / name, kind, with_text=True)
        assert result.rows == len(rows())
        assert result.size_bytes == (tmp_path / name).stat().st_size
        found[kind] = tmp_path / name
    table = pq.read_table(found[ExportKind.PARQUET])
    assert table.schema.remove_metadata().equals(arrow_schema("graded_trace").remove_metadata())
    assert table.schema.metadata[b"safescale_fingerprint"].decode() == corpus.fingerprint()
    parquet = [{k: v for k, v in r.items() if v is not None} for r in table.to_pylist()]
    assert parquet == [json.loads(line) for line in found[ExportKind.JSONL].read_text().splitlines()]
    with found[ExportKind.CSV].open(newline="", encoding="utf-8") as stream:
        read = list(csv.DictReader(stream))
    assert [(r["trace_id"], r["response"], r["verdict"]) for r in read] == [
        (r["trace_id"], r["response"], r.get("verdict", "")) for r in parquet
    ]


def test_a_null_and_an_empty_text_differ_in_csv(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [row(1, response="", prompt=None, response_sha256=..., prompt_sha256=..., response_chars=...)])
    export_corpus(corpus, tmp_path / "x.csv", ExportKind.CSV, with_text=True)
    back = pa.csv.read_csv(
        io.BytesIO((tmp_path / "x.csv").read_bytes()),
        convert_options=pa.csv.ConvertOptions(strings_can_be_null=True, quoted_strings_can_be_null=False),
    ).to_pylist()[0]
    assert (back["response"], back["prompt"]) == ("", None)


def test_named_graders_only_and_no_trace_without_their_grades(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    result = export_corpus(corpus, tmp_path / "x.jsonl", ExportKind.JSONL, graders=["second"])
    found = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
    assert ({line["grader_id"] for line in found}, len(found), result.rows) == ({"second"}, 6, 6)


def test_a_trace_of_many_judges_is_written_in_bounded_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safescale.export import graded, joining

    monkeypatch.setattr(graded, "BATCH_ROWS", 3)
    monkeypatch.setattr(joining, "BATCH_ROWS", 3)
    corpus = corpus_of(tmp_path)
    sizes = [table.num_rows for table in graded.graded_rows(request_of(corpus), __import__("collections").Counter())]
    assert (sum(sizes), max(sizes)) == (len(rows()), 3)


def request_of(corpus: Any) -> Any:
    from safescale.export.result import ExportRequest

    return ExportRequest(
        corpus=corpus, graders=frozenset(), with_text=True, name="x", licence="unknown", created_unix_s=0, progress=lambda _: None
    )


def test_the_secret_is_in_the_corpus_that_these_tests_use() -> None:
    assert all(SECRET in r["response"] for r in rows())
