"""The check of a benchmark against the last release."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from benchmarks.history import finish, last_release, regressions


def options(*, check: bool = True, release: bool = False, no_history: bool = False) -> argparse.Namespace:
    return argparse.Namespace(check=check, release=release, no_history=no_history)


@pytest.mark.parametrize(("now", "status"), [(10.0, 0), (8.1, 0), (7.9, 1), (30.0, 0)])
def test_a_ratio_a_fifth_below_the_last_release_fails(
    now: float, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "history.jsonl"
    assert finish("job", {"peer": 10.0}, options(release=True), history=history) == 0
    assert finish("job", {"peer": 2.0}, options(check=False), history=history) == 0  # no release: compared with nothing
    assert finish("job", {"peer": now}, options(), history=history) == status
    assert capsys.readouterr().err.count("worse by more than a fifth") == 1 + status  # the one in between is told too
    assert [json.loads(line)["release"] for line in history.read_text().splitlines()] == [True, False, False]


def test_another_machine_or_program_is_not_compared(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    finish("job", {"peer": 10.0}, options(release=True), history=history)
    assert last_release("other", history) is None
    history.write_text(history.read_text().replace('"machine": "', '"machine": "another '))
    assert last_release("job", history) is None
    assert finish("job", {"peer": 1.0}, options(), history=history) == 0


def test_a_ratio_that_is_gone_is_said() -> None:
    assert regressions({"b": 1.0}, {"a": 2.0, "b": 1.0}) == ["a: no longer measured, 2 at the last release"]


def test_a_missed_goal_fails_only_a_check(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    assert finish("job", {}, options(check=False), missed=["slow"], history=history) == 0
    assert finish("job", {}, options(no_history=True), missed=["slow"], history=history) == 1
    assert len(history.read_text().splitlines()) == 1
