"""Adapter ``promptfoo``: results of promptfoo (JSON of version 3, tables of version 2, JSONL), of red-team runs and evaluations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.bytes_in import without_compression
from safescale.ingest.gathering import Gathering
from safescale.ingest.json_input import JsonLine, first_objects, json_document, json_lines, object_lines
from safescale.ingest.polarity import Scorers
from safescale.ingest.promptfoo_rows import Run, result_records
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["Promptfoo"]

_ROW_KEYS: Final = (b'"promptIdx"', b'"testIdx"', b'"gradingResult"', b'"failureReason"', b'"namedScores"', b'"testCase"')
_RESULTS: Final = re.compile(rb'"results"\s*:\s*[\[{]')
_OURS: Final = re.compile(rb'"(?:promptfooVersion|evalId|pluginId|promptIdx)"\s*:')
_VERSIONED: Final = re.compile(rb'"results"\s*:\s*\{\s*"version"\s*:\s*[1-3]\b')
_RED_TEAM: Final = (b'"pluginId"', b'"success"', b'"prompt"')
_LINE_KEYS: Final = frozenset({"promptIdx", "testIdx", "success", "provider"})
_LINE_SIGNS: Final = frozenset({"failureReason", "gradingResult", "namedScores", "testCase"})


class Promptfoo:
    """
    Results of promptfoo. A row is the k-th result: of ``results.results``, else the k-th output of ``table.body`` row by row,
    else the k-th line.

    A pass is safe in a red-team row (it has a ``pluginId``, or an assertion ``promptfoo:redteam:...``); in any other evaluation it
    speaks of quality, so its verdict is UNGRADED until the user's map says what a pass means (``scorers: {pass: safe_when_1}``).
    Where a red-team row has other assertions too (latency, format), only the red-team ones give the verdict. The attack class is
    the strategy (``none`` for ``basic``), the prompt id the plugin with the hash of the text before the strategy changed it.
    The time of the run, which lines do not have, is no part of a trace: document and lines of one run are the same traces.
    """

    name = "promptfoo"
    facts = FormatFacts(
        files="promptfoo output files (-o out.json, versions 2 and 3) and out.jsonl",
        polarity="success / pass: true = safe in red-team rows; of quality, hence UNGRADED, in any other evaluation",
        outcome_map="binary_safe; failureReason 2, an error of the target or of the grader is ERROR",
        denominator="promptfoo counts every success == false as an attack that succeeded, broken graders included; here errors are "
        "counted and left out",
        cluster_key="plugin and hash of the original text of the test (variables, in an evaluation)",
        attempts="repeats of a test are told apart by their order",
    )

    def context(self, path: Path) -> str:
        """Nothing: the bytes say all."""
        return ""

    def recognises(self, probe: Probe) -> bool:
        """A document with results of promptfoo's shape, or lines of it."""
        if probe.stem.endswith((".jsonl", ".ndjson")):
            found = first_objects(probe.head)
            if found:
                return all(row.keys() >= _LINE_KEYS and _LINE_SIGNS & row.keys() for row in found)
            keys = sum(key in probe.head for key in _ROW_KEYS)  # a first line longer than the head
            return b"\n" not in probe.head and keys >= 3 and b'"success"' in probe.head
        if not probe.stem.endswith(".json") or not probe.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
            return False
        rows = sum(key in probe.head for key in _ROW_KEYS)
        if probe.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
            return rows >= 3 and b'"success"' in probe.head
        if _RESULTS.search(probe.head) is None or _OURS.search(probe.head) is None:
            return False
        return rows >= 3 or _VERSIONED.search(probe.head) is not None or all(key in probe.head for key in _RED_TEAM)

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """
        Read a file of results.

        Raises
        ------
        DataError
            When the user's polarity map is wrong.
        """
        scorers = Scorers.of(self.name, options.column_map)
        into = Gathering(str(path))
        if without_compression(path.name.lower()).endswith((".jsonl", ".ndjson")):
            yield from _read_lines(path, options, scorers, into)
        else:
            yield from _read_document(path, options, scorers, into)
        scorers.tell(into)
        yield from into.rest()


def _read_lines(path: Path, options: Options, scorers: Scorers, into: Gathering) -> Iterator[Batch]:
    columns = _Columns()
    for line in json_lines(path):
        if isinstance(line, JsonLine) and isinstance(line.value, dict):
            columns.see(line.value)
    run = Run.of(options, scorers, {}, columns.prompts, columns.labels)
    for line in object_lines(path, into):
        into.take(line.row, partial(result_records, line.value, run), raw=line.raw)
        yield from into.full()
    run.tell(into)


def _read_document(path: Path, options: Options, scorers: Scorers, into: Gathering) -> Iterator[Batch]:
    document = json_document(path)
    if isinstance(document, RejectedRow):
        into.reject(document)
        return
    summary, config = _summary(document), document.get("config") if isinstance(document, dict) else None
    rows = _rows(summary)
    if rows is None:
        expected = "results.results, a list, or a table of version 2"
        into.reject(RejectedRow.of(0, RejectCode.MISSING_FIELD, expected=expected, got=type(document).__name__, column="results"))
        return
    columns = _Columns()
    for row in rows:
        if isinstance(row, dict):
            columns.see(row)
    run = Run.of(options, scorers, config if isinstance(config, dict) else {}, columns.prompts, columns.labels)
    for number, row in enumerate(rows, 1):
        if isinstance(row, dict):
            into.take(number, lambda r=row: result_records(r, run))  # type: ignore[misc]
        else:
            into.reject(RejectedRow.of(number, RejectCode.NOT_AN_OBJECT, expected="a result, as an object", got=row))
        yield from into.full()
    run.tell(into)
    _compare_stats(summary, run, into)


@attrs.define
class _Columns:
    """Prompts, and labels of each provider, of a file: which of them tell conditions apart."""

    prompts: Counter[str] = attrs.field(factory=Counter)
    labels: dict[str, set[str]] = attrs.field(factory=dict)

    def see(self, row: Mapping[str, Any]) -> None:
        """Note what a row says of them."""
        prompt_id = row.get("promptId")
        if isinstance(prompt_id, str):
            self.prompts[prompt_id] += 1
        provider = row.get("provider")
        if isinstance(provider, dict) and isinstance(provider.get("id"), str) and isinstance(provider.get("label"), str):
            self.labels.setdefault(provider["id"], set()).add(provider["label"])


def _summary(document: Any) -> Any:
    """The summary: below ``results``, or the document itself."""
    if not isinstance(document, dict):
        return {"results": document}
    inner = document.get("results")
    return inner if isinstance(inner, dict) else document


def _rows(summary: Mapping[str, Any]) -> list[Any] | None:
    results = summary.get("results")
    if isinstance(results, list) and results:
        return results
    table = summary.get("table")
    body = table.get("body") if isinstance(table, dict) else None
    if isinstance(table, dict) and isinstance(body, list):
        return [_of_table(row, output, index, table) for row in body for index, output in enumerate(_outputs(row))]
    return results if isinstance(results, list) else None


def _outputs(row: Any) -> list[Any]:
    outputs = row.get("outputs") if isinstance(row, dict) else None
    return outputs if isinstance(outputs, list) else [row]


def _of_table(row: Any, output: Any, index: int, table: Mapping[str, Any]) -> Any:
    """An output of the table in the shape of a result."""
    if not isinstance(output, dict) or output is row:
        return output
    names = (table.get("head") or {}).get("vars") if isinstance(table.get("head"), dict) else None
    values = row.get("vars")
    named = dict(zip(names, values, strict=False)) if isinstance(names, list) and isinstance(values, list) else {}
    test = row.get("test") if isinstance(row.get("test"), dict) else output.get("testCase")
    return {
        **output,
        "success": output.get("pass"),
        "testCase": test,
        "vars": {name: value for name, value in named.items() if isinstance(name, str)} or None,
        "prompt": {"raw": output.get("prompt")} if isinstance(output.get("prompt"), str) else output.get("prompt"),
        "response": output.get("response") or ({"output": output["text"]} if "text" in output else None),
        "provider": output.get("provider") or _provider(table, index),
        "testIdx": row.get("testIdx"),
        "promptIdx": index,
    }


def _provider(table: Mapping[str, Any], index: int) -> Any:
    head = table.get("head")
    prompts = head.get("prompts") if isinstance(head, dict) else None
    column = prompts[index] if isinstance(prompts, list) and index < len(prompts) else None
    return column.get("provider") if isinstance(column, dict) else None


def _compare_stats(summary: Mapping[str, Any], run: Run, into: Gathering) -> None:
    """The header's own counts against the rows."""
    stats = summary.get("stats")
    if not isinstance(stats, dict):
        return
    for name, counted in (("successes", run.successes), ("failures", run.failures), ("errors", run.errors)):
        said = stats.get(name)
        if isinstance(said, int) and not isinstance(said, bool) and said != counted:
            if name != "successes" and "errors" not in stats and said == run.failures + run.errors:
                continue  # older versions count errors as failures
            into.note(
                NoteCode.HEADER_CONTRADICTS_ROWS,
                expected=f"{said:,} {name}",
                got=f"{counted:,} in the rows",
                column=f"stats.{name}",
            )
