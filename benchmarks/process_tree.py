"""A command with all that it starts: seconds on the clock and of the CPU, and the most memory that all of them held at once."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

PAUSE_S = 0.25
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


@attrs.frozen(kw_only=True)
class Ran:
    """What a command cost; ``peak_mb`` (1e6 bytes) is resident memory added up over its processes, shared pages in each."""

    stdout: str
    exit_code: int
    wall_s: float
    cpu_s: float
    peak_mb: float


def run_tree(words: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Ran:
    """Run a command to its end (stderr goes where ours goes), looking at the memory of its processes four times a second."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    peak_mb, over = 0.0, threading.Event()

    def look() -> None:
        nonlocal peak_mb
        while not over.wait(PAUSE_S):
            peak_mb = max(peak_mb, sum(_resident_mb(pid) for pid in _tree(process.pid)))

    with subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, env=environment) as process:
        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        stdout, _ = process.communicate()
        over.set()
        watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Ran(
        stdout=stdout,
        exit_code=process.returncode,
        wall_s=time.perf_counter() - began,
        cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        peak_mb=peak_mb,
    )


def _tree(root: int) -> Iterator[int]:
    """A process and its descendants."""
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # it ended while we looked


def _resident_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_MB
    except (OSError, IndexError):
        return 0.0
