"""Adapter ``xstest``: completions of XSTest with the labels of two annotators, of GPT-4 and of a string match."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.bytes_in import without_compression
from safescale.ingest.csv_rows import CsvRow, csv_header, csv_rows
from safescale.ingest.gathering import Gathering, Records, Unusable
from safescale.ingest.identity import own_trace_id
from safescale.ingest.label_columns import FailedLabels, LabelColumn
from safescale.records.fates import RejectCode

__all__ = ["XsTest"]

_NAME: Final = re.compile(r"completions_(?P<config>.+?)(?:_gpteval|_streval)?\.csv\Z")
_COMPLETIONS: Final = frozenset({"id", "type", "prompt", "completion"})
_PROMPTS: Final = frozenset({"id", "prompt", "type", "label", "focus"})
_LABELS: Final = (
    LabelColumn(column="final_label", grader_id="xstest/final", grader_kind="human", outcome_map="xstest"),
    LabelColumn(column="annotation_1", grader_id="xstest/annotator_1", grader_kind="human", outcome_map="xstest"),
    LabelColumn(column="annotation_2", grader_id="xstest/annotator_2", grader_kind="human", outcome_map="xstest"),
    LabelColumn(column="gpt4_label", grader_id="xstest/gpt-4", grader_kind="llm", outcome_map="xstest"),
    LabelColumn(column="strmatch_label", grader_id="xstest/string_match", grader_kind="keyword", outcome_map="xstest"),
)
_SAFE_TYPES: Final = frozenset(
    {"homonyms", "figurative_language", "safe_targets", "safe_contexts", "definitions", "historical_events"}
    | {"nons_group_real_discr", "real_group_nons_discr", "privacy_public", "privacy_fictional"}
)
_UNSAFE_PREFIX: Final = "contrast_"

_CONFIGURATIONS: Final[dict[str, tuple[str, str]]] = {
    "llama2orig": ("meta-llama/Llama-2-70b-chat-hf", "original system prompt"),
    "llama2new": ("meta-llama/Llama-2-70b-chat-hf", "no system prompt"),
    "mistralinstruct": ("mistralai/Mistral-7B-Instruct-v0.1", "no system prompt"),
    "mistralguard": ("mistralai/Mistral-7B-Instruct-v0.1", "guardrail system prompt"),
    "gpt4": ("gpt-4", "default"),
}
"""The five configurations of the paper (Roettger et al. 2024, section 3): model and system prompt."""


class XsTest:
    """
    ``xstest_v2_completions_MODEL[_gpteval|_streval].csv``. A row is a record of the CSV after the header, from 1.

    The three files of a model hold the same completions: their traces are the same, and each file adds the grades that it has.
    ``xstest_prompts.csv`` is metadata.
    """

    name = "xstest"
    facts = FormatFacts(
        files="XSTest completions (xstest_v2_completions_MODEL[_gpteval|_streval].csv); xstest_prompts.csv is metadata",
        polarity="labels in words: 1_full_compliance, 2_full_refusal, 3_partial_refusal",
        outcome_map="xstest; a label in other words (GPT-4 answered instead of judging) is ERROR",
        denominator="contrast_* prompts are harmful; all others are benign and enter no attack success rate",
        cluster_key="prompt id",
        attempts="one completion for each prompt; the copies of a file with other labels are the same trace",
    )

    def context(self, path: Path) -> str:
        """The configuration, which stands in the file's name."""
        return _configuration(path) or ""

    def recognises(self, probe: Probe) -> bool:
        """A CSV with the columns of the completions and one of their labels, or of the prompt list."""
        if not probe.stem.endswith(".csv"):
            return False
        columns = set(csv_header(probe.head))
        if columns >= _COMPLETIONS:
            return any(label.column in columns for label in _LABELS) or "xstest" in probe.stem
        return columns >= _PROMPTS and "xstest" in probe.stem

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Read a file of completions, or the prompt list."""
        gathering = Gathering(str(path))
        failed = FailedLabels()
        source = options.source or "xstest"
        configuration = _configuration(path)
        for row in csv_rows(path, gathering):
            if "completion" not in row.cells and row.cells.keys() >= _PROMPTS:
                gathering.metadata(row.row)
            else:
                gathering.take(row.row, functools.partial(_records, row, source, configuration, failed), raw=row.raw)
            yield from gathering.full()
        failed.note(gathering, "1_full_compliance, 2_full_refusal or 3_partial_refusal")
        yield from gathering.rest()


def _configuration(path: Path) -> str | None:
    name = without_compression(path.name)
    found = _NAME.search(name)
    return found["config"] if found else None


def _records(row: CsvRow, source: str, configuration: str | None, failed: FailedLabels) -> Records:
    if configuration is None:
        expected = "the model in the file's name: xstest_v2_completions_MODEL.csv; or a column map with --map"
        raise Unusable(RejectCode.MISSING_FIELD, expected=expected, got="another name", column="model_id")
    cells = row.cells
    for column in sorted(_COMPLETIONS - {"completion"}):
        if not cells.get(column, "").strip():
            raise Unusable(RejectCode.MISSING_FIELD, expected="text", got=cells.get(column), column=column)
    model, condition = _CONFIGURATIONS.get(configuration, (configuration, "default"))
    response = cells.get("completion")
    records = Records(
        trace={
            "trace_id": own_trace_id(source, f"{configuration}/{cells['id']}"),
            "source": source,
            "model_id": model,
            "prompt_id": cells["id"],
            "prompt_kind": _prompt_kind(cells["type"]),
            "attack_class": "none",
            "condition": condition,
            "sample_index": 0,
            "response_kind": "none" if response is None else "text",
            "finish_reason": "unknown",
            "prompt": cells["prompt"],
            "response": response,
        }
    )
    for label in _LABELS:
        if cells.get(label.column, "").strip():
            label.add(records, str(records.trace["trace_id"]), cells[label.column], failed)  # type: ignore[index]
    return records


def _prompt_kind(kind: str) -> str:
    if kind in _SAFE_TYPES:
        return "benign"
    return "harmful" if kind.startswith(_UNSAFE_PREFIX) else "unknown"
