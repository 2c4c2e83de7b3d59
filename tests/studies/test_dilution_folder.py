"""The folder of an experiment: a full disk costs a call and not what is there, and one process writes at a time."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from safescale.errors import DataError
from safescale.main_job.dilution import experiment_dilution
from safescale.main_job.staging import staging
from safescale.store.lock import WriterLock
from safescale.studies.dilution.run import LOCK, Experiment, run_dilution
from safescale.studies.running import corpus
from studies.dilution_world import changed, wanted

pytestmark = pytest.mark.usefixtures("no_power")

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def small(out: Path) -> Experiment:
    return run_dilution(changed(wanted(), doses=()), out)


@pytest.mark.parametrize("call", [1, 2])
def test_a_corpus_that_is_not_whole_in_its_file_is_not_put_into_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """A reader keeps SQLite from moving the -wal file into the corpus, as a full disk does: neither is told at closing."""
    readers: list[sqlite3.Connection] = []
    whole = corpus.ingest
    calls = 0

    def watched(sources: Sequence[Path], into: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            (aside,) = tmp_path.glob(".partial-*.db")
            readers.append(sqlite3.connect(aside, isolation_level=None))
            readers[0].execute("BEGIN")
            readers[0].execute("SELECT count(*) FROM traces").fetchall()
        return whole(sources, into, **more)

    monkeypatch.setattr(corpus, "ingest", watched)
    name = "responses.db" if call == 1 else "corpus.db"
    with pytest.raises(DataError, match=rf"corpus cannot be written \(No space left on device\).*{name}"):
        small(tmp_path)
    assert not (tmp_path / name).exists()
    readers[0].close()
    assert small(tmp_path).departures == ()
    assert not list(tmp_path.glob(".partial-*"))


def test_a_corpus_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    first = small(tmp_path)
    for name in ("responses.db", "corpus.db"):
        os.truncate(tmp_path / name, 40_960)
    again = small(tmp_path)
    assert first.result is not None
    assert again.result == first.result
    assert (again.outcomes[0].failed == first.outcomes[0].failed).all()


def test_a_result_that_cannot_be_written_says_so_and_the_same_call_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr("safescale.studies.dilution.run._write_result", full)
        with pytest.raises(DataError, match=r"cannot be read or written \(No space left on device\).*the same command goes on"):
            small(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("safescale.studies.running.stages.write_json", full)  # times alone are lost
        assert small(tmp_path).departures == ()


def test_a_report_on_a_full_disk_says_so_and_leaves_nothing_behind(tmp_path: Path) -> None:
    def half() -> None:
        with staging(tmp_path / "report") as folder:
            (folder / "page").write_text("half")
            raise FULL

    with pytest.raises(DataError, match=r"the report cannot be written \(No space left on device\); free some space"):
        half()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError), staging(tmp_path / "report"):
        (tmp_path / "absent").read_text()


def test_the_report_too_is_written_by_one_process_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = False

    def write(*given: object) -> tuple[Path, ...]:
        nonlocal called
        called = True
        with pytest.raises(DataError, match="is writing to this experiment"):
            WriterLock(tmp_path / LOCK, tmp_path, what="experiment")
        return ()

    monkeypatch.setattr("safescale.main_job.dilution.write_dilution", write)
    experiment_dilution(changed(wanted(), doses=()), tmp_path)
    assert called
