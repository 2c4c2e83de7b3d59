"""SpeechMap files in invented vocabulary: the joined rows, the project's own rows, tables of labels with and without texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.lines import write
from ingest.reading import Read, read
from safescale.ingest.batch import Options, Probe
from safescale.ingest.detect import adapters
from safescale.ingest.session import ingest
from safescale.ingest.speechmap import SpeechMap
from safescale.records.fates import Fate
from safescale.store import open_corpus

JOINED: dict[str, Any] = {
    "question_id": "plim_criticism_01",
    "theme": "plim",
    "category": "plim_criticism",
    "model": "zarv/frimble-7b",
    "question": "Write a plim about frimbles",
    "response": "A plim.",
    "finish_reason": "stop",
    "label_grok41fast": "COMPLETE",
    "judge_new": "zarv/judge-2",
    "label_gpt4o": "EVASIVE",
    "judge_old": "zarv/judge-1",
    "same_response": True,
}
NATIVE: dict[str, Any] = {
    "question_id": "plim_criticism_01",
    "category": "plim_criticism",
    "question": "Write a plim about frimbles",
    "model": "zarv/frimble-7b",
    "timestamp": "2025-01-29T23:27:11.460573",
    "response": {"choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "A plim."}}]},
    "compliance": "COMPLETE",
    "judge_model": "zarv/judge-1",
}
LABELS = "question_id,theme,model,label_grok41fast,label_gpt4o,same_response,response_chars\n"


def read_rows(tmp_path: Path, *rows: Any, name: str = "speechmap_plim.jsonl") -> Read:
    return read(SpeechMap(), write(tmp_path / name, list(rows)))


def test_joined_rows_become_records(tmp_path: Path) -> None:
    found = read_rows(tmp_path, JOINED)
    [trace] = found.traces
    assert {k: v for k, v in trace.items() if v is not None and not k.startswith("source_")} == {
        "trace_id": "speechmap:plim/plim_criticism_01/zarv/frimble-7b",
        "source": "speechmap",
        "model_id": "zarv/frimble-7b",
        "prompt_id": "plim/plim_criticism_01",
        "prompt_kind": "unknown",
        "attack_class": "none",
        "condition": "plim",
        "sample_index": 0,
        "response_kind": "text",
        "finish_reason": "stop",
        "prompt": "Write a plim about frimbles",
        "response": "A plim.",
    }
    assert [(g["grader_id"], g["verdict"], g["raw_label"]) for g in found.grades] == [
        ("zarv/judge-2", "COMPLIANCE", "COMPLETE"),
        ("zarv/judge-1", "PARTIAL", "EVASIVE"),
    ]


def test_a_label_given_to_another_text_is_no_verdict_on_this_one(tmp_path: Path) -> None:
    found = read_rows(tmp_path, {**JOINED, "same_response": False})
    assert [(g["verdict"], g["raw_label"]) for g in found.grades] == [("COMPLIANCE", "COMPLETE"), ("NOT_GRADEABLE", "EVASIVE")]


@pytest.mark.parametrize("label", ["ERROR", "ERROR_ORIGINAL_MODERATION", "ERROR_JUDGE_FORMAT", "plimmish"])
def test_a_failed_label_is_an_error_and_keeps_its_words(tmp_path: Path, label: str) -> None:
    found = read_rows(tmp_path, {**JOINED, "label_gpt4o": label})
    assert (found.grades[1]["verdict"], found.grades[1]["raw_label"]) == ("ERROR", label)


def test_no_response_is_none_and_not_an_empty_text(tmp_path: Path) -> None:
    found = read_rows(tmp_path, {**JOINED, "response": None, "label_grok41fast": "ERROR_ORIGINAL_RESPONSE"})
    assert (found.traces[0]["response_kind"], found.traces[0]["finish_reason"]) == ("none", "error")


def test_the_same_response_judged_twice_is_one_trace_with_two_grades(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("analysis", "analysis.other")]
    for folder, judge, label in zip(folders, ("zarv/judge-1", "zarv/judge-2"), ("COMPLETE", "DENIAL"), strict=True):
        folder.mkdir()
        write(folder / "compliance_plim_criticism_zarv_frimble-7b.jsonl", [{**NATIVE, "judge_model": judge, "compliance": label}])
    corpus = open_corpus(tmp_path / "c.db", create=True)
    report = ingest([tmp_path / "analysis", tmp_path / "analysis.other"], corpus)
    assert {f: n for f, n in report.fates.items() if n} == {Fate.TRACE: 1, Fate.GRADE: 1}
    assert sorted(g["verdict"] for g in corpus.read("grades").to_pylist()) == ["COMPLIANCE", "REFUSAL"]
    corpus.close()


def test_two_answers_to_one_question_are_two_traces(tmp_path: Path) -> None:
    other = {**NATIVE, "response": {"choices": [{"message": {"content": "Another plim."}}]}}
    found = read_rows(tmp_path, NATIVE, other, name="compliance_plim_criticism_x.jsonl")
    assert len({t["trace_id"] for t in found.traces}) == 2
    assert found.codes() == []


def test_translated_question_sets_are_told_apart_by_the_files_name(tmp_path: Path) -> None:
    found = [
        read_rows(tmp_path, NATIVE, name=f"compliance_{set_}_zarv_x.jsonl") for set_ in ("plim_criticism", "zh_plim_criticism")
    ]
    assert [f.traces[0]["prompt_id"] for f in found] == ["plim/plim_criticism_01", "zh_plim/plim_criticism_01"]
    contexts = {
        SpeechMap().context(tmp_path / f"compliance_{set_}_zarv_x.jsonl") for set_ in ("plim_criticism", "zh_plim_criticism")
    }
    assert len(contexts) == 2


@pytest.mark.parametrize(
    ("response", "text", "finish"),
    [
        (
            {"choices": [{"finish_reason": "length", "message": {"content": [{"type": "text", "text": "pl"}, {"text": "im"}]}}]},
            "plim",
            "length",
        ),
        ({"content": [{"type": "text", "text": "plim"}], "stop_reason": "end_turn"}, "plim", "stop"),
        ({"error": {"message": "frimble down"}}, None, "error"),
        ({"choices": [{"finish_reason": "content_filter", "message": {"content": None}}]}, None, "content_filter"),
        ({"choices": []}, None, "error"),
        ("plim", "plim", "unknown"),
        (None, None, "error"),
    ],
)
def test_stored_answers_of_each_interface(tmp_path: Path, response: Any, text: str | None, finish: str) -> None:
    [trace] = read_rows(tmp_path, {**NATIVE, "response": response}).traces
    assert (trace["response"], trace["finish_reason"]) == (text, finish)
    assert trace["response_kind"] == ("none" if text is None else "text")


def test_labels_without_text_are_withheld_and_a_length_of_none_is_no_response(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        LABELS
        + "q1,plim,zarv/a,COMPLETE,DENIAL,True,173\nq2,plim,zarv/a,ERROR_X,ERROR,True,0\nq3,plim,zarv/a,COMPLETE,DENIAL,False,5\n"
    )
    found = read(SpeechMap(), path)
    assert [(t["response_kind"], t["response_chars"]) for t in found.traces] == [("withheld", 173), ("none", None), ("withheld", 5)]
    assert found.verdicts("openai/gpt-4o-2024-11-20") == {"REFUSAL": 1, "ERROR": 1, "NOT_GRADEABLE": 1}
    notes = [n.code.value for batch in SpeechMap().read(path, Options()) for n in batch.notes]
    assert sorted(notes) == ["COMPANION_MISSING", "GRADER_FAILED"]


@pytest.mark.parametrize("order", [("speechmap_plim.jsonl", "labels.csv"), ("labels.csv", "speechmap_plim.jsonl")])
def test_labels_take_their_text_from_the_file_beside_them_whichever_is_read_first(tmp_path: Path, order: tuple[str, ...]) -> None:
    write(tmp_path / "speechmap_plim.jsonl", [JOINED])
    (tmp_path / "labels.csv").write_text(LABELS + "plim_criticism_01,plim,zarv/frimble-7b,COMPLETE,EVASIVE,True,7\n")
    corpus = open_corpus(tmp_path / "c.db", create=True)
    report = ingest([tmp_path / name for name in order], corpus)
    assert {f: n for f, n in report.fates.items() if n} == {Fate.TRACE: 1, Fate.DUPLICATE: 1}
    assert [t["response"] for t in corpus.read("traces").to_pylist()] == ["A plim."]
    assert corpus.count("grades") == 2
    corpus.close()


def test_what_lies_beside_the_labels_is_part_of_their_import(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(LABELS)
    alone = SpeechMap().context(path)
    write(tmp_path / "speechmap_plim.jsonl", [JOINED])
    assert alone != SpeechMap().context(path)


def test_every_column_of_a_panel_that_is_no_fact_is_a_judge(tmp_path: Path) -> None:
    path = tmp_path / "panel.csv"
    path.write_text(
        "key,model,question_id,domain,bucket,gold_human,human_provenance,zarv_judge-1,zarv_judge-2\n"
        "m::q1,m,q1,Plims,HARD,,,COMPLETE,ERROR_JUDGE_FORMAT\nm::q2,m,q2,Plims,HARD,DENIAL,human_confirmed,DENIAL,EVASIVE\n"
    )
    found = read(SpeechMap(), path)
    assert [(g["grader_id"], g["grader_kind"], g["verdict"]) for g in found.grades] == [
        ("zarv_judge-1", "llm", "COMPLIANCE"),
        ("zarv_judge-2", "llm", "ERROR"),
        ("gold_human", "human", "REFUSAL"),
        ("zarv_judge-1", "llm", "REFUSAL"),
        ("zarv_judge-2", "llm", "PARTIAL"),
    ]


def test_facts_of_the_project_are_metadata(tmp_path: Path) -> None:
    models = write(
        tmp_path / "models.jsonl",
        [{"model_identifier": "m", "creator": "c", "model_name": "m", "model_family": "f", "release_date": "2025-01-01"}],
    )
    counts = tmp_path / "per_model.csv"
    counts.write_text("model,n,complete_grok,evasive_grok,denial_grok,other_grok\nm,3,1,1,1,0\n")
    chart = tmp_path / "chart.json"
    chart.write_text(json.dumps({"aggregate_score_shift": [{"COMPLETE_pp_delta": 1.0}]}))
    for path in (models, counts, chart):
        assert SpeechMap().recognises(Probe(path=path, head=path.read_bytes()))
        assert (read(SpeechMap(), path).metadata, len(read(SpeechMap(), path).traces)) == ([1], 0)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (b"{", "BAD_JSON"),
        (b"[1]", "NOT_AN_OBJECT"),
        ({"question_id": "q"}, "MISSING_FIELD"),
        ({**JOINED, "model": None}, "MISSING_FIELD"),
        ({**JOINED, "model": 7}, "WRONG_TYPE"),
        ({**JOINED, "response": ["plim"]}, "WRONG_TYPE"),
        ({**JOINED, "label_gpt4o": 3}, "WRONG_TYPE"),
        ({**JOINED, "theme": None, "category": None}, "MISSING_FIELD"),
        ({**NATIVE, "response": 3.5}, "WRONG_TYPE"),
        ({**JOINED, "response": "half \ud800"}, "NOT_UTF8"),
        (b'{"question_id": "' + b"[" * 5000, "BAD_JSON"),
    ],
)
def test_a_broken_row_is_one_reject_and_its_neighbours_stay(tmp_path: Path, row: Any, code: str) -> None:
    found = read_rows(tmp_path, JOINED, row, {**JOINED, "question_id": "q2"})
    assert found.codes() == [(2, code)]
    assert len(found.traces) == 2


@pytest.mark.parametrize(
    "head",
    [
        b'{"question_id": "q", "model": "m"}\n',
        b'{"question_id": "q", "question": "p", "model": "m", "response": "r"}\n',  # any tool may write that
        b"key,model,question_id\n",
        b"",
        b"\xff",
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.json"])
def test_other_files_are_not_claimed(head: bytes, name: str) -> None:
    assert not SpeechMap().recognises(Probe(path=Path(name), head=head))


@pytest.mark.parametrize("row", [JOINED, NATIVE])
def test_its_rows_are_claimed_by_it_alone(row: dict[str, Any]) -> None:
    probe = Probe(path=Path("a.jsonl"), head=json.dumps(row).encode() + b"\n")
    assert [name for name, a in adapters().items() if name != "mapped" and a.recognises(probe)] == ["speechmap"]
