"""Folders of ``safescale generate`` as records: one trace a response, faults without one, and what was asked again superseded."""

from __future__ import annotations

import gzip
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from generate.runs import FaultCode, Script, fault, model, plan, rows, text_of
from ingest.reading import assert_lawful
from safescale.engines import Answer, Request
from safescale.generate import generate
from safescale.ingest.batch import Options
from safescale.ingest.detect import choose_adapter
from safescale.ingest.safescale_run import SafescaleRun
from safescale.ingest.session import ingest, validate
from safescale.records.fates import Fate, RejectCode
from safescale.store import open_corpus

ADAPTER = SafescaleRun()


def read(path: Path, **options: Any) -> list[dict[str, Any]]:
    """Traces of a part."""
    found: list[dict[str, Any]] = []
    for batch in ADAPTER.read(path, Options(**options)):
        assert_lawful(batch)
        found += batch.traces.to_pylist() if batch.traces is not None else []
    return found


def failing(*words: str, code: FaultCode = FaultCode.TIMEOUT) -> Script:
    def before(request: Request) -> Answer | None:
        return fault(request, code, "60 s are over") if any(f"zorble {word} " in text_of(request) for word in words) else None

    return Script(before)


def test_a_response_is_a_trace_field_by_field(tmp_path: Path) -> None:
    folder = generate([plan(3)], tmp_path).runs[0].folder
    line = rows(folder)[0]
    trace = read(folder / "parts" / "part-00001.jsonl")[0]
    assert trace.pop("source_row") == 1
    assert trace.pop("source_file").endswith("part-00001.jsonl")
    assert trace == {
        "trace_id": f"safescale-run:{line['response_id']}",
        "source": "safescale-run",
        "model_id": "sim/zorble-1b",
        "prompt_id": "q-0",
        "prompt_kind": "harmful",
        "attack_class": "none",
        "condition": "default",
        "sample_index": 0,
        "response_kind": "text",
        "finish_reason": "stop",
        "response": line["response"],
        "prompt": "how does zorble 0 hum?",
        "seed": line["seed"],
        "created_at": line["created_at"],
        "error": None,
        "response_chars": None,
        "response_sha256": None,
        "prompt_sha256": None,
    }
    assert {t["source"] for t in read(folder / "parts" / "part-00001.jsonl", source="plim")} == {"plim"}


def test_a_fault_is_a_trace_without_a_response(tmp_path: Path) -> None:
    folder = generate([plan(4)], tmp_path, opener=failing("2", code=FaultCode.TOO_LONG)).runs[0].folder
    found = {trace["prompt_id"]: trace for trace in read(folder / "parts" / "part-00001.jsonl")}["q-2"]
    assert (found["response_kind"], found["response"], found["finish_reason"]) == ("none", None, "error")
    assert found["error"] == "TOO_LONG: 60 s are over"


def test_an_empty_answer_is_a_response(tmp_path: Path) -> None:
    script = Script(lambda request: Answer(request_id=request.request_id, text=""))
    folder = generate([plan(1)], tmp_path, opener=script).runs[0].folder
    assert [(t["response_kind"], t["response"]) for t in read(folder / "parts" / "part-00001.jsonl")] == [("text", "")]


def test_what_was_asked_again_is_superseded_and_the_corpus_holds_each_response_once(tmp_path: Path) -> None:
    generate([plan(6)], tmp_path / "x", opener=failing("1", "4"))
    generate([plan(6)], tmp_path / "x", opener=failing("4"))
    report = validate([tmp_path / "x"])
    assert not report.findings
    assert report.fates[Fate.SUPERSEDED] == 2
    assert report.fates[Fate.TRACE] == 6
    corpus = open_corpus(tmp_path / "c.db", create=True)
    ingest([tmp_path / "x"], corpus)
    kinds = corpus.read("traces", ["prompt_id", "response_kind"]).to_pylist()
    assert sorted((t["prompt_id"], t["response_kind"]) for t in kinds) == [
        (f"q-{i}", "none" if i == 4 else "text") for i in range(6)
    ]
    corpus.close()


def test_an_ingest_between_two_sessions_contradicts_nothing(tmp_path: Path) -> None:
    generate([plan(6)], tmp_path / "x", opener=failing("1"))
    corpus = open_corpus(tmp_path / "c.db", create=True)
    assert ingest([tmp_path / "x"], corpus).fates[Fate.TRACE] == 6
    generate([plan(6)], tmp_path / "x")
    again = ingest([tmp_path / "x"], corpus)
    assert not again.findings
    assert (again.fates[Fate.TRACE], again.fates[Fate.SUPERSEDED]) == (1, 1)
    texts = corpus.read("traces", ["prompt_id", "response_kind"]).to_pylist()
    assert sorted(t["prompt_id"] for t in texts if t["response_kind"] == "text") == [f"q-{i}" for i in range(6)]
    corpus.close()


@pytest.mark.parametrize("packed", [False, True])
def test_parts_that_were_copied_elsewhere_or_packed_are_still_one_run(tmp_path: Path, packed: bool) -> None:
    generate([plan(6)], tmp_path / "x", opener=failing("1"))
    parts = generate([plan(6)], tmp_path / "x").runs[0].folder / "parts"
    (tmp_path / "copied").mkdir()
    for part in sorted(parts.iterdir()):
        data = part.read_bytes()
        name = f"{part.name}.gz" if packed else part.name
        (tmp_path / "copied" / name).write_bytes(gzip.compress(data) if packed else data)
    report = validate([tmp_path / "copied"])
    assert (report.fates[Fate.TRACE], report.fates[Fate.SUPERSEDED]) == (6, 1)
    if packed:
        last = tmp_path / "copied" / "part-00002.jsonl.gz"
        last.write_bytes(last.read_bytes()[:-9])  # cut off: what it still tells is told, and no traceback
        assert validate([tmp_path / "copied"]).fates[Fate.SUPERSEDED] <= 1


def test_declared_sizes_reach_the_models_of_the_corpus(tmp_path: Path) -> None:
    import attrs

    declared = attrs.evolve(model("sim/plain-zorble"), params_total_b=1.25, params_active_b=0.5, size_estimated=True)
    generate([plan(3, model=declared)], tmp_path / "x")
    corpus = open_corpus(tmp_path / "c.db", create=True)
    ingest([tmp_path / "x"], corpus)
    found = corpus.read("models").to_pylist()[0]
    assert (found["params_total_b"], found["params_active_b"], found["size_source"]) == (1.25, 0.5, "estimated")
    corpus.close()


def test_a_part_without_its_manifest_is_read_with_a_note(tmp_path: Path) -> None:
    folder = generate([plan(3)], tmp_path / "x").runs[0].folder
    (folder / "manifest.json").unlink()
    report = validate([tmp_path / "x"])
    assert report.fates[Fate.TRACE] == 3
    assert [note.code for file in report.files for note in file.notes] == ["COMPANION_MISSING"]


def test_manifest_and_events_are_metadata_and_a_torn_line_is_a_reject(tmp_path: Path) -> None:
    from safescale.engines import OutOfMemory

    def full(requests: Any) -> None:
        if len(requests) > 2:
            raise OutOfMemory("plim")

    folder = generate([plan(5)], tmp_path / "x", opener=Script(on_batch=full), batch_size=4).runs[0].folder
    assert (folder / "events.jsonl").is_file()
    part = folder / "parts" / "part-00001.jsonl"
    part.write_bytes(part.read_bytes()[:-20])
    report = validate([tmp_path / "x"])
    assert {file.format for file in report.files} == {"safescale-run"}
    assert [(r.row, r.code) for file in report.files for r in file.rejects] == [(5, "BAD_JSON")]
    assert (report.fates[Fate.TRACE], report.fates[Fate.REJECT]) == (4, 1)


def test_only_its_own_files_are_claimed(tmp_path: Path) -> None:
    for name, text in (
        ("a.jsonl", json.dumps({"run_id": "x", "model_id": "m", "prompt_id": "p"})),
        ("b.json", json.dumps({"run_id": "x", "format": "another/1"})),
        ("c.jsonl", json.dumps({"event": "x", "at": "now"})),
    ):
        (tmp_path / name).write_text(text + "\n")
        found = choose_adapter(tmp_path / name, Options())
        assert found is None or found.name != "safescale-run"


@pytest.mark.parametrize(
    "change",
    [
        {"model_id": ""},
        {"prompt_kind": None},
        {"response": None},
        {"response_id": 7},
        {"sample_index": "many"},
        {"sample_index": -1},
        {"finish_reason": "bored"},
        {"response": "plim \ud800"},
        {"seed": 2**70},
        {"fault": ["x"], "response": None},
    ],
)
def test_a_broken_line_is_a_reject_and_the_others_are_kept(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = generate([plan(4)], tmp_path / "x").runs[0].folder
    part = folder / "parts" / "part-00001.jsonl"
    lines = part.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | change)
    part.write_text("\n".join(lines) + "\n")
    report = validate([part])
    expected = {Fate.TRACE: 4, Fate.REJECT: 0} if "fault" in change else {Fate.TRACE: 3, Fate.REJECT: 1}
    assert {fate: report.fates[fate] for fate in expected} == expected


@pytest.mark.parametrize("form", ["corpus.db", "corpus"])
def test_the_manifest_reaches_the_corpus_as_the_record_of_its_run(tmp_path: Path, form: str) -> None:
    folder = generate([plan(3)], tmp_path / "runs").runs[0].folder
    with closing(open_corpus(tmp_path / form, create=True)) as corpus:
        ingest([folder], corpus)
        ingest([folder], corpus)
        found = corpus.read("runs").to_pylist()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert found == [manifest["record"]]
    assert found[0]["prompt_set_sha256"] is not None


def test_a_manifest_that_contradicts_a_known_one_is_said_and_the_first_stays(tmp_path: Path) -> None:
    folder = generate([plan(3)], tmp_path / "runs").runs[0].folder
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    with closing(open_corpus(tmp_path / "corpus.db", create=True)) as corpus:
        ingest([folder], corpus)
        path.write_text(json.dumps(manifest | {"record": manifest["record"] | {"hardware": "another machine"}}))
        again = ingest([folder], corpus)
        assert corpus.read("runs").to_pylist() == [manifest["record"]]
    (reject,) = [reject for file in again.files for reject in file.rejects]
    assert (reject.code, reject.column, reject.got) == (RejectCode.CONTRADICTION, "hardware", "another machine")
    path.write_text(json.dumps(manifest | {"record": manifest["record"] | {"chat_template_sha256": "zorble"}}))
    (reject,) = [reject for file in validate([path]).files for reject in file.rejects]
    assert reject.column == "chat_template_sha256"
