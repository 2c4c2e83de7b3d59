"""Directions of categories: what they are, what noise alone shows, and where there is none."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.errors import DomainError, InsufficientData
from safescale.stats import RefusalDirectionGeometry, refusal_direction_geometry

Made = tuple[dict[str, Any], Any]


def planted(
    seed: int, *, cosine: float, gap: float, prompts: int = 24, hidden: int = 24, categories: int = 4, spread: float = 0.25
) -> Made:
    """Categories whose true directions have one pairwise cosine, at a distance of ``gap`` from benign prompts."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(hidden, categories + 1)))[0].T
    offset = rng.normal(size=hidden) * 3.0
    held = {}
    for at in range(categories):
        centre = gap * (np.sqrt(cosine) * axes[-1] + np.sqrt(1.0 - cosine) * axes[at])
        held[f"c{at}"] = offset + centre + spread * rng.normal(size=(prompts, hidden))
    return held, offset + spread * rng.normal(size=(2 * prompts, hidden))


def found_of(made: Made, **more: Any) -> RefusalDirectionGeometry:
    return refusal_direction_geometry(*made, **({"resamples": 200, "splits": 200} | more))


def test_directions_are_unit_differences_in_means() -> None:
    harmful, benign = planted(0, cosine=0.5, gap=2.0)
    found = found_of((harmful, benign))
    for at, rows in enumerate(harmful.values()):
        difference = rows.mean(axis=0) - benign.mean(axis=0)
        assert found.norms[at] == pytest.approx(np.linalg.norm(difference))
        assert found.directions[at] * found.norms[at] == pytest.approx(difference)
    pairs = [found.directions[a] @ found.directions[b] for a, b in itertools.combinations(range(4), 2)]
    assert found.mean_cosine == pytest.approx(np.mean(pairs))
    assert found.cosines == pytest.approx(found.directions @ found.directions.T)


def test_singular_directions_rebuild_the_directions() -> None:
    found = found_of(planted(1, cosine=0.3, gap=2.0))
    assert (found.singular_values**2).sum() == pytest.approx(4.0)
    along = found.directions @ found.singular_directions.T
    assert along @ found.singular_directions == pytest.approx(found.directions)
    assert np.sqrt((along**2).sum(axis=0)) == pytest.approx(found.singular_values)
    assert (found.singular_directions @ found.directions.sum(axis=0) >= 0).all()


@pytest.mark.parametrize(("angles", "rank"), [([0, 0, 0], 1.0), ([0, 90], 2.0), ([0, 180], 1.0), ([0, 60], None)])
def test_the_rank_of_known_angles(angles: list[float], rank: float | None) -> None:
    spread = 1e-3 * np.array([[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1.0]])
    harmful = {
        str(at): np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0]) + spread for at, angle in enumerate(angles)
    }
    found = found_of((harmful, spread))
    if rank is None:
        # eigenvalues of [[1, c], [c, 1]] are 1 +- c, c = 1/2
        rank = float(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))))
    assert found.effective_rank == pytest.approx(rank, abs=1e-6)
    assert found.mean_cosine == pytest.approx(
        np.mean([np.cos(np.radians(a - b)) for a, b in itertools.combinations(angles, 2)]), abs=1e-9
    )


def test_noise_in_few_prompts_looks_like_several_directions_and_the_null_says_so() -> None:
    found = found_of(planted(3, cosine=1.0, gap=0.4, prompts=12, hidden=64))
    assert found.mean_cosine < 0.75, "one true direction, and it does not look it"
    assert found.effective_rank > 1.5
    assert found.p_value > 0.05
    assert found.null_cosine_low <= found.mean_cosine <= found.null_cosine_high
    assert found.null_rank_low <= found.effective_rank <= found.null_rank_high
    assert (found.split_half < 0.75).all(), "two halves of one category do not look alike either"
    assert found.corrected_cosine is not None
    assert found.cosine_high is not None
    assert found.corrected_cosine > found.mean_cosine
    assert found.cosine_high >= 0.99


def test_several_directions_are_told_from_noise() -> None:
    found = found_of(planted(4, cosine=0.132, gap=3.0))
    assert found.p_value == pytest.approx(1 / 201)
    assert found.null_cosine_low > 0.9
    assert found.corrected_cosine == pytest.approx(0.132, abs=0.05)
    assert found.cosine_low is not None
    assert found.cosine_high is not None
    assert found.cosine_low < 0.132 < found.cosine_high
    assert found.effective_rank > 3.0


def test_the_interval_covers_and_that_of_the_observed_cosine_would_not() -> None:
    """Calibration, small: 40 worlds of moderate noise; the observed cosine is nearly always below the truth."""
    truth, covered, below = 0.8, 0, 0
    for seed in range(40):
        found = found_of(planted(seed, cosine=truth, gap=1.5, prompts=16, hidden=32), resamples=200, splits=100)
        assert found.cosine_low is not None
        assert found.cosine_high is not None
        covered += found.cosine_low <= truth <= found.cosine_high
        below += found.mean_cosine < truth
    assert covered >= 34
    assert below >= 33


def test_the_p_value_is_uniform_or_above_under_one_direction() -> None:
    values = [found_of(planted(seed, cosine=1.0, gap=1.0, prompts=12), resamples=100, splits=100).p_value for seed in range(60)]
    assert sum(value <= 0.1 for value in values) <= 13
    assert sum(value <= 0.5 for value in values) >= 12, "and it is not always 1"


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), scale=st.sampled_from([1e-6, 0.5, 1e6]))
def test_turning_scaling_and_shifting_the_space_changes_nothing(seed: int, scale: float) -> None:
    harmful, benign = planted(seed, cosine=0.4, gap=1.0, prompts=6, hidden=8)
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    shift = rng.normal(size=8)
    one = found_of((harmful, benign), resamples=100, splits=100)
    other = found_of(
        ({name: scale * (rows + shift) @ turn for name, rows in harmful.items()}, scale * (benign + shift) @ turn),
        resamples=100,
        splits=100,
    )
    for name in ("mean_cosine", "effective_rank", "null_cosine", "null_rank"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), abs=1e-6)
    assert (one.corrected_cosine is None) == (other.corrected_cosine is None)
    if one.corrected_cosine is not None and one.cosine_low is not None:
        assert other.corrected_cosine == pytest.approx(one.corrected_cosine, rel=1e-5, abs=1e-6)
        assert other.cosine_low == pytest.approx(one.cosine_low, rel=1e-5, abs=1e-5)
    assert other.norms == pytest.approx(scale * one.norms, rel=1e-6)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), categories=st.integers(2, 5), hidden=st.sampled_from([1, 2, 40]))
def test_ranks_lie_between_one_and_the_number_of_categories(seed: int, categories: int, hidden: int) -> None:
    rng = np.random.default_rng(seed)
    harmful = {str(at): rng.normal(size=(5, hidden)) + 0.1 for at in range(categories)}
    found = found_of((harmful, rng.normal(size=(6, hidden))), resamples=100, splits=100)
    assert 1.0 <= found.effective_rank <= min(categories, hidden) + 1e-9
    assert 1.0 <= found.null_rank_low <= found.null_rank_high <= categories
    assert -1.0 <= found.null_cosine_low <= found.null_cosine_high <= 1.0
    if found.cosine_low is not None and found.cosine_high is not None:
        assert -1.0 <= found.cosine_low <= found.cosine_high <= 1.0
        assert found.rank_low is not None
        assert found.rank_high is not None
        assert 1.0 <= found.rank_low <= found.rank_high <= categories
    else:
        assert found.undefined_because is not None
    assert 0.0 < found.p_value <= 1.0
    assert not np.isnan(found.split_half).any()


def test_order_of_prompts_and_of_categories_is_irrelevant_to_what_is_observed() -> None:
    harmful, benign = planted(5, cosine=0.5, gap=2.0)
    one = found_of((harmful, benign))
    other = found_of(({name: harmful[name][::-1] for name in reversed(harmful)}, benign[::-1]))
    assert other.mean_cosine == pytest.approx(one.mean_cosine)
    assert other.effective_rank == pytest.approx(one.effective_rank)
    assert other.corrected_cosine == pytest.approx(one.corrected_cosine)


def test_a_wide_space_gives_what_a_narrow_one_gives() -> None:
    """More numbers than prompts are taken in coordinates of their span; zeros beside them change nothing."""
    harmful, benign = planted(6, cosine=0.5, gap=1.0, prompts=5, hidden=6)
    wide = ({name: np.hstack([rows, np.zeros((5, 90))]) for name, rows in harmful.items()}, np.hstack([benign, np.zeros((10, 90))]))
    one, other = found_of((harmful, benign)), found_of(wide)
    for name in ("mean_cosine", "corrected_cosine", "cosine_low", "cosine_high", "null_cosine", "rank_low", "p_value"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), abs=1e-9)


def test_prompts_without_spread_have_intervals_without_width() -> None:
    harmful = {"a": np.tile([1.0, 0.0], (5, 1)), "b": np.tile([0.6, 0.8], (5, 1))}
    found = found_of((harmful, np.zeros((5, 2))))
    assert found.mean_cosine == pytest.approx(0.6)
    assert (found.cosine_low, found.cosine_high) == pytest.approx((0.6, 0.6))
    assert found.null_cosine == pytest.approx(1.0)


def test_a_category_of_noise_alone_leaves_the_corrected_values_out_and_says_why() -> None:
    rng = np.random.default_rng(0)
    benign = rng.normal(size=(20, 30))
    noise = rng.normal(size=(6, 30))
    found = found_of(({"a": noise + 2.0, "b": noise - noise.mean(axis=0) + benign.mean(axis=0) + 0.01}, benign))
    assert found.corrected_cosine is None
    assert found.cosine_low is None
    assert found.undefined_because is not None
    assert "as large as its direction" in found.undefined_because
    assert -1 <= found.mean_cosine <= 1, "what was observed is shown all the same"


def test_the_seed_decides_the_resamples() -> None:
    made = planted(7, cosine=0.5, gap=1.5)
    assert found_of(made, rng=3) == found_of(made, rng=3)
    assert found_of(made, rng=3).null_cosine != found_of(made, rng=4).null_cosine


FOUR = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    ("harmful", "benign", "more", "error", "words"),
    [
        ({"a": FOUR}, FOUR, {}, InsufficientData, "at least 2 are needed, got 1"),
        ({"a": FOUR, "b": FOUR[:3]}, FOUR, {}, InsufficientData, r"harmful\['b'\] needs at least 4 prompts, got 3"),
        ({"a": FOUR, "b": FOUR + 1}, FOUR[:2], {}, InsufficientData, "benign needs at least 4 prompts"),
        ([FOUR, FOUR], FOUR, {}, DomainError, "must map each category"),
        ({"a": FOUR, "b": FOUR[:, :2]}, FOUR, {}, DomainError, "is 2 wide and benign 3"),
        ({"a": FOUR, "b": FOUR * np.nan}, FOUR, {}, DomainError, "must be finite, and prompt 0 is not"),
        ({"a": FOUR, "b": [["x"] * 3] * 4}, FOUR, {}, DomainError, "must be real numbers"),
        ({"a": FOUR, "b": np.ones(4)}, FOUR, {}, DomainError, "of shape"),
        ({"a": FOUR + 1, "b": FOUR}, FOUR, {}, DomainError, "'b' has no direction"),
        ({"a": FOUR + 1, "b": FOUR * 1e60}, FOUR, {}, DomainError, "1e60"),
        ({"a": FOUR + 1, "b": FOUR + 2}, FOUR, {"resamples": 99}, DomainError, "resamples must be at least 100"),
        ({"a": FOUR + 1, "b": FOUR + 2}, FOUR, {"splits": 1}, DomainError, "splits must be at least 100"),
        ({"a": FOUR + 1, "b": FOUR + 2}, FOUR, {"level": 95}, DomainError, "level"),
        ({"a": FOUR + 1, "b": FOUR + 2}, FOUR, {"rng": "seed"}, DomainError, "rng"),
    ],
)
def test_what_has_no_geometry_is_refused(harmful: Any, benign: Any, more: dict[str, Any], error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        refusal_direction_geometry(harmful, benign, **more)


def test_the_null_is_as_noisy_as_the_categories_are_with_few_prompts() -> None:
    worlds = [found_of(planted(seed, cosine=1.0, gap=1.0, prompts=4), resamples=100, splits=100) for seed in range(40)]
    observed, null = (float(np.mean([getattr(one, name) for one in worlds])) for name in ("mean_cosine", "null_cosine"))
    assert observed == pytest.approx(null, abs=0.02)
