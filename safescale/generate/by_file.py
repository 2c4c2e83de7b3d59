"""Runs whose answers come as a file (a batch service): what is still to be asked, and taking in what came back."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from safescale.engines import Answer, EngineFacts
from safescale.engines.openai_batch import BatchAnswers, WrittenBatch, read_batch, write_batch
from safescale.errors import DomainError
from safescale.generate.answered import scan_run
from safescale.generate.generate import RunResult, counts_of, result_of
from safescale.generate.manifest import refuse_other_runs
from safescale.generate.plan import Planned, RunPlan
from safescale.generate.run_folder import RunFolder
from safescale.generate.surroundings import surroundings

__all__ = ["TakenBatch", "read_batches", "still_to_ask", "take_answers", "write_batches"]


@attrs.frozen(kw_only=True)
class TakenBatch:
    """What a run holds after the answers of batch files were taken in, and what was read of them."""

    run: RunResult
    read: BatchAnswers
    not_taken: int
    """Answers that the run had already."""


def write_batches(plan: RunPlan, out: Path, path: Path, *, accept_changes: bool = False) -> WrittenBatch:
    """
    Write what a run lacks as files for OpenAI's Batch API or ``vllm run-batch``; what cannot be asked has its fault in the run.

    Raises
    ------
    DomainError
        When the model's engine is not ``openai``.
    DataError
        As ``generate`` does, and when the file cannot be written.
    """
    _of_openai(plan)
    written = write_batch((planned.request for planned in still_to_ask(plan, out)), path, plan.model.spec)
    if written.refused:
        take_answers(plan, out, written.refused, facts=_facts(plan), accept_changes=accept_changes)
    return written


def read_batches(
    plan: RunPlan, out: Path, paths: Sequence[Path], *, accept_changes: bool = False, command: Mapping[str, Any] | None = None
) -> TakenBatch:
    """
    Take the output and error files of batches into the run that planned them.

    Raises
    ------
    DomainError
        When the model's engine is not ``openai``.
    DataError
        As ``generate`` does, and for a file that cannot be read.
    """
    _of_openai(plan)
    requests = {planned.request.request_id: planned.request for planned in plan.requests()}
    read = read_batch(tuple(paths), tuple(requests.values()))
    run, not_taken = take_answers(plan, out, read.answers, facts=_facts(plan), accept_changes=accept_changes, command=command)
    return TakenBatch(run=run, read=read, not_taken=not_taken)


def _of_openai(plan: RunPlan) -> None:
    if plan.model.spec.engine != "openai":
        raise DomainError(f"batch files are those of the engine openai, and {plan.model.model_id} has {plan.model.spec.engine!r}")


def _facts(plan: RunPlan) -> EngineFacts:
    """What is known of a batch service: what was asked for."""
    spec = plan.model.spec
    return EngineFacts(
        engine="openai", version="batch files", model=spec.model, model_id=spec.model_id, model_revision=spec.revision
    )


def still_to_ask(plan: RunPlan, out: Path) -> Iterator[Planned]:
    """
    What a run lacks; nothing is opened or written. Requests of equal content are equal: a file of them needs one line for all.

    Raises
    ------
    DataError
        When ``out`` holds answers of this model to something else.
    """
    refuse_other_runs(out, (plan,))
    yield from plan.requests(done=scan_run(out / plan.run_id))


def take_answers(
    plan: RunPlan,
    out: Path,
    answers: Iterable[Answer],
    *,
    facts: EngineFacts,
    accept_changes: bool = False,
    command: Mapping[str, Any] | None = None,
) -> tuple[RunResult, int]:
    """
    Keep answers that came by file in the run that planned them.

    An answer serves every response that its request was planned for. One that the run has already, or that it never asked for, is
    counted and not taken.

    Parameters
    ----------
    plan : RunPlan
        What was asked.
    out : Path
        Folder of the runs.
    answers : iterable of Answer
        In any order.
    facts : EngineFacts
        What is known of the engine behind them.
    accept_changes : bool, default False
        Take them although the run was begun with another version (by a server that was asked at once, say).
    command : mapping, optional
        What the user typed, for the manifest.

    Returns
    -------
    RunResult, int
        What the run holds now, and how many answers were not taken.

    Raises
    ------
    DataError
        As ``generate`` does.
    """
    refuse_other_runs(out, (plan,))
    began = time.perf_counter()
    asked = unknown = 0
    with RunFolder(out, plan) as folder:
        waiting: dict[str, list[Planned]] = {}
        for planned in plan.requests(done=folder.answered):
            waiting.setdefault(planned.request.request_id, []).append(planned)
        around = {**surroundings(), "command": dict(command or {})}
        folder.begin({**around, "planned": plan.total, "samples": plan.samples, "limit": plan.limit, "batch_size": None})
        ended = "error"
        try:
            folder.opened(facts, accept_changes=accept_changes)
            for answer in answers:
                mine = waiting.pop(answer.request_id, [])
                unknown += not mine
                for planned in mine:
                    folder.record(planned, answer)
                    asked += 1
            folder.flush()
            ended = "done"
        finally:
            wall_s = time.perf_counter() - began
            folder.end(ended, wall_s=round(wall_s, 3), asked=asked, counts=counts_of(folder.answered))
        result = result_of(plan, folder.path, folder.answered, asked=asked, ended=ended, torn=folder.torn, wall_s=wall_s)
    return result, unknown
