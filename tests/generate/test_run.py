"""A run keeps every answer once, goes on where it stopped, and says what happened."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from generate.runs import FaultCode, OutOfMemory, Script, fault, model, plan, prompt_set, rows, text_of, timeless
from safescale.engines import Answer, EngineDied, Request, Sampling
from safescale.errors import DataError, GenerationError
from safescale.generate import generate, look_ahead, still_to_ask, take_answers
from safescale.generate.answered import scan_run
from safescale.generate.conditions import Condition
from safescale.generate.manifest import read_manifest
from safescale.generate.part import set_aside_torn_lines
from safescale.generate.run_folder import RunFolder, events
from safescale.ingest.batch import table_of
from safescale.ingest.run_lines import part_paths
from safescale.records.fields import arrow_schema
from safescale.records.rules import violations


def no_wait(_: float) -> None:
    """Waits nothing."""


def test_every_planned_response_is_asked_once_with_a_seed_of_its_own(tmp_path: Path) -> None:
    two = plan(7, conditions=[Condition(name="default"), Condition(name="guarded", system="a guild")], samples=3)
    result = generate([two], tmp_path).runs[0]
    found = rows(result.folder)
    assert (result.planned, result.answered, result.unanswered, len(found)) == (42, 42, 0, 42)
    assert len({row["response_id"] for row in found}) == 42
    assert len({row["seed"] for row in found}) == 42
    assert {(row["prompt_id"], row["condition"], row["sample_index"]) for row in found} == {
        (f"q-{i}", name, s) for i in range(7) for name in ("default", "guarded") for s in range(3)
    }


def test_two_conditions_of_one_content_are_drawn_independently(tmp_path: Path) -> None:
    control = plan(9, conditions=[Condition(name="default"), Condition(name="again", attack_class="control")])
    found = rows(generate([control], tmp_path).runs[0].folder)
    assert len({row["seed"] for row in found}) == 18
    texts = {name: [row["response"] for row in found if row["condition"] == name] for name in ("default", "again")}
    assert texts["default"] != texts["again"]


def test_a_finished_run_asks_nothing_and_opens_no_engine(tmp_path: Path) -> None:
    generate([plan()], tmp_path)
    script = Script()
    result = generate([plan()], tmp_path, opener=script)
    assert (script.opened, result.runs[0].asked, result.runs[0].ended) == (0, 0, "nothing to ask")


def test_more_prompts_and_samples_are_added_to_the_same_run(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    generate([plan(20, samples=2)], whole)
    grown = tmp_path / "grown"
    asked = [
        generate([plan(20, limit=limit, samples=samples)], grown).runs[0].asked for limit, samples in ((5, 1), (5, 2), (None, 2))
    ]
    assert asked == [5, 5, 30]
    by_id = {row["response_id"]: row for row in timeless(grown / plan(20).run_id)}
    assert by_id == {row["response_id"]: row for row in timeless(whole / plan(20).run_id)}


def test_faults_of_the_world_are_asked_again_and_faults_of_the_request_stay(tmp_path: Path) -> None:
    first = {"zorble 3 ": FaultCode.TIMEOUT, "zorble 5 ": FaultCode.TOO_LONG}

    def fails(request: Request) -> Answer | None:
        return next((fault(request, code) for words, code in first.items() if words in text_of(request)), None)

    result = generate([plan(10)], tmp_path, opener=Script(fails)).runs[0]
    assert (result.answered, dict(result.waiting), dict(result.faults)) == (9, {"TIMEOUT": 1}, {"TIMEOUT": 1, "TOO_LONG": 1})
    script = Script()
    again = generate([plan(10)], tmp_path, opener=script).runs[0]
    assert script.asked == ["how does zorble 3 hum?"]
    assert (again.answered, dict(again.waiting), dict(again.faults)) == (10, {}, {"TOO_LONG": 1})


def test_a_directory_with_another_fingerprint_is_refused_with_what_differs(tmp_path: Path) -> None:
    generate([plan(10)], tmp_path)
    with pytest.raises(DataError, match=r"sampling\.temperature: there 0\.7, here 0\.2.*another place with -o"):
        generate([plan(10, sampling={"temperature": 0.2})], tmp_path)
    with pytest.raises(DataError, match=r"prompt_set_sha256: there"):
        look_ahead([plan(11)], tmp_path)
    with pytest.raises(DataError, match="seed: there 0, here 7"):
        generate([plan(10, seed=7)], tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_another_model_in_the_same_folder_is_welcome(tmp_path: Path) -> None:
    generate([plan(10)], tmp_path)
    generate([plan(10, model=model("sim/zorble-8b"))], tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_manifest_that_somebody_changed_is_refused(tmp_path: Path) -> None:
    folder = generate([plan(4)], tmp_path).runs[0].folder
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace('"max_tokens": 30', '"max_tokens": 31'))
    with pytest.raises(DataError, match="max_tokens: there 31, here 30"):
        generate([plan(4)], tmp_path)


def test_answers_of_other_weights_are_not_added(tmp_path: Path) -> None:
    generate([plan(8, limit=4)], tmp_path, opener=Script(facts={"weights_sha256": "a" * 64}))
    with pytest.raises(DataError, match="weights_sha256: there 'a"):
        generate([plan(8)], tmp_path, opener=Script(facts={"weights_sha256": "b" * 64}), accept_changes=True)
    assert len(rows(tmp_path / plan(8).run_id)) == 4


def test_another_version_of_a_package_is_accepted_only_when_said(tmp_path: Path) -> None:
    generate([plan(8, limit=4)], tmp_path, opener=Script(facts={"packages": {"torch": "2.13"}}))
    newer = Script(facts={"packages": {"torch": "2.14"}})
    with pytest.raises(DataError, match="--accept-changes"):
        generate([plan(8)], tmp_path, opener=newer)
    result = generate([plan(8)], tmp_path, opener=newer, accept_changes=True)
    assert result.runs[0].answered == 8
    manifest = read_manifest(result.runs[0].folder)
    assert manifest is not None
    assert [session["engine"]["packages"]["torch"] for session in manifest["sessions"]] == ["2.13", "2.14", "2.14"]


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path, plan()),
        pytest.raises(DataError, match=rf"another process \(pid {os.getpid()}\) is writing to this run"),
    ):
        generate([plan()], tmp_path)


def test_a_line_torn_anywhere_is_kept_aside_and_asked_again(tmp_path: Path) -> None:
    folder = generate([plan(6)], tmp_path).runs[0].folder
    whole, part = timeless(folder), part_paths(folder)[0]
    data = part.read_bytes()
    last = data[:-1].rfind(b"\n") + 1
    for cut in (last + 1, (last + len(data)) // 2, len(data) - 1):
        part.write_bytes(data[:cut])
        result = generate([plan(6)], tmp_path).runs[0]
        assert (result.torn, result.asked, result.answered) == (1, 1, 6)
        assert timeless(folder) == whole
        assert b"".join(p.read_bytes() for p in (folder / "torn").iterdir()) == data[last:cut]
        for later in part_paths(folder)[1:]:
            later.unlink()
        for aside in (folder / "torn").iterdir():
            aside.unlink()


def test_a_line_cut_at_its_end_is_no_torn_line(tmp_path: Path) -> None:
    folder = generate([plan(6)], tmp_path).runs[0].folder
    assert set_aside_torn_lines(folder) == 0
    part = part_paths(folder)[0]
    part.write_bytes(part.read_bytes()[:30])  # the first line itself is torn: nothing is left
    assert set_aside_torn_lines(folder) == 1
    assert part.read_bytes() == b""


def test_a_line_that_the_disk_lost_is_counted_and_asked_again(tmp_path: Path) -> None:
    folder = generate([plan(6)], tmp_path).runs[0].folder
    part = part_paths(folder)[0]
    lines = part.read_bytes().splitlines(keepends=True)
    lines[2] = b"\0" * (len(lines[2]) - 1) + b"\n"
    part.write_bytes(b"".join(lines))
    assert scan_run(folder).damaged == 1
    assert generate([plan(6)], tmp_path).runs[0].asked == 1


@pytest.mark.parametrize("made", ["", "zorble", "-3", " 4", "0x1f", "1_0"])
def test_a_line_whose_id_was_edited_is_damaged_and_its_response_asked_again(tmp_path: Path, made: str) -> None:
    folder = generate([plan(6)], tmp_path).runs[0].folder
    part = part_paths(folder)[0]
    part.write_text(part.read_text().replace(rows(folder)[2]["response_id"], made))
    assert scan_run(folder).damaged == 1
    assert generate([plan(6)], tmp_path).runs[0].asked == 1


@pytest.mark.parametrize(
    "edit",
    [
        lambda found: found.pop("sessions"),
        lambda found: found.pop("run_id"),
        lambda found: found["sessions"].append(1),
        lambda found: found["sessions"][0].pop("ended"),
        lambda found: found.update(engine="plim"),
    ],
)
def test_a_manifest_that_lacks_what_a_session_reads_is_a_clear_error(tmp_path: Path, edit: Callable[[Any], object]) -> None:
    path = generate([plan(2)], tmp_path).runs[0].folder / "manifest.json"
    found = json.loads(path.read_text())
    edit(found)
    path.write_text(json.dumps(found))
    with pytest.raises(DataError, match=r"not that of a run.*manifest\.json"):
        generate([plan(2, samples=2)], tmp_path)


def test_a_name_of_a_file_that_is_no_utf_8_is_written_out_in_the_manifest(tmp_path: Path) -> None:
    named = attrs.evolve(prompt_set(2), file=Path("zorble-\udcff.jsonl"))
    folder = generate([plan(2, prompts=named)], tmp_path).runs[0].folder
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest["prompts"]["file"] == "zorble-\\udcff.jsonl"


@pytest.mark.parametrize("fits", [1, 3, 7])
def test_out_of_memory_means_smaller_batches_and_the_same_answers(tmp_path: Path, fits: int) -> None:
    def full(requests: Sequence[Request]) -> None:
        if len(requests) > fits:
            raise OutOfMemory("plim is full")

    generate([plan(40)], tmp_path / "plain")
    script = Script(on_batch=full)
    result = generate([plan(40)], tmp_path / "small", opener=script, batch_size=16).runs[0]
    assert timeless(result.folder) == timeless(tmp_path / "plain" / result.run_id)
    assert result.halvings >= 1
    assert {event["event"] for event in events(result.folder)} == {"out_of_memory"}
    manifest = read_manifest(result.folder)
    assert manifest is not None
    assert manifest["sessions"][0]["halvings"] == result.halvings
    assert manifest["sessions"][0]["last_batch_size"] < 16


def test_a_request_that_fits_no_memory_alone_is_a_fault_and_batches_grow_again(tmp_path: Path) -> None:
    def full(requests: Sequence[Request]) -> None:
        if any("zorble 7 " in text_of(request) for request in requests):
            raise OutOfMemory("plim is full")

    script = Script(on_batch=full)
    result = generate([plan(200)], tmp_path, opener=script, batch_size=8).runs[0]
    assert (result.answered, dict(result.waiting)) == (199, {"OUT_OF_MEMORY": 1})
    assert script.batches.count(8) >= 24  # one request is no reason to ask all others in small batches
    again = Script()
    assert generate([plan(200)], tmp_path, opener=again).runs[0].answered == 200
    assert again.batches == [1]


def test_batches_grow_again_when_memory_is_there_again(tmp_path: Path) -> None:
    troubles = [3]

    def full(requests: Sequence[Request]) -> None:
        if troubles[0] and len(requests) > 2:
            troubles[0] -= 1
            raise OutOfMemory("plim is full")

    script = Script(on_batch=full)
    generate([plan(200)], tmp_path, opener=script, batch_size=8)
    assert 2 in script.batches
    assert script.batches[-2:-1] == [8]


def test_an_engine_that_dies_once_is_opened_again_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    died: list[str] = []

    def dies(request: Request) -> None:
        if "zorble 13 " in text_of(request) and not died:
            died.append("once")
            raise EngineDied("gone")

    generate([plan(40)], tmp_path / "plain")
    script = Script(dies)
    result = generate([plan(40)], tmp_path / "died", opener=script, sleep=no_wait).runs[0]
    assert timeless(result.folder) == timeless(tmp_path / "plain" / result.run_id)
    assert (script.opened, result.restarts) == (2, 1)
    assert len(script.asked) == 41  # the one on which it died, twice


def test_the_request_that_kills_the_engine_is_isolated(tmp_path: Path) -> None:
    def dies(request: Request) -> None:
        if "zorble 13 " in text_of(request):
            raise EngineDied("gone")

    script = Script(dies)
    result = generate([plan(64)], tmp_path, opener=script, sleep=no_wait).runs[0]
    assert (result.answered, dict(result.waiting)) == (63, {"ENGINE_DIED": 1})
    assert [row["prompt_id"] for row in rows(result.folder) if row.get("fault") == "ENGINE_DIED"] == ["q-13"]
    assert script.opened <= 12  # about log2(64) deaths, not 64
    assert [event["event"] for event in events(result.folder)].count("request_isolated") == 1
    again = Script(dies)
    generate([plan(64)], tmp_path, opener=again, sleep=no_wait)
    assert again.batches == [1, 1]


def test_an_engine_that_dies_before_it_yields_still_gives_up_its_killer(tmp_path: Path) -> None:
    def dies(requests: Sequence[Request]) -> None:
        if any("zorble 13 " in text_of(request) for request in requests):
            raise EngineDied("gone")

    result = generate([plan(64)], tmp_path, opener=Script(on_batch=dies), sleep=no_wait).runs[0]
    assert (result.answered, dict(result.waiting)) == (63, {"ENGINE_DIED": 1})


def test_two_requests_that_kill_the_engine_once_each_are_both_answered(tmp_path: Path) -> None:
    killed: set[str] = set()

    def dies(requests: Sequence[Request]) -> None:
        mine = " ".join(text_of(request) for request in requests)
        if len(requests) == 2 or mine not in killed:
            killed.add(mine)
            raise EngineDied("gone")

    result = generate([plan(2)], tmp_path, opener=Script(on_batch=dies), batch_size=2, sleep=no_wait).runs[0]
    assert (result.answered, dict(result.waiting), result.restarts) == (2, {}, 3)


def test_an_engine_that_dies_after_each_answer_is_not_opened_for_each(tmp_path: Path) -> None:
    lives: list[int] = []

    def begins(requests: Sequence[Request]) -> None:
        lives.append(2 if any("zorble 9 " in text_of(request) for request in requests) and len(requests) > 1 else len(requests))

    def dies(request: Request) -> None:
        lives[-1] -= 1
        if lives[-1] < 0 or ("zorble 9 " in text_of(request)):
            raise EngineDied("gone")

    script = Script(dies, on_batch=begins)
    result = generate([plan(64)], tmp_path, opener=script, sleep=no_wait).runs[0]
    assert (result.answered, dict(result.waiting)) == (63, {"ENGINE_DIED": 1})
    assert script.opened <= 12


def test_several_killers_with_answers_between_do_not_end_the_run(tmp_path: Path) -> None:
    def dies(requests: Sequence[Request]) -> None:
        if any(f"zorble {i} " in text_of(request) for request in requests for i in (13, 27, 41, 50)):
            raise EngineDied("gone")

    result = generate([plan(64)], tmp_path, opener=Script(on_batch=dies), sleep=no_wait).runs[0]
    assert (result.answered, dict(result.waiting)) == (60, {"ENGINE_DIED": 4})


def test_an_engine_that_dies_on_everything_ends_the_run(tmp_path: Path) -> None:
    def dies(_: Sequence[Request]) -> None:
        raise EngineDied("no such kernel")

    script = Script(on_batch=dies)
    with pytest.raises(GenerationError, match=r"3 requests in a row.*no such kernel.*same command again"):
        generate([plan(64)], tmp_path, opener=script, sleep=no_wait)
    assert script.opened < 20
    assert generate([plan(64)], tmp_path).runs[0].answered == 64


def test_an_engine_that_does_not_come_back_ends_the_run_with_its_words(tmp_path: Path) -> None:
    waits: list[float] = []
    script = Script(lambda request: (_ for _ in ()).throw(EngineDied("gone")) if "zorble 2 " in text_of(request) else None)

    def opener(spec):  # type: ignore[no-untyped-def]
        if script.opened:
            raise GenerationError("no device is left")
        return script(spec)

    with pytest.raises(GenerationError, match="no device is left"):
        generate([plan(4)], tmp_path, opener=opener, sleep=waits.append)
    assert waits == [1.0, 5.0]
    manifest = read_manifest(tmp_path / plan(4).run_id)
    assert manifest is not None
    assert manifest["sessions"][0]["ended"] == "error"
    assert generate([plan(4)], tmp_path).runs[0].answered == 4


@pytest.mark.parametrize("code", [FaultCode.AUTHENTICATION, FaultCode.NO_CHAT_TEMPLATE])
def test_a_fault_that_every_request_would_have_ends_the_run_at_once(tmp_path: Path, code: FaultCode) -> None:
    script = Script(lambda request: fault(request, code, "set the key ZORBLE_KEY"))
    with pytest.raises(GenerationError, match=rf"sim/zorble-1b: set the key ZORBLE_KEY \[{code}\]"):
        generate([plan(50)], tmp_path, opener=script)
    assert len(script.asked) == 1
    other = plan(50, sampling={"max_tokens": 5})  # nothing was answered, so what the user mends may be anything
    assert generate([other], tmp_path).runs[0].answered == 50


@pytest.mark.parametrize("code", [FaultCode.TIMEOUT, FaultCode.MALFORMED_ANSWER])
def test_a_server_that_hangs_or_talks_nonsense_ends_the_run_too(tmp_path: Path, code: FaultCode) -> None:
    script = Script(lambda request: fault(request, code))
    with pytest.raises(GenerationError, match=rf"32 requests in a row ended in {code}"):
        generate([plan(500)], tmp_path, opener=script)
    assert len(rows(tmp_path / plan(500).run_id)) == 32


def test_a_server_that_is_gone_ends_the_run_and_keeps_what_it_said(tmp_path: Path) -> None:
    script = Script(lambda request: None if len(script.asked) <= 10 else fault(request, FaultCode.UNREACHABLE, "no server at :1"))
    with pytest.raises(GenerationError, match=r"32 requests in a row ended in UNREACHABLE: no server at :1.*same command again"):
        generate([plan(500)], tmp_path, opener=script)
    again = Script()
    assert generate([plan(500)], tmp_path, opener=again).runs[0].answered == 500
    assert len(again.asked) == 490


def test_an_adapter_that_forgets_or_invents_answers_is_named(tmp_path: Path) -> None:
    class Forgets(Script):
        def __call__(self, spec):  # type: ignore[no-untyped-def]
            engine = super().__call__(spec)
            whole = engine.answer
            engine.answer = lambda requests: list(whole(requests))[:-1]
            return engine

    with pytest.raises(GenerationError, match="left 1 of 6 requests without an answer"):
        generate([plan(6)], tmp_path, opener=Forgets())
    assert len(rows(tmp_path / plan(6).run_id)) == 5


def test_a_token_budget_stops_cleanly_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    result = generate([plan(100)], tmp_path, token_budget=300)
    run = result.runs[0]
    assert run.ended == "budget"
    assert 300 <= run.tokens <= 330  # a response has 17 tokens: nearly nothing over
    assert run.answered == len(rows(run.folder)) < 100
    assert run.unanswered == 100 - run.answered
    assert generate([plan(100)], tmp_path, token_budget=300).runs[0].asked == 0
    more = generate([plan(100)], tmp_path, token_budget=100_000).runs[0]
    assert (more.ended, more.answered) == ("done", 100)


def test_what_was_handed_over_is_paid_for_and_kept_when_a_budget_ends(tmp_path: Path) -> None:
    handed: list[int] = []

    def paid(requests: Sequence[Request]) -> None:
        handed.append(len(requests))  # a server has begun with all of them

    def dear(request: Request) -> Answer:
        return Answer(request_id=request.request_id, text="plim", prompt_tokens=100, completion_tokens=4)

    result = generate([plan(400)], tmp_path, opener=Script(dear, on_batch=paid), token_budget=1_000).runs[0]
    assert result.ended == "budget"
    assert len(rows(result.folder)) == sum(handed)
    assert 1_000 <= result.tokens < 1_104


def test_a_token_budget_is_one_for_all_models(tmp_path: Path) -> None:
    plans = [plan(100), plan(100, model=model("sim/zorble-8b"))]
    result = generate(plans, tmp_path, token_budget=2000)
    assert [run.ended for run in result.runs] == ["done", "budget"]
    assert 2000 <= result.tokens <= 2040


def test_an_engine_that_counts_no_tokens_keeps_no_budget(tmp_path: Path) -> None:
    script = Script(lambda request: Answer(request_id=request.request_id, text="plome"))
    with pytest.raises(GenerationError, match="does not count tokens"):
        generate([plan(10)], tmp_path, opener=script, token_budget=100)


def test_the_budget_of_an_engine_leaves_the_rest_unanswered(tmp_path: Path) -> None:
    script = Script(lambda request: None if len(script.asked) <= 4 else fault(request, FaultCode.BUDGET, "5 USD are spent"))
    run = generate([plan(10)], tmp_path, opener=script).runs[0]
    assert (run.ended, run.answered, run.unanswered, len(rows(run.folder))) == ("budget", 4, 6, 4)


def test_a_full_disk_is_a_clear_error_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate([plan(40)], tmp_path / "plain")
    written: list[int] = []
    write = os.write

    def fills_up(descriptor: int, data: bytes) -> int:
        if b'"response_id"' in bytes(data):
            written.append(len(data))
            if len(written) == 25:
                return write(descriptor, bytes(data)[:50])  # the last free bytes
        elif len(written) == 25:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", fills_up)
    with pytest.raises(GenerationError, match=r"part-00001\.jsonl.*No space left on device.*same command again"):
        generate([plan(40)], tmp_path / "full")
    monkeypatch.undo()
    folder = tmp_path / "full" / plan(40).run_id
    assert len(rows(folder)) == 24  # and no torn line
    result = generate([plan(40)], tmp_path / "full").runs[0]
    assert (result.asked, result.torn) == (16, 0)
    assert timeless(folder) == timeless(tmp_path / "plain" / result.run_id)


def test_a_disk_that_is_full_from_the_start_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate([plan(4, limit=2)], tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    script = Script()
    with pytest.raises(GenerationError, match=r"manifest\.json: it cannot be written \(No space left on device\)"):
        generate([plan(4)], tmp_path, opener=script)
    assert script.opened == 0
    monkeypatch.undo()
    assert generate([plan(4)], tmp_path).runs[0].answered == 4


def test_ctrl_c_keeps_what_came_and_gives_the_folder_back(tmp_path: Path) -> None:
    def stops(request: Request) -> None:
        if "zorble 5 " in text_of(request):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate([plan(10)], tmp_path, opener=Script(stops))
    folder = tmp_path / plan(10).run_id
    assert len(rows(folder)) == 5
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest["sessions"][0]["ended"] == "interrupted"
    assert generate([plan(10)], tmp_path).runs[0].asked == 5


def test_the_manifest_says_what_made_the_answers(tmp_path: Path) -> None:
    facts = {"model_revision": "r7", "chat_template_sha256": "c" * 64, "hardware": "a loom"}
    result = generate([plan(5)], tmp_path, opener=Script(facts=facts)).runs[0]
    manifest = read_manifest(result.folder)
    assert manifest is not None
    session = manifest["sessions"][0]
    assert session["ended"] == "done"
    assert session["counts"]["responses"] == 5
    assert session["wall_s"] > 0
    assert {"git", "packages", "python", "machine", "safescale"} <= session.keys()
    record = table_of("run", [manifest["record"]])
    assert record.schema.equals(arrow_schema("run"))
    assert not violations(record, "run").any()
    shown = record.to_pylist()[0]
    assert (shown["run_id"], shown["model_revision"], shown["chat_template_sha256"]) == (result.run_id, "r7", "c" * 64)
    assert (shown["hardware"], json.loads(shown["seeds"])) == ("a loom", {"run": 0, "engine": 0})


def test_an_adapter_is_named_in_every_request_and_the_engine_is_shared(tmp_path: Path) -> None:
    base = model(adapter="adv")
    tuned = attrs.evolve(base, model_id="sim/zorble-1b+adv", adapter="adv", declared={**base.declared, "adapter": "adv"})
    script = Script()
    seen: list[str | None] = []
    script.on_batch = lambda requests: seen.extend({request.adapter for request in requests})
    plans = [plan(5, model=attrs.evolve(base, adapter=None)), plan(5, model=tuned)]
    result = generate(plans, tmp_path, opener=script)
    assert (script.opened, seen) == (1, [None, "adv"])
    assert {row["model_id"] for row in rows(result.runs[1].folder)} == {"sim/zorble-1b+adv"}


def test_neighbours_share_their_beginning(tmp_path: Path) -> None:
    mixed = plan(6, conditions=[Condition(name="a", system="one"), Condition(name="b", system="two")], samples=2)
    asked = list(mixed.requests())
    assert [planned.condition.name for planned in asked] == ["a"] * 12 + ["b"] * 12
    assert [planned.text for planned in asked[:12]] == sorted(planned.text for planned in asked[:12])


def test_equal_texts_under_two_ids_each_have_their_response(tmp_path: Path) -> None:
    twins = prompt_set(4, text="the same zorble")
    result = generate([plan(prompts=twins)], tmp_path).runs[0]
    assert sorted(row["prompt_id"] for row in rows(result.folder)) == ["q-0", "q-1", "q-2", "q-3"]


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    seen = look_ahead([plan(9)], tmp_path / "x").runs[0]
    assert (seen.planned, seen.answered, seen.unanswered) == (9, 0, 9)
    assert not (tmp_path / "x").exists()


def test_sampling_without_a_seed_is_never_sent() -> None:
    assert all(
        planned.request.sampling != Sampling() and planned.request.sampling.seed is not None for planned in plan(3).requests()
    )


def test_half_a_surrogate_pair_in_an_answer_is_written_out(tmp_path: Path) -> None:
    script = Script(lambda request: Answer(request_id=request.request_id, text="plome \ud83d"))
    result = generate([plan(1)], tmp_path, opener=script).runs[0]
    assert rows(result.folder)[0]["response"] == "plome \\ud83d"


def test_progress_tells_the_running_rate(tmp_path: Path) -> None:
    told = []
    generate([plan(20)], tmp_path, watch=told.append, look=lambda text: "amber" if "amber" in text else "other")
    last = told[-1]
    assert (last.done, last.total, last.asked) == (20, 20, 20)
    assert last.tokens_per_s is not None
    assert last.shares.keys() <= {"amber", "other"}
    assert abs(sum(last.shares.values()) - 1) < 1e-9


def test_answers_that_come_by_file_fill_the_same_run(tmp_path: Path) -> None:
    mine = plan(prompts=prompt_set(6, text="the same zorble"), samples=2)  # six ids, one text: two different requests
    engine = Script()(mine.model.spec)
    asked = {planned.request.request_id: planned.request for planned in still_to_ask(mine, tmp_path)}
    assert len(asked) == 2
    first, second = engine.answer(list(asked.values()))
    result, unknown = take_answers(mine, tmp_path, [first], facts=engine.facts)
    assert (result.answered, result.unanswered, unknown) == (6, 6, 0)
    again, unknown = take_answers(mine, tmp_path, [first, second], facts=engine.facts)
    assert (again.answered, again.unanswered, unknown) == (12, 0, 1)
    generate([mine], tmp_path / "plain")
    by_id = [{row["response_id"]: row for row in timeless(out / mine.run_id)} for out in (tmp_path, tmp_path / "plain")]
    assert by_id[0] == by_id[1]


def test_answers_by_file_join_a_run_that_a_server_began_only_when_said(tmp_path: Path) -> None:
    generate([plan(6, limit=2)], tmp_path, opener=Script(facts={"version": "0.32.0"}))
    mine = plan(6)
    engine = Script()(mine.model.spec)
    answers = list(engine.answer([planned.request for planned in still_to_ask(mine, tmp_path)]))
    facts = attrs.evolve(engine.facts, version="batch files")
    with pytest.raises(DataError, match="say --accept-changes"):
        take_answers(mine, tmp_path, answers, facts=facts)
    result, _ = take_answers(mine, tmp_path, answers, facts=facts, accept_changes=True)
    assert (result.answered, result.unanswered) == (6, 0)
