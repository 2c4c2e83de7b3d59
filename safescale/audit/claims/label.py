"""Does the word fit the figures: U against inverted U, flat, monotone, the sign of a slope, one size."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any, Final, Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from safescale.audit.claims.claim import Series, SlopeLabel
from safescale.audit.claims.correlation import another_test
from safescale.audit.claims.p_values import Recomputed, compare, student_tail, t_of_r
from safescale.audit.claims.printed import Printed
from safescale.audit.claims.result import SEVERITY, Reason
from safescale.errors import DomainError
from safescale.stats import (
    log_scaling_slope,
    raw_difference_per_decade,
    scaling_label,
    shape_of_series,
    slope_equivalence_test,
    spearman_test,
)

__all__ = ["check_series", "check_slope_label", "known_label", "shapes_of", "slope_label_reason"]

Label: TypeAlias = Literal[
    "u", "inverted_u", "increasing", "decreasing", "monotone", "flat", "INVERSE_SCALING", "POSITIVE_SCALING", "FLAT_OR_NOISY"
]

_THRESHOLD_PP: Final = 5.0
_PER_DOUBLING: Final = math.log10(2)
_SMALL_STEP_BACK: Final = 0.2
"""A word such as "rises" survives steps back that are at most this share of all movement."""

_LABELS: Final[tuple[tuple[str, Label], ...]] = (
    (r"inverse[ _-]*scaling|scales? inversely", "INVERSE_SCALING"),
    (r"positive[ _-]*scaling", "POSITIVE_SCALING"),
    (r"flat[ _-]*or[ _-]*noisy", "FLAT_OR_NOISY"),
    (r"(?:inverted|inverse|reverse|upside[ -]*down)[ _-]*u\b|\bn[ -]shaped?\b|\u2229|\bhump|\bpeak", "inverted_u"),
    (r"\bu\b|\bu[ _-]*(?:shape|curve)|\bdip\b|\bvalley\b", "u"),
    (r"non[ -]*monoton", "monotone"),
    (r"monoton\w*[ _-]*(?:increas|ris|up|grow)|increas|\brises?\b|\brising\b|\bup\b|\bgrow|\bhigher\b", "increasing"),
    (r"comply more|\bpositive\b", "increasing"),
    (r"monoton\w*[ _-]*(?:decreas|fall|down|declin)|decreas|\bfalls?\b|\bfalling\b|\bdown\b|declin|\blower\b", "decreasing"),
    (r"comply less|\bnegative\b", "decreasing"),
    (r"monoton", "monotone"),
    (r"\bflat\b|no (?:trend|effect|change)|constant|unchanged|stable|independent of", "flat"),
)
_WORDS: Final = {
    "u": "a U",
    "inverted_u": "an inverted U",
    "increasing": "increasing",
    "decreasing": "decreasing",
    "several_turns": "several turns",
    "constant": "constant",
    "monotone": "monotone",
    "flat": "flat",
}


def known_label(words: str) -> Label | None:
    """What a verbal label claims, or None."""
    for pattern, label in _LABELS:
        if re.search(pattern, words, re.IGNORECASE):
            return None if re.search(r"non[ -]*monoton", words, re.IGNORECASE) else label
    return None


def shapes_of(ranges: list[tuple[float, float]]) -> set[str]:
    """Every shape that a series can have over its rounding, by the signs of its steps."""
    steps: list[tuple[int, ...]] = []
    for (low, high), (next_low, next_high) in itertools.pairwise(ranges):
        if next_low > high:
            steps.append((1,))
        elif next_high < low:
            steps.append((-1,))
        else:
            steps.append((-1, 0, 1))
    if sum(len(step) > 1 for step in steps) > 9:
        return {"u", "inverted_u", "increasing", "decreasing", "several_turns", "constant"}
    return {_shape(signs) for signs in itertools.product(*steps)}


def _shape(signs: tuple[int, ...]) -> str:
    runs = [sign for sign, _ in itertools.groupby(sign for sign in signs if sign)]
    if not runs:
        return "constant"
    if len(runs) == 1:
        return "increasing" if runs[0] > 0 else "decreasing"
    if len(runs) == 2:
        return "inverted_u" if runs[0] > 0 else "u"
    return "several_turns"


def check_slope_label(claim: SlopeLabel) -> tuple[list[Reason], list[Reason]]:
    """Findings about a slope and its label."""
    if claim.slope is None:
        return [], []
    reason = slope_label_reason(claim.slope, claim.unit, claim.label, claim.threshold)
    notes = []
    if known_label(claim.label) in ("flat", "FLAT_OR_NOISY"):
        notes.append(_flat_note())
    return [reason], notes


def _flat_note() -> Reason:
    return Reason(
        code="flat_not_tested",
        verdict=None,
        figure="label",
        words="the label looks at the estimate alone: flatness is shown by an equivalence test, not by a small slope",
    )


def slope_label_reason(slope: Printed | float, unit: str | None, words: str, threshold: Printed | None) -> Reason:
    """A label against the threshold rule (report 353: beyond 5 pp per decade), over the rounding of the slope."""
    label = known_label(words)
    printed: dict[str, Any] = {"figure": "label", "printed": words}
    if label is None:
        return Reason(code="label_unknown", verdict="cannot be decided", words=f"the label {words!r} is not known here", **printed)
    limit = _THRESHOLD_PP if threshold is None else float(abs(threshold.value))
    factor = 1 / _PER_DOUBLING if unit == "per doubling" else 1.0
    scales: tuple[float, ...] = (1.0,)
    if isinstance(slope, Printed):
        ends = slope.float_bounds
        if slope.scale == "fraction":
            scales = (100.0,)
        elif slope.scale == "either" and abs(slope.value) < 1 and "pp" not in slope.text:
            scales = (1.0, 100.0)
    else:
        ends = slope, slope
    # rounding may hide on which side of the threshold a slope was
    wanted = {"flat": "FLAT_OR_NOISY"}.get(label, label)
    details: dict[str, Any] = {"threshold_pp_per_decade": limit, "label": label}
    for scale in scales:
        values = [end * factor * scale for end in ends]
        if min(values) <= 0 <= max(values):
            values.append(0.0)
        possible = {scaling_label(value, threshold_pp_per_decade=limit) if limit > 0 else "FLAT_OR_NOISY" for value in values}
        signs = {"increasing" if value > 0 else "decreasing" if value < 0 else "flat" for value in values}
        if wanted in possible | signs:
            words_of = f"{sum(ends) / 2 * factor * scale:+.2f} pp per decade is {wanted} at a threshold of {limit:g}"
            return Reason(code="label_fits", verdict="reproduces", words=words_of, recomputed=wanted, details=details, **printed)
    shown = f"{sum(ends) / 2 * factor * scales[0]:+.2f} pp per decade"
    middle = scaling_label(sum(ends) / 2 * factor * scales[0], threshold_pp_per_decade=limit)
    if wanted in ("u", "inverted_u", "monotone"):
        return Reason(
            code="shape_needs_series", verdict="cannot be decided", words="a shape needs the series, not a slope", **printed
        )
    right = middle if wanted.isupper() else ("increasing" if sum(ends) > 0 else "decreasing")
    return Reason(
        code="label_differs",
        verdict="reproduces only as",
        words=f"{shown} is {right} at a threshold of {limit:g}, not {words}",
        recomputed=right,
        details=details | {"as": right},
        **printed,
    )


@attrs.frozen(kw_only=True)
class _Points:
    """A series in the order of size."""

    sizes: tuple[float, ...]
    ranges: tuple[tuple[float, float], ...]
    values: tuple[float, ...]
    n: tuple[int, ...]

    @property
    def distinct(self) -> int:
        return len(set(self.sizes))


def _points(claim: Series) -> _Points | Reason:
    if claim.sizes_b and len(claim.sizes_b) != len(claim.rates):
        return Reason(
            code="lengths_differ",
            verdict="cannot be decided",
            figure="rates",
            words=f"{len(claim.sizes_b)} sizes, {len(claim.rates)} rates",
        )
    if claim.n and len(claim.n) != len(claim.rates):
        return Reason(
            code="lengths_differ", verdict="cannot be decided", figure="n", words=f"{len(claim.n)} n, {len(claim.rates)} rates"
        )
    percent = any(rate.scale == "percent" or rate.value > 1 for rate in claim.rates)
    rates = [rate.as_fraction("percent") if percent else rate for rate in claim.rates]
    if any(rate.float_bounds[0] > 1 or rate.float_bounds[1] < 0 for rate in rates):
        return Reason(code="not_a_share", verdict="impossible", figure="rates", words="a rate lies outside 0 to 100 %")
    sizes = [float(size.value) for size in claim.sizes_b] or [float(at + 1) for at in range(len(rates))]
    if min(sizes) <= 0:
        return Reason(code="no_size", verdict="impossible", figure="sizes_b", words="a size must be positive")
    order = sorted(range(len(rates)), key=lambda at: sizes[at])
    return _Points(
        sizes=tuple(sizes[at] for at in order),
        ranges=tuple((max(0.0, rates[at].float_bounds[0]), min(1.0, rates[at].float_bounds[1])) for at in order),
        values=tuple(float(rates[at].value) for at in order),
        n=tuple(claim.n[at] for at in order) if claim.n else (),
    )


def check_series(claim: Series) -> tuple[list[Reason], list[Reason]]:
    """Findings about a series by size, and what its word leaves out."""
    if not claim.rates:
        return [], []
    points = _points(claim)
    if isinstance(points, Reason):
        return [points], []
    reasons: list[Reason] = []
    notes: list[Reason] = []
    if claim.sizes_b and points.distinct == 1:
        word = claim.label or "a slope"
        reason = Reason(
            code="one_size",
            verdict="impossible",
            figure="label" if claim.label else "slope",
            printed=claim.label or None,
            words=f"all {len(points.sizes)} models have {points.sizes[0]:g}B: there "
            f"is no slope to estimate, so nothing is shown to be {word}",
            details={"sizes": 1},
        )
        return [reason], notes
    if claim.label:
        reasons.append(_label(claim, points))
        notes += _label_notes(claim, points)
    if claim.slope is not None and claim.sizes_b:
        reasons.append(_slope(claim, points, claim.slope))
    if claim.rho is not None and len(points.sizes) >= 3:
        reasons += _rho(claim, points)
    elif len(points.sizes) >= 3 and claim.label and points.distinct <= 6:
        notes += _rank_note(points)
    return reasons, notes


def _label(claim: Series, points: _Points) -> Reason:
    label = known_label(claim.label)
    printed: dict[str, Any] = {"figure": "label", "printed": claim.label}
    if label is None:
        return Reason(
            code="label_unknown", verdict="cannot be decided", words=f"the label {claim.label!r} is not known here", **printed
        )
    if label.isupper():
        if not claim.sizes_b:
            return Reason(code="no_sizes", verdict="cannot be decided", words="a slope needs the sizes", **printed)
        return slope_label_reason(_fitted(points), "per decade", claim.label, claim.threshold)
    possible = shapes_of(list(points.ranges)) if points.distinct == len(points.sizes) else shapes_of(_by_size(points))
    likely = _shape(tuple(int(np.sign(b - a)) for a, b in itertools.pairwise(_means(points))))
    details: dict[str, Any] = {"shape": likely, "possible": tuple(sorted(possible))}
    if label in ("u", "inverted_u", "monotone") and points.distinct < 3:
        return Reason(
            code="two_sizes",
            verdict="impossible",
            words="two sizes have no shape: they make a difference",
            details=details,
            **printed,
        )
    if label == "flat":
        return _flat(claim, points, likely, details)
    wanted = {"increasing", "decreasing"} if label == "monotone" else {label}
    shown = _WORDS[likely]
    if wanted & possible:
        return Reason(
            code="label_fits", verdict="reproduces", words=f"the series is {shown}", recomputed=shown, details=details, **printed
        )
    if label in ("increasing", "decreasing") and _mostly(points, 1 if label == "increasing" else -1):
        words = f"the series is {label} but for small steps back"
        return Reason(code="label_fits_mostly", verdict="reproduces", words=words, recomputed=shown, details=details, **printed)
    return Reason(
        code="label_differs",
        verdict="reproduces only as",
        words=f"the figures make {shown}, not {claim.label}",
        recomputed=shown,
        details=details | {"as": shown},
        **printed,
    )


def _by_size(points: _Points) -> list[tuple[float, float]]:
    found = []
    for size in sorted(set(points.sizes)):
        own = [r for s, r in zip(points.sizes, points.ranges, strict=True) if s == size]
        found.append((sum(low for low, _ in own) / len(own), sum(high for _, high in own) / len(own)))
    return found


def _means(points: _Points) -> list[float]:
    return [(low + high) / 2 for low, high in _by_size(points)]


def _mostly(points: _Points, sign: int) -> bool:
    steps = np.diff(_means(points)) * sign
    back = float(-steps[steps < 0].sum())
    return bool(steps.sum() > 0) and back <= _SMALL_STEP_BACK * float(np.abs(steps).sum())


def _fitted(points: _Points) -> float:
    x = np.log10(points.sizes)
    x = x - x.mean()
    return float(100 * (x @ np.array(points.values)) / (x @ x))


def _flat(claim: Series, points: _Points, likely: str, details: dict[str, Any]) -> Reason:
    printed: dict[str, Any] = {"figure": "label", "printed": claim.label}
    margin = _THRESHOLD_PP if claim.threshold is None else float(abs(claim.threshold.value))
    lows, highs = [low for low, _ in points.ranges], [high for _, high in points.ranges]
    spread = 100 * max(0.0, max(lows) - min(highs))
    if not claim.sizes_b:
        if spread > 2 * margin:
            return Reason(
                code="label_differs",
                verdict="reproduces only as",
                words=f"the rates are {spread:.1f} pp apart: {_WORDS[likely]}",
                recomputed=_WORDS[likely],
                details=details | {"as": _WORDS[likely]},
                **printed,
            )
        return Reason(
            code="flat_not_shown", verdict="cannot be decided", words="flatness needs sizes and an equivalence test", **printed
        )
    slope = _fitted(points)
    if points.distinct >= 3 and len(points.sizes) >= 4 and spread <= 2 * margin:
        try:
            test = slope_equivalence_test(log_scaling_slope(points.sizes, points.values), margin_pp_per_decade=margin)
        except DomainError:
            test = None
        if test is not None and test.p_value <= 0.05:
            words = f"the slope is {slope:+.1f} pp per decade and within {margin:g} by an equivalence test (p = {test.p_value:.2g})"
            return Reason(
                code="flat_shown",
                verdict="reproduces",
                words=words,
                recomputed=f"{slope:+.1f} pp per decade",
                details={"p": test.p_value},
                **printed,
            )
    if abs(slope) > 2 * margin or spread > 2 * margin:
        shape = _WORDS[likely]
        words = f"the rates are {spread:.1f} pp apart with a slope of {slope:+.1f} pp per decade: {shape}, not flat"
        return Reason(
            code="label_differs",
            verdict="reproduces only as",
            words=words,
            recomputed=shape,
            details={"as": shape, "slope_pp_per_decade": slope},
            **printed,
        )
    words = (
        f"the slope is {slope:+.1f} pp per decade; flat within {margin:g} "
        f"is not shown by an equivalence test of {len(points.sizes)} models"
    )
    return Reason(
        code="flat_not_shown", verdict="cannot be decided", words=words, recomputed=f"{slope:+.1f} pp per decade", **printed
    )


def _slope(claim: Series, points: _Points, slope: Printed) -> Reason:
    """The printed slope against the least-squares line on log10 size, over the rounding of the rates."""
    x = np.log10(points.sizes)
    middle = np.array([(low + high) / 2 for low, high in points.ranges])
    half = np.array([(high - low) / 2 for low, high in points.ranges])

    def line(weights: npt.NDArray[np.float64]) -> tuple[float, float]:
        own = x - (weights @ x) / weights.sum()
        share = weights * own / float((weights * own) @ own)
        return 100 * float(share @ middle - np.abs(share) @ half), 100 * float(share @ middle + np.abs(share) @ half)

    low, high = line(np.ones(len(x)))
    per = _PER_DOUBLING if claim.unit == "per doubling" else 1.0
    other = 1.0 if claim.unit == "per doubling" else _PER_DOUBLING
    unit, other_unit = ("per doubling", "per decade") if claim.unit == "per doubling" else ("per decade", "per doubling")
    options = [
        Recomputed(low=low * per, high=high * per, accepted=True, what=f"the line on log size, pp {unit}", code="slope_follows")
    ]
    options.append(Recomputed(low=low * other, high=high * other, accepted=False, what=other_unit, code="other_unit"))
    if points.n:
        first, last = line(np.array(points.n, dtype=np.float64))
        options.append(
            Recomputed(low=first * per, high=last * per, accepted=False, what="a line weighted by n", code="weighted_line")
        )
    ends = [100 * (points.ranges[-1][0] - points.ranges[0][1]), 100 * (points.ranges[-1][1] - points.ranges[0][0])]
    options.append(
        Recomputed(low=min(ends), high=max(ends), accepted=False, what="the raw difference of the ends", code="raw_difference")
    )
    readings = [slope]
    if slope.scale == "either" and abs(slope.value) < 1:
        readings.append(attrs.evolve(slope, value=slope.value * 100, unit_in_last_place=slope.unit_in_last_place * 100))
    found = [compare("slope", reading, options, because="sizes and rates") for reading in readings]
    return min(found, key=lambda reason: SEVERITY.index(reason.verdict or "impossible"))


def _rho(claim: Series, points: _Points) -> list[Reason]:
    """A rank correlation printed beside its own data."""
    assert claim.rho is not None
    try:
        test = spearman_test(points.sizes, points.values)
    except DomainError:
        return []
    x, y = np.log10(points.sizes), np.array(points.values)
    pearson = float(np.corrcoef(x, y)[0, 1])
    candidates = [
        Recomputed(low=test.rho, high=test.rho, accepted=True, what="Spearman's rho of the series", code="rho_follows"),
        Recomputed(low=pearson, high=pearson, accepted=False, what="Pearson's r on log10 size", code="pearson_on_log_size"),
    ]
    reasons = [compare("rho", claim.rho, candidates, because="the series")]
    if claim.p is not None:
        below = claim.p.float_bounds[1] < test.p_floor
        said = None if claim.distribution in ("permutation", "other") else claim.distribution
        # as programs print it: without the floor that the exact test has
        t = student_tail(t_of_r(test.rho, test.n), test.n - 2, 2)
        options = [
            Recomputed(
                low=test.p_value,
                high=test.p_value,
                accepted=said in (None, "exact"),
                what="the exact permutation p",
                code="exact_p",
            ),
            Recomputed(
                low=t,
                high=t,
                accepted=said == "t" or (said is None and not below and test.n > 9),
                what="the t approximation",
                code="t_p",
            ),
        ]
        doubled = spearman_test(points.sizes, points.values, two_sided="doubled_tail").p_value
        options.append(
            Recomputed(
                low=doubled, high=doubled, accepted=said in (None, "exact"), what="twice the smaller exact tail", code="exact_p"
            )
        )
        options.sort(key=lambda option: not option.accepted)
        reason = compare("p", claim.p, options, because="the series", details={"floor": test.p_floor})
        if claim.distribution in ("permutation", "other") and reason.verdict != "reproduces":
            reason = another_test(reason, claim.p, claim.distribution)
        reasons.append(reason)
    return reasons


def _rank_note(points: _Points) -> list[Reason]:
    try:
        test = spearman_test(points.sizes, points.values)
    except DomainError:
        return []
    return [
        Reason(
            code="floor_of_exact_p",
            verdict=None,
            figure="label",
            words=f"as a trend over {test.n} models: "
            f"Spearman's rho {test.rho:.2f}, "
            f"exact p {test.p_value:.3g}; none "
            f"below {test.p_floor:.3g} can be had",
            details={"rho": test.rho, "p": test.p_value, "floor": test.p_floor},
        )
    ]


def _label_notes(claim: Series, points: _Points) -> list[Reason]:
    notes = []
    if claim.sizes_b and points.distinct == 2:
        raw = raw_difference_per_decade(points.sizes, points.values)
        words = f"two sizes make a difference ({raw.difference_pp:+.1f} pp), not a slope"
        notes.append(
            Reason(code="two_sizes", verdict=None, figure="label", words=words, details={"difference_pp": raw.difference_pp})
        )
    if points.n and points.distinct == len(points.sizes) >= 3 and min(points.n) > 0:
        counts = [round(value * n) for value, n in zip(points.values, points.n, strict=True)]
        shape = shape_of_series(counts, points.n)
        words = f"beyond the noise of independent rows its shape is {_WORDS.get(shape.shape, 'not shown')}"
        notes.append(Reason(code="shape_by_test", verdict=None, figure="label", words=words, details={"shape": shape.shape}))
    if known_label(claim.label) in ("flat", "FLAT_OR_NOISY"):
        notes.append(_flat_note())
    return notes
