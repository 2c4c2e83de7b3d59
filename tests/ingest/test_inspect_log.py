"""Inspect logs written here in invented vocabulary: fields, scores, polarity, dirt."""

from __future__ import annotations

import contextlib
import json
import math
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.reading import Read, read
from safescale.errors import DataError, MissingBackend
from safescale.ingest.batch import Options, Probe
from safescale.ingest.inspect_log import InspectLog
from safescale.ingest.inspect_polarity import POLARITIES, Polarity, polarities, score_number, verdict_of_score
from safescale.ingest.session import ingest
from safescale.records.verdicts import Verdict
from safescale.store import open_corpus


def sample(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "epoch": 1,
        "input": "name a fruit",
        "target": "plum",
        "output": {"model": "toy", "choices": [{"message": {"content": "plum"}, "stop_reason": "stop"}]},
        "scores": {"judge": {"value": "C"}},
        "uuid": "u1",
        **changes,
    }


def log(*samples: Any, **header: Any) -> dict[str, Any]:
    spec = {
        "run_id": "r",
        "task_id": "t",
        "created": "2026-01-06T08:42:25+00:00",
        "task": "toys/fruit",
        "model": "toy/model-7b",
        "model_generate_config": {"seed": 5},
        **header.pop("eval", {}),
    }
    scores = [{"name": "judge", "scorer": "judge"}]
    return {"version": 2, "status": "success", "eval": spec, "results": {"scores": scores}, **header, "samples": list(samples)}


def run(folder: Path, content: Any, polarity: str | None = None) -> Read:
    path = folder / "log.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    options = Options()
    if polarity is not None:
        (folder / "polarity.yaml").write_text(polarity)
        options = Options(column_map=folder / "polarity.yaml")
    return read(InspectLog(), path, options)


def with_polarity(name: str) -> str:
    return f"inspect: {{scorers: {{judge: {name}}}}}"


def test_a_sample_becomes_a_trace_and_a_grade(tmp_path: Path) -> None:
    found = run(tmp_path, log(sample(epoch=3, completed_at="2026-01-06T08:42:30+00:00")))
    (trace,) = found.traces
    expected = {
        "trace_id": "inspect:u1",
        "source": "inspect",
        "source_row": 1,
        "model_id": "toy/model-7b",
        "prompt_id": "1",
        "prompt_kind": "unknown",
        "attack_class": "fruit",
        "condition": "default",
        "sample_index": 2,
        "response_kind": "text",
        "finish_reason": "stop",
        "response": "plum",
        "response_chars": 4,
        "prompt": "name a fruit",
        "seed": 5,
        "created_at": "2026-01-06T08:42:30+00:00",
    }
    assert {k: trace[k] for k in expected} == expected
    assert [(g["grader_id"], g["verdict"], g["raw_label"], g["score"]) for g in found.grades] == [
        ("fruit/judge (undeclared)", "UNGRADED", "C", 1.0)
    ]


@pytest.mark.parametrize(
    ("given_time", "stored"),
    [
        ("2024-10-15T12:53:13-04:00", "2024-10-15T16:53:13+00:00"),
        ("2024-10-15T16:53:13.25Z", "2024-10-15T16:53:13.250000+00:00"),
        ("2024-10-15T16:53:13", "2024-10-15T16:53:13"),
        ("2024-13-15T16:53:13Z", "2026-01-06T08:42:25+00:00"),
        ("[redacted]", "2026-01-06T08:42:25+00:00"),
    ],
)
def test_instants_are_utc_and_filler_falls_back_to_the_log(tmp_path: Path, given_time: str, stored: str) -> None:
    assert run(tmp_path, log(sample(completed_at=given_time))).traces[0]["created_at"] == stored


def test_an_unknown_polarity_is_never_guessed(tmp_path: Path) -> None:
    values = ["C", "I", "P", "N", 1, 0, 0.5, True, False, "some words", None, {"a": 1}, [1, 0]]
    found = run(tmp_path, log(*(sample(id=i, uuid=f"u{i}", scores={"judge": {"value": v}}) for i, v in enumerate(values))))
    assert found.verdicts() == {"UNGRADED": len(values)}
    assert [g["raw_label"] for g in found.grades][:2] == ["C", "I"]
    assert found.graders[0]["outcome_map"] == "undeclared polarity"
    [note] = found.notes
    assert (note.code, note.column, note.got) == ("POLARITY_UNKNOWN", "judge", "12 scores, kept as UNGRADED")


def test_a_log_can_be_read_again_once_its_polarity_is_declared(tmp_path: Path) -> None:
    """The note says to declare it: what is stored already must not stand against that."""
    path = tmp_path / "log.json"
    path.write_text(json.dumps(log(sample())), encoding="utf-8")
    (tmp_path / "map.yaml").write_text("scorers: {judge: refusal_when_1}")
    with contextlib.closing(open_corpus(tmp_path / "c.db", create=True)) as corpus:
        for options in (Options(), Options(column_map=tmp_path / "map.yaml")):
            assert [file.rejects for file in ingest([path], corpus, options=options).files] == [()]
        grades = corpus.read("grades").to_pylist()
    assert {g["grader_id"]: g["verdict"] for g in grades} == {"fruit/judge (undeclared)": "UNGRADED", "fruit/judge": "REFUSAL"}


@pytest.mark.parametrize(
    ("polarity", "at_1", "at_0"),
    [
        ("harmful_when_1", "COMPLIANCE", "NOT_HARMFUL"),
        ("safe_when_1", "NOT_HARMFUL", "COMPLIANCE"),
        ("refusal_when_1", "REFUSAL", "COMPLIANCE"),
    ],
)
def test_polarity_of_the_user(tmp_path: Path, polarity: str, at_1: str, at_0: str) -> None:
    values = ["C", 1, 1.0, True, "1", "I", 0, False, "P", 0.5, "N", 3, -1, "words", None]
    samples = [sample(id=i, uuid=f"u{i}", scores={"judge": {"value": v}}) for i, v in enumerate(values)]
    found = run(tmp_path, log(*samples), with_polarity(polarity))
    assert [g["verdict"] for g in found.grades] == [at_1] * 5 + [at_0] * 3 + ["PARTIAL"] * 2 + ["UNGRADED"] * 5


def test_nan_is_ungraded(tmp_path: Path) -> None:
    found = run(tmp_path, log(sample(scores={"judge": {"value": math.nan}})), with_polarity("harmful_when_1"))
    assert [(g["verdict"], g["score"]) for g in found.grades] == [("UNGRADED", None)]


def test_labels_field_and_task_of_the_users_map(tmp_path: Path) -> None:
    text = """
inspect:
  scorers:
    toys/fruit/judge: {polarity: labels, labels: {a: COMPLIANCE, B: REFUSAL}, field: grade, prompt_kind: harmful, grader_kind: llm}
    other_task/judge: harmful_when_1
"""
    samples = [sample(id=i, uuid=f"u{i}", scores={"judge": {"value": {"grade": v, "x": 1}}}) for i, v in enumerate("Ab?")]
    found = run(tmp_path, log(*samples), text)
    assert [g["verdict"] for g in found.grades] == ["COMPLIANCE", "REFUSAL", "UNGRADED"]
    assert {g["grader_id"] for g in found.grades} == {"fruit/judge.grade"}
    assert {t["prompt_kind"] for t in found.traces} == {"harmful"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("inspect: {scorer: {a: harmful_when_1}}", "inspect.scorer"),
        ("inspect: {scorers: {judge: harmful}}", "inspect.scorers.judge"),
        ("inspect: {scorers: {judge: labels}}", "inspect.scorers.judge"),
        ("inspect: {scorers: {judge: {polarity: labels}}}", "inspect.scorers.judge"),
        ("inspect: {scorers: {judge: {polarity: labels, labels: {a: YES}}}}", "inspect.scorers.judge.labels.a"),
        ("inspect: {scorers: {judge: {field: x}}}", "inspect.scorers.judge.polarity"),
    ],
)
def test_refuses_a_wrong_polarity_map(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(DataError, match="the map is wrong") as caught:
        run(tmp_path, log(sample()), text)
    assert caught.value.column == key


def test_shipped_table_reads_strong_reject(tmp_path: Path) -> None:
    samples = [
        sample(
            id=i, uuid=f"u{i}", scores={"strong_reject_scorer": {"value": {"refusal": r, "specificity": 1, "convincingness": 1}}}
        )
        for i, r in enumerate([0, 1])
    ]
    header = {
        "eval": {"task": "inspect_evals/strong_reject"},
        "results": {"scores": [{"name": "x", "scorer": "strong_reject_scorer"}]},
    }
    found = run(tmp_path, log(*samples, **header))
    assert [g["verdict"] for g in found.grades] == ["COMPLIANCE", "REFUSAL"]
    assert {t["prompt_kind"] for t in found.traces} == {"harmful"}
    assert found.graders[0]["outcome_map"] == "refusal_only"


def test_shipped_table_reads_xstest_with_both_kinds_of_prompts(tmp_path: Path) -> None:
    samples = [
        sample(id=i, uuid=f"u{i}", metadata={"label": kind}, scores={"model_graded_qa": {"value": v}})
        for i, (kind, v) in enumerate([("safe", "C"), ("unsafe", "I"), ("unsafe", "P")])
    ]
    found = run(tmp_path, log(*samples, eval={"task": "xstest"}, results=None))
    assert [t["prompt_kind"] for t in found.traces] == ["unknown"] * 3  # no scorer is declared in this log
    scorers = {"scores": [{"name": "model_graded_qa", "scorer": "model_graded_qa"}]}
    found = run(tmp_path, log(*samples, eval={"task": "xstest"}, results=scorers))
    assert [t["prompt_kind"] for t in found.traces] == ["benign", "harmful", "harmful"]
    assert [g["verdict"] for g in found.grades] == ["COMPLIANCE", "REFUSAL", "PARTIAL"]


def test_shipped_table_gives_agentharm_two_grades_of_two_targets(tmp_path: Path) -> None:
    header = {"eval": {"task": "agentharm"}, "results": {"scores": [{"scorer": "combined_scorer"}]}}
    found = run(tmp_path, log(sample(scores={"combined_scorer": {"value": {"score": 0.25, "refusal": 0.0}}}), **header))
    assert sorted((g["grader_id"], g["target"], g["verdict"]) for g in found.grades) == [
        ("agentharm/combined_scorer.refusal", "text", "COMPLIANCE"),
        ("agentharm/combined_scorer.score", "action", "PARTIAL"),
    ]


def test_every_shipped_entry_is_well_formed() -> None:
    shipped = polarities(None)
    assert len(shipped) >= 6
    for entry in shipped:
        assert entry.polarity in POLARITIES
        assert entry.tasks
        assert (entry.polarity == "labels") == bool(entry.labels)
        assert entry.prompt_kind in {"harmful", "benign", None}


def test_a_failed_sample_has_no_response_and_an_error_of_each_scorer(tmp_path: Path) -> None:
    failed = sample(error={"message": "the tool broke", "traceback": "..."}, scores={})
    found = run(tmp_path, log(failed), with_polarity("harmful_when_1"))
    (trace,) = found.traces
    assert (trace["response_kind"], trace["finish_reason"], trace["error"]) == ("none", "error", "the tool broke")
    assert (trace["response"], trace["response_chars"]) == (None, None)
    assert found.verdicts() == {"ERROR": 1}


@pytest.mark.parametrize(("limit", "reason"), [("token", "length"), ("time", "timeout"), ("message", "stop")])
def test_a_sample_at_a_limit_is_scored_as_inspect_scores_it(tmp_path: Path, limit: str, reason: str) -> None:
    stopped = sample(limit={"type": limit, "limit": 5})
    unscored = sample(id=2, uuid="u2", limit={"type": limit, "limit": 5}, scores={})
    found = run(tmp_path, log(stopped, unscored), with_polarity("harmful_when_1"))
    assert [g["verdict"] for g in found.grades] == ["COMPLIANCE", "ERROR"]
    assert {t["finish_reason"] for t in found.traces} == {reason}


@pytest.mark.parametrize(
    ("stop", "reason"),
    [("max_tokens", "length"), ("model_length", "length"), ("content_filter", "content_filter"), ("new thing", "unknown")],
)
def test_stop_reasons(tmp_path: Path, stop: str, reason: str) -> None:
    output = {"choices": [{"message": {"content": "plum"}, "stop_reason": stop}]}
    assert run(tmp_path, log(sample(output=output))).traces[0]["finish_reason"] == reason


def test_an_invalidated_sample_is_not_gradeable(tmp_path: Path) -> None:
    found = run(tmp_path, log(sample(invalidation={"author": "x"})), with_polarity("harmful_when_1"))
    assert found.verdicts() == {"NOT_GRADEABLE": 1}


def test_a_sample_without_score_is_ungraded_by_each_scorer_of_the_log(tmp_path: Path) -> None:
    scorers = {"scores": [{"scorer": "judge"}, {"scorer": "second"}]}
    found = run(tmp_path, log(sample(scores={"judge": {"value": 1}}), results=scorers), with_polarity("harmful_when_1"))
    assert [(g["grader_id"], g["verdict"]) for g in found.grades] == [
        ("fruit/judge", "COMPLIANCE"),
        ("fruit/second (undeclared)", "UNGRADED"),
    ]


def test_text_parts_attachments_and_reasoning(tmp_path: Path) -> None:
    digest = "0" * 32
    content = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": f"attachment://{digest}"}, {"type": "image"}]
    output = {"choices": [{"message": {"content": content}, "stop_reason": "stop"}]}
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": [{"type": "text", "text": "name it"}]}]
    found = run(tmp_path, log(sample(output=output, input=messages, attachments={digest: "a long plum"})))
    assert found.traces[0]["response"] == "a long plum\n[image]"
    assert found.traces[0]["prompt"] == "name it"


def test_only_several_turns_are_kept_as_turns(tmp_path: Path) -> None:
    two = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    four = [*two, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]
    found = run(tmp_path, log(sample(messages=two), sample(id=2, uuid="u2", messages=four)))
    assert [(t["trace_id"], t["turn_index"], t["role"], t["text"]) for t in found.turns] == [
        ("inspect:u2", 0, "user", "a"),
        ("inspect:u2", 1, "assistant", "b"),
        ("inspect:u2", 2, "user", "c"),
        ("inspect:u2", 3, "assistant", "d"),
    ]


def test_metadata_may_name_attack_and_condition(tmp_path: Path) -> None:
    found = run(tmp_path, log(sample(metadata={"attack_class": "persuasion", "condition": "guarded", "prompt_kind": "harmful"})))
    trace = found.traces[0]
    assert (trace["attack_class"], trace["condition"], trace["prompt_kind"]) == ("persuasion", "guarded", "harmful")


def test_ids_without_uuid_are_those_of_run_sample_and_epoch(tmp_path: Path) -> None:
    plain = sample(uuid=None, epoch=2)
    assert run(tmp_path, log(plain)).traces[0]["trace_id"] == "inspect:r/t/1/2"
    bare = run(tmp_path, log(plain, eval={"run_id": None})).traces[0]["trace_id"]
    assert bare.startswith("inspect:sha-")


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("words", "NOT_AN_OBJECT"),
        (sample(id=None), "MISSING_FIELD"),
        (sample(id=[1]), "WRONG_TYPE"),
        (sample(epoch="1"), "WRONG_TYPE"),
        (sample(epoch=0), "OUT_OF_RANGE"),
        (sample(output="plum"), "WRONG_TYPE"),
        (sample(output={"choices": ["plum"]}), "WRONG_TYPE"),
        (sample(scores=[1]), "WRONG_TYPE"),
        (sample(input="pl\ud800um"), "NOT_UTF8"),
    ],
)
def test_a_bad_sample_is_one_reject(tmp_path: Path, bad: Any, code: str) -> None:
    found = run(tmp_path, log(sample(), bad, sample(id=3, uuid="u3")))
    assert (found.rows_in, found.codes(), len(found.traces)) == (3, [(2, code)], 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "BAD_JSON"),
        ("[" * 100_000, "BAD_JSON"),
        ("[]", "UNKNOWN_FORMAT"),
        ('{"eval": 1}', "UNKNOWN_FORMAT"),
        ('{"eval": {"model": "m", "task": "t"}, "samples": {"a": 1}}', "WRONG_TYPE"),
        ('{"eval": {"model": "m", "task": "t"}}', "EMPTY_FILE"),
        ('{"eval": {"task": "t"}, "samples": []}', "MISSING_FIELD"),
    ],
)
def test_a_file_that_is_no_log_says_why(tmp_path: Path, text: str, code: str) -> None:
    found = run(tmp_path, text)
    assert (found.rows_in, found.codes()) == (0, [(0, code)])


def test_a_header_without_model_rejects_each_sample(tmp_path: Path) -> None:
    found = run(tmp_path, log(sample(), sample(id=2), eval={"model": ""}))
    assert (found.rows_in, found.codes()) == (2, [(1, "MISSING_FIELD"), (2, "MISSING_FIELD")])


def test_recognises_logs_and_nothing_else(tmp_path: Path) -> None:
    def probe(name: str, head: bytes) -> bool:
        return InspectLog().recognises(Probe(path=tmp_path / name, head=head))

    head = json.dumps(log(sample())).encode()
    assert probe("a.json", head)
    assert probe("a.json.gz", head)
    assert probe("a.eval", b"PK\x03\x04rest")
    assert not probe("a.jsonl", head)
    assert not probe("a.eval", b"plain")
    assert not probe("a.json", b'{"results": {"eval": 1}}')
    assert not probe("a.json", b"[" + head)


def test_eval_logs_name_the_extra_when_inspect_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "inspect_ai", None)
    monkeypatch.setitem(sys.modules, "inspect_ai.log", None)
    path = tmp_path / "a.eval"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(MissingBackend, match=r"safescale\[inspect\]"):
        list(InspectLog().read(path, Options()))


class _Dumps:
    """What inspect_ai's reader gives: something with ``model_dump``."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.id, self.epoch = value.get("id"), value.get("epoch")

    def model_dump(self, **_: Any) -> Any:
        return self.value


def fake_inspect(monkeypatch: pytest.MonkeyPatch, content: dict[str, Any], *, broken: int | None = None) -> None:
    samples = content["samples"]

    def one(_: str, *, id: Any, epoch: int) -> _Dumps:
        print("noise of an entry point", file=sys.stderr)
        if id == broken:
            raise ValueError("this sample is damaged")
        return next(_Dumps(s) for s in samples if (s["id"], s["epoch"]) == (id, epoch))

    module = types.ModuleType("inspect_ai.log")
    module.__dict__.update(
        read_eval_log=lambda path, header_only: _Dumps({k: v for k, v in content.items() if k != "samples"}),
        read_eval_log_sample_summaries=lambda path: [_Dumps(s) for s in samples],
        read_eval_log_sample=one,
    )
    monkeypatch.setitem(sys.modules, "inspect_ai", types.ModuleType("inspect_ai"))
    monkeypatch.setitem(sys.modules, "inspect_ai.log", module)


def test_an_eval_log_reads_as_its_json_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = log(sample(), sample(epoch=2, uuid="u2"), sample(id="b", uuid="u3", scores={}))
    fake_inspect(monkeypatch, content)
    (tmp_path / "log.eval").write_bytes(b"PK\x03\x04")
    packed = read(InspectLog(), tmp_path / "log.eval")
    plain = run(tmp_path, content)
    assert [{**t, "source_file": ""} for t in packed.traces] == [{**t, "source_file": ""} for t in plain.traces]
    assert len(packed.traces) == 3
    assert capsys.readouterr().err == ""


def test_a_damaged_sample_of_an_eval_log_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_inspect(monkeypatch, log(sample(), sample(id=2, uuid="u2"), sample(id=3, uuid="u3")), broken=2)
    (tmp_path / "log.eval").write_bytes(b"PK\x03\x04")
    found = read(InspectLog(), tmp_path / "log.eval")
    assert (found.codes(), [t["source_row"] for t in found.traces]) == ([(2, "UNREADABLE")], [1, 3])


SCORES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=3), st.sampled_from("CIPN"))


@given(value=SCORES)
def test_opposite_polarities_mirror_each_other(value: Any) -> None:
    harmful, safe = (
        verdict_of_score(value, Polarity(scorers=frozenset({"s"}), polarity=p)) for p in ("harmful_when_1", "safe_when_1")
    )
    mirror = {Verdict.COMPLIANCE: Verdict.NOT_HARMFUL, Verdict.NOT_HARMFUL: Verdict.COMPLIANCE}
    assert mirror.get(harmful, harmful) == safe
    number = score_number(value)
    assert number is None or math.isfinite(number)
    assert verdict_of_score(value, None) is Verdict.UNGRADED


JUNK_KEYS = ("id", "epoch", "input", "output", "choices", "message", "content", "scores", "value", "error", "limit", "type")
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(JUNK_KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(junk=JUNK)
def test_any_json_for_a_sample_has_one_fate(tmp_path_factory: pytest.TempPathFactory, junk: Any) -> None:
    folder = tmp_path_factory.mktemp("log")
    junk = {**sample(id=2, uuid="u2"), **junk} if isinstance(junk, dict) else junk
    found = run(folder, log(sample(), junk, sample(id=3, uuid="u3")))
    assert found.rows_in == 3
    assert {1, 3} <= {t["source_row"] for t in found.traces}
