"""The folder of the Parquet form: only what the manifest lists counts, and what was left behind is removed."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from safescale.errors import DataError
from store.store_strategies import add_file, everything, new_corpus


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_a_killed_writer_left_is_ignored_and_then_removed(tmp_path: Path) -> None:
    with closing(new_corpus("parquet", tmp_path)) as corpus:
        add_file(corpus, 1)
        before = everything(corpus)
    folder = tmp_path / "c"
    whole = _files(folder)
    part = next((folder / "traces").iterdir())
    (folder / "traces" / "000099.parquet").write_bytes(part.read_bytes())
    (folder / "runs" / "000098.parquet").write_bytes(b"half a par")
    (folder / ".staging" / "turns").mkdir(parents=True)
    (folder / ".staging" / "turns" / "000097.parquet").write_bytes(b"")
    (folder / "manifest.json.tmp").write_text("{")
    (folder / "traces" / "notes.txt").write_text("not ours: it stays")
    with closing(new_corpus("parquet", tmp_path, create=False)) as corpus:
        assert everything(corpus) == before
    with closing(new_corpus("parquet", tmp_path)) as corpus:
        assert _files(folder) - whole == {".lock", "traces/notes.txt"}
        assert everything(corpus) == before


def test_a_failure_after_the_parts_are_in_place_removes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(new_corpus("parquet", tmp_path)) as corpus:
        add_file(corpus, 1)
        whole = _files(tmp_path)
        original = os.replace
        monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("no space")))
        with pytest.raises(DataError, match="could not be written"):
            add_file(corpus, 2)
        monkeypatch.setattr(os, "replace", original)
        assert _files(tmp_path) == whole


def test_parts_that_were_merged_away_are_removed(tmp_path: Path) -> None:
    with closing(new_corpus("parquet", tmp_path)) as corpus:
        for number in range(17):
            add_file(corpus, number)
    assert len(list((tmp_path / "c" / "traces").iterdir())) == 2
