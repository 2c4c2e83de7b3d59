"""Claims: what a paper prints, kept as printed, one class per kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, TypeVar

import attrs

from safescale.audit.claims.printed import (
    Printed,
    PrintedInterval,
    read_count,
    read_interval,
    read_printed,
)
from safescale.errors import DataError

__all__ = [
    "KINDS",
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

_T = TypeVar("_T")


def _optional(read: Callable[..., _T], **options: Any) -> Any:
    """A field that may be missing; text that is empty or a dash is missing."""

    def convert(value: Any, field: attrs.Attribute[Any]) -> _T | None:
        if value is None or (isinstance(value, str) and value.strip() in ("", "-", "–", "—", "NA", "N/A", "n/a", "NaN", "nan")):
            return None
        return read(value, field=field.name, **options)

    return attrs.field(default=None, converter=attrs.Converter(convert, takes_field=True))  # type: ignore[misc]


def _listed(read: Callable[..., _T], **options: Any) -> Any:
    """A field of several figures, in a list or in one text with commas or semicolons between."""

    def convert(value: Any, field: attrs.Attribute[Any]) -> tuple[_T, ...]:
        if isinstance(value, str):
            value = [part for part in value.split(";" if ";" in value else ", " if ", " in value else ",") if part.strip()]
        if not isinstance(value, list | tuple):
            raise DataError(f"{field.name} is a list", column=field.name, expected="a list of figures", got=repr(value)[:80])
        return tuple(read(item, field=f"{field.name}[{at}]", **options) for at, item in enumerate(value))

    return attrs.field(default=(), converter=attrs.Converter(convert, takes_field=True))  # type: ignore[misc]


def _table(value: Any, field: attrs.Attribute[Any]) -> tuple[tuple[int, ...], ...]:
    if isinstance(value, str):
        value = [[cell for cell in row.replace(",", " ").split() if cell] for row in value.strip("[]").split(";") if row.strip()]
    if not isinstance(value, list | tuple) or not all(isinstance(row, list | tuple) for row in value):
        raise DataError(f"{field.name} is a table", column=field.name, expected="rows of counts", got=repr(value)[:80])
    rows = tuple(tuple(read_count(cell, field=field.name) for cell in row) for row in value)
    if len({len(row) for row in rows}) > 1:
        raise DataError(f"{field.name} has rows of unequal length", column=field.name, expected="a rectangle", got=repr(value)[:80])
    return rows


def _word(*allowed: str) -> Any:
    """A field that holds one of a few words, or nothing."""

    def convert(value: Any, field: attrs.Attribute[Any]) -> str | None:
        if value is None or value == "":
            return None
        word = " ".join(re.sub("[-_\u2010-\u2014]", " ", str(value)).casefold().split())
        # "exact" is a permutation where one is possible, and a binomial interval elsewhere
        found = word if word in allowed else _WORDS.get(word, word)
        if found not in allowed:
            raise DataError(
                f"{field.name} is not known here; leave it out where the source does not say",
                column=field.name,
                expected=f"one of {', '.join(allowed)}",
                got=repr(value)[:80],
            )
        return found

    return attrs.field(default=None, converter=attrs.Converter(convert, takes_field=True))  # type: ignore[misc]


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
    "permutation": "exact",
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


def _change(value: Any, field: attrs.Attribute[Any]) -> PrintedInterval | None:
    """One figure, or a range of them."""
    if value is None or value == "":
        return None
    try:
        figure = read_printed(value, field=field.name)
    except DataError:
        return read_interval(value, field=field.name)
    return PrintedInterval(text=figure.text, low=figure, high=figure)


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
            if field.name in ("id", "source") or value is None or value == ():
                continue
            shown[field.name] = _shown(value)
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
    k: int | None = _optional(read_count)
    n: int | None = _optional(read_count)
    percentage: Printed | None = _optional(read_printed)
    interval: PrintedInterval | None = _optional(read_interval)
    level: Printed | None = _optional(read_printed)
    method: str | None = _word(
        "wilson", "wilson continuity", "clopper pearson", "agresti coull", "jeffreys", "wald", "wald continuity", "other"
    )
    averaged: bool = False


@attrs.frozen(kw_only=True)
class Correlation(Claim):
    """``Spearman rho = -1.0, n = 4, p = .083``; with ``r2``, ``t``, ``interval`` where they are printed."""

    kind: ClassVar[str] = "correlation"
    coefficient: str | None = _word("pearson", "spearman", "kendall")
    value: Printed | None = _optional(read_printed)
    n: int | None = _optional(read_count)
    p: Printed | None = _optional(read_printed)
    r2: Printed | None = _optional(read_printed)
    t: Printed | None = _optional(read_printed)
    interval: PrintedInterval | None = _optional(read_interval)
    level: Printed | None = _optional(read_printed)
    sided: str | None = _word("1", "2")
    distribution: str | None = _word("t", "normal", "exact", "fisher z")


@attrs.frozen(kw_only=True)
class Regression(Claim):
    """A line through n models: slope with its unit, and what is printed beside it. ``predictors`` besides the constant: 1."""

    kind: ClassVar[str] = "regression"
    slope: Printed | None = _optional(read_printed)
    unit: str | None = _word("per decade", "per doubling", "other")
    r2: Printed | None = _optional(read_printed)
    r: Printed | None = _optional(read_printed)
    n: int | None = _optional(read_count)
    p: Printed | None = _optional(read_printed)
    se: Printed | None = _optional(read_printed)
    t: Printed | None = _optional(read_printed)
    interval: PrintedInterval | None = _optional(read_interval)
    level: Printed | None = _optional(read_printed)
    sided: str | None = _word("1", "2")
    distribution: str | None = _word("t", "normal")
    label: str = attrs.field(default="", converter=str)


@attrs.frozen(kw_only=True)
class EtaSquaredClaim(Claim):
    """``eta2 = 65.3 %`` over k groups of n values; F, p, omega2 and epsilon2 where they are printed."""

    kind: ClassVar[str] = "eta2"
    eta2: Printed | None = _optional(read_printed)
    k: int | None = _optional(read_count)
    n: int | None = _optional(read_count)
    f: Printed | None = _optional(read_printed)
    df1: int | None = _optional(read_count)
    df2: int | None = _optional(read_count)
    p: Printed | None = _optional(read_printed)
    omega2: Printed | None = _optional(read_printed)
    epsilon2: Printed | None = _optional(read_printed)


@attrs.frozen(kw_only=True)
class Ratio(Claim):
    """``57.5x``: a ratio of two printed figures; ``df`` are the degrees of freedom that each of them spends."""

    kind: ClassVar[str] = "ratio"
    ratio: Printed | None = _optional(read_printed)
    numerator: Printed | None = _optional(read_printed)
    denominator: Printed | None = _optional(read_printed)
    df_numerator: int | None = _optional(read_count)
    df_denominator: int | None = _optional(read_count)
    n: int | None = _optional(read_count)


@attrs.frozen(kw_only=True)
class Association(Claim):
    """A table of counts, or a chi-squared with its degrees of freedom; p, Cramer's V and odds ratio where printed."""

    kind: ClassVar[str] = "association"
    table: tuple[tuple[int, ...], ...] = attrs.field(default=(), converter=attrs.Converter(_table, takes_field=True))  # type: ignore[misc]
    test: str | None = _word("chi squared", "chi squared yates", "g", "fisher", "z pooled")
    statistic: Printed | None = _optional(read_printed)
    df: int | None = _optional(read_count)
    p: Printed | None = _optional(read_printed)
    n: int | None = _optional(read_count)
    v: Printed | None = _optional(read_printed)
    odds_ratio: Printed | None = _optional(read_printed)
    sided: str | None = _word("1", "2")


@attrs.frozen(kw_only=True)
class Difference(Claim):
    """
    ``k1/n1`` against ``k2/n2``: difference, test, interval, and a change per decade where two sizes are given.

    ``change`` is the figure claimed per ``unit`` of size ("per decade"); it may be a range ("+2-6"). The first is the smaller model.
    """

    kind: ClassVar[str] = "difference"
    k1: int | None = _optional(read_count)
    n1: int | None = _optional(read_count)
    k2: int | None = _optional(read_count)
    n2: int | None = _optional(read_count)
    percentage1: Printed | None = _optional(read_printed)
    percentage2: Printed | None = _optional(read_printed)
    size1_b: Printed | None = _optional(read_printed)
    size2_b: Printed | None = _optional(read_printed)
    difference: Printed | None = _optional(read_printed)
    change: PrintedInterval | None = attrs.field(
        default=None,
        converter=attrs.Converter(_change, takes_field=True),  # type: ignore[misc]
    )
    unit: str | None = _word("per decade", "per doubling")
    p: Printed | None = _optional(read_printed)
    test: str | None = _word("fisher", "z pooled", "z unpooled", "chi squared", "chi squared yates", "miettinen nurminen", "other")
    sided: str | None = _word("1", "2")
    interval: PrintedInterval | None = _optional(read_interval)
    level: Printed | None = _optional(read_printed)
    method: str | None = _word("newcombe", "wald", "miettinen nurminen", "agresti caffo", "other")
    label: str = attrs.field(default="", converter=str)


@attrs.frozen(kw_only=True)
class Kappa(Claim):
    """Cohen's kappa with observed (``po``) and expected (``pe``) agreement, or with its table of counts."""

    kind: ClassVar[str] = "kappa"
    kappa: Printed | None = _optional(read_printed)
    po: Printed | None = _optional(read_printed)
    pe: Printed | None = _optional(read_printed)
    n: int | None = _optional(read_count)
    classes: int | None = _optional(read_count)
    table: tuple[tuple[int, ...], ...] = attrs.field(default=(), converter=attrs.Converter(_table, takes_field=True))  # type: ignore[misc]
    interval: PrintedInterval | None = _optional(read_interval)
    level: Printed | None = _optional(read_printed)


@attrs.frozen(kw_only=True)
class Totals(Claim):
    """Parts and their printed total, with printed shares. ``complete = false``: parts are "of which", not all of it."""

    kind: ClassVar[str] = "totals"
    parts: tuple[Printed, ...] = _listed(read_printed)
    total: Printed | None = _optional(read_printed)
    shares: tuple[Printed, ...] = _listed(read_printed)
    mean: Printed | None = _optional(read_printed)
    complete: bool = True
    names: tuple[str, ...] = attrs.field(default=(), converter=tuple)


@attrs.frozen(kw_only=True)
class Series(Claim):
    """Rates by model size, with the word that the text has for them: U, inverted U, flat, increasing, INVERSE_SCALING, ..."""

    kind: ClassVar[str] = "series"
    sizes_b: tuple[Printed, ...] = _listed(read_printed)
    rates: tuple[Printed, ...] = _listed(read_printed)
    n: tuple[int, ...] = _listed(read_count)
    label: str = attrs.field(default="", converter=str)
    slope: Printed | None = _optional(read_printed)
    unit: str | None = _word("per decade", "per doubling")
    threshold: Printed | None = _optional(read_printed)
    rho: Printed | None = _optional(read_printed)
    p: Printed | None = _optional(read_printed)
    distribution: str | None = _word("t", "normal", "exact")


@attrs.frozen(kw_only=True)
class SlopeLabel(Claim):
    """A slope and the label that a rule of thresholds gives it (report 353: beyond 5 pp per decade)."""

    kind: ClassVar[str] = "slope_label"
    slope: Printed | None = _optional(read_printed)
    unit: str | None = _word("per decade", "per doubling")
    label: str = attrs.field(default="", converter=str)
    threshold: Printed | None = _optional(read_printed)


@attrs.frozen(kw_only=True)
class ModelSize(Claim):
    """A model and the size in billions of parameters that the text gives it."""

    kind: ClassVar[str] = "model_size"
    model: str = attrs.field(default="", converter=str)
    size_b: Printed | None = _optional(read_printed)


@attrs.frozen(kw_only=True)
class Entropy(Claim):
    """Entropies of an answer with so many classes (2: refusal or not); ``unit`` nats or bits, where it is said."""

    kind: ClassVar[str] = "entropy"
    values: tuple[Printed, ...] = _listed(read_printed)
    classes: int | None = _optional(read_count)
    unit: str | None = _word("nats", "bits")


@attrs.frozen(kw_only=True)
class Disjoint(Claim):
    """Printed intervals in order, and whether all neighbours are said to be disjoint (``pairs = "all"``: every pair)."""

    kind: ClassVar[str] = "disjoint"
    intervals: tuple[PrintedInterval, ...] = attrs.field(
        default=(),
        converter=lambda value: tuple(read_interval(item, field=f"intervals[{at}]") for at, item in enumerate(value)),
    )
    disjoint: bool = True
    pairs: str | None = _word("adjacent", "all")


@attrs.frozen(kw_only=True)
class TestStatistic(Claim):
    """A test as papers print it: ``t(19) = 2.1, p = .049``; ``F(11, 9)``, ``chi2(3)``, ``z``."""

    __test__: ClassVar[bool] = False
    kind: ClassVar[str] = "statistic"
    test: str | None = _word("t", "f", "normal", "chi squared")
    value: Printed | None = _optional(read_printed)
    df1: Printed | None = _optional(read_printed)
    df2: Printed | None = _optional(read_printed)
    p: Printed | None = _optional(read_printed)
    sided: str | None = _word("1", "2")


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
