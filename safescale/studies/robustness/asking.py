"""Generation of a study: every group of subjects by the engine that answers for them, groups side by side in processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines import Engine, EngineSpec, open_engine
from safescale.generate import RunPlan, Watch, look_ahead
from safescale.studies.running.generation import RUNS, BrokenModel, Generated, generate_each
from safescale.toy.workers import Failed, run_tasks

__all__ = ["AskedGroup", "ask_groups", "left_of"]

_FACTS: Final = "study"


@attrs.frozen(kw_only=True, eq=False)
class AskedGroup:
    """Subjects that one engine answers for."""

    plans: tuple[RunPlan, ...]
    out: Path
    accept_changes: bool
    opener: Callable[[EngineSpec], Engine]
    command: Mapping[str, Any]
    watch: Watch | None = None


@attrs.frozen(kw_only=True)
class Left:
    """What is left to ask of some plans."""

    planned: int
    answered: int
    tokens: int

    @property
    def left(self) -> int:
        """Responses that are not there."""
        return self.planned - self.answered


def left_of(plans: Sequence[RunPlan], out: Path) -> Left:
    """
    What the runs of these plans hold.

    Raises
    ------
    DataError
        When the folder holds answers to something else.
    """
    runs = look_ahead(plans, out / RUNS).runs
    return Left(
        planned=sum(run.planned for run in runs),
        answered=sum(run.answered for run in runs),
        tokens=sum(run.tokens for run in runs),
    )


def ask_groups(
    groups: Sequence[tuple[RunPlan, ...]],
    out: Path,
    *,
    jobs: int,
    accept_changes: bool = False,
    watch: Watch | None = None,
    opener: Callable[[EngineSpec], Engine] = open_engine,
    command: Mapping[str, Any] | None = None,
    done: Callable[[int], None] | None = None,
) -> Generated:
    """
    Ask every group; one that fails costs itself alone.

    Parameters
    ----------
    groups : sequence of tuple of RunPlan
        Plans that share an engine.
    out : Path
        Folder of the study.
    jobs : int
        Groups at once, each in a process of its own; with 1 in this process, where ``watch`` is told how far a run is.
    accept_changes, watch, opener, command
        As ``generate_each`` takes them; with several jobs ``opener`` must be a function of a module.
    done : callable, optional
        Told the number of responses of each group that came to an end.

    Returns
    -------
    Generated
        What all runs hold now.
    """
    tasks = [
        AskedGroup(
            plans=tuple(plans),
            out=out,
            accept_changes=accept_changes,
            opener=opener,
            command=dict(command or {}),
            watch=watch if jobs == 1 else None,
        )
        for plans in groups
    ]
    found: dict[int, Generated] = {}
    # the largest first: none of them is left alone at the end
    order = sorted(tasks, key=lambda task: -sum(plan.total for plan in task.plans))
    for task, outcome in run_tasks(_ask, order, jobs=jobs):
        at = next(place for place, one in enumerate(tasks) if one is task)
        found[at] = _broken(task, outcome) if isinstance(outcome, Failed) else outcome
        if done is not None:
            done(sum(plan.total for plan in task.plans))
    all_of = [found[at] for at in range(len(tasks))]
    return Generated(
        runs=tuple(run for one in all_of for run in one.runs),
        broken=tuple(model for one in all_of for model in one.broken),
        asked=sum(one.asked for one in all_of),
        tokens=sum(one.tokens for one in all_of),
    )


def _ask(task: AskedGroup) -> Generated:
    before = look_ahead(task.plans, task.out / RUNS)
    return generate_each(
        task.plans,
        before,
        task.out,
        accept_changes=task.accept_changes,
        watch=task.watch,
        opener=task.opener,
        command=task.command,
    )


def _broken(task: AskedGroup, failed: Failed) -> Generated:
    reason = failed.reason
    lost = [BrokenModel(model_id=plan.model.model_id, reason=reason, answered=0, planned=plan.total) for plan in task.plans]
    return Generated(runs=(), broken=tuple(lost), asked=0, tokens=0)
