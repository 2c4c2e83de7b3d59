"""What a series of models could show, before any rate is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence

from safescale.analyses.inverse_scaling.results import Options, Testability
from safescale.analyses.observations import Observation, Series
from safescale.analyses.words import p_words, plural
from safescale.stats import distinct_sizes, holm, smallest_attainable_p, spread_decades

__all__ = ["SIZES_OF_A_SLOPE", "can_test_alone", "fewest_untied_sizes", "groups_of", "judged_sizes", "sizes_of", "testabilities"]

SIZES_OF_A_SLOPE = 3


def sizes_of(series: Series, fitted: Sequence[Observation]) -> tuple[float, ...]:
    """Size of each fitted model, billions of parameters."""
    return tuple(size for o in fitted if (size := series.params_b(o)) is not None)


def groups_of(series: Series, fitted: Sequence[Observation]) -> tuple[str, ...] | None:
    """Lineage or family of each fitted model, where models are compared within."""
    return None if series.grouping is None else tuple(str(getattr(o.unit, series.grouping)) for o in fitted)


def fewest_untied_sizes(alpha: float, tests: int) -> int:
    """The fewest untied sizes at which a two-sided permutation p, 2/n!, can survive Holm over that many tests."""
    n = SIZES_OF_A_SLOPE
    while 2 * tests / math.factorial(n) > alpha:
        n += 1
    return n


def testabilities(many: Sequence[Series], options: Options) -> tuple[Testability, ...]:
    """
    Testability of each series of one family of tests.

    Series that could not reach ``alpha`` even alone are not tested, so they do not count in Holm's correction; that is
    decided by the sizes only.
    """
    fitted = [series.fitted(options.min_cell) for series in many]
    floors = [_floor(series, models) for series, models in zip(many, fitted, strict=True)]
    alone = [can_test_alone(series, models, floor, options) for series, models, floor in zip(many, fitted, floors, strict=True)]
    tested = [i for i, can in enumerate(alone) if can]
    best = [floor for i in tested if (floor := floors[i]) is not None]
    after = dict(zip(tested, holm(best, alpha=options.alpha).adjusted, strict=True)) if best else {}
    return tuple(
        judged_sizes(
            sizes_of(series, models),
            floor=floor,
            after_holm=after.get(i),
            tests=len(tested),
            min_cell=options.min_cell,
            alpha=options.alpha,
            min_decades=options.min_decades,
        )
        for i, (series, models, floor) in enumerate(zip(many, fitted, floors, strict=True))
    )


def can_test_alone(series: Series, fitted: Sequence[Observation], floor: float | None, options: Options) -> bool:
    """Whether the sizes of this series can reach ``alpha`` when nothing else is tested."""
    sizes = sizes_of(series, fitted)
    return floor is not None and floor <= options.alpha and spread_decades(sizes) >= options.min_decades


def _floor(series: Series, fitted: Sequence[Observation]) -> float | None:
    sizes = sizes_of(series, fitted)
    if len(distinct_sizes(sizes)) < SIZES_OF_A_SLOPE:
        return None
    return smallest_attainable_p(sizes, groups=groups_of(series, fitted))


def judged_sizes(
    sizes: Sequence[float],
    *,
    floor: float | None,
    after_holm: float | None,
    tests: int,
    min_cell: int,
    alpha: float,
    min_decades: float,
    unit: str = "model",
) -> Testability:
    """What units of these sizes can test: ``floor`` is their smallest p alone, ``after_holm`` that in a family of ``tests``."""
    distinct = distinct_sizes(sizes)
    decades = spread_decades(sizes) if sizes else None
    reasons, needs = [], []
    if len(distinct) < SIZES_OF_A_SLOPE:
        reasons.append(f"{plural(len(distinct), 'distinct size')} with at least {min_cell} evaluable rows")
    if decades is not None and len(distinct) > 1 and decades < min_decades:
        reasons.append(f"the sizes span {decades:.2f} decades, less than {min_decades:g}")
        needs.append(f"sizes that span at least {min_decades:g} decades")
    if floor is not None and floor > alpha:
        reasons.append(f"with {plural(len(sizes), unit)} the smallest attainable p is {p_words(floor)}")
    elif after_holm is not None and after_holm > alpha:
        reasons.append(f"after Holm over {plural(tests, 'test')} the smallest attainable p is {p_words(after_holm)}")
    if floor is None or floor > alpha or (after_holm is not None and after_holm > alpha):
        told = floor is not None and floor > alpha and len(sizes) == len(distinct)
        needs.append(_sizes_needed(None if told else len(distinct), max(tests, 1), alpha))
    return Testability(
        can_test=not reasons,
        n_models=len(sizes),
        sizes_b=distinct,
        decades=decades,
        smallest_p=floor,
        smallest_p_after_holm=after_holm,
        tests_in_family=tests,
        reasons=tuple(reasons),
        needs=tuple(needs),
    )


def _sizes_needed(have: int | None, tests: int, alpha: float) -> str:
    """``have`` is None where the smallest p of the sizes that there are is told already."""
    n = fewest_untied_sizes(alpha, tests)
    words = f"needs at least {n} untied sizes"
    if tests > 1:
        words += f" (for {tests} tests together)"
    if have is not None and SIZES_OF_A_SLOPE <= have < n:
        words += f": at {have} sizes the smallest attainable p is {p_words(2 / math.factorial(have))}"
    return words
