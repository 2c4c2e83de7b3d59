"""The gap over size: a slope of pairs, a difference of two gaps, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import attrs

from safescale.analyses.inverse_scaling import Testability
from safescale.analyses.inverse_scaling.testability import SIZES_OF_A_SLOPE, judged_sizes
from safescale.analyses.lineage.results import GapPair, GapSeries, GapSlope, GapVerdict, Options
from safescale.analyses.lineage.sentences import gap_verdict_words, no_scaling_words, series_caveats, series_words
from safescale.errors import DomainError
from safescale.stats import (
    DifferenceOfDifferences,
    SlopeEquivalenceTest,
    difference_of_differences,
    distinct_sizes,
    holm,
    size_slope_test,
    slope_equivalence_test,
    smallest_attainable_p,
    spread_decades,
)

__all__ = ["gap_series", "gap_slope"]


def gap_slope(params_b: Sequence[float], gaps_pp: Sequence[float], *, groups: Sequence[str] | None, level: float) -> GapSlope:
    """
    Slope of the gap on log10 size, pairs as units.

    Least squares and permutation are unchanged by a shift and a scale, so the gap, which lies between -100 and 100 pp, goes through
    the test of a rate as ``(1 + gap) / 2``; the slope is doubled on the way back.

    Raises
    ------
    InsufficientData
        If there are fewer than 3 distinct sizes, or no group holds two.
    """
    test = size_slope_test(params_b, [(1 + gap / 100) / 2 for gap in gaps_pp], groups=groups, level=level)
    line = test.slope
    interval = None if line.interval is None else (2 * line.interval[0], 2 * line.interval[1])
    error = line.standard_error_pp_per_decade
    # the line of groups has no height of its own
    at_1b = getattr(line, "rate_at_1b", 0.5)
    return GapSlope(
        slope_pp_per_decade=2 * line.slope_pp_per_decade,
        standard_error_pp_per_decade=None if error is None else 2 * error,
        interval=interval,
        p_value=test.p_value,
        p_floor=test.p_floor,
        method=test.method,
        n=test.n,
        residual_dof=line.residual_dof,
        gap_at_1b_pp=100 * (2 * at_1b - 1),
        undefined_because=line.undefined_because,
        level=level,
        params_b=tuple(params_b),
        gaps_pp=tuple(gaps_pp),
    )


@attrs.frozen(kw_only=True)
class _Draft:
    scope: Literal["lineage", "kind"]
    kind: str
    name: str
    pairs: tuple[GapPair, ...]

    @property
    def used(self) -> tuple[GapPair, ...]:
        return tuple(pair for pair in self.pairs if pair.why_not_used is None)

    @property
    def sizes(self) -> tuple[float, ...]:
        return tuple(pair.params_b for pair in self.used)


def gap_series(pairs: Sequence[GapPair], options: Options) -> tuple[GapSeries, ...]:
    """
    The series of one setting: per kind of tampering all pairs, and each lineage of it where there are several.

    Holm is taken over the kinds, and apart from that over the lineages.
    """
    kinds = sorted({pair.kind for pair in pairs})
    whole = [
        _Draft(scope="kind", kind=kind, name=_kind_name(kind, options), pairs=tuple(p for p in pairs if p.kind == kind))
        for kind in kinds
    ]
    parts = [
        _Draft(
            scope="lineage",
            kind=draft.kind,
            name=f"{lineage}, {_kind_name(draft.kind, options)}",
            pairs=tuple(p for p in draft.pairs if p.lineage == lineage),
        )
        for draft in whole
        for lineage in sorted({p.lineage for p in draft.pairs if p.lineage is not None})
        if len({p.lineage for p in draft.pairs}) > 1
    ]
    parts = [draft for draft in parts if len(distinct_sizes(draft.sizes)) > 1]
    return (*_family(whole, options), *_family(parts, options))


def _kind_name(kind: str, options: Options) -> str:
    if options.baseline_condition is not None:
        return f"{kind} minus {options.baseline_condition}"
    return kind.replace("_", "-")


def _family(drafts: Sequence[_Draft], options: Options) -> list[GapSeries]:
    judged = _testabilities([draft.sizes for draft in drafts], options)
    slopes = [_slope(draft, options) for draft in drafts]
    tested = [i for i, found in enumerate(judged) if found.smallest_p_after_holm is not None]
    p_holm = _corrected(tested, [None if slope is None else slope.p_value for slope, _ in slopes], options.alpha)
    flat = [_equivalence(slope, options) for slope, _ in slopes]
    flat_holm = _corrected(tested, [None if test is None else test.p_value for test in flat], options.alpha)
    guessed = [any(_is_guess(pair) for pair in draft.used) for draft in drafts]
    sure = _family([_without_guesses(draft) for draft in drafts], options) if any(guessed) else None
    found = []
    for i, draft in enumerate(drafts):
        slope, no_slope = slopes[i]
        difference, no_difference = _difference(draft)
        no_scaling = no_scaling_words(draft.used)
        if slope is not None and no_scaling is not None:
            slope = attrs.evolve(slope, generalises_to="these_models")
        series = GapSeries(
            scope=draft.scope,
            kind=draft.kind,
            name=draft.name,
            pairs=draft.pairs,
            testability=judged[i],
            slope=slope,
            slope_unavailable=no_slope,
            p_holm=p_holm.get(i),
            within_lineages=_within(draft, options),
            equivalence=flat[i],
            equivalence_p_holm=flat_holm.get(i),
            without_guesses=None if sure is None or not guessed[i] else sure[i].verdict,
            difference=difference,
            difference_unavailable=no_difference,
            gap_verdict=gap_verdict_words(draft.kind, draft.used, options),
            verdict=_verdict(judged[i], slope, p_holm.get(i), flat_holm.get(i), options.alpha),
            words="",
            caveats=(),
            generalises_to=_generalises_to(slope, difference, no_scaling),
            no_scaling_because=no_scaling,
        )
        found.append(attrs.evolve(series, words=series_words(series, options), caveats=series_caveats(series, options)))
    return found


def _generalises_to(
    slope: GapSlope | None, difference: DifferenceOfDifferences | None, no_scaling: str | None
) -> Literal["new_models", "these_models"] | None:
    """A slope over models that differ in lineage wherever they differ in size tells nothing of other models."""
    if slope is not None and no_scaling is None:
        return "new_models"
    return "these_models" if slope is not None or difference is not None else None


def _is_guess(pair: GapPair) -> bool:
    return pair.base.size_is_guess or pair.tampered.size_is_guess


def _without_guesses(draft: _Draft) -> _Draft:
    pairs = tuple(
        attrs.evolve(pair, why_not_used="size estimated") if pair.why_not_used is None and _is_guess(pair) else pair
        for pair in draft.pairs
    )
    return attrs.evolve(draft, pairs=pairs)


def _slope(draft: _Draft, options: Options) -> tuple[GapSlope | None, str | None]:
    if len(distinct_sizes(draft.sizes)) < SIZES_OF_A_SLOPE:
        return None, "a slope needs pairs at three sizes or more"
    try:
        return gap_slope(draft.sizes, [p.quoted_gap_pp for p in draft.used], groups=None, level=options.level), None
    except DomainError as error:
        return None, str(error)


def _within(draft: _Draft, options: Options) -> GapSlope | None:
    """Pairs compared within their lineages, where several lineages have two sizes; with one lineage it is the slope itself."""
    of_lineage: dict[str, set[float]] = {}
    for pair in draft.used:
        if pair.lineage is not None:
            of_lineage.setdefault(pair.lineage, set()).add(pair.params_b)
    several = {lineage for lineage, sizes in of_lineage.items() if len(sizes) > 1}
    kept = [pair for pair in draft.used if pair.lineage in several]
    if len(of_lineage) < 2 or not several or len({p.params_b for p in kept}) < SIZES_OF_A_SLOPE:
        return None
    try:
        return gap_slope(
            [p.params_b for p in kept], [p.quoted_gap_pp for p in kept], groups=[str(p.lineage) for p in kept], level=options.level
        )
    except DomainError:
        return None


def _difference(draft: _Draft) -> tuple[DifferenceOfDifferences | None, str | None]:
    """Larger minus smaller size, for one pair at each of two sizes."""
    sizes = distinct_sizes(draft.sizes)
    if len(sizes) != 2:
        return None, None
    smaller, larger = ([p for p in draft.used if p.params_b == size] for size in sizes)
    if len(smaller) != 1 or len(larger) != 1:
        return None, "several pairs of one size have no one difference"
    first, second = larger[0].quoted, smaller[0].quoted
    if first is None or second is None:
        return None, "an interval needs counts, and a published rate came without"
    return difference_of_differences(first, second), None


def _equivalence(slope: GapSlope | None, options: Options) -> SlopeEquivalenceTest | None:
    if slope is None:
        return None
    try:
        return slope_equivalence_test(slope, margin_pp_per_decade=options.margin_pp, alpha=options.alpha)
    except DomainError:
        return None


def _testabilities(many: Sequence[tuple[float, ...]], options: Options) -> list[Testability]:
    floors = [smallest_attainable_p(s) if len(distinct_sizes(s)) >= SIZES_OF_A_SLOPE else None for s in many]
    able = [
        i
        for i, (sizes, floor) in enumerate(zip(many, floors, strict=True))
        if floor is not None and floor <= options.alpha and spread_decades(sizes) >= options.min_decades
    ]
    best = [floor for i in able if (floor := floors[i]) is not None]
    after = dict(zip(able, holm(best, alpha=options.alpha).adjusted, strict=True)) if best else {}
    return [
        judged_sizes(
            sizes,
            floor=floor,
            after_holm=after.get(i),
            tests=len(able),
            min_cell=options.min_cell,
            alpha=options.alpha,
            min_decades=options.min_decades,
            unit="pair",
        )
        for i, (sizes, floor) in enumerate(zip(many, floors, strict=True))
    ]


def _corrected(tested: Sequence[int], p_values: Sequence[float | None], alpha: float) -> dict[int, float]:
    """Holm over the series that can be tested; one without p still counts in the correction."""
    if not tested:
        return {}
    given = {i: p for i in tested if (p := p_values[i]) is not None}
    adjusted = holm([given.get(i, 1.0) for i in tested], alpha=alpha).adjusted
    return {i: p for i, p in zip(tested, adjusted, strict=True) if i in given}


def _verdict(
    testability: Testability, slope: GapSlope | None, p_holm: float | None, flat_holm: float | None, alpha: float
) -> GapVerdict:
    if not testability.can_test or slope is None:
        return GapVerdict.CANNOT_TEST
    if p_holm is not None and p_holm <= alpha:
        return GapVerdict.GROWS if slope.slope_pp_per_decade > 0 else GapVerdict.SHRINKS
    return GapVerdict.FLAT if flat_holm is not None and flat_holm <= alpha else GapVerdict.UNDECIDED
