"""Work on a stream of pieces in a few threads: in order, with a bounded number in flight."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ["map_ordered"]

In = TypeVar("In")
Out = TypeVar("Out")


def map_ordered(work: Callable[[In], Out], pieces: Iterable[In], *, workers: int | None = None, ahead: int = 4) -> Iterator[Out]:
    """
    Results of ``work`` in the order of ``pieces``.

    Parameters
    ----------
    work : callable
        Releases the GIL for most of its time, else threads do not help.
    pieces : iterable
        Consumed at most ``workers + ahead`` pieces ahead of the results, so memory stays bounded.
    workers : int, optional
        Threads; default: the machine's cores, at most 4.
    """
    threads = workers or min(4, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads, thread_name_prefix="safescale-decode") as pool:
        waiting: deque[Future[Out]] = deque()
        try:
            for piece in pieces:
                waiting.append(pool.submit(work, piece))
                if len(waiting) >= threads + ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
