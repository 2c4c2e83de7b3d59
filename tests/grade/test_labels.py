"""Sheets that come back: what is wrong is named by row and column, what is not finished is counted."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from grade.made import fill_in, graded_corpus
from safescale.cells import Counting, Selection
from safescale.errors import DataError
from safescale.grade import SheetFormat, draw_sample, read_labels, write_sample
from safescale.records.verdicts import Verdict


@pytest.fixture
def sheet(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    corpus, truth = graded_corpus(prompts=20)
    rows = Counting(corpus).grader_rows(Selection(), "judge", "text")
    sample = draw_sample(rows, 40, fingerprint=corpus.fingerprint(), grader="judge", target="text", selection=Selection())
    texts = {row["trace_id"]: (row["prompt"], row["response"]) for row in corpus.read("traces").to_pylist()}
    return write_sample(sample, texts, tmp_path / "sheet.csv")[0], truth


def test_a_filled_in_sheet_gives_back_what_was_written(sheet: tuple[Path, dict[str, str]]) -> None:
    path, truth = sheet
    labels = read_labels([fill_in(path, truth.__getitem__)])
    assert [t.labels for t in labels.traces] == [(Verdict(truth[t.trace_id]),) for t in labels.traces]
    assert labels.labelled == (40,)
    assert labels.skipped == (0,)


def test_a_sheet_of_lines_reads_the_same(tmp_path: Path) -> None:
    corpus, truth = graded_corpus(prompts=20)
    rows = Counting(corpus).grader_rows(Selection(), "judge", "text")
    sample = draw_sample(rows, 40, fingerprint="f", grader="judge", target="text", selection=Selection())
    texts = {row["trace_id"]: (row["prompt"], row["response"]) for row in corpus.read("traces").to_pylist()}
    path = write_sample(sample, texts, tmp_path / "sheet.jsonl", form=SheetFormat.JSONL)[0]
    trace_of = {t.sample_id: t.trace_id for t in sample.traces}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("".join(json.dumps(r | {"label": truth[trace_of[r["sample_id"]]]}) + "\n" for r in lines), encoding="utf-8")
    assert [t.labels[0] for t in read_labels([path]).traces] == [Verdict(truth[t.trace_id]) for t in sample.traces]


def test_part_of_a_sheet_is_counted_and_a_gap_is_told_from_the_end(sheet: tuple[Path, dict[str, str]]) -> None:
    path, truth = sheet
    labels = read_labels([fill_in(path, truth.__getitem__, first=25)])
    assert (labels.labelled, labels.skipped) == ((25,), (0,))
    change(path, lambda rows: rows[3].update(label=""))
    assert (read_labels([path]).labelled, read_labels([path]).skipped) == ((24,), (1,))


def test_several_raters_stand_side_by_side(sheet: tuple[Path, dict[str, str]]) -> None:
    path, truth = sheet
    one = fill_in(path, truth.__getitem__, into=path.with_name("ann.csv"))
    two = fill_in(path, lambda _: "refused", into=path.with_name("bo.csv"), first=10)
    labels = read_labels([one, two])
    assert labels.raters == ("ann.csv", "bo.csv")
    assert labels.labelled == (40, 10)
    assert {t.labels[1] for t in labels.traces} == {Verdict.REFUSAL, None}


def test_sheets_of_a_spreadsheet_are_read(sheet: tuple[Path, dict[str, str]]) -> None:
    """Semicolons, a byte-order mark, another order of rows, further columns, blanks, lower case."""
    path, truth = sheet
    plain = read_labels([fill_in(path, truth.__getitem__)])
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[::-1]
    with path.open("w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.DictWriter(stream, ["note", *rows[0]], delimiter=";")
        writer.writeheader()
        writer.writerows(row | {"note": "x", "label": f" {row['label'].lower()} "} for row in rows)
    assert read_labels([path]) == plain


def change(path: Path, how: Callable[[list[dict[str, str]]], object]) -> None:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = list(rows[0])
    how(rows)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("how", "words", "row", "column"),
    [
        (lambda rows: rows[4].update(label="MAYBE"), r"1 row is wrong: this is no label.*got 'MAYBE'", 6, "label"),
        (lambda rows: rows[4].update(label="ERROR"), "this is no label", 6, "label"),
        (lambda rows: rows[2].update(sample_id="s-17"), "the id was changed", 4, "sample_id"),
        (lambda rows: rows[5].update(sample_id=rows[1]["sample_id"]), "stands twice", 7, "sample_id"),
        (lambda rows: rows.pop(3), r"1 of 40 rows of the sample are not in this sheet", None, "sample_id"),
        (lambda rows: [r.update(label="nix") for r in rows[:6]], r"6 rows are wrong; the first.*row 3.*and 2 more", 2, "label"),
        (lambda rows: [r.update(label="") for r in rows], "no row of this sheet has a label yet", None, "label"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(
    sheet: tuple[Path, dict[str, str]], how, words: str, row: int | None, column: str
) -> None:
    path, truth = sheet
    fill_in(path, truth.__getitem__)
    change(path, how)
    with pytest.raises(DataError, match=words) as caught:
        read_labels([path])
    assert (caught.value.row, caught.value.column, caught.value.file) == (row, column, str(path))


def test_a_missing_column_a_lost_key_and_no_text_are_said(sheet: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    path, _ = sheet
    path.write_text("sample_id,verdict\n1,x\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a column is missing.*column 'label'"):
        read_labels([path])
    path.write_bytes(b"sample_id,label\n\xff\xfe,x\n")
    with pytest.raises(DataError, match="not UTF-8"):
        read_labels([path])
    alone = tmp_path / "elsewhere" / "sheet.csv"
    alone.parent.mkdir()
    alone.write_text("sample_id,label\n", encoding="utf-8")
    with pytest.raises(DataError, match="no key lies beside"):
        read_labels([alone])


def test_a_heading_in_other_case_or_with_blanks_is_the_same_heading(sheet: tuple[Path, dict[str, str]]) -> None:
    path, truth = sheet
    fill_in(path, truth.__getitem__)
    fill = path.read_text(encoding="utf-8").replace("sample_id,prompt,response,label", "Sample_ID, prompt,response,Label ", 1)
    path.write_text(fill, encoding="utf-8")
    assert read_labels([path]).labelled[0] > 0
