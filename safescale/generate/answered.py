"""What is answered already: read from the parts of a run in one pass, in 8 bytes a response."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Final

import attrs
import numpy as np
import numpy.typing as npt

from safescale.ingest.run_lines import ResponseLine, Scanned, is_retried, part_paths, scan_lines

__all__ = ["Answered", "count_line", "scan_run"]

_ID: Final = re.compile(r"[0-9a-f]{16,}")


@attrs.define(kw_only=True)
class Answered:
    """
    What the parts of a run hold.

    ``done`` has the first 64 bits of every response id that is not asked again, sorted; the counts are over the last line of each
    response.
    """

    done: npt.NDArray[np.uint64] = attrs.field(factory=lambda: np.empty(0, dtype=np.uint64))
    finish_reasons: Counter[str] = attrs.field(factory=Counter)
    faults: Counter[str] = attrs.field(factory=Counter)
    suspects: set[str] = attrs.field(factory=set)
    """Responses on which the engine died or ran out of memory before: they are asked last, and alone."""
    waiting: dict[str, str] = attrs.field(factory=dict)
    """Responses that ended in a fault which is asked again: id to code."""
    tokens: int = 0
    uncounted: int = 0
    """Answers whose tokens the engine did not count."""
    replaced: int = 0
    damaged: int = 0
    added: int = 0
    """Responses of this session that are not asked again."""
    last_at: str | None = None

    def __contains__(self, response_id: object) -> bool:
        key = _key(str(response_id))
        at = int(np.searchsorted(self.done, key))
        return at < len(self.done) and self.done[at] == key

    @property
    def responses(self) -> int:
        """Responses that are not asked again."""
        return len(self.done) + self.added


def scan_run(folder: Path) -> Answered:
    """Read what a run holds: in one pass, keeping 8 bytes a response."""
    found = Answered()
    keys: list[npt.NDArray[np.uint64]] = []
    for path in part_paths(folder):
        piece: list[int] = []
        for line in scan_lines(path):
            key = None if line is None else _hex(line.response_id)
            if line is None or key is None:
                found.damaged += 1
                continue
            count_line(found, line)
            if not line.retried:
                piece.append(key)
        keys.append(np.array(piece, dtype=np.uint64))
    if keys:
        found.done = np.unique(np.concatenate(keys))
    found.suspects &= found.waiting.keys()
    return found


def count_line(found: Answered, line: Scanned | ResponseLine) -> None:
    """Add one line to the counts; it takes the place of the fault that its response ended in before."""
    before = found.waiting.pop(line.response_id, None)
    if before is not None:
        found.faults[before] -= 1
        found.replaced += 1
    found.last_at = line.created_at
    found.tokens += (line.prompt_tokens or 0) + (line.completion_tokens or 0)
    if line.fault is None:
        found.finish_reasons[line.finish_reason] += 1
        found.uncounted += line.completion_tokens is None or line.prompt_tokens is None
    else:
        found.faults[line.fault] += 1
        if is_retried(line.fault):
            found.waiting[line.response_id] = line.fault
        if line.fault in ("ENGINE_DIED", "OUT_OF_MEMORY"):
            found.suspects.add(line.response_id)


def _hex(response_id: str) -> int | None:
    """The first 64 bits of an id; None for what no run made (an edited line)."""
    return int(response_id[:16], 16) if _ID.fullmatch(response_id) else None


def _key(response_id: str) -> np.uint64:
    return np.uint64(int(response_id[:16], 16))
