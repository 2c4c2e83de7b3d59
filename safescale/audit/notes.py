"""What the adapters had to say of the files, code by code."""

from __future__ import annotations

from collections.abc import Iterator

from safescale.analyses.words import plural
from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import SHOWN_EVIDENCE, Evidence, Hit
from safescale.audit.words import named
from safescale.records.fates import NoteCode

__all__ = ["hits_of"]


def hits_of(facts: AuditFacts, codes: tuple[NoteCode, ...]) -> Iterator[Hit]:
    """One hit for each file and code."""
    wanted = {code.value for code in codes}
    by_file: dict[tuple[str, str], list[dict[str, object]]] = {}
    for row in facts.corpus.read("notes").to_pylist():
        if row["code"] in wanted:
            by_file.setdefault((row["source_file"], row["code"]), []).append(row)
    for (file, code), rows in sorted(by_file.items()):
        words = [f"{row['column'] or 'file'}: {row['expected']}; got {row['got']}" for row in rows]
        yield Hit(
            subject=f"{file}: {code}",
            found=f"{plural(len(rows), 'note')} {code} of {file}: {named(words, 3)}",
            evidence=Evidence(
                places=tuple((file, int(str(row["source_row"]))) for row in rows[:SHOWN_EVIDENCE]),
                ids=tuple(str(row["column"]) for row in rows[:SHOWN_EVIDENCE] if row["column"]),
                total=len(rows),
                unit="note",
            ),
        )
