"""Killed, out of disk, or watched by a reader: a corpus holds whole files only."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from safescale.errors import DataError
from safescale.store.verification import verify
from store.store_strategies import FORMS, add_file, add_rows, entry, everything, file_contents, model, new_corpus, table_of
from store.writer_process import TRACES, add_big_file

TESTS = Path(__file__).resolve().parent.parent
FILES = 14

pytestmark = pytest.mark.parametrize("form", FORMS)


def _writer(form: str, folder: Path, *limit: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(TESTS), str(TESTS.parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(TESTS / "store" / "writer_process.py"), form, str(folder), str(FILES), *limit]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path})
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


Prefixes = tuple[list[str], dict[str, float]]


@pytest.fixture(scope="module")
def prefixes(tmp_path_factory: pytest.TempPathFactory) -> Prefixes:
    """Fingerprint after each number of files, of a corpus that nothing happened to; and the time that all files take."""
    folder = tmp_path_factory.mktemp("whole")
    prints: dict[str, list[str]] = {}
    took: dict[str, float] = {}
    for form in FORMS:
        with closing(new_corpus(form, folder)) as corpus:
            prints[form], start = [corpus.fingerprint()], time.perf_counter()
            for number in range(FILES):
                add_big_file(corpus, number)
                prints[form].append(corpus.fingerprint())
            took[form] = time.perf_counter() - start
    assert prints["sqlite"] == prints["parquet"]
    assert len(set(prints["sqlite"])) == FILES + 1
    return prints["sqlite"], took


def _assert_whole(form: str, folder: Path, prints: list[str]) -> int:
    """The corpus opens, and is exactly what its ledger says. Gives the number of files."""
    if form == "sqlite":
        if not (folder / "c.db").exists():
            return 0
        with closing(sqlite3.connect(folder / "c.db")) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    elif not (folder / "c" / "manifest.json").exists():
        return 0
    with closing(new_corpus(form, folder, create=False)) as corpus:
        files = len(corpus.ledger())
        assert corpus.count("traces") == files * TRACES
        found = verify(corpus)
        assert found.ok
        assert found.recomputed == prints[files]
    return files


def _kill_at_random_moments(form: str, folder: Path, kills: int, prefixes: Prefixes, seed: int) -> list[int]:
    prints, took = prefixes
    moments = random.Random(seed)
    seen = []
    for _ in range(kills):
        process = _writer(form, folder)
        assert process.stdout is not None
        for _ in range(moments.randint(0, (FILES - 1) // kills)):  # some files, then somewhere within one
            process.stdout.readline()
        time.sleep(moments.uniform(0, 1.2 * took[form] / FILES))
        process.kill()
        process.communicate()
        seen.append(_assert_whole(form, folder, prints))
    print(f"files after each kill: {seen}")
    assert seen == sorted(seen)
    process = _writer(form, folder)
    process.communicate()
    assert process.returncode == 0
    assert _assert_whole(form, folder, prints) == FILES
    left = [path for path in folder.rglob("*") if path.name.endswith(("lock", "-wal", ".tmp", ".new")) or ".staging" in path.parts]
    assert left == []
    return seen


def test_killed_at_five_random_moments(form: str, tmp_path: Path, prefixes: Prefixes) -> None:
    seen = _kill_at_random_moments(form, tmp_path, 5, prefixes, seed=1)
    assert seen[0] < FILES, "the first kill came too late to show anything"


@pytest.mark.slow
def test_killed_at_ten_random_moments(form: str, tmp_path: Path, prefixes: Prefixes) -> None:
    seen = _kill_at_random_moments(form, tmp_path, 10, prefixes, seed=int(time.time()))
    assert seen[0] < FILES, "the first kill came too late to show anything"


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE")
@pytest.mark.parametrize("limit", [30_000, 400_000, 1_500_000])
def test_a_full_disk_leaves_whole_files(form: str, limit: int, tmp_path: Path, prefixes: Prefixes) -> None:
    """Writes really fail here, in SQLite and in Arrow."""
    if form == "parquet":
        limit //= 150  # its parts are smaller
    process = _writer(form, tmp_path, str(limit))
    printed, _ = process.communicate()
    assert process.returncode == 0
    assert "refused: the corpus could not be written" in printed.splitlines()[-1]
    assert _assert_whole(form, tmp_path, prefixes[0]) == printed.count("file ") < FILES
    process = _writer(form, tmp_path)
    process.communicate()
    assert _assert_whole(form, tmp_path, prefixes[0]) == FILES


# ---- failures in the process ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["fsync", "rename", "replace", "write_table", "close"])
@pytest.mark.parametrize("nth", [1, 2, 5])
def test_a_failing_write_leaves_the_corpus_as_before(
    form: str, where: str, nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(new_corpus(form, tmp_path)) as corpus:
        add_file(corpus, 1)
        before = everything(corpus)
        with monkeypatch.context() as patch:
            if form == "sqlite":
                (pages,) = corpus.connection.execute("PRAGMA page_count").fetchone()  # type: ignore[attr-defined]
                corpus.connection.execute(f"PRAGMA max_page_count = {pages + nth}")  # type: ignore[attr-defined]
            else:
                _break(patch, where, nth)
            failed = _try_to_add(corpus)
        if form == "sqlite":
            corpus.connection.execute("PRAGMA max_page_count = 1000000")  # type: ignore[attr-defined]
            assert failed
        assert failed or (where, nth) in {("replace", 2), ("replace", 5)}
        if failed:
            assert everything(corpus) == before
            assert verify(corpus).ok
            add_big_file(corpus, 0)
        after = everything(corpus)
        assert len(corpus.ledger()) == 2
    with closing(new_corpus(form, tmp_path, create=False)) as corpus:
        assert everything(corpus) == after
        assert verify(corpus).ok


def _try_to_add(corpus: Any) -> bool:
    try:
        add_big_file(corpus, 0)
    except DataError as error:
        return "could not be written" in str(error)
    return False


def _break(patch: pytest.MonkeyPatch, where: str, nth: int) -> None:
    owner: Any = pq.ParquetWriter if where in ("write_table", "close") else os
    original = getattr(owner, where)
    calls = 0

    def broken(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*args, **kwargs)

    patch.setattr(owner, where, broken)


def test_a_failing_derived_table_leaves_the_corpus_as_before(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(new_corpus(form, tmp_path)) as corpus:
        add_file(corpus, 1)
        corpus.set_models(table_of("model", [model("a")]))
        before = everything(corpus)
        bad = table_of("model", [model("b"), model("b")])
        if form == "parquet":
            _break(monkeypatch, "replace", 1)
        with pytest.raises(DataError):
            corpus.set_models(bad)
        assert everything(corpus) == before


def test_an_exception_of_the_caller_takes_everything_back(form: str, tmp_path: Path) -> None:
    with closing(new_corpus(form, tmp_path)) as corpus:
        add_file(corpus, 1)
        before = everything(corpus)
        for error in (KeyboardInterrupt(), OSError("the input cannot be read")):
            with pytest.raises(type(error)):
                _interrupted(corpus, error)
            assert everything(corpus) == before
        add_file(corpus, 2)
        assert verify(corpus).ok


def _interrupted(corpus: Any, error: BaseException) -> None:
    with corpus.import_file() as transaction:
        add_rows(transaction, "graders", file_contents(2)["graders"])
        add_rows(transaction, "traces", file_contents(2)["traces"])
        transaction.declare_sizes({"m": (1.0, None, False)})
        transaction.finish(entry(2))
        raise error


# ---- readers beside a writer ----------------------------------------------------------------------------------------


def test_a_reader_beside_a_writer_sees_before_or_after(form: str, tmp_path: Path) -> None:
    with closing(new_corpus(form, tmp_path)) as corpus:
        add_file(corpus, 1)
        before = everything(corpus)
        with corpus.import_file() as transaction:
            for table, rows in file_contents(2).items():
                add_rows(transaction, table, rows)
            early = new_corpus(form, tmp_path, create=False)
            assert everything(early) == before
            transaction.finish(entry(2))
        assert everything(early) == before, "one reader shows one state"
        with closing(new_corpus(form, tmp_path, create=False)) as late:
            assert everything(late) == everything(corpus) != before
        after = everything(corpus)
    early.close()
    with closing(new_corpus(form, tmp_path, create=False)) as late:
        assert everything(late) == after


def test_a_reader_that_is_overtaken_says_so(form: str, tmp_path: Path) -> None:
    with closing(new_corpus(form, tmp_path)) as corpus:
        add_file(corpus, 1)
        before = everything(corpus)
    with closing(new_corpus(form, tmp_path, create=False)) as reader:
        with closing(new_corpus(form, tmp_path)) as corpus:
            add_file(corpus, 2)
        if form == "parquet":
            assert everything(reader) == before
        else:
            for read in (lambda: reader.read("traces"), reader.fingerprint, lambda: reader.count("grades"), reader.ledger):
                with pytest.raises(DataError, match="changed by another process while it was read: run again"):
                    read()


def test_readers_during_a_real_ingest_see_whole_files(form: str, tmp_path: Path, prefixes: Prefixes) -> None:
    new_corpus(form, tmp_path).close()
    process = _writer(form, tmp_path)
    seen, refusals = set(), []
    while process.poll() is None:
        try:
            with closing(new_corpus(form, tmp_path, create=False)) as reader:
                files = len(reader.ledger())
                assert reader.count("traces") == reader.read("traces", ["trace_id"]).num_rows == files * TRACES
                assert reader.fingerprint() == prefixes[0][files]
                seen.add(files)
        except DataError as error:
            refusals.append(str(error))
    process.communicate()
    assert all("run again" in words for words in refusals)
    assert process.returncode == 0
    assert len(seen) > 2
    assert _assert_whole(form, tmp_path, prefixes[0]) == FILES
