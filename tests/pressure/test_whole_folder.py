"""A folder is there as a whole or not at all; what killed processes left goes, what live ones write stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from safescale.errors import DataError
from safescale.pressure.whole_folder import remove_leftovers, whole_folder


def test_nothing_stands_at_the_place_before_all_is_written(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "whole"
    with whole_folder(place, what="a thing") as partial:
        (partial / "a").write_text("1")
        assert not place.exists()
    assert (place / "a").read_text() == "1"
    assert [path.name for path in place.parent.iterdir()] == ["whole"]


def test_a_block_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write() -> None:
        with whole_folder(tmp_path / "whole", what="a thing") as partial:
            (partial / "a").write_text("1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fails_is_said_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a thing cannot be written") as caught, whole_folder(tmp_path / "whole", what="a thing"):
        raise OSError(28, "No space left on device")
    assert caught.value.file == str(tmp_path / "whole")
    assert not list(tmp_path.iterdir())


def test_what_another_process_put_there_meanwhile_stays(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "whole", what="a thing") as partial:
        (partial / "a").write_text("ours")
        (tmp_path / "whole").mkdir()
        (tmp_path / "whole" / "a").write_text("theirs")
    assert (tmp_path / "whole" / "a").read_text() == "theirs"
    assert len(list(tmp_path.iterdir())) == 1


def test_leftovers_of_the_dead_go_and_those_of_the_living_stay(tmp_path: Path) -> None:
    dead, alive = tmp_path / ".a.partial-999999999", tmp_path / f".b.partial-{os.getpid()}"
    dead.mkdir()
    alive.mkdir()
    (tmp_path / ".c.partial-999999999").write_text("x")
    (tmp_path / "d").mkdir()
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([alive.name, "d"])
