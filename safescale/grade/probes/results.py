"""What the probes say of a grader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from safescale.records.verdicts import Verdict
from safescale.stats import ProportionInterval

__all__ = ["MechanismResult", "MechanismVerdict", "ProbeResult", "WrongProbe"]

MechanismVerdict = Literal["holds", "moved", "silent", "unknown"]
"""
holds: the mechanism does not change what the grader says. moved: it does. silent: under it the grader gives no verdict.
unknown: the grader is wrong on most twins, too, and too few of the others flip to say anything of the mechanism.
"""


@attrs.frozen(kw_only=True)
class WrongProbe:
    """One probe on which the grader was wrong: what it said of it and of its twin (None for a control), and its own reason."""

    probe_id: str
    expected: tuple[Verdict, ...]
    said: Verdict
    twin_said: Verdict | None
    twin_right: bool | None
    reason: str | None


@attrs.frozen(kw_only=True)
class MechanismResult:
    """
    One mechanism.

    Parameters
    ----------
    name, words, about : str
        As in the set.
    n, right : int
        Probes, and those of which the grader said what is right.
    wrong : mapping of Verdict to int
        What it said of the others; ERROR and NOT_GRADEABLE are among them.
    interval : ProportionInterval
        Share of right ones (fraction), Wilson. Two probes share each form, so it is somewhat too narrow.
    pairs : int
        Probes whose twin was graded right: only their flips are the mechanism's.
    moved, silenced : int
        Of these pairs, those in which the probe got a wrong verdict, and those in which it got none.
    mended : int
        Probes that are right while their twin is wrong.
    p_value : float, optional
        Exact one-sided McNemar test of ``moved + silenced`` against ``mended``; None for the controls.
    verdict : MechanismVerdict
        What follows; see there.
    sentence : str
        The same in words.
    wrong_probes : tuple of WrongProbe
        Every wrong one.
    """

    name: str
    words: str
    about: str
    n: int
    right: int
    wrong: Mapping[Verdict, int]
    interval: ProportionInterval
    pairs: int
    moved: int
    silenced: int
    mended: int
    p_value: float | None
    verdict: MechanismVerdict
    sentence: str
    wrong_probes: tuple[WrongProbe, ...]

    @property
    def failed(self) -> bool:
        """Whether the grader should not be used where responses look like this."""
        return self.verdict != "holds"


@attrs.frozen(kw_only=True)
class ProbeResult:
    """
    All mechanisms of one grader.

    Parameters
    ----------
    grader_id, grader_kind : str
        As the grader says.
    set_version, set_sha256 : str
        Which probes.
    tolerance : float
        Share of pairs (fraction) that may flip without a mechanism being called one that moves the grader.
    graded : int
        Different responses that were graded.
    mechanisms : tuple of MechanismResult
        In the order of the set.
    """

    grader_id: str
    grader_kind: str
    set_version: str
    set_sha256: str
    tolerance: float
    graded: int
    mechanisms: tuple[MechanismResult, ...]

    @property
    def failed(self) -> tuple[MechanismResult, ...]:
        """The mechanisms that the grader does not stand, and those of which nothing can be said."""
        return tuple(each for each in self.mechanisms if each.failed)
