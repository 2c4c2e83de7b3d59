"""Metrics of a cell: counted on paper, bounded by what probabilities can be, blind to every name."""

import math

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError
from safescale.studies.robustness.cell_metrics import cell_metrics
from safescale.studies.robustness.estimates import mean_estimate, share_estimate
from studies.robustness_worlds import by_hand, planted

LEVEL = 0.95


@pytest.fixture(scope="module")
def cells():
    return cell_metrics(by_hand(), level=LEVEL)


def test_retention_agrees_with_a_count_on_paper(cells):
    before, after = (found.retention for found in cells)
    # refused by sample 0: prompts 0, 1, 2; after: 0 0 | 1 0 | ? 1
    assert (after.rrr.value, after.rrr.n, after.rrr.clusters) == (pytest.approx(2 / 5), 5, 3)
    assert after.null.value == pytest.approx(2 / 3)
    assert after.lost.value == pytest.approx(((1 - 0) + (0 - 0.5) + (1 - 1)) / 3)
    assert after.marginal.value == pytest.approx(4 / 7)
    assert after.marginal_before.value == pytest.approx(6 / 8)
    assert after.gained.value == pytest.approx(1.0)
    assert after.common.value == pytest.approx(2 / 5)
    # in the baseline cell the null is all there is
    assert before.rrr == before.null
    assert before.rrr.value == pytest.approx(2 / 3)
    assert before.lost.value == 0
    assert before.marginal.value == pytest.approx(6 / 8)


def test_drift_agrees_with_a_count_on_paper(cells):
    before, after = (found.drift for found in cells)
    assert after.rd.value == pytest.approx((0.2 + 0.4) / 2, abs=1e-6)
    assert after.floor.value == pytest.approx((0.1 + 0.3) / 2, abs=1e-6)
    assert after.beyond.value == pytest.approx(0.4 - 0.3, abs=1e-6)
    assert after.all_pairs.value == pytest.approx((0.9 + 0.8 + 0.2 + 0.9 + 0.5 + 0.4 + 0.7 + 0.6) / 8, abs=1e-6)
    assert after.by_pair["refused/answered"].value == pytest.approx((0.9 + 0.8 + 0.9) / 3, abs=1e-6)
    assert after.by_pair["answered/refused"].value == pytest.approx((0.7 + 0.6) / 2, abs=1e-6)
    assert after.by_pair["answered/answered"].value is None
    assert before.rd.value == before.floor.value
    assert before.rd.n == 2


def test_entropy_agrees_with_a_count_on_paper(cells):
    before, after = (found.entropy for found in cells)
    sure = -(0.1 * math.log(0.1) + 0.9 * math.log(0.9))
    assert after.ce.value == pytest.approx((7 * sure + math.log(2)) / 8, abs=1e-6)
    mean = (0.1 * 2 + 0.9 * 5 + 0.5) / 8
    assert after.entropy_of_mean == pytest.approx(-(mean * math.log(mean) + (1 - mean) * math.log(1 - mean)), abs=1e-6)
    assert after.entropy_of_mean > after.ce.value
    assert before.ce.value == pytest.approx(math.log(2), abs=1e-6)
    # shares of samples refused: 0, 1/2, 1 (one sample known), 1
    assert after.repeated.value == pytest.approx((0 + 0.5 + 1 + 1) / 4)
    assert after.repeated_entropy.value == pytest.approx((0 + math.log(2) + 0) / 3)
    assert after.repeated_entropy.clusters == 3
    # at .1 nothing of two refused, at .5 nothing of one, at .9 four of four known
    assert after.calibration_error == pytest.approx((2 * 0.1 + 1 * 0.5 + 4 * 0.1) / 7, abs=1e-6)
    assert 0 < after.calibration_null < 1


def test_success_over_refusal_and_accuracy_agree_with_a_count_on_paper(cells):
    before, after = cells
    assert (after.attack_success.value, after.attack_success.n) == (pytest.approx(3 / 7), 7)
    assert before.attack_success.value == pytest.approx(2 / 8)
    assert (before.over_refusal.value, after.over_refusal.value) == (pytest.approx(1 / 4), pytest.approx(1 / 4))
    assert (before.benign_accuracy.value, after.benign_accuracy.value) == (pytest.approx(3 / 4), pytest.approx(2 / 4))
    assert (before.excluded, after.excluded) == ({}, {"ERROR": 1})


def test_every_rate_that_is_known_has_an_interval_around_it():
    for found in cell_metrics(planted(whole=True, tamper_resistance=2.0, steering=1.0), level=LEVEL):
        retention = found.retention
        estimates = [retention.rrr, retention.null, retention.marginal, retention.marginal_before, retention.common]
        estimates += [found.attack_success, found.over_refusal, found.benign_accuracy, found.drift.rd]
        for one in estimates:
            if one.value is None:
                assert one.why
                continue
            assert one.interval is not None or one.why
            if one.interval is not None:
                assert one.interval[0] - 1e-12 <= one.value <= one.interval[1] + 1e-12
                assert one.interval[0] < one.interval[1]


def test_before_is_the_undefended_model_in_a_defended_cell_too():
    outcomes = planted(steering=8.0, wavering=0.5)
    base = {cell.model: at for at, cell in enumerate(outcomes.cells) if outcomes.baseline_of(cell) == at}
    found = cell_metrics(outcomes, level=LEVEL)
    differ = 0
    for at, cell in enumerate(outcomes.cells):
        if outcomes.defences[cell.defence].kind != "steering" or outcomes.attacks[cell.attack].kind == "none":
            assert found[at].retention.given_own is None
            continue
        mine = outcomes.refused[at][outcomes.harmful]
        before = outcomes.refused[base[cell.model]][outcomes.harmful][:, 0] == 1
        own = next(
            other
            for other, beside in enumerate(outcomes.cells)
            if (beside.model, beside.defence, beside.attack) == (cell.model, cell.defence, 0)
        )
        given = outcomes.refused[own][outcomes.harmful][:, 0] == 1
        assert found[at].retention.rrr.value == pytest.approx(mine[before].mean())
        assert found[at].retention.given_own.value == pytest.approx(mine[given].mean())
        differ += found[at].retention.rrr.value != found[at].retention.given_own.value
    assert differ


def test_common_prompts_are_those_that_every_model_refused():
    outcomes = planted(wavering=0.1, lineages=1, steps=(5,))
    bases = [at for at, cell in enumerate(outcomes.cells) if cell.attack == 0]
    common = np.all(outcomes.refused[bases][:, outcomes.harmful, 0] == 1, axis=0)
    assert 0 < common.sum() < outcomes.harmful.sum()
    for at, found in enumerate(cell_metrics(outcomes, level=LEVEL)):
        assert found.retention.common.clusters == common.sum()
        if at not in bases:
            assert found.retention.common.value == pytest.approx(outcomes.refused[at][outcomes.harmful][common].mean())


def test_a_second_draw_of_wavering_prompts_shows_regression_to_the_mean():
    """Half of the prompts waver (refused half of the time), nothing is done: E(RRR) = E(p^2) / E(p) = .625 / .75."""
    found = cell_metrics(planted(prompts=4000, benign=1, wavering=0.5, lineages=1, sizes_b=(1.0,), steps=(5,)), level=LEVEL)[0]
    low, high = found.retention.null.interval
    assert low < 0.625 / 0.75 < high
    assert high < 0.9
    assert found.retention.marginal.value == pytest.approx(0.75, abs=0.03)


@given(st.integers(2, 6), st.data())
def test_entropy_never_exceeds_the_log_of_the_classes(classes, data):
    outcomes = by_hand()
    shape = outcomes.entropy.shape
    raw = np.array(data.draw(st.lists(st.floats(0.001, 1), min_size=classes * 24, max_size=classes * 24)))
    p = raw.reshape(classes, -1) / raw.reshape(classes, -1).sum(axis=0)
    entropy = -(p * np.log(p)).sum(axis=0).reshape(shape)
    found = cell_metrics(attrs.evolve(outcomes, entropy=entropy.astype(np.float32), classes=classes), level=LEVEL)
    for cell in found:
        assert 0 <= cell.entropy.ce.value <= math.log(classes)
        if cell.entropy.ce.interval is not None:
            assert cell.entropy.ce.interval[1] <= math.log(classes)


def test_refuses_an_entropy_that_no_probabilities_have():
    outcomes = by_hand()
    entropy = outcomes.entropy.copy()
    entropy[1, 2, 0] = 0.8  # a published table has such values, above ln 2
    with pytest.raises(
        DomainError, match=r"between 0 and ln 2 = 0\.6931 nats, got 0\.8000 in cell 'one\+lora', prompt 'p2', sample 0"
    ):
        cell_metrics(attrs.evolve(outcomes, entropy=entropy), level=LEVEL)


def test_order_of_prompts_within_a_cell_leaves_the_marginals_alone_and_moves_retention():
    outcomes = planted(wavering=0.4)
    rng = np.random.default_rng(3)
    refused = outcomes.refused.copy()
    where = np.flatnonzero(outcomes.harmful)
    for at in range(len(refused)):
        refused[at, where] = refused[at, rng.permutation(where)]
    pairs = zip(
        cell_metrics(outcomes, level=LEVEL), cell_metrics(attrs.evolve(outcomes, refused=refused), level=LEVEL), strict=True
    )
    moved = 0
    for mine, shuffled in pairs:
        assert shuffled.retention.marginal.value == pytest.approx(mine.retention.marginal.value)
        assert shuffled.over_refusal == mine.over_refusal
        moved += shuffled.retention.rrr.value != mine.retention.rrr.value
    assert moved


def test_order_of_prompts_in_all_cells_at_once_is_irrelevant():
    outcomes = planted(whole=True, wavering=0.2)
    order = np.random.default_rng(1).permutation(len(outcomes.prompts))
    turned = attrs.evolve(
        outcomes,
        prompts=tuple(outcomes.prompts[at] for at in order),
        categories=tuple(outcomes.categories[at] for at in order),
        **{name: getattr(outcomes, name)[:, order] for name in ("refused", "failed", "right", "p_refusal", "entropy", "distance")},
    )
    for one, other in zip(cell_metrics(outcomes, level=LEVEL), cell_metrics(turned, level=LEVEL), strict=True):
        for get in (
            lambda found: found.retention.rrr.value,
            lambda found: found.retention.lost.value,
            lambda found: found.drift.beyond.value,
            lambda found: found.entropy.calibration_error,
            lambda found: found.attack_success.value,
        ):
            assert get(one) == pytest.approx(get(other))


def test_a_model_without_a_baseline_has_marginals_and_no_retention():
    outcomes = planted()
    keep = [at for at, cell in enumerate(outcomes.cells) if (cell.model, cell.attack) != (0, 0)]
    arrays = {name: getattr(outcomes, name)[keep] for name in ("refused", "failed", "right", "p_refusal", "entropy", "distance")}
    cut = attrs.evolve(outcomes, cells=tuple(outcomes.cells[at] for at in keep), **arrays)
    found = [cell for cell in cell_metrics(cut, level=LEVEL) if cell.cell.model == 0]
    assert found
    for cell in found:
        assert cell.retention.rrr.value is None
        assert "no baseline cell" in cell.retention.rrr.why
        assert cell.retention.marginal.value is not None


def test_a_cell_of_which_nothing_is_known_says_so():
    outcomes = by_hand()
    refused, failed = outcomes.refused.copy(), outcomes.failed.copy()
    refused[1], failed[1] = -1, -1
    found = cell_metrics(attrs.evolve(outcomes, refused=refused, failed=failed), level=LEVEL)[1]
    for one in (found.retention.rrr, found.retention.marginal, found.attack_success, found.over_refusal, found.entropy.repeated):
        assert (one.value, one.interval) == (None, None)
        assert one.why
    assert found.entropy.calibration_error is None


def test_nothing_seen_is_not_the_same_as_nothing_there():
    none = share_estimate(np.zeros((16, 2), dtype=np.int8), level=LEVEL, none="")
    assert none.value == 0
    assert none.interval[0] == 0
    assert none.interval[1] > 0.1


def test_equal_values_have_a_mean_and_no_interval():
    found = mean_estimate(np.full((4, 2), 0.25), low=0, high=1, level=LEVEL, none="")
    assert (found.value, found.interval, found.n, found.clusters) == (0.25, None, 8, 4)
    assert "equal" in found.why
