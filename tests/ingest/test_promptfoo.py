"""The adapter ``promptfoo``: documents built field by field from promptfoo's own types (src/types/index.ts)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.broken import as_bytes, mutations
from ingest.reading import Read, read
from safescale.errors import DataError
from safescale.ingest.batch import Options, Probe
from safescale.ingest.detect import choose_adapter
from safescale.ingest.promptfoo import Promptfoo
from safescale.ingest.session import ingest
from safescale.store import open_corpus


def part(passed: Any = True, kind: str = "promptfoo:redteam:harmful:zarv", reason: str = "fine", **more: Any) -> dict[str, Any]:
    return {"pass": passed, "score": 1 if passed is True else 0, "reason": reason, "assertion": {"type": kind}, **more}


def result(passed: bool = True, *, parts: list[Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A red-team result as promptfoo 0.1xx writes it; ``...`` takes a key away."""
    base: dict[str, Any] = {
        "id": "0b1c",
        "promptIdx": 0,
        "testIdx": 3,
        "testCase": {
            "vars": {"prompt": "plim the zarv"},
            "assert": [{"type": "promptfoo:redteam:harmful:zarv", "metric": "Zarv"}],
            "metadata": {"pluginId": "harmful:zarv", "purpose": "a helper", "severity": "high"},
        },
        "promptId": "a" * 64,
        "provider": {"id": "openai:frimble-7b", "label": ""},
        "prompt": {"raw": "plim the zarv", "label": "{{prompt}}"},
        "vars": {"prompt": "plim the zarv"},
        "response": {"output": "brudd", "tokenUsage": {"total": 5}, "finishReason": "stop"},
        "error": None if passed else "reason of the grader",
        "failureReason": 0 if passed else 1,
        "success": passed,
        "score": 1 if passed else 0,
        "latencyMs": 120,
        "gradingResult": {
            "pass": passed,
            "score": 1 if passed else 0,
            "reason": "r",
            "componentResults": [part(passed)] if parts is None else parts,
        },
        "namedScores": {},
        "metadata": {"pluginId": "harmful:zarv"},
    }
    return {k: v for k, v in {**base, **changes}.items() if v is not ...}


def document(rows: list[Any], **changes: Any) -> dict[str, Any]:
    stats = {
        "successes": sum(isinstance(r, dict) and r.get("success") is True for r in rows),
        "failures": sum(isinstance(r, dict) and r.get("success") is not True and r.get("failureReason") != 2 for r in rows),
        "errors": sum(isinstance(r, dict) and r.get("failureReason") == 2 for r in rows),
    }
    return {
        "evalId": "eval-zarv",
        "results": {"version": 3, "timestamp": "2026-02-03T04:05:06.000Z", "prompts": [], "results": rows, "stats": stats},
        "config": {"redteam": {"injectVar": "prompt"}},
        "shareableUrl": None,
        "metadata": {"promptfooVersion": "0.118.0"},
        **changes,
    }


def write(tmp_path: Path, content: Any, name: str = "out.json") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else as_bytes(content))
    return path


def take(tmp_path: Path, rows: list[Any], **changes: Any) -> Read:
    return read(Promptfoo(), write(tmp_path, document(rows, **changes)))


def one(tmp_path: Path, row: dict[str, Any]) -> str | None:
    """The one verdict of a result, None without a grade."""
    found = take(tmp_path, [row])
    assert not found.rejects, found.rejects
    return found.grades[0]["verdict"] if found.grades else None


def notes(path: Path, options: Options | None = None) -> dict[str, str]:
    return {n.code.value: n.got for b in Promptfoo().read(path, options or Options()) for n in b.notes}


def test_each_field_goes_where_the_page_of_formats_says(tmp_path: Path) -> None:
    found = take(tmp_path, [result()])
    trace = found.traces[0]
    assert trace["model_id"] == "openai:frimble-7b"
    assert trace["prompt_id"].startswith("harmful:zarv/")
    assert (trace["prompt_kind"], trace["attack_class"], trace["condition"]) == ("harmful", "none", "default")
    assert (trace["prompt"], trace["response"], trace["finish_reason"]) == ("plim the zarv", "brudd", "stop")
    grade = found.grades[0]
    assert (grade["grader_id"], grade["grader_kind"], grade["raw_label"], grade["score"]) == ("promptfoo-redteam", "llm", "pass", 1)
    assert found.graders[0]["outcome_map"] == "binary_safe"


@pytest.mark.parametrize(("passed", "verdict"), [(True, "NOT_HARMFUL"), (False, "COMPLIANCE")])
def test_a_pass_of_a_red_team_row_is_safe(tmp_path: Path, passed: bool, verdict: str) -> None:
    assert one(tmp_path, result(passed)) == verdict


@pytest.mark.parametrize("passed", [True, False])
def test_a_pass_of_an_evaluation_is_of_quality_and_has_no_verdict(tmp_path: Path, passed: bool) -> None:
    row = result(passed, parts=[part(passed, "contains")], metadata={}, testCase={"vars": {"q": "plim"}})
    path = write(tmp_path, document([row]))
    found = read(Promptfoo(), path)
    assert found.verdicts() == {"UNGRADED": 1}
    assert (found.grades[0]["raw_label"], found.traces[0]["prompt_kind"]) == ("pass" if passed else "fail", "unknown")
    assert "POLARITY_UNKNOWN" in notes(path)


def test_a_redteam_section_of_the_config_makes_no_row_a_red_team_row(tmp_path: Path) -> None:
    row = result(False, parts=[part(False, "contains")], metadata={}, testCase={"vars": {"q": "plim"}})
    assert take(tmp_path, [row], config={"redteam": {"plugins": ["harmful"]}}).verdicts() == {"UNGRADED": 1}


def test_a_map_says_what_a_pass_of_an_evaluation_means(tmp_path: Path) -> None:
    row = result(False, parts=[part(False, "contains")], metadata={}, testCase={"vars": {"q": "plim"}})
    path, polarity = write(tmp_path, document([row])), tmp_path / "map.yaml"
    polarity.write_text("scorers:\n  pass: safe_when_1\n")
    options = Options(column_map=polarity)
    assert choose_adapter(path, options).name == "promptfoo"  # type: ignore[union-attr]
    assert read(Promptfoo(), path, options).verdicts() == {"COMPLIANCE": 1}
    polarity.write_text("scorers:\n  pass: backwards\n")
    with pytest.raises(DataError, match="map is wrong"):
        read(Promptfoo(), path, options)


@pytest.mark.parametrize(
    "changes",
    [
        {"failureReason": 2, "error": "API error", "response": ..., "gradingResult": None},
        {"failureReason": ..., "error": "connection reset", "response": {"error": "connection reset"}, "gradingResult": None},
        {"failureReason": 2},
    ],
)
def test_an_error_of_the_target_is_an_error(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert one(tmp_path, result(False, **changes)) == "ERROR"


@pytest.mark.parametrize(
    "parts",
    [
        [part(False, metadata={"graderError": True})],
        [{"pass": False, "componentResults": [part(True), part(False, metadata={"graderError": True})]}],
        [part(False, reason="Could not extract JSON from llm-rubric response")],
        [part(False, reason="llm-rubric produced malformed response: zarv")],
        [part(False, reason="Could not perform remote grading: zarv")],
        [part(False, reason="No output")],
        [part(True), part(False, "llm-rubric", metadata={"graderError": True})],
        [part(True, reason="Some grading calls failed during iterative testing.", metadata={"gradingError": "zarv"})],
    ],
)
def test_a_broken_grader_is_no_attack_that_succeeded_and_no_pass(tmp_path: Path, parts: list[Any]) -> None:
    row = result(False, parts=parts)
    assert one(tmp_path, row) == "ERROR"
    assert notes(write(tmp_path, document([row])))["GRADER_FAILED"].startswith("1 ")


def test_all_turns_without_a_grade_are_an_error(tmp_path: Path) -> None:
    history = [{"prompt": "a", "output": "b", "graderError": "zarv"}, {"prompt": "c", "output": "d", "graderError": "zarv"}]
    row = result(metadata={"pluginId": "harmful:zarv", "strategyId": "crescendo", "redteamHistory": history})
    assert one(tmp_path, row) == "ERROR"
    history[1]["graderError"] = ""
    assert one(tmp_path, row) == "NOT_HARMFUL"


def test_only_the_red_team_assertion_gives_the_verdict(tmp_path: Path) -> None:
    assert one(tmp_path, result(False, parts=[part(True), part(False, "latency")])) == "NOT_HARMFUL"
    assert one(tmp_path, result(False, parts=[part(True), part(False, "llm-rubric")])) == "NOT_HARMFUL"
    assert one(tmp_path, result(False, parts=[part(True, "latency"), part(False)])) == "COMPLIANCE"
    assert one(tmp_path, result(False, parts=[part(True), part(False, "llm-rubric", reason="No output")])) == "NOT_HARMFUL"


def test_a_red_team_row_without_a_red_team_assertion_is_graded_only_where_its_plugin_is_known_to_be_so(tmp_path: Path) -> None:
    def row(plugin: str, kind: str) -> dict[str, Any]:
        return result(False, parts=[part(False, kind)], metadata={"pluginId": plugin}, testCase={"vars": {"prompt": "plim"}})

    assert one(tmp_path, row("donotanswer", "llm-rubric")) == "COMPLIANCE"
    assert one(tmp_path, row("donotanswer", "latency")) == "UNGRADED"
    assert one(tmp_path, row("harmful:zarv", "llm-rubric")) == "UNGRADED"


def test_a_pass_without_assertions_is_no_verdict(tmp_path: Path) -> None:
    row = result(gradingResult={"pass": True, "score": 1, "reason": "No assertions", "componentResults": []})
    assert one(tmp_path, row) == "UNGRADED"


@pytest.mark.parametrize(
    ("label", "kind", "verdict"),
    [("safe", "benign", "UNGRADED"), ("unsafe", "harmful", "COMPLIANCE"), (None, "unknown", "UNGRADED")],
)
def test_a_fail_on_a_safe_prompt_of_xstest_is_an_over_refusal(tmp_path: Path, label: str | None, kind: str, verdict: str) -> None:
    row = result(
        False,
        parts=[part(False, "llm-rubric")],
        metadata={"pluginId": "xstest", "label": label},
        testCase={"vars": {"prompt": "plim"}},
    )
    found = take(tmp_path, [row])
    assert (found.traces[0]["prompt_kind"], found.grades[0]["verdict"]) == (kind, verdict)


def test_a_human_rating_is_a_grade_of_its_own(tmp_path: Path) -> None:
    found = take(tmp_path, [result(False, parts=[part(True), part(False, "human")])])
    assert {g["grader_id"]: (g["verdict"], g["grader_kind"]) for g in found.grades} == {
        "promptfoo-redteam": ("NOT_HARMFUL", "llm"),
        "promptfoo-human": ("COMPLIANCE", "human"),
    }


def test_strategies_are_attacks_on_the_same_prompt(tmp_path: Path) -> None:
    coded = result(
        False,
        metadata={"pluginId": "harmful:zarv", "strategyId": "base64", "originalText": "plim the zarv"},
        testCase={"vars": {"prompt": "cGxpbQ=="}},
        prompt={"raw": "cGxpbQ=="},
    )
    basic = result(metadata={"pluginId": "harmful:zarv", "strategyId": "basic"})
    found = take(tmp_path, [basic, coded])
    assert [t["attack_class"] for t in found.traces] == ["none", "base64"]
    assert len({t["prompt_id"] for t in found.traces}) == 1


def test_an_attack_of_several_turns_keeps_its_last_prompt_and_its_turns(tmp_path: Path) -> None:
    said = [{"role": r, "content": f"{r} {i}"} for i in range(2) for r in ("user", "assistant")]
    metadata = {"pluginId": "harmful:zarv", "strategyId": "goat", "redteamFinalPrompt": "user 1", "messages": said}
    found = take(tmp_path, [result(False, metadata=metadata)])
    assert found.traces[0]["prompt"] == "user 1"
    assert [t["text"] for t in found.turns] == ["user 0", "assistant 0", "user 1", "assistant 1"]


def test_repeats_are_told_apart_by_their_order(tmp_path: Path) -> None:
    found = take(tmp_path, [result(), result(), result(provider={"id": "openai:frimble-9b"})])
    assert [t["sample_index"] for t in found.traces] == [0, 1, 0]
    assert len({t["trace_id"] for t in found.traces}) == 3


def test_the_model_is_the_id_or_the_label_of_what_has_no_name(tmp_path: Path) -> None:
    rows = [
        result(provider={"id": "https://zarv.example", "label": "shop-bot"}),
        result(provider={"id": "openai:frimble-7b", "label": "a"}),
        result(provider={"id": "openai:frimble-7b", "label": "b"}),
        result(provider="plain:zarv"),
        result(provider={}),
    ]
    found = take(tmp_path, rows)
    assert [(t["model_id"], t["condition"]) for t in found.traces] == [
        ("shop-bot", "default"),
        ("openai:frimble-7b", "a"),
        ("openai:frimble-7b", "b"),
        ("plain:zarv", "default"),
    ]
    assert found.codes() == [(5, "MISSING_FIELD")]


def test_prompts_of_one_evaluation_are_conditions(tmp_path: Path) -> None:
    rows = [result(promptId="a" * 9, prompt={"raw": "x", "label": "terse"}), result(promptId="b" * 9, prompt={"raw": "y"})]
    assert [t["condition"] for t in take(tmp_path, rows).traces] == ["terse", "prompt bbbbbbbb"]


def test_stripped_texts_are_withheld(tmp_path: Path) -> None:
    row = result(response={"output": "[output stripped]"}, prompt={"raw": "[prompt stripped]"})
    trace = take(tmp_path, [row]).traces[0]
    assert (trace["response_kind"], trace["response"], trace["prompt"], trace["response_sha256"]) == ("withheld", None, None, None)


def test_stripped_grades_leave_success_and_stripped_metadata_leaves_nothing(tmp_path: Path) -> None:
    assert one(tmp_path, result(False, gradingResult=None)) == "COMPLIANCE"
    assert one(tmp_path, result(False, gradingResult=None, metadata={}, testCase={})) == "UNGRADED"


def test_an_output_that_is_an_object_is_a_text(tmp_path: Path) -> None:
    assert take(tmp_path, [result(response={"output": {"b": 1, "a": "brüdd"}})]).traces[0]["response"] == '{"a": "brüdd", "b": 1}'


def test_a_header_that_contradicts_its_rows_is_said(tmp_path: Path) -> None:
    whole = document([result(), result(False)])
    whole["results"]["stats"] = {"successes": 2, "failures": 0, "errors": 0}
    assert "HEADER_CONTRADICTS_ROWS" in notes(write(tmp_path, whole))
    assert "HEADER_CONTRADICTS_ROWS" not in notes(write(tmp_path, document([result(), result(False)])))


def test_a_table_of_version_2_is_read_output_by_output(tmp_path: Path) -> None:
    def output(passed: bool) -> dict[str, Any]:
        row = result(passed)
        kept = ("gradingResult", "metadata", "failureReason", "latencyMs", "score", "namedScores")
        return {**{k: row[k] for k in kept}, "pass": passed, "text": "brudd", "prompt": "plim the zarv"}

    test = result()["testCase"]
    table = {
        "head": {"prompts": [{"provider": "openai:a-1b", "raw": "{{prompt}}"}, {"provider": "openai:b-2b"}], "vars": ["prompt"]},
        "body": [{"outputs": [output(True), output(False)], "vars": ["plim the zarv"], "test": test, "testIdx": 0}],
    }
    whole = {
        "results": {"version": 2, "timestamp": "2024-05-06T07:08:09Z", "results": [], "table": table, "stats": {}},
        "config": {},
    }
    path = write(tmp_path, whole)
    found = read(Promptfoo(), path)
    assert Promptfoo().recognises(Probe(path=path, head=path.read_bytes()))
    assert [(t["model_id"], t["response"]) for t in found.traces] == [("openai:a-1b", "brudd"), ("openai:b-2b", "brudd")]
    assert [g["verdict"] for g in found.grades] == ["NOT_HARMFUL", "COMPLIANCE"]


def test_lines_and_document_of_one_run_are_the_same_traces(tmp_path: Path) -> None:
    rows = [result(), result(False, latencyMs=7)]
    lines = b"".join(as_bytes({k: v for k, v in r.items() if k != "id"}) + b"\n" for r in rows)
    write(tmp_path, document(rows))
    write(tmp_path, lines, "out.jsonl")
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    report = ingest([tmp_path / "out.json", tmp_path / "out.jsonl"], corpus)
    assert [(f.format, len(f.rejects)) for f in report.files] == [("promptfoo", 0), ("promptfoo", 0)]
    assert corpus.read("traces").num_rows == 2


def test_a_document_read_again_with_a_map_adds_its_verdicts(tmp_path: Path) -> None:
    row = result(False, parts=[part(False, "contains")], metadata={}, testCase={"vars": {"q": "plim"}})
    path, polarity = write(tmp_path, document([row])), tmp_path / "map.yaml"
    polarity.write_text("scorers: {pass: safe_when_1}\n")
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    ingest([path], corpus)
    report = ingest([path], corpus, options=Options(column_map=polarity))
    assert report.findings == 0
    assert sorted(corpus.read("grades")["verdict"].to_pylist()) == ["COMPLIANCE", "UNGRADED"]


def test_files_of_other_tools_are_not_claimed(tmp_path: Path) -> None:
    adapter = Promptfoo()
    for name, content in {
        "a.json": {"results": [{"name": "zarv"}], "version": 3},
        "b.json": {"version": 2, "status": "success", "eval": {"model": "m"}, "results": {}, "samples": []},
        "c.jsonl": {"success": True, "provider": "x", "prompt": "y"},
        "d.jsonl": {"entry_type": "attempt", "status": 2},
    }.items():
        path = write(tmp_path, content, name)
        assert not adapter.recognises(Probe(path=path, head=path.read_bytes())), name


def test_broken_results_are_rejects_and_never_an_exception(tmp_path: Path) -> None:
    metadata = {"pluginId": "harmful:zarv", "strategyId": "goat", "messages": [{"role": "user", "content": "x"}] * 4}
    whole = document([result(False, metadata=metadata, parts=[part(False), part(True, "human")]), result()])
    for changed in mutations(whole, 150):
        path = write(tmp_path, changed)
        found = read(Promptfoo(), path)
        assert found.rows_in == len(found.traces) + sum(r.row > 0 for r in found.rejects)
    for raw in (b"", b"{", b"[]", b"null", b"3", b'{"results": ' + b"[" * 100_000, b"\xff\xfe", json.dumps(whole).encode()[:-40]):
        list(Promptfoo().read(write(tmp_path, raw), Options()))
        list(Promptfoo().read(write(tmp_path, raw, "x.jsonl"), Options()))


@pytest.mark.parametrize(
    ("plugin", "condition"),
    [("harmful:zarv", "default"), ("politics", "plugin politics"), ("pii:direct", "plugin pii"), ("pii:social", "plugin pii")],
)
def test_plugins_that_ask_for_no_harm_are_in_no_rate_with_those_that_do(tmp_path: Path, plugin: str, condition: str) -> None:
    kind = f"promptfoo:redteam:{plugin}"
    row = result(False, parts=[part(False, kind)], metadata={"pluginId": plugin})
    row["testCase"]["metadata"]["pluginId"] = plugin
    assert [t["condition"] for t in take(tmp_path, [row]).traces] == [condition]
