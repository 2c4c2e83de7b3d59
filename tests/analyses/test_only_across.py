"""A slope that sources or generations carry is not claimed of size; simulated truth in, words out."""

from __future__ import annotations

import pytest

from analyses.test_inverse_scaling import analyze, headline
from analyses.test_inverse_scaling import corpus as of_one_source
from analyses.test_pooled import corpus
from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.analyses import InverseScalingResult, ScalingVerdict
from safescale.analyses.inverse_scaling.results import Robustness
from safescale.analyses.inverse_scaling.sentences import change_words
from safescale.cells import Selection, build_cells

MORE, LESS, UNDECIDED = ScalingVerdict.COMPLY_MORE, ScalingVerdict.COMPLY_LESS, ScalingVerdict.UNDECIDED

LOW = (0.30, 0.27, 0.22, 0.18)
HIGH = (0.90, 0.86, 0.83, 0.78)


def with_sources(made: FakeCorpus) -> InverseScalingResult:
    return analyze(made, by_source=build_cells(made, Selection(), by_source=True))


def two_sources(low: tuple[float, ...], high: tuple[float, ...]) -> FakeCorpus:
    """The small models are in one source, the large ones in another."""
    return corpus({"plim": [*low, None, None, None, None], "brudd": [None, None, None, None, *high]})


@pytest.mark.parametrize(("sign", "claimed"), [(1, "comply more"), (-1, "comply less")])
def test_a_slope_with_the_other_sign_within_sources_is_not_claimed(sign: int, claimed: str) -> None:
    low = LOW if sign > 0 else tuple(1 - rate for rate in LOW)
    high = HIGH if sign > 0 else tuple(1 - rate for rate in HIGH)
    result = with_sources(two_sources(low, high))
    series = headline(result)
    assert series.verdict is UNDECIDED
    assert f"larger models {claimed} only across sources" in result.answer
    (setting,) = result.settings
    assert setting.within_sources is not None
    assert setting.within_sources.signs_differ
    assert {s.verdict for s in setting.attack_classes} == {UNDECIDED}
    # the sources added up do not tell
    assert headline(analyze(two_sources(low, high))).verdict in (MORE, LESS)


def test_a_slope_that_sources_agree_on_is_claimed() -> None:
    result = with_sources(two_sources((0.20, 0.27, 0.33, 0.41), (0.50, 0.57, 0.66, 0.72)))
    assert headline(result).verdict is MORE
    assert "sources" not in result.answer


def test_a_slope_that_is_not_shown_within_sources_says_so() -> None:
    result = with_sources(two_sources((0.20, 0.26, 0.18, 0.24), (0.80, 0.88, 0.79, 0.86)))
    assert headline(result).verdict is MORE
    assert "Within sources this is not shown" in result.answer


def test_one_source_is_not_looked_at_for_sources() -> None:
    result = with_sources(corpus({"plim": [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}))
    assert result.settings[0].within_sources is None


def test_a_slope_that_generations_contradict_is_not_claimed() -> None:
    rates = [0.30, 0.22, 0.15, 0.58, 0.50, 0.42, 0.85, 0.78, 0.70, 0.62]
    lineage = ["frim"] * 3 + ["gorl"] * 3 + ["hask"] * 4
    models = [{"lineage": name, "family": name} for name in lineage]
    result = analyze(of_one_source({"a": rates}, models=models))
    assert headline(result).verdict is UNDECIDED
    assert "larger models comply more only across generations; within them -" in result.answer
    assert "size and lineage are not told apart" in result.answer.lower()


def test_ids_of_one_model_that_are_added_up_are_named_and_equal_verdicts_warned_of() -> None:
    verdicts = ["COMPLIANCE", "REFUSAL", "REFUSAL"] * 20
    traces, grades, models = [], [], []
    for name, of_id in (("plim/m", verdicts), ("brudd/m", verdicts), ("plim/other", verdicts[::-1])):
        part = graded(name, of_id)
        traces += part[0]
        grades += part[1]
        models.append({"model_id": name, "canonical_id": name.split("/")[1], "params_total_b": 1.0})
    (setting,) = analyze(fake_corpus(traces, grades, models)).settings
    (note,) = [note for note in setting.notes if "added up" in note]
    assert note.startswith("m: the rows of brudd/m and plim/m are added up, ids of one model")
    assert "the same rows may count 2 times" in note


def test_a_repetition_that_moves_only_the_label_says_that() -> None:
    repeat = Robustness(
        name="active_parameters",
        possible=True,
        reason="2 sparse models",
        n_models=8,
        slope_pp_per_decade=-6.0,
        standard_error_pp_per_decade=4.0,
        raw_difference_pp_per_decade=None,
        label="POSITIVE_SCALING",
        p_value=0.2,
        p_holm=0.2,
        verdict=UNDECIDED,
        bend=None,
        changed=True,
    )
    (words,) = change_words((repeat,), UNDECIDED, None, "NO_SIGNIFICANT_SCALING")
    assert words.startswith(
        "by active parameters only the label of report 353 changes, from NO_SIGNIFICANT_SCALING to POSITIVE_SCALING"
    )
    (words,) = change_words((repeat,), MORE, None, "INVERSE_SCALING")
    assert "the result changes: neither a change" in words
