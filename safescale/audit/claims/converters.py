"""From what a claims file holds to what a claim keeps: figures, counts, intervals, and the words of its fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from safescale.audit.claims.printed import Figure, Printed, PrintedInterval, read_count, read_interval, read_printed
from safescale.errors import DataError

__all__ = [
    "MISSING",
    "Interval",
    "to_any_unit",
    "to_change",
    "to_coefficient",
    "to_correlation_distribution",
    "to_count",
    "to_counts",
    "to_difference_method",
    "to_difference_test",
    "to_entropy_unit",
    "to_figure",
    "to_figures",
    "to_interval",
    "to_interval_method",
    "to_intervals",
    "to_line_distribution",
    "to_pairs",
    "to_rank_distribution",
    "to_sides",
    "to_slope_unit",
    "to_statistic_test",
    "to_table",
    "to_table_test",
    "to_variance_test",
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


def to_count(value: Figure | Printed | None) -> int | None:
    """A whole number that is not rounded, or nothing."""
    return None if value is None or _missing(value) else read_count(value, field="the count")


def to_figure(value: Figure | Printed | None) -> Printed | None:
    """A printed figure, or nothing."""
    return None if value is None or _missing(value) else read_printed(value, field="the figure")


def to_interval(value: Interval | None) -> PrintedInterval | None:
    """A printed interval, or nothing."""
    return None if value is None or _missing(value) else read_interval(value, field="the interval")


def to_change(value: Interval | Figure | Printed | None) -> PrintedInterval | None:
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


def to_figures(value: str | Sequence[Figure | Printed]) -> tuple[Printed, ...]:
    """Several figures."""
    return tuple(read_printed(item, field=f"figure {at}") for at, item in enumerate(_parts(value), 1))


def to_counts(value: str | Sequence[Figure | Printed]) -> tuple[int, ...]:
    """Several counts."""
    return tuple(read_count(item, field=f"count {at}") for at, item in enumerate(_parts(value), 1))


def to_intervals(value: Sequence[Interval]) -> tuple[PrintedInterval, ...]:
    """Several intervals."""
    if not isinstance(value, list | tuple):
        raise DataError("intervals come in a list", expected="a list of intervals", got=repr(value)[:80])
    return tuple(read_interval(item, field=f"interval {at}") for at, item in enumerate(value, 1))


def to_table(value: str | Sequence[Sequence[Figure]]) -> tuple[tuple[int, ...], ...]:
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


def to_interval_method(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(
        value, "wilson", "wilson continuity", "clopper pearson", "agresti coull", "jeffreys", "wald", "wald continuity", "other"
    )


def to_coefficient(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "pearson", "spearman", "kendall", "partial", "other")


def to_sides(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "1", "2")


def to_correlation_distribution(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "t", "normal", "exact", "fisher z", "permutation", "other")


def to_any_unit(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "per decade", "per doubling", "other")


def to_line_distribution(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "t", "normal", "permutation", "other")


def to_variance_test(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "f", "other")


def to_table_test(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "chi squared", "chi squared yates", "g", "fisher", "z pooled", "other")


def to_slope_unit(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "per decade", "per doubling")


def to_difference_test(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "fisher", "z pooled", "z unpooled", "chi squared", "chi squared yates", "miettinen nurminen", "other")


def to_difference_method(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "newcombe", "wald", "miettinen nurminen", "agresti caffo", "other")


def to_rank_distribution(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "t", "normal", "exact", "permutation", "other")


def to_entropy_unit(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "nats", "bits")


def to_pairs(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "adjacent", "all")


def to_statistic_test(value: str | int | None) -> str | None:
    """One of the words that the field knows, or nothing."""
    return _one_of(value, "t", "f", "normal", "chi squared")
