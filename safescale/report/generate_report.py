"""The closing words of ``generate``: text for people, JSON for programs."""

from __future__ import annotations

import json
from collections import Counter

import attrs

from safescale.analyses.words import plural
from safescale.engines.openai_batch import WrittenBatch
from safescale.generate.by_file import TakenBatch
from safescale.generate.generate import GenerateResult, RunResult
from safescale.report.ingest_report import aligned
from safescale.report.plain import shortened

__all__ = ["batch_json", "batch_text", "generate_json", "generate_text", "taken_text"]

_SHOWN_MODEL = 40


def generate_text(result: GenerateResult) -> str:
    """A row a run, what was not answered and why, and what to do next."""
    header = ["model", "run", "planned", "answered", "of it faults", "to ask again", "not asked", "tokens"]
    rows = [header, *(_row(run) for run in result.runs)]
    lines = [aligned(rows), ""]
    for run in result.runs:
        lines += _remarks(run)
    planned, answered = sum(run.planned for run in result.runs), sum(run.answered for run in result.runs)
    unanswered = sum(run.unanswered for run in result.runs)
    lines.append(
        f"{planned:,} planned = {answered:,} answered + {result.waiting:,} to be asked again + {unanswered:,} not asked yet; "
        f"{sum(run.asked for run in result.runs):,} asked now"
    )
    if result.dry:
        lines.append(
            f"dry run: nothing was asked; without --dry-run, {result.waiting + unanswered:,} responses would be, into {result.out}"
        )
        return "\n".join(lines)
    if any(run.ended == "budget" for run in result.runs):
        spent = f"{result.tokens:,}" + (f" of {result.token_budget:,} tokens" if result.token_budget is not None else " tokens")
        lines.append(f"the budget is spent ({spent}); the same command with a larger one goes on")
    if result.waiting:
        lines.append("the same command asks again for what failed")
    lines.append(f"next: safescale ingest {result.out} --into corpus.db")
    return "\n".join(lines)


def generate_json(result: GenerateResult) -> str:
    """Everything as one JSON object."""
    found = {
        "out": str(result.out),
        "dry_run": result.dry,
        "token_budget": result.token_budget,
        "tokens": result.tokens,
        "waiting": result.waiting,
        "runs": [{**attrs.asdict(run), "folder": str(run.folder)} for run in result.runs],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def batch_text(written: WrittenBatch) -> str:
    """What was written for a batch service, and what to do with it."""
    lines = [f"{path}" for path in written.paths] or ["nothing is left to ask; no file was written"]
    lines.append(
        f"{written.written:,} requests written, {written.repeated:,} equal to one of them, {len(written.refused):,} that cannot be "
        "asked (their faults are in the run)"
    )
    if written.paths:
        lines.append("next: run the batch, then the same command with --batch-in OUTPUT in the place of --batch-out")
    return "\n".join(lines)


def batch_json(written: WrittenBatch) -> str:
    """The same as JSON."""
    found = {
        "files": [str(path) for path in written.paths],
        "written": written.written,
        "repeated": written.repeated,
        "refused": [attrs.asdict(answer) for answer in written.refused],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def taken_text(taken: TakenBatch) -> str:
    """What became of each line of the output of a batch."""
    codes = ", ".join(f"{code} {count:,}" for code, count in taken.read.counts.items())
    return (
        f"{taken.read.lines:,} lines read: {len(taken.read.answers):,} answers to different requests"
        f" ({taken.not_taken:,} the run had already), {len(taken.read.rejects):,} rejects" + (f" ({codes})" if codes else "")
    )


def _row(run: RunResult) -> list[str]:
    final = sum(run.faults.values()) - sum(run.waiting.values())
    counts = (run.planned, run.answered, max(0, final), sum(run.waiting.values()), run.unanswered, run.tokens)
    return [shortened(run.model_id, _SHOWN_MODEL), run.run_id, *(f"{count:,}" for count in counts)]


def _remarks(run: RunResult) -> list[str]:
    """What a reader should know of a run beside its counts."""
    name = shortened(run.model_id, _SHOWN_MODEL)
    said: list[str] = []
    if run.faults:
        said.append("faults " + ", ".join(f"{code} {count:,}" for code, count in sorted(run.faults.items())))
    if cut := Counter(run.finish_reasons).get("length"):
        said.append(f"{plural(cut, 'answer')} cut by max_tokens")
    if run.torn:
        said.append(f"{plural(run.torn, 'line')} torn by a kill set aside and asked again")
    if run.restarts:
        said.append(f"{plural(run.restarts, 'restart')} of the engine")
    if run.halvings:
        said.append(f"batch halved {plural(run.halvings, 'time')} for memory")
    return [f"{name}: {'; '.join(said)}"] if said else []
