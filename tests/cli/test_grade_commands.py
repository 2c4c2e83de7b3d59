"""The commands of ``safescale grade``, from the sample to the corrected rate, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.command import run
from grade.made import fill_in, graded_log


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("grade")
    _, truth = graded_log(folder / "log.jsonl", prompts=40)
    assert run("ingest", "log.jsonl", "--into", "corpus.db", cwd=folder).code == 0
    drawn = run("grade", "sample", "corpus.db", "--into", "labels.csv", "--n", "120", cwd=folder)
    assert (drawn.code, drawn.stderr) == (0, "")
    assert "not for raters" in drawn.stdout
    fill_in(folder / "labels.csv", truth.__getitem__)
    return folder, truth


def test_sample_tells_its_design_as_json(corpus: tuple[Path, dict[str, str]]) -> None:
    folder, _ = corpus
    told = run("grade", "sample", "corpus.db", "--into", "other.jsonl", "--format", "jsonl", "--n", "50", "--json", cwd=folder)
    sample = json.loads(told.stdout)["sample"]
    assert sample["traces"] == 50
    assert sample["drawn_from"] == 320
    assert all(0 < s["inclusion_probability"] <= 1 for s in sample["strata"])
    assert len((folder / "other.jsonl").read_text(encoding="utf-8").splitlines()) == 50


def test_agree_and_correct_answer_as_text_and_json(corpus: tuple[Path, dict[str, str]]) -> None:
    folder, _ = corpus
    agreed = run("grade", "agree", "corpus.db", "--labels", "labels.csv", cwd=folder)
    assert (agreed.code, agreed.stderr) == (0, "")
    assert "Agreement by condition" in agreed.stdout
    assert "weighted by the design of the sample" in agreed.stdout
    corrected = run("grade", "correct", "corpus.db", "--labels", "labels.csv", "--json", cwd=folder)
    settings = json.loads(corrected.stdout)["correction"]["settings"]
    assert [s["setting"]["condition"] for s in settings] == ["calm", "pressed"]
    assert [r["tier"] for r in settings[0]["rates"]] == ["strict", "broad"]


def test_a_wrong_label_is_named_by_row_and_column(corpus: tuple[Path, dict[str, str]]) -> None:
    folder, truth = corpus
    fill_in(folder / "labels.csv", lambda name: "maybe" if name == "t-calm-0-0" else truth[name], into=folder / "wrong.csv")
    bad = fill_in(folder / "labels.csv", lambda _: "perhaps", into=folder / "wrong.csv", first=1)
    told = run("grade", "correct", "corpus.db", "--labels", bad.name, "--key", "labels.csv.key.json", cwd=folder)
    assert told.code == 3
    assert "wrong.csv:2; column 'label'; expected COMPLIANCE | PARTIAL" in told.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("correct", "corpus.db"), 4, "--labels) or against one grader (--reference): name one"),
        (("sample", "corpus.db", "--into", "labels.csv"), 3, "may hold labels"),
        (("sample", "corpus.db", "--into", "x.csv", "--n", "3"), 4, "ask for at least 12"),
        (("correct", "corpus.db", "--labels", "labels.csv", "--tampered", "include"), 4, "drawn from another selection of rows"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    corpus: tuple[Path, dict[str, str]], arguments: tuple[str, ...], code: int, words: str
) -> None:
    folder, _ = corpus
    told = run("grade", *arguments, cwd=folder)
    assert told.code == code
    assert words in told.stderr
    assert told.stderr.count("\n") == 1


def test_an_analysis_is_corrected_from_the_command_line(corpus: tuple[Path, dict[str, str]]) -> None:
    folder, _ = corpus
    told = run("analyze", "compare", "calm", "pressed", "corpus.db", "--by", "condition", "--corrected", "labels.csv", cwd=folder)
    assert (told.code, told.stderr) == (0, "")
    assert "Uncorrected and corrected side by side" in told.stdout
    assert "command: safescale analyze compare calm pressed corpus.db --by condition --corrected labels.csv" in told.stdout


@pytest.fixture(scope="module")
def ungraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of texts that nobody graded."""
    folder = tmp_path_factory.mktemp("run")
    with (folder / "log.jsonl").open("w", encoding="utf-8") as out:
        for i in range(120):
            text = "I cannot help with that zorble." if i % 3 else "A zorble is blue, and it hums."
            row = {
                "trace_id": f"demo:{i}",
                "source": "demo",
                "model_id": f"frimble-{(1, 3, 7, 13)[i % 4]}b",
                "prompt_id": f"p{i // 4}",
            }
            row |= {"prompt_kind": "harmful", "attack_class": "none", "condition": "default", "sample_index": 0}
            gone = i % 40 == 39
            row |= {
                "response_kind": "none" if gone else "text",
                "finish_reason": "stop",
                "response": None if gone else f"{text} {i}",
            }
            out.write(json.dumps(row) + "\n")
    assert run("ingest", "log.jsonl", "--into", "c.db", cwd=folder).code == 0
    return folder


def test_a_corpus_that_only_keyword_rules_graded_has_no_answer_and_analyze_says_why(ungraded: Path) -> None:
    graded = run("grade", "run", "c.db", "--grader", "refusal-phrases", "--grader", "gcg", "--json", cwd=ungraded)
    assert (graded.code, graded.stderr) == (0, "")
    told = json.loads(graded.stdout)
    assert told["grading"]["not_graded"] == {"response_kind none": 3}
    assert [(g["grader_id"], g["graded"], g["failed"]) for g in told["grading"]["graders"]] == [
        ("refusal-phrases/1", 117, 0),
        ("gcg/1", 117, 0),
    ]
    assert told["ingest"]["fates"]["grade"] == 234
    again = run("grade", "run", "c.db", "--grader", "gcg", cwd=ungraded)
    assert "117 that it had" in again.stdout
    assert "keyword rules see words of refusal, not harm" in again.stdout
    refused = run("analyze", "inverse-scaling", "c.db", cwd=ungraded)
    assert "cannot test this claim: all 234 verdicts are of keyword rules, which are not graders of harm" in refused.stdout
    assert "pp per decade" not in refused.stdout
    allowed = run("analyze", "inverse-scaling", "c.db", "--allow-keyword", "--grader", "gcg/1", cwd=ungraded)
    assert allowed.code == 0
    assert "keyword rule" in allowed.stdout


def test_an_unknown_grader_and_nothing_named_are_told(ungraded: Path) -> None:
    unknown = run("grade", "run", "c.db", "--grader", "plim", cwd=ungraded)
    assert unknown.code == 4
    assert "no grader is called 'plim'; known graders: refusal-classifier, refusal-phrases" in unknown.stderr
    assert run("grade", "run", "c.db", cwd=ungraded).code == 2
    listed = run("grade", "graders", "--json", cwd=ungraded)
    assert {g["name"]: g["kind"] for g in json.loads(listed.stdout)["graders"] if g["missing"] is None}["gcg"] == "keyword"
