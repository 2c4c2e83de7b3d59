"""A plan keeps its word: simulated studies find the effect as often as planned; every number equals its function; words flip."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.test_inverse_scaling import SIZES, corpus, noisy
from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.analyses import ScalingVerdict, analyze_inverse_scaling, to_jsonable
from safescale.analyses.plan import CorpusPlan, SettingPlan, StudyPlan, Wanted, analyze_plan, plan_of_scaling, plan_study
from safescale.analyses.plan.answer import pp_words
from safescale.cells import build_cells
from safescale.errors import DomainError
from safescale.stats import (
    detectable_slope_of_standard_error,
    meta_regression_slope,
    minimum_detectable_slope,
    plan_equivalence,
    plan_models,
    plan_prompts,
    slope_power,
    smallest_attainable_p,
    spread_between_models,
)

SIX = (0.8, 2.0, 4.0, 9.0, 27.0, 70.0)
BASE: dict[str, Any] = {"effect_pp_per_decade": 5, "tau_pp": 5, "base_rate": 0.3, "prompts": 200, "sizes_b": SIX}


def whole(plan: StudyPlan | CorpusPlan) -> str:
    """The plan as JSON, which it must survive."""
    return json.dumps(to_jsonable(plan), allow_nan=False)


# ---- definition: studies of the planned size, simulated --------------------------------------------------------------


def share_found(
    sizes: Sequence[float],
    *,
    slope_pp: float,
    tau_pp: float,
    base_rate: float,
    prompts: int,
    traces: int,
    icc: float,
    alpha: float,
    runs: int,
    seed: int,
) -> float:
    """Share of seeded studies (normal spread between models, beta-binomial prompts) whose t test over models rejects."""
    rng = np.random.default_rng(seed)
    x = np.log10(sizes) - np.log10(sizes).mean()
    truth = np.clip(base_rate + slope_pp / 100 * x + rng.normal(0, tau_pp / 100, (runs, len(x))), 0.005, 0.995)
    if icc > 0:
        strength = (1 - icc) / icc
        of_prompt = rng.beta(truth * strength, (1 - truth) * strength, (prompts, *truth.shape))
        rates = rng.binomial(traces, of_prompt).mean(axis=0) / traces
    else:
        rates = rng.binomial(prompts * traces, truth) / (prompts * traces)
    slope = rates @ x / (x @ x)
    residuals = rates - rates.mean(axis=1, keepdims=True) - slope[:, np.newaxis] * x
    t = slope / np.sqrt((residuals**2).sum(axis=1) / (len(x) - 2) / (x @ x))
    return float(np.mean(np.abs(t) > scipy.stats.t.ppf(1 - alpha / 2, len(x) - 2)))


DESIGNS: list[dict[str, Any]] = [
    {"effect_pp_per_decade": 6, "tau_pp": 4, "base_rate": 0.4, "prompts": 150, "min_b": 0.5, "max_b": 70},
    {"effect_pp_per_decade": 8, "tau_pp": 8, "base_rate": 0.5, "prompts": 100, "min_b": 1, "max_b": 400, "tests": 4},
    {
        "effect_pp_per_decade": 6,
        "tau_pp": 0,
        "base_rate": 0.5,
        "prompts": 40,
        "traces_per_prompt": 3,
        "prompt_icc": 0.3,
        "min_b": 0.5,
        "max_b": 70,
    },
]


def found_as_planned(design: dict[str, Any], runs: int, seed: int) -> tuple[float, float, int]:
    plan = plan_study(models=8, **design)
    needed = plan.needed()
    assert needed is not None
    assert needed.n_models is not None
    assert needed.power_reached is not None
    asked = plan.assumptions
    shares = [
        share_found(
            np.geomspace(design["min_b"], design["max_b"], n).tolist(),
            slope_pp=design["effect_pp_per_decade"],
            tau_pp=design["tau_pp"],
            base_rate=design["base_rate"],
            prompts=asked.prompts or 0,
            traces=asked.traces_per_prompt,
            icc=asked.prompt_icc,
            alpha=asked.alpha_per_test,
            runs=runs,
            seed=seed,
        )
        for n in (needed.n_models, needed.n_models // 2)
    ]
    print(f"{needed.n_models} models: planned {needed.power_reached:.3f}, simulated {shares[0]:.4f}, with half {shares[1]:.3f}")
    assert shares[1] < shares[0] - 0.15
    return needed.power_reached, shares[0], needed.n_models


@pytest.mark.parametrize("design", DESIGNS, ids=["even", "four tests", "repeated prompts"])
def test_definition_planned_studies_find_the_effect_as_often_as_planned(design: dict[str, Any]) -> None:
    planned, found, models = found_as_planned(design, 2000, 20260630)
    assert models > 8
    assert planned >= 0.8
    assert found == pytest.approx(planned, abs=3 * math.sqrt(0.16 / 2000) + 0.01)


@pytest.mark.calibration
@pytest.mark.parametrize("design", DESIGNS, ids=["even", "four tests", "repeated prompts"])
def test_calibration_planned_power(design: dict[str, Any]) -> None:
    planned, found, _ = found_as_planned(design, 40_000 if design.get("prompt_icc") is None else 10_000, 1)
    assert found == pytest.approx(planned, abs=0.015)


# ---- second opinion: the functions of stats --------------------------------------------------------------------------


def test_second_opinion_every_number_is_that_of_its_function() -> None:
    plan = plan_study(**BASE, tests=2, margin_pp=6)
    level: dict[str, Any] = {"power": 0.8, "alpha": 0.025}
    noise: dict[str, Any] = {"trials": 200, "base_rate": 0.3}
    assert plan.taus_pp == (0, 2, 5, 10, 15)
    for row in plan.models:
        stats = plan_models(row.effect_pp_per_decade, params_b=SIX, tau_pp=row.tau_pp, **noise, **level)
        assert row.by_power == stats.n_models
        assert row.n_models == max(stats.n_models or 0, plan.exact.sizes_needed)
    assert len(plan.detectable) == len(plan.prompts) == len(plan.flat) == 5
    for found, prompts, flat in zip(plan.detectable, plan.prompts, plan.flat, strict=True):
        tau = found.tau_pp
        assert tau is not None
        least = minimum_detectable_slope(SIX, tau_pp=tau, **noise, **level)
        assert found.slope_pp_per_decade == least.slope_pp_per_decade
        stats_prompts = plan_prompts(5, SIX, tau_pp=tau, base_rate=0.3, **level)
        assert (prompts.n_prompts, prompts.power_limit) == (stats_prompts.n_prompts, stats_prompts.power_limit)
        by_power = plan_equivalence(6, params_b=SIX, tau_pp=tau, **noise, **level).n_models
        assert by_power is not None
        assert flat.n_models == max(by_power, plan.exact.sizes_needed)
        if tau:
            endless = minimum_detectable_slope(SIX, residual_sd=tau / 100, **level).slope_pp_per_decade
            assert found.endless_prompts_pp_per_decade == endless < found.slope_pp_per_decade
        else:
            assert found.endless_prompts_pp_per_decade == 0
    now = plan.found_at()
    assert now is not None
    spread = float(np.log10(SIX).std())
    power = slope_power(6, slope_pp_per_decade=5, size_sd_decades=spread, tau_pp=5, alpha=0.025, **noise).power
    assert now.power_for_effect == pytest.approx(power)
    assert {row.sizes: row.smallest_p for row in plan.exact.rows} == {
        k: smallest_attainable_p(range(1, k + 1)) for k in range(3, 13)
    }
    whole(plan)


def test_definition_added_sizes_are_ordered_by_what_they_bring() -> None:
    plan = plan_study(**BASE)
    now = plan.found_at()
    assert now is not None
    slopes = [row.slope_pp_per_decade for row in plan.size_gains]
    assert slopes == sorted(slopes)
    assert {row.size_b for row in plan.size_gains} >= {0.5, 8, 70, 400}
    for row in plan.size_gains:
        again = minimum_detectable_slope((*SIX, row.size_b), tau_pp=5, trials=200, base_rate=0.3).slope_pp_per_decade
        assert row.slope_pp_per_decade == again
        assert row.gain_pp_per_decade == pytest.approx(now.slope_pp_per_decade - again)
    # the order does not depend on tau
    other = plan_study(**(BASE | {"tau_pp": 15}))
    assert [row.size_b for row in other.size_gains] == [row.size_b for row in plan.size_gains]
    # put back in: with these the effect is found, without the last of them not
    added = plan.sizes_to_reach
    assert added
    reached = [
        minimum_detectable_slope((*SIX, *added[:k]), tau_pp=5, trials=200, base_rate=0.3).slope_pp_per_decade
        for k in (len(added), len(added) - 1)
    ]
    assert reached[0] <= 5 < reached[1]


def test_definition_wider_sizes_and_even_sizes_find_the_effect() -> None:
    plan = plan_study(effect_pp_per_decade=10, tau_pp=3, base_rate=0.4, prompts=400, min_b=1, max_b=10, models=9, sizes_b=None)
    assert plan.wider is not None
    assert plan.wider.possible
    wide = np.geomspace(plan.wider.from_b, plan.wider.to_b, 9)
    found = minimum_detectable_slope(wide, tau_pp=3, trials=400, base_rate=0.4).slope_pp_per_decade
    assert found == pytest.approx(10)
    assert plan.evenly is not None
    assert plan.evenly.n_models is not None
    needed = plan.needed()
    assert needed is not None
    assert needed.n_models is not None
    assert plan.evenly.n_models < needed.n_models, "wider sizes need fewer models"


def test_golden_a_published_standard_error_is_a_design() -> None:
    """The same through ``detectable_slope_of_standard_error``; report B's numbers stand in tests/golden/."""
    plan = plan_study(effect_pp_per_doubling=2, standard_error_pp_per_doubling=1.28, models=21)
    found = plan.found_at()
    assert found is not None
    error = 1.28 / math.log10(2)
    assert found.slope_pp_per_decade == detectable_slope_of_standard_error(error, 21).slope_pp_per_decade
    assert plan.taus_pp == (None,)
    assert not plan.prompts
    assert not plan.size_gains
    assert "2 per doubling" in plan.answer
    whole(plan)


# ---- laws ------------------------------------------------------------------------------------------------------------


@settings(max_examples=6)
@given(st.floats(2, 30), st.floats(0, 20), st.floats(0.1, 0.9), st.integers(20, 500), st.integers(1, 8))
def test_law_more_of_anything_never_asks_for_more_models(
    effect: float, tau: float, base_rate: float, prompts: int, tests: int
) -> None:
    asked: dict[str, Any] = {
        "effect_pp_per_decade": effect,
        "tau_pp": tau,
        "base_rate": base_rate,
        "prompts": prompts,
        "tests": tests,
        "sizes_b": SIX,
    }

    def models(**other: Any) -> float:
        needed = plan_study(**(asked | other)).needed()
        assert needed is not None
        return math.inf if needed.n_models is None else needed.n_models

    here = models()
    assert models(prompts=2 * prompts) <= here
    assert models(tau_pp=tau + 3) >= here
    assert models(tests=tests + 3) >= here
    assert models(effect_pp_per_decade=min(100.0, 1.5 * effect)) <= here
    assert models(base_rate=1 - base_rate) == here
    assert here >= 5


@given(st.permutations(SIX))
@settings(max_examples=10)
def test_law_the_order_of_sizes_is_irrelevant(sizes: list[float]) -> None:
    assert plan_study(**(BASE | {"sizes_b": tuple(sizes)})) == plan_study(**BASE)


def test_law_per_doubling_is_per_decade() -> None:
    half = plan_study(
        **({k: v for k, v in BASE.items() if k != "effect_pp_per_decade"} | {"effect_pp_per_doubling": 5 * math.log10(2)})
    )
    assert half.needed() == plan_study(**BASE).needed()


# ---- words -----------------------------------------------------------------------------------------------------------


def test_words_answer_first_and_follow_the_numbers() -> None:
    plan = plan_study(**BASE)
    needed, found = plan.needed(), plan.found_at()
    assert needed is not None
    assert found is not None
    assert plan.answer.startswith(
        "To find 5 pp per decade (1.5 per doubling) in 80 of 100 studies with 5 pp between models of one size (tau) you need "
        f"{needed.n_models} models spread like these 6 over 1.9 decades (0.8B to 70B) with 200 prompts each."
    )
    assert f"the smallest slope found as often is {found.slope_pp_per_decade:.1f} pp per decade" in plan.answer
    assert "More prompts do not help, models do: with endless prompts the 6 models at hand find no slope below" in plan.answer


def test_words_flip_where_prompts_help() -> None:
    little = plan_study(**(BASE | {"tau_pp": 0, "prompts": 20}))
    needed = little.prompts_at()
    assert needed is not None
    assert f"More prompts help: with {needed.n_prompts:,} prompts each" in little.answer
    assert "do not help" not in little.answer
    enough = plan_study(**(BASE | {"tau_pp": 0, "prompts": 5000}))
    assert "each would do for that" in enough.answer


def test_words_where_tau_is_not_known_every_tau_has_its_number() -> None:
    plan = plan_study(**{k: v for k, v in BASE.items() if k != "tau_pp"})
    assert plan.needed() is None
    numbers = [plan.needed(tau_pp=tau) for tau in plan.taus_pp]
    for row in numbers:
        assert row is not None
        assert f"{row.n_models} models at {row.tau_pp:g} pp" in plan.answer
    assert "Tau decides, and is not known" in plan.answer
    assert all(headline.estimate is None for headline in plan.headlines)


def test_words_too_few_sizes_are_said() -> None:
    two = plan_study(tau_pp=5, sizes_b=(8, 70))
    assert "2 models at hand are of fewer than three different sizes" in two.answer
    assert not two.detectable
    assert not two.prompts
    four = plan_study(tau_pp=1, effect_pp_per_decade=40, sizes_b=(1, 3, 10, 30), prompts=5000)
    needed = four.needed()
    assert needed is not None
    assert (needed.n_models, needed.limited_by) == (5, "exact_floor")
    assert "the sizes at hand cannot (smallest p .083)" in four.answer
    assert any("fewer than 5 sizes cannot reach the level" in caveat for caveat in four.caveats)
    assert "so no slope is found, whatever its size" in four.answer
    assert "smallest slope found as often" not in four.answer
    assert (four.detectable, four.prompts) == ((), ())
    assert all(gain.smallest_p <= 0.05 for gain in four.size_gains), "five sizes can"
    three = plan_study(tau_pp=5, sizes_b=(1, 3, 10))
    assert three.size_gains == (), "nor can four"
    assert "models more (" in three.answer
    assert plan_study(tau_pp=5, sizes_b=(1, 3, 10, 30, 70), tests=4).detectable == ()
    assert plan_study(tau_pp=5, sizes_b=(1, 3, 10, 30, 70)).detectable
    one = plan_study(tau_pp=5, sizes_b=(7,))
    assert any("span no range" in caveat for caveat in one.caveats)


def test_exact_tests_need_more_sizes_the_more_tests_there_are() -> None:
    needed = [plan_study(**BASE, tests=tests).exact.sizes_needed for tests in (1, 4, 40, 400)]
    assert needed == [5, 6, 7, 8]
    row = plan_study(**BASE, tests=4).exact.rows[2]
    assert (row.sizes, row.smallest_p, row.after_holm, row.reaches) == (5, 2 / 120, 8 / 120, False)


def test_labels_and_what_a_grader_leaves_of_a_slope() -> None:
    plan = plan_study(**(BASE | {"prompts": 1000}), half_width_pp=3, sensitivity=0.9, specificity=0.95)
    one, everything = plan.labels
    assert one.n_traces == 1000
    assert everything.n_traces == 6000
    assert one.n_labels is not None
    assert everything.n_labels is not None
    assert everything.n_labels < one.n_labels
    assert plan.through_grader is not None
    assert plan.through_grader.effect_pp_per_decade == pytest.approx(0.85 * 5)
    needed = plan.needed()
    assert needed is not None
    assert plan.through_grader.models_needed is not None
    assert needed.n_models is not None
    assert needed.n_models <= plan.through_grader.models_needed <= needed.n_models + 3, "tau shrinks with the slope"
    by_grade = plan_study(**(BASE | {"prompts": 1000}), half_width_pp=3, ppv=0.9, npv=0.95)
    assert by_grade.labels[0].n_labels is not None
    assert by_grade.through_grader is None
    few = plan_study(**(BASE | {"prompts": 12}), half_width_pp=20, sensitivity=0.9, specificity=0.95)
    assert few.labels[0].n_labels is None
    assert few.labels[0].unavailable is not None
    narrow = plan_study(**(BASE | {"prompts": 100}), half_width_pp=3, sensitivity=0.9, specificity=0.95)
    assert "it is known to 8.98 pp either way, and 3 pp is wanted" in narrow.answer
    whole(few)


def test_caveats_come_from_the_numbers() -> None:
    assert plan_study(**BASE).caveats == ()
    rare = plan_study(**(BASE | {"base_rate": 0.01})).caveats
    assert any("hold fewer than 5 of the rarer outcome" in caveat for caveat in rare)
    steep = plan_study(**(BASE | {"effect_pp_per_decade": 60})).caveats
    assert any("such a line leaves 0 to 100 %" in caveat for caveat in steep)
    assert any("tau 0 claims" in caveat for caveat in plan_study(**(BASE | {"tau_pp": 0})).caveats)
    exact = plan_study(**(BASE | {"tau_pp": 1, "effect_pp_per_decade": 10})).caveats
    assert any("exact permutation" in caveat for caveat in exact)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"effect_pp_per_decade": 5, "effect_pp_per_doubling": 1}, "the effect is given per decade and per doubling; give one"),
        ({"effect_pp_per_decade": 0}, "the effect must lie in"),
        ({"effect_pp_per_decade": -5}, "looks in both directions, so state its size"),
        ({"effect_pp_per_decade": math.nan}, "the effect must lie in"),
        ({"tau_pp": -1}, r"tau_pp must lie in \[0, 50\]"),
        ({"tau_pp": 60}, r"tau_pp must lie in \[0, 50\]"),
        ({"base_rate": 0}, "base_rate must lie strictly between 0 and 1"),
        ({"base_rate": 30}, "a percentage over 100 is one"),
        ({"prompts": 0}, "prompts must be at least 1"),
        ({"traces_per_prompt": 0}, "traces_per_prompt must be at least 1"),
        ({"prompt_icc": 1.5}, r"prompt_icc must lie in \[0, 1\]"),
        ({"tests": 0}, "tests must be at least 1"),
        ({"alpha": 0.7}, "alpha must lie strictly between 0 and 0.5"),
        ({"power": 0.01}, r"power must lie between alpha \(0.05\) and 1"),
        ({"power": 1}, "power must lie between"),
        ({"margin_pp": 0}, "margin_pp must be positive"),
        ({"level": 1}, "level must lie strictly"),
        ({"models": 10_001}, "models must be at most 10,000, got 10,001"),
        ({"models": 2}, "a slope needs at least 3 models, got 2"),
        ({"min_b": 70, "max_b": 1}, "the sizes must rise from min_b to max_b"),
        ({"min_b": -1}, "a size must be a positive number"),
        ({"sizes_b": (1, 0, 3)}, "a size must be a positive number"),
        ({"sizes_b": (1, 2, 3), "models": 9}, "sizes are given one by one and as a range"),
        ({"standard_error_pp_per_decade": 4}, "needs the number of models behind it"),
        ({"standard_error_pp_per_decade": 4, "models": 9, "tau_pp": 5}, "already holds tau_pp"),
        ({"standard_error_pp_per_decade": -4, "models": 9}, "a standard error must be positive"),
        ({"sensitivity": 0.9, "specificity": 0.9}, "how narrow must the rate be"),
        ({"half_width_pp": 3}, "give both of one pair"),
        ({"half_width_pp": 3, "sensitivity": 0.9, "npv": 0.9}, "give both of one pair"),
        ({"half_width_pp": 60, "ppv": 0.9, "npv": 0.9}, r"half_width_pp must lie in \(0, 50\)"),
        ({"half_width_pp": 3, "sensitivity": 1, "specificity": 0.9, "prompts": 1000}, "plans with what labels are to show"),
    ],
)
def test_refuses_with_the_next_step(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        plan_study(**wanted)


# ---- from a corpus ---------------------------------------------------------------------------------------------------


def planned(made: FakeCorpus, wanted: Wanted | None = None, **options: Any) -> CorpusPlan:
    found = analyze_plan(build_cells(made), made.read("models"), wanted=wanted, **options)
    whole(found)
    return found


def only(plan: CorpusPlan) -> SettingPlan:
    (setting,) = plan.settings
    return setting


def test_evidence_is_that_of_the_meta_regression() -> None:
    rates = noisy(0.0, 0.1)
    setting = only(planned(corpus({"a": rates}, n=200)))
    evidence = setting.evidence
    assert evidence is not None
    assert evidence.sizes_b == tuple(SIZES)
    assert evidence.rows_per_model == pytest.approx(200)
    assert (evidence.prompts_per_model, evidence.traces_per_prompt) == (200, 1)
    assert evidence.prompt_icc is None
    assert evidence.icc_unavailable == "no prompt was put twice to one model"
    counts = [round(rate * 200) for rate in rates]
    other = meta_regression_slope(SIZES, counts, [200] * 10)
    assert evidence.tau_pp == pytest.approx(other.tau_pp, abs=0.1)
    assert evidence.tau_interval_pp == pytest.approx(other.tau_interval_pp, abs=0.3)
    assert evidence.tau_cautious_pp is not None
    assert evidence.tau_pp is not None
    assert evidence.tau_cautious_pp > evidence.tau_pp
    assert evidence.base_rate == pytest.approx(np.mean(counts) / 200)


def test_an_open_question_says_what_would_settle_it_and_a_settled_one_that_nothing_is_missing() -> None:
    opened = only(planned(corpus({"a": noisy(0.0, 0.15)})))
    assert opened.verdict is ScalingVerdict.UNDECIDED
    assert not opened.settled
    plan = opened.plan
    assert plan is not None
    needed, found, flat = plan.needed(), plan.found_at(), plan.flat_at()
    assert needed is not None
    assert found is not None
    assert flat is not None
    assert f"the smallest slope found in 80 of 100 studies is {pp_words(found.slope_pp_per_decade)} pp per decade" in opened.words
    assert f"For 5 pp per decade you need {needed.n_models} models of sizes like these" in opened.words
    assert f"to show it within 5 pp per decade takes {flat.n_models} models" in opened.words
    assert "More prompts do not help, models do" in opened.words
    for slope, verdict in ((0.12, ScalingVerdict.COMPLY_MORE), (-0.12, ScalingVerdict.COMPLY_LESS)):
        settled = only(planned(corpus({"a": noisy(slope)})))
        assert settled.settled
        assert settled.words.startswith(verdict.value[0].upper() + verdict.value[1:])
        assert settled.words.endswith("Nothing more is needed for this answer.")
        assert "you need" not in settled.words


def test_the_effect_is_the_margin_and_what_is_asked_goes_before_what_was_seen() -> None:
    made = corpus({"a": noisy(0.0, 0.15)})
    assert only(planned(made, margin_pp=8)).plan is not None
    by_margin = only(planned(made, margin_pp=8)).plan
    assert by_margin is not None
    assert by_margin.assumptions.effect_pp_per_decade == by_margin.assumptions.margin_pp == 8
    asked = only(planned(made, Wanted(effect_pp_per_decade=20, tau_pp=2, prompts=50, base_rate=0.2))).plan
    assert asked is not None
    made_of = asked.assumptions
    assert (made_of.effect_pp_per_decade, made_of.tau_pp, made_of.prompts, made_of.base_rate) == (20, 2, 50, 0.2)
    assert made_of.tau_cautious_pp is None
    origins = {stated.name: stated.origin for stated in made_of.stated}
    assert origins["tau_pp"] == origins["prompts"] == "given"
    assert origins["traces_per_prompt"] == "corpus"
    assert origins["power"] == origins["alpha"] == "assumed"


def test_two_sizes_have_no_tau_and_get_a_range() -> None:
    made = corpus({"a": [0.2, 0.3]}, sizes=[8.0, 70.0])
    setting = only(planned(made))
    assert setting.verdict is ScalingVerdict.CANNOT_TEST
    assert setting.evidence is not None
    assert setting.evidence.tau_pp is None
    assert setting.evidence.tau_unavailable == "2 different sizes leave no scatter about a line"
    assert "at tau 5 pp" in setting.words
    assert "at tau 10 pp" in setting.words
    assert "needs at least 5 untied sizes" in setting.words


def test_a_corpus_without_sizes_says_what_it_needs() -> None:
    made = fake_corpus(*graded("m0", ["COMPLIANCE", "REFUSAL"] * 20), [{"model_id": "m0"}])
    setting = only(planned(made))
    assert setting.plan is None
    assert "no plan" not in setting.words
    assert setting.words.count("Needs at least") + setting.words.count("No model of known size") >= 1
    assert planned(fake_corpus()).answer.startswith("Nothing can be planned from these rows")


def test_traces_of_one_prompt_that_agree_are_seen() -> None:
    """Ten prompts, each ten times, all alike: the correlation is 1 and rows are worth their prompts."""
    traces, grades = [], []
    rng = np.random.default_rng(3)
    for i, size in enumerate(SIZES):
        hard = rng.random(30) < 0.5
        verdicts = [word for easy in hard for word in ["COMPLIANCE" if easy else "REFUSAL"] * 4]
        part = graded(f"m{i}", verdicts, prompts=[f"p{j}" for j in range(30) for _ in range(4)])
        for number, trace in enumerate(part[0]):
            trace["sample_index"] = number % 4
        traces += part[0]
        grades += part[1]
        assert size > 0
    models = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(SIZES)]
    setting = only(planned(fake_corpus(traces, grades, models)))
    evidence, plan = setting.evidence, setting.plan
    assert evidence is not None
    assert plan is not None
    assert evidence.prompt_icc == pytest.approx(1)
    assert (evidence.traces_per_prompt, evidence.prompts_per_model) == (4, 30)
    assert plan.assumptions.design_effect == pytest.approx(4)
    assert any("traces of one prompt agree (correlation 1.00)" in caveat for caveat in plan.caveats)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_law_a_rate_at_a_bound_is_no_certainty(rate: float) -> None:
    setting = only(planned(corpus({"a": [rate] * 10}, n=60)))
    evidence, plan = setting.evidence, setting.plan
    assert evidence is not None
    assert plan is not None
    assert (evidence.tau_pp, evidence.tau_cautious_pp, plan.assumptions.tau_pp) == (None, None, None)
    assert f"cannot be estimated (every rate is {100 * rate:g} %, and rates at a bound do not show" in setting.words
    assert "at tau 5 pp and" in setting.words
    assert "would do" not in setting.words
    middle = 1.959964**2 / 2 / (600 + 1.959964**2)
    assert min(plan.assumptions.base_rate, 1 - plan.assumptions.base_rate) == pytest.approx(middle)
    assert any(stated.name == "base_rate" and "Wilson" in stated.note for stated in plan.assumptions.stated)
    published = [{"model_id": f"m{i}", "rate": rate} for i in range(len(SIX))]
    models = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(SIX)]
    without_n = only(planned(fake_corpus(models=models, aggregates=published))).plan
    assert without_n is not None
    assert {s.name: s.origin for s in without_n.assumptions.stated}["base_rate"] == "assumed"


def test_law_tau_comes_with_an_upper_limit_or_not_at_all() -> None:
    for spread in (0.0, 0.01, 0.03, 0.05, 0.07):
        evidence = only(planned(corpus({"a": noisy(0.0, spread)}, n=100))).evidence
        assert evidence is not None
        assert (evidence.tau_pp is None) == (evidence.tau_cautious_pp is None)
        assert evidence.tau_pp is None or (evidence.tau_cautious_pp or 0) > evidence.tau_pp
    smooth = only(planned(corpus({"a": noisy(0.0, 0.0)}, n=100)))
    assert "scatter less about the line than their sampling noise, so tau has no upper limit" in smooth.words


def test_published_rates_without_n_leave_tau_with_the_noise_in_it() -> None:
    rates = [0.3, 0.42, 0.28, 0.39, 0.35, 0.44]
    models = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(SIX)]
    aggregates = [{"model_id": f"m{i}", "rate": rate} for i, rate in enumerate(rates)]
    setting = only(planned(fake_corpus(models=models, aggregates=aggregates)))
    evidence, plan = setting.evidence, setting.plan
    assert evidence is not None
    assert plan is not None
    assert evidence.tau_holds_sampling_noise
    assert plan.assumptions.prompts is None
    assert plan.prompts == ()
    assert 0.0 not in plan.taus_pp
    assert "sampling noise included" in setting.words
    assert any("prompts cannot be planned" in caveat for caveat in plan.caveats)


def test_a_mean_over_classes_has_the_noise_of_a_mean() -> None:
    """Four classes of 50 rows: the sampling variance of the mean is a quarter of one class's, and tau is what is left."""
    rates = noisy(0.0, 0.06)
    evidence = only(planned(corpus(dict.fromkeys("abcd", rates), n=50))).evidence
    assert evidence is not None
    assert evidence.series == "mean over 4 attack classes"
    assert evidence.rows_per_model == pytest.approx(200)
    seen = [round(50 * rate) / 50 for rate in rates]
    by_hand = spread_between_models(SIZES, seen, [rate * (1 - rate) / 50 / 4 for rate in seen])
    assert by_hand.tau_pp > 2
    assert evidence.tau_pp == pytest.approx(by_hand.tau_pp, abs=0.05)
    assert evidence.tau_interval_pp == pytest.approx(by_hand.interval_pp, abs=0.05)


def test_the_plan_of_an_answered_question_is_the_plan_of_the_corpus() -> None:
    made = corpus({"a": noisy(0.0, 0.15), "b": noisy(0.05)})
    cells = build_cells(made)
    scaling = analyze_inverse_scaling(cells, made.read("models"))
    assert plan_of_scaling(scaling, cells) == planned(made)


def test_headlines_name_the_numbers_that_one_quotes() -> None:
    plan = planned(corpus({"a": noisy(0.0, 0.15)}))
    quantities = [headline.quantity for headline in plan.headlines]
    assert quantities == ["models needed for 5 pp per decade", "models needed to show flatness", "smallest slope found"]
    assert all(headline.estimate is not None for headline in plan.headlines)
    assert plan.headlines[0].verdict == ScalingVerdict.UNDECIDED.value
    assert plan.fingerprint.startswith("ss1-")


@pytest.mark.calibration
@pytest.mark.parametrize(("n", "expected"), [(5, 0.77), (6, 0.80), (7, 0.80), (8, 0.79)])
def test_calibration_of_the_exact_test_that_few_models_get(n: int, expected: float) -> None:
    """What docs/how-to/plan-a-study.md says: where Student's t has power .80, an exact permutation of up to 8 models has this."""
    sizes = np.geomspace(0.5, 70, n)
    x = np.log10(sizes) - np.log10(sizes).mean()
    slope = minimum_detectable_slope(sizes, residual_sd=0.05).slope_pp_per_decade / 100
    orders = np.array(list(itertools.permutations(x)))
    rng = np.random.default_rng(1)
    runs, hits = 4000, 0
    for _ in range(runs):
        y = 0.5 + slope * x + rng.normal(0, 0.05, n)
        sums, observed = orders @ y, x @ y
        hits += 2 * min(np.mean(sums >= observed - 1e-12), np.mean(sums <= observed + 1e-12)) <= 0.05
    print(f"{n} models: exact permutation {hits / runs:.3f}")
    assert hits / runs == pytest.approx(expected, abs=0.02)


def test_models_that_differ_by_all_that_rates_can_are_planned_at_the_largest_tau() -> None:
    setting = only(planned(corpus({"a": [0.0, 0.95, 0.05, 1.0, 0.0, 1.0, 0.9, 0.1, 0.0, 1.0]}, n=60)))
    evidence, plan = setting.evidence, setting.plan
    assert evidence is not None
    assert plan is not None
    assert evidence.tau_cautious_pp is not None
    assert evidence.tau_cautious_pp > 50
    assert plan.assumptions.tau_cautious_pp == 50
    note = next(stated.note for stated in plan.assumptions.stated if stated.name == "tau_cautious_pp")
    assert note.endswith("of which 50 is the most that rates can have")
