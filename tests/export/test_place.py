"""Where an export goes: nothing foreign is written over, a failure leaves what was there, and nothing lies about."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.command import run
from export.corpora import corpus_of
from safescale.errors import DataError, DomainError
from safescale.export import ExportKind, export, export_corpus
from safescale.export.result import FOLDERS


@pytest.mark.parametrize("kind", sorted(FOLDERS))
def test_a_folder_with_other_things_is_refused_and_untouched(tmp_path: Path, kind: ExportKind) -> None:
    corpus = corpus_of(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("plim")
    for overwrite in (False, True):
        with pytest.raises(DataError, match="holds other things"):
            export_corpus(corpus, tmp_path / "mine", kind, overwrite=overwrite)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["diary.txt"]


def test_an_earlier_export_and_an_empty_folder_are_replaced(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    (tmp_path / "out").mkdir()
    export_corpus(corpus, tmp_path / "out", ExportKind.INSPECT_SCORES)
    export_corpus(corpus, tmp_path / "out", ExportKind.HF_DATASET)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [".safescale-export", "README.md", "data"]


def test_a_file_is_replaced_only_when_asked(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    (tmp_path / "x.csv").write_text("mine")
    with pytest.raises(DataError, match="--overwrite"):
        export_corpus(corpus, tmp_path / "x.csv", ExportKind.CSV)
    assert (tmp_path / "x.csv").read_text() == "mine"
    export_corpus(corpus, tmp_path / "x.csv", ExportKind.CSV, overwrite=True)
    assert (tmp_path / "x.csv").read_text().startswith('"trace_id"')


@pytest.mark.parametrize(("kind", "name"), [(ExportKind.CSV, "folder"), (ExportKind.HF_DATASET, "file")])
def test_a_file_for_a_folder_and_the_other_way_round_are_refused(tmp_path: Path, kind: ExportKind, name: str) -> None:
    corpus = corpus_of(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="stands there"):
        export_corpus(corpus, tmp_path / name, kind, overwrite=True)


def test_a_parent_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        export_corpus(corpus_of(tmp_path), tmp_path / "absent" / "x.csv", ExportKind.CSV)


@pytest.mark.parametrize("kind", list(ExportKind))
def test_a_failure_half_way_leaves_what_was_there_and_nothing_beside_it(
    tmp_path: Path, kind: ExportKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = corpus_of(tmp_path)
    into = tmp_path / "out"
    export_corpus(corpus, into, kind)
    before = {p: p.read_bytes() for p in [into, *into.rglob("*")] if p.is_file()}
    around = sorted(p.name for p in tmp_path.iterdir())

    def broken(request: object, place: Path) -> None:
        (place / "half" if place.is_dir() else place).write_text("half")
        raise OSError("disk full")

    monkeypatch.setitem(export._WRITERS, kind, broken)
    with pytest.raises(DataError, match="as it was"):
        export_corpus(corpus, into, kind, overwrite=True)
    assert {p: p.read_bytes() for p in [into, *into.rglob("*")] if p.is_file()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == around


def test_a_grader_or_a_licence_with_a_slip_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    with pytest.raises(DomainError, match="such as demo-judge"):
        export_corpus(corpus, tmp_path / "x.csv", ExportKind.CSV, graders=["demo-jugde"])
    with pytest.raises(DomainError, match="licence"):
        export_corpus(corpus, tmp_path / "hf", ExportKind.HF_DATASET, licence="mit\nhead: x")
    assert not (tmp_path / "x.csv").exists()


def test_all_traces_are_told_to_the_progress(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path)
    for kind in ExportKind:
        done: list[int] = []
        export_corpus(corpus, tmp_path / f"out-{kind.value}", kind, progress=done.append)
        assert sum(done) == corpus.count("traces")


def test_the_command_says_what_it_wrote_and_what_it_left_out(tmp_path: Path) -> None:
    import json

    corpus_of(tmp_path).close()
    done = run("export", "corpus.db", "-o", "x.parquet", cwd=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    assert "texts are left out" in done.stdout
    assert done.stdout.splitlines()[0].split() == ["file", "rows", "bytes"]
    told = json.loads(run("export", "corpus.db", "-o", "hf", "--to", "hf-dataset", "--json", cwd=tmp_path).stdout)
    assert (told["kind"], told["rows"], [f["file"] for f in told["files"]]) == (
        "hf-dataset",
        22,
        ["README.md", "data/test-00000-of-00001.parquet"],
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["corpus.db", "-o", "x.plim"], 2, "give --to"),
        (["corpus.db", "-o", "x", "--to", "plim"], 2, "plim"),
        (["absent.db", "-o", "x.csv"], 3, "there is no corpus"),
        (["corpus.db", "-o", "corpus.db", "--to", "csv"], 3, "--overwrite"),
        (["corpus.db", "-o", "x.csv", "--grader", "plim"], 4, "no grader"),
    ],
)
def test_wrong_usage_of_the_command(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    corpus_of(tmp_path).close()
    done = run("export", *words, cwd=tmp_path)
    assert done.code == code
    assert said in done.stderr.replace("\n", " ")
