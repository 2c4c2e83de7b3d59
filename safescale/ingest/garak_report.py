"""What a garak report says of all its attempts, and which line of an attempt counts."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from safescale.ingest.garak_grades import score_fate
from safescale.ingest.identity import sha256_text
from safescale.ingest.inspect_polarity import Polarity
from safescale.ingest.inspect_sample import instant
from safescale.ingest.json_input import JsonLine
from safescale.records.rows import RejectedRow

__all__ = ["Attempts", "Place", "Report", "Run", "message_text", "prompt_key", "survey"]

_THRESHOLD: Final = 0.5
"""garak's own default of ``run.eval_threshold``."""

_HARMFUL_TAGS: Final = ("payload:dangerous", "euai:harmful")

_Key = bytes


@attrs.define(kw_only=True)
class Run:
    """What the first lines of a run say of all its attempts."""

    model_id: str | None = None
    threshold: float = _THRESHOLD
    seed: int | None = None
    created: str | None = None
    system_prompt: str | None = None


@attrs.define(kw_only=True)
class Report:
    """
    Facts of one file; ``lines`` has, for each key of an attempt, its (row, status) in order.

    ``runs`` are those of the file with their first row: reports that were joined into one file scan a target each.
    """

    source: str
    runs: list[tuple[int, Run]] = attrs.field(factory=list)
    harmful_probes: set[str] = attrs.field(factory=set)
    aggregated: bool = False
    declared: Sequence[Polarity] = ()
    evals: dict[tuple[str, str], Counter[str]] = attrs.field(factory=dict)
    hits: int = 0
    lines: dict[_Key, list[tuple[int, int]]] = attrs.field(factory=lambda: defaultdict(list))

    def run_at(self, row: int) -> Run:
        """The run that a line belongs to: the last that began before it, or the first."""
        if not self.runs:
            self.runs.append((0, Run()))
        return self.runs[max(bisect_right(self.runs, row, key=lambda found: found[0]) - 1, 0)][1]


@attrs.frozen(kw_only=True)
class Place:
    """Which attempt a line is: the ``occurrence``-th of its key."""

    occurrence: int
    has_own_id: bool


def survey(lines: Iterable[JsonLine | RejectedRow], *, source: str, declared: Sequence[Polarity] = ()) -> Report:
    """Read a report once for what its attempts need to know. Entries of an unexpected shape say nothing."""
    report = Report(source=source, declared=declared)
    uuids: dict[str, tuple[object, object]] = {}
    for line in lines:
        if isinstance(line, RejectedRow) or not isinstance(line.value, dict):
            continue
        entry = line.value
        kind = entry.get("entry_type")
        if kind == "attempt":
            report.lines[attempt_key(entry)].append((line.row, _status(entry)))
            uuid = entry.get("uuid")
            if isinstance(uuid, str):
                where = (_scalar(entry.get("probe_classname")), _scalar(entry.get("seq")))
                report.aggregated |= uuids.setdefault(uuid, where) != where
        elif kind == "start_run setup":
            report.runs.append((line.row, Run()))
            _setup(entry, report.run_at(line.row))
        elif kind == "init":
            run = report.run_at(line.row)
            run.created = run.created or instant(entry.get("orig_start_time")) or instant(entry.get("start_time"))
            report.aggregated |= "orig_uuid" in entry
        elif kind == "eval":
            _eval(entry, report)
        elif kind == "digest":
            _digest(entry, report, report.run_at(line.row))
        elif kind == "plugin_cache":
            _tags(entry, report)
        elif kind is None and "attempt_id" in entry:
            report.hits += 1
    if report.aggregated:  # under a source of its own: the runs that it repeats are then found to be the same traces
        report.source += "/aggregated"
    return report


class Attempts:
    """The attempts of a report as they are read: which line counts, and the totals of their scores."""

    def __init__(self, report: Report) -> None:
        self.totals: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._report = report
        self._chosen: dict[int, int] = {}
        for lines in report.lines.values():
            self._chosen.update(_chosen(lines))

    def place(self, row: int, entry: dict[str, Any]) -> Place | None:
        """Which attempt a line is; None when another line of the same attempt counts."""
        occurrence = self._chosen.get(row)
        if occurrence is None:
            return None
        own = isinstance(entry.get("uuid"), str) and bool(entry["uuid"])
        # a run gives each attempt its own uuid: the same line twice is one attempt
        return Place(occurrence=0 if own and not self._report.aggregated else occurrence, has_own_id=own)

    def count(self, entry: dict[str, Any], run: Run) -> None:
        """Add the scores of an attempt to the totals, as garak counts them."""
        outputs = entry.get("outputs") or []
        found = entry.get("detector_results")
        for detector, scores in found.items() if isinstance(found, dict) else ():
            total = self.totals[f"{_scalar(entry.get('probe_classname'))}", detector]
            if not isinstance(scores, list) or not isinstance(outputs, list) or len(scores) != len(outputs):
                total["misfits"] += 1
                continue
            for score in scores:
                total[score_fate(score, run.threshold)] += 1


def _chosen(lines: list[tuple[int, int]]) -> dict[int, int]:
    """Row to occurrence: the n-th attempt of a key is its n-th line of the highest status that reaches n."""
    by_status: dict[int, list[int]] = defaultdict(list)
    for row, status in lines:
        by_status[status].append(row)
    chosen: dict[int, int] = {}
    for occurrence in range(max(map(len, by_status.values()))):
        best = max(status for status, rows in by_status.items() if len(rows) > occurrence)
        chosen[by_status[best][occurrence]] = occurrence
    return chosen


def attempt_key(entry: dict[str, Any]) -> _Key:
    """What the lines of one attempt share: its own id with probe and seq; without an id, the prompt stands in."""
    named = [_scalar(entry.get(key)) for key in ("probe_classname", "seq", "uuid")]
    parts = named if named[-1] else [*named, _scalar(entry.get("intent")), prompt_key(entry.get("prompt"))]
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def prompt_key(prompt: Any) -> str:
    """The text of a prompt, whatever its shape (a text, a message, a conversation)."""
    if isinstance(prompt, dict) and isinstance(prompt.get("turns"), list):
        return "\n\n".join(message_text(turn.get("content")) or "" for turn in prompt["turns"] if isinstance(turn, dict))
    return message_text(prompt) or ""


def message_text(message: Any) -> str | None:
    """Text of a message: older reports write the text, newer ones an object with ``text``; None where there is none."""
    if isinstance(message, str):
        return message
    text = message.get("text") if isinstance(message, dict) else None
    return text if isinstance(text, str) else None


def _scalar(value: Any) -> object:
    """A text, number or nothing as it is; of anything else only its type."""
    return value if value is None or isinstance(value, str | int | float) else type(value).__name__


def _status(entry: dict[str, Any]) -> int:
    status = entry.get("status")
    return status if isinstance(status, int) and not isinstance(status, bool) else 2 if entry.get("detector_results") else 1


def _setup(entry: dict[str, Any], run: Run) -> None:
    for kind, name in (("plugins.target_type", "plugins.target_name"), ("plugins.model_type", "plugins.model_name")):
        model = entry.get(name) or entry.get(kind)
        if run.model_id is None and isinstance(model, str) and model:
            run.model_id = model
    threshold, seed = entry.get("run.eval_threshold"), entry.get("run.seed")
    if isinstance(threshold, int | float) and not isinstance(threshold, bool) and 0 < threshold <= 1:
        run.threshold = float(threshold)
    if isinstance(seed, int) and not isinstance(seed, bool) and abs(seed) < 1 << 63:
        run.seed = seed
    system = entry.get("run.system_prompt")
    if isinstance(system, str) and system:
        run.system_prompt = (sha256_text(system) or "")[:8]
    run.created = run.created or instant(entry.get("transient.starttime_iso"))


def _eval(entry: dict[str, Any], report: Report) -> None:
    """Totals; those of several runs of a probe (an aggregated report) are added up."""
    probe, detector = entry.get("probe"), entry.get("detector")
    if not isinstance(probe, str) or not isinstance(detector, str):
        return
    detector = detector.removeprefix("detector.")
    keys = {
        "passed": "passed",
        "fails": "fails",
        "nones": "nones",
        "total_evaluated": "total_evaluated",
        "total": "total_evaluated",
    }
    total = report.evals.setdefault((probe, detector), Counter())
    for key, name in keys.items():
        value = entry.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
            total[name] += value  # type: ignore[assignment]


def _digest(entry: dict[str, Any], report: Report, run: Run) -> None:
    """Tags of the probes; a report that lost its first line still names its target here."""
    meta = entry.get("meta")
    if run.model_id is None and isinstance(meta, dict):
        setup = meta.get("setup")
        _setup(setup if isinstance(setup, dict) else {}, run)
        target = meta.get("target_name") or meta.get("target_type") or meta.get("model_name") or meta.get("model_type")
        if run.model_id is None and isinstance(target, str) and target:
            run.model_id = target
    groups = entry.get("eval")
    for group in groups.values() if isinstance(groups, dict) else ():
        for probe, content in group.items() if isinstance(group, dict) else ():
            summary = content.get("_summary") if isinstance(content, dict) else None
            if isinstance(summary, dict):
                _probe_tags(probe, summary.get("probe_tags"), report)


def _tags(entry: dict[str, Any], report: Report) -> None:
    """Tags of a ``plugin_cache`` entry, whatever the depth at which its probes stand."""
    waiting: list[Any] = [entry]
    while waiting:
        value = waiting.pop()
        for name, content in value.items():
            if isinstance(content, dict):
                _probe_tags(name.removeprefix("probes."), content.get("tags"), report)
                waiting.append(content)


def _probe_tags(probe: str, tags: Any, report: Report) -> None:
    if isinstance(tags, list) and any(isinstance(tag, str) and tag.startswith(_HARMFUL_TAGS) for tag in tags):
        report.harmful_probes.add(probe)
