"""Adapter ``every-eval-ever``: instance-level JSONL and aggregate JSON of the Every Eval Ever schemas."""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.bytes_in import without_compression
from safescale.ingest.every_eval_ever_rows import (
    OURS,
    RUN_KEYS,
    Run,
    aggregate_row,
    contradicted_direction,
    instance_row,
    metric_of,
    run_of,
)
from safescale.ingest.gathering import Gathering, Unusable
from safescale.ingest.inspect_polarity import user_polarities
from safescale.ingest.json_input import first_objects, json_document, object_lines
from safescale.ingest.polarity import UNDECLARED
from safescale.ingest.polarity import undeclared as nobody_declared
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["EveryEvalEver"]

_INSTANCE_KEYS: Final = frozenset(
    {"schema_version", "evaluation_id", "model_id", "evaluation_name", "sample_id", "interaction_type", "input", "evaluation"}
)
_HEAD_MARKS: Final = (b'"schema_version"', b'"evaluation_id"', b'"retrieved_timestamp"', b'"source_metadata"')
_SAMPLES: Final = "_samples"


class EveryEvalEver:
    """
    Every Eval Ever, schema 0.2 and 0.3. A row of the instance-level file is its line; of the aggregate file, the k-th entry of
    ``evaluation_results``.

    The schema says which of two scores is better, never which is harmful: without the user's ``scorers:`` a score is UNGRADED, and
    an aggregate is metadata. Files that ``safescale export`` wrote carry the verdict itself.
    """

    name = "every-eval-ever"
    facts = FormatFacts(
        files="Every Eval Ever: instance-level .jsonl and aggregate .json",
        polarity="not in the schema (lower_is_better says better, not harmful): the user's --map, scorers; else UNGRADED",
        outcome_map="binary_harmful, binary_safe, refusal_only, or labels, as the map says",
        denominator="evaluable verdicts; samples with an error and the unknown level (-1) are counted and left out",
        cluster_key="sample id",
        attempts="the same sample of the same result again is a repeat; rows of other metrics grade the same trace",
    )

    def context(self, path: Path) -> str:
        """The bytes of the aggregate file beside the samples: it names the metrics."""
        companion = _companion(path)
        return "" if companion is None else hashlib.sha256(companion.read_bytes()).hexdigest()

    def recognises(self, probe: Probe) -> bool:
        """Lines with the keys of a sample, or JSON that begins as an aggregate file does."""
        if probe.stem.endswith((".jsonl", ".ndjson")):
            rows = first_objects(probe.head)
            return bool(rows) and all(row.keys() >= _INSTANCE_KEYS for row in rows)
        if not probe.stem.endswith(".json") or not probe.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return False
        return all(mark in probe.head for mark in _HEAD_MARKS) and b'"$schema"' not in probe.head[:256]

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """
        Read samples or aggregates.

        Raises
        ------
        DataError
            When the user's map is wrong.
        """
        gathering = Gathering(str(path))
        polarities = user_polarities(options.column_map)
        source = options.source or "every-eval-ever"
        name = without_compression(path.name.lower())
        if name.endswith(".json"):
            _read_aggregate(path, gathering, Run(source=source, polarities=polarities))
        else:
            companion = _companion(path)
            beside = None if companion is None else json_document(companion)
            if not isinstance(beside, dict):
                expected = f"the aggregate file beside the samples ({_aggregate_name(path)}), which names the metrics"
                gathering.note(NoteCode.COMPANION_MISSING, expected=expected, got="none that can be read")
            yield from _read_samples(
                path, gathering, run_of(source, polarities, beside), beside if isinstance(beside, dict) else {}
            )
        yield from gathering.rest()


def _aggregate_name(path: Path) -> str:
    name = without_compression(path.name)
    return name.rpartition(".")[0].removesuffix(_SAMPLES) + ".json"


def _companion(path: Path) -> Path | None:
    if without_compression(path.name.lower()).endswith(".json"):
        return None
    found = path.parent / _aggregate_name(path)
    return found if found.is_file() else None


def _read_samples(path: Path, gathering: Gathering, run: Run, beside: Mapping[str, Any]) -> Iterator[Batch]:
    seen: Counter[int] = Counter()
    undeclared: Counter[str] = Counter()
    several = rows = 0
    for line in object_lines(path, gathering):
        rows += 1
        key = _sample_key(line.value)
        records = gathering.take(line.row, functools.partial(instance_row, line.value, run, seen[key]), raw=line.raw)
        seen[key] += 1
        if records is not None:
            undeclared.update(g for g, (_, outcome_map) in records.graders.items() if outcome_map == UNDECLARED)
            output = line.value.get("output")
            raw = output.get("raw") if isinstance(output, dict) else None
            several += isinstance(raw, list) and len(raw) > 1
        yield from gathering.full()
    _note_directions(gathering, run, beside)
    for grader, count in undeclared.items():
        _note_polarity(gathering, grader.removesuffix(nobody_declared("")), f"{count:,} scores kept as UNGRADED")
    if several:
        got = f"{several:,} samples with several; the first is kept"
        gathering.note(NoteCode.ONE_OF_SEVERAL, expected="one response a sample", got=got, column="output.raw")
    _check_totals(gathering, beside, rows)


def _sample_key(row: Any) -> int:
    if not isinstance(row, dict):
        return 0
    return hash(
        tuple(str(row.get(k)) for k in ("evaluation_id", "evaluation_name", "evaluation_result_id", "model_id", "sample_id"))
    )


def _note_polarity(gathering: Gathering, grader: str, got: str, row: int = 0) -> None:
    expected = "what a score of 1 means; declare it in the YAML of --map, as scorers: {NAME: harmful_when_1}, or safe_when_1, or "
    expected += "refusal_when_1"
    gathering.note(NoteCode.POLARITY_UNKNOWN, expected=expected, got=f"{grader}: {got}", row=row)


def _note_directions(gathering: Gathering, run: Run, document: Mapping[str, Any]) -> None:
    """Where the map and the file disagree about which end is the better one."""
    results = document.get("evaluation_results")
    for row, result in enumerate(results if isinstance(results, list) else (), 1):
        if isinstance(result, dict) and (words := contradicted_direction(result, run.polarities)) is not None:
            expected, got = words
            gathering.note(
                NoteCode.HEADER_CONTRADICTS_ROWS, expected=expected, got=got, row=row, column="metric_config.lower_is_better"
            )


def _check_totals(gathering: Gathering, beside: Mapping[str, Any], rows: int) -> None:
    detailed = beside.get("detailed_evaluation_results")
    total = detailed.get("total_rows") if isinstance(detailed, dict) else None
    if isinstance(total, int) and not isinstance(total, bool) and total != rows:
        gathering.note(
            NoteCode.HEADER_CONTRADICTS_ROWS,
            expected=f"{total:,} rows, as the aggregate file says",
            got=f"{rows:,}",
            column="total_rows",
        )


def _read_aggregate(path: Path, gathering: Gathering, run: Run) -> None:
    document = json_document(path)
    if isinstance(document, RejectedRow):
        gathering.reject(document)
        return
    gathering.read(path.stat().st_size)
    missing = [key for key in RUN_KEYS if key not in document] if isinstance(document, dict) else list(RUN_KEYS)
    results = document.get("evaluation_results") if isinstance(document, dict) else None
    if missing or not isinstance(results, list):
        column = missing[0] if missing else "evaluation_results"
        gathering.reject(RejectedRow.of(0, RejectCode.MISSING_FIELD, expected="an aggregate file", got="another", column=column))
        return
    beside = _has_samples(path, document)
    _note_directions(gathering, run, document)
    for row, result in enumerate(results, 1):
        try:
            records = aggregate_row(result, document, run)
        except Unusable as why:
            gathering.take(row, functools.partial(_again, why))
            continue
        except (AttributeError, TypeError, KeyError, ValueError, OverflowError) as error:
            gathering.take(row, functools.partial(_again, error))
            continue
        if records is None or beside:
            gathering.metadata(row)
            if records is None and not beside:
                metric = metric_of(result)
                if metric.name.startswith(OURS):
                    continue  # over-refusal: no rate of attacks, and known to be none
                _note_polarity(gathering, f"{result.get('evaluation_name')}/{metric.name}", "an aggregate kept as metadata", row)
        else:
            gathering.take(row, functools.partial(_same, records))


def _has_samples(path: Path, document: Mapping[str, Any]) -> bool:
    """Whether the samples lie beside: then they say it, and the aggregate would count them twice."""
    detailed = document.get("detailed_evaluation_results")
    named = detailed.get("file_path") if isinstance(detailed, dict) else None
    stem = without_compression(path.name).removesuffix(".json")
    names = {f"{stem}{_SAMPLES}.jsonl", f"{stem}.jsonl"} | (
        {named.rpartition("/")[2]} if isinstance(named, str) and named else set()
    )
    return any((path.parent / f"{name}{suffix}").is_file() for name in names for suffix in ("", ".gz", ".zst"))


def _again(error: Exception) -> Any:
    raise error


def _same(records: Any) -> Any:
    return records
