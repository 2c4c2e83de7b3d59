"""Mixed and marginal models of size: what they recover, where they agree with simpler things, what they refuse."""

import subprocess
import sys

import numpy as np
import pytest
import statsmodels.api as sm

from safescale.errors import DomainError, InsufficientData, MissingBackend
from safescale.models import gee_size_slope, mixed_logit_size_slope
from safescale.models.cells import sized_cells

BOTH = [gee_size_slope, mixed_logit_size_slope]


def simulated(rng, *, models=10, prompts=30, repeats=2, slope=0.5, model_sd=0.4, prompt_sd=1.0):
    size = 10 ** rng.uniform(-0.3, 2.0, models)
    u, v = rng.normal(0, model_sd, models), rng.normal(0, prompt_sd, prompts)
    model, prompt = (np.repeat(np.arange(models), prompts), np.tile(np.arange(prompts), models))
    eta = -0.5 + slope * (np.log10(size) - np.log10(size).mean())[model] + u[model] + v[prompt]
    k = rng.binomial(repeats, 1 / (1 + np.exp(-eta)))
    return size[model], k, np.full(len(k), repeats), model.tolist(), prompt.tolist()


def fitted(function, cells):
    size, k, n, model, prompt = cells
    return function(size, k, n, model) if function is gee_size_slope else function(size, k, n, model, prompt)


@pytest.mark.slow
@pytest.mark.parametrize("function", BOTH)
def test_recovers_the_slope_and_covers_it(function):
    """25 draws of 10 models: the interval holds the true slope about as often as it says, and the spreads come back."""
    rng = np.random.default_rng(7)
    found = [fitted(function, simulated(rng)) for _ in range(25)]
    covered = sum(f.interval[0] <= 0.5 <= f.interval[1] for f in found)
    assert covered >= 20  # P(fewer | coverage .95) = 0.001
    centre = np.mean([f.slope_logit_per_decade for f in found])
    if function is mixed_logit_size_slope:
        assert centre == pytest.approx(0.5, abs=0.15)
        assert np.mean([f.model_sd_logit for f in found]) == pytest.approx(0.4, abs=0.15)
        assert np.mean([f.prompt_sd_logit for f in found]) == pytest.approx(1.0, abs=0.2)
    else:
        assert 0.25 < centre < 0.55  # a marginal slope is nearer to 0 than a conditional one
        assert all(f.within_model_correlation > -0.05 for f in found)


def test_a_marginal_slope_of_unrelated_rows_is_the_logistic_regression():
    """Equal models on one prompt each: the estimate is that of a plain binomial GLM."""
    rng = np.random.default_rng(3)
    size, k, n, model, _ = simulated(rng, models=8, prompts=12)
    got = gee_size_slope(size, k, n, model)
    x = np.log10(size)
    plain = sm.GLM(np.column_stack([k, n - k]), sm.add_constant(x), family=sm.families.Binomial()).fit()
    assert got.slope_logit_per_decade == pytest.approx(plain.params[1], rel=1e-6)


@pytest.mark.parametrize("function", BOTH)
def test_law_order_and_splitting_of_cells_are_irrelevant(function):
    rng = np.random.default_rng(11)
    size, k, n, model, prompt = simulated(rng, models=6, prompts=10)
    one = fitted(function, (size, k, n, model, prompt))
    order = rng.permutation(len(k))
    split = np.concatenate([order, order])
    half_k, half_n = np.minimum(k, 1), np.ones_like(k)
    moved = (
        size[split],
        np.concatenate([half_k[order], (k - half_k)[order]]),
        np.concatenate([half_n[order], (n - half_n)[order]]),
        [model[i] for i in split],
        [prompt[i] for i in split],
    )
    other = fitted(function, moved)
    assert other.slope_logit_per_decade == pytest.approx(one.slope_logit_per_decade, rel=1e-3, abs=1e-4)
    assert other.standard_error == pytest.approx(one.standard_error, rel=1e-3)
    assert (one.n_models, one.n_rows, other.n_rows) == (6, 120, 120)


@pytest.mark.parametrize("function", BOTH)
def test_law_swapping_success_and_failure_turns_the_slope_round(function):
    size, k, n, model, prompt = simulated(np.random.default_rng(5), models=6, prompts=10)
    one, other = (fitted(function, (size, successes, n, model, prompt)) for successes in (k, n - k))
    assert other.slope_logit_per_decade == pytest.approx(-one.slope_logit_per_decade, rel=1e-3, abs=1e-4)
    assert other.average_marginal_pp_per_decade == pytest.approx(-one.average_marginal_pp_per_decade, rel=1e-3, abs=1e-2)


@pytest.mark.parametrize("function", BOTH)
def test_carries_its_inputs_and_speaks_of_new_models(function):
    size, k, n, model, prompt = simulated(np.random.default_rng(5), models=5, prompts=8)
    got = fitted(function, (size, k, n, model, prompt))
    assert (got.n_models, got.dof, got.generalises_to) == (5, 3, "new_models")
    assert got.successes == tuple(k.tolist())
    assert got.models == tuple(model)
    assert got.interval[0] < got.slope_logit_per_decade < got.interval[1]
    low, high = got.average_marginal_interval
    assert low < got.average_marginal_pp_per_decade < high
    assert 0 < got.p_value <= 1


def test_large_models_get_the_robust_error_and_say_so():
    size = np.array([1.0, 3.0, 9.0, 30.0, 70.0])
    k, n = np.array([100, 150, 220, 230, 300]), np.full(5, 400)
    got = gee_size_slope(size, k, n, list("abcde"))
    assert got.method == "gee_exchangeable_robust"
    assert gee_size_slope(size, k // 4, n // 4, list("abcde")).method == "gee_exchangeable_bias_reduced"


def test_rows_of_cells():
    cells = sized_cells([1, 2, 3, 3], [1, 0, 2, 1], [2, 1, 2, 3], list("abcd"), None)
    y, cell = cells.rows()
    assert y.tolist() == [1, 0, 0, 1, 1, 1, 0, 0]
    assert cell.tolist() == [0, 0, 1, 2, 2, 3, 3, 3]
    assert cells.rates().tolist() == [0.5, 0, 1, pytest.approx(1 / 3)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"params_b": [1, 1, 2, 2]}, "at least 3 distinct sizes, got 2"),
        ({"models": list("abcc"), "params_b": [1, 2, 3, 3]}, "at least 4 models, got 3"),
        ({"models": list("aabc")}, "has two sizes"),
        ({"successes": [0, 0, 0, 0]}, "no success in 20 rows"),
        ({"successes": [5, 5, 5, 5]}, "no failure in 20 rows"),
        ({"successes": [6, 0, 0, 0]}, "must not exceed"),
        ({"params_b": [1, 2, 3]}, "same length"),
    ],
)
def test_refuses_what_cannot_carry_a_slope(changes, message):
    given = {"params_b": [1, 2, 3, 4], "successes": [1, 2, 3, 4], "trials": [5, 5, 5, 5], "models": list("abcd")} | changes
    with pytest.raises(DomainError, match=message):
        gee_size_slope(**given)
    with pytest.raises(DomainError, match=message):
        mixed_logit_size_slope(**given, prompts=list(range(len(given["successes"]))))


def test_refuses_one_prompt():
    with pytest.raises(InsufficientData, match="at least 2 prompts"):
        mixed_logit_size_slope([1, 2, 3, 4], [1, 2, 3, 4], [5] * 4, list("abcd"), list("pppp"))


@pytest.mark.parametrize("successes", [[0, 0, 20, 20], [20, 5, 0, 0], [0, 0, 7, 20]])
def test_separated_sizes_are_refused_in_words(successes):
    with pytest.raises(DomainError, match="separate success from failure"):
        gee_size_slope([1, 2, 30, 40], successes, [20] * 4, list("abcd"))
    with pytest.raises(DomainError, match="separate success from failure"):
        mixed_logit_size_slope([1, 2, 30, 40], successes, [20] * 4, list("abcd"), list("pqpq"))


def test_imports_without_statsmodels_and_names_the_extra():
    code = (
        "import sys; sys.modules['statsmodels'] = None\n"
        "from safescale.models import gee_size_slope\n"
        "try:\n    gee_size_slope([1, 2, 3, 4], [1, 2, 3, 4], [5] * 4, list('abcd'))\n"
        "except ImportError as error:\n    print(type(error).__name__, error)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.startswith(MissingBackend.__name__)
    assert "safescale[models]" in printed
