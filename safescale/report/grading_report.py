"""What came of `safescale grade run`: text for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from safescale._version import __version__
from safescale.grade.grader import GraderFacts
from safescale.grade.run import GraderRun, GradingRun
from safescale.ingest.outcome import IngestReport
from safescale.records.fates import Fate
from safescale.records.verdicts import Verdict
from safescale.report.ingest_report import aligned, ingest_json

__all__ = ["graders_json", "graders_text", "grading_json", "grading_text"]

_SHOWN = (Verdict.COMPLIANCE, Verdict.PARTIAL, Verdict.REFUSAL)


def grading_text(run: GradingRun, *, cache: Path, corpus: Path | None, taken_in: IngestReport | None) -> str:
    """Counts by grader and verdict, what failed and why, and where the grades are."""
    lines = [f"{run.with_text:,} of {run.traces:,} traces have a response to grade (corpus {run.fingerprint})"]
    lines += [f"  not graded, {why}: {count:,}" for why, count in run.not_graded.items()]
    lines += ["", _table(run.graders)]
    for one in run.graders:
        lines += [f"  {one.facts.grader_id} could not grade {count:,}: {why}" for why, count in one.reasons.items()]
        if one.trained_on:
            lines.append(
                f"  {one.facts.grader_id} was trained on {one.trained_on:,} of these responses: agreement there says nothing of it"
            )
        if one.torn_lines:
            lines.append(f"  {one.facts.grader_id}: {one.torn_lines:,} half-written lines of a killed run, judged anew")
        if one.retried:
            lines.append(f"  {one.facts.grader_id}: {one.retried:,} responses that had failed before were tried again")
    if any(one.facts.kind == "keyword" for one in run.graders):
        lines.append("keyword rules see words of refusal, not harm: analyses leave their verdicts out unless told otherwise")
    lines += ["", f"grades: {run.file}", f"judgements, from which a next run goes on: {cache}"]
    if taken_in is not None:
        lines += [_taken_in(taken_in), f"next: safescale report {corpus} -o safescale-report" if corpus else ""]
    elif corpus is not None:
        lines.append(f"next: safescale ingest {run.file} --into {corpus}")
    else:
        lines.append(f"next: safescale ingest LOGS {run.file} --into corpus.db")
    return "\n".join(lines)


def grading_json(run: GradingRun, *, cache: Path, corpus: Path | None, taken_in: IngestReport | None) -> str:
    """The same as one JSON object."""
    whole = {
        "safescale": __version__,
        "grading": {
            "fingerprint": run.fingerprint,
            "traces": run.traces,
            "with_text": run.with_text,
            "not_graded": dict(run.not_graded),
            "graders": [
                _facts(one.facts)
                | {
                    "graded": one.graded,
                    "verdicts": {verdict.value: count for verdict, count in one.verdicts.items()},
                    "judged": one.judged,
                    "cached": one.cached,
                    "shared": one.shared,
                    "failed": one.failed,
                    "retried": one.retried,
                    "torn_lines": one.torn_lines,
                    "trained_on": one.trained_on,
                    "reasons": dict(one.reasons),
                }
                for one in run.graders
            ],
            "file": str(run.file),
            "cache": str(cache),
        },
        "ingest": None if taken_in is None else json.loads(ingest_json(taken_in, corpus=corpus)),
    }
    return json.dumps(whole, indent=2, ensure_ascii=False)


def graders_text(known: Sequence[tuple[str, GraderFacts | str]]) -> str:
    """Name and facts of each grader; one that cannot be opened says why."""
    rows = [("name", "grader id", "kind", "outcome map", "sees the prompt", "verdicts")]
    for name, facts in known:
        if isinstance(facts, str):
            rows.append((name, f"not here: {facts}", "", "", "", ""))
            continue
        classes = ", ".join(verdict.value for verdict in facts.classes)
        rows.append((name, facts.grader_id, facts.kind, facts.outcome_map, "yes" if facts.sees_prompt else "no", classes))
    return aligned(rows, left=len(rows[0]))


def graders_json(known: Sequence[tuple[str, GraderFacts | str]]) -> str:
    """The same as JSON."""
    found = [
        {"name": name, "missing": facts} if isinstance(facts, str) else {"name": name, "missing": None} | _facts(facts)
        for name, facts in known
    ]
    return json.dumps({"safescale": __version__, "graders": found}, indent=2, ensure_ascii=False)


def _facts(facts: GraderFacts) -> dict[str, object]:
    return {
        "grader_id": facts.grader_id,
        "kind": facts.kind,
        "outcome_map": facts.outcome_map,
        "hallucination_refusal": facts.hallucination_refusal,
        "rubric_version": facts.rubric_version,
        "score_scale": facts.score_scale,
        "sees_prompt": facts.sees_prompt,
        "classes": [verdict.value for verdict in facts.classes],
    }


def _table(runs: Sequence[GraderRun]) -> str:
    others = [v for v in Verdict if v not in _SHOWN and any(one.verdicts.get(v) for one in runs)]
    columns = [*_SHOWN, *others]
    rows = [("grader", "kind", *(v.value for v in columns), "judged", "cached", "equal texts", "failed")]
    for one in runs:
        counts = [one.verdicts.get(v, 0) for v in columns]
        numbers = [*counts, one.judged, one.cached, one.shared, one.failed]
        rows.append((one.facts.grader_id, one.facts.kind, *(f"{n:,}" for n in numbers)))
    return aligned(rows, left=2)


def _taken_in(report: IngestReport) -> str:
    (file,) = report.files
    if file.already_ingested:
        return f"already in the corpus, adds nothing (fingerprint {report.fingerprint})"
    duplicates, rejects = file.fates.get(Fate.DUPLICATE, 0), len(file.rejects)
    words = f"taken into the corpus: {file.grades:,} grades, {duplicates:,} that it had"
    return f"{words}{f', {rejects:,} rejects' if rejects else ''}; fingerprint {report.fingerprint}"
