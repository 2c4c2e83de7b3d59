"""Rows kept in a file: nothing is made twice, a kill loses nothing that was whole, and another file is not touched."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from safescale.errors import DataError
from safescale.grade.embed import open_embedder, pair_distances
from safescale.grade.embed.embedder import Rows
from safescale.grade.embed.hashed_ngrams import HashedNgrams
from safescale.grade.embed.kept import KeptRows


class Counting:
    """Hashed n-grams that count what they are asked, and stop after so many texts."""

    name = "counting"
    measure = "lexical drift (counting)"

    def __init__(self, identity: str = "counting/1", *, stop_after: int | None = None) -> None:
        self.identity = identity
        self.asked: list[str] = []
        self.stop_after = stop_after

    def embed(self, texts: Sequence[str]) -> Rows:
        if self.stop_after is not None and len(self.asked) + len(texts) > self.stop_after:
            raise KeyboardInterrupt
        self.asked += texts
        return HashedNgrams().embed(texts)


TEXTS = [f"zorble number {at % 600}" for at in range(1000)]


def test_kept_rows_equal_fresh_ones_and_each_text_is_asked_once(tmp_path: Path) -> None:
    counting = Counting()
    kept = KeptRows(inner=counting, path=tmp_path / "rows.sqlite")
    np.testing.assert_array_equal(kept.embed(TEXTS), HashedNgrams().embed(TEXTS))
    assert len(counting.asked) == len(set(counting.asked)) == 600
    np.testing.assert_array_equal(kept.embed([*TEXTS[5:9], "new"]), HashedNgrams().embed([*TEXTS[5:9], "new"]))
    assert counting.asked[600:] == ["new"]


def test_work_goes_on_behind_the_last_whole_part_after_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    with pytest.raises(KeyboardInterrupt):
        KeptRows(inner=Counting(stop_after=300), path=path).embed(TEXTS)
    second = Counting()
    np.testing.assert_array_equal(KeptRows(inner=second, path=path).embed(TEXTS), HashedNgrams().embed(TEXTS))
    assert len(second.asked) == 600 - 256


def test_rows_of_another_identity_are_not_taken_and_no_text_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    KeptRows(inner=Counting(), path=path).embed(TEXTS[:3])
    other = Counting("counting/2")
    KeptRows(inner=other, path=path).embed(TEXTS[:3])
    assert len(other.asked) == 3
    assert b"zorble" not in path.read_bytes()


def test_distances_through_a_file_equal_those_without(tmp_path: Path) -> None:
    first, second = TEXTS[:20], TEXTS[400:420]
    kept = KeptRows(inner=Counting(), path=tmp_path / "rows.sqlite")
    np.testing.assert_array_equal(pair_distances(kept, first, second), pair_distances(HashedNgrams(), first, second))
    assert kept.embed([]).shape[0] == 0


def test_refuses_a_file_that_keeps_something_else(tmp_path: Path) -> None:
    other, text = tmp_path / "other.sqlite", tmp_path / "notes.txt"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE mine (a)")
    connection.close()
    text.write_text("a text that is no database, and long enough to be read as one " * 40)
    for path, words in ((other, "keeps something else"), (text, "not a database")):
        before = path.read_bytes()
        with pytest.raises(DataError, match=words):
            KeptRows(inner=Counting(), path=path).embed(["a"])
        assert path.read_bytes() == before


def test_hashed_ngrams_are_not_kept(tmp_path: Path) -> None:
    open_embedder("hashed-ngrams", cache=tmp_path / "rows.sqlite").embed(["a"])
    assert not (tmp_path / "rows.sqlite").exists()
