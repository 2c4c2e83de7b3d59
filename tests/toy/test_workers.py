"""Tasks in processes: one that dies costs itself alone, and those that were not begun are not tried one by one."""

from __future__ import annotations

import os
import time

from safescale.toy.workers import Failed, run_tasks

TASKS = 14
DEADLY = (1, 9)


def work(task: int) -> tuple[int, int]:
    """What it was, and which process did it."""
    if task in DEADLY:
        os._exit(9)
    time.sleep(0.01)
    return task, os.getpid()


def test_a_process_that_dies_costs_its_task_alone_and_the_rest_go_on_side_by_side() -> None:
    found = dict(run_tasks(work, range(TASKS), jobs=2))
    assert sorted(found) == list(range(TASKS))
    assert [task for task, outcome in found.items() if isinstance(outcome, Failed)] in ([1, 9], [9, 1])
    processes = {outcome[1] for outcome in found.values() if not isinstance(outcome, Failed)}
    # two a pool, three pools at most, and one for each that was in work when a process died
    assert len(processes) <= 2 * 3 + 2 * 2 < TASKS - len(DEADLY)


def test_tasks_that_are_equal_are_each_done() -> None:
    assert [outcome[0] for _, outcome in run_tasks(work, [0, 0, 0, 0], jobs=2) if not isinstance(outcome, Failed)] == [0] * 4
