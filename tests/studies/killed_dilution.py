"""An experiment that is killed at every stage, over and over, by itself: run as ``python killed_dilution.py FOLDER``."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1])]

from safescale.generate import run_folder  # noqa: E402
from safescale.main_job.dilution import experiment_dilution  # noqa: E402
from safescale.report.figures import sink  # noqa: E402
from safescale.studies.dilution import run  # noqa: E402
from studies.dilution_world import wanted  # noqa: E402

POINTS = (
    ("safescale.studies.dilution.run", "register", 1),
    ("safescale.studies.dilution.run", "look_ahead", 1),
    ("safescale.studies.running.generation", "generate", 1),
    ("safescale.engines.fake_behaviour:FakeBehaviour", "__call__", 130),
    ("safescale.studies.running.generation", "generate", 3),
    ("safescale.ingest.session:_Reading", "_read", 2),
    ("safescale.studies.running.corpus", "write_json", 1),
    ("safescale.grade.fake_truth:FakeTruth", "grade", 1),
    ("safescale.studies.running.grading", "write_json", 1),
    ("safescale.studies.dilution.run", "graded_corpus", 1),
    ("safescale.ingest.session:_Reading", "_read", 1),
    ("safescale.studies.dilution.run", "responses_of", 1),
    ("safescale.studies.dilution.run", "analyze_dilution", 1),
    ("safescale.studies.dilution.run", "_write_result", 1),
    ("safescale.main_job.dilution", "write_dilution", 1),
)
"""Where it dies: a function, and at which call of it."""


class Frozen:
    """A clock that stands still, so that two experiments may be compared byte by byte."""

    @staticmethod
    def now(zone: Any) -> Any:
        from datetime import datetime

        return datetime(2031, 5, 6, 7, 8, 9, tzinfo=zone)


def dies_at(owner: str, name: str, call: int) -> None:
    """Kill this process, without a word, when the function is called for the so-manieth time."""
    module, _, kind = owner.partition(":")
    holder = importlib.import_module(module)
    holder = getattr(holder, kind) if kind else holder
    whole: Callable[..., Any] = getattr(holder, name)
    calls = 0

    def killed(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*given, **named)

    setattr(holder, name, killed)


def bare_figure(drawing: object, folder: Path, name: str) -> tuple[tuple[str, ...], str]:
    """A figure as a file without its drawing, which takes seconds."""
    (folder / f"{name}.svg").write_text(name)
    return (f"{name}.svg",), f'<svg viewBox="0 0 9 9"><g>{name}</g></svg>'


def experiment(folder: Path) -> None:
    sink.save_figure = bare_figure
    run.registered_power = lambda setting: {"words": "nobody asked"}  # seconds of simulation, tested elsewhere
    run_folder.datetime = Frozen  # type: ignore[misc, assignment]
    experiment_dilution(wanted(graders=("fake-truth", "refusal-phrases")), folder, command="killed")


def one_life(folder: Path, prepare: Callable[[], None]) -> bool:
    """The experiment in a child; whether it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            prepare()
            experiment(folder)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return os.WIFSIGNALED(status)


def main(out: Path) -> None:
    experiment(out / "whole")  # here, so that no child has to import anything
    killed = [one_life(out / "stages", lambda point=point: dies_at(*point)) for point in POINTS]  # type: ignore[misc]
    assert all(killed), [point for point, dead in zip(POINTS, killed, strict=True) if not dead]
    assert not one_life(out / "stages", lambda: None)
    lives, call = 0, 1
    while one_life(out / "replaced", lambda: dies_at("os", "replace", call)):  # noqa: B023
        lives, call = lives + 1, 2 * call
    print(f"{len(POINTS)} kills at stages, {lives} before a file was put into its place")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
