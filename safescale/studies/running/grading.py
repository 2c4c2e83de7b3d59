"""Grading of an experiment's responses: each grader into a file of its own, opened only when something is left to grade."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.grade.run import grade_corpus
from safescale.ingest.grade_lines import SUFFIX
from safescale.records.outcomes import Tier
from safescale.records.verdicts import Verdict
from safescale.store import open_corpus
from safescale.store.json_file import write_json
from safescale.studies.running.corpus import Made
from safescale.studies.running.graders import NamedGrader, check_tier, file_name

__all__ = ["GRADES", "JUDGEMENTS", "GradedBy", "grade_by"]

GRADES: Final = "grades"
JUDGEMENTS: Final = "judgements"

Rows = Callable[[str, int], contextlib.AbstractContextManager[Callable[[int], None] | None]]
"""Opens a progress bar of so many rows."""


@attrs.frozen(kw_only=True)
class GradedBy:
    """
    What one grader made of the responses.

    Parameters
    ----------
    name : str
        As it was named.
    grader_id, kind, outcome_map : str
        What it says of itself.
    rubric_version : str, optional
        Likewise.
    classes : tuple of Verdict
        Verdicts that it can give; empty: it does not say.
    verdicts : mapping of str to int
        Grades by verdict.
    reasons : mapping of str to int
        Why responses could not be graded, the most usual ones.
    file : Path
        Its grades.
    judged : int
        Responses judged by this call.
    """

    name: str
    grader_id: str
    kind: str
    outcome_map: str
    rubric_version: str | None
    classes: tuple[Verdict, ...]
    verdicts: Mapping[str, int]
    reasons: Mapping[str, int]
    file: Path
    judged: int = 0


def grade_by(
    grader: NamedGrader, made: Made, out: Path, *, tier: Tier, without: Sequence[str] = (), progress: Rows | None = None
) -> GradedBy:
    """
    Grades of one grader on the responses, in ``out/grades/NAME.grades.jsonl``.

    A file that is of these responses and this grader, without a failure of the grader, is kept as it is and the grader is not
    opened; else what was judged before is not judged again (``out/judgements``). Responses under the conditions ``without`` are
    not graded: whether a puzzle alone is solved, no grader of harm says.

    Raises
    ------
    GradingError
        When the grader is gone, or nothing can be written.
    DomainError
        When it does not distinguish the tier.
    """
    folder = out / GRADES
    folder.mkdir(parents=True, exist_ok=True)
    stem = file_name(grader.name)
    file, note = folder / f"{stem}{SUFFIX}", folder / f"{stem}.json"
    state = {"fingerprint": made.fingerprint, "grader": json.loads(json.dumps(grader.registered))}
    there = _noted(note, file)
    if there is not None and there.pop("state") == state and not there["verdicts"].get(Verdict.ERROR.value):
        return _of(there, grader, file)
    opened = grader.open()
    check_tier(opened.facts, tier)
    with (
        contextlib.closing(open_corpus(made.path)) as corpus,
        (progress or _silent)(f"grade by {grader.name}", corpus.count("traces")) as tell,
    ):
        run = grade_corpus(corpus, [opened], into=file, cache=out / JUDGEMENTS, without=without, progress=tell).graders[0]
    facts = {
        "grader_id": run.facts.grader_id,
        "kind": run.facts.kind,
        "outcome_map": run.facts.outcome_map,
        "rubric_version": run.facts.rubric_version,
        "classes": [verdict.value for verdict in run.facts.classes],
        "verdicts": {verdict.value: count for verdict, count in run.verdicts.items()},
        "reasons": dict(run.reasons),
    }
    write_json(note, {"state": state, **facts})
    return _of(facts, grader, file, judged=run.judged)


def _of(facts: Mapping[str, Any], grader: NamedGrader, file: Path, *, judged: int = 0) -> GradedBy:
    classes = tuple(Verdict(value) for value in facts["classes"])
    return GradedBy(**{**facts, "classes": classes}, name=grader.name, file=file, judged=judged)


def _noted(note: Path, file: Path) -> dict[str, Any] | None:
    """What was written of a grades file when it was complete."""
    try:
        found = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return None
    whole = isinstance(found, dict) and found.keys() >= {
        "state",
        "grader_id",
        "kind",
        "outcome_map",
        "classes",
        "verdicts",
        "reasons",
    }
    return found if whole and file.is_file() else None


def _silent(label: str, total: int) -> contextlib.AbstractContextManager[Callable[[int], None] | None]:
    return contextlib.nullcontext(None)
