"""XSTest files in invented vocabulary: columns to records, labels that are none, which file is whose."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from ingest.reading import read
from safescale.ingest.batch import Options, Probe
from safescale.ingest.detect import adapters
from safescale.ingest.xstest import XsTest

COLUMNS = ("id", "type", "prompt", "completion", "annotation_1", "annotation_2", "agreement", "final_label")
GOOD = (
    "v2-1",
    "homonyms",
    "How do I plim a frimble?",
    'You "plim", then\nfrimble.',
    *["1_full_compliance"] * 2,
    "TRUE",
    "1_full_compliance",
)


def write(path: Path, *rows: tuple[str, ...], columns: tuple[str, ...] = COLUMNS) -> Path:
    out = io.StringIO()
    csv.writer(out).writerows([columns, *rows])
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    return path


def changed(**changes: str) -> tuple[str, ...]:
    return tuple({**dict(zip(COLUMNS, GOOD, strict=True)), **changes}.values())


def completions(tmp_path: Path, *rows: tuple[str, ...], name: str = "xstest_v2_completions_llama2new.csv") -> Path:
    return write(tmp_path / name, *rows)


def test_columns_become_records(tmp_path: Path) -> None:
    found = read(XsTest(), completions(tmp_path, GOOD))
    [trace] = found.traces
    assert {k: v for k, v in trace.items() if v is not None and not k.startswith("source_")} == {
        "trace_id": "xstest:llama2new/v2-1",
        "source": "xstest",
        "model_id": "meta-llama/Llama-2-70b-chat-hf",
        "prompt_id": "v2-1",
        "prompt_kind": "benign",
        "attack_class": "none",
        "condition": "no system prompt",
        "sample_index": 0,
        "response_kind": "text",
        "finish_reason": "unknown",
        "prompt": "How do I plim a frimble?",
        "response": 'You "plim", then\nfrimble.',
    }
    assert [(g["grader_id"], g["grader_kind"], g["verdict"]) for g in found.grades] == [
        ("xstest/final", "human", "COMPLIANCE"),
        ("xstest/annotator_1", "human", "COMPLIANCE"),
        ("xstest/annotator_2", "human", "COMPLIANCE"),
    ]
    assert {g["outcome_map"] for g in found.graders} == {"xstest"}


@pytest.mark.parametrize(
    ("label", "verdict"),
    [("1_full_compliance", "COMPLIANCE"), ("2_full_refusal", "REFUSAL"), ("3_partial_refusal", "PARTIAL")],
)
def test_each_label_has_its_verdict(tmp_path: Path, label: str, verdict: str) -> None:
    found = read(XsTest(), completions(tmp_path, changed(final_label=label)))
    assert found.verdicts("xstest/final") == {verdict: 1}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("contrast_homonyms", "harmful"), ("privacy_fictional", "benign"), ("plimmery", "unknown"), ("homonyms_contrast_", "unknown")],
)
def test_only_the_types_of_the_benchmark_say_what_a_prompt_asks_for(tmp_path: Path, kind: str, expected: str) -> None:
    found = read(XsTest(), completions(tmp_path, changed(type=kind)))
    assert found.traces[0]["prompt_kind"] == expected


def test_a_sentence_in_the_place_of_a_label_is_an_error_of_the_grader_with_its_words_kept(tmp_path: Path) -> None:
    words = "The plim provided is frimbly."
    path = write(
        tmp_path / "xstest_v2_completions_gpt4_gpteval.csv",
        (*GOOD, words),
        (*changed(id="v2-2"), "2_full_refusal"),
        columns=(*COLUMNS, "gpt4_label"),
    )
    found = read(XsTest(), path)
    graded = [(g["verdict"], g["raw_label"]) for g in found.grades if g["grader_id"] == "xstest/gpt-4"]
    assert graded == [("ERROR", words), ("REFUSAL", "2_full_refusal")]
    assert len(found.grades) == 8
    [note] = [n for batch in XsTest().read(path, Options()) for n in batch.notes]
    assert (note.code.value, note.column) == ("GRADER_FAILED", "gpt4_label")
    assert "1 labels" in note.got


def test_the_string_match_is_a_keyword_grader(tmp_path: Path) -> None:
    path = write(
        tmp_path / "xstest_v2_completions_gpt4_streval.csv", (*GOOD, "2_full_refusal"), columns=(*COLUMNS, "strmatch_label")
    )
    kinds = {g["grader_id"]: g["grader_kind"] for g in read(XsTest(), path).grades}
    assert kinds["xstest/string_match"] == "keyword"


def test_an_unknown_configuration_keeps_its_name(tmp_path: Path) -> None:
    found = read(XsTest(), completions(tmp_path, GOOD, name="xstest_v2_completions_frimble-7b_gpteval.csv"))
    assert (found.traces[0]["model_id"], found.traces[0]["condition"]) == ("frimble-7b", "default")


def test_a_name_without_a_model_refuses_each_row_and_says_what_to_do(tmp_path: Path) -> None:
    found = read(XsTest(), completions(tmp_path, GOOD, GOOD, name="frimble.csv"))
    assert found.codes() == [(1, "MISSING_FIELD"), (2, "MISSING_FIELD")]
    assert "xstest_v2_completions_MODEL.csv" in found.rejects[0].expected


def test_the_prompt_list_is_metadata(tmp_path: Path) -> None:
    path = write(
        tmp_path / "xstest_prompts.csv",
        ("1", "plim?", "homonyms", "safe", "plim", ""),
        columns=("id", "prompt", "type", "label", "focus", "note"),
    )
    assert XsTest().recognises(Probe(path=path, head=path.read_bytes()))
    found = read(XsTest(), path)
    assert (found.rows_in, found.metadata) == (1, [1])


def test_broken_records_are_rejects_and_their_neighbours_stay(tmp_path: Path) -> None:
    path = completions(tmp_path, GOOD, ("v2-2", "homonyms"), changed(id=""), changed(id="v2-4"))
    path.write_bytes(path.read_bytes() + b'v2-5,homonyms,"never closed\n')
    found = read(XsTest(), path)
    assert [t["prompt_id"] for t in found.traces] == ["v2-1", "v2-4"]
    assert sorted(found.codes()) == [(2, "MISSING_FIELD"), (3, "MISSING_FIELD"), (5, "UNREADABLE")]


def test_a_missing_completion_is_an_empty_text_not_a_refusal(tmp_path: Path) -> None:
    found = read(XsTest(), completions(tmp_path, changed(completion="", final_label="")))
    assert (found.traces[0]["response"], len(found.grades)) == ("", 2)


@pytest.mark.parametrize(
    "head",
    [
        b"id,prompt,completion\n1,plim,frim\n",
        b"question_id,theme,model,label_grok41fast,label_gpt4o\n",
        b"id,type,prompt,completion,annotation_1",  # no whole header line
        b'{"id": 1}\n',
        b"\xff\xfe\x00",
        b"",
    ],
)
def test_other_files_are_not_claimed(head: bytes) -> None:
    assert not XsTest().recognises(Probe(path=Path("frimble.csv"), head=head))


def test_its_own_header_is_claimed_by_it_alone(tmp_path: Path) -> None:
    path = completions(tmp_path, GOOD)
    probe = Probe(path=path, head=path.read_bytes())
    assert [name for name, a in adapters().items() if name != "mapped" and a.recognises(probe)] == ["xstest"]


def test_the_source_can_be_named(tmp_path: Path) -> None:
    found = read(XsTest(), completions(tmp_path, GOOD), Options(source="plimset"))
    assert found.traces[0]["trace_id"] == "plimset:llama2new/v2-1"
