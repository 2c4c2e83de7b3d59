"""Two proportions: their difference, its test and interval, and what it is per decade of size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, Final

import attrs
import numpy as np
import scipy

from safescale.audit.claims.claim import Difference
from safescale.audit.claims.correlation import as_share
from safescale.audit.claims.label import slope_label_reason
from safescale.audit.claims.p_values import Recomputed, compare, normal_tail
from safescale.audit.claims.printed import Printed
from safescale.audit.claims.result import SEVERITY, Reason
from safescale.audit.claims.share_counts import counts_that_print
from safescale.audit.claims.share_reading import level_of
from safescale.audit.claims.tables import table_statistics
from safescale.stats import (
    Alternative,
    DifferenceInterval,
    fisher_exact_test,
    miettinen_nurminen_interval,
    miettinen_nurminen_test,
    newcombe_interval,
    scaling_label,
)

__all__ = ["check_difference"]

_Counts = tuple[int, int, int, int]
_MOST_COMBINATIONS: Final = 60
_LARGEST: Final = 2_000_000
_BOOTSTRAP_NOISE: Final = 0.02


def check_difference(claim: Difference) -> tuple[list[Reason], list[Reason]]:
    """Findings about two proportions, and what was left out."""
    reasons: list[Reason] = []
    for end, k, n, percentage in (("1", claim.k1, claim.n1, claim.percentage1), ("2", claim.k2, claim.n2, claim.percentage2)):
        reasons += _own_rate(end, k, n, percentage)
    if any(reason.verdict == "impossible" for reason in reasons):
        return reasons, []
    counts = _combinations(claim)
    rates = _rates(claim, counts)
    if claim.difference is not None and rates is not None:
        reasons.append(_difference(claim.difference, rates))
    if claim.change is not None and rates is not None:
        reasons.append(_change(claim, rates))
    if claim.p is not None:
        reasons.append(_p(claim, claim.p, counts))
    if claim.interval is not None and counts:
        reasons.append(_interval(claim, counts))
    per_decade = _per_decade(claim, rates)
    if claim.label and per_decade is not None:
        reasons.append(slope_label_reason(per_decade, "per decade", claim.label, None))
    return reasons, _left_out(claim, counts, per_decade)


def _own_rate(end: str, k: int | None, n: int | None, percentage: Printed | None) -> list[Reason]:
    if n is None or (k is None and percentage is None):
        return []
    if n == 0 or (k is not None and k > n):
        return [Reason(code="more_than_n", verdict="impossible", figure=f"k{end}", printed=str(k), words=f"{k} of {n} is no share")]
    if percentage is None:
        return []
    for reading in as_share(percentage):
        found = counts_that_print(reading, n)
        if found is not None and (k is None or found[0] <= k <= found[1]):
            return [
                Reason(
                    code="count_found",
                    verdict="reproduces",
                    figure=f"percentage{end}",
                    printed=percentage.text,
                    words=f"a count of {n:,} gives {percentage.text}",
                )
            ]
    what = (
        f"no whole number of {n:,} gives {percentage.text}"
        if k is None
        else f"{k:,}/{n:,} is {100 * k / n:.2f} %, not {percentage.text}"
    )
    return [Reason(code="no_count_at_n", verdict="impossible", figure=f"percentage{end}", printed=percentage.text, words=what)]


def _combinations(claim: Difference) -> list[_Counts]:
    """Counts of both samples that the claim can mean; none where they are not pinned down."""
    sides = []
    for k, n, percentage in ((claim.k1, claim.n1, claim.percentage1), (claim.k2, claim.n2, claim.percentage2)):
        if n is None:
            return []
        if k is not None:
            sides.append([(k, n)])
            continue
        if percentage is None:
            return []
        found = next((pair for reading in as_share(percentage) if (pair := counts_that_print(reading, n)) is not None), None)
        if found is None:
            return []
        # p and intervals are monotone between: the ends and the middle stand for many
        ks = sorted({*np.linspace(found[0], found[1], 7).round().astype(int).tolist()})
        sides.append([(k, n) for k in ks])
    return [(*first, *second) for first, second in itertools.islice(itertools.product(*sides), _MOST_COMBINATIONS)]


def _rates(claim: Difference, counts: list[_Counts]) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Range of each rate as a fraction."""
    if counts:
        first, second = [k / n for k, n, _, _ in counts], [k / n for _, _, k, n in counts]
        return (min(first), max(first)), (min(second), max(second))
    if claim.percentage1 is None or claim.percentage2 is None:
        return None
    one, two = (as_share(rate)[0].float_bounds for rate in (claim.percentage1, claim.percentage2))
    return one, two


def _difference(printed: Printed, rates: tuple[tuple[float, float], tuple[float, float]]) -> Reason:
    (a, b), (c, d) = rates
    found = []
    for reading in _as_points(printed):
        candidates = [
            Recomputed(low=c - b, high=d - a, accepted=True, what="second less first", code="difference_follows"),
            Recomputed(low=a - d, high=b - c, accepted=True, what="first less second", code="difference_follows"),
        ]
        if a > 0:
            candidates.append(
                Recomputed(low=c / b - 1, high=d / a - 1, accepted=False, what="a relative change", code="relative_change")
            )
        found.append(compare("difference", reading, candidates, because="the two rates", share_text=True))
    return min(found, key=lambda reason: SEVERITY.index(reason.verdict or "impossible"))


def _as_points(printed: Printed) -> tuple[Printed, ...]:
    if printed.scale == "percent" or abs(printed.value) > 1:
        return (printed.as_fraction("percent"),)
    return printed, printed.as_fraction("percent")


def _sizes(claim: Difference) -> tuple[float, float] | None:
    if claim.size1_b is None or claim.size2_b is None:
        return None
    first, second = float(claim.size1_b.value), float(claim.size2_b.value)
    return (first, second) if first > 0 and second > 0 else None


def _change(claim: Difference, rates: tuple[tuple[float, float], tuple[float, float]]) -> Reason:
    """A claimed change per decade (or doubling) against the raw difference."""
    change, unit = claim.change, claim.unit or "per decade"
    assert change is not None
    assert change.low is not None
    assert change.high is not None
    printed: dict[str, Any] = {"figure": "change", "printed": f"{change.text} {unit}"}
    sizes = _sizes(claim)
    if sizes is None:
        return Reason(code="no_sizes", verdict="cannot be decided", words="a change per decade needs the two sizes", **printed)
    if sizes[0] == sizes[1]:
        return Reason(
            code="one_size", verdict="impossible", words="both models have one size: there is no slope to estimate", **printed
        )
    (a, b), (c, d) = rates
    raw = 100 * (c - b), 100 * (d - a)
    decades = math.log10(sizes[1] / sizes[0])
    doublings = decades / math.log10(2)
    own = [end / (decades if unit == "per decade" else doublings) for end in raw]
    own_range = min(own), max(own)
    other = [end / (doublings if unit == "per decade" else decades) for end in raw]
    scale = (
        1
        if change.low.scale != "fraction" and (abs(change.low.value) > 1 or change.low.scale == "percent" or abs(own_range[1]) < 1)
        else 100
    )
    low, high = scale * float(change.low.bounds()[0]), scale * float(change.high.bounds()[1])
    middle = sum(own_range) / 2
    details: dict[str, Any] = {"raw_pp": sum(raw) / 2, "decades": decades, unit.replace(" ", "_"): middle}
    shown = f"{middle:+.1f} pp {unit}"
    detail_words = f"the raw difference is {sum(raw) / 2:+.1f} pp over {decades:.2f} decades, {shown}"

    def meets(values: tuple[float, float] | list[float]) -> bool:
        return min(values) <= high + 1e-9 and max(values) >= low - 1e-9

    if meets(own_range):
        return Reason(
            code="per_size_follows", verdict="reproduces", words=detail_words, recomputed=shown, details=details, **printed
        )
    for values, what, code in (
        (raw, "the raw difference", "raw_difference"),
        (other, "per doubling" if unit == "per decade" else "per decade", "other_unit"),
    ):
        if meets(values):
            return Reason(
                code=code,
                verdict="reproduces only as",
                words=detail_words,
                recomputed=shown,
                details=details | {"as": what},
                **printed,
            )
    return Reason(
        code="change_does_not_follow", verdict="impossible", words=detail_words, recomputed=shown, details=details, **printed
    )


def _per_decade(claim: Difference, rates: tuple[tuple[float, float], tuple[float, float]] | None) -> float | None:
    sizes = _sizes(claim)
    if sizes is None or rates is None or sizes[0] == sizes[1]:
        return None
    return 100 * (sum(rates[1]) - sum(rates[0])) / 2 / math.log10(sizes[1] / sizes[0])


def _p(claim: Difference, p: Printed, counts: list[_Counts]) -> Reason:
    if not counts or max(counts[0][1], counts[0][3]) > _LARGEST:
        return Reason(
            code="too_little", verdict="cannot be decided", figure="p", printed=p.text, words="p needs the counts of both"
        )
    if claim.test == "other":
        return Reason(
            code="test_not_checked",
            verdict="cannot be decided",
            figure="p",
            printed=p.text,
            words="the test is none that is recomputed here",
        )
    two = claim.sided in (None, "2")
    values: dict[tuple[str, str, bool], list[float]] = {}
    for combination in counts:
        for name, what, is_two, value in _p_values(combination):
            values.setdefault((name, what, is_two), []).append(value)
    candidates = []
    for (name, what, is_two), own in values.items():
        same = claim.test in (None, name) or {claim.test, name} == {"z pooled", "chi squared"}
        candidates.append(
            Recomputed(
                low=min(own), high=max(own), accepted=same and is_two == two, what=what, code="p_follows" if is_two else "one_sided"
            )
        )
    candidates.sort(key=lambda candidate: not candidate.accepted)
    reason = compare("p", p, candidates, because="the counts")
    if reason.verdict == "impossible" and claim.test is None:
        hint = "if both were asked the same prompts and the test was paired (McNemar) or of a model, say so with `test`"
        reason = attrs.evolve(reason, words=f"{reason.words}; {hint}")
    if claim.test is None and reason.verdict == "impossible":
        low, high = min(c.low for c in candidates if c.accepted), max(c.high for c in candidates if c.accepted)
        if p.meets(low, high):
            words = f"no test known here gives p {p.text} exactly, but it lies among theirs ({low:.3g} to {high:.3g})"
            return Reason(
                code="test_unknown",
                verdict="cannot be decided",
                figure="p",
                printed=p.text,
                recomputed=f"{low:.3g} to {high:.3g}",
                words=words,
            )
    return reason


def _p_values(counts: _Counts) -> list[tuple[str, str, bool, float]]:
    k1, n1, k2, n2 = counts
    found: list[tuple[str, str, bool, float]] = []
    sides: tuple[tuple[Alternative, bool], ...] = (("two-sided", True), ("greater", False), ("less", False))
    for alternative, two in sides:
        what = "Fisher's exact test" + ("" if two else f", one-sided ({alternative})")
        found.append(("fisher", what, two, fisher_exact_test(k1, n1, k2, n2, alternative=alternative).p_value))
    statistics = table_statistics(np.array([[k1, n1 - k1], [k2, n2 - k2]]))
    names = {"chi squared": "chi-squared (the pooled z test)", "chi squared yates": "chi-squared with Yates' correction"}
    for name, words in names.items():
        if name in statistics:
            p = normal_tail(math.sqrt(statistics[name]), 2)
            found += [(name, words, True, p), (name, f"{words}, one-sided", False, p / 2)]
    variance = k1 * (n1 - k1) / n1**3 + k2 * (n2 - k2) / n2**3
    if variance > 0:
        p = normal_tail((k1 / n1 - k2 / n2) / math.sqrt(variance), 2)
        found += [("z unpooled", "the unpooled z test", True, p), ("z unpooled", "the unpooled z test, one-sided", False, p / 2)]
    if "chi squared" in statistics:
        p = miettinen_nurminen_test(k1, n1, k2, n2).p_value
        found.append(("miettinen nurminen", "the score test of Miettinen and Nurminen", True, p))
    return found


def _interval(claim: Difference, counts: list[_Counts]) -> Reason:
    interval, level = claim.interval, level_of(claim.level)
    assert interval is not None
    printed: dict[str, Any] = {"figure": "interval", "printed": interval.text}
    if claim.method == "other" or interval.low is None or interval.high is None:
        return Reason(
            code="method_not_checked",
            verdict="cannot be decided",
            words="the interval is of a kind that is not recomputed here",
            **printed,
        )
    methods: dict[str, Callable[[_Counts], tuple[float, float]]] = {
        "newcombe": lambda c: _ends(newcombe_interval(*c, level=level)),
        "miettinen nurminen": lambda c: _ends(miettinen_nurminen_interval(*c, level=level)),
        "wald": lambda c: _wald(c, level, 0.0),
        "agresti caffo": lambda c: _wald(c, level, 1.0),
    }
    words = {"newcombe": "Newcombe", "miettinen nurminen": "Miettinen-Nurminen", "wald": "Wald", "agresti caffo": "Agresti-Caffo"}
    order = sorted(methods, key=lambda name: name != claim.method)
    scales = (
        (0.01,) if interval.high.scale == "percent" or abs(interval.high.value) > 1 or abs(interval.low.value) > 1 else (1.0, 0.01)
    )
    for scale in scales:
        for name in order:
            for combination in counts:
                low, high = methods[name](combination)
                for a, b in ((low, high), (-high, -low)):
                    if interval.low.meets(a / scale, a / scale) and interval.high.meets(b / scale, b / scale):
                        stated = claim.method in (None, name)
                        return Reason(
                            code="interval_found" if stated else "another_method",
                            verdict="reproduces" if stated else "reproduces only as",
                            words=f"the interval is that of {words[name]}",
                            details={"method": name} | ({} if stated else {"as": words[name]}),
                            **printed,
                        )
    first = methods[order[0]](counts[0])
    shown = f"[{100 * first[0]:+.1f}, {100 * first[1]:+.1f}] pp"
    own = [methods[name](combination) for name in methods for combination in counts]
    if claim.method is None and scales:
        # a bootstrap, or a method that is not known here, lands among the others; rows in clusters make it wider on both sides
        ends = [float(end.value) * scales[0] for end in (interval.low, interval.high)]
        noise = _BOOTSTRAP_NOISE * max(high - low for low, high in own)
        for first_end, last_end in ((ends[0], ends[1]), (-ends[1], -ends[0])):
            lows, highs = [low for low, _ in own], [high for _, high in own]
            among = min(lows) - noise <= first_end <= max(lows) + noise and min(highs) - noise <= last_end <= max(highs) + noise
            if among or (first_end < min(lows) - noise and last_end > max(highs) + noise):
                words_of = f"none of the methods known here gives the interval exactly ({words[order[0]]}: {shown})"
                return Reason(code="method_unknown", verdict="cannot be decided", words=words_of, recomputed=shown, **printed)
    return Reason(
        code="does_not_follow",
        verdict="impossible",
        words=f"the counts do not give the interval; {words[order[0]]} is {shown}",
        recomputed=shown,
        **printed,
    )


def _ends(interval: DifferenceInterval) -> tuple[float, float]:
    return interval.low, interval.high


def _wald(counts: _Counts, level: float, added: float) -> tuple[float, float]:
    k1, n1, k2, n2 = counts
    p1, p2 = (k1 + added) / (n1 + 2 * added), (k2 + added) / (n2 + 2 * added)
    half = -float(scipy.special.ndtri((1 - level) / 2)) * math.sqrt(
        p1 * (1 - p1) / (n1 + 2 * added) + p2 * (1 - p2) / (n2 + 2 * added)
    )
    return p1 - p2 - half, p1 - p2 + half


def _left_out(claim: Difference, counts: list[_Counts], per_decade: float | None) -> list[Reason]:
    notes: list[Reason] = []
    if per_decade is not None and claim.change is None:
        notes.append(
            Reason(
                code="per_decade",
                verdict=None,
                figure="difference",
                words=f"per decade of size it is {per_decade:+.1f} pp",
                details={"pp_per_decade": per_decade},
            )
        )
    if per_decade is not None and claim.change is not None:
        label = scaling_label(per_decade)
        words = f"{per_decade:+.1f} pp per decade would be {label} by the threshold of 5 pp per decade"
        notes.append(
            Reason(
                code="threshold_label",
                verdict=None,
                figure="change",
                words=words,
                details={"label": label, "pp_per_decade": per_decade},
            )
        )
    if not counts or max(counts[0][1], counts[0][3]) > _LARGEST:
        return notes
    k1, n1, k2, n2 = counts[len(counts) // 2]
    if claim.p is None:
        p = fisher_exact_test(k1, n1, k2, n2).p_value
        notes.append(
            Reason(
                code="no_p",
                verdict=None,
                figure="p",
                words=f"no p is printed; Fisher's two-sided p is {p:.2g}" + (": no evidence of a difference" if p > 0.05 else ""),
                details={"p": p},
            )
        )
    if claim.interval is None:
        found = newcombe_interval(k2, n2, k1, n1)
        notes.append(
            Reason(
                code="no_interval",
                verdict=None,
                figure="interval",
                words="no interval is printed; Newcombe's 95 % for the difference "
                f"is [{100 * found.low:+.1f}, {100 * found.high:+.1f}] pp",
                details={"low": found.low, "high": found.high},
            )
        )
    if claim.size1_b is not None and claim.size2_b is not None:
        notes.append(
            Reason(
                code="two_sizes",
                verdict=None,
                figure="change",
                words="two sizes make a difference, not a slope; two models say nothing about others",
            )
        )
    return notes
