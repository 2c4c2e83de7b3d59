"""Tasks in processes of their own: one that fails, or dies, costs itself alone, and none outlives whoever started it."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Final, TypeVar

import attrs

__all__ = ["Failed", "run_tasks"]

Task = TypeVar("Task")
Outcome = TypeVar("Outcome")
_WATCH_S: Final = 0.5


@attrs.frozen(kw_only=True)
class Failed:
    """Why a task has no outcome."""

    reason: str


def run_tasks(work: Callable[[Task], Outcome], tasks: Sequence[Task], *, jobs: int) -> Iterator[tuple[Task, Outcome | Failed]]:
    """
    Do tasks, at most ``jobs`` at once; with one job in this process.

    Parameters
    ----------
    work : callable
        What is done with a task; a function of a module.
    tasks : sequence
        Tasks, begun in this order.
    jobs : int
        Processes.

    Yields
    ------
    tuple
        A task and its outcome, as they come to an end. A process that dies takes along what the others had in work: each of these
        is tried once more, alone. Tasks that were not begun go on as before.
    """
    if jobs == 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, _outcome(work, task)
        return
    waiting = list(tasks)
    while waiting:
        lost: list[Task] = []
        yield from _pool(work, waiting, min(jobs, len(waiting)), lost)
        place = {id(task): at for at, task in enumerate(waiting)}
        lost.sort(key=lambda task: place[id(task)])
        # tasks are begun in order, so those in work were the first of the lost; the others go on side by side
        for task in lost[:jobs]:
            dead: list[Task] = []
            yield from _pool(work, [task], 1, dead)
            if dead:
                yield task, Failed(reason="its process died twice (killed, or out of memory); ask for fewer --jobs")
        waiting = lost[jobs:]


def _pool(
    work: Callable[[Task], Outcome], tasks: Sequence[Task], jobs: int, lost: list[Task]
) -> Iterator[tuple[Task, Outcome | Failed]]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_watch, initargs=(os.getpid(),)) as pool:
        futures = {pool.submit(_outcome, work, task): task for task in tasks}
        whole = False
        try:
            for future in as_completed(futures):
                try:
                    yield futures[future], future.result()
                except BrokenProcessPool:
                    lost.append(futures[future])
            whole = True
        finally:
            # all done: wait for the processes to end, or the time that they took is counted for whatever comes next
            pool.shutdown(wait=whole, cancel_futures=True)


def _outcome(work: Callable[[Task], Outcome], task: Task) -> Outcome | Failed:
    try:
        return work(task)
    except Exception as error:
        return Failed(reason=f"{type(error).__name__}: {error}")


def _watch(parent: int) -> None:
    """End with whoever started this process: a killed command leaves none behind that trains on."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
