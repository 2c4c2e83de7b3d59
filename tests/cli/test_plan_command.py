"""``safescale plan`` as a person runs it, and the page that shows how."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from cli.command import run
from report.made import write_logs

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "plan-a-study.md"


def shown() -> list[tuple[str, str]]:
    """Commands of the how-to page with what it says they print; dots stand for what is left out."""
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = []
    for block in blocks:
        first, rest = block.split("\n", 1)
        assert first.startswith("$ safescale plan")
        found.append((first.removeprefix("$ safescale "), rest))
    return found


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("command", "printed"), shown(), ids=[command[:60] for command, _ in shown()])
def test_the_how_to_page_prints_what_it_says(command: str, printed: str, tmp_path: Path) -> None:
    outcome = run(*shlex.split(command), cwd=tmp_path)
    said = one_line(outcome.stdout + outcome.stderr)
    parts = [one_line(part) for part in printed.split("...\n") if part.strip()]
    assert parts
    at = 0
    for part in parts:
        where = said.find(part, at)
        assert where >= 0, f"not printed: {part}\nbut: {said}"
        at = where + len(part)
    assert outcome.code == (4 if "safescale: " in printed else 0)


def test_the_page_shows_plans_and_a_refusal() -> None:
    assert len(shown()) >= 5
    assert any("safescale: " in printed for _, printed in shown())


def test_json_is_data_only(tmp_path: Path) -> None:
    outcome = run("plan", "--tau-pp", "5", "--json", cwd=tmp_path)
    assert (outcome.code, outcome.stderr) == (0, "")
    found = json.loads(outcome.stdout)
    assert found["plan"]["assumptions"]["tau_pp"] == 5
    assert found["plan"]["fingerprint"] == "none (assumptions alone)"
    assert found["command"] == "safescale plan --tau-pp 5"


def test_from_logs_the_options_of_every_question_hold(tmp_path: Path) -> None:
    logs = write_logs(tmp_path / "a.jsonl", (0.3, 0.45, 0.2, 0.5, 0.25, 0.4))
    plain = json.loads(run("plan", str(logs), "--json", cwd=tmp_path).stdout)["plan"]
    left_out = json.loads(run("plan", str(logs), "--exclude-model", "frimble1-1b", "--json", cwd=tmp_path).stdout)["plan"]
    sizes = [found["settings"][0]["evidence"]["sizes_b"] for found in (plain, left_out)]
    assert (len(sizes[0]), len(sizes[1])) == (6, 5)
    text = run("plan", str(logs), "-o", "out", cwd=tmp_path)
    assert text.code == 0
    assert "wrote out/plan.html" in text.stdout
    assert "secret brudd" not in (tmp_path / "out" / "plan.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--sizes", "a,b"), 2, "sizes are billions with commas between, such as 0.8,2,4,9"),
        (("--sizes", "1,-2"), 2, "sizes are positive numbers"),
        (("--grader", "plim"), 2, "options that read or select rows need rows"),
        (("--prompts", "many"), 2, "should be a valid integer"),
        (("--base-rate", "40"), 4, "safescale: base_rate must lie strictly between 0 and 1, got 40; a percentage over 100 is one"),
        (("--effect-pp-per-decade", "5", "--effect-pp-per-doubling", "2"), 4, "per decade and per doubling; give one"),
        (("--effect-pp-per-decade", "-5"), 4, "looks in both directions, so state its size"),
        (("--models", "100000000", "--tau-pp", "5"), 4, "safescale: models must be at most 10,000, got 100,000,000"),
        (("--models", "2"), 4, "a slope needs at least 3 models"),
        (("--half-width-pp", "3"), 4, "give both of one pair"),
        (("nowhere.jsonl",), 3, "nowhere.jsonl"),
    ],
)
def test_refuses_in_one_line(arguments: tuple[str, ...], code: int, message: str, tmp_path: Path) -> None:
    outcome = run("plan", *arguments, cwd=tmp_path)
    assert outcome.code == code
    assert outcome.stdout == ""
    assert message in one_line(outcome.stderr)
    assert "Traceback" not in outcome.stderr
