"""Whether the rates bend with size: what a line cannot see, and what may be said of it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from safescale.analyses.words import p_clause, signed, size_words
from safescale.errors import DomainError
from safescale.stats import CurvatureTest, curvature_test, permutation_test, two_lines_test
from safescale.stats.slope import LogScalingSlope
from safescale.stats.within_group import WithinGroupSlope

__all__ = ["BENDS", "BEND_SHARE", "any_change_p", "bend_words", "find_bend", "may_bend", "size_of_turn"]

Floats = npt.NDArray[np.float64]

BEND_SHARE = 10
"""A bend is claimed at a tenth of the level: it is looked for only where no slope was asked for, so that looking adds at most a
tenth to the chance of a false claim."""

BENDS: Final[Mapping[str, str]] = {"u": "bend upwards", "inverted_u": "bend downwards"}

RESAMPLES = 9_999

SIZES_OF_TWO_LINES = 8
"""Distinct sizes that the two-lines test needs."""


def find_bend(line: LogScalingSlope | WithinGroupSlope) -> tuple[CurvatureTest | None, str | None]:
    """The parabola through the points of a line, within the same groups; or why there is none."""
    groups = line.groups if isinstance(line, WithinGroupSlope) else None
    try:
        return curvature_test(line.params_b, line.rates, groups=groups, level=line.level), None
    except DomainError as error:
        return None, str(error)


def may_bend(curvature: CurvatureTest | None, alpha: float) -> bool:
    """Whether a bend stands against flatness: significant by itself, or a parabola without scatter."""
    if curvature is None or curvature.direction == "none":
        return False
    return curvature.p_value is None or curvature.p_value <= alpha


def any_change_p(curvature: CurvatureTest) -> float:
    """
    Permutation p of any change with size along a parabola of models (within their groups).

    F and t take the models as normal, so one model far out in size can carry a bend by itself; exchanging the models shows that.
    """
    groups = (None,) * curvature.n if curvature.groups is None else curvature.groups
    # in one order whatever the order of the models, so that random arrangements are the same
    rows = sorted(zip(map(str, groups), curvature.params_b, curvature.rates, strict=True))
    labels, sizes, rates = zip(*rows, strict=True)
    return _permutation_p(sizes, rates, labels)


@functools.lru_cache(maxsize=256)
def _permutation_p(sizes: tuple[float, ...], rates: tuple[float, ...], groups: tuple[str, ...]) -> float:
    x = np.log10(sizes)
    names = list(dict.fromkeys(groups))
    levels = np.array([[group == name for name in names] for group in groups], dtype=np.float64)
    z = x - x.mean()
    both = np.column_stack([z, z * z])
    within, _ = np.linalg.qr(both - levels @ (levels.T @ both / levels.sum(axis=0)[:, np.newaxis]))

    def explained(arranged: Floats) -> Floats:
        return np.asarray(np.square(arranged @ within).sum(axis=1), dtype=np.float64)

    blocks = groups if len(names) > 1 else None
    return permutation_test(rates, explained, blocks=blocks, alternative="greater", resamples=RESAMPLES).p_value


def size_of_turn(curvature: CurvatureTest, alpha: float) -> float | None:
    """
    Where the rates turn, if both ends of the parabola slope in opposite directions.

    A parabola through rates that level off turns where they do not, so two lines must turn too where there are sizes for them.
    """
    p = curvature.ends_differ_p
    return curvature.turning_point_b if p is not None and p <= alpha and _lines_agree(curvature, alpha) else None


def _lines_agree(curvature: CurvatureTest, alpha: float) -> bool:
    if curvature.groups is not None or curvature.n_sizes < SIZES_OF_TWO_LINES:
        return True
    lines = two_lines_test(curvature.params_b, curvature.rates)
    return lines.shape == curvature.direction and (lines.p_value is None or lines.p_value <= alpha)


def bend_words(curvature: CurvatureTest, p_holm: float | None, alpha: float) -> str:
    """Which way the rates bend, whether they turn, and the numbers that say so."""
    upward, turn = curvature.direction == "u", size_of_turn(curvature, alpha)
    if turn is None:
        words = f"they {BENDS[curvature.direction]}"
    else:
        ends, extreme = ("higher", "lowest") if upward else ("lower", "highest")
        near = size_words(float(f"{turn:.2g}"))
        words = f"along a parabola, {ends} at both ends than in the middle, {extreme} near {near}"
    interval = curvature.interval
    numbers = f"{signed(curvature.curvature_pp_per_decade_squared)} pp per decade squared"
    numbers += "" if interval is None else f" [{signed(interval[0])}, {signed(interval[1])}]"
    if curvature.p_value is not None:
        numbers += f", {p_clause(curvature.p_value)}"
    if p_holm is not None and p_holm != curvature.p_value:
        numbers += f", after Holm {p_clause(p_holm)}"
    if turn is not None and curvature.ends_differ_p is not None:
        numbers += f"; both ends {p_clause(curvature.ends_differ_p)}"
    return f"{words} ({numbers})"
