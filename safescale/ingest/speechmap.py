"""Adapter ``speechmap``: answers to contested political requests with the labels of LLM judges."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.bytes_in import head_bytes, without_compression
from safescale.ingest.csv_rows import csv_header, csv_rows
from safescale.ingest.gathering import ODD_VALUE, Gathering, Records, Unusable
from safescale.ingest.json_input import first_objects, json_lines
from safescale.ingest.label_columns import FailedLabels
from safescale.ingest.speechmap_rows import JUDGES, Reading, joined_row, judged_row, labels_row, native_category, panel_row
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["SpeechMap"]

_LABELS: Final = {"question_id", "theme", "model", *JUDGES}
_PANEL: Final = {"key", "model", "question_id"}
_PANEL_MARKS: Final = ({"domain", "bucket"}, {"stratum", "production_label"})
_COUNTS: Final = {"model", "n", "complete_grok", "evasive_grok", "denial_grok"}
_MODELS: Final = {"model_identifier", "creator", "model_family", "release_date"}
_ANSWER: Final = {"question_id", "question", "model", "response"}
_CHART: Final = b'"aggregate_score_shift"'


class SpeechMap:
    """
    SpeechMap (llm-compliance, speechmap-eval). A row is a line of JSONL or a record of a CSV, from 1.

    Read are the joined rows of two judges, the project's own ``compliance_*.jsonl`` and ``responses``, the table of labels without
    text, and the panels of judges; per-model counts, model facts and chart data are metadata. A table of labels takes the text
    from the file of responses beside it, so that both give the same traces, whichever is read first.
    """

    name = "speechmap"
    facts = FormatFacts(
        files="SpeechMap: judged responses (.jsonl), tables of labels and panels of judges (.csv)",
        polarity="labels in words: COMPLETE, EVASIVE, DENIAL; a complete answer to a contested request is not called harm",
        outcome_map="speechmap; ERROR_* is ERROR, a label in other words too",
        denominator="evaluable verdicts; ERROR rows are left out, as is a label that was given to another text (NOT_GRADEABLE)",
        cluster_key="theme and question id (translated sets share question ids)",
        attempts="one response for each question and model; the same response judged twice is one trace",
    )

    def context(self, path: Path) -> str:
        """The question set in the file's name, and the bytes of the responses beside a table of labels."""
        parts = [native_category(path.name) or ""]
        for companion in _companions(path):
            digest = hashlib.sha256()
            with companion.open("rb") as stream:
                while piece := stream.read(1 << 20):
                    digest.update(piece)
            parts.append(f"{companion.name}:{digest.hexdigest()}")
        return " ".join(p for p in parts if p)

    def recognises(self, probe: Probe) -> bool:
        """By the columns, which are its own."""
        if probe.stem.endswith(".csv"):
            columns = set(csv_header(probe.head))
            return columns >= _LABELS or columns >= _COUNTS or _is_panel(columns)
        if probe.stem.endswith(".json"):
            return _CHART in probe.head[:4096] and b"_pp_delta" in probe.head
        rows = first_objects(probe.head)
        return bool(rows) and all(_jsonl_kind(row) is not None for row in rows)

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Read a file of responses or of labels; the facts of the project beside them are metadata."""
        gathering = Gathering(str(path))
        name = without_compression(path.name.lower())
        source, failed = options.source or "speechmap", FailedLabels()
        if name.endswith(".csv"):
            columns = set(csv_header(head_bytes(path)))
            texts = _texts(path, source, gathering) if columns >= _LABELS or _is_panel(columns) else {}
            yield from _read_csv(path, gathering, Reading(source=source, failed=failed, texts=texts))
        elif name.endswith(".json"):
            gathering.metadata(1)
        else:
            yield from _read_jsonl(path, gathering, Reading(source=source, failed=failed, category=native_category(path.name)))
        failed.note(gathering, "COMPLETE, EVASIVE, DENIAL or ERROR_*")
        yield from gathering.rest()


def _is_panel(columns: set[str]) -> bool:
    return columns >= _PANEL and any(columns >= marks for marks in _PANEL_MARKS)


def _jsonl_kind(row: dict[str, Any]) -> Callable[[dict[str, Any], Reading], Records] | str | None:
    """How a line is read: a reader of rows, ``"metadata"``, or None when it is no line of SpeechMap."""
    keys = row.keys()
    if keys >= _MODELS:
        return "metadata"
    if not keys >= _ANSWER:
        return None
    if any(label in keys for label in JUDGES):
        return joined_row
    if "compliance" in keys or "domain" in keys or "category" in keys:
        return judged_row
    return None


def _read_jsonl(path: Path, gathering: Gathering, reading: Reading) -> Iterator[Batch]:
    other = 0
    for line in json_lines(path):
        if isinstance(line, RejectedRow):
            gathering.reject(line)
            continue
        gathering.read(len(line.raw) + 1)
        if line.reject is not None:
            gathering.reject(line.reject)
        elif line.blank or (isinstance(line.value, dict) and _jsonl_kind(line.value) == "metadata"):
            gathering.metadata(line.row)
        else:
            gathering.take(line.row, functools.partial(_jsonl_row, line.value, reading), raw=line.raw)
            other += isinstance(line.value, dict) and line.value.get("same_response") is False
        yield from gathering.full()
    _note_other_text(gathering, other)


def _jsonl_row(value: Any, reading: Reading) -> Records:
    if not isinstance(value, dict):
        raise Unusable(RejectCode.NOT_AN_OBJECT, expected="an object", got=value)
    kind = _jsonl_kind(value)
    if kind is None or isinstance(kind, str):
        missing = sorted(_ANSWER - value.keys()) or ["compliance"]
        raise Unusable(RejectCode.MISSING_FIELD, expected="a row of SpeechMap", got=", ".join(value), column=missing[0])
    return kind(value, reading)


def _read_csv(path: Path, gathering: Gathering, reading: Reading) -> Iterator[Batch]:
    other = 0
    for row in csv_rows(path, gathering):
        columns = set(row.cells)
        if columns >= _COUNTS and not columns >= _LABELS:
            gathering.metadata(row.row)
        else:
            make = panel_row if _is_panel(columns) else labels_row
            gathering.take(row.row, functools.partial(make, row.cells, reading), raw=row.raw)
            other += row.cells.get("same_response", "").strip().lower() == "false"
        yield from gathering.full()
    _note_other_text(gathering, other)


def _note_other_text(gathering: Gathering, rows: int) -> None:
    if rows:
        got = f"{rows:,} rows where the earlier judge saw another text: its label there is NOT_GRADEABLE"
        gathering.note(NoteCode.GRADER_FAILED, expected="labels given to the response in the row", got=got, column="same_response")


def _companions(path: Path) -> list[Path]:
    """Files of responses beside a table of labels."""
    name = without_compression(path.name.lower())
    if not name.endswith(".csv"):
        return []
    wanted = [*path.parent.glob("speechmap_*.jsonl*"), *path.parent.glob("*_responses*.jsonl*")]
    return sorted(file for file in wanted if file.is_file())


def _texts(path: Path, source: str, gathering: Gathering) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The traces with text beside a table of labels."""
    quiet = Reading(source=source, failed=FailedLabels())
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for companion in _companions(path):
        for line in json_lines(companion):
            if isinstance(line, RejectedRow) or not isinstance(line.value, dict):
                continue
            row = line.value
            try:
                trace = _jsonl_row(row, quiet).trace or {}
            except (Unusable, *ODD_VALUE):
                continue
            key = (trace["condition"], row["question_id"], trace["model_id"])
            found[key] = {"trace": trace, "judges": {column: row.get(named) for column, (named, _) in JUDGES.items()}}
    if not found:
        expected = "the responses beside the labels (speechmap_THEME.jsonl, *_responses*.jsonl)"
        gathering.note(NoteCode.COMPANION_MISSING, expected=expected, got="labels only; the texts are withheld")
    return found
