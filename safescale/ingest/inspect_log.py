"""Adapter ``inspect``: logs of Inspect AI, ``.json`` without any dependency, ``.eval`` through the extra ``inspect``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.gathering import Gathering, Records
from safescale.ingest.inspect_polarity import polarities
from safescale.ingest.inspect_sample import LogFacts, SampleRecords, instant, sample_records
from safescale.ingest.inspect_source import Log, open_log
from safescale.ingest.polarity import Scorers
from safescale.records.fates import RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["InspectLog"]

_ZIP: Final = b"PK\x03\x04"
_EVAL_KEY: Final = re.compile(rb'"eval"\s*:\s*\{')
_STATUS_KEY: Final = re.compile(rb'"status"\s*:\s*"(?:started|success|cancelled|error)"')


class InspectLog:
    """
    Logs of Inspect AI. A row is a sample; its number is its place in the log, from 1.

    The model is ``eval.model``, the prompt the sample's id, the repeat its epoch, the attack class the task (or
    ``metadata.attack_class`` of the sample). Whether a score of 1 is harmful depends on the task: scorers that neither the shipped
    table nor the user's map knows give UNGRADED, with label and number kept.
    """

    name = "inspect"
    facts = FormatFacts(
        files="logs of Inspect AI, .json and (extra inspect) .eval",
        polarity="defined by the task: a table of known scorers, and the user's --map; any other score is UNGRADED",
        outcome_map="binary_harmful, binary_safe, refusal_only, or the labels of the scorer",
        denominator="evaluable verdicts; samples that failed or were not scored are counted and left out",
        cluster_key="sample id",
        attempts="epochs are repeats",
    )

    def context(self, path: Path) -> str:
        """Nothing: the bytes say all."""
        return ""

    def recognises(self, probe: Probe) -> bool:
        """An ``.eval`` zip, or JSON that begins as a log does."""
        if probe.stem.endswith(".eval"):
            return probe.head.startswith(_ZIP)
        if not probe.stem.endswith(".json") or not probe.head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return False
        return _STATUS_KEY.search(probe.head) is not None and _EVAL_KEY.search(probe.head) is not None

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """
        Read a log.

        Raises
        ------
        MissingBackend
            For an ``.eval`` log without inspect_ai.
        DataError
            When the user's polarity map is wrong.
        """
        known = polarities(options.column_map)
        log = open_log(path)
        if isinstance(log, RejectedRow):
            yield Batch(rows_in=0, rejects=[log])
            return
        try:
            facts = _facts(log.header, path, options, known)
        except (AttributeError, TypeError, KeyError, ValueError) as error:
            got = f"{type(error).__name__}: {error}"
            facts = RejectedRow.of(0, RejectCode.WRONG_TYPE, expected="the header of an Inspect log", got=got)
        if isinstance(facts, RejectedRow):
            samples = sum(1 for _ in log.samples)
            rows = [_as_row(facts, row) for row in range(1, samples + 1)]
            yield Batch(rows_in=samples, rejects=[*rows] or [facts], bytes_read=log.size_bytes)
            return
        yield from _batches(log, facts)


def _batches(log: Log, facts: LogFacts) -> Iterator[Batch]:
    gathering = Gathering(facts.source_file)
    scorers = Scorers(facts.polarities)
    row = 0
    for row, sample in enumerate(log.samples, 1):
        found = _records(sample, row, facts)
        if isinstance(found, RejectedRow):
            gathering.reject(found)
        else:
            gathering.take(row, partial(_as_records, found))
            for scorer in found.scorers:
                scorers.of_scorer(scorer, facts.task)
        yield from gathering.full()
    if row == 0:
        reject = RejectedRow.of(0, RejectCode.EMPTY_FILE, expected="a log with samples", got="a header without samples")
        gathering.reject(reject)
    scorers.tell(gathering)
    gathering.read(log.size_bytes)
    yield from gathering.rest()


def _as_records(found: SampleRecords) -> Records:
    return Records(trace=found.trace, turns=found.turns, grades=found.grades, graders=found.graders)


def _records(sample: Any, row: int, facts: LogFacts) -> SampleRecords | RejectedRow:
    """Records of a sample, or why it was not taken."""

    def refuse(code: RejectCode, expected: str, got: object, column: str | None = None) -> RejectedRow:
        return RejectedRow.of(row, code, expected=expected, got=got, column=column)

    if isinstance(sample, Exception):
        return refuse(RejectCode.UNREADABLE, "a sample that inspect_ai can read", str(sample))
    if not isinstance(sample, dict):
        return refuse(RejectCode.NOT_AN_OBJECT, "a sample", sample)
    sample_id, epoch = sample.get("id"), sample.get("epoch", 1)
    if sample_id is None or sample_id == "":
        return refuse(RejectCode.MISSING_FIELD, "text or an integer", "nothing", "id")
    if isinstance(sample_id, bool) or not isinstance(sample_id, str | int):
        return refuse(RejectCode.WRONG_TYPE, "text or an integer", sample_id, "id")
    if isinstance(epoch, bool) or not isinstance(epoch, int):
        return refuse(RejectCode.WRONG_TYPE, "an integer", epoch, "epoch")
    if epoch < 1:
        return refuse(RejectCode.OUT_OF_RANGE, "an integer >= 1", epoch, "epoch")
    try:
        return sample_records(sample, row, facts)
    except UnicodeEncodeError as error:
        return refuse(RejectCode.NOT_UTF8, "text without half a surrogate pair", repr(error.object[:50]))
    except (AttributeError, TypeError, KeyError, ValueError, IndexError) as error:
        return refuse(RejectCode.WRONG_TYPE, "a sample of an Inspect log", f"{type(error).__name__}: {error}")


def _facts(header: Mapping[str, Any], path: Path, options: Options, known: Sequence[Any]) -> LogFacts | RejectedRow:
    """What the header says, or why it does not name a model and a task."""
    spec = header["eval"]
    for field in ("model", "task"):
        if not isinstance(spec.get(field), str) or not spec[field]:
            return RejectedRow.of(0, RejectCode.MISSING_FIELD, expected="text", got=spec.get(field), column=f"eval.{field}")
    roles = spec.get("model_roles")
    grader = roles.get("grader") if isinstance(roles, dict) else None
    config = spec.get("model_generate_config")
    seed = config.get("seed") if isinstance(config, dict) else None
    ids = [str(spec[k]) for k in ("run_id", "task_id") if spec.get(k)]
    return LogFacts(
        source=options.source or "inspect",
        source_file=str(path),
        model_id=spec["model"],
        task=spec["task"].rpartition("/")[2] or spec["task"],
        run="/".join(ids) if len(ids) == 2 else "",
        created=instant(spec.get("created")),
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
        scorers=_scorers(header),
        grader_model=grader.get("model") if isinstance(grader, dict) else None,
        polarities=known,
    )


def _scorers(header: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Names of the log's scorers, so that a sample without scores is counted as ungraded.

    ``results`` says under which names the scores stand (a scorer that is used twice is numbered); a log without results says it
    in ``eval.scorers``.
    """
    results = header.get("results")
    listed = results.get("scores") if isinstance(results, dict) else None
    names = [s.get("scorer") or s.get("name") for s in listed or () if isinstance(s, dict)]
    if not names:
        names = [s.get("name") for s in header["eval"].get("scorers") or () if isinstance(s, dict)]
    return tuple(dict.fromkeys(str(n).rpartition("/")[2] for n in names if n))


def _as_row(reject: RejectedRow, row: int) -> RejectedRow:
    return RejectedRow.of(row, reject.code, expected=reject.expected, got=reject.got, column=reject.column)
