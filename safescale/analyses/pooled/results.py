"""What the question of pooled sources is answered with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import attrs

from safescale.analyses.headline import Headline
from safescale.analyses.inverse_scaling.results import Options, ScalingVerdict, SeriesResult
from safescale.analyses.inverse_scaling.within_source import WithinSource
from safescale.analyses.setting import Setting
from safescale.cells import Exclusion, GraderMeaning, IdenticalModels, Selection
from safescale.stats import PartialPooling, ScalingLabel

__all__ = [
    "Composition",
    "Heterogeneity",
    "PooledResult",
    "PooledSetting",
    "SourceSlope",
    "Variant",
    "VariantName",
    "WithinSource",
]

VariantName: TypeAlias = Literal["without_tampered_models", "with_tampered_models", "without_copies_of_tampered_models"]


@attrs.frozen(kw_only=True)
class Composition:
    """
    Whose rows these are, before tampered models are left out (all other choices as asked). Unit: evaluable rows.

    ``mostly_tampered`` are the sources with more than half of their rows from tampered models, ``rows_mostly_tampered`` all rows
    of those sources. ``shares`` are fractions, None without rows.
    """

    rows: int
    rows_tampered: int
    rows_unknown_state: int
    share_tampered: float | None
    mostly_tampered: tuple[str, ...]
    rows_mostly_tampered: int
    share_mostly_tampered: float | None


@attrs.frozen(kw_only=True)
class SourceSlope:
    """
    One source by itself.

    Attributes
    ----------
    source : str
        Collection that the rows belong to.
    series : SeriesResult
        The rate of each model over its rows in this source, against size; Holm over the sources.
    rows : int
        Evaluable rows as asked.
    published_rates : int
        Published rates without rows.
    rows_with_tampered, rows_tampered : int
        Evaluable rows when tampered models are let in, and those of tampered models among them.
    share_tampered : float or None
        The second over the first (fraction); None without rows.
    """

    source: str
    series: SeriesResult
    rows: int
    published_rates: int
    rows_with_tampered: int
    rows_tampered: int
    share_tampered: float | None


@attrs.frozen(kw_only=True)
class Variant:
    """
    The pooled slope once more over another choice of models.

    ``kind`` is the verdict's ground: a slope, a difference of two sizes (then ``slope_pp_per_decade`` is None), or nothing.
    """

    name: VariantName
    as_asked: bool
    rows: int
    models: int
    kind: Literal["slope", "difference", "nothing"]
    slope_pp_per_decade: float | None
    interval_pp_per_decade: tuple[float, float] | None
    p_value: float | None
    verdict: ScalingVerdict
    label: ScalingLabel | None
    changed: bool


@attrs.frozen(kw_only=True)
class Heterogeneity:
    """
    How much the slopes of sources differ beyond their own noise (partial pooling); unit: pp per decade.

    ``left_out`` are the sources with a slope over fewer than ``least_models`` models: their noise is itself hardly known.
    """

    pooling: PartialPooling
    sources: tuple[str, ...]
    left_out: tuple[str, ...]
    least_models: int


@attrs.frozen(kw_only=True)
class PooledSetting:
    """
    One grader, target and condition: never pooled with another.

    ``pooled`` adds up the rows of all sources and attack classes, as report 353 does. What cannot be had is None, with the
    reason in the field ``..._unavailable``.
    """

    setting: Setting
    grader: GraderMeaning
    definition: str
    rows: int
    published_rates: int
    excluded: Mapping[str, int]
    composition: Composition
    pooled: SeriesResult | None
    sources: tuple[SourceSlope, ...]
    variants: tuple[Variant, ...]
    within: WithinSource | None
    within_unavailable: str | None
    heterogeneity: Heterogeneity | None
    heterogeneity_unavailable: str | None
    copies_of_tampered: tuple[str, ...]
    caveats: tuple[str, ...]
    words: str


@attrs.frozen(kw_only=True)
class PooledResult:
    """The answer to "is a slope over model size the same in every source?"; ``answer`` is its first paragraph."""

    fingerprint: str
    selection: Selection
    options: Options
    claim_classes: tuple[str, ...] | None
    considered: int
    counted: int
    exclusions: tuple[Exclusion, ...]
    identical_models: tuple[IdenticalModels, ...]
    graders_without_tier: Mapping[str, str]
    settings: tuple[PooledSetting, ...]
    caveats: tuple[str, ...]
    answer: str

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """Pooled slope, slope within sources, slope of each source, share of rows of tampered models."""
        return tuple(headline for setting in self.settings for headline in _headlines(setting))


def _headlines(found: PooledSetting) -> Iterator[Headline]:
    words = found.setting.words
    if found.pooled is not None:
        yield _of_series(words, "slope, all sources pooled", found.pooled)
    if found.within is not None:
        low, high = found.within.interval or (None, None)
        yield Headline(
            setting=words,
            quantity="slope within sources",
            unit="pp per decade",
            estimate=found.within.fit.slope_pp_per_decade,
            low=low,
            high=high,
            p_value=found.within.p_value,
            verdict="the other sign than pooled" if found.within.signs_differ else "the same sign as pooled",
            n_models=found.within.models,
            n_rows=None,
        )
    yield from (_of_series(words, f"slope, source {s.source}", s.series) for s in found.sources if s.series.slope is not None)
    if found.composition.share_tampered is not None:
        yield Headline(
            setting=words,
            quantity="share of rows of tampered models, before exclusion",
            unit="fraction",
            estimate=found.composition.share_tampered,
            low=None,
            high=None,
            p_value=None,
            verdict=f"{len(found.composition.mostly_tampered)} of {len(found.sources)} sources are mostly of tampered models",
            n_models=None,
            n_rows=found.composition.rows,
        )


def _of_series(setting: str, quantity: str, series: SeriesResult) -> Headline:
    line = None if series.slope is None else series.slope.slope
    low, high = (None, None) if line is None or line.interval is None else line.interval
    return Headline(
        setting=setting,
        quantity=quantity,
        unit="pp per decade",
        estimate=None if line is None else line.slope_pp_per_decade,
        low=low,
        high=high,
        p_value=None if series.slope is None else series.slope.p_value,
        verdict=series.verdict.value,
        n_models=series.n_models,
        n_rows=series.n_rows,
    )
