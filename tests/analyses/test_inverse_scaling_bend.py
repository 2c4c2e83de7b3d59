"""A flat slope is not flat rates: bends are found, named, and flip with the data."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from analyses.test_inverse_scaling import analyze, headline
from analyses.test_inverse_scaling_laws import Points, answer, published
from cells.fake_corpus import fake_corpus, graded
from safescale.analyses import ScalingVerdict
from safescale.analyses.inverse_scaling import Agreement, SeriesResult
from safescale.analyses.inverse_scaling.bend import BEND_SHARE, any_change_p, bend_words, find_bend
from safescale.simulate import CorpusPlan
from safescale.simulate.outcomes import LABELS, draw, roster
from safescale.simulate.plan import EffectScenario
from safescale.stats import curvature_test, log_scaling_slope, permutation_test

MORE, LESS, BENT = ScalingVerdict.COMPLY_MORE, ScalingVerdict.COMPLY_LESS, ScalingVerdict.NOT_A_LINE
FLAT, UNDECIDED, CANNOT = ScalingVerdict.FLAT, ScalingVerdict.UNDECIDED, ScalingVerdict.CANNOT_TEST

SIZES = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]
NOISE = [3, -4, 1, 5, -2, -3, 4, -2, -1]


def points(depth: float, slope: float = 0.0, *, noise: float = 2.0, sizes: list[float] | None = None) -> Points:
    """Published rates of 1,000 rows a model; ``depth`` is the rise (percent) of the ends over the middle, 8B."""
    chosen = SIZES if sizes is None else sizes
    x = np.log10(chosen) - np.log10(8)
    rates = 0.45 + depth / 100 * (x / 1.2) ** 2 + slope / 100 * x
    return [(b, round(1000 * r + noise * e), 1000) for b, r, e in zip(chosen, rates, np.resize(NOISE, len(chosen)), strict=True)]


def head(values: Points) -> SeriesResult:
    (setting,) = answer(published(values)).settings
    assert setting.headline is not None
    return setting.headline


@pytest.mark.parametrize(
    ("depth", "slope", "verdict", "words", "not_words"),
    [
        (12, 0, BENT, "along a parabola, higher at both ends than in the middle, lowest near ", "lower at both ends"),
        (-12, 0, BENT, "along a parabola, lower at both ends than in the middle, highest near ", "higher at both ends"),
        (0, 0, FLAT, "no change with size beyond the margin of 5 pp per decade", "not along a line"),
        (0, 12, MORE, "larger models comply more", "not along a line"),
        (0, -12, LESS, "larger models comply less", "not along a line"),
    ],
)
def test_the_words_follow_the_bend_and_flip_with_it(
    depth: float, slope: float, verdict: ScalingVerdict, words: str, not_words: str
) -> None:
    series = head(points(depth, slope))
    assert series.verdict is verdict
    assert words in series.words
    assert not_words not in series.words
    assert (series.bend is None) == (verdict is not BENT)
    assert series.curvature is not None
    assert series.curvature.generalises_to == "new_models"
    if verdict is BENT:
        assert series.bend == ("u" if depth > 0 else "inverted_u")
        assert series.equivalence is not None
        assert series.equivalence.equivalent, "the slope alone would be called flat"
        assert series.words.count(ScalingVerdict.NOT_A_LINE.value) == 1
        assert series.curvature.turning_point_b == pytest.approx(8, rel=0.1)
        assert series.curvature_permutation_p is not None
        assert series.curvature_permutation_p < 0.01


@pytest.mark.parametrize(("turned", "way"), [(False, "upwards"), (True, "downwards")])
def test_a_bend_is_called_a_turn_only_where_both_ends_slope(turned: bool, way: str) -> None:
    sizes = SIZES[:7]
    rates = [0.52, 0.44, 0.41, 0.40, 0.42, 0.43, 0.49]
    bend = curvature_test(sizes, [1 - r for r in rates] if turned else rates)
    assert bend.ends_differ_p is not None
    assert bend.ends_differ_p < 0.05
    assert "at both ends than in the middle" in bend_words(bend, None, 0.05)
    one_end = attrs.evolve(bend, ends_differ_p=0.06)
    assert bend_words(one_end, 0.004, 0.05).startswith(f"they bend {way} (")
    assert "at both ends" not in bend_words(one_end, 0.004, 0.05)
    assert "after Holm p = .004)" in bend_words(one_end, 0.004, 0.05)


def test_rates_that_level_off_bend_and_do_not_turn() -> None:
    """The parabola through them turns, and its ends pass the test of Lind and Mehlum; two lines do not turn."""
    sizes, noise = 2.0 ** np.arange(10), 0.02 * np.array([1, -1, 0, 1, -1, 1, 0, -1, 1, -1])
    bend = curvature_test(sizes, np.array([0.1, 0.3, 0.5, 0.6, 0.62, 0.63, 0.63, 0.64, 0.64, 0.64]) + noise)
    assert bend.ends_differ_p is not None
    assert bend.ends_differ_p < 0.01
    assert bend_words(bend, None, 0.05).startswith("they bend downwards (")
    turns = curvature_test(sizes, np.array([0.1, 0.3, 0.5, 0.6, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]) + noise)
    assert bend_words(turns, None, 0.05).startswith("along a parabola, lower at both ends than in the middle, highest near 2")


def test_a_weak_bend_stops_flat_and_claims_nothing() -> None:
    """Between the level and a tenth of it: too much to call the rates flat, too little to say that they bend."""
    series = head(points(3.0, noise=3.0))
    assert series.curvature is not None
    assert series.curvature.p_value is not None
    assert 0.05 / BEND_SHARE < series.curvature.p_value <= 0.05
    assert series.equivalence_p_holm is not None
    assert series.equivalence_p_holm < 0.05
    assert series.verdict is UNDECIDED
    assert "the slope is flat within 5 pp per decade" in series.words
    assert "but the rates may bend: square of log10 size p = " in series.words


def test_an_exact_parabola_is_not_called_flat() -> None:
    sizes = [0.01, 0.1, 1.0, 10.0, 100.0]
    values = [(b, k, 1000) for b, k in zip(sizes * 2, [440, 410, 400, 410, 440] * 2, strict=True)]
    series = head(values)
    assert series.curvature is not None
    assert (series.curvature.p_value, series.verdict) == (None, UNDECIDED)
    assert "but the rates may bend: they lie on a parabola" in series.words


def test_a_slope_that_bends_says_so_beside_the_slope() -> None:
    series = head(points(20, 12))
    assert series.verdict is MORE
    (caveat,) = [caveat for caveat in series.caveats if caveat.startswith("not a straight line: ")]
    assert "they bend upwards (" in caveat, "nine sizes, and two lines do not turn"
    assert not any(caveat.startswith("not a straight line") for caveat in head(points(0, 12)).caveats)


def test_flat_over_three_sizes_says_that_a_bend_could_not_be_looked_for() -> None:
    series = head(points(0, sizes=[1.0, 8.0, 64.0] * 4))
    assert series.verdict is FLAT
    assert series.curvature is None
    assert series.curvature_unavailable is not None
    (caveat,) = [c for c in series.caveats if c.startswith("flat along a line; a bend could not be looked for (")]
    assert "at least 4 distinct sizes, got 3" in caveat
    assert not any("could not be looked for" in caveat for caveat in head(points(0)).caveats)


def test_one_model_in_the_middle_does_not_make_a_bend() -> None:
    """Five small models, five large, one of 10B far above them: t sees a bend, and one of eleven places is all there is to it."""
    sizes = [0.9, 1.0, 1.1, 1.2, 1.3, 10.0, 80.0, 90.0, 100.0, 110.0, 120.0]
    values = [(b, k, 1000) for b, k in zip(sizes, [300, 307, 295, 303, 298, 340, 304, 296, 302, 299, 301], strict=True)]
    series = head(values)
    assert series.curvature is not None
    assert series.curvature_p_holm is not None
    assert series.curvature_p_holm < 0.05 / BEND_SHARE
    assert series.curvature_permutation_p is not None
    assert 0.05 < series.curvature_permutation_p < 0.12
    assert series.verdict is UNDECIDED
    assert "but the rates may bend" in series.words


def test_definition_the_permutation_is_of_the_share_that_a_parabola_explains() -> None:
    sizes, rates, groups = [1.0, 2, 4, 8, 16, 32], [0.2, 0.3, 0.25, 0.4, 0.1, 0.35], ["a", "a", "a", "a", "b", "b"]
    x = np.log10(sizes)

    def explained(arranged: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        design = np.column_stack([np.array(groups) == "a", np.array(groups) == "b", x, x * x]).astype(float)
        levels = design[:, :2]
        rss = [((row - d @ np.linalg.lstsq(d, row, rcond=None)[0]) ** 2).sum() for row in arranged for d in (levels, design)]
        return np.asarray(np.array(rss[::2]) - np.array(rss[1::2]), dtype=np.float64)

    expected = permutation_test(rates, explained, blocks=groups, alternative="greater").p_value
    bend = curvature_test([*sizes, 3, 5], [*rates, 0.3, 0.3], groups=[*groups, "c", "d"])
    small = attrs.evolve(bend, n=6, params_b=tuple(sizes), rates=tuple(rates), groups=tuple(groups))
    assert any_change_p(small) == pytest.approx(expected)
    turned = attrs.evolve(small, params_b=tuple(sizes[::-1]), rates=tuple(rates[::-1]), groups=tuple(groups[::-1]))
    assert any_change_p(turned) == any_change_p(small)


def test_a_bend_is_looked_for_within_lineages_where_the_slope_is() -> None:
    line = log_scaling_slope([1, 2, 4, 8, 16], [0.1, 0.3, 0.2, 0.3, 0.2])
    assert find_bend(line)[0] == curvature_test(line.params_b, line.rates)
    values = points(12)
    rates = {f"{name}{i}": (b, k, 1000) for name in "ab" for i, (b, k, _) in enumerate(values)}
    made = published(list(rates.values()), list(rates))
    models = made.read("models").to_pylist()
    named = [model | {"lineage": model["model_id"][0]} for model in models]
    made.set_models(pa.Table.from_pylist(named, made.read("models").schema))
    within = answer(made).settings[0].within_generations
    assert within is not None
    assert within.curvature is not None
    assert set(within.curvature.groups or ()) == {"a", "b"}
    assert within.curvature.residual_dof == 18 - 2 - 2


def test_graders_that_bend_in_opposite_ways_do_not_agree() -> None:
    assert Agreement.of([BENT, BENT], ["u", "u"]) is Agreement.YES
    assert Agreement.of([BENT, BENT], ["u", "inverted_u"]) is Agreement.NO
    assert Agreement.of([BENT, MORE], ["u", None]) is Agreement.NO


def simulated(scenario: EffectScenario, depth_pp: float, seed: int) -> SeriesResult:
    """66 sized models of 11 lineages with 200 rows each and a spread of 3 pp between models."""
    plan = CorpusPlan(
        rows=13_200, models=66, prompts=200, attack_classes=1, seed=seed, scenario=scenario, slope_pp_per_decade=depth_pp,
        tau_pp=3.0, tampered_every=0, unsized_every=0,
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    models = roster(plan, rng)
    drawn = draw(plan, models, rng)
    success = np.array([label == "COMPLIANCE" for label in LABELS])[drawn.label]
    values = []
    for i, model in enumerate(models):
        mine = success[drawn.model == i]
        values.append((model.size_b, int(mine.sum()), len(mine)))
    return head(values)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_simulated_u_is_not_called_flat(seed: int) -> None:
    """What failed: rates that fall by 10 pp to 8B and rise again were 'no change with size beyond the margin'."""
    up, down = simulated("u_shape", 12.0, seed), simulated("u_shape", -12.0, seed)
    assert (up.verdict, up.bend) == (BENT, "u")
    assert (down.verdict, down.bend) == (BENT, "inverted_u")
    assert "lowest near" in up.words
    assert "highest near" in down.words


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_simulated_absence_is_still_flat_and_a_slope_a_slope(seed: int) -> None:
    assert simulated("none", 0.0, seed).verdict is FLAT
    assert simulated("slope", 12.0, seed).verdict is MORE


def _claims(spread: float, draws: int) -> tuple[float, float]:
    """Shares of NOT_A_LINE and of any claim of a change, over 10 models that do not change with size."""
    rng = np.random.default_rng(20260630)
    sizes = [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]
    found = []
    for _ in range(draws):
        counts = rng.binomial(200, np.clip(0.5 + spread * rng.normal(size=10), 0.01, 0.99))
        found.append(head([(b, int(k), 200) for b, k in zip(sizes, counts, strict=True)]).verdict)
    return found.count(BENT) / draws, sum(v in (MORE, LESS, BENT) for v in found) / draws


def test_looking_for_a_bend_adds_few_false_claims() -> None:
    bent, any_change = _claims(0.05, 150)
    assert bent <= 0.02
    assert any_change <= 0.10


@pytest.mark.calibration
def test_calibration_of_false_bends() -> None:
    bent, any_change = _claims(0.05, 3000)
    print(f"no effect, 10 models: not a line {bent:.4f}, any change {any_change:.4f}")
    assert bent <= 0.009
    assert any_change <= 0.062


def test_rows_bend_as_published_rates_do() -> None:
    traces, grades, models = [], [], []
    for i, (size, k, _) in enumerate(points(12)):
        verdicts = np.roll(["COMPLIANCE"] * (k // 5) + ["REFUSAL"] * (200 - k // 5), 7 * i).tolist()
        part = graded(f"m{i}", verdicts)
        traces += part[0]
        grades += part[1]
        models.append({"model_id": f"m{i}", "params_total_b": size})
    result = analyze(fake_corpus(traces, grades, models))
    series = headline(result)
    assert series.verdict is BENT
    assert all(repeat.bend == "u" for repeat in series.robustness if repeat.possible)
    assert not any(repeat.changed for repeat in series.robustness)
    assert "changes with size, but not along a line" in result.answer
