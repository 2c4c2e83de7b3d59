"""Adapter ``pyrit``: the SQLite memory of PyRIT, of versions 0.x and 1.x."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.gathering import Gathering
from safescale.ingest.polarity import Scorers
from safescale.ingest.pyrit_open import ATTACKS, PIECES, Database, database, is_pyrit, listed
from safescale.ingest.pyrit_rows import Attempts
from safescale.records.fates import NoteCode

__all__ = ["PyritDb"]

_MAGIC: Final = b"SQLite format 3\x00"
_RELATED: Final = ("pruned_conversation_ids", "adversarial_chat_conversation_ids", "preparation_conversation_ids")


class PyritDb:
    """
    ``pyrit.db``. A row is an attack result (``AttackResultEntries``, in the order of the table), then each conversation that none
    of them names, in the order of its first message.

    An attack's outcome is the verdict of its objective scorer (success = harmful). Other scores go by the table of known scorers:
    what a true of a question that the user wrote means, the user's map says. In versions before attack results a conversation is
    read when one of its answers was scored; one without scores may be the attacker's or the scorer's own and carries no record,
    unless nothing in the database was scored.
    """

    name = "pyrit"
    facts = FormatFacts(
        files="pyrit.db, the SQLite memory of PyRIT (0.x and 1.x)",
        polarity="outcome: success = the objective was reached (harmful); scores by the table of known scorers, else UNGRADED",
        outcome_map="binary_harmful, refusal_only (refusal scorers)",
        denominator="attack results with outcome success or failure; error is ERROR, undetermined UNGRADED; float scores give none",
        cluster_key="SHA-256 of the objective (of the first message as it was before converters, without one)",
        attempts="each attack result is one; conversations that were pruned, or are the attacker's, carry no record",
    )

    def context(self, path: Path) -> str:
        """The write-ahead log beside the database: rows in it are not in the file's bytes."""
        log = path.with_name(path.name + "-wal")
        try:
            return f"wal {hashlib.sha256(log.read_bytes()).hexdigest()}" if log.stat().st_size else ""
        except OSError:
            return ""

    def recognises(self, probe: Probe) -> bool:
        """An SQLite database with PyRIT's table of messages."""
        return probe.head.startswith(_MAGIC) and is_pyrit(probe.path)

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """
        Read the database; nothing is written, not even beside it.

        Raises
        ------
        DataError
            When it is damaged or no database of PyRIT, or the user's map is wrong.
        """
        scorers = Scorers.of(self.name, options.column_map)
        into = Gathering(str(path))
        with database(path) as base:
            yield from _read(base, Attempts(base, options, scorers), into)
        scorers.tell(into)
        into.read(path.stat().st_size)
        yield from into.rest()


def _read(base: Database, attempts: Attempts, into: Gathering) -> Iterator[Batch]:
    row = 0
    taken: set[str] = set()
    related: set[str] = set()
    for attack in base.rows(ATTACKS):
        row += 1
        taken.add(str(attack.get("conversation_id")))
        for column in _RELATED:
            related |= {str(c) for c in listed(attack.get(column))}
        into.take(row, lambda a=attack: attempts.of_attack(a))  # type: ignore[misc]
        yield from into.full()
    has_attacks = row > 0
    unscored = 0
    scored = _scored_conversations(base)
    for conversation in _conversations(base):
        if str(conversation) in taken:
            continue
        row += 1
        named = str(conversation) in scored
        if str(conversation) in related or not (named or not (has_attacks or scored)):
            unscored += str(conversation) not in related
            into.metadata(row)
        else:
            into.take(row, lambda c=conversation: attempts.of_conversation(c))  # type: ignore[misc]
        yield from into.full()
    attempts.tell(into)
    if unscored:
        into.note(
            NoteCode.ONE_OF_SEVERAL,
            expected="conversations of attack results, or with a score",
            got=f"{unscored:,} conversations with neither (those of attackers and scorers among them): no record",
            column="conversation_id",
        )


def _conversations(base: Database) -> list[Any]:
    name = base.tables[PIECES]
    found = base.connection.execute(f'SELECT conversation_id, min(rowid) FROM "{name}" GROUP BY conversation_id ORDER BY 2')
    return [conversation for conversation, _ in found]


def _scored_conversations(base: Database) -> set[str]:
    """Conversations with a scored answer; a score names the original of a piece that was copied."""
    name = base.tables[PIECES]
    columns = {str(c[1]).lower() for c in base.connection.execute(f'PRAGMA table_info("{name}")')}
    original = "original_prompt_id" if "original_prompt_id" in columns else "id"
    found = base.connection.execute(f'SELECT conversation_id, id, {original} FROM "{name}" WHERE role = ?', ("assistant",))
    return {str(c) for c, own, first in found if str(own) in base.scores or str(first) in base.scores}
