"""An experiment that is killed at every stage ends in what an uninterrupted one ends in, byte for byte."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from studies.killed_dilution import POINTS

_STAGE = re.compile(r"\| (registration|generation|ingest|grading|reduction|analysis|all stages) \|")


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lives")
    program = Path(__file__).with_name("killed_dilution.py")
    done = subprocess.run([sys.executable, str(program), str(out)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = re.fullmatch(r"(\d+) kills at stages, (\d+) before a file was put into its place\n", done.stdout)
    assert told is not None, done.stdout
    assert int(told[1]) == len(POINTS)
    assert int(told[2]) >= 4
    return out


def _lines(folder: Path) -> dict[str, list[str]]:
    return {
        path.parent.name: [line for part in sorted(path.glob("part-*.jsonl")) for line in part.read_text().splitlines()]
        for path in folder.glob("runs/*/parts")
    }


def _without_times(page: str) -> str:
    """A Markdown report without the rows of the table of stages, whose times and calls no two experiments share."""
    return "\n".join(line for line in page.splitlines() if not _STAGE.match(line))


@pytest.mark.parametrize("killed", ["stages", "replaced"])
def test_killed_at_any_stage_it_ends_as_if_it_had_not_been(lives: Path, killed: str) -> None:
    whole, there = lives / "whole", lives / killed
    for name in ("preregistration.yaml", "plan.json", "result.json", "grades/fake-truth.grades.jsonl", "grades/fake-truth.json"):
        assert (there / name).read_bytes() == (whole / name).read_bytes(), name
    assert _lines(there) == _lines(whole)
    assert sum(len(lines) for lines in _lines(whole).values()) == 4 * 6 * 28
    assert _without_times((there / "report" / "report.md").read_text()) == _without_times(
        (whole / "report" / "report.md").read_text()
    )
    figures = sorted(path.name for path in (whole / "report" / "figures").iterdir())
    assert figures
    for name in figures:
        assert (there / "report" / "figures" / name).read_bytes() == (whole / "report" / "figures" / name).read_bytes(), name


@pytest.mark.parametrize("killed", ["stages", "replaced"])
def test_nothing_half_made_is_left_behind(lives: Path, killed: str) -> None:
    names = {str(path.relative_to(lives / killed)) for path in (lives / killed).rglob("*") if path.is_file()}
    whole = {str(path.relative_to(lives / "whole")) for path in (lives / "whole").rglob("*") if path.is_file()}
    parts = re.compile(r"runs/.*/(parts/part-|torn|events)")
    assert {name for name in names ^ whole if not parts.match(name)} == set()


def test_the_calls_that_were_killed_are_counted_in_the_times(lives: Path) -> None:
    rows = json.loads((lives / "stages" / "stages.json").read_text())["stages"]
    cut = [row["stage"] for row in rows if row["ended"] == "cut off"]
    assert {"generation", "ingest", "grading", "analysis"} <= set(cut)
