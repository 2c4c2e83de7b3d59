"""A folder of several formats in one call: each file read as what it is, one table, one count of bytes, one broken file in it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from ingest.every_eval_ever_files import sample
from ingest.lines import row, write
from safescale.ingest.outcome import IngestReport
from safescale.ingest.session import ingest, validate
from safescale.report.ingest_report import ingest_json, ingest_text
from safescale.store import open_corpus

SPEECH = {
    "question_id": "plim_01",
    "theme": "plim",
    "model": "zarv/frimble-7b",
    "question": "plim?",
    "response": "plim.",
    "label_grok41fast": "COMPLETE",
    "label_gpt4o": "frimbly",
    "same_response": True,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    runs = tmp_path / "runs"
    (runs / "deep").mkdir(parents=True)
    write(runs / "a.jsonl", [row(1), row(2), b"{", row(3, verdict="MAYBE")])
    out = io.StringIO()
    csv.writer(out).writerows(
        [
            ["id", "type", "prompt", "completion", "final_label"],
            ["v2-1", "homonyms", "plim?", "plim.", "1_full_compliance"],
            ["v2-2"],
        ]
    )
    (runs / "xstest_v2_completions_plim.csv").write_text(out.getvalue(), newline="")
    write(runs / "deep" / "speechmap_plim.jsonl", [SPEECH])
    write(runs / "deep" / "run_samples.jsonl", [sample(1), sample(2)])
    (runs / "deep" / "broken.json").write_text('{"plim": [')
    (runs / "stats.json").write_text(json.dumps([{"name": {"name": "plim"}, "sum_squared": 1}]))
    (runs / "notes.txt").write_text("plim")
    return runs


def rows_of(text: str) -> dict[str, list[str]]:
    """The closing table: the cells of each file."""
    lines = text.split("\n\n")[0].splitlines()
    assert lines[1].split() == ["file", "format", "rows", "traces", "grades", "duplicates", "other", "rejects", "notes", "codes"]
    return {line.split()[0]: line.split() for line in lines[2:]}


def assert_told(report: IngestReport, text: str) -> None:
    table = rows_of(text)
    assert {name: cells[1:9] for name, cells in table.items() if name != "total"} == {
        "a.jsonl": ["safescale", "4", "2", "2", "0", "0", "2", "0"],
        "deep/broken.json": ["?", "0", "0", "0", "0", "0", "1", "0"],
        "deep/run_samples.jsonl": ["every-eval-ever", "2", "2", "2", "0", "0", "0", "2"],
        "deep/speechmap_plim.jsonl": ["speechmap", "1", "1", "2", "0", "0", "0", "1"],
        "stats.json": ["helm", "0", "0", "0", "0", "0", "1", "0"],
        "xstest_v2_completions_plim.csv": ["xstest", "2", "1", "1", "0", "0", "1", "0"],
    }
    assert table["total"][1:] == ["9", "6", "7", "0", "0", "5", "3"]
    codes = {name: " ".join(cells[9:]) for name, cells in table.items()}
    assert codes["a.jsonl"] == "BAD_JSON 1, UNKNOWN_VERDICT 1"
    assert codes["deep/broken.json"] == "UNKNOWN_FORMAT 1"
    assert codes["deep/run_samples.jsonl"] == "notes: COMPANION_MISSING 1, POLARITY_UNKNOWN 1"
    assert codes["xstest_v2_completions_plim.csv"] == "MISSING_FIELD 1"
    by_file = {Path(f["file"]).name: f["reject_codes"] for f in json.loads(ingest_json(report))["files"]}
    assert by_file["a.jsonl"] == {"BAD_JSON": 1, "UNKNOWN_VERDICT": 1}


def test_one_call_one_table(folder: Path, tmp_path: Path) -> None:
    corpus = open_corpus(tmp_path / "c.db", create=True)
    done: list[tuple[str, int]] = []
    report = ingest([folder], corpus, progress=lambda file, n: done.append((file, n)))
    text = ingest_text(report, corpus=tmp_path / "c.db")
    assert text.splitlines()[0] == f"files in {folder}"
    assert_told(report, text)
    assert "9 rows in = 6 trace + 3 reject" in text
    data = [p for p in folder.rglob("*") if p.is_file() and p.suffix != ".txt"]
    assert sum(n for _, n in done) == sum(p.stat().st_size for p in data)
    assert {file for file, _ in done} == {str(p) for p in data}
    assert (corpus.count("traces"), corpus.count("grades")) == (6, 7)
    corpus.close()


def test_validate_prints_the_same_table(folder: Path) -> None:
    report = validate([folder])
    assert_told(report, ingest_text(report))


def test_one_file_has_no_common_folder_and_no_total(folder: Path) -> None:
    text = ingest_text(validate([folder / "a.jsonl"]))
    assert text.splitlines()[0].split()[0] == "file"
    assert "total" not in text


def test_a_long_path_is_cut_in_its_middle_and_keeps_its_end(tmp_path: Path) -> None:
    deep = tmp_path / ("plim" * 20) / ("frimble" * 10)
    deep.mkdir(parents=True)
    for i in range(2):
        write(deep / f"run-{i}.jsonl", [row(i)])
    write(tmp_path / "a.jsonl", [row(5)])
    lines = ingest_text(validate([tmp_path])).splitlines()
    cut = [line.split()[0] for line in lines[3:5]]
    assert [name[-11:] for name in cut] == ["run-0.jsonl", "run-1.jsonl"]
    assert all("…" in name and len(name) == 64 for name in cut)


def test_without_rejects_and_notes_there_is_no_column_of_codes(tmp_path: Path) -> None:
    text = ingest_text(validate([write(tmp_path / "a.jsonl", [row(1)])]))
    assert text.splitlines()[0].split()[-1] == "notes"
