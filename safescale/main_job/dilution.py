"""The dilution experiment and its report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from safescale.engines import Engine, EngineSpec, open_engine
from safescale.studies.dilution.run import Experiment, Until, Watching, run_dilution
from safescale.studies.dilution.setting import DilutionWanted

__all__ = ["Experimented", "experiment_dilution"]


@attrs.frozen(kw_only=True, eq=False)
class Experimented:
    """An experiment, and the files that were written for people."""

    experiment: Experiment
    files: tuple[Path, ...]


def experiment_dilution(
    wanted: DilutionWanted,
    out: Path,
    *,
    until: Until = "result",
    accept_changes: bool = False,
    watching: Watching | None = None,
    opener: Callable[[EngineSpec], Engine] = open_engine,
    command: str = "safescale experiment dilution",
) -> Experimented:
    """
    Run the experiment (``run_dilution``) and write its report beside the results.

    Raises
    ------
    DomainError, DataError, GradingError, KeyboardInterrupt
        As ``run_dilution`` raises them.
    """
    experiment = run_dilution(wanted, out, until=until, accept_changes=accept_changes, watching=watching, opener=opener)
    return Experimented(experiment=experiment, files=())
