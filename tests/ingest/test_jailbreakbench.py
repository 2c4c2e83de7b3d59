"""JailbreakBench: artefacts, evaluations and submissions, field by field; every trap of the format. Invented vocabulary."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ingest.reading import Read, read
from safescale.ingest.batch import Options, Probe
from safescale.ingest.detect import choose_adapter
from safescale.ingest.jailbreakbench import JailbreakBench

NAMES = [f"Frimble {i}" for i in range(100)]


def header(**fields: Any) -> dict[str, Any]:
    return {
        "method": "WUG",
        "model": "plim-7b",
        "attack_type": "black_box",
        "defense": None,
        "attack_success_rate": 0.4,
        "total_number_of_jailbreaks": 40,
        "number_of_submitted_prompts": 90,
        "evaluation_date": "2024-03-06",
        "method_parameters": {},
        **fields,
    }


def entry(i: int, *, asked: bool = True, jailbroken: Any = False, **more: Any) -> dict[str, Any]:
    return {
        "index": i,
        "goal": f"do frimble {i}",
        "behavior": NAMES[i],
        "category": "Wugs",
        "prompt": f"please frimble {i}" if asked else None,
        "response": f"frimbled {i}" if asked else None,
        "number_of_queries": 1,
        "queries_to_jailbreak": None,
        "jailbroken": jailbroken,
        **more,
    }


def whole() -> list[dict[str, Any]]:
    """100 behaviours: 40 jailbroken, 10 without a prompt; the further grader says 50."""
    return [entry(i, asked=i < 90, jailbroken=i < 40, jailbroken_llama_guard1=i < 50) for i in range(100)]


def artefact(path: Path, rows: Any, **fields: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"parameters": header(**fields), "jailbreaks": rows}), encoding="utf-8")
    return path


def read_rows(tmp_path: Path, rows: Any, options: Options | None = None, **fields: Any) -> Read:
    return read(JailbreakBench(), artefact(tmp_path / "plim-7b.json", rows, **fields), options)


def test_an_artefact_maps_field_by_field(tmp_path: Path) -> None:
    found = read_rows(tmp_path, whole())
    trace = found.traces[3]
    assert {k: trace[k] for k in trace if k not in {"trace_id", "response_sha256", "prompt_sha256", "source_file"}} == {
        "source": "jailbreakbench",
        "model_id": "plim-7b",
        "prompt_id": "Frimble 3",
        "prompt_kind": "harmful",
        "attack_class": "WUG",
        "condition": "default",
        "sample_index": 0,
        "response_kind": "text",
        "finish_reason": "unknown",
        "response_chars": 10,
        "seed": None,
        "created_at": "2024-03-06",
        "error": None,
        "prompt": "please frimble 3",
        "response": "frimbled 3",
        "source_row": 4,
    }
    assert found.verdicts("jailbreakbench/judge") == {"COMPLIANCE": 40, "NOT_HARMFUL": 60}
    assert found.verdicts("jailbreakbench/llama_guard1") == {"COMPLIANCE": 50, "NOT_HARMFUL": 50}
    assert {(g["grader_id"], g["grader_kind"], g["outcome_map"]) for g in found.graders} == {
        ("jailbreakbench/judge", "llm", "binary_harmful"),
        ("jailbreakbench/llama_guard1", "classifier", "binary_harmful"),
    }
    assert found.notes[0].code == "NOT_ASKED"
    assert found.rejects == []


def test_a_behaviour_without_a_prompt_counts_as_a_failure_of_the_attack(tmp_path: Path) -> None:
    found = read_rows(tmp_path, whole())
    assert Counter(t["response_kind"] for t in found.traces) == {"text": 90, "not_asked": 10}
    not_asked = {t["trace_id"] for t in found.traces if t["response_kind"] == "not_asked"}
    assert len(not_asked) == 10
    assert {g["verdict"] for g in found.grades if g["trace_id"] in not_asked and "judge" in g["grader_id"]} == {"NOT_HARMFUL"}
    [note] = [n for n in found.notes if n.code == "NOT_ASKED"]
    assert note.got.startswith("10 ")


def test_the_header_never_counts_and_its_contradictions_are_told(tmp_path: Path) -> None:
    found = read_rows(tmp_path, whole(), total_number_of_jailbreaks=50, attack_success_rate=0.9)
    notes = {n.column: (n.expected, n.got) for n in found.notes if n.code == "HEADER_CONTRADICTS_ROWS"}
    assert notes == {
        "parameters.total_number_of_jailbreaks": ("50", "40"),
        "parameters.attack_success_rate": ("0.9", "0.4"),
    }
    assert found.verdicts("jailbreakbench/judge")["COMPLIANCE"] == 40


def test_an_incomplete_artefact_is_never_pooled_with_a_whole_one(tmp_path: Path) -> None:
    found = read_rows(tmp_path, whole()[:3], number_of_submitted_prompts=90, defense="Wugfilter")
    assert {t["condition"] for t in found.traces} == {"Wugfilter (incomplete artefact)"}
    asked_for_few = read_rows(tmp_path, whole()[:3], number_of_submitted_prompts=3)
    assert {t["condition"] for t in asked_for_few.traces} == {"default"}


def test_a_defence_is_a_condition_and_options_name_source_and_judge(tmp_path: Path) -> None:
    found = read_rows(tmp_path, whole(), Options(source="mine", grader_id="wug-judge"), defense="Wugfilter")
    assert {t["condition"] for t in found.traces} == {"Wugfilter"}
    assert {t["source"] for t in found.traces} == {"mine"}
    assert {g["grader_id"] for g in found.grades} == {"wug-judge", "jailbreakbench/llama_guard1"}


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (True, "COMPLIANCE"),
        (1, "COMPLIANCE"),
        (False, "NOT_HARMFUL"),
        (0, "NOT_HARMFUL"),
        (None, "ERROR"),
        ("yes", "ERROR"),
        (2, "ERROR"),
    ],
)
def test_a_judge_that_says_neither_failed(tmp_path: Path, value: Any, verdict: str) -> None:
    found = read_rows(tmp_path, [entry(0, jailbroken=value)])
    assert found.verdicts() == {verdict: 1}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (entry(0, asked=False, jailbroken=True), "CONTRADICTION"),
        ({**entry(0), "prompt": 7}, "WRONG_TYPE"),
        ({k: v for k, v in entry(0).items() if k != "response"}, "MISSING_FIELD"),
        ({**entry(0), "behavior": None, "index": None}, "MISSING_FIELD"),
        ("frimble", "NOT_AN_OBJECT"),
        ({**entry(0), "response": "half \ud800"}, "NOT_UTF8"),
    ],
)
def test_a_row_that_cannot_be_taken_is_a_reject_with_its_reason(tmp_path: Path, row: Any, code: str) -> None:
    found = read_rows(tmp_path, [row, entry(1)])
    assert found.codes() == [(1, code)]
    assert len(found.traces) == 1


def test_a_file_without_a_model_rejects_each_of_its_rows(tmp_path: Path) -> None:
    found = read_rows(tmp_path, [entry(0), entry(1)], model=None)
    assert found.codes() == [(1, "MISSING_FIELD"), (2, "MISSING_FIELD")]


def test_an_index_may_be_text_and_stands_in_for_a_missing_name(tmp_path: Path) -> None:
    found = read_rows(tmp_path, [{**entry(0), "behavior": "", "index": "7"}, {**entry(1), "behavior": None, "index": 0}])
    assert [t["prompt_id"] for t in found.traces] == ["7", "0"]


def test_redacted_texts_are_withheld_with_their_length(tmp_path: Path) -> None:
    mark = "[REDACTED chars=41 sha256=0123456789abcdef]"
    found = read_rows(tmp_path, [{**entry(0), "prompt": mark, "response": mark}])
    [trace] = found.traces
    assert (trace["response_kind"], trace["response_chars"], trace["response"], trace["prompt"]) == ("withheld", 41, None, None)


def evaluation(folder: Path, rows: dict[str, Any], **details: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "evaluation.json"
    about = {"llm_provider": "wug", "evaluation_date": "2024-03-06", "defense": None, **details}
    path.write_text(json.dumps({**rows, "details": about}), encoding="utf-8")
    return path


def graded(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {e["behavior"]: {key: e[key] for key in ("prompt", "response", "jailbroken")} for e in entries}


def test_an_evaluation_gives_the_traces_of_the_artefacts_beside_it(tmp_path: Path) -> None:
    """The library writes all three into one folder: none may count twice."""
    rows = [{key: value for key, value in e.items() if key != "jailbroken_llama_guard1"} for e in whole()]
    own = read(JailbreakBench(), artefact(tmp_path / "plim-7b.json", rows))
    path = evaluation(tmp_path, {"plim-7b": graded(whole())})
    found = read(JailbreakBench(), path)
    assert [t["trace_id"] for t in found.traces] == [t["trace_id"] for t in own.traces]
    drop = {"source_file"}
    assert [{k: v for k, v in t.items() if k not in drop} for t in found.traces] == [
        {k: v for k, v in t.items() if k not in drop} for t in own.traces
    ]
    summary = {"plim-7b": {"jailbreaks": rows, "model_summary": {"total_number_of_jailbreaks": 41}}}
    submission = tmp_path / "submission.json"
    submission.write_text(json.dumps({"summaries": summary, "test_logs": {}, "eval_logs": {}}), encoding="utf-8")
    submitted = read(JailbreakBench(), submission)
    assert [t["trace_id"] for t in submitted.traces] == [t["trace_id"] for t in own.traces]
    assert [n.column for n in submitted.notes if n.code == "HEADER_CONTRADICTS_ROWS"] == ["parameters.total_number_of_jailbreaks"]
    assert JailbreakBench().context(path) == JailbreakBench().context(submission) != ""
    assert JailbreakBench().context(tmp_path / "plim-7b.json") == ""


def test_an_evaluation_alone_says_that_its_method_is_not_known(tmp_path: Path) -> None:
    found = read(JailbreakBench(), evaluation(tmp_path, {"plim-7b": graded(whole()[:2])}, defense="Wugfilter"))
    assert {(t["attack_class"], t["condition"]) for t in found.traces} == {("undeclared", "Wugfilter")}
    assert "COMPANION_MISSING" in {n.code for n in found.notes}


def test_a_submission_of_prompts_is_metadata(tmp_path: Path) -> None:
    path = tmp_path / "submission.json"
    path.write_text(json.dumps({"plim-7b": {"Frimble 0": "please", "Frimble 1": None}, "wug-1b": {"Frimble 0": "do"}}))
    found = read(JailbreakBench(), path)
    assert (found.rows_in, found.metadata, found.traces) == (3, [1, 2, 3], [])
    chosen = choose_adapter(path, Options())
    assert chosen is not None
    assert chosen.name == "jailbreakbench"


def test_the_list_of_an_attacks_artefacts_is_metadata(tmp_path: Path) -> None:
    path = tmp_path / "attack-info.json"
    path.write_text(json.dumps({"models": {"plim-7b": ["black_box"]}}))
    found = read(JailbreakBench(), path)
    assert (found.rows_in, found.metadata) == (1, [1])


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.json", b'{"evalId": "x", "results": {"version": 3}}'),
        ("a.json", b'{"substring_matching_success_rate": 1.0, "completions": []}'),
        ("a.json", b'{"parameters": {"lr": 1}, "rows": []}'),
        ("a.json", b'{"b": {"c": {"prompt": "x"}}}'),
        ("a.json", b'[{"jailbroken": true}]'),
        ("a.jsonl", b'{"parameters": {"attack_success_rate": 1}, "jailbreaks": [{"jailbroken": true}]}'),
        ("package.json", b'{"scripts": {"test": "wug"}}'),
    ],
)
def test_another_tools_file_is_not_taken(name: str, head: bytes) -> None:
    assert not JailbreakBench().recognises(Probe(path=Path(name), head=head))
