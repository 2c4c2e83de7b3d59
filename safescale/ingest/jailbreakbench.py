"""Adapter ``jailbreakbench``: artefacts, ``evaluation.json`` and submissions of JailbreakBench."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from safescale.errors import DataError
from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.bytes_in import head_bytes
from safescale.ingest.gathering import Gathering
from safescale.ingest.jailbreakbench_rows import BEHAVIOURS, ArtefactFacts, attack_records
from safescale.ingest.json_input import json_document
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["JailbreakBench"]

_OBJECT: Final = re.compile(rb'\s*\{\s*"(parameters|jailbreaks|summaries|test_logs|eval_logs|models)"\s*:')
_NESTED: Final = re.compile(
    rb'\s*\{\s*"[^"\\]{1,200}"\s*:\s*\{\s*"[^"\\]{1,300}"\s*:\s*(\{\s*"(prompt|response|jailbroken)"|"|null)'
)
_MARKS: Final = {
    b"parameters": (b'"attack_success_rate"', b'"attack_type"', b'"total_number_of_jailbreaks"', b'"jailbroken"'),
    b"jailbreaks": (b'"jailbroken"',),
    b"summaries": (b'"model_summary"', b'"jailbreaks"'),
    b"test_logs": (b'"prompt_tokens"',),
    b"eval_logs": (b'"prompt_tokens"',),
}
_ATTACK_TYPES: Final = (b'"white_box"', b'"black_box"', b'"transfer"', b'"manual"')
_NO_METHOD: Final = "undeclared"


class JailbreakBench:
    """
    Files of JailbreakBench. A row is the k-th entry of ``jailbreaks`` (of a submission: of all models one after the other), or
    the k-th behaviour of ``evaluation.json``; logs of the attack's search (``test_logs``, ``eval_logs``) are no rows.

    The summary numbers of a header are never used; where they contradict the rows, a note says so.
    """

    name = "jailbreakbench"
    facts = FormatFacts(
        files="artefacts (parameters + jailbreaks), evaluation.json, submission.json, attack-info.json",
        polarity="jailbroken = true is harmful; false says not harmful, never refused. The judge is not named in the file "
        "(--grader-id names it). Keys jailbroken_X are further graders",
        outcome_map="binary_harmful",
        denominator="the 100 behaviours: one for which the attack gave no prompt is a failure of the attack and counts. An "
        "artefact with fewer rows than prompts submitted has a condition of its own, so that it is never pooled with whole ones. "
        "The attack class is the method alone: GCG is white-box on open models and a transfer attack on closed ones",
        cluster_key="behavior, else index",
        attempts="one per behaviour; evaluation.json and submission.json repeat the artefacts beside them: duplicates",
    )

    def recognises(self, probe: Probe) -> bool:
        """Whether the head is that of an artefact, an evaluation, a submission or a list of an attack's artefacts."""
        if not probe.stem.endswith(".json"):
            return False
        head = probe.head.removeprefix(b"\xef\xbb\xbf")
        if probe.stem == "attack-info.json":
            return head.lstrip().startswith(b"{") and any(kind in head for kind in _ATTACK_TYPES)
        found = _OBJECT.match(head)
        if found is not None:
            return any(mark in head for mark in _MARKS.get(found[1], ()))
        nested = _NESTED.match(head)
        if nested is None:
            return False
        return b'"jailbroken"' in head or (probe.stem in {"submission.json", "prompts.json"} and not nested[2])

    def context(self, path: Path) -> str:
        """The methods that artefacts beside a file name: the file of a submission does not say its own."""
        if _OBJECT.match(head_bytes(path, 256)) and b"parameters" in head_bytes(path, 64):
            return ""
        return (
            json.dumps(_methods_beside(path), sort_keys=True) if path.name.lower().startswith(("evaluation", "submission")) else ""
        )

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Read a file."""
        document = json_document(path)
        if isinstance(document, RejectedRow):
            yield Batch(rows_in=0, rejects=[document])
            return
        gathering = Gathering(str(path))
        if not isinstance(document, dict):
            expected = "an artefact, an evaluation or a submission of JailbreakBench"
            gathering.reject(RejectedRow.of(0, RejectCode.NOT_AN_OBJECT, expected=expected, got=type(document).__name__))
        elif "jailbreaks" in document:
            yield from _artefact(document, gathering, options)
        elif "summaries" in document:
            yield from _submission(document, path, gathering, options)
        elif set(document) == {"models"}:
            gathering.metadata(1)
        else:
            yield from _evaluation(document, path, gathering, options)
        yield from gathering.rest()


def _artefact(document: dict[str, Any], gathering: Gathering, options: Options) -> Iterator[Batch]:
    rows, header = document["jailbreaks"], document.get("parameters")
    if not isinstance(rows, list):
        reject = RejectedRow.of(0, RejectCode.WRONG_TYPE, expected="a list", got=type(rows).__name__, column="jailbreaks")
        gathering.reject(reject)
        return
    header = header if isinstance(header, dict) else {}
    facts = ArtefactFacts(
        source=options.source or "jailbreakbench",
        judge=options.grader_id or "jailbreakbench/judge",
        model_id=header.get("model"),
        method=header.get("method"),
        attack_type=header.get("attack_type"),
        defense=header.get("defense"),
        date=header.get("evaluation_date"),
        incomplete=_is_incomplete(header, rows),
    )
    for row, entry in enumerate(rows, 1):
        gathering.take(row, partial(attack_records, entry, facts))
        yield from gathering.full()
    _note_header(header, rows, gathering)
    _note_not_asked(rows, gathering)


def _submission(document: dict[str, Any], path: Path, gathering: Gathering, options: Options) -> Iterator[Batch]:
    """``summaries`` holds what the artefacts hold, but for method and defence."""
    models = document["summaries"] if isinstance(document["summaries"], dict) else {}
    methods, row = _methods_beside(path), 0
    for model, summary in models.items():
        found = summary.get("jailbreaks") if isinstance(summary, dict) else None
        rows = found if isinstance(found, list) else []
        facts = _facts_beside(model, methods, {}, options)
        for entry in rows:
            row += 1
            gathering.take(row, partial(attack_records, entry, facts))
            yield from gathering.full()
        header = summary.get("model_summary") if isinstance(summary, dict) else None
        _note_header(header if isinstance(header, dict) else {}, rows, gathering)
        _note_not_asked(rows, gathering)
        _note_method(facts, gathering)


def _evaluation(document: dict[str, Any], path: Path, gathering: Gathering, options: Options) -> Iterator[Batch]:
    """Graded (``prompt, response, jailbroken``), or prompts alone, which are nobody's answer and therefore metadata."""
    details = document.get("details")
    details = details if isinstance(details, dict) else {}
    methods, row = _methods_beside(path), 0
    for model, behaviours in document.items():
        if model == "details":
            continue
        if not isinstance(behaviours, dict):
            row += 1
            expected = f"behaviours of the model {model!r}"
            gathering.reject(RejectedRow.of(row, RejectCode.NOT_AN_OBJECT, expected=expected, got=type(behaviours).__name__))
            continue
        facts = _facts_beside(model, methods, details, options)
        graded: list[Any] = []
        for behaviour, entry in behaviours.items():
            row += 1
            if entry is None or isinstance(entry, str):
                gathering.metadata(row)
                continue
            graded.append({**entry, "behavior": behaviour} if isinstance(entry, dict) else entry)
            gathering.take(row, partial(attack_records, graded[-1], facts))
            yield from gathering.full()
        if graded:
            _note_not_asked(graded, gathering)
            _note_method(facts, gathering)
            if len(graded) != BEHAVIOURS:
                gathering.note(NoteCode.HEADER_CONTRADICTS_ROWS, expected=f"{BEHAVIOURS} behaviours", got=len(graded), column=model)


def _facts_beside(model: str, methods: dict[str, dict[str, Any]], details: dict[str, Any], options: Options) -> ArtefactFacts:
    beside = methods.get(model, {})
    return ArtefactFacts(
        source=options.source or "jailbreakbench",
        judge=options.grader_id or "jailbreakbench/judge",
        model_id=model,
        method=beside.get("method", _NO_METHOD),
        attack_type=beside.get("attack_type"),
        defense=details.get("defense", beside.get("defense")),
        date=details.get("evaluation_date", beside.get("evaluation_date")),
        incomplete=False,
    )


def _methods_beside(path: Path) -> dict[str, dict[str, Any]]:
    """Model to the parameters of the artefact that stands beside the file."""
    found: dict[str, dict[str, Any]] = {}
    try:
        names = sorted(p for p in path.parent.glob("*.json") if p.name != path.name)[:64]
    except OSError:
        return found
    for other in names:
        if not _OBJECT.match(head := head_bytes(other)) or b'"parameters"' not in head[:64]:
            continue
        try:
            body = json_document(other)
        except DataError:
            continue
        header = body.get("parameters") if isinstance(body, dict) else None
        if isinstance(header, dict) and isinstance(header.get("model"), str):
            wanted = ("method", "attack_type", "defense", "evaluation_date")
            found[header["model"]] = {key: header[key] for key in wanted if isinstance(header.get(key), str)}
    return found


def _is_incomplete(header: dict[str, Any], rows: list[Any]) -> bool:
    submitted = header.get("number_of_submitted_prompts")
    return isinstance(submitted, int) and not isinstance(submitted, bool) and len(rows) < submitted


def _note_header(header: dict[str, Any], rows: list[Any], gathering: Gathering) -> None:
    """Totals of the header against those of the rows, by the format's own judge."""
    entries = [row for row in rows if isinstance(row, dict)]
    jailbroken = sum(entry.get("jailbroken") is True or entry.get("jailbroken") == 1 for entry in entries)
    counted = {
        "total_number_of_jailbreaks": jailbroken,
        "number_of_submitted_prompts": sum(isinstance(entry.get("prompt"), str) for entry in entries),
        "attack_success_rate": round(jailbroken / len(rows), 6) if rows else None,
    }
    for key, got in counted.items():
        said = header.get(key)
        if isinstance(said, bool) or not isinstance(said, int | float) or got is None or abs(said) > 1e300:
            continue
        if not abs(said - got) < (0.0051 if key == "attack_success_rate" else 0.5):
            gathering.note(NoteCode.HEADER_CONTRADICTS_ROWS, expected=said, got=got, column=f"parameters.{key}")
    if rows and len(rows) != BEHAVIOURS:
        gathering.note(NoteCode.HEADER_CONTRADICTS_ROWS, expected=f"{BEHAVIOURS} behaviours", got=len(rows), column="jailbreaks")


def _note_not_asked(rows: list[Any], gathering: Gathering) -> None:
    missing = sum(isinstance(row, dict) and row.get("prompt", "") is None for row in rows)
    if missing:
        expected = f"a prompt for each of {len(rows)} behaviours"
        got = f"{missing} without: failures of the attack, counted in the denominator"
        gathering.note(NoteCode.NOT_ASKED, expected=expected, got=got, column="prompt")


def _note_method(facts: ArtefactFacts, gathering: Gathering) -> None:
    if facts.method == _NO_METHOD:
        expected = f"an artefact {facts.model_id}.json beside the file, which names the method"
        gathering.note(NoteCode.COMPANION_MISSING, expected=expected, got=f"none; attack class {_NO_METHOD!r}")
