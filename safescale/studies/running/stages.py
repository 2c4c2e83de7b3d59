"""How long each stage took, over all calls: kept beside the results, so that a resumed experiment still knows."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.generate.run_folder import now
from safescale.store.json_file import write_json

__all__ = ["FILE", "GOES_ON", "STAGES", "StageLog", "StageTimes", "peak_mb"]

FILE: Final = "stages.json"
STAGES: Final = ("registration", "generation", "ingest", "grading", "reduction", "analysis", "report")
GOES_ON: Final = frozenset({"generation", "grading"})
"""Stages in which a later call goes on where an earlier one ended: their times add up. Of the others the last whole one counts."""


@attrs.frozen(kw_only=True)
class StageTimes:
    """
    Time of one stage: over all calls of those in which a call goes on (``GOES_ON``), of the last whole one else.

    Parameters
    ----------
    stage : str
        Its name.
    wall_s, cpu_s : float
        Seconds; those of calls that were killed within it are not known and not in it.
    responses, tokens : int, optional
        What was done in that time: responses asked, or taken in, or graded; tokens of prompts and answers.
    calls, cut_off : int
        Calls that did something in it, and how many of them were killed within it.
    peak_mb : int, optional
        Largest memory of the process at its end (1e6 bytes).
    """

    stage: str
    wall_s: float
    cpu_s: float
    responses: int | None = None
    tokens: int | None = None
    calls: int = 1
    cut_off: int = 0
    peak_mb: int | None = None

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens a second of wall time."""
        return self.tokens / self.wall_s if self.tokens and self.wall_s > 0 else None


class StageLog:
    """
    The file of stage times; each stage is written when it begins and when it ends.

    Parameters
    ----------
    out : Path
        Folder of the experiment.
    say : callable, optional
        Told the stage that begins.
    stages : tuple of str
        Stages in the order of the pipeline.
    goes_on : frozenset of str
        Those in which a later call goes on where an earlier one ended.
    """

    def __init__(
        self,
        out: Path,
        *,
        say: Callable[[str], None] | None = None,
        stages: tuple[str, ...] = STAGES,
        goes_on: frozenset[str] = GOES_ON,
    ) -> None:
        self._file, self._say, self._stages, self._goes_on = out / FILE, say, stages, goes_on
        try:
            found = json.loads(self._file.read_bytes())
            self._rows: list[dict[str, Any]] = [row for row in found["stages"] if isinstance(row, dict) and "stage" in row]
        except (OSError, ValueError, KeyError, TypeError):
            self._rows = []  # times alone are lost
        for row in self._rows:
            if row.get("ended") is None:
                row["ended"] = "cut off"

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[dict[str, int]]:
        """
        Time a stage; the counts that are put into what it gives are kept with the time.

        With ``nothing`` among them it found all done, and is not kept.
        """
        if self._say is not None:
            self._say(name)
        counts: dict[str, int] = {}
        row: dict[str, Any] = {"stage": name, "started_at": now(), "ended": None}
        self._rows.append(row)
        self._write()
        began, cpu = time.perf_counter(), _cpu_s()
        ended = "failed"
        try:
            yield counts
            ended = "done"
        except KeyboardInterrupt:
            ended = "interrupted"
            raise
        finally:
            spent = {"wall_s": round(time.perf_counter() - began, 3), "cpu_s": round(_cpu_s() - cpu, 3)}
            if ended == "done" and counts.pop("nothing", 0):
                self._rows.remove(row)
            row |= {"ended": ended, **spent, **counts, "peak_mb": peak_mb()}
            self._write()

    def times(self) -> tuple[StageTimes, ...]:
        """Times by stage, in the order of the pipeline."""
        found = []
        for stage in self._stages:
            rows = [row for row in self._rows if row["stage"] == stage]
            if not rows:
                continue
            timed = [row for row in rows if isinstance(row.get("wall_s"), int | float)]
            if stage not in self._goes_on:
                timed = [row for row in timed if row.get("ended") == "done"][-1:]
            found.append(
                StageTimes(
                    stage=stage,
                    wall_s=round(sum(row["wall_s"] for row in timed), 3),
                    cpu_s=round(sum(row.get("cpu_s", 0.0) for row in timed), 3),
                    responses=_sum(timed, "responses"),
                    tokens=_sum(timed, "tokens"),
                    calls=len(rows),
                    cut_off=sum(row.get("ended") == "cut off" for row in rows),
                    peak_mb=max((row["peak_mb"] for row in timed if isinstance(row.get("peak_mb"), int)), default=None),
                )
            )
        return tuple(found)

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # times alone are lost, and what failed says so itself
            write_json(self._file, {"stages": self._rows})


def _sum(rows: list[dict[str, Any]], key: str) -> int | None:
    counts = [row[key] for row in rows if isinstance(row.get(key), int)]
    return sum(counts) if counts else None


if sys.platform == "win32":  # pragma: no cover

    def peak_mb() -> int | None:
        """Nobody measures it here."""
        return None

    def _cpu_s() -> float:
        """CPU seconds of this process."""
        return time.process_time()

else:
    import resource

    def peak_mb() -> int | None:
        """Largest memory of this process so far (1e6 bytes)."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6)

    def _cpu_s() -> float:
        """CPU seconds of this process and of the children that it waited for."""
        mine, theirs = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime
