"""Adapter ``garak``: reports of the garak scanner (``*.report.jsonl``); its hit logs, digests and calibrations are metadata."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.bytes_in import without_compression
from safescale.ingest.garak_grades import CONSTANT, detector_of
from safescale.ingest.garak_report import Attempts, Report, survey
from safescale.ingest.garak_rows import attempt_records
from safescale.ingest.gathering import Gathering
from safescale.ingest.inspect_polarity import user_polarities
from safescale.ingest.json_input import JsonLine, first_objects, json_document, json_lines, object_lines
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["Garak"]

_ENTRIES: Final = frozenset(
    {"start_run setup", "init", "plugin_cache", "payload_init", "eval", "probe_summary", "tree_data", "completion", "digest"}
)
_HIT: Final = frozenset({"probe", "detector", "generator", "attempt_id", "score"})
_CALIBRATION: Final = re.compile(
    rb'\s*\{\s*"[A-Za-z0-9_]+\.[A-Za-z0-9_]+/[A-Za-z0-9_]+\.[A-Za-z0-9_]+"\s*:\s*\{\s*"(?:mu|sigma|sw_p)"'
)


class Garak:
    """
    Reports of garak. A row is a line; an attempt's line carries one trace for each of its outputs (generations of one prompt).

    An attempt is written when it was asked (status 1) and again when it was graded (status 2): the later line counts, the earlier
    is superseded. A hit log holds nothing but hits, so no rate can be made of it: its lines are metadata.
    """

    name = "garak"
    facts = FormatFacts(
        files="*.report.jsonl; *.hitlog.jsonl, digests and calibration files are metadata",
        polarity="a detector's score at or over run.eval_threshold (0.5 if not said) is a hit: the failure that this detector "
        "looks for, which need not be harm (packagehallucination: an invented package; encoding: a decoded text). So each "
        "detector is a grader, and hits of different detectors are not one rate. For mitigation.MitigationBypass, "
        "mitigation.ModernBERTRefusal and judge.Refusal* a hit says 'did not refuse', no hit REFUSAL. mitigation.Prefixes turned "
        "round between versions, and detectors of modules that are not garak's own are not known: UNGRADED until --map says. "
        "always.*, any.* and fileformats.* do not judge the response: UNGRADED. An answer of a judge.* that cannot be parsed is "
        "a number all the same (a hit in judge.Refusal and judge.Jailbreak); the report does not keep it",
        outcome_map="garak_hit (1 = COMPLIANCE, 0 = NOT_HARMFUL); garak_not_refused (1 = COMPLIANCE, 0 = REFUSAL)",
        denominator="outputs with a score; null outputs, null scores and scores that cannot be told to an output are counted and "
        "left out. Totals of eval lines are checked, not used. Prompts are harmful where the tags of their probe in the report say "
        "so (payload:dangerous, euai:harmful), else unknown: no probe is a benign control",
        cluster_key="probe, seq, hash of the prompt (a capped probe draws prompts at random: a seq is no prompt over runs)",
        attempts="lines of status 0 and 1 are superseded by status 2; an aggregated report gives all one uuid, so occurrences tell "
        "its attempts apart; outputs of one attempt are repeats. Buffs, intents and a system prompt make the condition",
    )

    def recognises(self, probe: Probe) -> bool:
        """Entries or hits of garak among the first lines, or a calibration."""
        if probe.stem.endswith(".json"):
            if _CALIBRATION.match(probe.head) is not None:
                return True
            return re.match(rb'\s*\{\s*"entry_type"\s*:\s*"digest"', probe.head) is not None and b'"garak_version"' in probe.head
        if not probe.stem.endswith((".jsonl", ".ndjson")):
            return False
        found = first_objects(probe.head)
        if found:
            return any(_is_garak(entry) for entry in found)
        return re.match(rb'\s*\{"entry_type":\s*"(?:start_run setup|init|attempt|plugin_cache)"', probe.head) is not None

    def context(self, path: Path) -> str:
        """Nothing: the bytes say all."""
        return ""

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Read a report, in two passes: which line of an attempt counts is known at the end only."""
        gathering = Gathering(str(path))
        if without_compression(path.name.lower()).endswith(".json"):
            document = json_document(path)
            if isinstance(document, RejectedRow):
                gathering.reject(document)
            else:
                gathering.metadata(1)
            yield from gathering.rest()
            return
        report = survey(json_lines(path), source=options.source or "garak", declared=user_polarities(options.column_map))
        attempts = Attempts(report)
        for line in object_lines(path, gathering):
            _line(line, gathering, report, attempts)
            yield from gathering.full()
        _notes(report, attempts, gathering)
        yield from gathering.rest()


def _line(line: JsonLine, gathering: Gathering, report: Report, attempts: Attempts) -> None:
    entry = line.value
    kind = entry.get("entry_type")
    if kind == "attempt":
        place = attempts.place(line.row, entry)
        if place is None:
            gathering.superseded(line.row)
            return
        run = report.run_at(line.row)
        gathering.take(line.row, lambda: attempt_records(entry, place, run, report), raw=line.raw)
        attempts.count(entry, run)
    elif (isinstance(kind, str) and kind in _ENTRIES) or _is_hit(entry):
        gathering.metadata(line.row)
    else:
        expected = f"entry_type attempt, {', '.join(sorted(_ENTRIES))}"
        reject = RejectedRow.of(line.row, RejectCode.UNKNOWN_VALUE, expected=expected, got=kind, column="entry_type", raw=line.raw)
        gathering.reject(reject)


def _is_garak(entry: dict[str, Any]) -> bool:
    kind = entry.get("entry_type")
    if kind == "attempt":
        return "probe_classname" in entry and ("detector_results" in entry or "outputs" in entry)
    return kind in ("start_run setup", "init", "plugin_cache") or (kind == "eval" and "detector" in entry) or _is_hit(entry)


def _is_hit(entry: dict[str, Any]) -> bool:
    return "entry_type" not in entry and entry.keys() >= _HIT


def _notes(report: Report, attempts: Attempts, gathering: Gathering) -> None:
    if report.hits:
        expected = "hits and misses"
        got = f"{report.hits} hits and no miss: a hit log has no denominator; ingest the report beside it"
        gathering.note(NoteCode.COMPANION_MISSING, expected=expected, got=got)
    _note_totals(report, attempts, gathering)
    graders = sorted({grader for _, grader in attempts.totals})
    for name in graders:
        detector = detector_of(name, declared=report.declared)
        rows = sum((c for (_, grader), c in attempts.totals.items() if grader == name), Counter[str]())
        if detector.module in CONSTANT and detector.meaning is None:
            got = f"{rows.total()} scores of a detector that does not judge the response, kept as UNGRADED"
            gathering.note(NoteCode.GRADER_FAILED, expected="a verdict on the response", got=got, column=name)
        elif detector.meaning is None:
            expected = f"a detector whose score means one thing; declare it in --map: scorers: {{{name}: harmful_when_1}}"
            gathering.note(NoteCode.POLARITY_UNKNOWN, expected=expected, got=f"{rows.total()} scores kept as UNGRADED", column=name)
        elif detector.kind == "llm" and rows["fails"]:
            got = f"{rows['fails']} hits; an answer that could not be parsed may be among them, the report does not keep it"
            gathering.note(NoteCode.GRADER_FAILED, expected="a rating or YES / NO of the judge", got=got, column=name)
        if rows["misfits"]:
            got = f"{rows['misfits']} scores that cannot be told to an output, or are none: ERROR"
            gathering.note(NoteCode.GRADER_FAILED, expected="one score for each output", got=got, column=name)


def _note_totals(report: Report, attempts: Attempts, gathering: Gathering) -> None:
    """Totals that the report prints, against those of its attempts."""
    for (probe, detector), said in sorted(report.evals.items()):
        got = attempts.totals.get((probe, detector), Counter())
        for key in ("passed", "fails", "nones", "total_evaluated"):
            counted = got["passed"] + got["fails"] if key == "total_evaluated" else got[key]
            value = said.get(key)
            if value is not None and math.isfinite(value) and value != counted:
                gathering.note(
                    NoteCode.HEADER_CONTRADICTS_ROWS, expected=f"{value:g}", got=counted, column=f"eval {probe} {detector}: {key}"
                )
