"""The command that a report names gives that report again."""

from __future__ import annotations

import shlex
from pathlib import Path

import attrs
import pytest
import typer
from typer.testing import CliRunner

from safescale.cells import Selection
from safescale.ingest.batch import Options
from safescale.main_job import Input, Question
from safescale.records.outcomes import Tier
from safescale.report.switches import SELECTION_SWITCHES, command_line, selection_arguments
from safescale_cli import analyze, report
from safescale_cli.question import TamperedChoice, TierChoice

QUESTIONS = (
    Question(),
    Question(tier=Tier.BROAD, graders=("a b", "c"), claim_classes=("x'y",), min_cell=5, alpha=0.01, margin_pp=2.5),
    Question(
        selection=Selection(
            tampered="only",
            exclude_sources=("s*", "t"),
            exclude_models=("m",),
            allow_keyword=True,
            include_telemetry=True,
            include_no_response=True,
            merge_same_traces=False,
        )
    ),
)
INPUTS = (
    Input(paths=(Path("a b.jsonl"),)),
    Input(example="toy"),
    Input(
        paths=(Path("x.csv"), Path("y.csv")),
        format="mapped",
        options=Options(
            source="s", column_map=Path("m.yaml"), grader_id="g", outcome_map="flip", hallucination_refusal="harmful_content"
        ),
    ),
)


def test_every_field_of_a_selection_has_a_switch() -> None:
    assert set(SELECTION_SWITCHES) == {field.name for field in attrs.fields(Selection)}
    assert len(set(SELECTION_SWITCHES.values())) == len(SELECTION_SWITCHES)


def test_defaults_need_no_words() -> None:
    assert Question().arguments() == []
    assert selection_arguments(Selection()) == []
    assert Input(paths=(Path("a"),)).arguments() == ["a"]
    assert Input().arguments() == []


def test_choices_are_those_of_the_library() -> None:
    assert [choice.value for choice in TierChoice] == [tier.value for tier in Tier]
    for choice in TamperedChoice:
        assert Selection(tampered=choice.value).tampered == choice.value


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("source", INPUTS)
@pytest.mark.parametrize("command", ["report", "analyze inverse-scaling"])
def test_a_command_line_reads_back_as_the_same_question(
    command: str, source: Input, question: Question, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.yaml").touch()  # a map that is not there is refused
    asked: list[tuple[Input, Question]] = []

    class StoppedError(Exception):
        pass

    def stop(given: Input, *_: object, **more: object) -> None:
        found = more.get("question") or _[0]
        assert isinstance(found, Question)
        asked.append((given, found))
        raise StoppedError

    monkeypatch.setattr("safescale.main_job.write_report", stop)
    monkeypatch.setattr("safescale.main_job.answer", stop)
    app = typer.Typer()
    app.command("report")(report.report)
    app.add_typer(analyze.app, name="analyze")
    line = command_line(command.split(), [*source.arguments(), *question.arguments()])
    words = shlex.split(line)
    assert words[0] == "safescale"
    result = CliRunner().invoke(app, words[1:])
    assert isinstance(result.exception, StoppedError), result.output
    assert asked == [(source, question)]
