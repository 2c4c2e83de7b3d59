"""A robustness study that is killed at every stage ends in what an uninterrupted one ends in, byte for byte but for times."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from studies.killed_robustness import POINTS

_TIMES = re.compile(
    r"runs/.*/(parts/part-|torn|events|run\.json|manifest\.json)|stages\.json|report/|\.db$|(responses|corpus)\.json"
)
_STAGE = re.compile(
    r"\| (directions|tamper\\?_resistance|attacks|generation|ingest|grading|embedding|reduction|analysis|all stages) \|.*"
)


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("lives")
    program = Path(__file__).with_name("killed_robustness.py")
    done = subprocess.run([sys.executable, str(program), str(out)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    told = re.fullmatch(r"(\d+) kills at stages, (\d+) before a file was put into its place\n", done.stdout)
    assert told is not None, done.stdout
    assert int(told[1]) == len(POINTS)
    assert int(told[2]) >= 5
    return out


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _lines(folder: Path) -> dict[str, list[str]]:
    return {
        path.parent.name: [line for part in sorted(path.glob("part-*.jsonl")) for line in part.read_text().splitlines()]
        for path in folder.glob("runs/*/parts")
    }


@pytest.mark.parametrize("killed", ["stages", "replaced"])
def test_killed_at_any_stage_it_ends_as_if_it_had_not_been(lives: Path, killed: str) -> None:
    whole, there = _files(lives / "whole"), _files(lives / killed)
    same = {name for name in whole if not _TIMES.search(name)}
    assert {"study.json", "result.json", "validation/sample.csv", "grades/refusal-phrases.grades.jsonl"} <= same
    assert any(name.startswith("adapters/") for name in same)
    assert any(name.startswith("interventions/") for name in same)
    assert [name for name in sorted(same) if there.get(name) != whole[name]] == []
    lines = _lines(lives / "whole")
    assert _lines(lives / killed) == lines
    assert sum(map(len, lines.values())) == 2 * (1 + 1 + 2 + 2 + 2 + 3) * 10 * 2
    for name in ("responses.json", "corpus.json"):
        assert json.loads(there[name])["fingerprint"] == json.loads(whole[name])["fingerprint"]


@pytest.mark.parametrize("killed", ["stages", "replaced"])
def test_the_report_is_the_same_but_for_times(lives: Path, killed: str) -> None:
    pages = [(lives / name / "report" / "report.md").read_text(encoding="utf-8") for name in ("whole", killed)]
    first, second = ([line for line in page.splitlines() if not _STAGE.match(line)] for page in pages)
    differ = [(one, other) for one, other in zip(first, second, strict=True) if one != other]
    assert [pair for pair in differ if " s measured" not in pair[0] and " s;" not in pair[0]] == []


@pytest.mark.parametrize("killed", ["stages", "replaced"])
def test_nothing_half_made_is_left_behind(lives: Path, killed: str) -> None:
    parts = re.compile(r"runs/.*/(parts/part-|torn|events)")
    names = {name for name in _files(lives / killed).keys() ^ _files(lives / "whole").keys() if not parts.match(name)}
    assert names == set()
    assert not [path for path in (lives / killed).rglob("*") if ".tmp" in path.name or ".partial" in path.name]


def test_the_calls_that_were_killed_are_counted_in_the_times(lives: Path) -> None:
    rows = json.loads((lives / "stages" / "stages.json").read_text())["stages"]
    cut = {row["stage"] for row in rows if row["ended"] == "cut off"}
    assert cut >= {"directions", "attacks", "generation", "ingest", "grading", "embedding", "reduction", "analysis", "report"}
