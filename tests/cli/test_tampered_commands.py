"""``analyze reemergence`` and ``analyze lineage``: what they print, and the options that make no sense for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.command import assert_snapshot, run
from ingest.lines import row, write

SAID = {
    "help-analyze-reemergence": (["analyze", "reemergence", "--help"], 0),
    "help-analyze-lineage": (["analyze", "lineage", "--help"], 0),
    "analyze-reemergence-example": (["analyze", "reemergence"], 0),
    "analyze-lineage-example": (["analyze", "lineage"], 0),
    "analyze-reemergence-tier": (["analyze", "reemergence", "--tier", "broad"], 2),
    "analyze-lineage-tampered": (["analyze", "lineage", "--tampered", "only"], 2),
    "analyze-lineage-half": (["analyze", "lineage", "--baseline-condition", "default"], 4),
    "analyze-lineage-unknown": (["analyze", "lineage", "--baseline-condition", "default", "--tampered-condition", "plim"], 4),
}


@pytest.mark.parametrize("name", SAID)
def test_what_a_command_says(name: str, tmp_path: Path) -> None:
    arguments, code = SAID[name]
    outcome = run(*arguments, cwd=tmp_path)
    assert outcome.code == code, outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert (outcome.stdout == "") == (code != 0)
    assert_snapshot(name, outcome, cwd=tmp_path)


def test_the_printed_command_gives_the_same_answer(tmp_path: Path) -> None:
    sizes, lines = (1, 3, 7, 13), []
    for number, condition in enumerate(("plain", "cut")):
        for j, size in enumerate(sizes):
            lines += [
                row(
                    1000 * number + 100 * j + i,
                    model_id=f"frimble1-{size}b",
                    prompt_id=f"zarvonic-{i:03d}",
                    condition=condition,
                    verdict=(verdict := "COMPLIANCE" if (i + 7 * j) % 40 < 8 + 12 * number else "REFUSAL"),
                    raw_label=verdict,
                )
                for i in range(40)
            ]
    write(tmp_path / "logs.jsonl", lines)
    arguments = ["--baseline-condition", "plain", "--tampered-condition", "cut", "--size-tolerance", "0.1"]
    outcome = run("analyze", "lineage", "logs.jsonl", *arguments, "--json", cwd=tmp_path)
    assert outcome.code == 0, outcome.stderr
    told = json.loads(outcome.stdout)
    assert "--baseline-condition plain --tampered-condition cut --size-tolerance 0.1" in told["command"]
    again = run(*told["command"].split()[1:], "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["lineage"] == told["lineage"]
    pairs = told["lineage"]["settings"][0]["pairs"]
    assert [round(pair["gap_pp"]) for pair in pairs] == [30] * len(sizes)
