"""Claims: what a paper prints, kept as printed, one class per kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import attrs

from safescale.audit.claims.converters import (
    MISSING,
    to_any_unit,
    to_change,
    to_coefficient,
    to_correlation_distribution,
    to_count,
    to_counts,
    to_difference_method,
    to_difference_test,
    to_entropy_unit,
    to_figure,
    to_figures,
    to_interval,
    to_interval_method,
    to_intervals,
    to_line_distribution,
    to_pairs,
    to_rank_distribution,
    to_sides,
    to_slope_unit,
    to_statistic_test,
    to_table,
    to_table_test,
    to_variance_test,
)
from safescale.audit.claims.printed import (
    Printed,
    PrintedInterval,
)

__all__ = [
    "KINDS",
    "MISSING",
    "Association",
    "Claim",
    "Correlation",
    "Difference",
    "Disjoint",
    "Entropy",
    "EtaSquaredClaim",
    "Kappa",
    "ModelSize",
    "Proportion",
    "Ratio",
    "Regression",
    "Series",
    "SlopeLabel",
    "TestStatistic",
    "Totals",
]


@attrs.frozen(kw_only=True)
class Claim:
    """
    What every claim has.

    Attributes
    ----------
    id, source : str
        Its name within the file, and where it is printed.
    """

    kind: ClassVar[str] = ""
    id: str = attrs.field(default="", converter=str)
    source: str = attrs.field(default="", converter=str)

    @property
    def printed(self) -> dict[str, str]:
        """The figures as printed, by field."""
        shown = {}
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            if field.name in ("id", "source") or value is None or value == () or value == "" or value is field.default:
                continue
            shown["n" if field.name == "n_about" else field.name] = _shown(value)
        return shown


def _shown(value: object) -> str:
    if isinstance(value, Printed | PrintedInterval):
        return value.text
    if isinstance(value, tuple):
        return "; ".join(_shown(item) for item in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@attrs.frozen(kw_only=True)
class Proportion(Claim):
    """
    ``78.3 % [0.756, 0.807] of n = 1,008``.

    ``averaged``: the percentage is a mean over models or prompts, no share of n rows. ``n_about``: n is rounded.
    """

    kind: ClassVar[str] = "proportion"
    k: int | None = attrs.field(default=None, converter=to_count)
    n: int | None = attrs.field(default=None, converter=to_count)
    percentage: Printed | None = attrs.field(default=None, converter=to_figure)
    interval: PrintedInterval | None = attrs.field(default=None, converter=to_interval)
    level: Printed | None = attrs.field(default=None, converter=to_figure)
    method: str | None = attrs.field(default=None, converter=to_interval_method)
    averaged: bool = False
    n_about: str = attrs.field(default="", converter=str)


@attrs.frozen(kw_only=True)
class Correlation(Claim):
    """``Spearman rho = -1.0, n = 4, p = .083``; with ``r2``, ``t``, ``interval`` where they are printed."""

    kind: ClassVar[str] = "correlation"
    coefficient: str | None = attrs.field(default=None, converter=to_coefficient)
    value: Printed | None = attrs.field(default=None, converter=to_figure)
    n: int | None = attrs.field(default=None, converter=to_count)
    p: Printed | None = attrs.field(default=None, converter=to_figure)
    r2: Printed | None = attrs.field(default=None, converter=to_figure)
    t: Printed | None = attrs.field(default=None, converter=to_figure)
    interval: PrintedInterval | None = attrs.field(default=None, converter=to_interval)
    level: Printed | None = attrs.field(default=None, converter=to_figure)
    sided: str | None = attrs.field(default=None, converter=to_sides)
    distribution: str | None = attrs.field(default=None, converter=to_correlation_distribution)


@attrs.frozen(kw_only=True)
class Regression(Claim):
    """A line through n models: slope with its unit, and what is printed beside it. ``predictors`` besides the constant: 1."""

    kind: ClassVar[str] = "regression"
    slope: Printed | None = attrs.field(default=None, converter=to_figure)
    unit: str | None = attrs.field(default=None, converter=to_any_unit)
    r2: Printed | None = attrs.field(default=None, converter=to_figure)
    r: Printed | None = attrs.field(default=None, converter=to_figure)
    n: int | None = attrs.field(default=None, converter=to_count)
    p: Printed | None = attrs.field(default=None, converter=to_figure)
    se: Printed | None = attrs.field(default=None, converter=to_figure)
    t: Printed | None = attrs.field(default=None, converter=to_figure)
    interval: PrintedInterval | None = attrs.field(default=None, converter=to_interval)
    level: Printed | None = attrs.field(default=None, converter=to_figure)
    sided: str | None = attrs.field(default=None, converter=to_sides)
    distribution: str | None = attrs.field(default=None, converter=to_line_distribution)
    label: str = attrs.field(default="", converter=str)


@attrs.frozen(kw_only=True)
class EtaSquaredClaim(Claim):
    """
    ``eta2 = 65.3 %`` over k groups of n values; F, p, omega2 and epsilon2 where they are printed.

    ``test``: "f", or "other" where F or p are of Welch, Kruskal-Wallis or a model with more in it.
    """

    kind: ClassVar[str] = "eta2"
    eta2: Printed | None = attrs.field(default=None, converter=to_figure)
    k: int | None = attrs.field(default=None, converter=to_count)
    n: int | None = attrs.field(default=None, converter=to_count)
    f: Printed | None = attrs.field(default=None, converter=to_figure)
    df1: int | None = attrs.field(default=None, converter=to_count)
    df2: Printed | None = attrs.field(default=None, converter=to_figure)
    p: Printed | None = attrs.field(default=None, converter=to_figure)
    omega2: Printed | None = attrs.field(default=None, converter=to_figure)
    epsilon2: Printed | None = attrs.field(default=None, converter=to_figure)
    test: str | None = attrs.field(default=None, converter=to_variance_test)


@attrs.frozen(kw_only=True)
class Ratio(Claim):
    """``57.5x``: a ratio of two printed figures; ``df`` are the degrees of freedom that each of them spends."""

    kind: ClassVar[str] = "ratio"
    ratio: Printed | None = attrs.field(default=None, converter=to_figure)
    numerator: Printed | None = attrs.field(default=None, converter=to_figure)
    denominator: Printed | None = attrs.field(default=None, converter=to_figure)
    df_numerator: int | None = attrs.field(default=None, converter=to_count)
    df_denominator: int | None = attrs.field(default=None, converter=to_count)
    n: int | None = attrs.field(default=None, converter=to_count)


@attrs.frozen(kw_only=True)
class Association(Claim):
    """A table of counts, or a chi-squared with its degrees of freedom; p, Cramer's V and odds ratio where printed."""

    kind: ClassVar[str] = "association"
    table: tuple[tuple[int, ...], ...] = attrs.field(default=(), converter=to_table)
    test: str | None = attrs.field(default=None, converter=to_table_test)
    statistic: Printed | None = attrs.field(default=None, converter=to_figure)
    df: int | None = attrs.field(default=None, converter=to_count)
    p: Printed | None = attrs.field(default=None, converter=to_figure)
    n: int | None = attrs.field(default=None, converter=to_count)
    v: Printed | None = attrs.field(default=None, converter=to_figure)
    odds_ratio: Printed | None = attrs.field(default=None, converter=to_figure)
    sided: str | None = attrs.field(default=None, converter=to_sides)


@attrs.frozen(kw_only=True)
class Difference(Claim):
    """
    ``k1/n1`` against ``k2/n2``: difference, test, interval, and a change per decade where two sizes are given.

    ``change`` is the figure claimed per ``unit`` of size ("per decade"); it may be a range ("+2-6"). The first is the
    smaller model.
    """

    kind: ClassVar[str] = "difference"
    k1: int | None = attrs.field(default=None, converter=to_count)
    n1: int | None = attrs.field(default=None, converter=to_count)
    k2: int | None = attrs.field(default=None, converter=to_count)
    n2: int | None = attrs.field(default=None, converter=to_count)
    percentage1: Printed | None = attrs.field(default=None, converter=to_figure)
    percentage2: Printed | None = attrs.field(default=None, converter=to_figure)
    size1_b: Printed | None = attrs.field(default=None, converter=to_figure)
    size2_b: Printed | None = attrs.field(default=None, converter=to_figure)
    difference: Printed | None = attrs.field(default=None, converter=to_figure)
    change: PrintedInterval | None = attrs.field(default=None, converter=to_change)
    unit: str | None = attrs.field(default=None, converter=to_slope_unit)
    p: Printed | None = attrs.field(default=None, converter=to_figure)
    test: str | None = attrs.field(default=None, converter=to_difference_test)
    sided: str | None = attrs.field(default=None, converter=to_sides)
    interval: PrintedInterval | None = attrs.field(default=None, converter=to_interval)
    level: Printed | None = attrs.field(default=None, converter=to_figure)
    method: str | None = attrs.field(default=None, converter=to_difference_method)
    label: str = attrs.field(default="", converter=str)


@attrs.frozen(kw_only=True)
class Kappa(Claim):
    """Cohen's kappa with observed (``po``) and expected (``pe``) agreement, or with its table of counts."""

    kind: ClassVar[str] = "kappa"
    kappa: Printed | None = attrs.field(default=None, converter=to_figure)
    po: Printed | None = attrs.field(default=None, converter=to_figure)
    pe: Printed | None = attrs.field(default=None, converter=to_figure)
    n: int | None = attrs.field(default=None, converter=to_count)
    classes: int | None = attrs.field(default=None, converter=to_count)
    table: tuple[tuple[int, ...], ...] = attrs.field(default=(), converter=to_table)
    interval: PrintedInterval | None = attrs.field(default=None, converter=to_interval)
    level: Printed | None = attrs.field(default=None, converter=to_figure)


@attrs.frozen(kw_only=True)
class Totals(Claim):
    """
    Parts and their printed total, with printed shares.

    ``complete = false``: parts are "of which", not all of it. ``overlapping = true``: a row may count in several parts.
    """

    kind: ClassVar[str] = "totals"
    parts: tuple[Printed, ...] = attrs.field(default=(), converter=to_figures)
    total: Printed | None = attrs.field(default=None, converter=to_figure)
    shares: tuple[Printed, ...] = attrs.field(default=(), converter=to_figures)
    mean: Printed | None = attrs.field(default=None, converter=to_figure)
    complete: bool = True
    overlapping: bool = False
    names: tuple[str, ...] = attrs.field(default=(), converter=tuple)


@attrs.frozen(kw_only=True)
class Series(Claim):
    """Rates by model size, with the word that the text has for them: U, inverted U, flat, increasing, INVERSE_SCALING, ..."""

    kind: ClassVar[str] = "series"
    sizes_b: tuple[Printed, ...] = attrs.field(default=(), converter=to_figures)
    rates: tuple[Printed, ...] = attrs.field(default=(), converter=to_figures)
    n: tuple[int, ...] = attrs.field(default=(), converter=to_counts)
    label: str = attrs.field(default="", converter=str)
    slope: Printed | None = attrs.field(default=None, converter=to_figure)
    unit: str | None = attrs.field(default=None, converter=to_slope_unit)
    threshold: Printed | None = attrs.field(default=None, converter=to_figure)
    rho: Printed | None = attrs.field(default=None, converter=to_figure)
    p: Printed | None = attrs.field(default=None, converter=to_figure)
    distribution: str | None = attrs.field(default=None, converter=to_rank_distribution)


@attrs.frozen(kw_only=True)
class SlopeLabel(Claim):
    """A slope and the label that a rule of thresholds gives it (report 353: beyond 5 pp per decade)."""

    kind: ClassVar[str] = "slope_label"
    slope: Printed | None = attrs.field(default=None, converter=to_figure)
    unit: str | None = attrs.field(default=None, converter=to_slope_unit)
    label: str = attrs.field(default="", converter=str)
    threshold: Printed | None = attrs.field(default=None, converter=to_figure)


@attrs.frozen(kw_only=True)
class ModelSize(Claim):
    """A model and the size in billions of parameters that the text gives it."""

    kind: ClassVar[str] = "model_size"
    model: str = attrs.field(default="", converter=str)
    size_b: Printed | None = attrs.field(default=None, converter=to_figure)


@attrs.frozen(kw_only=True)
class Entropy(Claim):
    """Entropies of an answer with so many classes (2: refusal or not); ``unit`` nats or bits, where it is said."""

    kind: ClassVar[str] = "entropy"
    values: tuple[Printed, ...] = attrs.field(default=(), converter=to_figures)
    classes: int | None = attrs.field(default=None, converter=to_count)
    unit: str | None = attrs.field(default=None, converter=to_entropy_unit)


@attrs.frozen(kw_only=True)
class Disjoint(Claim):
    """Printed intervals in order, and whether all neighbours are said to be disjoint (``pairs = "all"``: every pair)."""

    kind: ClassVar[str] = "disjoint"
    intervals: tuple[PrintedInterval, ...] = attrs.field(default=(), converter=to_intervals)
    disjoint: bool = True
    pairs: str | None = attrs.field(default=None, converter=to_pairs)


@attrs.frozen(kw_only=True)
class TestStatistic(Claim):
    """A test as papers print it: ``t(19) = 2.1, p = .049``; ``F(11, 9)``, ``chi2(3)``, ``z``."""

    __test__: ClassVar[bool] = False
    kind: ClassVar[str] = "statistic"
    test: str | None = attrs.field(default=None, converter=to_statistic_test)
    value: Printed | None = attrs.field(default=None, converter=to_figure)
    df1: Printed | None = attrs.field(default=None, converter=to_figure)
    df2: Printed | None = attrs.field(default=None, converter=to_figure)
    p: Printed | None = attrs.field(default=None, converter=to_figure)
    sided: str | None = attrs.field(default=None, converter=to_sides)


KINDS: Final[Mapping[str, type[Claim]]] = {
    kind.kind: kind
    for kind in (
        Proportion,
        Correlation,
        Regression,
        EtaSquaredClaim,
        Ratio,
        Association,
        Difference,
        Kappa,
        Totals,
        Series,
        SlopeLabel,
        ModelSize,
        Entropy,
        Disjoint,
        TestStatistic,
    )
}
