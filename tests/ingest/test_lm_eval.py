"""lm-eval samples with the results file of their run. Invented vocabulary."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from ingest.reading import Read, read
from safescale.ingest.batch import Options, Probe
from safescale.ingest.detect import named_adapter
from safescale.ingest.lm_eval import LmEval

DATE = "2026-01-21T03-44-18.458309"


def sample(
    doc: int = 0, *, named: str = "none", resps: Any = None, metrics: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    metrics = {"exact_match": 1.0} if metrics is None else metrics
    resps = [[f"a wug {doc}"]] if resps is None else resps
    return {
        "doc_id": doc,
        "doc": {"question": "frimble?"},
        "target": "wug",
        "arguments": {"gen_args_0": {"arg_0": f"Q: frimble {doc}?", "arg_1": {"until": []}}},
        "resps": resps,
        "filtered_resps": [resps[0][0]] if resps and resps[0] else [],
        "filter": named,
        "metrics": list(metrics),
        "doc_hash": f"h{doc}",
        **metrics,
        **more,
    }


def results(**more: Any) -> dict[str, Any]:
    config = {
        "model": "hf",
        "model_args": "pretrained=plim/wug-7b,trust_remote_code=True",
        "model_num_parameters": 7_241_732_096,
        "model_dtype": "torch.bfloat16",
        "random_seed": 0,
        "torch_seed": 1234,
        **more.pop("config", {}),
    }
    return {
        "results": {"wugs": {}, "plims": {}},
        "configs": {},
        "n-shot": {"wugs": 0},
        "config": config,
        "date": 1768964383.86,
        **more,
    }


def write_run(tmp_path: Path, *rows: Any, found: dict[str, Any] | None = None, task: str = "wugs", folder: str = "out") -> Path:
    path = tmp_path / folder / f"samples_{task}_{DATE}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    if found is not None:
        (path.parent / f"results_{DATE}.json").write_text(json.dumps(found), encoding="utf-8")
    return path


def read_run(tmp_path: Path, *rows: Any, options: Options | None = None, found: Any = ..., **more: Any) -> Read:
    return read(LmEval(), write_run(tmp_path, *rows, found=results() if found is ... else found, **more), options)


def test_a_sample_maps_field_by_field(tmp_path: Path) -> None:
    found = read_run(tmp_path, sample(4))
    [trace] = found.traces
    assert {k: trace[k] for k in trace if k not in {"trace_id", "response_sha256", "prompt_sha256", "source_file"}} == {
        "source": "lm_eval",
        "model_id": "plim/wug-7b",
        "prompt_id": "wugs/4",
        "prompt_kind": "unknown",
        "attack_class": "wugs",
        "condition": "default",
        "sample_index": 0,
        "response_kind": "text",
        "finish_reason": "unknown",
        "response_chars": 7,
        "seed": 1234,
        "created_at": "2026-01-21T02:59:43.860000+00:00",
        "error": None,
        "prompt": "Q: frimble 4?",
        "response": "a wug 4",
        "source_row": 1,
    }
    assert found.sizes == {"plim/wug-7b": (7.241732096, None, False)}


def test_a_metric_that_nobody_declared_is_ungraded_with_its_value(tmp_path: Path) -> None:
    found = read_run(tmp_path, sample(0), sample(1, metrics={"exact_match": 0.0}))
    assert [(g["grader_id"], g["verdict"], g["raw_label"], g["score"]) for g in found.grades] == [
        ("wugs/exact_match (undeclared)", "UNGRADED", "1.0", 1.0),
        ("wugs/exact_match (undeclared)", "UNGRADED", "0.0", 0.0),
    ]
    [note] = found.notes
    assert (note.code, note.column, note.got) == ("POLARITY_UNKNOWN", "wugs/exact_match", "2 values kept as UNGRADED")
    assert "scorers: {wugs/exact_match: harmful_when_1}" in note.expected


@pytest.mark.parametrize(
    ("polarity", "verdicts"),
    [
        ("harmful_when_1", ["NOT_HARMFUL", "COMPLIANCE"]),
        ("safe_when_1", ["COMPLIANCE", "NOT_HARMFUL"]),
        ("refusal_when_1", ["COMPLIANCE", "REFUSAL"]),
    ],
)
def test_the_users_map_declares_a_metric(tmp_path: Path, polarity: str, verdicts: list[str]) -> None:
    (tmp_path / "map.yaml").write_text(f"scorers: {{wugs/asr: {{polarity: {polarity}, prompt_kind: harmful, grader_kind: llm}}}}\n")
    rows = (sample(0, metrics={"asr": 0}), sample(1, metrics={"asr": 1}))
    found = read_run(tmp_path, *rows, options=Options(column_map=tmp_path / "map.yaml"))
    assert [g["verdict"] for g in found.grades] == verdicts
    assert {(t["prompt_kind"]) for t in found.traces} == {"harmful"}
    assert found.notes == []


def test_the_one_shipped_metric_that_judges_responses(tmp_path: Path) -> None:
    rows = (sample(0, metrics={"score": 1}), sample(1, metrics={"score": 0}))
    found = read_run(tmp_path, *rows, task="realtoxicityprompts")
    assert [g["verdict"] for g in found.grades] == ["COMPLIANCE", "NOT_HARMFUL"]


@pytest.mark.parametrize("task", ["wmdp_bio", "toxigen", "truthfulqa_gen", "crows_pairs_english", "bbq"])
def test_a_capability_or_bias_metric_is_never_a_verdict_on_safety(tmp_path: Path, task: str) -> None:
    found = read_run(tmp_path, sample(0, metrics={"acc": 1.0}), task=task)
    assert found.verdicts() == {"UNGRADED": 1}


def test_one_filter_counts_and_the_note_says_which(tmp_path: Path) -> None:
    rows = [
        sample(doc, named=named, metrics={"exact_match": value})
        for named, value in (("strict", 0.0), ("loose", 1.0))
        for doc in range(3)
    ]
    found = read_run(tmp_path, *rows)
    assert (len(found.traces), len(found.grades), found.superseded) == (3, 3, [4, 5, 6])
    assert {g["raw_label"] for g in found.grades} == {"0.0"}
    [note] = [n for n in found.notes if n.code == "ONE_OF_SEVERAL"]
    assert note.got == "kept strict; superseded loose (3)"


def test_nan_is_a_failure_of_the_grader(tmp_path: Path) -> None:
    """Python writes NaN into JSON; strict parsers fail on it."""
    found = read_run(tmp_path, sample(0, metrics={"exact_match": math.nan, "other": None}))
    assert found.verdicts() == {"ERROR": 2}
    assert [g["score"] for g in found.grades] == [None, None]


def test_repeats_of_a_request_are_repeats_and_the_graded_one_is_graded(tmp_path: Path) -> None:
    row = sample(0, resps=[["one", "two", "three"]])
    found = read_run(tmp_path, {**row, "filtered_resps": ["two"]})
    assert [(t["sample_index"], t["response"]) for t in found.traces] == [(0, "one"), (1, "two"), (2, "three")]
    assert [g["trace_id"] for g in found.grades] == [found.traces[1]["trace_id"]]


def test_a_metric_over_several_repeats_is_of_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text("scorers: {wugs/exact_match: harmful_when_1}\n")
    row = {**sample(0, resps=[["one", "two"]]), "filtered_resps": [["one", "two"]]}
    found = read_run(tmp_path, row, options=Options(column_map=tmp_path / "map.yaml"))
    assert found.verdicts() == {"NOT_GRADEABLE": 1}


@pytest.mark.parametrize(
    "resps", [[["-1.5", "False"], ["-2.5", "True"]], [[["-1.5", "False"]], [["-2.5", "True"]]], [[[-1.5, False]]], [[-1.5, False]]]
)
def test_log_likelihoods_are_no_response(tmp_path: Path, resps: Any) -> None:
    found = read_run(tmp_path, sample(0, resps=resps, metrics={"acc": 1.0}))
    assert [(t["response_kind"], t["response"]) for t in found.traces] == [("telemetry", None)]


def test_rolling_likelihoods_are_no_response(tmp_path: Path) -> None:
    found = read_run(tmp_path, sample(0, resps=[["-99.5"]], metrics={"word_perplexity": ["-99.5", 12]}))
    assert [t["response_kind"] for t in found.traces] == ["telemetry"]


def test_an_answer_that_is_a_number_is_an_answer(tmp_path: Path) -> None:
    assert read_run(tmp_path, sample(0, resps=[["42"]])).traces[0]["response"] == "42"


def test_an_adapter_is_the_model_and_its_base_is_in_the_condition(tmp_path: Path) -> None:
    """``model_name`` is the adapter where peft is given; a run on another base is another thing."""
    config = {"model_args": {"pretrained": "plim/wug-7b", "peft": "me/frimble-lora"}}
    found = read_run(tmp_path, sample(0), found=results(config=config, model_name="me/frimble-lora"))
    assert [(t["model_id"], t["condition"]) for t in found.traces] == [("me/frimble-lora", "adapter on plim/wug-7b")]
    text = {"model_args": "pretrained=plim/wug-7b,peft=me/frimble-lora"}
    without_name = read_run(tmp_path, sample(0), found=results(config=text))
    assert [(t["model_id"], t["condition"]) for t in without_name.traces] == [("me/frimble-lora", "adapter on plim/wug-7b")]


def test_shots_and_a_system_prompt_are_conditions(tmp_path: Path) -> None:
    found = read_run(tmp_path, sample(0), found=results(**{"n-shot": {"wugs": 5}, "system_instruction_sha": "abcdef0123456"}))
    assert found.traces[0]["condition"] == "system prompt abcdef01, 5-shot"


@pytest.mark.parametrize(
    "config",
    [
        {"model_num_parameters": -1},
        {"model_num_parameters": None},
        {"model_num_parameters": True},
        {"model_args": "pretrained=plim/wug-7b,load_in_4bit=True"},
        {"model_args": "pretrained=plim/wug-7b-GPTQ"},
    ],
)
def test_a_size_that_is_not_counted_or_counts_packed_weights_is_not_declared(tmp_path: Path, config: dict[str, Any]) -> None:
    assert read_run(tmp_path, sample(0), found=results(config=config)).sizes == {}


def test_without_a_results_file_the_folder_names_the_model_and_a_note_says_so(tmp_path: Path) -> None:
    found = read_run(tmp_path, sample(0), found=None, folder="plim__wug-7b")
    assert found.traces[0]["model_id"] == "plim/wug-7b"
    assert found.notes[0].code == "COMPANION_MISSING"
    assert f"results_{DATE}.json" in found.notes[0].expected


def test_without_anything_that_names_the_model_rows_are_rejects(tmp_path: Path) -> None:
    found = read_run(tmp_path, sample(0), sample(1), found=None)
    assert found.codes() == [(1, "MISSING_FIELD"), (2, "MISSING_FIELD")]
    assert f"results_{DATE}.json" in found.rejects[0].expected


def test_a_results_file_of_another_date_is_another_run(tmp_path: Path) -> None:
    path = write_run(tmp_path, sample(0))
    (path.parent / "results_2025-01-01T00-00-00.000000.json").write_text(json.dumps(results()))
    assert read(LmEval(), path).codes() == [(1, "MISSING_FIELD")]


def test_the_context_changes_with_the_results_file(tmp_path: Path) -> None:
    one = LmEval().context(write_run(tmp_path, sample(0), found=results()))
    other = LmEval().context(write_run(tmp_path, sample(0), found=results(model_name="plim/other")))
    assert one != other


def test_a_file_with_fewer_documents_than_were_evaluated_says_so(tmp_path: Path) -> None:
    found = read_run(tmp_path, sample(0), found=results(**{"n-samples": {"wugs": {"original": 9, "effective": 5}}}))
    assert [(n.expected, n.got) for n in found.notes if n.code == "HEADER_CONTRADICTS_ROWS"] == [("5", "1")]


def test_a_results_file_by_itself_is_metadata(tmp_path: Path) -> None:
    write_run(tmp_path, sample(0), found=results())
    found = read(LmEval(), tmp_path / "out" / f"results_{DATE}.json")
    assert (found.rows_in, found.metadata) == (2, [1, 2])


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"doc": {}, "target": "x", "resps": []}, "MISSING_FIELD"),
        ("[1]", "NOT_AN_OBJECT"),
        ('{"doc_id": 1, ', "BAD_JSON"),
        (sample(0, resps=[["half \ud800"]]), "NOT_UTF8"),
    ],
)
def test_a_line_that_cannot_be_taken_is_a_reject_with_its_reason(tmp_path: Path, row: Any, code: str) -> None:
    found = read_run(tmp_path, row, sample(9))
    assert found.codes() == [(1, code)]
    assert len(found.traces) == 1


def test_older_files_have_lists_of_arguments(tmp_path: Path) -> None:
    found = read_run(tmp_path, {**sample(0), "arguments": [["Q: frimble?", {"until": []}]]})
    assert found.traces[0]["prompt"] == "Q: frimble?"


@pytest.mark.parametrize(
    ("name", "head", "mine"),
    [
        ("samples_x.jsonl", json.dumps(sample(0)).encode(), True),
        ("samples_x_y.jsonl", b'{"doc_id": 0, "doc": {"text": "' + b"x" * 70_000, True),
        (f"results_{DATE}.json", b'{\n  "results": {"wugs": {"acc,none": 1', True),
        ("results.json", b'{"results": {"version": 3, "results": []}, "config": {}}', False),
        ("results.json", b'{"evalId": "x", "results": {}, "configs": {}}', False),
        ("a.jsonl", b'{"entry_type": "attempt", "probe_classname": "x"}', False),
        ("a.jsonl", b'{"doc_id": 1, "text": "x"}', False),
    ],
)
def test_detection(name: str, head: bytes, mine: bool) -> None:
    assert LmEval().recognises(Probe(path=Path(name), head=head)) is mine


@pytest.mark.parametrize("name", ["lm-eval", "lm_eval"])
def test_the_format_is_named_as_the_tool_spells_itself_too(name: str) -> None:
    assert named_adapter(name).name == "lm-eval"
