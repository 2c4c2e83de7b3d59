"""NIST StRD: correct digits of our least squares and our eta squared, and where float64 input is the limit."""

import pytest

from stats.nist_files import (
    ANOVAS,
    REGRESSIONS,
    anova_digits,
    as_text,
    correct_digits,
    read_anova,
    read_regression,
    regression_digits,
)

# fewer correct digits than these are a loss of accuracy: (coefficients, standard errors, residual sd, R2)
REGRESSION_FLOOR = {
    "Norris": (13, 12, 12, 14),
    "Pontius": (13, 11, 12, 14),
    "NoInt1": (14, 14, 14, 14),
    "NoInt2": (14, 14, 14, 14),
    "Filip": (7, 7, 8, 10),
    "Longley": (14, 11, 14, 14),
    "Wampler1": (14, 14, 14, 14),
    "Wampler2": (13, 13, 13, 14),
    "Wampler3": (14, 13, 14, 14),
    "Wampler4": (14, 13, 14, 14),
    "Wampler5": (14, 13, 14, 13),
}


@pytest.fixture(scope="module")
def regressions(real_data):
    return regression_digits(real_data / "nist")


@pytest.fixture(scope="module")
def anovas(real_data):
    return anova_digits(real_data / "nist")


def test_the_tables_are_printed(regressions, anovas):
    """Seen with ``pytest -s``; ``python -m benchmarks.stats_nist`` prints the same."""
    print()
    print(as_text("NIST linear regression, correct digits", regressions))
    print(as_text("NIST one-way analysis of variance, correct digits", anovas))
    assert tuple(regressions) == REGRESSIONS
    assert tuple(anovas) == ANOVAS
    assert len(REGRESSIONS) == len(ANOVAS) == 11


@pytest.mark.parametrize("name", REGRESSIONS)
def test_regression_has_its_digits(regressions, name):
    row = regressions[name]
    got = tuple(row[column] for column in ("coefficients", "standard errors", "residual sd", "R2"))
    assert all(g >= floor for g, floor in zip(got, REGRESSION_FLOOR[name], strict=True)), row


@pytest.mark.parametrize("name", REGRESSIONS)
def test_exact_rationals_on_the_decimals_give_the_certified_coefficients(regressions, name):
    assert regressions[name]["b, exact on decimals"] >= 13


@pytest.mark.parametrize("name", REGRESSIONS)
def test_coefficients_are_as_good_as_these_floats_allow(regressions, name):
    """The exact solution for the floats that `ols` is given has no more digits than ours, up to the last one."""
    assert regressions[name]["coefficients"] >= min(regressions[name]["b, exact on float64"], 14) - 0.5


def test_filip_is_limited_by_float64_powers_of_x(regressions):
    """The exact solution for the rounded powers is no better than ours: 8 digits are what this input holds."""
    limit = regressions["Filip"]["b, exact on float64"]
    assert 7 <= limit <= 9
    assert regressions["Filip"]["coefficients"] >= limit - 1


@pytest.mark.parametrize("name", ANOVAS)
def test_certified_r_squared_is_our_eta_squared(anovas, name):
    """To 13 digits, or to half a digit of what exact arithmetic on the float64 values gives."""
    row = anovas[name]
    assert row["eta2"] >= min(13.0, row["eta2, exact on float64"] - 0.5), row
    assert row["F"] >= min(13.0, row["eta2, exact on float64"] - 1), row


@pytest.mark.parametrize("name", ANOVAS)
def test_exact_rationals_on_the_decimals_give_the_certified_r_squared(anovas, name):
    assert anovas[name]["eta2, exact on decimals"] >= 13


@pytest.mark.parametrize(("name", "digits"), [("SmLs07", 4.7), ("SmLs08", 4.5), ("SmLs09", 4.4), ("SmLs04", 10.7)])
def test_float64_input_is_the_limit_of_the_stiff_files(anovas, name, digits):
    """13 common leading digits leave 4, whoever computes: exact rationals on the float64 values agree with us."""
    assert anovas[name]["eta2, exact on float64"] == pytest.approx(digits, abs=0.1)
    assert anovas[name]["eta2"] == pytest.approx(digits, abs=0.1)


def test_the_files_are_read_whole(real_data):
    folder = real_data / "nist"
    longley = read_regression(folder, "Longley")
    assert (len(longley.coefficients), len(longley.response), len(longley.predictors[0])) == (7, 16, 6)
    assert longley.residual_sd == "304.854073561965"
    filip = read_regression(folder, "Filip")
    assert (len(filip.coefficients), len(filip.response)) == (11, 82)
    assert filip.standard_errors[10] == "0.896632837373868E-05"
    assert len(read_anova(folder, "SmLs09").values) == 18009
    assert read_anova(folder, "SiRstv").f == "1.18046237440255E+00"


def test_digits_are_counted_against_the_certified_value():
    assert correct_digits(1.001, "1.0") == pytest.approx(3)
    assert correct_digits(1e-7, "0.0") == pytest.approx(7)
    assert correct_digits(2.5, "2.5") == 15
    assert correct_digits(-1.0, "1.0") == 0
