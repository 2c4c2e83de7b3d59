"""Adapter ``lm-eval``: ``samples_*.jsonl`` of the lm-evaluation-harness, with the ``results_*.json`` of the same run."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.gathering import Gathering
from safescale.ingest.inspect_polarity import user_polarities
from safescale.ingest.json_input import first_objects, json_document, object_lines
from safescale.ingest.lm_eval_rows import sample_records
from safescale.ingest.lm_eval_run import Run, results_beside, run_of
from safescale.ingest.polarity import undeclared
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["LmEval"]

_RESULTS: Final = re.compile(rb'\s*\{\s*"results"\s*:\s*\{')
_RESULT_KEYS: Final = (b'"group_subtasks"', b'"higher_is_better"', b'"n-shot"', b'"n-samples"')
_SAMPLE_KEYS: Final = frozenset({"doc_id", "doc", "target"})


class LmEval:
    """
    Samples of lm-eval; a row is a line, of ``results_*.json`` the k-th task of ``results``.

    The file of samples names neither model nor settings: they are in the results file of the same folder and date.
    """

    name = "lm-eval"
    facts = FormatFacts(
        files="samples_{task}_{date}.jsonl; results_{date}.json of the same folder gives model, size and seeds: metadata itself",
        polarity="a metric has the name that its task chose, and 1 is a right answer in nearly all: a capability, no verdict on "
        "safety (wmdp: accuracy on hazardous knowledge; toxigen: telling hateful statements; bbq, crows_pairs: bias). Known to be "
        "harmful when 1: realtoxicityprompts/score. Every other one is UNGRADED until --map says scorers: {task/metric: ...}",
        outcome_map="binary_harmful, or what --map declares",
        denominator="documents; a metric that is NaN is a failure of the grader; log-likelihoods are no response (telemetry)",
        cluster_key="task, doc_id",
        attempts="a line per filter: the first filter of the file counts, the others are superseded; repeats are repeats",
    )

    def recognises(self, probe: Probe) -> bool:
        """Lines with a document, its target and what came of it; or a results file."""
        if probe.stem.endswith(".json"):
            if _RESULTS.match(probe.head.removeprefix(b"\xef\xbb\xbf")) is None:
                return False
            return any(key in probe.head for key in _RESULT_KEYS) or (
                probe.stem.startswith("results_") and (b'"configs"' in probe.head or b",none" in probe.head)
            )
        if not probe.stem.endswith((".jsonl", ".ndjson")):
            return False
        found = first_objects(probe.head, 2)
        if found:
            return any(entry.keys() >= _SAMPLE_KEYS and ("filtered_resps" in entry or "resps" in entry) for entry in found)
        head = probe.head.lstrip(b"\xef\xbb\xbf \r\n\t")  # a first line that is longer than the head
        return head.startswith(b'{"doc_id"') and b'"doc"' in head and probe.stem.startswith("samples_")

    def context(self, path: Path) -> str:
        """What the results file says (by its hash), and the names of file and folder."""
        beside = results_beside(path)
        try:
            digest = hashlib.sha256(beside.read_bytes()).hexdigest() if beside is not None else "no results file"
        except OSError:
            digest = "a results file that cannot be read"
        return f"{path.absolute().parent.name}/{path.name}: {digest}"

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """
        Read a file.

        Raises
        ------
        DataError
            When the user's polarity map is wrong.
        """
        gathering = Gathering(str(path))
        if Probe(path=path, head=b"").stem.endswith(".json"):
            _results(path, gathering)
            yield from gathering.rest()
            return
        run = run_of(path, options, user_polarities(options.column_map))
        kept, documents, skipped, unknown = None, 0, Counter[str](), Counter[str]()
        for line in object_lines(path, gathering):
            named = _filter_of(line.value)
            kept = named if kept is None else kept
            if named is not None and named != kept:
                skipped[named] += 1
                gathering.superseded(line.row)
            else:
                records = gathering.take(line.row, partial(sample_records, line.value, run), raw=line.raw)
                documents += records is not None
                ungraded = [g for g in records.grades if g["verdict"] == "UNGRADED"] if records is not None else []
                unknown.update(g["grader_id"] for g in ungraded)
            yield from gathering.full()
        _notes(run, documents, kept, skipped, unknown, gathering)
        yield from gathering.rest()


def _filter_of(entry: Any) -> str | None:
    named = entry.get("filter") if isinstance(entry, dict) else None
    return named if isinstance(named, str) else None


def _results(path: Path, gathering: Gathering) -> None:
    document = json_document(path)
    if isinstance(document, RejectedRow):
        gathering.reject(document)
        return
    tasks = document.get("results") if isinstance(document, dict) else None
    if not isinstance(tasks, dict) or not tasks:
        reject = RejectedRow.of(0, RejectCode.WRONG_TYPE, expected="results by task", got=type(tasks).__name__, column="results")
        gathering.reject(reject)
        return
    for row in range(1, len(tasks) + 1):
        gathering.metadata(row)


def _notes(run: Run, documents: int, kept: str | None, skipped: Counter[str], unknown: Counter[str], gathering: Gathering) -> None:
    if run.missing is not None:
        gathering.note(NoteCode.COMPANION_MISSING, expected=run.missing, got=f"model {run.model_id!r} from the folder's name")
    if run.documents is not None and run.documents != documents:
        gathering.note(
            NoteCode.HEADER_CONTRADICTS_ROWS, expected=run.documents, got=documents, column=f"n-samples.{run.task}.effective"
        )
    if skipped:
        others = ", ".join(f"{name} ({count})" for name, count in sorted(skipped.items()))
        expected = "one line a document; the first filter of the file is read"
        gathering.note(NoteCode.ONE_OF_SEVERAL, expected=expected, got=f"kept {kept}; superseded {others}", column="filter")
    for name, count in sorted(unknown.items()):
        grader = name.removesuffix(undeclared(""))
        expected = f"what a 1 means for safety, in --map: scorers: {{{grader}: harmful_when_1}} (or safe_when_1, refusal_when_1)"
        gathering.note(NoteCode.POLARITY_UNKNOWN, expected=expected, got=f"{count} values kept as UNGRADED", column=grader)
