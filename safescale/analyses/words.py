"""Sentences from numbers: nothing here is fixed text that the data could contradict."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.stats import RawDifference, ScalingLabel, Shape, SizeSlopeTest

__all__ = [
    "LEVEL_HOLDS",
    "and_list",
    "capital",
    "difference_words",
    "label_words",
    "p_clause",
    "p_words",
    "percent",
    "plural",
    "shape_words",
    "signed",
    "size_words",
    "slope_words",
]


LEVEL_HOLDS = "holds within each of them, for each kind of test (mean, within generations, by class); not over all"
"""Where the family-wise level holds when several settings are answered."""


def p_words(p: float) -> str:
    """A probability as papers print it: ``.083``, ``<.001``, ``1``."""
    if p < 0.001:
        return "<.001"
    return "1" if p > 0.9995 else f"{p:.3f}".removeprefix("0")


def p_clause(p: float) -> str:
    """``p = .083`` or ``p < .001``."""
    words = p_words(p)
    return f"p < {words[1:]}" if words.startswith("<") else f"p = {words}"


def plural(n: int, noun: str) -> str:
    """``1 model``, ``3 models``, ``2 classes``."""
    ending = "es" if noun.endswith("s") else "s"
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}{ending}"


def and_list(items: Sequence[str]) -> str:
    """``a, b and c``."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def capital(words: str) -> str:
    """The same words as a sentence begins."""
    return words[0].upper() + words[1:]


def percent(fraction: float) -> str:
    """A fraction as percent with one digit."""
    return f"{100 * fraction:.1f} %"


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign; what rounds to zero has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text


def size_words(params_b: float) -> str:
    """``0.8B``, ``70B``; below 0.1B, where few digits would be left, ``31.7k`` and ``4.2M``."""
    for unit, scale, below in (("k", 1e6, 999.5), ("M", 1e3, 99.95)):
        if params_b * scale < below:
            return f"{params_b * scale:.3g}{unit}"
    return f"{params_b:g}B"


def slope_words(test: SizeSlopeTest, sizes_b: Sequence[float]) -> str:
    """Slope, interval, models, sizes and p of one series."""
    line = test.slope
    interval = "" if line.interval is None else f" [{signed(line.interval[0])}, {signed(line.interval[1])}]"
    span = f"{plural(len(sizes_b), 'size')} from {size_words(sizes_b[0])} to {size_words(sizes_b[-1])}"
    how = {
        "exact_permutation": "exact permutation of models",
        "monte_carlo_permutation": "permutation of models",
        "ols_t": "t test, models as units",
    }[test.method]
    # a t test has no smallest attainable p: only arrangements of models have one
    floor = "" if test.method == "ols_t" else f"; smallest attainable here {p_words(test.p_floor)}"
    return (
        f"{signed(line.slope_pp_per_decade)} pp per decade{interval} over {plural(test.n, 'model')}, {span}; "
        f"{p_clause(test.p_value)} ({how}{floor})"
    )


def difference_words(raw: RawDifference, low_high: tuple[float, float, float] | None, basis: str | None) -> str:
    """Difference between two sizes with its interval; direction and whether zero is inside come from the numbers."""
    sizes = f"{size_words(raw.larger_b)} minus {size_words(raw.smaller_b)}"
    per_decade = f"raw difference per decade {signed(raw.difference_pp_per_decade)} pp"
    if low_high is None:
        return f"{sizes}: {signed(raw.difference_pp)} pp; {per_decade}; no interval"
    estimate, low, high = low_high
    inside = "the interval includes zero" if low <= 0 <= high else "the interval excludes zero, for these models only"
    quoted = f"{signed(100 * estimate)} pp [{signed(100 * low)}, {signed(100 * high)}] ({basis})"
    return f"{sizes}: {quoted}; {per_decade}; {inside}"


def shape_words(shape: Shape) -> str:
    """A shape in words."""
    return {
        "increasing": "monotone, rising with size",
        "decreasing": "monotone, falling with size",
        "u": "a U",
        "inverted_u": "an inverted U",
        "several_turns": "several turns",
        "none": "no shape is claimed",
    }[shape]


def label_words(label: ScalingLabel) -> str:
    """The label of report 353 with what it is."""
    return f"label of report 353: {label} (it looks at the estimate alone)"
