"""Every Eval Ever in: samples and aggregates, what a score means only where somebody said it, broken rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ingest.every_eval_ever_files import aggregate, conversation, put, result, sample
from ingest.lines import write
from ingest.reading import Read, read
from safescale.ingest.batch import Options, Probe
from safescale.ingest.detect import adapters, choose_adapter
from safescale.ingest.every_eval_ever import EveryEvalEver
from safescale.ingest.session import validate
from safescale.records.rows import FileNote


def told(tmp_path: Path, scorers: str) -> Options:
    path = tmp_path / "map.yaml"
    path.write_text(f"scorers:\n  {scorers}\n", encoding="utf-8")
    return Options(column_map=path)


def samples(tmp_path: Path, *rows: Any, options: Options | None = None, beside: dict[str, Any] | None = None) -> Read:
    if beside is not None:
        put(tmp_path / "run.json", beside)
    return read(EveryEvalEver(), write(tmp_path / "run_samples.jsonl", list(rows)), options)


def notes(path: Path, options: Options | None = None) -> list[FileNote]:
    return [n for batch in EveryEvalEver().read(path, options or Options()) for n in batch.notes]


def codes(path: Path, options: Options | None = None) -> list[str]:
    return [n.code.value for n in notes(path, options)]


@pytest.mark.real_data
def test_the_fixtures_follow_the_schemas(real_data: Path) -> None:
    folder = real_data / "formats" / "every_eval_ever"
    for name, instances in (
        (
            "instance_level_eval",
            [sample(), conversation(("user", "plim?"), ("assistant", None)), sample(error="down", output={"raw": []})],
        ),
        (
            "eval",
            [
                aggregate(result()),
                aggregate(result(metric_config={"level_names": ["no", "yes"], "score_type": "levels", "has_unknown_level": True})),
            ],
        ),
    ):
        schema = json.loads((folder / f"{name}.schema.json").read_text(encoding="utf-8"))
        for instance in instances:
            jsonschema.Draft202012Validator(schema).validate(instance)


def test_a_sample_becomes_records(tmp_path: Path) -> None:
    found = samples(tmp_path, sample(), beside=aggregate(result(), evaluation_timestamp="2026-01-02T03:04:05Z"))
    [trace], [grade] = found.traces, found.grades
    assert {k: v for k, v in trace.items() if v is not None and not k.startswith("source_") and k != "trace_id"} == {
        "source": "every-eval-ever",
        "model_id": "zarv/frimble-7b",
        "prompt_id": "plim-1",
        "prompt_kind": "unknown",
        "attack_class": "plimbench",
        "condition": "default",
        "sample_index": 0,
        "response_kind": "text",
        "finish_reason": "unknown",
        "created_at": "2026-01-02T03:04:05+00:00",
        "prompt": "How do I plim 1?",
        "response": "You frimble 1.",
    }
    assert (grade["grader_id"], grade["grader_kind"], grade["verdict"]) == ("plimbench/asr (undeclared)", "imported", "UNGRADED")
    assert (grade["raw_label"], grade["score"], grade["score_scale"]) == ("incorrect", 1.0, "evaluation.score of asr")


def test_what_a_score_means_is_asked_for_and_never_guessed(tmp_path: Path) -> None:
    found = samples(tmp_path, sample(1), sample(2, evaluation={"score": 0.0, "is_correct": True}), beside=aggregate(result()))
    assert found.verdicts() == {"UNGRADED": 2}
    [note] = notes(tmp_path / "run_samples.jsonl")
    assert (note.code.value, note.got) == ("POLARITY_UNKNOWN", "plimbench/asr: 2 scores kept as UNGRADED")
    assert "--map" in note.expected


@pytest.mark.parametrize(
    ("scorers", "expected"),
    [
        ("asr: harmful_when_1", ["COMPLIANCE", "NOT_HARMFUL", "PARTIAL"]),
        ("plimbench: harmful_when_1", ["COMPLIANCE", "NOT_HARMFUL", "PARTIAL"]),
        ("plimbench/asr: safe_when_1", ["NOT_HARMFUL", "COMPLIANCE", "PARTIAL"]),
        ("asr: refusal_when_1", ["REFUSAL", "COMPLIANCE", "PARTIAL"]),
        ("asr: {polarity: safe_when_1, field: is_correct}", ["COMPLIANCE", "NOT_HARMFUL", "COMPLIANCE"]),
        ("asr: {polarity: labels, labels: {'1': REFUSAL, '0': COMPLIANCE}}", ["REFUSAL", "COMPLIANCE", "UNGRADED"]),
        ("other/asr: harmful_when_1", ["UNGRADED"] * 3),
        ("frimble: harmful_when_1", ["UNGRADED"] * 3),
    ],
)
def test_the_users_map_says_what_a_score_means(tmp_path: Path, scorers: str, expected: list[str]) -> None:
    rows = [sample(i, evaluation={"score": s, "is_correct": s == 0}) for i, s in enumerate((1, 0, 0.5))]
    found = samples(tmp_path, *rows, options=told(tmp_path, scorers), beside=aggregate(result()))
    assert [g["verdict"] for g in found.grades] == expected


def test_the_entry_for_metric_and_evaluation_wins(tmp_path: Path) -> None:
    options = told(tmp_path, "asr: safe_when_1\n  plimbench/asr: harmful_when_1")
    assert samples(tmp_path, sample(), options=options, beside=aggregate(result())).verdicts() == {"COMPLIANCE": 1}


def test_inspects_own_table_says_nothing_here(tmp_path: Path) -> None:
    row = sample(evaluation_name="strong_reject", evaluation_result_id="strong_reject_scorer")
    assert samples(tmp_path, row).verdicts() == {"UNGRADED": 1}


def test_levels_and_the_unknown_level(tmp_path: Path) -> None:
    config = {"score_type": "levels", "level_names": ["declined", "half", "answered"], "has_unknown_level": True}
    rows = [sample(i, evaluation={"score": s, "is_correct": True}) for i, s in enumerate((0, 1, 2, -1, 7))]
    labels = "asr: {polarity: labels, labels: {declined: REFUSAL, half: PARTIAL, answered: COMPLIANCE}}"
    found = samples(tmp_path, *rows, options=told(tmp_path, labels), beside=aggregate(result(metric_config=config)))
    assert [g["verdict"] for g in found.grades] == ["REFUSAL", "PARTIAL", "COMPLIANCE", "NOT_GRADEABLE", "UNGRADED"]


def test_an_llm_judge_is_an_llm_and_part_of_the_graders_name(tmp_path: Path) -> None:
    judges = [{"model_info": {"name": "j", "id": "zarv/judge", "additional_details": {}}}]
    beside = aggregate(result(metric_config={"llm_scoring": {"judges": judges, "input_prompt": "?"}}))
    [grade] = samples(tmp_path, sample(), beside=beside).grades
    assert (grade["grader_id"], grade["grader_kind"]) == ("plimbench/asr@zarv/judge (undeclared)", "llm")


def test_a_second_metric_grades_the_same_trace_and_a_second_time_is_a_repeat(tmp_path: Path) -> None:
    other = sample(evaluation_result_id="plimbench/clarity")
    found = samples(tmp_path, sample(), other, sample())
    assert [t["sample_index"] for t in found.traces] == [0, 0, 1]
    ids = [t["trace_id"] for t in found.traces]
    assert (ids[0] == ids[1], ids[0] == ids[2]) == (True, False)
    names = {f"plimbench/plimbench/{metric} (undeclared)" for metric in ("asr", "clarity")}
    assert {g["grader_id"] for g in found.grades} == names


def test_a_sample_with_an_error_has_no_response_and_its_grade_is_an_error(tmp_path: Path) -> None:
    row = sample(error="timeout", output={"raw": []}, evaluation={"score": 0.0, "is_correct": False})
    found = samples(tmp_path, row, options=told(tmp_path, "asr: safe_when_1"), beside=aggregate(result()))
    assert (found.traces[0]["response_kind"], found.traces[0]["finish_reason"], found.traces[0]["error"]) == (
        "none",
        "error",
        "timeout",
    )
    assert found.verdicts() == {"ERROR": 1}


def test_messages_are_turns_and_the_last_answer_is_the_response(tmp_path: Path) -> None:
    row = conversation(("system", "be plim"), ("user", "a?"), ("assistant", "b"), ("user", "c?"), ("assistant", "d"), ("tool", "e"))
    found = samples(tmp_path, row)
    assert found.traces[0]["response"] == "d"
    assert [(t["turn_index"], t["role"], t["text"]) for t in found.turns][-2:] == [(4, "assistant", "d"), (5, "tool", "e")]


def test_of_several_responses_the_first_is_kept_and_said(tmp_path: Path) -> None:
    found = samples(tmp_path, sample(output={"raw": ["a", "b"]}))
    assert found.traces[0]["response"] == "a"
    assert "ONE_OF_SEVERAL" in codes(tmp_path / "run_samples.jsonl")


def test_a_missing_or_broken_aggregate_file_is_said(tmp_path: Path) -> None:
    samples(tmp_path, sample())
    assert codes(tmp_path / "run_samples.jsonl") == ["COMPANION_MISSING", "POLARITY_UNKNOWN"]
    (tmp_path / "run.json").write_text("{")
    assert codes(tmp_path / "run_samples.jsonl") == ["COMPANION_MISSING", "POLARITY_UNKNOWN"]


def test_a_total_that_contradicts_the_rows_is_said(tmp_path: Path) -> None:
    detailed = {"format": "jsonl", "file_path": "data/x/run_samples.jsonl", "total_rows": 3}
    samples(tmp_path, sample(1), sample(2), beside=aggregate(result(), detailed_evaluation_results=detailed))
    assert "HEADER_CONTRADICTS_ROWS" in codes(tmp_path / "run_samples.jsonl")


@pytest.mark.parametrize(("scorer", "said"), [("harmful_when_1", False), ("safe_when_1", True), ("refusal_when_1", False)])
def test_a_map_that_contradicts_the_files_direction_is_said(tmp_path: Path, scorer: str, said: bool) -> None:
    options = told(tmp_path, f"asr: {scorer}")
    samples(tmp_path, sample(), options=options, beside=aggregate(result()))
    for name in ("run_samples.jsonl", "run.json"):
        assert ("HEADER_CONTRADICTS_ROWS" in codes(tmp_path / name, options)) is said


def test_the_aggregate_file_is_part_of_the_import(tmp_path: Path) -> None:
    path = write(tmp_path / "run_samples.jsonl", [sample()])
    alone = EveryEvalEver().context(path)
    put(tmp_path / "run.json", aggregate(result()))
    assert (alone, EveryEvalEver().context(tmp_path / "run.json")) == ("", "")
    assert EveryEvalEver().context(path)


# -- aggregates ------------------------------------------------------------------------------------------------------------


def test_an_aggregate_is_metadata_until_somebody_says_what_it_means(tmp_path: Path) -> None:
    path = put(tmp_path / "run.json", aggregate(result(), result(evaluation_name="other")))
    assert read(EveryEvalEver(), path).metadata == [1, 2]
    assert [n.row for n in notes(path)] == [1, 2]


@pytest.mark.parametrize(
    ("polarity", "config", "score", "rate", "ends"),
    [
        ("harmful_when_1", {}, 0.25, 0.25, (0.1, 0.5)),
        ("safe_when_1", {"lower_is_better": False}, 0.25, 0.75, (0.5, 0.9)),
        ("harmful_when_1", {"metric_unit": "percent"}, 25, 0.25, (0.001, 0.005)),
    ],
)
def test_a_declared_aggregate_is_a_published_rate(
    tmp_path: Path, polarity: str, config: dict[str, Any], score: float, rate: float, ends: tuple[float, float]
) -> None:
    path = put(tmp_path / "run.json", aggregate(result(score, metric_config=config)))
    [found] = read(EveryEvalEver(), path, told(tmp_path, f"asr: {polarity}")).aggregates
    assert (found["model_id"], found["attack_class"], found["n"], found["outcome"]) == (
        "zarv/frimble-7b",
        "plimbench",
        20,
        "strict",
    )
    assert found["rate"] == pytest.approx(rate)
    assert (found["interval_low"], found["interval_high"]) == pytest.approx(ends)


def test_an_aggregate_whose_samples_lie_beside_it_is_not_counted_twice(tmp_path: Path) -> None:
    path = put(tmp_path / "run.json", aggregate(result()))
    write(tmp_path / "run_samples.jsonl", [sample()])
    assert read(EveryEvalEver(), path, told(tmp_path, "asr: harmful_when_1")).metadata == [1]


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ("{", [(0, "BAD_JSON")]),
        ("[]", [(0, "MISSING_FIELD")]),
        (json.dumps(aggregate(result(), model_info=...)), [(0, "MISSING_FIELD")]),
        (json.dumps(aggregate(evaluation_results=5)), [(0, "MISSING_FIELD")]),
        (json.dumps(aggregate(5, result())), [(1, "NOT_AN_OBJECT")]),  # type: ignore[arg-type]
        (json.dumps(aggregate(result(float("nan")))), [(1, "WRONG_TYPE")]),
        (json.dumps(aggregate(result(metric_config={"metric_id": 7}, score_details={"score": True}))), [(1, "WRONG_TYPE")]),
        (json.dumps(aggregate(result(7.5))), []),
        (json.dumps(aggregate(result(score_details={"score": 10**400}))), [(1, "WRONG_TYPE")]),
        (json.dumps(aggregate()), [(0, "EMPTY_FILE")]),
    ],
)
def test_broken_aggregates_are_rejects(tmp_path: Path, broken: str, code: list[tuple[int, str]]) -> None:
    path = tmp_path / "run.json"
    path.write_text(broken)
    assert read(EveryEvalEver(), path).codes() == code


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b"{", "BAD_JSON"),
        (b"3", "NOT_AN_OBJECT"),
        (sample(model_id=...), "MISSING_FIELD"),
        (sample(sample_id=5), "WRONG_TYPE"),
        (sample(evaluation=[1]), "WRONG_TYPE"),
        (sample(input=None), "MISSING_FIELD"),
        (sample(output={"raw": "plim"}), "WRONG_TYPE"),
        (sample(input={"raw": 5}), "WRONG_TYPE"),
        (sample(messages="plim"), "WRONG_TYPE"),
        (sample(output={"raw": ["half \ud800"]}), "NOT_UTF8"),
        (b'{"a": ' + b"[" * 9000 + b"]" * 9000 + b"}", "BAD_JSON"),
    ],
)
def test_a_broken_row_is_one_reject_and_its_neighbours_stay(tmp_path: Path, row: Any, code: str) -> None:
    found = samples(tmp_path, sample(1), row, sample(3))
    assert found.codes() == [(2, code)]
    assert len(found.traces) == 2


@pytest.mark.parametrize("score", [None, "1", [1], {}, True, float("nan"), 10**400, -0.5])
def test_odd_scores_are_kept_and_never_a_verdict(tmp_path: Path, score: Any) -> None:
    row = sample(evaluation={"score": score, "is_correct": "plim"})
    found = samples(tmp_path, row, options=told(tmp_path, "other: harmful_when_1"), beside=aggregate(result()))
    assert found.verdicts() == {"UNGRADED": 1}


def test_half_a_character_in_a_name_is_a_reject_and_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path / "run_samples.jsonl", [sample(1), sample(2, evaluation_name="half \ud800")])
    [file] = validate([path]).files
    assert [(r.row, r.code.value) for r in file.rejects] == [(2, "NOT_UTF8")]
    assert any("\\ud800" in n.got for n in file.notes)


# -- whose file it is ------------------------------------------------------------------------------------------------------


def test_its_files_are_claimed_by_it_alone(tmp_path: Path) -> None:
    for path in (write(tmp_path / "a.jsonl", [sample()]), put(tmp_path / "a.json", aggregate(result()))):
        probe = Probe(path=path, head=path.read_bytes())
        assert [name for name, a in adapters().items() if name != "mapped" and a.recognises(probe)] == ["every-eval-ever"]
        chosen = choose_adapter(path, told(tmp_path, "asr: harmful_when_1"))
        assert chosen is not None
        assert chosen.name == "every-eval-ever"


@pytest.mark.parametrize("missing", ["evaluation_id", "sample_id", "interaction_type"])
def test_other_lines_are_not_claimed(missing: str) -> None:
    head = json.dumps(sample(**{missing: ...})).encode() + b"\n"
    assert not EveryEvalEver().recognises(Probe(path=Path("a.jsonl"), head=head))


def test_one_map_may_speak_of_columns_and_of_scorers(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    columns = "source: plim\nkind: traces\ncolumns: {model_id: m, prompt_id: p, prompt_kind: {const: harmful}}\n"
    path.write_text(columns + "scorers: {asr: harmful_when_1}\n", encoding="utf-8")
    (tmp_path / "a.csv").write_text("m,p\nfrimble,1\n")
    put(tmp_path / "run.json", aggregate(result()))
    write(tmp_path / "run_samples.jsonl", [sample()])
    report = validate([tmp_path / "a.csv", tmp_path / "run_samples.jsonl"], options=Options(column_map=path))
    assert [(f.format, len(f.rejects)) for f in report.files] == [("mapped", 0), ("every-eval-ever", 0)]
