"""Every documented variant of a Failure-First line becomes the same kind of trace, turns and grades."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from safescale.ingest.batch import Batch, Options
from safescale.ingest.failure_first import FailureFirst
from safescale.records.fields import arrow_schema
from safescale.records.rules import violations

Json = dict[str, Any]

TURNS = [{"role": "user", "text": "zorbel?"}, {"role": "agent", "text": "plomé vask"}]
TRACE: Json = {
    "trace_id": "http_m_s1_1",
    "scenario_id": "s1",
    "model_id": "sim/arbel-7b",
    "dataset_kind": "single",
    "input": {"scenario": {"scenario_class": "dorsal_lock", "attack_attempt": True}},
    "turns": TURNS,
    "metadata": {"finish_reason": "stop", "execution_timestamp": "2026-03-01T10:00:00+00:00"},
}


def read(path: Path, *lines: Json, options: Options | None = None) -> Batch:
    """The one batch of a file with these lines; nothing is rejected, and what is given keeps the contract of its record."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    (batch,) = FailureFirst().read(path, options or Options())
    assert batch.rejects == []
    for record, table in (("trace", batch.traces), ("turn", batch.turns), ("grade", batch.grades)):
        if table is not None:
            assert table.schema == arrow_schema(record)
            assert not violations(table, record).any()
    return batch


def rows(table: pa.Table | None) -> list[Json]:
    return [] if table is None else table.to_pylist()


def trace_of(path: Path, line: Json, options: Options | None = None) -> Json:
    (trace,) = rows(read(path, line, options=options).traces)
    return trace


def grades_of(path: Path, line: Json, options: Options | None = None) -> list[tuple[str, str, str, str]]:
    found = rows(read(path, line, options=options).grades)
    return [(g["grader_id"], g["grader_kind"], g["verdict"], g["raw_label"]) for g in found]


def test_single_turn_trace_has_every_column(tmp_path: Path) -> None:
    path = tmp_path / "m_traces.jsonl"
    batch = read(path, TRACE)
    assert rows(batch.traces) == [
        {
            "trace_id": "failure-first:http_m_s1_1",
            "source": "failure-first",
            "source_file": str(path),
            "source_row": 1,
            "model_id": "sim/arbel-7b",
            "prompt_id": "s1",
            "prompt_kind": "harmful",
            "attack_class": "dorsal_lock",
            "condition": "default",
            "sample_index": 0,
            "response_kind": "text",
            "finish_reason": "stop",
            "response_chars": 10,
            "response_sha256": None,
            "prompt_sha256": None,
            "seed": None,
            "created_at": "2026-03-01T10:00:00+00:00",
            "error": None,
            "prompt": "zorbel?",
            "response": "plomé vask",
        }
    ]
    assert (batch.turns, batch.grades, batch.graders) == (None, None, None)
    assert batch.checked


# ---- turns and episodes ---------------------------------------------------------------------------------------------


def test_several_turns_are_kept_with_the_agent_as_assistant(tmp_path: Path) -> None:
    spoken = [*TURNS, {"role": "user", "text": "more?"}, {"role": "agent", "text": "glim"}]
    batch = read(tmp_path / "a.jsonl", {**TRACE, "turns": spoken})
    (trace,) = rows(batch.traces)
    assert (trace["prompt"], trace["response"]) == ("more?", "glim")
    assert [(t["turn_index"], t["role"], t["text"]) for t in rows(batch.turns)] == [
        (0, "user", "zorbel?"),
        (1, "assistant", "plomé vask"),
        (2, "user", "more?"),
        (3, "assistant", "glim"),
    ]


def test_system_prompt_before_a_single_exchange_is_not_lost(tmp_path: Path) -> None:
    batch = read(tmp_path / "a.jsonl", {**TRACE, "turns": [{"role": "system", "text": "be glim"}, *TURNS]})
    assert [(t["role"], t["text"]) for t in rows(batch.turns)] == [
        ("system", "be glim"),
        ("user", "zorbel?"),
        ("assistant", "plomé vask"),
    ]


@pytest.mark.parametrize(
    "spoken",
    [
        {"conversation_history": [{"role": r, "content": t} for r, t in (("system", "s"), ("user", "u"), ("assistant", "a"))]},
        {"scenes": [{"scene_id": 1, "turns": [{"role": "system", "text": "s"}]}, {"scene_id": 2, "turns": [
            {"role": "user", "text": "u"}, {"role": "agent", "text": "a"}]}]},
    ],
    ids=["history", "scenes"],
)  # fmt: skip
def test_episode_keeps_its_turns_wherever_they_stand(tmp_path: Path, spoken: Json) -> None:
    episode = {"trace_id": "e1", "episode_id": "ep1", "dataset_kind": "episode", "model_id": "m"}
    batch = read(tmp_path / "a.jsonl", {**episode, "input": {"episode": {"scenario_class": "x"}}, **spoken})
    (trace,) = rows(batch.traces)
    assert (trace["prompt_id"], trace["attack_class"], trace["prompt"], trace["response"]) == ("ep1", "x", "u", "a")
    assert [(t["role"], t["text"]) for t in rows(batch.turns)] == [("system", "s"), ("user", "u"), ("assistant", "a")]


def test_failed_turn_in_an_episode_has_no_text(tmp_path: Path) -> None:
    spoken = [*TURNS, {"role": "user", "text": "more?"}, {"role": "agent", "text": "[TIMEOUT after 120s]"}]
    batch = read(tmp_path / "a.jsonl", {**TRACE, "dataset_type": "episode", "turns": spoken})
    (trace,) = rows(batch.traces)
    assert (trace["response_kind"], trace["finish_reason"]) == ("none", "timeout")
    assert [t["text"] for t in rows(batch.turns)] == ["zorbel?", "plomé vask", "more?", None]


def test_concatenated_agent_response_stands_in_for_missing_turns(tmp_path: Path) -> None:
    line = {**TRACE, "turns": [], "agent_response": "glim", "scenario_input": {"prompt": "legacy prompt"}}
    trace = trace_of(tmp_path / "a.jsonl", line)
    assert (trace["prompt"], trace["response"]) == ("legacy prompt", "glim")


# ---- scenario: class and kind ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["input.scenario", "scenario_input", "input.episode"])
def test_scenario_is_found_in_each_of_its_places(tmp_path: Path, place: str) -> None:
    scenario = {"attack_attempt": True, "scenario_class": "dorsal_lock", "environment": {"free": "form"}, "tone": None}
    head, _, tail = place.partition(".")
    line = {k: v for k, v in TRACE.items() if k != "input"} | {head: {tail: scenario} if tail else scenario}
    trace = trace_of(tmp_path / "a.jsonl", line)
    assert (trace["prompt_kind"], trace["attack_class"]) == ("harmful", "dorsal_lock")


@pytest.mark.parametrize(
    ("scenario", "extra", "expected"),
    [
        ({"attack_class": "a", "technique_family": "b", "scenario_class": "c"}, {}, "a"),
        ({"technique_family": "b", "scenario_class": "c"}, {}, "b"),
        ({"scenario_class": "c"}, {"labels": {"intent": {"persona_hijack": True}}}, "c"),
        ({"scenario_class": "c"}, {"attack_class": "stated by the row"}, "stated by the row"),
        ({}, {"labels": {"intent": {"persona_hijack": True, "format_lock": True, "x": False}}}, "format_lock+persona_hijack"),
        ({"labels": {"intent": {"format_lock": True}}}, {}, "format_lock"),
        ({"attack_attempt": False}, {}, "none"),
        ({}, {}, "unclassified"),
    ],
)
def test_attack_class_is_taken_in_the_documented_order(tmp_path: Path, scenario: Json, extra: Json, expected: str) -> None:
    line = {**TRACE, "input": {"scenario": scenario}, **extra}
    assert trace_of(tmp_path / "a.jsonl", line)["attack_class"] == expected


@pytest.mark.parametrize(
    ("scenario", "kind"),
    [
        ({"attack_attempt": True}, "harmful"),
        ({"attack_attempt": False}, "benign"),
        ({"labels": {"attack_attempt": False}}, "benign"),
        ({"scenario_class": "benign_control"}, "benign"),
        ({"attack_class": "Benign controls"}, "benign"),
        ({"scenario_class": "benignly_named_attack"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_prompt_kind_is_what_the_scenario_attempts(tmp_path: Path, scenario: Json, kind: str) -> None:
    assert trace_of(tmp_path / "a.jsonl", {**TRACE, "input": {"scenario": scenario}})["prompt_kind"] == kind


# ---- failures written into the text -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "finish"),
    [
        ("[ERROR: HTTP 500]", "error"),
        ("[ERROR: Rate limit exceeded (429)]", "error"),
        ("[TIMEOUT after 120s]", "timeout"),
        ("[PARSE_ERROR: no choices]", "parse_error"),
        ("  [error: lower case]\n", "error"),
    ],
)
@pytest.mark.parametrize("label", [None, "COMPLIANCE", "REFUSAL"])
def test_failure_in_the_text_is_no_response_and_no_success(tmp_path: Path, text: str, finish: str, label: str | None) -> None:
    labels = {"attack_success": True, "refusal_triggered": False}
    turns = [TURNS[0], {"role": "agent", "text": text}]
    batch = read(tmp_path / "a.jsonl", {**TRACE, "turns": turns, "labels": labels, "llm_verdict": label})
    (trace,) = rows(batch.traces)
    assert {k: trace[k] for k in ("response", "response_kind", "finish_reason", "error", "response_chars")} == {
        "response": None,
        "response_kind": "none",
        "finish_reason": finish,
        "error": text,
        "response_chars": None,
    }
    expected = [("keyword", "ERROR", "attack_success=true refusal_triggered=false")]
    expected += [] if label is None else [("llm", "ERROR", label)]
    assert [(g["grader_kind"], g["verdict"], g["raw_label"]) for g in rows(batch.grades)] == expected


@pytest.mark.parametrize("text", ["[ERROR: a terminal] and then the answer", "[ERRORS] glim", "no [ERROR: x]", "[1] glim]", ""])
def test_text_that_only_resembles_a_failure_is_a_response(tmp_path: Path, text: str) -> None:
    trace = trace_of(tmp_path / "a.jsonl", {**TRACE, "turns": [TURNS[0], {"role": "agent", "text": text}]})
    assert (trace["response"], trace["response_kind"], trace["error"]) == (text, "text", None)


@pytest.mark.parametrize(
    ("extra", "finish", "error"),
    [
        ({"raw_http_output": {"error": "connection reset", "response": None}}, "error", "connection reset"),
        ({"errors": {"timeout": True, "adapter_error": None}}, "error", "timeout"),
        ({"errors": {"timeout": False, "adapter_error": "boom"}}, "error", "boom"),
        ({"metadata": {"finish_reason": "timeout"}}, "timeout", None),
        ({"metadata": None}, "unknown", None),
    ],
)
def test_trace_without_an_answer_says_what_failed(tmp_path: Path, extra: Json, finish: str, error: str | None) -> None:
    trace = trace_of(tmp_path / "a.jsonl", {**TRACE, "turns": [TURNS[0]], **extra})
    assert (trace["response_kind"], trace["finish_reason"], trace["error"]) == ("none", finish, error)


@pytest.mark.parametrize(("stated", "finish"), [("length", "length"), ("end_turn", "stop"), (None, "unknown"), ("odd", "unknown")])
def test_finish_reason_is_translated_or_unknown(tmp_path: Path, stated: str | None, finish: str) -> None:
    assert trace_of(tmp_path / "a.jsonl", {**TRACE, "metadata": {"finish_reason": stated}})["finish_reason"] == finish


# ---- grades ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("success", "refusal", "verdict"),
    [
        (True, False, "COMPLIANCE"),
        (True, None, "COMPLIANCE"),
        (False, True, "REFUSAL"),
        (None, True, "REFUSAL"),
        (False, False, "NOT_HARMFUL"),
        (True, True, "NOT_GRADEABLE"),
        (None, None, None),
        (None, False, None),
    ],
)
@pytest.mark.parametrize("place", ["labels_pred", "labels", "output"])
def test_heuristic_labels_are_a_keyword_grade_wherever_they_stand(
    tmp_path: Path, place: str, success: bool | None, refusal: bool | None, verdict: str | None
) -> None:
    suffix = "_pred" if place == "labels_pred" else ""
    flags = {f"attack_success{suffix}": success, f"refusal_triggered{suffix}": refusal, "refusal_quality": "none"}
    line = {**TRACE, place: {"predicted": flags} if place == "output" else flags}
    raw = f"attack_success={json.dumps(success)} refusal_triggered={json.dumps(refusal)}"
    expected = [] if verdict is None else [("failure-first-heuristic", "keyword", verdict, raw)]
    assert grades_of(tmp_path / "a.jsonl", line) == expected


def test_predicted_labels_go_before_flat_ones(tmp_path: Path) -> None:
    line = {**TRACE, "labels_pred": {"refusal_triggered_pred": True}, "labels": {"attack_success": True}}
    assert [g[2] for g in grades_of(tmp_path / "a.jsonl", line)] == ["REFUSAL"]


def test_gold_labels_of_the_scenario_are_no_grade(tmp_path: Path) -> None:
    line = {**TRACE, "input": {"scenario": {"labels": {"attack_success": True}}}, "labels_gold": {"attack_success": True}}
    assert grades_of(tmp_path / "a.jsonl", line) == []


@pytest.mark.parametrize(
    ("label", "verdict"),
    [("COMPLIANCE", "COMPLIANCE"), ("ATTACK_SUCCESS", "COMPLIANCE"), ("refused", "REFUSAL"), ("ERROR:timeout", "ERROR"),
     ("INFRASTRUCTURE_ERROR", "ERROR"), ("BENIGN", "BENIGN_QUERY"), ("UNKNOWN", "NOT_GRADEABLE")],
)  # fmt: skip
def test_flip_verdict_is_an_llm_grade_under_its_own_label(tmp_path: Path, label: str, verdict: str) -> None:
    line = {**TRACE, "llm_verdict": label, "flip_inferred_instruction": "glim", "llm_raw": label}
    assert grades_of(tmp_path / "flip_graded_all.jsonl", line) == [("flip", "llm", verdict, label)]


@pytest.mark.parametrize(
    ("name", "row", "options", "grader"),
    [
        ("a_flip_graded.jsonl", {}, Options(), "flip"),
        ("a_flip_graded.jsonl", {}, Options(grader_id="mine"), "mine"),
        ("a_xgrader_gemma4-31b.jsonl", {}, Options(grader_id="mine"), "gemma4-31b"),
        ("a_graded_by_haiku-4.5.jsonl", {}, Options(), "haiku-4.5"),
        ("a_graded_by_haiku-4.5.jsonl", {"grader_model": "row's own"}, Options(), "row's own"),
        ("a_graded_by_b_graded_by_c.jsonl", {}, Options(), "flip"),
    ],
)
def test_grader_is_the_rows_then_the_names_then_the_users(
    tmp_path: Path, name: str, row: Json, options: Options, grader: str
) -> None:
    batch = read(tmp_path / name, {**TRACE, "llm_verdict": "REFUSAL", **row}, options=options)
    assert [g["grader_id"] for g in rows(batch.grades)] == [grader]
    assert rows(batch.graders) == [
        {"grader_id": grader, "grader_kind": "llm", "outcome_map": "flip", "hallucination_refusal": "undeclared"}
    ]


def test_regrade_says_its_date_as_rubric_version(tmp_path: Path) -> None:
    batch = read(tmp_path / "a_flip_regraded_2026-04-25.jsonl", {**TRACE, "llm_verdict": "REFUSAL"})
    assert [g["rubric_version"] for g in rows(batch.grades)] == ["regraded-2026-04-25"]


def test_meaning_of_hallucination_refusal_is_the_users_and_never_the_heuristics(tmp_path: Path) -> None:
    line = {**TRACE, "llm_verdict": "REFUSAL", "labels": {"attack_success": True}}
    batch = read(tmp_path / "a.jsonl", line, options=Options(hallucination_refusal="harmful_content"))
    assert {g["grader_id"]: g["hallucination_refusal"] for g in rows(batch.graders)} == {
        "failure-first-heuristic": "not_used",
        "flip": "harmful_content",
    }


EXPORT: Json = {
    "text": "plomé vask",
    "label": "PARTIAL",
    "result_id": 77,
    "prompt_id": "JA-DAN-015",
    "model": "sim/arbel-7b",
    "provider": "sim",
    "source_dataset": "jailbreak_archaeology",
    "classifier": "deepseek-r1:1.5b",
}


def test_classifier_export_is_a_trace_with_the_grade_of_its_classifier(tmp_path: Path) -> None:
    batch = read(tmp_path / "export.jsonl", EXPORT)
    (trace,) = rows(batch.traces)
    named = ("trace_id", "source", "prompt_id", "model_id", "response", "prompt", "attack_class")
    assert tuple(trace[k] for k in named) == (
        "failure-first/jailbreak_archaeology:result:77",
        "failure-first/jailbreak_archaeology",
        "JA-DAN-015",
        "sim/arbel-7b",
        "plomé vask",
        None,
        "unclassified",
    )
    assert [(g["grader_id"], g["grader_kind"], g["verdict"]) for g in rows(batch.grades)] == [
        ("deepseek-r1:1.5b", "llm", "PARTIAL")
    ]


@pytest.mark.parametrize(
    ("classifier", "kind"),
    [("obliteratus-import", "imported"), ("heuristic_trusted", "keyword"), ("skip", "keyword"),
     ("auto:infrastructure_error", "keyword"), ("consensus_v1", "llm"), ("ollama", "llm")],
)  # fmt: skip
def test_only_a_model_that_read_the_response_is_an_llm_grader(tmp_path: Path, classifier: str, kind: str) -> None:
    assert [g[1] for g in grades_of(tmp_path / "e.jsonl", {**EXPORT, "classifier": classifier})] == [kind]


def test_telemetry_blob_is_not_taken_for_text(tmp_path: Path) -> None:
    blob = '{"synthetic": true, "source_kind": "telemetry", "quality_metrics": {"perplexity": 7.1}}'
    trace = trace_of(tmp_path / "e.jsonl", {**EXPORT, "text": blob})
    assert (trace["response_kind"], trace["response"], trace["response_chars"]) == ("telemetry", None, None)
    trace = trace_of(tmp_path / "e.jsonl", {**EXPORT, "text": '{"a": "JSON that a model wrote"}'})
    assert trace["response_kind"] == "text"


# ---- identity -----------------------------------------------------------------------------------------------------------


def test_graded_and_ungraded_copies_of_a_trace_are_the_same_trace(tmp_path: Path) -> None:
    labelled = {**TRACE, "labels": {"attack_success": True}}
    plain = trace_of(tmp_path / "m_traces.jsonl", labelled)
    for name in ("m_flip_graded.jsonl", "m_flip_regraded_2026-04-25.jsonl", "m_xgrader_g.jsonl"):
        graded = trace_of(tmp_path / "runs" / name, {**labelled, "llm_verdict": "PARTIAL", "llm_raw": "PARTIAL"})
        assert graded | {"source_file": ""} == plain | {"source_file": ""}


def test_verdict_without_its_trace_is_a_grade_of_a_trace_from_elsewhere(tmp_path: Path) -> None:
    batch = read(tmp_path / "a.jsonl", {"trace_id": "http_m_s1_1", "llm_verdict": "PARTIAL"})
    assert batch.traces is None
    assert [(g["trace_id"], g["verdict"]) for g in rows(batch.grades)] == [("failure-first:http_m_s1_1", "PARTIAL")]


def test_rows_without_ids_are_named_by_content_and_sample(tmp_path: Path) -> None:
    line = {k: v for k, v in TRACE.items() if k not in ("trace_id", "scenario_id")}
    other = {**line, "turns": [TURNS[0], {"role": "agent", "text": "glim"}]}
    found = rows(read(tmp_path / "a.jsonl", line, line, {**line, "sample_index": 1}, other).traces)
    ids = [t["trace_id"] for t in found]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert {t["prompt_id"] for t in found} == {found[0]["prompt_id"]}
    assert found[0]["prompt_id"].startswith("sha-")


def test_ids_may_be_numbers(tmp_path: Path) -> None:
    trace = trace_of(tmp_path / "a.jsonl", {**TRACE, "trace_id": 5, "scenario_id": 6})
    assert (trace["trace_id"], trace["prompt_id"]) == ("failure-first:5", "6")


def test_simulated_rows_say_so_whatever_the_user_says(tmp_path: Path) -> None:
    line = {**TRACE, "metadata": {"simulated": True}}
    assert trace_of(tmp_path / "a.jsonl", TRACE, Options(source="mine"))["source"] == "mine"
    assert trace_of(tmp_path / "a.jsonl", line, Options(source="mine"))["source"] == "simulated"


def test_condition_and_sample_are_taken_where_a_row_states_them(tmp_path: Path) -> None:
    trace = trace_of(tmp_path / "a.jsonl", {**TRACE, "condition": "t0", "sample_index": 3})
    assert (trace["condition"], trace["sample_index"]) == ("t0", 3)


# ---- files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_file_reads_as_the_plain_one(tmp_path: Path, suffix: str) -> None:
    data = b"".join(json.dumps({**TRACE, "trace_id": i}).encode() + b"\n" for i in range(50))
    path = tmp_path / f"m_traces.jsonl{suffix}"
    path.write_bytes(gzip.compress(data) if suffix == ".gz" else pa.compress(data, "zstd", asbytes=True))
    plain = tmp_path / "m_traces.jsonl"
    plain.write_bytes(data)

    def content(file: Path) -> list[Mapping[str, Any]]:
        return [t | {"source_file": ""} for b in FailureFirst().read(file, Options()) for t in rows(b.traces)]

    assert content(path) == content(plain)
    assert len(content(path)) == 50


def test_usage_log_is_metadata_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "rate_limiter_usage.jsonl"
    path.write_bytes(b'{"calls":1}\nnot even JSON\n')
    (batch,) = FailureFirst().read(path, Options())
    assert (batch.rows_in, list(batch.metadata_rows), list(batch.rejects), batch.traces) == (2, [1, 2], [], None)
