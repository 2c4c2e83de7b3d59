"""Generation, each model by itself: one that breaks costs its own responses alone, and the reason is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from safescale.engines import Engine, EngineSpec, open_engine
from safescale.generate import GenerateResult, RunPlan, RunResult, Watch, generate, look_ahead
from safescale.generate.asking import Engines
from safescale.ingest.run_lines import LOCK, ResponseLine, part_paths
from safescale.records.rows import clip

__all__ = ["RUNS", "BrokenModel", "Generated", "generate_each"]

RUNS: Final = "runs"


@attrs.frozen(kw_only=True)
class BrokenModel:
    """A model that gave nothing, or less than was planned, and why in one line."""

    model_id: str
    reason: str
    answered: int
    planned: int


@attrs.frozen(kw_only=True)
class Generated:
    """What the runs hold now, the models that are broken, and what this call asked (responses, tokens of prompts and answers)."""

    runs: tuple[RunResult, ...]
    broken: tuple[BrokenModel, ...]
    asked: int
    tokens: int


def generate_each(
    plans: tuple[RunPlan, ...],
    before: GenerateResult,
    out: Path,
    *,
    accept_changes: bool = False,
    watch: Watch | None = None,
    opener: Callable[[EngineSpec], Engine] = open_engine,
    command: Mapping[str, Any] | None = None,
) -> Generated:
    """
    Ask every model for what it has not answered; a model that fails costs itself alone.

    One with all its answers is left as it was found. Adapters of one base share its engine where they follow one another.

    Parameters
    ----------
    plans : tuple of RunPlan
        One a model.
    before : GenerateResult
        What the runs hold (``look_ahead``).
    out : Path
        Folder of the experiment; the runs lie in ``out/runs``.
    accept_changes, watch, opener, command
        As ``safescale.generate.generate`` takes them.

    Raises
    ------
    KeyboardInterrupt
        When the user stops it: every response that came is kept.
    """
    folder = out / RUNS
    runs: list[RunResult] = []
    broken: list[BrokenModel] = []
    engines = Engines(opener)
    try:
        for plan, there in zip(plans, before.runs, strict=True):
            run, reason = there, None
            if there.unanswered or there.waiting or (there.folder / LOCK).exists():  # a kill leaves its lock, and more to tidy
                try:
                    (run,) = generate(
                        [plan], folder, accept_changes=accept_changes, watch=watch, engines=engines, command=command
                    ).runs
                except Exception as error:  # whatever a library raises while it loads or runs one model, the others are asked
                    engines.close()
                    reason = _in_one_line(error).removeprefix(f"{plan.model.model_id}: ")
                    (run,) = look_ahead([plan], folder).runs
                    run = attrs.evolve(run, asked=max(0, run.answered - there.answered))
            runs.append(run)
            lacking = run.planned - run.answered
            if lacking or (reason is not None) or not _any_text(run):
                why = reason or _first_fault(run) or "it gave no answer"
                broken.append(BrokenModel(model_id=run.model_id, reason=why, answered=_texts(run), planned=run.planned))
    finally:
        engines.close()
    return Generated(
        runs=tuple(runs),
        broken=tuple(broken),
        asked=sum(run.asked for run in runs),
        tokens=sum(run.tokens for run in runs) - before.tokens,
    )


def _texts(run: RunResult) -> int:
    """Planned responses that are answers, not faults."""
    return sum(run.finish_reasons.values())


def _any_text(run: RunResult) -> bool:
    return _texts(run) > 0


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no further words"
    known = type(error).__module__.startswith("safescale.")
    return clip(text if known else f"{type(error).__name__}: {text}")


def _first_fault(run: RunResult) -> str | None:
    """The first fault of a run in words, with how many there are."""
    decoder = msgspec.json.Decoder(ResponseLine)
    faults = sum(run.faults.values())
    for path in part_paths(run.folder):
        with path.open("rb") as stream:
            for raw in stream:
                try:
                    line = decoder.decode(raw)
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    continue
                if line.fault is not None:
                    return clip(
                        f"{faults:,} responses failed, the first with {line.fault}: {line.fault_message or 'no further words'}"
                    )
    return None
