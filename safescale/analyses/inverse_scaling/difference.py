"""Two sizes: the difference with its interval, paired by prompt where that can be had."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from safescale.analyses.inverse_scaling.results import Difference, Options
from safescale.analyses.observations import Observation, Series
from safescale.cells import Cells
from safescale.errors import DomainError
from safescale.records.outcomes import Tier
from safescale.stats import (
    DifferenceInterval,
    PairedDifferenceInterval,
    newcombe_interval,
    paired_newcombe_interval,
    raw_difference_per_decade,
)

__all__ = ["paired_by_prompt", "prompt_outcomes", "two_size_difference"]

Integers = npt.NDArray[np.int64]


def two_size_difference(series: Series, fitted: Sequence[Observation], options: Options, cells: Cells) -> Difference:
    """Difference of the rate, larger minus smaller size; paired is quoted when at least ``min_cell`` prompts pair up."""
    sizes = [size for o in fitted if (size := series.params_b(o)) is not None]
    rates = [rate for o in fitted if (rate := series.rate(o)) is not None]
    raw = raw_difference_per_decade(sizes, rates)
    larger = [o for o, size in zip(fitted, sizes, strict=True) if size == raw.larger_b]
    smaller = [o for o, size in zip(fitted, sizes, strict=True) if size == raw.smaller_b]
    independent, no_independent = _independent(series, larger, smaller, options.level)
    paired, no_paired = _paired(larger, smaller, options, cells)
    pairs = 0 if paired is None else paired.n11 + paired.n10 + paired.n01 + paired.n00
    if paired is not None and pairs < options.min_cell:
        no_paired = f"only {pairs} prompts pair up, fewer than {options.min_cell}"
    quote_paired = paired is not None and no_paired is None
    return Difference(
        raw=raw,
        independent=independent,
        paired=paired,
        headline="paired" if quote_paired else None if independent is None else "independent",
        unavailable=tuple(reason for reason in (no_independent, no_paired) if reason is not None),
    )


def _counts(observations: Sequence[Observation]) -> tuple[int, int] | None:
    successes, trials = 0, 0
    for observation in observations:
        k, n = observation.successes, observation.trials
        if k is None or n is None:
            return None
        successes, trials = successes + k, trials + n
    return successes, trials


def _independent(
    series: Series, larger: Sequence[Observation], smaller: Sequence[Observation], level: float
) -> tuple[DifferenceInterval | None, str | None]:
    if series.pooling == "classes" and len(series.attack_classes) > 1:
        return None, "a mean over attack classes has no counts of its own; see the classes"
    first, second = _counts(larger), _counts(smaller)
    if first is None or second is None:
        return None, "an interval needs counts, and a published rate came without"
    try:
        return newcombe_interval(*first, *second, level=level), None
    except DomainError as error:
        return None, f"the interval is unavailable: {error}"


def _paired(
    larger: Sequence[Observation], smaller: Sequence[Observation], options: Options, cells: Cells
) -> tuple[PairedDifferenceInterval | None, str | None]:
    if len(larger) != 1 or len(smaller) != 1:
        return None, "several models of one size cannot be paired by prompt"
    return paired_by_prompt(larger[0], smaller[0], tier=options.tier, level=options.level, cells=cells)


def paired_by_prompt(
    first: Observation, second: Observation, *, tier: Tier, level: float, cells: Cells
) -> tuple[PairedDifferenceInterval | None, str | None]:
    """First minus second on the prompts that both answered exactly once, or why that cannot be had."""
    of_first, of_second = prompt_outcomes(first, tier, cells), prompt_outcomes(second, tier, cells)
    if of_first is None or of_second is None:
        return None, "pairing by prompt needs rows"
    shared = sorted(of_first.keys() & of_second.keys())
    once = [key for key in shared if of_first[key][1] == 1 and of_second[key][1] == 1]
    if not once:
        return None, "no prompt was answered exactly once by both" if shared else "no common prompts"
    a, b = np.array([of_first[key][0] for key in once]), np.array([of_second[key][0] for key in once])
    table = (int((a * b).sum()), int((a * (1 - b)).sum()), int(((1 - a) * b).sum()), int(((1 - a) * (1 - b)).sum()))
    try:
        return paired_newcombe_interval(*table, level=level), None
    except DomainError as error:
        return None, f"the paired interval is unavailable: {error}"


def prompt_outcomes(observation: Observation, tier: Tier, cells: Cells) -> dict[tuple[str, int], tuple[int, int]] | None:
    """Successes and evaluable rows by (attack class, prompt code); None for published rates."""
    counts: dict[tuple[str, int], tuple[int, int]] = {}
    for part in observation.parts:
        if not part.cells:
            return None
        for cell in part.cells:
            vector = cells.prompts(cell)
            rows: tuple[Integers, Integers] = (vector.successes[tier], vector.evaluable)
            for code, k, n in zip(vector.codes.tolist(), rows[0].tolist(), rows[1].tolist(), strict=True):
                before = counts.get((part.attack_class, code), (0, 0))
                counts[part.attack_class, code] = (before[0] + k, before[1] + n)
    return counts
