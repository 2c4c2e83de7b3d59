"""Which paths are corpora, and that reading leaves no trace."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from safescale.errors import DataError
from safescale.store import is_corpus, open_corpus
from safescale.store.parquet import ParquetCorpus
from safescale.store.sqlite import SqliteCorpus
from store.store_strategies import FORMS, add_file, everything, new_corpus


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *((name, SqliteCorpus) for name in ("c.db", "c.SQLITE", "c.sqlite3")),
        *((name, ParquetCorpus) for name in ("c", "c.parquet", "c/", "c.db/", "deep/er/c")),
    ],
)
def test_the_suffix_chooses(name: str, form: type, tmp_path: Path) -> None:
    path = f"{tmp_path}/{name}"
    assert not is_corpus(path)
    with pytest.raises(DataError, match="no corpus here: make one with: safescale ingest"):
        open_corpus(path)
    assert list(tmp_path.iterdir()) == []
    with closing(open_corpus(path, create=True)) as corpus:
        assert type(corpus) is form
        add_file(corpus, 1)
        before = everything(corpus)
    assert is_corpus(path)
    with closing(open_corpus(path)) as corpus:
        assert type(corpus) is form
        assert everything(corpus) == before


def test_refuses_what_is_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database at all, but long enough to have a header" * 3)
    (tmp_path / "empty.db").touch()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.jsonl").write_text("{}")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "manifest.json").write_text('{"name": "an app", "format": "other"}')
    with closing(sqlite3.connect(tmp_path / "jailbreak_corpus.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE results (id INTEGER)")
    files = _files(tmp_path)
    for name, match in {
        "text.db": "not an SQLite database",
        "jailbreak_corpus.db": r"no safescale meta table.*safescale ingest .*jailbreak_corpus.db --into corpus.db",
        "logs": r"(no manifest.json|holds other files)",
        "rows.parquet": "safescale ingest .*rows.parquet --into corpus.db",
        "broken": "manifest.json is not that of",
        "web": "manifest.json is not that of",
        "x.jsonl": "not the suffix of a corpus",
    }.items():
        assert not is_corpus(tmp_path / name)
        for create in (False, True):
            if (tmp_path / name).exists() or create:
                with pytest.raises(DataError, match=match):
                    open_corpus(tmp_path / name, create=create)
    with pytest.raises(DataError, match="database is empty"):
        open_corpus(tmp_path / "empty.db")
    assert _files(tmp_path) == files
    with pytest.raises(DataError, match="does not exist: make it first"):
        open_corpus(tmp_path / "nowhere" / "c.db", create=True)
    open_corpus(tmp_path / "empty.db", create=True).close()
    assert is_corpus(tmp_path / "empty.db")


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_size) for p in sorted([folder, *folder.rglob("*")])}


@pytest.mark.parametrize("form", FORMS)
def test_reading_leaves_no_trace(form: str, tmp_path: Path) -> None:
    with closing(new_corpus(form, tmp_path)) as corpus:
        add_file(corpus, 1)
        written = everything(corpus)
    before = _state(tmp_path)
    assert not [name for name in before if name.endswith(("-wal", "-shm", "lock"))]
    with closing(new_corpus(form, tmp_path, create=False)) as corpus:
        assert everything(corpus) == written
        assert _state(tmp_path) == before
        with pytest.raises(DataError, match="open for reading"), corpus.import_file():
            pass
        with pytest.raises(DataError, match="open for reading"):
            corpus.set_same_traces(corpus.same_traces())
    assert _state(tmp_path) == before


_AS_NOBODY = """
import os, sys
from safescale.store import open_corpus

def look():
    corpus = open_corpus(sys.argv[1])
    print(corpus.fingerprint(), corpus.read("grades").num_rows)
    corpus.close()

look()  # imports everything
if os.getuid() == 0:  # root may write anywhere
    os.setgid(65534)
    os.setuid(65534)
look()
try:
    open_corpus(sys.argv[1], create=True)
except Exception as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="modes of folders")
@pytest.mark.parametrize("form", FORMS)
def test_a_read_only_folder_will_do(form: str) -> None:
    with TemporaryDirectory() as name:  # not tmp_path: only its owner may look into that
        folder = Path(name)
        with closing(new_corpus(form, folder)) as corpus:
            add_file(corpus, 1)
            print_ = corpus.fingerprint()
        folders = [folder, *(p for p in folder.rglob("*") if p.is_dir())]
        for one in folders:
            one.chmod(0o555)
        path = folder / ("c.db" if form == "sqlite" else "c")
        done = subprocess.run([sys.executable, "-c", _AS_NOBODY, path], capture_output=True, text=True, check=False)
        for one in folders:
            one.chmod(0o755)
    assert done.stderr == ""
    assert done.stdout.split() == [print_, "3", print_, "3", "DataError"]


@pytest.mark.parametrize("form", FORMS)
def test_two_writers_refuse_one_another(form: str, tmp_path: Path) -> None:
    with closing(new_corpus(form, tmp_path)):
        with pytest.raises(DataError, match=rf"another process \(pid {os.getpid()}\) is writing.*wait"):
            new_corpus(form, tmp_path)
        with closing(new_corpus(form, tmp_path, create=False)) as reader:
            assert reader.count("traces") == 0
    new_corpus(form, tmp_path).close()


@pytest.mark.parametrize("form", FORMS)
def test_the_lock_of_a_dead_process_is_taken_over(form: str, tmp_path: Path) -> None:
    new_corpus(form, tmp_path).close()
    lock = tmp_path / ("c.db.lock" if form == "sqlite" else "c/.lock")
    lock.write_text("999999\n")
    new_corpus(form, tmp_path).close()
    assert not lock.exists()


@pytest.mark.parametrize("form", FORMS)
def test_refuses_a_corpus_of_a_newer_safescale(form: str, tmp_path: Path) -> None:
    new_corpus(form, tmp_path).close()
    if form == "sqlite":
        with closing(sqlite3.connect(tmp_path / "c.db")) as db, db:
            db.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    else:
        path = tmp_path / "c" / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 99}))
    for create in (False, True):
        with pytest.raises(DataError, match=r"newer safescale.*upgrade"):
            new_corpus(form, tmp_path, create=create)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    with closing(new_corpus("parquet", tmp_path)) as corpus:
        add_file(corpus, 1)
    reader = new_corpus("parquet", tmp_path, create=False)
    (part,) = (tmp_path / "c" / "traces").iterdir()
    part.write_bytes(b"no parquet")
    with pytest.raises(DataError, match="damaged"):
        reader.read("traces")
    part.unlink()
    with pytest.raises(DataError, match=r"a part of the corpus is missing.*traces"):
        reader.read("traces")
