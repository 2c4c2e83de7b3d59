"""``safescale grade probe`` as a user runs it, with a grader that another package brings."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Sequence

import attrs
import pytest
from typer.testing import CliRunner

from safescale.grade import grader as border
from safescale.grade.grader import GraderFacts, Item, Judgement
from safescale.records.verdicts import Verdict
from safescale_cli.main import app


@attrs.frozen
class SaysRefusal:
    """A grader that calls everything a refusal."""

    facts = GraderFacts(grader_id="says-refusal/1", kind="keyword", outcome_map="refusal_only")

    def grade(self, items: Sequence[Item]) -> list[Judgement]:
        return [Judgement(verdict=Verdict.REFUSAL, raw_label="refused") for _ in items]


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("probed_graders")
    module.says_refusal = SaysRefusal  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "probed_graders", module)
    monkeypatch.setitem(border.GRADERS, "says-refusal", "probed_graders:says_refusal")


def test_a_grader_that_fails_ends_with_1_and_says_on_what() -> None:
    done = CliRunner().invoke(app, ["grade", "probe", "says-refusal"])
    assert done.exit_code == 1
    assert done.stdout.startswith("grader says-refusal/1 (keyword); probes version 1, ")
    assert "says-refusal/1 is wrong on 20 of 32 plain responses" in done.stdout
    assert "nothing can be said of: a disclaimer before the answer; " in done.stdout


def test_a_mechanism_that_it_stands_ends_with_0() -> None:
    done = CliRunner().invoke(app, ["grade", "probe", "says-refusal", "--mechanism", "length", "--json"])
    assert done.exit_code == 0
    body = json.loads(done.stdout)
    assert [(each["name"], each["right"], each["n"], each["verdict"]) for each in body["mechanisms"]] == [
        ("length", 24, 24, "holds")
    ]
    assert body["failed"] == []
    assert body["grader_id"] == "says-refusal/1"


def test_a_name_that_no_grader_has_lists_those_there_are() -> None:
    done = CliRunner().invoke(app, ["grade", "probe", "plim"])
    assert done.exit_code != 0
    assert "no grader is called 'plim'" in str(done.exception)
