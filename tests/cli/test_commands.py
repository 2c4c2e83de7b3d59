"""Every command: what it prints, where, and its exit status."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.command import Outcome, assert_snapshot, run
from report.made import RISING, write_logs

HELP = {
    "help": ["--help"],
    "help-ingest": ["ingest", "--help"],
    "help-validate": ["validate", "--help"],
    "help-audit": ["audit", "--help"],
    "help-analyze": ["analyze", "--help"],
    "help-analyze-inverse-scaling": ["analyze", "inverse-scaling", "--help"],
    "help-analyze-safety-roi": ["analyze", "safety-roi", "--help"],
    "help-analyze-pooled": ["analyze", "pooled", "--help"],
    "help-analyze-compare": ["analyze", "compare", "--help"],
    "help-grade": ["grade", "--help"],
    "help-grade-sample": ["grade", "sample", "--help"],
    "help-grade-run": ["grade", "run", "--help"],
    "help-grade-graders": ["grade", "graders", "--help"],
    "help-grade-agree": ["grade", "agree", "--help"],
    "help-grade-correct": ["grade", "correct", "--help"],
    "help-diff": ["diff", "--help"],
    "help-report": ["report", "--help"],
    "help-export": ["export", "--help"],
    "help-models": ["models", "--help"],
    "help-schema": ["schema", "--help"],
    "help-schema-export": ["schema", "export", "--help"],
    "help-schema-show": ["schema", "show", "--help"],
}

SAID = {
    "version": (["--version"], 0),
    "unknown-command": (["plim"], 2),
    "unknown-option": (["report", "--plim"], 2),
    "wrong-tier": (["analyze", "inverse-scaling", "clean.jsonl", "--tier", "plim"], 2),
    "report-unknown-file": (["report", "absent.jsonl", "-o", "out"], 3),
    "analyze-unknown-file": (["analyze", "inverse-scaling", "absent.jsonl"], 3),
    "validate-unknown-file": (["validate", "absent.jsonl"], 3),
    "ingest-unknown-format": (["ingest", "clean.jsonl", "--into", "x.db", "--from", "plim"], 2),
    "validate-unknown-map": (["validate", "clean.jsonl", "--map", "absent.yaml"], 2),
    "validate-unknown-meaning": (["validate", "clean.jsonl", "--hallucination-refusal", "plim"], 2),
    "validate-unknown-outcome-map": (["validate", "clean.jsonl", "--outcome-map", "plim"], 2),
    "analyze-unknown-model": (["analyze", "inverse-scaling", "clean.jsonl", "--exclude-model", "plim"], 4),
    "analyze-unknown-source": (["analyze", "inverse-scaling", "clean.jsonl", "--exclude-source", "plim*"], 4),
    "report-unreadable": (["report", "unreadable.xyz", "-o", "out"], 3),
    "analyze-unknown-grader": (["analyze", "inverse-scaling", "clean.jsonl", "--grader", "plim"], 4),
    "analyze-alpha-out-of-range": (["analyze", "inverse-scaling", "clean.jsonl", "--alpha", "2"], 4),
    "validate-clean": (["validate", "clean.jsonl"], 0),
    "validate-clean-json": (["validate", "clean.jsonl", "--format", "json"], 0),
    "validate-clean-github": (["validate", "clean.jsonl", "--format", "github"], 0),
    "validate-dirty": (["validate", "dirty.jsonl"], 1),
    "validate-dirty-json": (["validate", "dirty.jsonl", "--json"], 1),
    "validate-dirty-github": (["validate", "dirty.jsonl", "--format", "github"], 1),
    "validate-unreadable": (["validate", "unreadable.xyz"], 3),
    "analyze-text": (["analyze", "inverse-scaling", "clean.jsonl"], 0),
    "analyze-markdown": (["analyze", "inverse-scaling", "clean.jsonl", "--format", "markdown"], 0),
    "analyze-example": (["analyze", "inverse-scaling"], 0),
    "analyze-ungraded": (["analyze", "inverse-scaling", "ungraded.jsonl"], 0),
    "analyze-safety-roi": (["analyze", "safety-roi", "clean.jsonl"], 0),
    "analyze-safety-roi-example": (["analyze", "safety-roi", "--residual-pp", "12"], 0),
    "analyze-safety-roi-out-of-range": (["analyze", "safety-roi", "clean.jsonl", "--residual-pp", "0"], 4),
    "pooled-text": (["analyze", "pooled", "clean.jsonl"], 0),
    "compare-text": (["analyze", "compare", "frimble1-1b", "frimble1-32b", "clean.jsonl"], 0),
    "compare-markdown": (["analyze", "compare", "frimble1-1b", "frimble1-32b", "clean.jsonl", "--format", "markdown"], 0),
    "compare-unknown-model": (["analyze", "compare", "frimble1-1b", "frimble1-33b", "clean.jsonl"], 4),
    "compare-itself": (["analyze", "compare", "frimble1-1b", "frimble1-1b", "clean.jsonl"], 4),
    "diff-same": (["diff", "clean.jsonl", "clean.jsonl"], 0),
    "diff-text": (["diff", "clean.jsonl", "after.jsonl"], 1),
    "diff-markdown": (["diff", "clean.jsonl", "after.jsonl", "--format", "markdown"], 1),
    "diff-unknown-file": (["diff", "clean.jsonl", "absent.jsonl"], 3),
    "models": (["models", "frimble-7b", "plim"], 0),
    "schema-show-unknown": (["schema", "show", "plim"], 4),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cli")
    clean = write_logs(made / "clean.jsonl")
    write_logs(made / "after.jsonl", (0.10, 0.20, 0.30, 0.40, 0.50, 0.80))
    (made / "dirty.jsonl").write_bytes(clean.read_bytes() + b"plim\n" + b'{"model_id": 3}\n')
    (made / "unreadable.xyz").write_bytes(b"\x00\x01plim")
    grade = ("verdict", "raw_label", "grader_id", "grader_kind", "score", "score_scale", "target", "outcome_map", "p_refusal")
    write_logs(made / "ungraded.jsonl", **dict.fromkeys((*grade, "rubric_version"), ...))
    return made


@pytest.mark.parametrize("name", HELP)
def test_help(name: str, folder: Path) -> None:
    outcome = run(*HELP[name], cwd=folder)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert_snapshot(name, outcome, cwd=folder)


@pytest.mark.parametrize("name", SAID)
def test_what_a_command_says(name: str, folder: Path) -> None:
    arguments, code = SAID[name]
    outcome = run(*arguments, cwd=folder)
    assert outcome.code == code, outcome.stderr
    assert "Traceback" not in outcome.stderr
    if code in (2, 3, 4) and not name.startswith("validate-unreadable"):
        assert outcome.stdout == ""
        assert outcome.stderr
    else:
        assert outcome.stderr == ""
    assert_snapshot(name, outcome, cwd=folder)


def test_every_command_is_covered(folder: Path) -> None:
    listed = run("--help", cwd=folder).stdout.split("Commands:")[1].split()
    commands = {"ingest", "validate", "analyze", "diff", "report", "models", "schema"}
    assert commands <= set(listed)
    assert commands <= {arguments[0] for arguments in HELP.values()}


def test_an_error_is_one_line_with_the_next_step(folder: Path) -> None:
    outcome = run("report", "absent.jsonl", "-o", "out", cwd=folder)
    assert outcome.stderr.count("\n") == 1
    assert "check the path" in outcome.stderr
    assert not (folder / "out").exists()


def test_ingest_twice_adds_nothing_and_says_so(folder: Path, tmp_path: Path) -> None:
    outcomes = [run("ingest", str(folder / "clean.jsonl"), "--into", "corpus.db", "--json", cwd=tmp_path) for _ in range(2)]
    first, second = (json.loads(outcome.stdout) for outcome in outcomes)
    assert [outcome.code for outcome in outcomes] == [0, 0]
    assert first["fingerprint"] == second["fingerprint"]
    assert first["fates"]["trace"] == 40 * len(RISING)
    assert second["fates"] == {"duplicate": 40 * len(RISING)}
    assert [file["already_ingested"] for file in second["files"]] == [True]
    said = run("ingest", str(folder / "clean.jsonl"), "--into", "corpus.db", cwd=tmp_path).stdout
    assert "already in the corpus, adds nothing" in said
    assert "next: safescale report corpus.db" in said


def test_strict_ingest_reports_rejects_by_its_exit_status(folder: Path, tmp_path: Path) -> None:
    arguments = ("ingest", str(folder / "dirty.jsonl"), "--into")
    assert run(*arguments, "a.db", cwd=tmp_path).code == 0
    assert run(*arguments, "b.db", "--strict", cwd=tmp_path).code == 1


def test_analyze_json_is_data_only_and_the_same_from_a_corpus(folder: Path, tmp_path: Path) -> None:
    run("ingest", str(folder / "clean.jsonl"), "--into", "corpus.db", cwd=tmp_path)
    of_logs = run("analyze", "inverse-scaling", str(folder / "clean.jsonl"), "--json", cwd=tmp_path)
    of_corpus = run("analyze", "inverse-scaling", "corpus.db", "--format", "json", cwd=tmp_path)
    found = [json.loads(outcome.stdout) for outcome in (of_logs, of_corpus)]
    assert found[0]["inverse_scaling"] == found[1]["inverse_scaling"]
    assert found[0]["simulated"] is False
    assert of_logs.stderr == of_corpus.stderr == ""


def test_diff_json_is_the_same_from_logs_and_from_corpora(folder: Path, tmp_path: Path) -> None:
    for name in ("clean", "after"):
        run("ingest", str(folder / f"{name}.jsonl"), "--into", f"{name}.db", cwd=tmp_path)
    of_logs = run("diff", str(folder / "clean.jsonl"), str(folder / "after.jsonl"), "--json", cwd=tmp_path)
    of_corpora = run("diff", "clean.db", "after.db", "--format", "json", cwd=tmp_path)
    found = [json.loads(outcome.stdout) for outcome in (of_logs, of_corpora)]
    assert found[0]["diff"] == found[1]["diff"]
    assert [outcome.code for outcome in (of_logs, of_corpora)] == [1, 1]
    same = run("diff", "clean.db", "clean.db", "--json", cwd=tmp_path)
    assert (same.code, json.loads(same.stdout)["diff"]["same"]) == (0, True)


def test_options_change_the_answer(folder: Path) -> None:
    def answer(*options: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(
            run("analyze", "inverse-scaling", "clean.jsonl", "--json", *options, cwd=folder).stdout
        )
        whole = found["inverse_scaling"]
        assert isinstance(whole, dict)
        return whole

    plain = answer()
    assert answer("--min-cell", "1000")["answer"] != plain["answer"]
    assert answer("--exclude-model", "frimble1-1b")["exclusions"] != plain["exclusions"]
    assert answer("--tier", "broad")["options"] != plain["options"]
    assert answer("--claim-class", "plim")["claim_classes"] == ["plim"]


def _wrote(outcome: Outcome) -> list[str]:
    return [line.removeprefix("wrote ") for line in outcome.stdout.split("\n") if line.startswith("wrote ")]


def test_report_without_arguments_runs_the_example(tmp_path: Path) -> None:
    outcome = run("report", cwd=tmp_path)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith("SIMULATED: ")
    assert outcome.stdout.endswith("next: safescale report YOUR_LOGS\n")
    assert _wrote(outcome)[0] == "safescale-report/report.html"
    assert all((tmp_path / name).is_file() for name in _wrote(outcome))
    assert_snapshot("report-example", outcome, cwd=tmp_path)


def test_the_toy_example_is_named_and_never_beside_paths(folder: Path, tmp_path: Path) -> None:
    told = run("analyze", "inverse-scaling", "--example", "toy", "--json", cwd=tmp_path)
    assert (told.code, told.stderr) == (0, "")
    found = json.loads(told.stdout)
    assert found["simulated"] is False
    assert found["command"] == "safescale analyze inverse-scaling --example toy"
    assert {setting["condition"] for setting in found["inverse_scaling"]["settings"]} == {"baseline", "neutral-7", "puzzle-7"}
    beside = run("report", "--example", "toy", str(folder / "clean.jsonl"), cwd=tmp_path)
    assert beside.code == 2
    assert "--example stands in place of paths" in beside.stderr


def test_report_on_logs_says_the_answer_and_the_paths(folder: Path, tmp_path: Path) -> None:
    outcome = run("report", str(folder / "clean.jsonl"), "-o", "out", cwd=tmp_path)
    assert outcome.code == 0
    assert "SIMULATED" not in outcome.stdout
    assert "YOUR_LOGS" not in outcome.stdout
    assert "Larger models comply more." in outcome.stdout
    assert len(_wrote(outcome)) == 3
    assert re.search(r"\n\d+ files in out/figures\n", outcome.stdout)
    again = run("report", str(folder / "clean.jsonl"), "-o", "out", "--json", cwd=tmp_path)
    assert again.stdout == (tmp_path / "out" / "report.json").read_text(encoding="utf-8")
    json.loads(again.stdout)
