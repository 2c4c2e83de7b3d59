"""Adapter ``failure-first``: JSONL traces of the Failure-First runners, un-graded and graded, old and new."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe, table_of
from safescale.ingest.bytes_in import Chunk, line_chunks
from safescale.ingest.failure_first_grades import graders_of
from safescale.ingest.failure_first_lines import Line, LineReader, is_utf8
from safescale.ingest.failure_first_names import file_naming
from safescale.ingest.failure_first_traces import Collected, RowContext, add_line, columns_table
from safescale.records.fates import RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["FailureFirst"]

_OWN_KEYS: Final = frozenset(
    {"scenario_id", "episode_id", "llm_verdict", "labels_pred", "conversation_history", "agent_response", "scenario_input"}
)
_NOT_OURS: Final = frozenset({"grader_kind", "response_kind", "prompt_kind"})
_FIRST_KEYS: Final = (b'{"trace_id"', b'{"scenario_id"', b'{"episode_id"')
_HEAD_LINES: Final = 20


class FailureFirst:
    """
    Reader of the corpus described in section 2 of the Failure-First notes.

    One line gives one trace (with turns where there are more than two, or for an episode) and up to two grades: the labels of the
    runner's keyword heuristic (kind ``keyword``) and the FLIP verdict (kind ``llm``). The grader of a verdict is the one that
    the row names, else the one in the file name, else ``Options.grader_id``, else ``flip``. A line that holds a verdict and a
    trace id but neither model nor text is a grade of a trace that another file brings.
    """

    name = "failure-first"
    facts = FormatFacts(
        files="JSONL traces of the Failure-First runners, with and without FLIP verdicts",
        polarity="verdicts in words (FLIP); labels.attack_success true = harmful, by keyword rules",
        outcome_map="flip",
        denominator="evaluable verdicts; benign prompts never enter",
        cluster_key="scenario_id or episode_id",
        attempts="each line is one",
    )

    def context(self, path: Path) -> str:
        """The grader that the file's name states."""
        return file_naming(path.name).grader or ""

    def recognises(self, probe: Probe) -> bool:
        """By the documented file names, and by the keys of the first lines; canonical flat lines are not ours."""
        naming = file_naming(probe.path.name)
        if naming.metadata:
            return True
        for raw in probe.head.removeprefix(b"\xef\xbb\xbf").split(b"\n", _HEAD_LINES)[:_HEAD_LINES]:
            keys = _keys(raw)
            if keys & _NOT_OURS:
                return False
            if keys & _OWN_KEYS or {"result_id", "classifier"} <= keys or {"trace_id", "turns"} <= keys:
                return True
        return naming.known

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Batches of about one MiB of lines, each with the fate of every line."""
        naming = file_naming(path.name)
        context = RowContext(source=options.source or self.name, source_file=str(path), naming=naming, options=options)
        reader = LineReader()
        empty = True
        for chunk in line_chunks(path):
            empty = False
            if naming.metadata:
                rows = range(chunk.first_row, chunk.first_row + len(_lines(chunk)))
                yield Batch(rows_in=len(rows), metadata_rows=rows, rejects=_broken(chunk), bytes_read=len(chunk.data))
            else:
                yield _batch(chunk, reader, context)
        if empty:
            whole = RejectedRow.of(0, RejectCode.EMPTY_FILE, expected="at least one line", got="an empty file")
            yield Batch(rows_in=0, rejects=[whole])


def _keys(raw: bytes) -> frozenset[str]:
    """Top-level keys of a line; of a trace that is cut off (one that begins as the runner writes it), the known keys in it."""
    try:
        return frozenset(msgspec.json.decode(raw, type=dict[str, msgspec.Raw]))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if not raw.lstrip().startswith(_FIRST_KEYS):
            return frozenset()
        return frozenset(key for key in _OWN_KEYS | _NOT_OURS if b'"%s":' % key.encode() in raw)


def _lines(chunk: Chunk) -> list[bytes]:
    lines = chunk.data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _broken(chunk: Chunk) -> list[RejectedRow]:
    if chunk.broken is None:
        return []
    return [RejectedRow.of(0, RejectCode.TRUNCATED_FILE, expected="a whole archive", got=chunk.broken)]


def _batch(chunk: Chunk, reader: LineReader, context: RowContext) -> Batch:
    rejects = _broken(chunk)
    metadata: list[int] = []
    into = Collected()
    known_utf8 = is_utf8(chunk.data)
    lines = _lines(chunk)
    for row, raw in enumerate(lines, start=chunk.first_row):
        if not raw or raw.isspace():
            metadata.append(row)
            continue
        found: Line | RejectedRow | None = reader.read(raw, row, known_utf8=known_utf8)
        if isinstance(found, Line):
            found = add_line(found, raw, row, context, into)
        if found is not None:
            rejects.append(found)
    return Batch(
        rows_in=len(lines),
        traces=columns_table("trace", into.traces),
        turns=columns_table("turn", into.turns),
        grades=columns_table("grade", into.grades),
        graders=table_of("grader", graders_of(into.graders, context.options)) if into.graders else None,
        rejects=rejects,
        metadata_rows=metadata,
        checked=True,
        bytes_read=len(chunk.data),
    )
