"""Laws of the answer, and how often it claims what is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from cells.fake_corpus import AGGREGATE_DEFAULTS, GRADER_DEFAULTS, MODEL_DEFAULTS, FakeCorpus, rows_table
from safescale.analyses import InverseScalingResult, ScalingVerdict, analyze_inverse_scaling
from safescale.cells import build_cells

Points = list[tuple[float, int, int]]

points = st.lists(
    st.tuples(st.sampled_from([0.5, 1.0, 3.0, 8.0, 70.0, 400.0]), st.integers(0, 50), st.sampled_from([50, 100])),
    min_size=1,
    max_size=7,
)


def published(values: Points, names: list[str] | None = None, attack_class: str = "a") -> FakeCorpus:
    """Published rates with counts: as much as a slope needs, quickly made."""
    ids = [f"m{i}" for i in range(len(values))] if names is None else names
    rates = [
        {"aggregate_id": f"x:{name}", "model_id": name, "rate": k / n, "n": n, "attack_class": attack_class}
        for name, (_, k, n) in zip(ids, values, strict=True)
    ]
    models: list[dict[str, Any]] = [
        {"model_id": name, "canonical_id": name, "params_total_b": size, "lineage": "l"}
        for name, (size, _, _) in zip(ids, values, strict=True)
    ]
    tables: dict[str, pa.Table] = {
        "aggregates": rows_table("aggregate", rates, AGGREGATE_DEFAULTS),
        "models": rows_table("model", models, MODEL_DEFAULTS),
        "graders": rows_table("grader", [{}], GRADER_DEFAULTS),
    }
    return FakeCorpus(tables)


def answer(corpus: FakeCorpus) -> InverseScalingResult:
    return analyze_inverse_scaling(build_cells(corpus), corpus.read("models"))


@settings(max_examples=40)
@given(points, st.randoms(use_true_random=False))
def test_order_and_names_of_models_are_irrelevant(values: Points, random: Any) -> None:
    shuffled = random.sample(values, len(values))
    names = [f"other-{i}" for i in range(len(values))]
    assert answer(published(values)).answer == answer(published(shuffled, names)).answer


@settings(max_examples=40)
@given(points)
def test_mirrored_rates_mirror_the_verdict(values: Points) -> None:
    mirrored = [(size, n - k, n) for size, k, n in values]
    mirror = {
        ScalingVerdict.COMPLY_MORE: ScalingVerdict.COMPLY_LESS,
        ScalingVerdict.COMPLY_LESS: ScalingVerdict.COMPLY_MORE,
    }
    one, other = answer(published(values)).settings[0].headline, answer(published(mirrored)).settings[0].headline
    assert one is not None
    assert other is not None
    assert mirror.get(one.verdict, one.verdict) is other.verdict
    assert (one.kind, one.n_models, one.testability) == (other.kind, other.n_models, other.testability)


@settings(max_examples=40)
@given(points)
def test_what_cannot_be_tested_is_never_claimed(values: Points) -> None:
    (setting,) = answer(published(values)).settings
    for series in (*setting.attack_classes, *setting.generations, setting.rows_pooled):
        assert series is not None
        sizes = len({point.params_b for point in series.points})
        assert series.kind == ("nothing" if sizes == 1 else "difference" if sizes == 2 else "slope")
        if sizes < 3 or (series.testability.smallest_p or 1) > 0.05:
            assert series.verdict is ScalingVerdict.CANNOT_TEST
        if sizes < 3:
            assert (series.slope, series.p_holm, series.label, series.shape) == (None, None, None, None)


def _share_of_claims(slope: float, spread: float, draws: int) -> float:
    rng = np.random.default_rng(20260630)
    sizes = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]
    claims = 0
    for _ in range(draws):
        mean = 0.5 + slope * (np.log10(sizes) - 1) + rng.normal(0, spread, len(sizes))
        counts = rng.binomial(200, np.clip(mean, 0.01, 0.99))
        head = answer(published([(size, int(k), 200) for size, k in zip(sizes, counts, strict=True)])).settings[0].headline
        assert head is not None
        claims += head.verdict in (ScalingVerdict.COMPLY_MORE, ScalingVerdict.COMPLY_LESS)
    return claims / draws


def test_no_effect_with_between_model_spread_is_rarely_called_one() -> None:
    assert _share_of_claims(0.0, 0.05, 100) <= 0.10


def test_a_strong_effect_is_nearly_always_found() -> None:
    assert _share_of_claims(0.15, 0.05, 60) >= 0.95
