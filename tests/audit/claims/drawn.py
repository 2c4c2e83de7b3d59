"""Claims drawn from data that exist: right ones as several programs and habits would print them, and wrong ones made of those."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import scipy.stats

Fields = dict[str, Any]
MINUS = "\u2212"


def printed(value: float, decimals: int, rng: np.random.Generator, *, percent: bool = False, bare: bool = False) -> str:
    """A number as a paper rounds it: half up or half to even, with or without a leading zero, with either minus sign."""
    rounding = ROUND_HALF_UP if rng.random() < 0.5 else ROUND_HALF_EVEN
    text = f"{Decimal(repr(float(100 * value if percent else value))).quantize(Decimal(1).scaleb(-decimals), rounding=rounding):f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    if not percent and not bare and rng.random() < 0.3 and text.lstrip("-").startswith("0."):
        text = text.replace("0.", ".", 1)
    if rng.random() < 0.3:
        text = text.replace("-", MINUS)
    return text + ("" if not percent or bare else rng.choice(["%", " %"]))


def printed_p(p: float, rng: np.random.Generator) -> str:
    """A p-value: exact digits, ``< .001``, ``p = .04``, stars."""
    if p < 0.001 and rng.random() < 0.7:
        return str(rng.choice(["<.001", "< 0.001", "p < .001", "<0.001***"]))
    if rng.random() < 0.1:
        return "p < .05" if p < 0.05 else "p > .05" if p > 0.05 else "0.05"
    text = printed(p, int(rng.integers(2, 5)), rng)
    return f"p = {text}" if rng.random() < 0.2 else text


def printed_count(n: int, rng: np.random.Generator) -> str:
    """A count with or without separators and name."""
    return str(rng.choice([f"{n}", f"{n:,}", f"n = {n:,}"]))


def printed_interval(low: float, high: float, decimals: int, rng: np.random.Generator, *, percent: bool) -> str:
    """Two ends in one of the usual brackets."""
    a, b = (printed(end, decimals, rng, percent=percent, bare=True) for end in (low, high))
    forms = [f"[{a}, {b}]", f"({a}, {b})", f"[{a}; {b}]", f"({a}, {b}]", f"95% CI [{a}, {b}]", f"{a} to {b}"]
    if low >= 0:
        forms += [f"{a}\u2013{b}", f"{a}-{b}", f"[{a}\u2013{b}]"]
    text = str(rng.choice(forms))
    return f"{text} %" if percent and rng.random() < 0.7 else text


def bounds_of(k: int, n: int, method: str, z: float) -> tuple[float, float]:
    """Intervals by formulas of their own, not those under test."""
    p, a = k / n, scipy.stats.norm.sf(z)
    if method == "wald":
        half = z * math.sqrt(p * (1 - p) / n)
        return max(0.0, p - half), min(1.0, p + half)
    if method == "wilson":
        centre, half = (k + z * z / 2) / (n + z * z), z * math.sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
        return max(0.0, centre - half), min(1.0, centre + half)
    if method == "wilson continuity":
        low = (2 * k + z * z - 1 - z * math.sqrt(max(0.0, z * z - 2 - 1 / n + 4 * p * (n * (1 - p) + 1)))) / (2 * (n + z * z))
        high = (2 * k + z * z + 1 + z * math.sqrt(max(0.0, z * z + 2 - 1 / n + 4 * p * (n * (1 - p) - 1)))) / (2 * (n + z * z))
        return (0.0 if k == 0 else max(0.0, low)), (1.0 if k == n else min(1.0, high))
    if method == "agresti coull":
        total = n + z * z
        q = (k + z * z / 2) / total
        half = z * math.sqrt(q * (1 - q) / total)
        return max(0.0, q - half), min(1.0, q + half)
    if method == "clopper pearson":
        low = 0.0 if k == 0 else float(scipy.stats.beta.ppf(a, k, n - k + 1))
        return low, 1.0 if k == n else float(scipy.stats.beta.isf(a, k + 1, n - k))
    low, high = scipy.stats.beta.ppf(a, k + 0.5, n - k + 0.5), scipy.stats.beta.isf(a, k + 0.5, n - k + 0.5)
    return (0.0 if k == 0 else float(low)), (1.0 if k == n else float(high))


METHODS = ("wilson", "wilson continuity", "clopper pearson", "agresti coull", "jeffreys", "wald")
SPELT = {
    "wilson": ["Wilson", "wilson", "Wilson score"],
    "wilson continuity": ["Wilson with continuity correction", "wilson_continuity"],
    "clopper pearson": ["Clopper-Pearson", "clopper\u2013pearson", "exact"],
    "agresti coull": ["Agresti-Coull"],
    "jeffreys": ["Jeffreys"],
    "wald": ["Wald", "normal approximation"],
}


def _cell(rng: np.random.Generator) -> tuple[int, int]:
    n = round(10 ** rng.uniform(math.log10(5), 5))
    k = int(rng.choice([0, n, 1, n - 1])) if rng.random() < 0.12 else int(rng.binomial(n, rng.beta(0.7, 0.7)))
    return k, n


def proportion(rng: np.random.Generator) -> Fields:
    """A share of rows with its interval."""
    k, n = _cell(rng)
    level = float(rng.choice([0.95, 0.95, 0.95, 0.9, 0.99]))
    z = float(scipy.stats.norm.isf((1 - level) / 2))
    z = {0.95: 1.96, 0.9: 1.645, 0.99: 2.576}[level] if rng.random() < 0.5 else z
    method = str(rng.choice(METHODS))
    low, high = bounds_of(k, n, method, z)
    percent = bool(rng.random() < 0.6)
    decimals = int(rng.integers(0, 3)) if percent else int(rng.integers(2, 5))
    fields: Fields = {"kind": "proportion", "n": printed_count(n, rng)}
    if rng.random() < 0.85:
        fields["percentage"] = printed(k / n, decimals, rng, percent=percent)
    if rng.random() < 0.85 or "percentage" not in fields:
        in_percent = percent if rng.random() < 0.8 else not percent
        digits = int(rng.integers(0, 3)) if in_percent else int(rng.integers(2, 5))
        if method == "wald" and low > 0 and high < 1 and rng.random() < 0.3 and "percentage" in fields:
            fields["interval"] = "\u00b1" + printed((high - low) / 2, digits, rng, percent=in_percent)
        else:
            fields["interval"] = printed_interval(low, high, digits, rng, percent=in_percent)
        if rng.random() < 0.7:
            fields["method"] = str(rng.choice(SPELT[method]))
        fields["level"] = (
            str(rng.choice([f"{level:g}", f"{100 * level:g}%", f"{100 * level:g}"]))
            if level != 0.95 or rng.random() < 0.5
            else None
        )
    if rng.random() < 0.3:
        fields["k"] = printed_count(k, rng).removeprefix("n = ")
    return fields


def _pairs(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:  # type: ignore[type-arg]
    n = round(10 ** rng.uniform(math.log10(4), 2.5))
    x = rng.standard_normal(n)
    return x, rng.uniform(-1.5, 1.5) * x + rng.standard_normal(n), n


def correlation(rng: np.random.Generator) -> Fields:
    """A correlation with n and p, by scipy."""
    x, y, n = _pairs(rng)
    name = str(rng.choice(["pearson", "spearman", "kendall"]))
    test = {"pearson": scipy.stats.pearsonr, "spearman": scipy.stats.spearmanr, "kendall": scipy.stats.kendalltau}[name](x, y)
    value, p = float(test.statistic), float(test.pvalue)
    if name == "spearman" and n <= 7:
        exact = scipy.stats.permutation_test(
            (x,), lambda order: scipy.stats.spearmanr(order, y).statistic, permutation_type="pairings", vectorized=False
        )
        p = float(exact.pvalue)
    fields: Fields = {
        "kind": "correlation",
        "coefficient": name,
        "value": printed(value, int(rng.integers(2, 5)), rng),
        "n": printed_count(n, rng),
        "p": printed_p(p, rng),
    }
    if name == "pearson":
        if rng.random() < 0.3:
            del fields["coefficient"]
        if rng.random() < 0.5:
            fields["r2"] = printed(value**2, int(rng.integers(2, 4)), rng, percent=bool(rng.random() < 0.3))
        if rng.random() < 0.3:
            fields["t"] = printed(value * math.sqrt((n - 2) / (1 - value**2)), 2, rng)
    return fields


def regression(rng: np.random.Generator) -> Fields:
    """A line, by scipy."""
    x, y, n = _pairs(rng)
    scale = 10 ** rng.uniform(-2, 1)
    fit = scipy.stats.linregress(x, scale * y)
    decimals = max(1, int(rng.integers(2, 4) - math.floor(math.log10(scale))))
    t = float(scipy.stats.t.isf(0.025, n - 2))
    fields: Fields = {"kind": "regression", "slope": printed(fit.slope, decimals, rng), "n": printed_count(n, rng)}
    options = {
        "r": lambda: printed(fit.rvalue, 3, rng),
        "r2": lambda: printed(fit.rvalue**2, int(rng.integers(2, 4)), rng),
        "p": lambda: printed_p(fit.pvalue, rng),
        "se": lambda: printed(fit.stderr, decimals, rng),
        "t": lambda: printed(fit.slope / fit.stderr, 2, rng),
        "interval": lambda: printed_interval(fit.slope - t * fit.stderr, fit.slope + t * fit.stderr, decimals, rng, percent=False),
    }
    for name, make in options.items():
        if rng.random() < 0.6:
            fields[name] = make()
    return fields


def share_of_variance(rng: np.random.Generator) -> Fields:
    """Eta squared with what comes with it."""
    k = int(rng.integers(2, 13))
    sizes = rng.integers(1, 8, k)
    sizes[0] += 2
    groups = [rng.normal(rng.normal(0, rng.choice([0.0, 1.0])), 1, size) for size in sizes]
    values, n = np.concatenate(groups), int(sizes.sum())
    between = sum(len(g) * (g.mean() - values.mean()) ** 2 for g in groups)
    total = float(((values - values.mean()) ** 2).sum())
    within = total - between
    f = between / (k - 1) / (within / (n - k))
    fields: Fields = {
        "kind": "eta2",
        "k": str(k),
        "n": printed_count(n, rng),
        "eta2": printed(
            between / total, int(rng.integers(1, 4)) if rng.random() < 0.5 else 3, rng, percent=bool(rng.random() < 0.5)
        ),
    }
    if rng.random() < 0.7:
        fields["f"] = printed(f, 2, rng)
    if rng.random() < 0.7:
        fields["p"] = printed_p(float(scipy.stats.f.sf(f, k - 1, n - k)), rng)
    if rng.random() < 0.4:
        fields["omega2"] = printed((between - (k - 1) * within / (n - k)) / (total + within / (n - k)), 2, rng)
    if rng.random() < 0.4:
        fields["epsilon2"] = printed((between - (k - 1) * within / (n - k)) / total, 3, rng)
    return fields


def ratio(rng: np.random.Generator) -> Fields:
    """A ratio of two rates."""
    a, b = rng.uniform(0.01, 1, 2)
    digits = int(rng.integers(1, 3))
    return {
        "kind": "ratio",
        "ratio": printed(a / b, digits, rng, bare=True) + "x",
        "numerator": printed(a, digits, rng, percent=True),
        "denominator": printed(b, digits, rng, percent=True),
    }


def association(rng: np.random.Generator) -> Fields:
    """A table of counts with a test, by scipy."""
    shape = (2, 2) if rng.random() < 0.6 else (int(rng.integers(2, 4)), int(rng.integers(2, 5)))
    table = rng.poisson(10 ** rng.uniform(0.5, 2.5, shape)) + 1
    corrected = bool(rng.random() < 0.5) and shape == (2, 2)
    test = scipy.stats.chi2_contingency(table, correction=corrected)
    fields: Fields = {
        "kind": "association",
        "table": table.tolist() if rng.random() < 0.5 else "; ".join(" ".join(map(str, row)) for row in table),
    }
    if shape == (2, 2) and rng.random() < 0.4:
        fisher = scipy.stats.fisher_exact(table)
        fields["p"] = printed_p(float(fisher.pvalue), rng)
        fields["odds_ratio"] = printed(float(fisher.statistic), 2, rng)
        if rng.random() < 0.5:
            fields["test"] = "Fisher's exact test"
    else:
        fields |= {
            "statistic": printed(float(test.statistic), 2, rng),
            "df": str(test.dof),
            "p": printed_p(float(test.pvalue), rng),
        }
        if rng.random() < 0.5:
            fields["test"] = "Yates" if corrected else "chi-square"
        if not corrected and rng.random() < 0.5:
            fields["v"] = printed(math.sqrt(float(test.statistic) / table.sum() / (min(shape) - 1)), 2, rng)
        if rng.random() < 0.3:
            del fields["table"]
            fields["n"] = printed_count(int(table.sum()), rng)
            if min(shape) > 2:
                fields.pop("v", None)
    return fields


def difference(rng: np.random.Generator) -> Fields:
    """Two rates with their difference and a test."""
    (k1, n1), (k2, n2) = (
        (int(rng.binomial(n, rng.uniform(0.02, 0.98))), n) for n in (int(10 ** rng.uniform(1, 3.5)) for _ in range(2))
    )
    p1, p2 = k1 / n1, k2 / n2
    sizes = sorted(rng.choice([0.8, 2, 4, 8, 27, 70, 405], 2, replace=False).tolist())
    fields: Fields = {"kind": "difference", "n1": printed_count(n1, rng), "n2": printed_count(n2, rng)}
    fields |= (
        {"k1": str(k1), "k2": str(k2)}
        if rng.random() < 0.6
        else {f"percentage{at}": printed(p, 1, rng, percent=True) for at, p in ((1, p1), (2, p2))}
    )
    if rng.random() < 0.5:
        fields["difference"] = printed(p2 - p1, 1, rng, percent=True, bare=True) + " pp"
    if rng.random() < 0.5:
        change = 100 * (p2 - p1) / math.log10(sizes[1] / sizes[0])
        fields |= {
            "size1_b": f"{sizes[0]:g}B",
            "size2_b": f"{sizes[1]:g}",
            "unit": "pp/decade",
            "change": printed(change, 1, rng) + " pp",
        }
    table = np.array([[k1, n1 - k1], [k2, n2 - k2]])
    which = rng.integers(4)
    if which == 0:
        fields["p"] = printed_p(float(scipy.stats.fisher_exact(table).pvalue), rng)
    elif which < 3 and table.sum(axis=0).min() > 0:
        fields["p"] = printed_p(float(scipy.stats.chi2_contingency(table, correction=which == 1).pvalue), rng)
    if "k1" in fields and rng.random() < 0.5:
        (l1, u1), (l2, u2) = (bounds_of(k, n, "wilson", 1.96) for k, n in ((k1, n1), (k2, n2)))
        d = p2 - p1
        low, high = d - math.hypot(p2 - l2, u1 - p1), d + math.hypot(u2 - p2, p1 - l1)
        if rng.random() < 0.5:
            half = 1.96 * math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
            low, high = d - half, d + half
        fields["interval"] = printed_interval(low, high, 1, rng, percent=True)
    return fields


def kappa(rng: np.random.Generator) -> Fields:
    """Kappa with its table, or with observed and expected agreement."""
    classes = int(rng.integers(2, 4))
    table = rng.poisson(rng.uniform(1, 30, (classes, classes)) + np.diag(rng.uniform(5, 200, classes))) + np.eye(classes, dtype=int)
    n = table.sum()
    po, pe = np.trace(table) / n, float(table.sum(axis=1) @ table.sum(axis=0)) / n**2
    fields: Fields = {
        "kind": "kappa",
        "kappa": printed((po - pe) / (1 - pe), int(rng.integers(2, 4)), rng),
        "po": printed(po, 1, rng, percent=True),
    }
    if rng.random() < 0.4:
        fields["table"] = table.tolist()
    elif rng.random() < 0.5:
        fields["pe"] = printed(pe, 3, rng)
    else:
        fields["n"] = printed_count(int(n), rng)
        fields["classes"] = str(classes)
    return fields


def totals(rng: np.random.Generator) -> Fields:
    """Parts, total and shares."""
    parts = (10 ** rng.uniform(1, 4.5, int(rng.integers(2, 9)))).astype(int)
    fields: Fields = {"kind": "totals", "parts": [f"{part:,}" for part in parts.tolist()], "total": f"{int(parts.sum()):,}"}
    if rng.random() < 0.6:
        fields["shares"] = [printed(part / parts.sum(), 1, rng, percent=True) for part in parts.tolist()]
    if rng.random() < 0.3:
        fields = {
            "kind": "totals",
            "parts": [printed(part / parts.sum(), 1, rng, percent=True) for part in parts.tolist()],
            "total": "100%",
        }
    if rng.random() < 0.3:
        rates = rng.uniform(0, 100, 5)
        fields = {
            "kind": "totals",
            "parts": [printed(rate, 1, rng) for rate in rates.tolist()],
            "mean": printed(float(rates.mean()), 1, rng),
        }
    return fields


def series(rng: np.random.Generator) -> Fields:
    """Rates by size with the word for their shape, or with their slope."""
    sizes = np.sort(rng.choice([0.5, 0.8, 1.9, 4.2, 9.0, 14, 27, 70, 405], int(rng.integers(3, 7)), replace=False))
    word = str(rng.choice(["U-shape", "inverted U", "increasing", "decreases with size", "slope"]))
    rates = np.sort(rng.uniform(0.02, 0.98, len(sizes)))
    if word in ("U-shape", "inverted U"):
        turn = int(rng.integers(1, len(sizes) - 1))
        low = np.concatenate(
            [np.sort(rng.uniform(0.3, 0.95, turn))[::-1], [0.1], np.sort(rng.uniform(0.3, 0.95, len(sizes) - turn - 1))]
        )
        rates = low if word == "U-shape" else 1 - low
    elif word == "decreases with size":
        rates = rates[::-1]
    digits = int(rng.integers(0, 2))
    fields: Fields = {
        "kind": "series",
        "sizes_b": [f"{size:g}" for size in sizes],
        "rates": [printed(rate, digits, rng, percent=True) for rate in rates.tolist()],
    }
    if word != "slope":
        return fields | {"label": word}
    noisy = rng.permutation(rates)
    slope = float(scipy.stats.linregress(np.log10(sizes), 100 * noisy).slope)
    per = float(rng.choice([1.0, math.log10(2)]))
    fields["rates"] = [printed(rate, digits, rng, percent=True) for rate in noisy.tolist()]
    return fields | {"slope": printed(slope * per, 2, rng), "unit": "per decade" if per == 1 else "per doubling"}


def statistic(rng: np.random.Generator) -> Fields:
    """A test as papers print it."""
    name = str(rng.choice(["t", "F", "z", "chi2"]))
    d1, d2 = int(rng.integers(1, 40)), int(rng.integers(2, 200))
    if name == "t":
        value = float(scipy.stats.t.rvs(d1, random_state=rng)) * 1.5
        p, more = 2 * scipy.stats.t.sf(abs(value), d1), {"df1": str(d1)}
    elif name == "F":
        value = float(scipy.stats.f.rvs(d1, d2, random_state=rng)) * 1.3
        p, more = scipy.stats.f.sf(value, d1, d2), {"df1": str(d1), "df2": str(d2)}
    elif name == "z":
        value = float(rng.standard_normal()) * 2
        p, more = 2 * scipy.stats.norm.sf(abs(value)), {}
    else:
        value = float(scipy.stats.chi2.rvs(d1, random_state=rng)) * 1.2
        p, more = scipy.stats.chi2.sf(value, d1), {"df1": str(d1)}
    return {"kind": "statistic", "test": name, "value": printed(value, 2, rng), "p": printed_p(float(p), rng), **more}


def slope_label(rng: np.random.Generator) -> Fields:
    """The rule of report 353."""
    slope = float(rng.normal(0, 8))
    label = "INVERSE_SCALING" if slope > 5 else "POSITIVE_SCALING" if slope < -5 else "FLAT_OR_NOISY"
    return {
        "kind": "slope_label",
        "slope": printed(slope, int(rng.integers(1, 3)), rng),
        "unit": "per decade",
        "label": label,
        "threshold": "5",
    }


def entropy(rng: np.random.Generator) -> Fields:
    """Entropies of binary answers."""
    p = rng.uniform(0, 1, 6)
    values = -(p * np.log(p) + (1 - p) * np.log1p(-p))
    return {
        "kind": "entropy",
        "values": [printed(v, 3, rng) for v in [*values.tolist(), math.log(2)]],
        "classes": "2",
        "unit": "nats",
    }


RIGHT: dict[str, Callable[[np.random.Generator], Fields]] = {
    "proportion": proportion,
    "correlation": correlation,
    "regression": regression,
    "eta2": share_of_variance,
    "ratio": ratio,
    "association": association,
    "difference": difference,
    "kappa": kappa,
    "totals": totals,
    "series": series,
    "statistic": statistic,
    "slope_label": slope_label,
    "entropy": entropy,
}


def wronged(fields: Fields, name: str, rng: np.random.Generator) -> Fields | None:
    """The claim with one digit of a figure changed by 2 to 5; None where the figure has none to change."""
    text = fields[name]
    if isinstance(text, list):
        at = int(rng.integers(len(text)))
        inner = wronged({"x": text[at]}, "x", rng) if isinstance(text[at], str) else None
        return None if inner is None else fields | {name: [*text[:at], inner["x"], *text[at + 1 :]]}
    if not isinstance(text, str) or "<" in text or ">" in text:
        return None
    start = len("95% CI") if text.startswith("95% CI") else 0
    digits = [at for at, sign in enumerate(text) if sign.isdigit() and at >= start]
    if not digits:
        return None
    at = digits[-1] if rng.random() < 0.5 else int(rng.choice(digits))
    step = int(rng.integers(2, 6)) * (1 if rng.random() < 0.5 else -1)
    digit = (int(text[at]) + step) % 10
    return fields | {name: text[:at] + str(digit) + text[at + 1 :]}


def other_method(rng: np.random.Generator) -> Fields | None:
    """An interval under the name of a method that gives another one, in print."""
    k, n = _cell(rng)
    stated, made = (str(method) for method in rng.choice(METHODS, 2, replace=False))
    ends, others = bounds_of(k, n, made, 1.959963984540054), bounds_of(k, n, stated, 1.959963984540054)
    text, other = (printed_interval(*both, 3, np.random.default_rng(1), percent=False) for both in (ends, others))
    if text == other:
        return None
    return {"kind": "proportion", "n": f"{n:,}", "k": str(k), "interval": text, "method": stated}


def normal_for_t(rng: np.random.Generator) -> Fields | None:
    """A correlation whose p is from a normal distribution, where Student's t prints another."""
    n = int(rng.integers(5, 40))
    r = float(f"{rng.uniform(-0.8, 0.8):.3f}")
    t = r * math.sqrt((n - 2) / (1 - r * r))
    normal, right = 2 * scipy.stats.norm.sf(abs(t)), 2 * scipy.stats.t.sf(abs(t), n - 2)
    return None if abs(normal - right) < 0.004 else {"kind": "correlation", "value": f"{r:.3f}", "n": str(n), "p": f"{normal:.3f}"}
