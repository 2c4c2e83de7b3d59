"""Runs of the refusal-direction pipeline: what is in the path, two graders with two polarities. Invented vocabulary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.reading import Read, read
from safescale.cells import Selection, build_cells
from safescale.ingest.batch import Options, Probe
from safescale.ingest.refusal_direction import RefusalDirection
from safescale.ingest.session import ingest
from safescale.registry import parse_model_id
from safescale.store import open_corpus


def completion(i: int, *, substring: Any = 1, guard: Any = 0) -> dict[str, Any]:
    row = {"category": "Wugs", "prompt": f"frimble {i}?", "response": f"wug {i}", "is_jailbreak_substring_matching": substring}
    return row if guard is None else {**row, "is_jailbreak_llamaguard2": guard}


def run_file(root: Path, name: str, rows: Any, model: str = "gemma-2b-it", **top: Any) -> Path:
    path = root / model / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"substring_matching_success_rate": 1.0, **top, "completions": rows}), encoding="utf-8")
    return path


def read_file(tmp_path: Path, name: str, rows: Any, **fields: Any) -> Read:
    return read(RefusalDirection(), run_file(tmp_path, name, rows, **fields))


def test_a_baseline_maps_field_by_field(tmp_path: Path) -> None:
    found = read_file(tmp_path, "jailbreakbench_baseline_evaluations.json", [completion(0), completion(1, substring=0, guard=1)])
    trace = found.traces[0]
    assert (trace["model_id"], trace["condition"], trace["attack_class"]) == ("gemma-2b-it", "default", "none")
    assert (trace["prompt_kind"], trace["prompt"], trace["response"]) == ("harmful", "frimble 0?", "wug 0")
    assert trace["prompt_id"].startswith("jailbreakbench/001/")
    assert found.verdicts("refusal_direction/substring_matching") == {"COMPLIANCE": 1, "REFUSAL": 1}
    assert found.verdicts("refusal_direction/llamaguard2") == {"COMPLIANCE": 1, "NOT_HARMFUL": 1}
    assert {(g["grader_id"], g["grader_kind"]) for g in found.graders} == {
        ("refusal_direction/substring_matching", "keyword"),
        ("refusal_direction/llamaguard2", "classifier"),
    }


@pytest.mark.parametrize(("intervention", "state"), [("ablation", "abliterated"), ("actadd", "steered"), ("baseline", "none")])
def test_an_intervention_is_tampering_that_the_registry_knows(tmp_path: Path, intervention: str, state: str) -> None:
    found = read_file(tmp_path, f"jailbreakbench_{intervention}_evaluations.json", [completion(0)])
    [trace] = found.traces
    info = parse_model_id(trace["model_id"])
    assert (info.tampering, info.params_total_b, trace["condition"]) == (state, 2.0, "default")


def test_an_intervention_that_nobody_knows_is_not_taken_for_the_model(tmp_path: Path) -> None:
    found = read_file(tmp_path, "jailbreakbench_frimbled_evaluations.json", [completion(0)])
    assert parse_model_id(found.traces[0]["model_id"]).tampering == "unknown"


def test_law_1_holds_by_default(tmp_path: Path) -> None:
    """An ablated model is in no cell unless tampered models are asked for."""
    for name in ("baseline", "ablation", "actadd"):
        run_file(tmp_path / "runs", f"jailbreakbench_{name}_evaluations.json", [completion(i, guard=1) for i in range(4)])
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    try:
        assert ingest([tmp_path / "runs"], corpus).findings == 0
        models = {cell.model_id for cell in build_cells(corpus, Selection())}
        tampered = {cell.model_id for cell in build_cells(corpus, Selection(tampered="only"))}
    finally:
        corpus.close()
    assert models == {"gemma-2b-it"}
    assert tampered == {"gemma-2b-it+ablation", "gemma-2b-it+actadd"}


def test_harmless_prompts_are_benign_and_steering_there_adds_the_direction(tmp_path: Path) -> None:
    """run_pipeline.py: coefficient -1 on harmful prompts, +1 on harmless ones: two things under one name."""
    added = read_file(tmp_path, "harmless_actadd_evaluations.json", [completion(0, substring=0, guard=None)])
    assert [(t["prompt_kind"], t["condition"]) for t in added.traces] == [("benign", "direction_added")]
    assert added.verdicts() == {"REFUSAL": 1}
    plain = read_file(tmp_path, "harmless_baseline_evaluations.json", [completion(0, guard=None)])
    assert [(t["prompt_kind"], t["condition"]) for t in plain.traces] == [("benign", "default")]


@pytest.mark.parametrize(("dataset", "kind"), [("harmbench_test", "harmful"), ("strongreject", "harmful"), ("wugs", "unknown")])
def test_only_known_sets_have_a_kind(tmp_path: Path, dataset: str, kind: str) -> None:
    assert read_file(tmp_path, f"{dataset}_baseline_evaluations.json", [completion(0)]).traces[0]["prompt_kind"] == kind


def test_the_model_is_the_folder_above_completions(tmp_path: Path) -> None:
    found = read(
        RefusalDirection(), run_file(tmp_path / "yi-6b-chat", "harmless_baseline_evaluations.json", [], model="completions")
    )
    assert found.codes() == [(0, "EMPTY_FILE")]
    path = run_file(tmp_path / "yi-6b-chat", "harmless_baseline_evaluations.json", [completion(0)], model="completions")
    assert read(RefusalDirection(), path).traces[0]["model_id"] == "yi-6b-chat"
    assert RefusalDirection().context(path) == "yi-6b-chat/harmless_baseline_evaluations.json"


def test_ungraded_completions_are_the_same_traces(tmp_path: Path) -> None:
    rows = [completion(i) for i in range(3)]
    graded = read_file(tmp_path, "jailbreakbench_ablation_evaluations.json", rows)
    path = tmp_path / "gemma-2b-it" / "jailbreakbench_ablation_completions.json"
    path.write_text(json.dumps([{k: r[k] for k in ("category", "prompt", "response")} for r in rows]))
    assert RefusalDirection().recognises(Probe(path=path, head=path.read_bytes()))
    plain = read(RefusalDirection(), path)
    assert [t["trace_id"] for t in plain.traces] == [t["trace_id"] for t in graded.traces]
    assert plain.grades == []


def test_a_rate_of_the_header_that_is_not_that_of_the_rows_is_told(tmp_path: Path) -> None:
    rows = [completion(0), completion(1, guard=1)]
    found = read_file(tmp_path, "jailbreakbench_baseline_evaluations.json", rows, llamaguard2_success_rate=0.25)
    assert [(n.code, n.column, n.expected, n.got) for n in found.notes] == [
        ("HEADER_CONTRADICTS_ROWS", "llamaguard2_success_rate", "0.25", "0.5")
    ]


@pytest.mark.parametrize("value", ["1", 2, float("nan"), []])
def test_a_grader_that_says_neither_failed(tmp_path: Path, value: Any) -> None:
    found = read_file(tmp_path, "jailbreakbench_baseline_evaluations.json", [completion(0, guard=value)])
    assert found.verdicts("refusal_direction/llamaguard2") == {"ERROR": 1}
    assert found.verdicts("refusal_direction/substring_matching") == {"COMPLIANCE": 1}


def test_rows_without_text_are_rejects(tmp_path: Path) -> None:
    rows = [{**completion(0), "response": None}, 7, completion(2)]
    found = read_file(tmp_path, "jailbreakbench_baseline_evaluations.json", rows)
    assert found.codes() == [(1, "WRONG_TYPE"), (2, "NOT_AN_OBJECT")]
    assert len(found.traces) == 1


def test_equal_prompts_at_two_places_are_two_prompts(tmp_path: Path) -> None:
    """Three prompts of the published runs were censored to one text."""
    found = read_file(tmp_path, "jailbreakbench_baseline_evaluations.json", [completion(0), completion(0)])
    assert len({t["prompt_id"] for t in found.traces}) == len({t["trace_id"] for t in found.traces}) == 2


def test_options_give_the_source(tmp_path: Path) -> None:
    path = run_file(tmp_path, "jailbreakbench_baseline_evaluations.json", [completion(0)])
    assert read(RefusalDirection(), path, Options(source="mine")).traces[0]["source"] == "mine"


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("results_evaluations.json", b'{"completions": []}'),
        ("jailbreakbench_baseline_evaluations.json", b'{"parameters": {}}'),
        ("other.json", b'{"substring_matching_success_rate": 1.0, "completions": [{"is_jailbreak_x": 1}]}'),
        ("wug_base_completions.json", b'{"Frimble": [{"test_case": "x", "generation": "y"}]}'),
    ],
)
def test_another_tools_file_is_not_taken(name: str, head: bytes) -> None:
    assert not RefusalDirection().recognises(Probe(path=Path(name), head=head))
