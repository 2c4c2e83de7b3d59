"""The adapter ``pyrit``: databases built column by column from PyRIT's memory_models.py, of 0.5 to 1.1."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ingest.reading import Read, read
from safescale.errors import DataError
from safescale.ingest.batch import Options, Probe
from safescale.ingest.detect import choose_adapter
from safescale.ingest.pyrit_db import PyritDb
from safescale.ingest.session import ingest
from safescale.store import open_corpus

OLD_PIECES = (
    "id, role, conversation_id, sequence, timestamp, labels, prompt_metadata, converter_identifiers, prompt_target_identifier, "
    "orchestrator_identifier, response_error, original_value_data_type, original_value, original_value_sha256, "
    "converted_value_data_type, converted_value, converted_value_sha256, original_prompt_id"
)
PIECES = (
    "id, role, conversation_id, sequence, timestamp, prompt_metadata, converter_identifiers, response_error, "
    "original_value_data_type, original_value, original_value_sha256, converted_value_data_type, converted_value, "
    "converted_value_sha256, original_prompt_id, pyrit_version"
)
SCORES = (
    "id, score_value, score_value_description, status, score_type, score_category, score_rationale, score_metadata, "
    "scorer_class_identifier, scorer_identifier_hash, prompt_request_response_id, timestamp, pyrit_version"
)
ATTACKS = (
    "id, conversation_id, objective, atomic_attack_identifier, atomic_attack_identifier_hash, objective_sha256, last_response_id, "
    "automated_score_id, human_score_id, last_score_id, executed_turns, outcome, outcome_reason, labels, targeted_harm_categories, "
    "pruned_conversation_ids, adversarial_chat_conversation_ids, timestamp, error_message"
)
TARGET = {"class_name": "OpenAIChatTarget", "params": {"model_name": "my-deployment", "underlying_model_name": "frimble-7b"}}


class Memory:
    """A database that is filled row by row."""

    def __init__(self, path: Path, *, old: bool = False) -> None:
        self.path, self.base, self.count = path, sqlite3.connect(path), 0
        self.base.execute("PRAGMA synchronous=OFF")
        self.base.execute(f"CREATE TABLE PromptMemoryEntries ({OLD_PIECES if old else PIECES})")
        self.base.execute(f"CREATE TABLE ScoreEntries ({SCORES.replace('status, ', '') if old else SCORES})")
        if not old:
            self.base.execute(f"CREATE TABLE AttackResultEntries ({ATTACKS})")
            self.base.execute("CREATE TABLE Conversations (conversation_id, target_identifier, target_identifier_hash)")
            self.base.execute(
                "CREATE TABLE TargetIdentifiers (hash, class_name, model_name, underlying_model_name, identifier_json)"
            )

    def add(self, table: str, **row: Any) -> str:
        self.count += 1
        row.setdefault("id", f"id-{self.count}")
        if table in ("Conversations", "TargetIdentifiers"):
            del row["id"]
        values = [json.dumps(v) if isinstance(v, dict | list) else v for v in row.values()]
        self.base.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", values)
        self.base.commit()
        return str(row.get("id"))

    def say(self, conversation: str, role: str, text: str, sequence: int, **more: Any) -> str:
        base = {
            "role": role,
            "conversation_id": conversation,
            "sequence": sequence,
            "timestamp": f"2026-02-03 04:05:0{sequence}.123456",
            "response_error": "none",
            "original_value_data_type": "text",
            "converted_value_data_type": "text",
            "original_value": text,
            "converted_value": text,
        }
        return self.add("PromptMemoryEntries", **{**base, **more})

    def talk(self, conversation: str = "c1", *, answer: str = "brudd", target: Any = TARGET, **more: Any) -> str:
        """A prompt and an answer; gives the id of the answer."""
        self.say(conversation, "user", "plim the zarv", 0, original_value="plim", **more)
        if target is not None:
            self.add("Conversations", conversation_id=conversation, target_identifier=target)
        return self.say(conversation, "assistant", answer, 1)

    def score(self, piece: str, scorer: str, value: Any = "True", kind: str = "true_false", **more: Any) -> str:
        identifier = {"__type__": scorer, "__module__": "pyrit.score"}
        row = {"scorer_class_identifier": identifier, "score_value": value, "score_type": kind, "prompt_request_response_id": piece}
        return self.add("ScoreEntries", **{**row, **more})

    def attack(self, conversation: str = "c1", outcome: str = "success", **more: Any) -> str:
        identifier = {
            "class_name": "AtomicAttack",
            "children": {
                "attack_technique": {"class_name": "AttackTechnique", "children": {"attack": {"class_name": "CrescendoAttack"}}}
            },
        }
        row = {"conversation_id": conversation, "objective": "plim", "outcome": outcome, "atomic_attack_identifier": identifier}
        return self.add("AttackResultEntries", **{**row, **more})

    def read(self, **options: Any) -> Read:
        return read(PyritDb(), self.path, Options(**options))

    def notes(self) -> dict[str, str]:
        return {n.code.value: n.got for b in PyritDb().read(self.path, Options()) for n in b.notes}


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "pyrit.db")


@pytest.fixture
def old(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "pyrit.db", old=True)


def test_an_attack_result_is_a_trace_graded_by_its_outcome(memory: Memory) -> None:
    answer = memory.talk()
    score = memory.score(answer, "SelfAskTrueFalseScorer", status="complete")
    own = memory.attack(last_response_id=answer, automated_score_id=score, targeted_harm_categories=["zarv"])
    found = memory.read()
    trace = found.traces[0]
    assert trace["trace_id"] == f"pyrit:{own}"
    assert (trace["model_id"], trace["attack_class"], trace["prompt_kind"]) == ("frimble-7b", "CrescendoAttack", "harmful")
    assert (trace["prompt"], trace["response"]) == ("plim the zarv", "brudd")
    assert trace["prompt_id"] == hashlib.sha256(b"plim").hexdigest()
    assert trace["created_at"] == "2026-02-03T04:05:01.123456"
    assert len(found.grades) == 1
    grade = found.grades[0]
    assert (grade["verdict"], grade["raw_label"], grade["grader_kind"], grade["score"]) == ("COMPLIANCE", "success", "llm", 1.0)
    assert grade["grader_id"] == "SelfAskTrueFalseScorer (outcome)"


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        ("success", "COMPLIANCE"),
        ("failure", "NOT_HARMFUL"),
        ("error", "ERROR"),
        ("undetermined", "UNGRADED"),
        ("executing", "UNGRADED"),
    ],
)
def test_outcomes(memory: Memory, outcome: str, verdict: str) -> None:
    memory.talk()
    memory.attack(outcome=outcome)
    assert memory.read().verdicts() == {verdict: 1}


@pytest.mark.parametrize(
    ("value", "outcome", "verdicts"),
    [
        ("True", "success", {"pyrit-outcome": "UNGRADED", "SelfAskRefusalScorer": "REFUSAL"}),
        ("False", "failure", {"pyrit-outcome": "UNGRADED", "SelfAskRefusalScorer": "COMPLIANCE"}),
        ("False", "success", {"SelfAskRefusalScorer (outcome)": "COMPLIANCE"}),
        ("True", "failure", {"SelfAskRefusalScorer (outcome)": "NOT_HARMFUL"}),
    ],
)
def test_success_is_no_harm_where_the_objective_was_a_refusal(
    memory: Memory, value: str, outcome: str, verdicts: dict[str, str]
) -> None:
    """Who gives SelfAskRefusalScorer as the objective's scorer, without the inverter, has 'success' where the model refused."""
    score = memory.score(memory.talk(), "SelfAskRefusalScorer", value)
    memory.attack(outcome=outcome, last_score_id=score)
    assert {g["grader_id"]: g["verdict"] for g in memory.read().grades} == verdicts
    assert ("POLARITY_UNKNOWN" in memory.notes()) == ("pyrit-outcome" in verdicts)


def test_a_direct_prompt_is_no_attack_and_converters_are(memory: Memory) -> None:
    direct = {"class_name": "AtomicAttack", "children": {"attack": {"class_name": "PromptSendingAttack"}}}
    memory.talk("c1")
    memory.talk("c2", converter_identifiers=[{"class_name": "Base64Converter"}, {"__type__": "ROT13Converter"}])
    memory.talk("c3")
    memory.attack("c1", atomic_attack_identifier=direct)
    memory.attack("c2", atomic_attack_identifier=direct)
    memory.attack("c3", atomic_attack_identifier={**direct, "technique_seeds": [{"value": "zarv"}]})
    assert [t["attack_class"] for t in memory.read().traces] == ["none", "Base64Converter+ROT13Converter", "technique seeds"]


def test_identifiers_may_stand_in_tables_of_their_own(memory: Memory) -> None:
    memory.add("TargetIdentifiers", hash="h1", class_name="OpenAIChatTarget", model_name="frimble-9b")
    memory.talk(target=None)
    memory.add("Conversations", conversation_id="c1", target_identifier_hash="h1")
    memory.attack()
    assert memory.read().traces[0]["model_id"] == "frimble-9b"


@pytest.mark.parametrize(
    ("scorer", "value", "verdict"),
    [
        ("SelfAskRefusalScorer", "True", "REFUSAL"),
        ("SelfAskRefusalScorer", "False", "COMPLIANCE"),
        ("GandalfScorer", "True", "COMPLIANCE"),
        ("SelfAskTrueFalseScorer", "True", "UNGRADED"),
        ("SelfAskTrueFalseScorer", "False", "UNGRADED"),
        ("SubStringScorer", "True", "UNGRADED"),
        ("TrueFalseInverterScorer", "True", "UNGRADED"),
        ("PromptShieldScorer", "True", "UNGRADED"),
        ("SelfAskCategoryScorer", "True", "UNGRADED"),
        ("ZarvScorer", "True", "UNGRADED"),
    ],
)
def test_scores_of_an_old_database_go_by_the_table(old: Memory, scorer: str, value: str, verdict: str) -> None:
    old.score(old.talk(target=None), scorer, value)
    found = old.read()
    assert found.verdicts() == {verdict: 1}
    assert found.grades[0]["raw_label"] == value
    assert ("POLARITY_UNKNOWN" in old.notes()) == (verdict == "UNGRADED")


def test_a_float_is_kept_and_is_no_verdict_until_the_user_gives_a_threshold(old: Memory, tmp_path: Path) -> None:
    old.score(old.talk(target=None), "SelfAskLikertScorer", "0.75", "float_scale")
    found = old.read()
    assert (found.grades[0]["verdict"], found.grades[0]["score"]) == ("UNGRADED", 0.75)
    polarity = tmp_path / "map.yaml"
    for threshold, verdict in ((0.5, "COMPLIANCE"), (0.8, "NOT_HARMFUL")):
        polarity.write_text(f"scorers:\n  SelfAskLikertScorer: {{polarity: harmful_when_1, threshold: {threshold}}}\n")
        assert choose_adapter(old.path, Options(column_map=polarity)).name == "pyrit"  # type: ignore[union-attr]
        assert old.read(column_map=polarity).verdicts() == {verdict: 1}
    polarity.write_text("scorers: {SelfAskLikertScorer: harmful_when_1}\n")
    assert old.read(column_map=polarity).verdicts() == {"UNGRADED": 1}


def test_a_score_that_is_not_complete_is_no_verdict(memory: Memory) -> None:
    memory.score(memory.talk(), "SelfAskRefusalScorer", None, status="undetermined")
    memory.score(memory.talk("c2"), "SelfAskRefusalScorer", "True", status="undetermined")
    assert memory.read().verdicts() == {"UNGRADED": 2}
    assert memory.notes()["GRADER_FAILED"].startswith("2 scores")


def test_an_old_database_names_targets_and_orchestrators_on_its_messages(old: Memory) -> None:
    where = {
        "prompt_target_identifier": {"__type__": "AzureMLChatTarget"},
        "orchestrator_identifier": {"__type__": "RedTeamingOrchestrator"},
        "original_value_sha256": "a" * 64,
    }
    old.score(old.talk(target=None, **where), "SelfAskRefusalScorer", "True")
    trace = old.read().traces[0]
    assert (trace["model_id"], trace["attack_class"], trace["prompt_id"]) == (
        "AzureMLChatTarget",
        "RedTeamingOrchestrator",
        "a" * 64,
    )
    assert old.notes()["COMPANION_MISSING"].startswith("1 attempts")


def test_chats_of_attackers_and_scorers_are_no_traces(memory: Memory) -> None:
    for conversation in ("c1", "c2", "c3", "c4"):
        answer = memory.talk(conversation)
        if conversation == "c3":
            memory.score(answer, "SelfAskRefusalScorer")
    memory.attack("c1", adversarial_chat_conversation_ids=["c2"], pruned_conversation_ids=["c3"])
    found = memory.read()
    assert (len(found.traces), found.metadata, found.rows_in) == (1, [2, 3, 4], 4)
    assert memory.notes()["ONE_OF_SEVERAL"].startswith("1 conversations")


def test_without_scores_every_conversation_is_an_ungraded_trace(old: Memory) -> None:
    old.talk("c1", target=None)
    old.talk("c2", target=None)
    found = old.read()
    assert (len(found.traces), found.grades) == (2, [])
    assert [t["sample_index"] for t in found.traces] == [0, 1]


def test_a_score_of_an_original_is_one_of_its_copy(old: Memory) -> None:
    answer = old.talk("c1", target=None)
    old.say("c2", "user", "plim", 0)
    old.say("c2", "assistant", "brudd", 1, original_prompt_id=answer)
    old.score(answer, "SelfAskRefusalScorer", "True")
    assert old.read().verdicts() == {"REFUSAL": 2}


def test_a_conversation_of_several_turns_keeps_them(memory: Memory) -> None:
    memory.say("c1", "system", "be plim", 0)
    for i in range(2):
        memory.say("c1", "user", f"q{i}", 2 * i + 1)
        last = memory.say("c1", "assistant", f"a{i}", 2 * i + 2)
    memory.attack(last_response_id=last)
    found = memory.read()
    assert [t["text"] for t in found.turns] == ["be plim", "q0", "a0", "q1", "a1"]
    assert (found.traces[0]["prompt"], found.traces[0]["response"]) == ("q1", "a1")
    assert found.traces[0]["condition"].startswith("system prompt ")


def test_a_blocked_answer_is_a_content_filter_and_another_error_none(memory: Memory) -> None:
    for conversation, error in (("c1", "blocked"), ("c2", "unknown"), ("c3", "empty")):
        memory.say(conversation, "user", "plim", 0)
        memory.say(conversation, "assistant", "" if error == "empty" else '{"status": 400}', 1, response_error=error)
        memory.attack(conversation, "failure")
    assert [(t["response_kind"], t["finish_reason"]) for t in memory.read().traces] == [
        ("none", "content_filter"),
        ("none", "error"),
        ("text", "unknown"),
    ]


def test_an_image_is_named(memory: Memory) -> None:
    memory.say("c1", "user", "plim", 0)
    memory.say("c1", "user", "/tmp/x.png", 0, converted_value_data_type="image_path")
    memory.say("c1", "assistant", "brudd", 1)
    memory.attack()
    assert memory.read().traces[0]["prompt"] == "plim\n[image_path]"


def test_rows_in_the_log_beside_the_database_are_read_and_part_of_the_context(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "pyrit.db")
    before = PyritDb().context(memory.path)
    memory.base.execute("PRAGMA journal_mode=WAL")
    memory.talk()
    memory.attack()
    assert PyritDb().context(memory.path) != before
    assert len(memory.read().traces) == 1


def test_it_is_recognised_and_other_databases_are_not(memory: Memory, tmp_path: Path) -> None:
    def claims(path: Path) -> bool:
        return PyritDb().recognises(Probe(path=path, head=path.read_bytes()[:4096]))

    assert claims(memory.path)
    other = tmp_path / "study.db"
    with sqlite3.connect(other) as base:
        base.execute("CREATE TABLE trials (id)")
    torn = tmp_path / "torn.db"
    torn.write_bytes(memory.path.read_bytes()[:700])
    text = tmp_path / "text.db"
    text.write_bytes(b"SQLite format 3\x00 and then nothing")
    assert not any(map(claims, (other, torn, text)))


def test_a_damaged_database_is_refused_as_a_whole(memory: Memory, tmp_path: Path) -> None:
    for i in range(200):
        memory.talk(f"c{i}", answer="brudd " * 200)
        memory.attack(f"c{i}")
    raw = bytearray(memory.path.read_bytes())
    rng = random.Random(3)
    for _ in range(2000):
        raw[rng.randrange(4096, len(raw))] = rng.randrange(256)
    torn = tmp_path / "torn.db"
    torn.write_bytes(raw)
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    report = ingest([torn], corpus)
    assert report.files[0].rejects
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as base:
        base.execute("CREATE TABLE trials (id)")
    with pytest.raises(DataError, match="no table PromptMemoryEntries"):
        list(PyritDb().read(other, Options()))


def test_odd_values_are_rejects_or_passed_over_and_never_an_exception(tmp_path: Path) -> None:
    odd = (None, 7, 1.5, b"\xff\xfe", "", "{", "[1]", '{"a": 1}', "[" * 5000, "zarv")
    rng = random.Random(5)
    for i in range(60):
        memory = Memory(tmp_path / f"{i}.db")
        answer = memory.talk()
        score = memory.score(answer, "SelfAskRefusalScorer")
        memory.attack(last_response_id=answer, automated_score_id=score)
        for table in ("PromptMemoryEntries", "ScoreEntries", "AttackResultEntries", "Conversations"):
            columns = [row[1] for row in memory.base.execute(f"PRAGMA table_info({table})")]
            memory.base.execute(f"UPDATE {table} SET {rng.choice(columns)} = ?", (rng.choice(odd),))
        memory.base.commit()
        memory.read()
