"""A robustness study that is killed at every stage, over and over, by itself: run as ``python killed_robustness.py FOLDER``."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from safescale.generate import run_folder  # noqa: E402
from safescale.main_job.robustness import study_robustness  # noqa: E402
from safescale.report.figures import sink  # noqa: E402
from safescale.studies.robustness.config import read_study  # noqa: E402
from studies import robustness_world as world  # noqa: E402
from studies.killed_dilution import Frozen, bare_figure, dies_at  # noqa: E402

POINTS = (
    ("safescale.studies.robustness.identity", "write_json", 1),
    ("safescale.studies.robustness.run", "plan_of", 1),
    ("studies.robustness_world", "find", 2),
    ("studies.robustness_world:FakeEdits", "write", 2),
    ("studies.robustness_world", "resist", 2),
    ("studies.robustness_world", "finetune", 3),
    ("safescale.studies.robustness.run", "answered", 1),
    ("safescale.studies.robustness.asking", "generate_each", 1),
    ("safescale.engines.fake_behaviour:FakeBehaviour", "__call__", 100),
    ("safescale.studies.robustness.asking", "generate_each", 3),
    ("safescale.ingest.session:_Reading", "_read", 2),
    ("safescale.studies.running.corpus", "write_json", 1),
    ("safescale.studies.running.grading", "write_json", 1),
    ("safescale.studies.robustness.counting", "graded_corpus", 1),
    ("safescale.studies.robustness.counting", "responses", 1),
    ("safescale.studies.robustness.counting", "distances", 1),
    ("safescale.studies.robustness.counting", "reduced", 1),
    ("safescale.studies.robustness.validation", "write_sample", 1),
    ("safescale.grade.sheet", "_write", 3),
    ("safescale.studies.robustness.run", "analyze_robustness", 1),
    ("safescale.studies.robustness.run", "write_json", 1),
    ("safescale.main_job.robustness_report", "write_robustness_files", 1),
)
"""Where it dies: a function, and at which call of it."""


def study(folder: Path) -> None:
    sink.save_figure = bare_figure
    run_folder.datetime = Frozen  # type: ignore[misc, assignment]
    path = world.write_study(
        folder.parent / "asked", sizes=(0.5, 4.0), finetune={"examples": [16], "steps": [5, 20]}, limit={"harmful": 8, "benign": 2}
    )
    study_robustness(read_study(path), folder, opener=world.opener, pieces=world.pieces(), command="killed")


def one_life(folder: Path, prepare: Callable[[], None]) -> bool:
    """The study in a child; whether it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            prepare()
            study(folder)
            code = 0
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return os.WIFSIGNALED(status)


def main(out: Path) -> None:
    study(out / "whole")  # here, so that no child has to import anything
    killed = [one_life(out / "stages", lambda point=point: dies_at(*point)) for point in POINTS]  # type: ignore[misc]
    assert all(killed), [point for point, dead in zip(POINTS, killed, strict=True) if not dead]
    assert not one_life(out / "stages", lambda: None)
    lives, call = 0, 1
    while one_life(out / "replaced", lambda: dies_at("os", "replace", call)):  # noqa: B023
        lives, call = lives + 1, 2 * call
    print(f"{len(POINTS)} kills at stages, {lives} before a file was put into its place")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
