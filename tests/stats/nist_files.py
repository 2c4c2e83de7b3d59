"""NIST StRD files: certified values, data as the decimal strings that stand there, and tables of correct digits."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from safescale.stats import eta_squared, ols

REGRESSIONS = ("Norris", "Pontius", "NoInt1", "NoInt2", "Filip", "Longley", *(f"Wampler{i}" for i in range(1, 6)))
ANOVAS = ("SiRstv", "AtmWtAg", *(f"SmLs0{i}" for i in range(1, 10)))
POLYNOMIAL_DEGREE = {"Norris": 1, "Pontius": 2, "Filip": 10, **{f"Wampler{i}": 5 for i in range(1, 6)}}

_NUMBER = r"[-+]?\d*\.?\d+(?:[EeDd][-+]?\d+)?"


class Regression(NamedTuple):
    """Certified values of a linear regression, as decimal strings, and its rows."""

    coefficients: list[str]
    standard_errors: list[str]
    residual_sd: str
    r_squared: str
    response: list[str]
    predictors: list[list[str]]


class Anova(NamedTuple):
    """Certified values of a one-way analysis of variance, as decimal strings, and its rows."""

    between: str
    within: str
    f: str
    r_squared: str
    labels: list[str]
    values: list[str]


def _data(lines: list[str]) -> list[list[str]]:
    """The rows after the last heading "Data:"."""
    last = max(at for at, line in enumerate(lines) if line.startswith("Data:"))
    return [line.split() for line in lines[last + 1 :] if line.strip()]


def read_regression(folder: Path, name: str) -> Regression:
    lines = (folder / f"{name}.dat").read_text().splitlines()
    rows = [match.groups() for line in lines if (match := re.fullmatch(rf"\s+B\d+\s+({_NUMBER})\s+({_NUMBER})\s*", line))]
    sd = next(line for line in lines if line.strip().startswith("Standard Deviation  "))
    r_squared = next(line for line in lines if line.strip().startswith("R-Squared"))
    data = _data(lines)
    return Regression(
        [estimate for estimate, _ in rows],
        [error for _, error in rows],
        sd.split()[-1],
        r_squared.split()[-1],
        [row[0] for row in data],
        [row[1:] for row in data],
    )


def read_anova(folder: Path, name: str) -> Anova:
    lines = (folder / f"{name}.dat").read_text().splitlines()
    between = next(line for line in lines if line.startswith("Between")).split()
    within = next(line for line in lines if line.startswith("Within")).split()
    r_squared = next(line for line in lines if "Certified R-Squared" in line).split()[-1]
    data = _data(lines)
    return Anova(between[-3], within[-2], between[-1], r_squared, [row[0] for row in data], [row[-1] for row in data])


def design(name: str, file: Regression) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Powers of x for the polynomials, the columns themselves otherwise; no constant for NoInt."""
    x = np.array(file.predictors, dtype=float)
    if name in POLYNOMIAL_DEGREE:
        return x ** np.arange(POLYNOMIAL_DEGREE[name] + 1)
    return x if name.startswith("NoInt") else np.column_stack([np.ones(len(x)), x])


def correct_digits(got: float | Fraction, certified: str) -> float:
    """Log relative error, ``-log10 |got - c| / |c|``, absolute where c is 0; at most 15, the digits that are certified."""
    c = Fraction(certified)
    error = abs(Fraction(got) - c) / (abs(c) if c else 1)
    return 15.0 if error == 0 else max(0.0, min(15.0, -math.log10(error)))


def worst(got: Iterable[float], certified: Iterable[str]) -> float:
    return min(correct_digits(float(g), c) for g, c in zip(got, certified, strict=True))


def exact_least_squares(rows: list[list[Fraction]], response: list[Fraction]) -> list[Fraction]:
    """The solution of the normal equations by elimination in rational numbers."""
    p = len(rows[0])
    table = [
        [sum((row[i] * row[j] for row in rows), Fraction(0)) for j in range(p)]
        + [sum((row[i] * y for row, y in zip(rows, response, strict=True)), Fraction(0))]
        for i in range(p)
    ]
    for i in range(p):
        for j in range(p):
            if j != i:
                factor = table[j][i] / table[i][i]
                table[j] = [a - factor * b for a, b in zip(table[j], table[i], strict=True)]
    return [table[i][p] / table[i][i] for i in range(p)]


def exact_design(name: str, file: Regression) -> list[list[Fraction]]:
    """As `design`, from the decimal strings."""
    x = [[Fraction(value) for value in row] for row in file.predictors]
    if name in POLYNOMIAL_DEGREE:
        return [[row[0] ** power for power in range(POLYNOMIAL_DEGREE[name] + 1)] for row in x]
    return x if name.startswith("NoInt") else [[Fraction(1), *row] for row in x]


def regression_digits(folder: Path) -> dict[str, dict[str, float]]:
    """Correct digits of each regression file through ``ols``."""
    table = {}
    for name in REGRESSIONS:
        file = read_regression(folder, name)
        X, y = design(name, file), np.array(file.response, dtype=float)
        fit = ols(X, y)
        on_floats = exact_least_squares([[Fraction(v) for v in row] for row in X.tolist()], [Fraction(v) for v in y.tolist()])
        on_strings = exact_least_squares(exact_design(name, file), [Fraction(v) for v in file.response])
        table[name] = {
            "coefficients": worst(fit.coefficients, file.coefficients),
            "standard errors": worst(fit.standard_errors, file.standard_errors),
            "residual sd": correct_digits(fit.residual_sd, file.residual_sd),
            "R2": correct_digits(fit.r_squared, file.r_squared),
            "b, exact on float64": min(map(correct_digits, on_floats, file.coefficients)),
            "b, exact on decimals": min(map(correct_digits, on_strings, file.coefficients)),
        }
    return table


def exact_sums(values: Iterable[Fraction], labels: Iterable[str]) -> tuple[Fraction, Fraction]:
    """Sums of squares between and within groups, in rational numbers."""
    groups: dict[str, list[Fraction]] = {}
    for value, label in zip(values, labels, strict=True):
        groups.setdefault(label, []).append(value)
    everything = [value for members in groups.values() for value in members]
    grand = sum(everything, Fraction(0)) / len(everything)
    means = {label: sum(members, Fraction(0)) / len(members) for label, members in groups.items()}
    between = sum((len(members) * (means[label] - grand) ** 2 for label, members in groups.items()), Fraction(0))
    within = sum(((value - means[label]) ** 2 for label, members in groups.items() for value in members), Fraction(0))
    return between, within


def anova_digits(folder: Path) -> dict[str, dict[str, float]]:
    """Correct digits of eta squared and F: ours, exact arithmetic on the float64 values, and on the decimal strings."""
    table = {}
    for name in ANOVAS:
        file = read_anova(folder, name)
        values = np.array(file.values, dtype=float)
        ours = eta_squared(values, file.labels, resamples=0)
        on_floats = exact_sums(map(Fraction, values.tolist()), file.labels)
        on_strings = exact_sums(map(Fraction, file.values), file.labels)
        table[name] = {
            "eta2": correct_digits(ours.eta_squared, file.r_squared),
            "F": correct_digits(ours.f, file.f),
            "eta2, exact on float64": correct_digits(on_floats[0] / sum(on_floats), file.r_squared),
            "eta2, exact on decimals": correct_digits(on_strings[0] / sum(on_strings), file.r_squared),
        }
    return table


def as_text(title: str, table: dict[str, dict[str, float]]) -> str:
    columns = list(next(iter(table.values())))
    lines = [title, " " * 10 + "  ".join(f"{column:>{max(6, len(column))}}" for column in columns)]
    for name, row in table.items():
        lines.append(f"{name:<10}" + "  ".join(f"{row[column]:>{max(6, len(column))}.1f}" for column in columns))
    return "\n".join(lines)
