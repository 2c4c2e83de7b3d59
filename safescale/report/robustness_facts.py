"""What a report of a robustness study is told beside the result: the plan, what broke, the time it took, what answered."""

from __future__ import annotations

import attrs

from safescale.report.dilution_facts import StageTime

__all__ = ["BrokenPart", "RobustnessRun", "StageTime"]


@attrs.frozen(kw_only=True)
class BrokenPart:
    """
    Something of the plan that gave nothing, or less than was planned, and why.

    Parameters
    ----------
    what : str
        A model, a training, a cell: as the plan names it.
    reason : str
        Why.
    stage : str
        Where it broke.
    planned, answered : int, optional
        Responses that were planned and that came; None where it is not about responses.
    """

    what: str
    reason: str
    stage: str = ""
    planned: int | None = None
    answered: int | None = None


@attrs.frozen(kw_only=True)
class RobustnessRun:
    """
    Facts of the run.

    Parameters
    ----------
    command : str
        Gives the same result again.
    fingerprint : str
        Of the corpus.
    plan : tuple of str
        The plan, line by line, as it was printed before anything ran.
    stages : tuple of StageTime
        In the order in which they ran.
    broken : tuple of BrokenPart
        What gave nothing.
    caveats : tuple of str
        Of the run itself; those of the numbers stand in the result.
    engines : tuple of str
        What answered the prompts, in words.
    simulated : bool
        Whether the responses are of no model (the ``fake`` engine): everything is marked then.
    """

    command: str
    fingerprint: str = ""
    plan: tuple[str, ...] = ()
    stages: tuple[StageTime, ...] = ()
    broken: tuple[BrokenPart, ...] = ()
    caveats: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    simulated: bool = False
