"""Adapter ``safescale-run``: the folders that ``safescale generate`` writes, read part by part."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec
import pyarrow as pa

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe, table_of
from safescale.ingest.bytes_in import without_compression
from safescale.ingest.gathering import ODD_VALUE, Gathering, Records, Unusable
from safescale.ingest.identity import own_trace_id
from safescale.ingest.json_input import JsonLine, first_objects, json_document, object_lines
from safescale.ingest.run_lines import FORMAT, MANIFEST, is_retried, scan_lines
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["SafescaleRun"]

_PART: Final = frozenset({"run_id", "response_id", "request_id", "model_id", "prompt_id", "finish_reason", "sample_index"})
_EVENT: Final = frozenset({"run_id", "event", "at"})
_MARK: Final = b'"' + FORMAT.encode() + b'"'
_TEXTS: Final = ("model_id", "prompt_id", "prompt_kind", "attack_class", "condition", "finish_reason")

Size = tuple[float | None, float | None, bool]


class SafescaleRun:
    """
    A part of a run (``RUN/parts/part-*.jsonl``). A row is a line: one response, or the fault in its place.

    A fault that a resumed run asks again is superseded by the response's later line, in this part or in a later one beside it. The
    manifest and the events of a run are metadata; the size that the manifest declares is taken from it.
    """

    name = "safescale-run"
    facts = FormatFacts(
        files="folders of safescale generate: parts (JSONL); manifest.json and events.jsonl are metadata",
        polarity="no verdicts: nothing is graded yet",
        outcome_map="none",
        denominator="every response is a trace; a fault is one without a response",
        cluster_key="prompt_id",
        attempts="sample_index numbers the repeats; a fault that was asked again is superseded",
    )

    def context(self, path: Path) -> str:
        """Rows that later lines replace, and the size that the manifest declares."""
        replaced = sorted(_replaced(path))
        size = _declared(path)
        if not replaced and size is None:
            return ""
        return hashlib.sha256(json.dumps([replaced, size]).encode()).hexdigest()

    def recognises(self, probe: Probe) -> bool:
        """Lines with the ids of a run, or its manifest."""
        if probe.stem.endswith(".json"):
            return _MARK in probe.head and b'"run_id"' in probe.head
        if not probe.stem.endswith((".jsonl", ".ndjson")):
            return False
        found = first_objects(probe.head, 1)
        return bool(found) and (found[0].keys() >= _PART or found[0].keys() == _EVENT or found[0].keys() > _EVENT)

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Read a part, a manifest, or events."""
        gathering = Gathering(str(path))
        if without_compression(path.name.lower()).endswith(".json"):
            yield from _metadata(path, gathering)
            return
        replaced = _replaced(path)
        size = _declared(path)
        parts = False
        for line in object_lines(path, gathering):
            if line.value.keys() >= _EVENT and "response_id" not in line.value:
                gathering.metadata(line.row)
            elif line.row in replaced:
                gathering.superseded(line.row)
            else:
                parts = True
                make = functools.partial(_records, line, options.source or "safescale-run", size)
                gathering.take(line.row, make, raw=line.raw)
            yield from gathering.full()
        if parts and _manifest_of(path) is None:
            gathering.note(NoteCode.COMPANION_MISSING, expected=f"{MANIFEST} of the run", got="none: no declared size, no settings")
        yield from gathering.rest()


def _metadata(path: Path, gathering: Gathering) -> Iterator[Batch]:
    """The manifest as one row of metadata, with its record Run; what is no JSON is a reject of the file."""
    value = json_document(path)
    if isinstance(value, RejectedRow):
        gathering.reject(value)
    else:
        gathering.metadata(1)
    gathering.read(path.stat().st_size)
    for batch in gathering.rest():
        yield attrs.evolve(batch, runs=_run_table(value))


def _run_table(manifest: Any) -> pa.Table | None:
    """The record Run that a manifest carries; None where it has none that columns can hold."""
    record = manifest.get("record") if isinstance(manifest, dict) else None
    if not isinstance(record, dict):
        return None
    try:
        return table_of("run", [record])
    except (pa.ArrowException, *ODD_VALUE):
        return None


def _records(line: JsonLine, source: str, size: Mapping[str, Size] | None) -> Records:
    row: Mapping[str, Any] = line.value
    for key in ("run_id", "response_id", *_TEXTS):
        if not isinstance(row.get(key), str) or not row[key]:
            raise Unusable(RejectCode.MISSING_FIELD, expected="text", got=row.get(key), column=key)
    text, fault = row.get("response"), row.get("fault")
    if text is None and fault is None:
        raise Unusable(RejectCode.MISSING_FIELD, expected="a response, or the fault in its place", got="neither", column="response")
    own = row["response_id"]
    if is_retried(fault):
        own += f"/unanswered-{row.get('created_at')}"  # its answer, when a resumed run has it, is no other content of this trace
    model_id = row["model_id"]
    trace = {
        "trace_id": own_trace_id(source, own),
        "source": source,
        **{key: row[key] for key in _TEXTS},
        "sample_index": row["sample_index"],
        "response_kind": "none" if text is None else "text",
        "response": text,
        "prompt": row.get("prompt"),
        "seed": row.get("seed"),
        "created_at": row.get("created_at"),
        "error": None if fault is None else f"{fault}: {row.get('fault_message') or 'no further words'}",
    }
    return Records(trace=trace, sizes={model_id: size[model_id]} if size and model_id in size else {})


def _replaced(path: Path) -> set[int]:
    """Rows of a part whose fault was asked again with another outcome, in it or in a part beside it that was written later."""
    waiting: dict[str, int] = {}
    replaced: set[int] = set()

    def see(file: Path, *, own: bool) -> None:
        for row, found in enumerate(scan_lines(file), 1):
            if found is None:
                continue
            if found.response_id in waiting:
                replaced.add(waiting.pop(found.response_id))
            if own and found.retried:
                waiting[found.response_id] = row

    if not _is_part(path) or not path.is_file():
        return replaced
    see(path, own=True)
    if waiting:
        for later in sorted(path.parent.glob("part-*")):  # parts that were copied elsewhere, or packed, are still one run
            if _is_part(later) and without_compression(later.name) > without_compression(path.name):
                see(later, own=False)
    return replaced


def _is_part(path: Path) -> bool:
    return without_compression(path.name).endswith(".jsonl")


def _manifest_of(path: Path) -> dict[str, Any] | None:
    """The manifest of the run that a part belongs to."""
    try:
        found = msgspec.json.decode((path.parent.parent / MANIFEST).read_bytes())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("format") == FORMAT else None


def _declared(path: Path) -> dict[str, Size] | None:
    """Size of the run's model, where its manifest declares one."""
    manifest = _manifest_of(path) if _is_part(path) else None
    model = manifest.get("model") if manifest else None
    if not isinstance(model, dict) or not isinstance(model.get("model_id"), str):
        return None
    total, active = (_positive(model.get(key)) for key in ("params_total_b", "params_active_b"))
    if total is None and active is None:
        return None
    return {model["model_id"]: (total, active, model.get("size_estimated") is True)}


def _positive(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9 else None
