"""The stage in which everybody is asked: who answers for each cell, what is left, what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import attrs

from safescale.engines import Engine, EngineSpec
from safescale.generate import DeclaredModel, RunPlan, Watch
from safescale.generate.manifest import read_manifest
from safescale.ingest.run_lines import LOCK, part_paths
from safescale.studies.robustness.asking import ask_groups, left_of
from safescale.studies.robustness.cells import PlannedCell
from safescale.studies.robustness.config import StudyConfig
from safescale.studies.robustness.making import Lost
from safescale.studies.robustness.pieces import Adapter
from safescale.studies.robustness.preparing import Prepared, Rows, silent
from safescale.studies.robustness.subjects import Asking, Subjects, subjects_of
from safescale.studies.running.generation import RUNS
from safescale.studies.running.stages import StageLog

__all__ = ["NOT_MADE", "Answered", "answered", "asking_of"]

THREADED: Final = ("transformers",)
NOT_MADE: Final = "what it is made of is missing (see above), so it is not asked"


@attrs.frozen(kw_only=True, eq=False)
class Answered:
    """
    Who was asked.

    Parameters
    ----------
    subjects : Subjects
        Who answers.
    plans : tuple of RunPlan
        Those with a response.
    cells : tuple of PlannedCell
        Theirs.
    lost : tuple of Lost
        Subjects that gave nothing, or less than was planned.
    any_text : bool
        Whether anybody answered.
    engines : tuple of str
        What answered, in words.
    """

    subjects: Subjects
    plans: tuple[RunPlan, ...]
    cells: tuple[PlannedCell, ...]
    lost: tuple[Lost, ...]
    any_text: bool
    engines: tuple[str, ...] = ()

    def adapters(self, made: Prepared) -> dict[str, Adapter]:
        """Adapter of each subject that wears one."""
        found: dict[str, Adapter] = {}
        for cell in self.cells:
            if cell.attack.kind != "finetune":
                continue
            own = made.of(cell.model_id)
            worn = own.resistant_adapters if cell.defence.kind == "tamper_resistance" else own.adapters
            found[cell.subject] = next(
                one
                for one in worn.values()
                if (one.examples, one.steps, one.seed) == (cell.attack.examples, cell.attack.steps, cell.seed)
            )
        return found


def asking_of(config: StudyConfig, made: Prepared) -> Asking:
    """How every subject is asked."""
    return Asking(
        prompts=made.materials.prompts,
        conditions=made.materials.conditions,
        file_sampling=made.materials.file_sampling,
        sampling=config.sampling,
        seed=config.seed,
        samples=config.design.samples,
    )


def answered(
    config: StudyConfig,
    made: Prepared,
    out: Path,
    *,
    log: StageLog,
    accept_changes: bool,
    watch: Watch | None,
    opener: Callable[[EngineSpec], Engine],
    rows: Rows,
) -> Answered:
    """
    Ask for what is not answered yet.

    Parameters
    ----------
    config, made, out
        What is asked, of whom, where.
    log : StageLog
        Times.
    accept_changes, watch, opener
        As ``ask_groups`` takes them.
    rows : callable, optional
        Opens a progress bar.
    """
    bases = [_with_threads(base, config) for base in made.materials.bases]
    subjects = subjects_of(bases, made.materials.cells, made.made, asking_of(config, made))
    lost = [Lost(stage="generation", name=cell.subject, reason=NOT_MADE) for cell in subjects.missing]
    before = left_of(subjects.plans, out) if subjects.plans else None
    if before is not None and (before.left or any((out / RUNS / plan.run_id / LOCK).exists() for plan in subjects.plans)):
        jobs = config.jobs
        with log.stage("generation") as counts, (rows or silent)("ask", before.planned) as tell:
            generated = ask_groups(
                subjects.groups,
                out,
                jobs=jobs,
                accept_changes=accept_changes,
                watch=watch,
                opener=opener,
                command={"study": "robustness", "config": config.file.name},
                done=tell,
            )
            counts |= {"responses": generated.asked, "tokens": generated.tokens}
    else:
        generated = ask_groups(subjects.groups, out, jobs=1, opener=opener)
    lost += [
        Lost(stage="generation", name=one.model_id, reason=f"{one.answered:,} of {one.planned:,} responses: {one.reason}")
        for one in generated.broken
    ]
    there = {plan.model.model_id for plan in subjects.plans if part_paths(out / RUNS / plan.run_id)}
    return Answered(
        subjects=subjects,
        plans=tuple(plan for plan in subjects.plans if plan.model.model_id in there),
        cells=tuple(cell for cell in subjects.cells if cell.subject in there),
        lost=tuple(lost),
        any_text=any(run.finish_reasons for run in generated.runs),
        engines=_engines(out, [plan for plan in subjects.plans if plan.model.model_id in there]),
    )


def _engines(out: Path, plans: Sequence[RunPlan]) -> tuple[str, ...]:
    """The engines as the manifests of their runs say it."""
    found: dict[str, None] = {}
    for plan in plans:
        manifest = read_manifest(out / RUNS / plan.run_id)
        said = (manifest or {}).get("engine") or {}
        if said:
            found[f"{said['engine']} {said['version']} on {said['hardware']}"] = None
    return tuple(found)


def _with_threads(base: DeclaredModel, config: StudyConfig) -> DeclaredModel:
    """Processes side by side share the processor's cores; how many threads one has is no part of an answer."""
    spec = base.spec
    if config.jobs == 1 or spec.engine not in THREADED or "threads" in spec.options:
        return base
    threads = max(1, (os.cpu_count() or 1) // config.jobs)
    return attrs.evolve(base, spec=attrs.evolve(spec, options={**spec.options, "threads": threads}))
