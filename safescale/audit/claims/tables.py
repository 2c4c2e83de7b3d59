"""Tables of counts and test statistics: chi-squared, G, Fisher, Cramer's V, odds ratio; t, F and z as papers print them."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy

from safescale.audit.claims.claim import Association, TestStatistic
from safescale.audit.claims.p_values import Recomputed, chi2_tail, compare, f_tail, normal_tail, student_tail
from safescale.audit.claims.result import Reason
from safescale.stats import Alternative, fisher_exact_test

__all__ = ["TABLE_TESTS", "check_association", "check_statistic", "table_statistics"]

TABLE_TESTS: Final = {
    "chi squared": "chi-squared without correction",
    "chi squared yates": "chi-squared with Yates' correction",
    "g": "the likelihood ratio G",
    "fisher": "Fisher's exact test",
    "z pooled": "the pooled z test",
}
_LARGEST_FISHER: Final = 5_000_000
_SIDES: Final[tuple[tuple[int, Alternative], ...]] = ((2, "two-sided"), (1, "greater"), (1, "less"))


def table_statistics(table: npt.NDArray[np.int64]) -> dict[str, float]:
    """Chi-squared statistics of a table of counts by name; a margin of 0 has none."""
    observed = table.astype(np.float64)
    total = observed.sum()
    expected = observed.sum(axis=1, keepdims=True) * observed.sum(axis=0, keepdims=True) / total
    if np.any(expected == 0):
        return {}
    apart = np.abs(observed - expected)
    found = {"chi squared": float((apart**2 / expected).sum())}
    if table.shape == (2, 2):
        found["chi squared yates"] = float((np.maximum(apart - np.minimum(0.5, apart), 0) ** 2 / expected).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        found["g"] = float(2 * np.nansum(np.where(observed > 0, observed * np.log(observed / expected), 0.0)))
    return found


def check_association(claim: Association) -> tuple[list[Reason], list[Reason]]:
    """Findings about a table of counts or its statistic."""
    reasons: list[Reason] = []
    table = np.array(claim.table, dtype=np.int64) if claim.table else None
    if table is not None and (min(table.shape) < 2 or table.sum() == 0):
        return [
            Reason(
                code="no_table",
                verdict="cannot be decided",
                figure="table",
                words="a table needs two rows, two columns and a count",
            )
        ], []
    statistics = {} if table is None else table_statistics(table)
    df = claim.df if table is None else (table.shape[0] - 1) * (table.shape[1] - 1)
    if table is not None and claim.n is not None and int(table.sum()) != claim.n:
        reasons.append(
            Reason(
                code="table_total",
                verdict="impossible",
                figure="n",
                printed=f"{claim.n:,}",
                recomputed=f"{int(table.sum()):,}",
                words=f"the table holds {int(table.sum()):,}, not {claim.n:,}",
            )
        )
    if table is not None and claim.df is not None and claim.df != df:
        reasons.append(
            Reason(
                code="degrees_of_freedom",
                verdict="impossible",
                figure="df",
                printed=str(claim.df),
                recomputed=str(df),
                words=f"a table of {table.shape[0]} by {table.shape[1]} has {df} degrees of freedom",
            )
        )
    stated = claim.test
    if claim.statistic is not None and stated == "other":
        words = "the test that the source names is not recomputed here"
        reasons.append(
            Reason(
                code="test_not_checked",
                verdict="cannot be decided",
                figure="statistic",
                printed=claim.statistic.text,
                words=words,
            )
        )
    elif claim.statistic is not None and statistics:
        candidates = [
            Recomputed(
                low=value,
                high=value,
                accepted=stated in (None, name) or (stated == "z pooled" and name == "chi squared"),
                what=TABLE_TESTS[name],
                code="statistic_follows",
            )
            for name, value in statistics.items()
        ]
        if table is not None and table.shape == (2, 2):
            root = math.sqrt(statistics["chi squared"])
            candidates.append(
                Recomputed(low=root, high=root, accepted=stated == "z pooled", what="the pooled z test", code="z_follows")
            )
        if any(candidate.accepted for candidate in candidates):
            candidates.sort(key=lambda candidate: not candidate.accepted)
            reasons.append(compare("statistic", claim.statistic, candidates, because="the table"))
    if claim.p is not None and stated == "other":
        words = "the test that the source names is not recomputed here"
        reasons.append(Reason(code="test_not_checked", verdict="cannot be decided", figure="p", printed=claim.p.text, words=words))
    elif claim.p is not None:
        reasons.append(_p(claim, table, statistics, df))
    if claim.v is not None:
        n = claim.n if table is None else int(table.sum())
        sides = 1 if table is None else min(table.shape) - 1
        bounds = (
            (statistics["chi squared"],) * 2
            if statistics
            else claim.statistic.float_bounds
            if claim.statistic is not None
            else None
        )
        if n and bounds is not None and (table is not None or df == 1):
            low, high = (math.sqrt(max(0.0, end) / (n * sides)) for end in bounds)
            candidates = [Recomputed(low=low, high=high, accepted=True, what="chi-squared and n", code="v_follows")]
            if "chi squared yates" in statistics:
                other = math.sqrt(statistics["chi squared yates"] / n)
                candidates.append(
                    Recomputed(low=other, high=other, accepted=False, what="chi-squared with Yates' correction", code="v_of_yates")
                )
            reasons.append(compare("v", claim.v, candidates, because="chi-squared and n"))
    if claim.odds_ratio is not None and table is not None and table.shape == (2, 2):
        reasons.append(_odds(claim, table))
    return reasons, _left_out(claim, table)


def _p(claim: Association, table: npt.NDArray[np.int64] | None, statistics: dict[str, float], df: int | None) -> Reason:
    p, stated = claim.p, claim.test
    assert p is not None
    candidates: list[Recomputed] = []

    def add(name: str, low: float, high: float, accepted: bool) -> None:
        candidates.append(Recomputed(low=min(low, high), high=max(low, high), accepted=accepted, what=name, code="p_follows"))

    if table is not None:
        if table.shape == (2, 2) and int(table.sum()) <= _LARGEST_FISHER and table.sum(axis=1).min() > 0:
            (a, b), (c, d) = table.tolist()
            for sides, alternative in _SIDES:
                value = fisher_exact_test(a, a + b, c, c + d, alternative=alternative).p_value
                two = claim.sided in (None, "2")
                accepted = stated in (None, "fisher") and (sides == 2) == two
                add(
                    "Fisher's exact test" if sides == 2 else f"Fisher's exact test, one-sided ({alternative})",
                    value,
                    value,
                    accepted,
                )
        elif stated == "fisher":
            general = _fisher_of_any(table)
            if general is None:
                return Reason(
                    code="not_computed",
                    verdict="cannot be decided",
                    figure="p",
                    printed=p.text,
                    words="Fisher's p of so large a table is not computed here",
                )
            add("Fisher's exact test", general, general, True)
        for name, value in statistics.items():
            tail = chi2_tail(value, df or 1)
            same = stated in (None, name) or (stated == "z pooled" and name == "chi squared")
            add(TABLE_TESTS[name], tail, tail, same and claim.sided != "1")
            if table.shape == (2, 2):
                add(f"{TABLE_TESTS[name]}, one-sided", tail / 2, tail / 2, same and claim.sided == "1")
    elif claim.statistic is not None and df is not None:
        low, high = claim.statistic.float_bounds
        add(f"chi-squared with {df} degrees of freedom", chi2_tail(high, df), chi2_tail(low, df), True)
        add("half of it, as if one-sided", chi2_tail(high, df) / 2, chi2_tail(low, df) / 2, False)
        for other in (df - 1, df + 1):
            if other > 0:
                add(f"{other} degrees of freedom", chi2_tail(high, other), chi2_tail(low, other), False)
    if not any(candidate.accepted for candidate in candidates):
        return Reason(
            code="too_little",
            verdict="cannot be decided",
            figure="p",
            printed=p.text,
            words="p needs the table, or the statistic with its degrees of freedom",
        )
    candidates.sort(key=lambda candidate: not candidate.accepted)
    return compare("p", p, candidates, because="the table" if table is not None else "the statistic")


def _fisher_of_any(table: npt.NDArray[np.int64]) -> float | None:
    if hasattr(scipy.stats, "fisher_exact") and table.sum() <= 60 and table.size <= 9:
        try:
            return float(scipy.stats.fisher_exact(table).pvalue)
        except ValueError:
            return None
    return None


def _odds(claim: Association, table: npt.NDArray[np.int64]) -> Reason:
    assert claim.odds_ratio is not None
    (a, b), (c, d) = table.astype(float).tolist()
    candidates = []
    if b * c > 0:
        value = a * d / (b * c)
        candidates.append(Recomputed(low=value, high=value, accepted=True, what="ad / bc", code="odds_follow"))
        if int(table.sum()) <= 20_000:
            conditional = float(scipy.stats.contingency.odds_ratio(table).statistic)
            if math.isfinite(conditional):
                candidates.append(
                    Recomputed(
                        low=conditional, high=conditional, accepted=True, what="the conditional estimate", code="odds_follow"
                    )
                )
        if value > 0:
            candidates.append(Recomputed(low=1 / value, high=1 / value, accepted=False, what="the inverse", code="inverse"))
    half = (a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5))
    candidates.append(
        Recomputed(low=half, high=half, accepted=b * c == 0, what="ad / bc with 1/2 added to each count", code="odds_of_halves")
    )
    return compare("odds_ratio", claim.odds_ratio, candidates, because="the table")


def _left_out(claim: Association, table: npt.NDArray[np.int64] | None) -> list[Reason]:
    if table is None or table.shape != (2, 2) or claim.p is not None or table.sum(axis=1).min() == 0:
        return []
    (a, b), (c, d) = table.tolist()
    if a + b + c + d > _LARGEST_FISHER:
        return []
    p = fisher_exact_test(a, a + b, c, c + d).p_value
    return [
        Reason(code="no_p", verdict=None, figure="p", words=f"no p is printed; Fisher's two-sided p is {p:.2g}", details={"p": p})
    ]


def check_statistic(claim: TestStatistic) -> tuple[list[Reason], list[Reason]]:
    """Findings about ``t(19) = 2.1, p = .049``."""
    value, p = claim.value, claim.p
    if value is None or p is None or claim.test is None:
        return [], []
    sides = int(claim.sided or 2)
    ends = value.float_bounds
    size = (0.0 if ends[0] < 0 < ends[1] else min(map(abs, ends))), max(map(abs, ends))
    df1 = None if claim.df1 is None else float(claim.df1.value)
    df2 = None if claim.df2 is None else float(claim.df2.value)
    candidates: list[Recomputed] = []

    def add(name: str, code: str, values: tuple[float, float], accepted: bool) -> None:
        candidates.append(Recomputed(low=min(values), high=max(values), accepted=accepted, what=name, code=code))

    normal = normal_tail(size[0], sides), normal_tail(size[1], sides)
    if claim.test == "normal":
        add("a normal distribution", "p_follows", normal, True)
    elif claim.test == "t":
        if df1 is None or df1 <= 0:
            return [_no_df(p.text)], []
        student = student_tail(size[0], df1, sides), student_tail(size[1], df1, sides)
        add(f"Student's t with {df1:g} degrees of freedom", "p_follows", student, True)
        add("a normal distribution where Student's t belongs", "normal_for_t", normal, False)
    elif claim.test == "f":
        if df1 is None or df2 is None or min(df1, df2) <= 0:
            return [_no_df(p.text)], []
        if value.float_bounds[1] < 0:
            return [
                Reason(
                    code="negative", verdict="impossible", figure="value", printed=value.text, words="an F ratio is never negative"
                )
            ], []
        add(f"F({df1:g}, {df2:g})", "p_follows", (f_tail(size[0], df1, df2), f_tail(size[1], df1, df2)), True)
        add("degrees of freedom exchanged", "df_exchanged", (f_tail(size[0], df2, df1), f_tail(size[1], df2, df1)), False)
    else:
        if df1 is None or df1 <= 0:
            return [_no_df(p.text)], []
        if value.float_bounds[1] < 0:
            return [
                Reason(
                    code="negative",
                    verdict="impossible",
                    figure="value",
                    printed=value.text,
                    words="a chi-squared is never negative",
                )
            ], []
        add(f"chi-squared with {df1:g} degrees of freedom", "p_follows", (chi2_tail(size[0], df1), chi2_tail(size[1], df1)), True)
    first = candidates[0]
    if claim.test in ("t", "normal"):
        if sides == 1:
            add("the other tail", "p_follows", (1 - first.low, 1 - first.high), True)
            add("a two-sided test", "two_sided", (2 * first.low, 2 * first.high), False)
        else:
            add("a one-sided test", "one_sided", (first.low / 2, first.high / 2), False)
    else:
        add("half of it, as if one-sided", "one_sided", (first.low / 2, first.high / 2), False)
    candidates.sort(key=lambda candidate: not candidate.accepted)
    return [compare("p", p, candidates, because="the statistic")], []


def _no_df(printed: str) -> Reason:
    return Reason(
        code="too_little", verdict="cannot be decided", figure="p", printed=printed, words="p needs the degrees of freedom"
    )
