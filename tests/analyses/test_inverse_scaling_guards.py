"""What must not become a claim: one far model, a relabelled copy, a comparison of graders that cannot test."""

from __future__ import annotations

from typing import Any

import pytest

from analyses.test_inverse_scaling import CANNOT, LESS, MORE, SIZES, UNDECIDED, analyze, corpus, headline, noisy, verdicts
from analyses.test_inverse_scaling_laws import answer, published
from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.analyses.copies import MIN_MINORITY_ROWS, units_without_copies
from safescale.analyses.inverse_scaling.sentences import ONE_SERIES
from safescale.analyses.units import ModelUnit
from safescale.cells import IdenticalModels
from safescale.report.chapter_text import chapter_markdown, chapter_text
from safescale.report.scaling_section import scaling_chapter

LEVER = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1000.0]


def told(form: Any, result: Any) -> str:
    words: str = form(scaling_chapter(result, "c"), version="0", fingerprint="f", command="c", simulated=False)
    return words


def text_of(result: Any) -> str:
    return told(chapter_text, result)


@pytest.mark.parametrize("rates", [[0.1] * 8 + [0.9], [0.9] * 8 + [0.1]])
def test_one_far_model_does_not_carry_a_claim(rates: list[float]) -> None:
    series = headline(analyze(corpus({"a": rates}, LEVER)))
    assert series.slope is not None
    assert series.slope.method == "ols_t"
    assert series.slope.p_value < 0.001
    assert series.permutation_p is not None
    assert series.permutation_p > 0.05
    assert series.verdict is UNDECIDED
    assert "the t test leans on single models: t test p < .001, permutation of models p = " in series.words
    assert any(caveat.startswith("the t test leans on single models") for caveat in series.caveats)
    assert "smallest attainable" not in series.words


@pytest.mark.parametrize(("slope", "verdict"), [(0.12, MORE), (-0.12, LESS)])
def test_a_permutation_that_agrees_leaves_the_claim(slope: float, verdict: Any) -> None:
    series = headline(analyze(corpus({"a": noisy(slope)})))
    assert series.verdict is verdict
    assert series.permutation_p is not None
    assert series.permutation_p <= 0.05
    assert "leans on single models" not in series.words


def test_a_permutation_is_not_computed_where_nothing_would_be_claimed() -> None:
    assert headline(analyze(corpus({"a": noisy(0.0, 0.2)}))).permutation_p is None


def with_copy(size: float, **fields: Any) -> FakeCorpus:
    rates = [0.1, 0.3, 0.5, 0.7]
    made = corpus({"a": rates}, SIZES[:4], n=40)
    copy = graded("m3-mirror", verdicts(0.7, 40, 21))
    models = [{"model_id": f"m{i}", "params_total_b": b} for i, b in enumerate(SIZES[:4])]
    models.append({"model_id": "m3-mirror", "params_total_b": size} | fields)
    return fake_corpus(made.read("traces").to_pylist() + copy[0], made.read("grades").to_pylist() + copy[1], models)


def test_a_relabelled_copy_is_no_further_model() -> None:
    result = analyze(with_copy(SIZES[3]))
    series = headline(result)
    assert (series.verdict, series.n_models, series.n_rows) == (CANNOT, 4, 160)
    assert {p.model: p.why_not_fitted for p in series.points if p.why_not_fitted} == {
        "m3-mirror": f"same verdict on every prompt as m3: {ONE_SERIES}"
    }
    assert f"1 model not fitted: same verdict on every prompt as another, {ONE_SERIES}" in series.caveats
    assert "Warning: m3 and m3-mirror have the same verdict" in result.answer
    assert "m3-mirror: same verdict on every prompt as m3" in text_of(result)


def test_copies_of_different_size_have_no_place() -> None:
    series = headline(analyze(with_copy(SIZES[4])))
    assert series.n_models == 3
    assert sorted(p.model for p in series.points if p.why_not_fitted) == ["m3", "m3-mirror"]


def test_a_copy_that_was_left_out_takes_nobody_s_place() -> None:
    result = analyze(with_copy(SIZES[4], tampering="abliterated"))
    assert headline(result).n_models == 4
    assert result.identical_models[0].model_ids == ("m3", "m3-mirror")


def test_published_rates_of_huge_n_have_no_shape_and_an_answer() -> None:
    rates = [(1.0, 10), (3.0, 20), (8.0, 30), (20.0, 40), (70.0, 60)]
    series = answer(published([(size, k * 900_000, 90_000_000) for size, k in rates])).settings[0].headline
    assert series is not None
    assert (series.verdict, series.shape) == (MORE, None)
    assert series.shape_unavailable is not None
    assert series.shape_unavailable.startswith("the shape is unavailable: ")


@pytest.mark.parametrize(("kind", "said"), [("unknown", True), ("harmful", False)])
def test_prompts_of_unknown_kind_are_said(kind: str, said: bool) -> None:
    result = analyze(corpus({"a": noisy(0.12)}, prompt_kind=kind))
    words = "2,000 of 2,000 traces have prompts of unknown kind; they are counted as if harmful"
    assert (words in result.caveats) is said
    assert (words in text_of(result)) is said
    assert (words in told(chapter_markdown, result)) is said


def two_graders(first: list[float], second: list[float]) -> FakeCorpus:
    up, down = corpus({"a": first}, SIZES[: len(first)]), corpus({"a": second}, SIZES[: len(second)], grader_id="other", tag="o")
    traces = up.read("traces").to_pylist() + down.read("traces").to_pylist()
    grades = up.read("grades").to_pylist() + down.read("grades").to_pylist()
    models = [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(SIZES)]
    return fake_corpus(traces, grades, models, graders=[{}, {"grader_id": "other"}])


def test_graders_that_cannot_test_are_not_compared() -> None:
    result = analyze(two_graders([0.1, 0.3, 0.6], [0.2, 0.4]))
    (band,) = result.bands
    assert not band.agree
    assert band.words.startswith("2 graders cannot be compared: 1 of 2 has a slope, 0 of 2 can test the claim (")
    assert "same answer" not in band.words


def test_graders_that_show_nothing_do_not_agree() -> None:
    """The second grader says the opposite of the first on every row; neither slope is shown, and that is no agreement."""
    rates = [0.4, 0.6, 0.45, 0.58, 0.41, 0.6, 0.47, 0.55, 0.4, 0.6]
    (band,) = analyze(two_graders(rates, [1 - rate for rate in rates])).bands
    assert band.verdicts == (UNDECIDED, UNDECIDED)
    assert not band.agree
    assert band.words.startswith("2 graders leave it open, slopes from -")


def test_several_settings_say_where_the_level_holds() -> None:
    words = (
        "2 settings (grader, target, condition) are answered: the level of 0.05 holds within each of them, "
        "for each kind of test (mean, within generations, by class); not over all"
    )
    both = analyze(two_graders(noisy(0.12), noisy(0.11)))
    assert words in both.answer
    assert words in text_of(both)
    assert both.bands[0].agree
    assert "2 graders lead to the same answer, slopes from +" in both.bands[0].words
    assert "the level of" not in analyze(corpus({"a": noisy(0.12)})).answer


@pytest.mark.parametrize(("largest", "said"), [(250, True), (150, False)])
def test_very_unequal_rows_are_a_caveat(largest: int, said: bool) -> None:
    """A point per model is only fair to models of about as many rows: the calibration says how far off it can be."""
    traces, grades = [], []
    for i, rate in enumerate(noisy(0.12)):
        part = graded(f"m{i}", verdicts(rate, largest if i == 9 else 20, 7 * i), attack_class="a")
        traces += part[0]
        grades += part[1]
    made = fake_corpus(traces, grades, [{"model_id": f"m{i}", "params_total_b": size} for i, size in enumerate(SIZES)])
    caveats = headline(analyze(made)).caveats
    assert any(c.startswith(f"rows per model range from 20 to {largest}") for c in caveats) is said


def test_a_model_of_which_nothing_counts_is_named() -> None:
    models: list[dict[str, Any]] = [{}] * 9 + [{"tampering": "abliterated"}]
    (caveat,) = analyze(corpus({"a": noisy(0.12)}, models=models)).caveats
    assert caveat == "in no rate, because every graded row was left out: m9 (200 tampered_model)"
    assert analyze(corpus({"a": noisy(0.12)})).caveats == ()


@pytest.mark.parametrize("lineages", [("l", "k"), ("l", None)])
def test_models_of_several_lineages_have_no_shape(lineages: tuple[str | None, ...]) -> None:
    """A turn between neighbouring sizes of two developers is a difference of developers, and rows cannot tell."""
    bend = [0.1, 0.1, 0.3, 0.5, 0.7, 0.7, 0.5, 0.3, 0.1, 0.1]
    series = headline(analyze(corpus({"a": bend}, models=[{"lineage": lineages[i % 2]} for i in range(10)])))
    assert series.shape is None
    assert "no one shape" in series.shape_unavailable
    assert not any("shape" in caveat for caveat in series.caveats)


@pytest.mark.parametrize(("lineages", "said"), [(2, True), (1, False)])
def test_lineages_are_confounded_only_where_there_are_several(lineages: int, said: bool) -> None:
    rates = [0.8, 0.82, 0.81, 0.78, 0.8, 0.2, 0.22, 0.19, 0.18, 0.21]
    models = [{"lineage": ("x" if i < 5 else "y") if lineages == 2 else ("x" if i < 4 else None)} for i in range(10)]
    assert ("size and lineage are not told apart" in analyze(corpus({"a": rates}, models=models)).answer) is said


def test_a_doubt_about_a_size_is_a_warning() -> None:
    models: list[dict[str, Any]] = [{"size_note": "declared size contradicts the name"}] + [{}] * 9
    made = corpus({"a": noisy(0.12)}, models=models)
    assert "m0: declared size contradicts the name" in text_of(analyze(made))
    table = made.read("models").drop_columns(["size_note"])
    made.set_models(table)
    assert "contradicts" not in text_of(analyze(made))


@pytest.mark.parametrize(("minority", "copies"), [(MIN_MINORITY_ROWS - 1, 0), (MIN_MINORITY_ROWS, 1)])
def test_models_that_agree_on_nearly_nothing_but_refusals_are_no_copies(minority: int, copies: int) -> None:
    units = {
        name: ModelUnit(
            model=name,
            model_ids=(name,),
            params_total_b=7.0,
            params_active_b=None,
            size_is_guess=False,
            family=None,
            lineage=None,
        )
        for name in ("plim-7b", "quae-7b")
    }
    same = IdenticalModels(
        model_ids=("plim-7b", "quae-7b"),
        tampering=("none", "none"),
        grader="judge",
        target="text",
        condition="default",
        evaluable=100,
        prompts=100,
        minority=minority,
    )
    marked = units_without_copies(units, units, [same])
    assert sum(unit.copy_note is not None for unit in marked.values()) == copies
