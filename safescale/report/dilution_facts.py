"""What a report of the dilution experiment is told beside the result: the pre-registration, what was lost, the time it took."""

from __future__ import annotations

import attrs

from safescale.studies.dilution import Outcomes

__all__ = ["DilutionRun", "Excluded", "LostModel", "Registration", "StageTime", "excluded_of"]


@attrs.frozen(kw_only=True)
class Registration:
    """
    The pre-registration.

    Parameters
    ----------
    sha256 : str
        Of its bytes.
    lines : tuple of str
        Its text, whole.
    departures : tuple of str
        What was done otherwise, in words; empty: nothing.
    registered_at : str, optional
        When it was written.
    file : str, optional
        Where it is.
    """

    sha256: str
    lines: tuple[str, ...]
    departures: tuple[str, ...] = ()
    registered_at: str | None = None
    file: str | None = None


@attrs.frozen(kw_only=True)
class StageTime:
    """
    Time of one stage.

    ``wall_s`` and ``cpu_s`` are seconds, ``peak_mb`` the largest memory (1e6 bytes); None where nobody measured it. ``note`` says
    what a reader must know, such as that the stage was resumed.
    """

    name: str
    wall_s: float | None
    cpu_s: float | None = None
    peak_mb: float | None = None
    note: str = ""


@attrs.frozen(kw_only=True)
class LostModel:
    """A model of the list without results, and why."""

    model_id: str
    reason: str
    stage: str = ""


@attrs.frozen(kw_only=True)
class Excluded:
    """Harmful prompts of one model under one condition without an evaluable verdict, for one reason."""

    grader: str
    model_id: str
    condition: str
    reason: str
    prompts: int


@attrs.frozen(kw_only=True)
class DilutionRun:
    """
    Facts of the run.

    Parameters
    ----------
    command : str
        Gives the same result again.
    registration : Registration, optional
        None: there is none, and the report says so.
    lost : tuple of LostModel
        Models that broke.
    stages : tuple of StageTime
        In the order in which they ran.
    excluded : tuple of Excluded
        See ``excluded_of``.
    caveats : tuple of str
        Of the run itself.
    simulated : bool
        Whether the responses are of no model (the ``fake`` engine): everything is marked then.
    """

    command: str
    registration: Registration | None = None
    lost: tuple[LostModel, ...] = ()
    stages: tuple[StageTime, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    caveats: tuple[str, ...] = ()
    simulated: bool = False


def excluded_of(outcomes: Outcomes) -> tuple[Excluded, ...]:
    """Every count of ``Outcomes.excluded``, in the order of models and conditions."""
    models = {model.model_id: at for at, model in enumerate(outcomes.models)}
    conditions = {asked.name: at for at, asked in enumerate(outcomes.conditions)}
    keys = sorted(
        outcomes.excluded, key=lambda key: (models.get(key[0], len(models)), conditions.get(key[1], len(conditions)), key)
    )
    return tuple(
        Excluded(grader=outcomes.grader, model_id=model, condition=condition, reason=reason, prompts=count)
        for model, condition in keys
        for reason, count in sorted(outcomes.excluded[model, condition].items())
    )
