"""Claims: what a paper prints, kept as printed, one class per kind."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, TypeAlias

import attrs

from safescale.audit.claims.printed import (
    Figure,
    Printed,
    PrintedInterval,
    read_count,
    read_interval,
    read_printed,
)
from safescale.errors import DataError

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

Interval: TypeAlias = "str | PrintedInterval | tuple[Figure, Figure] | list[Figure]"
MISSING: Final = frozenset({"", "-", "–", "—", "NA", "N/A", "n/a", "NaN", "nan"})
"""What a cell holds where nothing is printed."""


_WORDS: Final = {
    "wilson score": "wilson",
    "wilson score interval": "wilson",
    "score": "wilson",
    "wilsoncc": "wilson continuity",
    "wilson cc": "wilson continuity",
    "wilson with continuity correction": "wilson continuity",
    "exact": "clopper pearson",
    "exact binomial": "clopper pearson",
    "binomial": "clopper pearson",
    "cp": "clopper pearson",
    "beta": "clopper pearson",
    "normal approximation": "wald",
    "clt": "wald",
    "asymptotic": "wald",
    "ac": "agresti coull",
    "plus four": "agresti coull",
    "clustered": "other",
    "bootstrap": "other",
    "cluster bootstrap": "other",
    "bayesian": "other",
    "one": "1",
    "two": "2",
    "one sided": "1",
    "two sided": "2",
    "one tailed": "1",
    "two tailed": "2",
    "student": "t",
    "student's t": "t",
    "z": "normal",
    "monte carlo permutation": "permutation",
    "randomization": "permutation",
    "robust": "other",
    "sandwich": "other",
    "cluster robust": "other",
    "hc1": "other",
    "hc2": "other",
    "hc3": "other",
    "mixed model": "other",
    "welch": "other",
    "welch's anova": "other",
    "kruskal wallis": "other",
    "oneway anova": "f",
    "one way anova": "f",
    "anova": "f",
    "mcnemar": "other",
    "barnard": "other",
    "boschloo": "other",
    "mid p": "other",
    "point biserial": "pearson",
    "phi": "pearson",
    "partial correlation": "partial",
    "partial pearson": "partial",
    "semi partial": "other",
    "intraclass": "other",
    "icc": "other",
    "pearson's r": "pearson",
    "r": "pearson",
    "rho": "spearman",
    "spearman's rho": "spearman",
    "tau": "kendall",
    "kendall's tau": "kendall",
    "fisher exact": "fisher",
    "fisher's exact": "fisher",
    "fisher's exact test": "fisher",
    "two proportion z": "z pooled",
    "chi2": "chi squared",
    "chi square": "chi squared",
    "pearson chi squared": "chi squared",
    "yates": "chi squared yates",
    "decade": "per decade",
    "pp/decade": "per decade",
    "pp per decade": "per decade",
    "doubling": "per doubling",
    "pp/doubling": "per doubling",
    "pp per doubling": "per doubling",
    "mn": "miettinen nurminen",
    "ac difference": "agresti caffo",
}


def _missing(value: object) -> bool:
    """Text that is empty or a dash says nothing."""
    return value is None or (isinstance(value, str) and value.strip() in MISSING)


def _count(value: Figure | Printed | None) -> int | None:
    return None if value is None or _missing(value) else read_count(value, field="the count")


def _figure(value: Figure | Printed | None) -> Printed | None:
    return None if value is None or _missing(value) else read_printed(value, field="the figure")


def _interval(value: Interval | None) -> PrintedInterval | None:
    return None if value is None or _missing(value) else read_interval(value, field="the interval")


def _change(value: Interval | Figure | Printed | None) -> PrintedInterval | None:
    """One figure, or a range of them."""
    if value is None or _missing(value):
        return None
    if isinstance(value, PrintedInterval | tuple | list):
        return read_interval(value, field="the change")
    try:
        figure = read_printed(value, field="the change")
    except DataError:
        return read_interval(str(value), field="the change")
    return PrintedInterval(text=figure.text, low=figure, high=figure)


def _parts(value: str | Sequence[Figure | Printed]) -> list[Figure | Printed]:
    """A list, or one text with semicolons or commas between."""
    if isinstance(value, str):
        mark = ";" if ";" in value else ", " if ", " in value else ","
        return [part for part in value.split(mark) if part.strip()]
    if not isinstance(value, list | tuple):
        raise DataError("figures come in a list", expected="a list of figures", got=repr(value)[:80])
    return list(value)


def _figures(value: str | Sequence[Figure | Printed]) -> tuple[Printed, ...]:
    return tuple(read_printed(item, field=f"figure {at}") for at, item in enumerate(_parts(value), 1))


def _counts(value: str | Sequence[Figure | Printed]) -> tuple[int, ...]:
    return tuple(read_count(item, field=f"count {at}") for at, item in enumerate(_parts(value), 1))


def _intervals(value: Sequence[Interval]) -> tuple[PrintedInterval, ...]:
    if not isinstance(value, list | tuple):
        raise DataError("intervals come in a list", expected="a list of intervals", got=repr(value)[:80])
    return tuple(read_interval(item, field=f"interval {at}") for at, item in enumerate(value, 1))


def _table(value: str | Sequence[Sequence[Figure]]) -> tuple[tuple[int, ...], ...]:
    """Rows of counts: a list of lists, or ``12 3; 4 56``."""
    rows: Sequence[Sequence[Figure]]
    if isinstance(value, str):
        rows = [[cell for cell in row.replace(",", " ").split() if cell] for row in value.strip("[]").split(";") if row.strip()]
    else:
        rows = value
    if not isinstance(rows, list | tuple) or not all(isinstance(row, list | tuple) for row in rows):
        raise DataError("a table has rows of counts", expected="[[12, 3], [4, 56]]", got=repr(value)[:80])
    table = tuple(tuple(read_count(cell, field="a cell") for cell in row) for row in rows)
    if len({len(row) for row in table}) > 1:
        raise DataError("a table has rows of one length", expected="a rectangle", got=repr(value)[:80])
    return table


def _one_of(value: object, *allowed: str) -> str | None:
    """One of a few words, by any of its usual spellings, or nothing."""
    if _missing(value):
        return None
    word = " ".join(re.sub("[-_\u2010-\u2014]", " ", str(value)).casefold().split())
    # "exact" is a permutation where one is possible, and a binomial interval elsewhere
    found = word if word in allowed else _WORDS.get(word, word)
    if found not in allowed:
        raise DataError(
            "the word is not known here; leave it out only where the source does not say",
            expected=f"one of {', '.join(allowed)}",
            got=repr(value)[:80],
        )
    return found


def _method_word(value: str | int | None) -> str | None:
    return _one_of(
        value, "wilson", "wilson continuity", "clopper pearson", "agresti coull", "jeffreys", "wald", "wald continuity", "other"
    )


def _coefficient_word(value: str | int | None) -> str | None:
    return _one_of(value, "pearson", "spearman", "kendall", "partial", "other")


def _sided_word(value: str | int | None) -> str | None:
    return _one_of(value, "1", "2")


def _distribution_word(value: str | int | None) -> str | None:
    return _one_of(value, "t", "normal", "exact", "fisher z", "permutation", "other")


def _unit_word(value: str | int | None) -> str | None:
    return _one_of(value, "per decade", "per doubling", "other")


def _distribution_word_2(value: str | int | None) -> str | None:
    return _one_of(value, "t", "normal", "permutation", "other")


def _variance_test_word(value: str | int | None) -> str | None:
    return _one_of(value, "f", "other")


def _test_word(value: str | int | None) -> str | None:
    return _one_of(value, "chi squared", "chi squared yates", "g", "fisher", "z pooled", "other")


def _unit_word_2(value: str | int | None) -> str | None:
    return _one_of(value, "per decade", "per doubling")


def _test_word_2(value: str | int | None) -> str | None:
    return _one_of(value, "fisher", "z pooled", "z unpooled", "chi squared", "chi squared yates", "miettinen nurminen", "other")


def _method_word_2(value: str | int | None) -> str | None:
    return _one_of(value, "newcombe", "wald", "miettinen nurminen", "agresti caffo", "other")


def _distribution_word_3(value: str | int | None) -> str | None:
    return _one_of(value, "t", "normal", "exact", "permutation", "other")


def _unit_word_3(value: str | int | None) -> str | None:
    return _one_of(value, "nats", "bits")


def _pairs_word(value: str | int | None) -> str | None:
    return _one_of(value, "adjacent", "all")


def _test_word_3(value: str | int | None) -> str | None:
    return _one_of(value, "t", "f", "normal", "chi squared")


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
    k: int | None = attrs.field(default=None, converter=_count)
    n: int | None = attrs.field(default=None, converter=_count)
    percentage: Printed | None = attrs.field(default=None, converter=_figure)
    interval: PrintedInterval | None = attrs.field(default=None, converter=_interval)
    level: Printed | None = attrs.field(default=None, converter=_figure)
    method: str | None = attrs.field(default=None, converter=_method_word)
    averaged: bool = False
    n_about: str = attrs.field(default="", converter=str)


@attrs.frozen(kw_only=True)
class Correlation(Claim):
    """``Spearman rho = -1.0, n = 4, p = .083``; with ``r2``, ``t``, ``interval`` where they are printed."""

    kind: ClassVar[str] = "correlation"
    coefficient: str | None = attrs.field(default=None, converter=_coefficient_word)
    value: Printed | None = attrs.field(default=None, converter=_figure)
    n: int | None = attrs.field(default=None, converter=_count)
    p: Printed | None = attrs.field(default=None, converter=_figure)
    r2: Printed | None = attrs.field(default=None, converter=_figure)
    t: Printed | None = attrs.field(default=None, converter=_figure)
    interval: PrintedInterval | None = attrs.field(default=None, converter=_interval)
    level: Printed | None = attrs.field(default=None, converter=_figure)
    sided: str | None = attrs.field(default=None, converter=_sided_word)
    distribution: str | None = attrs.field(default=None, converter=_distribution_word)


@attrs.frozen(kw_only=True)
class Regression(Claim):
    """A line through n models: slope with its unit, and what is printed beside it. ``predictors`` besides the constant: 1."""

    kind: ClassVar[str] = "regression"
    slope: Printed | None = attrs.field(default=None, converter=_figure)
    unit: str | None = attrs.field(default=None, converter=_unit_word)
    r2: Printed | None = attrs.field(default=None, converter=_figure)
    r: Printed | None = attrs.field(default=None, converter=_figure)
    n: int | None = attrs.field(default=None, converter=_count)
    p: Printed | None = attrs.field(default=None, converter=_figure)
    se: Printed | None = attrs.field(default=None, converter=_figure)
    t: Printed | None = attrs.field(default=None, converter=_figure)
    interval: PrintedInterval | None = attrs.field(default=None, converter=_interval)
    level: Printed | None = attrs.field(default=None, converter=_figure)
    sided: str | None = attrs.field(default=None, converter=_sided_word)
    distribution: str | None = attrs.field(default=None, converter=_distribution_word_2)
    label: str = attrs.field(default="", converter=str)


@attrs.frozen(kw_only=True)
class EtaSquaredClaim(Claim):
    """
    ``eta2 = 65.3 %`` over k groups of n values; F, p, omega2 and epsilon2 where they are printed.

    ``test``: "f", or "other" where F or p are of Welch, Kruskal-Wallis or a model with more in it.
    """

    kind: ClassVar[str] = "eta2"
    eta2: Printed | None = attrs.field(default=None, converter=_figure)
    k: int | None = attrs.field(default=None, converter=_count)
    n: int | None = attrs.field(default=None, converter=_count)
    f: Printed | None = attrs.field(default=None, converter=_figure)
    df1: int | None = attrs.field(default=None, converter=_count)
    df2: Printed | None = attrs.field(default=None, converter=_figure)
    p: Printed | None = attrs.field(default=None, converter=_figure)
    omega2: Printed | None = attrs.field(default=None, converter=_figure)
    epsilon2: Printed | None = attrs.field(default=None, converter=_figure)
    test: str | None = attrs.field(default=None, converter=_variance_test_word)


@attrs.frozen(kw_only=True)
class Ratio(Claim):
    """``57.5x``: a ratio of two printed figures; ``df`` are the degrees of freedom that each of them spends."""

    kind: ClassVar[str] = "ratio"
    ratio: Printed | None = attrs.field(default=None, converter=_figure)
    numerator: Printed | None = attrs.field(default=None, converter=_figure)
    denominator: Printed | None = attrs.field(default=None, converter=_figure)
    df_numerator: int | None = attrs.field(default=None, converter=_count)
    df_denominator: int | None = attrs.field(default=None, converter=_count)
    n: int | None = attrs.field(default=None, converter=_count)


@attrs.frozen(kw_only=True)
class Association(Claim):
    """A table of counts, or a chi-squared with its degrees of freedom; p, Cramer's V and odds ratio where printed."""

    kind: ClassVar[str] = "association"
    table: tuple[tuple[int, ...], ...] = attrs.field(default=(), converter=_table)
    test: str | None = attrs.field(default=None, converter=_test_word)
    statistic: Printed | None = attrs.field(default=None, converter=_figure)
    df: int | None = attrs.field(default=None, converter=_count)
    p: Printed | None = attrs.field(default=None, converter=_figure)
    n: int | None = attrs.field(default=None, converter=_count)
    v: Printed | None = attrs.field(default=None, converter=_figure)
    odds_ratio: Printed | None = attrs.field(default=None, converter=_figure)
    sided: str | None = attrs.field(default=None, converter=_sided_word)


@attrs.frozen(kw_only=True)
class Difference(Claim):
    """
    ``k1/n1`` against ``k2/n2``: difference, test, interval, and a change per decade where two sizes are given.

    ``change`` is the figure claimed per ``unit`` of size ("per decade"); it may be a range ("+2-6"). The first is the
    smaller model.
    """

    kind: ClassVar[str] = "difference"
    k1: int | None = attrs.field(default=None, converter=_count)
    n1: int | None = attrs.field(default=None, converter=_count)
    k2: int | None = attrs.field(default=None, converter=_count)
    n2: int | None = attrs.field(default=None, converter=_count)
    percentage1: Printed | None = attrs.field(default=None, converter=_figure)
    percentage2: Printed | None = attrs.field(default=None, converter=_figure)
    size1_b: Printed | None = attrs.field(default=None, converter=_figure)
    size2_b: Printed | None = attrs.field(default=None, converter=_figure)
    difference: Printed | None = attrs.field(default=None, converter=_figure)
    change: PrintedInterval | None = attrs.field(default=None, converter=_change)
    unit: str | None = attrs.field(default=None, converter=_unit_word_2)
    p: Printed | None = attrs.field(default=None, converter=_figure)
    test: str | None = attrs.field(default=None, converter=_test_word_2)
    sided: str | None = attrs.field(default=None, converter=_sided_word)
    interval: PrintedInterval | None = attrs.field(default=None, converter=_interval)
    level: Printed | None = attrs.field(default=None, converter=_figure)
    method: str | None = attrs.field(default=None, converter=_method_word_2)
    label: str = attrs.field(default="", converter=str)


@attrs.frozen(kw_only=True)
class Kappa(Claim):
    """Cohen's kappa with observed (``po``) and expected (``pe``) agreement, or with its table of counts."""

    kind: ClassVar[str] = "kappa"
    kappa: Printed | None = attrs.field(default=None, converter=_figure)
    po: Printed | None = attrs.field(default=None, converter=_figure)
    pe: Printed | None = attrs.field(default=None, converter=_figure)
    n: int | None = attrs.field(default=None, converter=_count)
    classes: int | None = attrs.field(default=None, converter=_count)
    table: tuple[tuple[int, ...], ...] = attrs.field(default=(), converter=_table)
    interval: PrintedInterval | None = attrs.field(default=None, converter=_interval)
    level: Printed | None = attrs.field(default=None, converter=_figure)


@attrs.frozen(kw_only=True)
class Totals(Claim):
    """
    Parts and their printed total, with printed shares.

    ``complete = false``: parts are "of which", not all of it. ``overlapping = true``: a row may count in several parts.
    """

    kind: ClassVar[str] = "totals"
    parts: tuple[Printed, ...] = attrs.field(default=(), converter=_figures)
    total: Printed | None = attrs.field(default=None, converter=_figure)
    shares: tuple[Printed, ...] = attrs.field(default=(), converter=_figures)
    mean: Printed | None = attrs.field(default=None, converter=_figure)
    complete: bool = True
    overlapping: bool = False
    names: tuple[str, ...] = attrs.field(default=(), converter=tuple)


@attrs.frozen(kw_only=True)
class Series(Claim):
    """Rates by model size, with the word that the text has for them: U, inverted U, flat, increasing, INVERSE_SCALING, ..."""

    kind: ClassVar[str] = "series"
    sizes_b: tuple[Printed, ...] = attrs.field(default=(), converter=_figures)
    rates: tuple[Printed, ...] = attrs.field(default=(), converter=_figures)
    n: tuple[int, ...] = attrs.field(default=(), converter=_counts)
    label: str = attrs.field(default="", converter=str)
    slope: Printed | None = attrs.field(default=None, converter=_figure)
    unit: str | None = attrs.field(default=None, converter=_unit_word_2)
    threshold: Printed | None = attrs.field(default=None, converter=_figure)
    rho: Printed | None = attrs.field(default=None, converter=_figure)
    p: Printed | None = attrs.field(default=None, converter=_figure)
    distribution: str | None = attrs.field(default=None, converter=_distribution_word_3)


@attrs.frozen(kw_only=True)
class SlopeLabel(Claim):
    """A slope and the label that a rule of thresholds gives it (report 353: beyond 5 pp per decade)."""

    kind: ClassVar[str] = "slope_label"
    slope: Printed | None = attrs.field(default=None, converter=_figure)
    unit: str | None = attrs.field(default=None, converter=_unit_word_2)
    label: str = attrs.field(default="", converter=str)
    threshold: Printed | None = attrs.field(default=None, converter=_figure)


@attrs.frozen(kw_only=True)
class ModelSize(Claim):
    """A model and the size in billions of parameters that the text gives it."""

    kind: ClassVar[str] = "model_size"
    model: str = attrs.field(default="", converter=str)
    size_b: Printed | None = attrs.field(default=None, converter=_figure)


@attrs.frozen(kw_only=True)
class Entropy(Claim):
    """Entropies of an answer with so many classes (2: refusal or not); ``unit`` nats or bits, where it is said."""

    kind: ClassVar[str] = "entropy"
    values: tuple[Printed, ...] = attrs.field(default=(), converter=_figures)
    classes: int | None = attrs.field(default=None, converter=_count)
    unit: str | None = attrs.field(default=None, converter=_unit_word_3)


@attrs.frozen(kw_only=True)
class Disjoint(Claim):
    """Printed intervals in order, and whether all neighbours are said to be disjoint (``pairs = "all"``: every pair)."""

    kind: ClassVar[str] = "disjoint"
    intervals: tuple[PrintedInterval, ...] = attrs.field(default=(), converter=_intervals)
    disjoint: bool = True
    pairs: str | None = attrs.field(default=None, converter=_pairs_word)


@attrs.frozen(kw_only=True)
class TestStatistic(Claim):
    """A test as papers print it: ``t(19) = 2.1, p = .049``; ``F(11, 9)``, ``chi2(3)``, ``z``."""

    __test__: ClassVar[bool] = False
    kind: ClassVar[str] = "statistic"
    test: str | None = attrs.field(default=None, converter=_test_word_3)
    value: Printed | None = attrs.field(default=None, converter=_figure)
    df1: Printed | None = attrs.field(default=None, converter=_figure)
    df2: Printed | None = attrs.field(default=None, converter=_figure)
    p: Printed | None = attrs.field(default=None, converter=_figure)
    sided: str | None = attrs.field(default=None, converter=_sided_word)


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
