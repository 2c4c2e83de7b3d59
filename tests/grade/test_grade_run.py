"""The runner: each response once, nothing lost to a kill, failures counted, and what analyses make of keyword verdicts."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from safescale.errors import DataError, GradingError
from safescale.grade.grader import GraderFacts, Item, Judgement, open_grader
from safescale.grade.judgements import JudgementCache, item_key
from safescale.grade.run import GradingRun, grade_corpus
from safescale.ingest.session import ingest, validate
from safescale.main_job import Input
from safescale.main_job.grade_run import grade_run
from safescale.records.fates import Fate
from safescale.records.verdicts import Verdict
from safescale.store import open_corpus

PROBABILITIES = {Verdict.REFUSAL: 0.5, Verdict.PARTIAL: 0.25, Verdict.COMPLIANCE: 0.25}


@attrs.define
class Counting:
    """Refuses what begins with "no", fails where it is told to, and counts what it is asked."""

    facts: GraderFacts = attrs.field(
        factory=lambda: GraderFacts(
            grader_id="counting/1", kind="classifier", outcome_map="flip", rubric_version="r1", score_scale="0-1"
        )
    )
    asked: list[str] = attrs.field(factory=list)
    broken_by: str | None = None
    gone_after: int | None = None

    def grade(self, items: Sequence[Item]) -> list[Judgement]:
        if self.gone_after is not None and len(self.asked) >= self.gone_after:
            raise GradingError("no server at http://127.0.0.1:1")
        if any(item.response == self.broken_by for item in items):
            raise RuntimeError("a zorble in the works")
        self.asked += [item.response or "" for item in items]
        return [self._one(item) for item in items]

    def _one(self, item: Item) -> Judgement:
        if item.response == "":
            return Judgement(verdict=Verdict.NOT_GRADEABLE, raw_label="NOTHING", reason="empty")
        verdict = Verdict.REFUSAL if (item.response or "").startswith("no") else Verdict.COMPLIANCE
        return Judgement(verdict=verdict, raw_label=verdict.value, score=0.5, probabilities=PROBABILITIES)


def line(number: int, response: str | None, **more: Any) -> dict[str, Any]:
    return {
        "trace_id": f"demo:{number}",
        "source": "demo",
        "model_id": f"frimble-{1 + number % 4}b",
        "prompt_id": f"p{number}",
        "prompt_kind": "harmful",
        "attack_class": "none",
        "condition": "default",
        "sample_index": 0,
        "response_kind": "none" if response is None else "text",
        "finish_reason": "stop",
        "response": response,
    } | more


def made(folder: Path, responses: Sequence[str | None], name: str = "c.db") -> Path:
    logs = folder / "log.jsonl"
    logs.write_text("".join(json.dumps(line(i, text)) + "\n" for i, text in enumerate(responses)), encoding="utf-8")
    with contextlib.closing(open_corpus(folder / name, create=True)) as corpus:
        ingest([logs], corpus)
    return folder / name


def graded(corpus: Path, *graders: Any, **options: Any) -> GradingRun:
    where = corpus.parent
    with contextlib.closing(open_corpus(corpus)) as opened:
        return grade_corpus(opened, graders, into=where / "x.grades.jsonl", cache=where / "cache", **({"batch_size": 4} | options))


RESPONSES = ["no zorble", "a zorble", None, "no zorble", "", "a quindle", "a zorble"]


def test_equal_responses_are_judged_once_and_a_response_that_never_came_is_no_refusal(tmp_path: Path) -> None:
    grader = Counting()
    run = graded(made(tmp_path, RESPONSES), grader)
    assert sorted(grader.asked) == ["", "a quindle", "a zorble", "no zorble"]
    (one,) = run.graders
    assert (run.traces, run.with_text, dict(run.not_graded)) == (7, 6, {"response_kind none": 1})
    assert dict(one.verdicts) == {Verdict.COMPLIANCE: 3, Verdict.REFUSAL: 2, Verdict.NOT_GRADEABLE: 1}
    assert (one.judged, one.cached, one.shared, one.failed) == (4, 0, 2, 1)
    assert dict(one.reasons) == {"empty": 1}


def test_a_second_run_asks_nothing_and_writes_the_same_file(tmp_path: Path) -> None:
    corpus = made(tmp_path, RESPONSES)
    first = graded(corpus, Counting()).file.read_bytes()
    again = Counting()
    run = graded(corpus, again)
    assert not again.asked
    assert run.file.read_bytes() == first
    assert (run.graders[0].judged, run.graders[0].cached) == (0, 6)


def test_another_version_of_a_grader_or_its_rubric_is_asked_anew(tmp_path: Path) -> None:
    corpus = made(tmp_path, RESPONSES)
    graded(corpus, Counting())
    facts = Counting().facts
    for changed in (attrs.evolve(facts, grader_id="counting/2"), attrs.evolve(facts, rubric_version="r2")):
        other = Counting(facts=changed)
        graded(corpus, other)
        assert len(other.asked) == 4


def test_a_grader_that_sees_the_prompt_is_asked_for_every_prompt(tmp_path: Path) -> None:
    facts = attrs.evolve(Counting().facts, sees_prompt=True)
    one, other = (Item(response="a zorble", prompt=prompt) for prompt in ("p", "q"))
    assert item_key(facts, one, response_sha256="a") != item_key(facts, other, response_sha256="a")
    blind = Counting().facts
    assert item_key(blind, one, response_sha256="a") == item_key(blind, other, response_sha256="a")


def test_the_grades_of_known_traces_are_taken_in_with_their_probabilities(tmp_path: Path) -> None:
    corpus = made(tmp_path, RESPONSES)
    run = graded(corpus, Counting(), open_grader("gcg"))
    with contextlib.closing(open_corpus(corpus, create=True)) as opened:
        report = ingest([run.file], opened)
        again = ingest([run.file], opened)
        assert report.findings == 0
        assert report.files[0].grades == 12
        assert again.files[0].already_ingested
        rows = [row for row in opened.read("grades").to_pylist() if row["grader_id"] == "counting/1"]
        graders = {row["grader_id"]: row for row in opened.read("graders").to_pylist()}
    judged = [row for row in rows if row["verdict"] != "NOT_GRADEABLE"]
    assert {(r["p_refusal"], r["p_partial"], r["p_compliance"], r["score"], r["score_scale"]) for r in judged} == {
        (0.5, 0.25, 0.25, 0.5, "0-1")
    }
    assert {(r["rubric_version"], r["grader_kind"], r["target"]) for r in rows} == {("r1", "classifier", "text")}
    assert graders["gcg/1"]["grader_kind"] == "keyword"
    assert graders["gcg/1"]["outcome_map"] == "refusal_only"


def test_grades_of_unknown_traces_and_of_undeclared_graders_are_rejects(tmp_path: Path) -> None:
    run = graded(made(tmp_path, RESPONSES), Counting())
    lines = run.file.read_text().splitlines()
    stranger = lines[1].replace("counting/1", "stranger/1")
    orphan = lines[1].replace("demo:0", "demo:99")
    (tmp_path / "y.grades.jsonl").write_text("\n".join([*lines, stranger, orphan, "{"]) + "\n")
    with contextlib.closing(open_corpus(tmp_path / "c.db", create=True)) as opened:
        (outcome,) = ingest([tmp_path / "y.grades.jsonl"], opened).files
    assert outcome.fates[Fate.GRADE] == 6
    assert outcome.fates[Fate.METADATA] == 1
    assert dict(outcome.reject_codes) == {"CONTRADICTION": 1, "ORPHAN_GRADE": 1, "BAD_JSON": 1}


def test_grades_files_may_be_joined_and_are_read_after_the_traces_beside_them(tmp_path: Path) -> None:
    corpus = made(tmp_path, RESPONSES)
    folder = tmp_path / "together"
    folder.mkdir()
    one, other = graded(corpus, Counting()).file.read_bytes(), graded(corpus, open_grader("gcg")).file.read_bytes()
    (folder / "a.grades.jsonl").write_bytes(one + other)  # by its name it stands before the traces
    (folder / "z.jsonl").write_bytes((tmp_path / "log.jsonl").read_bytes())
    report = validate([folder])
    assert report.findings == 0
    assert report.fates[Fate.GRADE] == 12


def test_one_response_that_breaks_a_grader_is_an_error_and_loses_no_other(tmp_path: Path) -> None:
    corpus = made(tmp_path, RESPONSES)
    run = graded(corpus, Counting(broken_by="a quindle"))
    (one,) = run.graders
    assert one.verdicts[Verdict.ERROR] == 1
    assert one.graded == 6
    assert one.reasons["the grader raised RuntimeError: a zorble in the works"] == 1
    mended = Counting()
    (one,) = graded(corpus, mended).graders
    assert mended.asked == ["a quindle"]
    assert (one.retried, one.verdicts.get(Verdict.ERROR)) == (1, None)


def test_a_grader_that_goes_away_says_so_and_what_it_said_is_kept(tmp_path: Path) -> None:
    corpus = made(tmp_path, [f"zorble {i}" for i in range(10)])
    with pytest.raises(GradingError, match=r"counting/1 is gone: no server.*run again"):
        graded(corpus, Counting(gone_after=8))
    assert not (tmp_path / "x.grades.jsonl").exists()
    assert not list(tmp_path.glob(".*.tmp"))
    back = Counting()
    graded(corpus, back)
    assert back.asked == ["zorble 8", "zorble 9"]


def test_a_half_written_line_is_recognised_and_judged_anew(tmp_path: Path) -> None:
    corpus = made(tmp_path, [f"zorble {i}" for i in range(4)])
    graded(corpus, Counting())
    (part,) = (tmp_path / "cache").rglob("*.part")
    part.write_bytes(part.read_bytes()[:-7])
    again = Counting()
    (one,) = graded(corpus, again).graders
    assert again.asked == ["zorble 3"]
    assert one.torn_lines == 1


def test_two_processes_do_not_judge_into_one_folder(tmp_path: Path) -> None:
    corpus = made(tmp_path, RESPONSES)
    with JudgementCache(tmp_path / "cache", Counting().facts), pytest.raises(DataError, match="folder of judgements"):
        graded(corpus, Counting())


def test_a_cache_of_another_grader_is_refused(tmp_path: Path) -> None:
    corpus = made(tmp_path, RESPONSES)
    graded(corpus, Counting())
    (part,) = (tmp_path / "cache").rglob("*.part")
    part.write_bytes(part.read_bytes().replace(b"counting/1", b"counting/9", 1))
    with pytest.raises(DataError, match="another grader"):
        graded(corpus, Counting())


def test_a_file_that_cannot_be_written_is_told_with_the_next_step(tmp_path: Path) -> None:
    with (
        contextlib.closing(open_corpus(made(tmp_path, RESPONSES))) as opened,
        pytest.raises(GradingError, match=r"cannot be written.*--into"),
    ):
        grade_corpus(opened, [Counting()], into=tmp_path / "no" / "x.grades.jsonl", cache=tmp_path / "cache")


def test_a_full_disk_under_the_judgements_is_told_and_what_was_kept_stays(tmp_path: Path) -> None:
    with JudgementCache(tmp_path / "cache", Counting().facts) as cache, open("/dev/full", "wb", buffering=0) as full:
        cache.add({"k1": Judgement(verdict=Verdict.REFUSAL, raw_label="REFUSAL")})
        own, cache._part = cache._part, full
        with pytest.raises(GradingError, match=r"No space left.*free some space"):
            cache.add({"k2": Judgement(verdict=Verdict.REFUSAL, raw_label="REFUSAL")})
        cache._part = own
        assert set(cache.known) == {"k1"}
    with JudgementCache(tmp_path / "cache", Counting().facts) as again:
        assert set(again.known) == {"k1"}


def test_no_grader_and_one_grader_twice_are_refused(tmp_path: Path) -> None:
    corpus = made(tmp_path, RESPONSES)
    with pytest.raises(GradingError, match="no grader was named"):
        graded(corpus)
    with pytest.raises(GradingError, match="named twice"):
        graded(corpus, Counting(), Counting())


MORTAL = """
import os, signal, sys
from pathlib import Path
from safescale.grade.grader import GraderFacts, Judgement
from safescale.grade.run import grade_corpus
from safescale.records.verdicts import Verdict
from safescale.store import open_corpus

class Mortal:
    facts = GraderFacts(grader_id="counting/1", kind="classifier", outcome_map="flip", rubric_version="r1", score_scale="0-1")
    asked = 0
    def grade(self, items):
        self.asked += len(items)
        if self.asked > int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        found = [Verdict.REFUSAL if item.response.startswith("no") else Verdict.COMPLIANCE for item in items]
        sure = {Verdict.REFUSAL: 0.5, Verdict.PARTIAL: 0.25, Verdict.COMPLIANCE: 0.25}
        return [Judgement(verdict=v, raw_label=v.value, score=0.5, probabilities=sure) for v in found]

folder = Path(sys.argv[1])
grade_corpus(open_corpus(folder / "c.db"), [Mortal()], into=folder / "x.grades.jsonl", cache=folder / "cache", batch_size=4)
"""


def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(tmp_path: Path) -> None:
    """Kill -9: the file is that of an uninterrupted run, and only the batch under way is judged twice."""
    responses = [f"{'no ' if i % 3 else ''}zorble {i}" for i in range(1000)]
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    whole = graded(made(tmp_path / "whole", responses), Counting()).file
    corpus = made(tmp_path / "killed", responses)
    for after in (301, 33):
        done = subprocess.run([sys.executable, "-c", MORTAL, str(corpus.parent), str(after)], timeout=120, check=False)
        assert done.returncode == -signal.SIGKILL
        assert not (corpus.parent / "x.grades.jsonl").exists()
    rest = Counting()
    run = graded(corpus, rest)
    assert len(rest.asked) == 1000 - 300 - 32
    assert run.file.read_bytes() == whole.read_bytes()


def test_grading_logs_leaves_no_corpus_and_says_what_to_do(tmp_path: Path) -> None:
    made(tmp_path, RESPONSES)
    told = grade_run(Input(paths=(tmp_path / "log.jsonl",)), [open_grader("refusal-phrases")])
    assert told.corpus is None
    assert told.taken_in is None
    assert told.run.file.name == "log-refusal-phrases-1.grades.jsonl"


def test_a_class_that_a_grader_does_not_have_has_no_probability(tmp_path: Path) -> None:
    """A judge of harm alone knows no refusal: null, not 0."""

    @attrs.define
    class OfHarm(Counting):
        facts: GraderFacts = attrs.field(factory=lambda: GraderFacts(grader_id="harm/1", kind="llm", outcome_map="binary_harmful"))

        def _one(self, item: Item) -> Judgement:
            chances = {Verdict.COMPLIANCE: 0.25, Verdict.NOT_HARMFUL: 0.75}
            return Judgement(verdict=Verdict.NOT_HARMFUL, raw_label="no", probabilities=chances)

    told = grade_run(Input(paths=(made(tmp_path, RESPONSES),)), [OfHarm()])
    assert told.corpus is not None
    with contextlib.closing(open_corpus(told.corpus)) as opened:
        rows = opened.read("grades").to_pylist()
    assert {(r["p_refusal"], r["p_partial"], r["p_compliance"]) for r in rows} == {(None, None, 0.25)}


def test_impossible_probabilities_are_an_error_of_the_item_and_the_others_are_graded(tmp_path: Path) -> None:
    @attrs.define
    class Impossible(Counting):
        def _one(self, item: Item) -> Judgement:
            wrong = {"a zorble": {Verdict.REFUSAL: 0.5}, "a quindle": {Verdict.REFUSAL: 1.5, Verdict.COMPLIANCE: -0.5}}
            chances = wrong.get(item.response or "", PROBABILITIES)
            return Judgement(verdict=Verdict.REFUSAL, raw_label="x", probabilities=chances)

    (one,) = graded(made(tmp_path, RESPONSES), Impossible()).graders
    assert dict(one.verdicts) == {Verdict.REFUSAL: 3, Verdict.ERROR: 3}
    assert all("at least 0 and sum to 1" in reason for reason in one.reasons)


OTHER_MEANING = attrs.evolve(Counting().facts, outcome_map="refusal_only")


def test_the_same_id_with_another_meaning_is_judged_anew_and_its_grades_are_refused(tmp_path: Path) -> None:
    corpus = made(tmp_path, RESPONSES)
    grade_run(Input(paths=(corpus,)), [Counting()])
    other = Counting(facts=OTHER_MEANING)
    told = grade_run(Input(paths=(corpus,)), [other])
    assert len(other.asked) == 4
    assert told.taken_in is not None
    assert dict(told.taken_in.files[0].reject_codes) == {"CONTRADICTION": 6}
    assert told.taken_in.files[0].grades == 0


def test_two_graders_of_one_id_and_two_meanings_are_refused(tmp_path: Path) -> None:
    other = Counting(facts=attrs.evolve(OTHER_MEANING, rubric_version="r2"))
    with pytest.raises(GradingError, match="two graders of different meaning are called 'counting/1'"):
        graded(made(tmp_path, RESPONSES), Counting(), other)


@pytest.mark.parametrize("name", ["c.db", "log.jsonl", "pipe", "folder"])
def test_what_is_no_grades_file_is_never_replaced_by_one(tmp_path: Path, name: str) -> None:
    """`--into` the corpus itself, or a device, would have been the end of it."""
    corpus = made(tmp_path, RESPONSES)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    before = os.stat(tmp_path / name).st_ino
    with pytest.raises(GradingError, match="holds no grades; it is not replaced"):
        grade_run(Input(paths=(corpus,)), [Counting()], into=tmp_path / name)
    assert os.stat(tmp_path / name).st_ino == before
