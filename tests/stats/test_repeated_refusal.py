"""Refusal by repeated sampling: definition, its entropy's bias shown, laws and refusals."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import classifier_entropy, design_effect_wilson_interval, repeated_sample_refusal


def entropy(q):
    return -sum(p * math.log(p) for p in (q, 1 - q) if p > 0)


def test_share_and_entropy_are_as_by_hand():
    found = repeated_sample_refusal([[1, 1, 1], [1, 0, 0], [0, 0, -1], [-1, -1, -1], [1, -1, 0]])
    assert found.share == (3 + 1 + 0 + 1) / (3 + 3 + 2 + 2)
    assert found.per_prompt.tolist() == [1.0, 1 / 3, 0.0, 0.5]
    assert found.samples.tolist() == [3, 3, 2, 2]
    assert found.entropy == pytest.approx((entropy(1 / 3) + math.log(2)) / 4)
    corrected = (entropy(1 / 3) + 1 / 6, min(math.log(2), math.log(2) + 1 / 4))
    assert found.entropy_corrected == pytest.approx((min(corrected[0], math.log(2)) + corrected[1]) / 4)
    assert found.entropy_of_mean == pytest.approx(entropy(0.5))
    assert (found.prompts, found.unknown, found.without) == (4, 5, 1)
    other = design_effect_wilson_interval([3, 1, 0, 1], [3, 3, 2, 2])
    assert found.share_interval == (other.low, other.high)


def test_the_correction_is_half_a_sample_where_both_are_seen():
    found = repeated_sample_refusal([[1] + [0] * 9, [0] * 10])
    assert found.entropy == pytest.approx(entropy(0.1) / 2)
    assert found.entropy_corrected == pytest.approx((entropy(0.1) + 1 / 20) / 2)


@pytest.mark.parametrize(("samples", "printed"), [(1, 0.0), (2, 0.347), (5, 0.577), (20, 0.667)])
def test_few_samples_show_less_entropy_than_there_is(samples, printed):
    """Every prompt is refused every other time, so each has ln 2 = .693 nats; what is shown on average is `most_expected`."""
    rng = np.random.default_rng(samples)
    found = repeated_sample_refusal(rng.binomial(1, 0.5, (20_000, samples)))
    by_hand = sum(math.comb(samples, k) * entropy(k / samples) for k in range(samples + 1)) / 2**samples
    assert found.most_expected == pytest.approx(by_hand, rel=1e-10, abs=1e-12)
    assert round(found.most_expected, 3) == printed
    assert found.entropy == pytest.approx(by_hand, abs=0.01)
    assert found.entropy <= found.entropy_corrected <= math.log(2)
    assert found.entropy < 0.97 * math.log(2)


def test_millers_term_takes_most_of_the_bias_where_prompts_show_both():
    rng = np.random.default_rng(5)
    p = rng.uniform(0.3, 0.7, 5_000)
    truth = np.mean([entropy(one) for one in p])
    found = repeated_sample_refusal(rng.binomial(1, p[:, None], (5_000, 10)))
    assert found.entropy < truth - 0.03
    assert abs(found.entropy_corrected - truth) < 0.5 * abs(found.entropy - truth)


def test_no_share_shows_more_than_even_odds_do():
    """The expectation at any p is below that at 1/2."""
    for samples in (2, 3, 7):
        for p in (0.1, 0.3, 0.45):
            here = sum(math.comb(samples, k) * p**k * (1 - p) ** (samples - k) * entropy(k / samples) for k in range(samples + 1))
            assert here < repeated_sample_refusal([[1] * samples]).most_expected


def test_a_sure_grader_on_an_undecided_model():
    """Two entropies: the model refuses every other time, and the grader is sure each time."""
    verdicts = np.tile([[1, 0]], (6, 1))
    grader = classifier_entropy([[float(v), 1 - float(v)] for v in verdicts.ravel()])
    model = repeated_sample_refusal(verdicts)
    assert grader.estimate == 0.0
    assert model.entropy == grader.entropy_of_mean == pytest.approx(math.log(2))


def test_none_and_all_refused_have_width_and_no_entropy():
    for value in (0, 1):
        found = repeated_sample_refusal(np.full((9, 4), value))
        assert (found.share, found.entropy, found.entropy_corrected) == (value, 0.0, 0.0)
        assert found.share_interval[1] - found.share_interval[0] > 0.2
        assert found.entropy_interval is None
        assert "equal" in found.undefined_because


@given(st.integers(0, 10_000))
def test_law_entropy_is_at_most_that_of_the_mean_and_ln_2(seed):
    rng = np.random.default_rng(seed)
    prompts, samples = rng.integers(1, 12), rng.integers(1, 7)
    verdicts = rng.binomial(1, rng.beta(0.5, 0.5, (prompts, 1)), (prompts, samples))
    found = repeated_sample_refusal(verdicts)
    assert 0 <= found.entropy <= found.entropy_of_mean + 1e-12
    assert found.entropy_of_mean <= math.log(2) + 1e-15
    assert found.entropy <= found.entropy_corrected <= math.log(2) + 1e-15
    flipped = repeated_sample_refusal(1 - verdicts)
    assert flipped.entropy == pytest.approx(found.entropy, abs=1e-12)
    assert flipped.share == pytest.approx(1 - found.share)
    if found.entropy_interval is not None:
        assert 0 <= found.entropy_interval[0] <= found.entropy <= found.entropy_interval[1] <= math.log(2)


def test_refuses_nothing_known_and_other_codes():
    with pytest.raises(InsufficientData, match="no response has a known verdict"):
        repeated_sample_refusal([[-1, -1]])
    with pytest.raises(InsufficientData, match="no response has a known verdict"):
        repeated_sample_refusal([])
    with pytest.raises(DomainError, match="refused must hold 1 refused"):
        repeated_sample_refusal([[1, 2]])
    with pytest.raises(DomainError, match="level must lie strictly"):
        repeated_sample_refusal([[1, 0]], level=95)
