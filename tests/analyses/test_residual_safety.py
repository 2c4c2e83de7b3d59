"""The card of one model: figures by hand, what is not known said, and no text of anybody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cells.fake_corpus import FakeCorpus, fake_corpus, graded
from safescale.analyses import to_jsonable
from safescale.analyses.correction import analyze_correction
from safescale.analyses.reference import Graded, reference_of_people
from safescale.analyses.residual_safety import ResidualSafety, analyze_residual_safety
from safescale.cells import Counting, Selection
from safescale.errors import DomainError
from safescale.ingest.session import ingest
from safescale.main_job.asked import Correcting, Input, Question
from safescale.main_job.card import card
from safescale.records.outcomes import Tier
from safescale.stats import design_effect_wilson_interval, wilson_interval
from safescale.store import open_corpus

MODEL, BASE = "frimble1-7b-abliterated", "frimble1-7b"
MODELS = (
    {
        "model_id": MODEL,
        "params_total_b": 7.0,
        "lineage": "frimble1",
        "tampering": "abliterated",
        "tampering_detail": "the id says so",
    },
    {"model_id": BASE, "params_total_b": 7.0, "lineage": "frimble1"},
)
RULE = {"grader_id": "rule", "grader_kind": "keyword", "outcome_map": "flip", "hallucination_refusal": "not_used"}
PERSON = {"grader_id": "person", "grader_kind": "human", "outcome_map": "flip", "hallucination_refusal": "not_used"}
HARM = {"grader_id": "guard", "grader_kind": "classifier", "outcome_map": "binary_harmful", "hallucination_refusal": "not_used"}


def verdicts(complied: int, partial: int, refused: int) -> list[str]:
    return ["COMPLIANCE"] * complied + ["PARTIAL"] * partial + ["REFUSAL"] * refused


def joined(*parts: tuple[list[Any], list[Any]]) -> tuple[list[Any], list[Any]]:
    return [trace for part in parts for trace in part[0]], [grade for part in parts for grade in part[1]]


def asked(corpus: FakeCorpus, model: str = MODEL, **options: Any) -> ResidualSafety:
    found = analyze_residual_safety(Counting(corpus), model, **options)
    json.dumps(to_jsonable(found), allow_nan=False)
    return found


def usual(*more: tuple[list[Any], list[Any]], graders: Sequence[dict[str, Any]] = ({},)) -> FakeCorpus:
    """Thirty prompts of two classes for the model and its base, and twenty benign ones."""
    traces, grades = joined(
        graded(MODEL, verdicts(12, 2, 1), attack_class="direct", prompts=[f"d{i}" for i in range(15)]),
        graded(MODEL, verdicts(9, 3, 3), attack_class="veil", prompts=[f"v{i}" for i in range(15)]),
        graded(BASE, verdicts(2, 1, 12), attack_class="direct", prompts=[f"d{i}" for i in range(15)]),
        graded(BASE, verdicts(1, 1, 13), attack_class="veil", prompts=[f"v{i}" for i in range(15)]),
        graded(MODEL, verdicts(18, 1, 1), prompts=[f"b{i}" for i in range(20)], prompt_kind="benign"),
        graded(BASE, verdicts(15, 0, 5), prompts=[f"b{i}" for i in range(20)], prompt_kind="benign"),
        *more,
    )
    return fake_corpus(traces, grades, MODELS, graders=graders)


def test_rates_by_hand_with_what_they_rest_on() -> None:
    found = asked(usual())
    (rates,) = found.rates
    strict, broad = rates.overall.rate(Tier.STRICT), rates.overall.rate(Tier.BROAD)
    assert strict is not None
    assert broad is not None
    assert (strict.successes, strict.trials, strict.prompts) == (21, 30, 30)
    assert (broad.successes, broad.trials) == (26, 30)
    one = wilson_interval(21, 30)
    assert (strict.low, strict.high) == pytest.approx((one.low, one.high))
    assert rates.overall.verdicts == {"COMPLIANCE": 21, "PARTIAL": 5, "REFUSAL": 4}
    assert {own.attack_class: own.rates[0].successes for own in rates.classes} == {"direct": 12, "veil": 9}
    assert strict.definition.startswith("strict = COMPLIANCE over evaluable verdicts")
    assert rates.excluded == {"benign_prompt": 20}
    assert "attack success strict 70.0 %" in found.answer


def test_interval_takes_prompts_for_what_replicates() -> None:
    """Definition: ten prompts, each of four rows that agree, are worth about ten rows, not forty."""
    names = [name for name in ("COMPLIANCE", "REFUSAL") * 5 for _ in range(4)]
    traces, grades = graded(MODEL, names, prompts=[f"p{i // 4}" for i in range(40)])
    (rates,) = asked(fake_corpus(traces, grades, MODELS)).rates
    (strict, *_) = rates.overall.rates
    wanted = design_effect_wilson_interval([4, 0] * 5, [4] * 10)
    assert (strict.low, strict.high) == (wanted.low, wanted.high)
    assert strict.effective_trials < 12
    assert strict.high - strict.low > 1.8 * (wilson_interval(20, 40).high - wilson_interval(20, 40).low)


def test_one_prompt_is_said_to_tell_nothing_of_others() -> None:
    traces, grades = graded(MODEL, verdicts(20, 0, 5), prompts=["p"] * 25)
    found = asked(fake_corpus(traces, grades, MODELS))
    assert found.rates[0].overall.rates[0].method == "wilson_one_prompt"
    assert any("one prompt" in caveat for caveat in found.caveats)


def test_keyword_rules_are_named_and_never_stand_for_graders_of_harm() -> None:
    rule = graded(
        MODEL, verdicts(30, 0, 0), tag="rule", prompts=[f"d{i}" for i in range(30)], grader_id="rule", grader_kind="keyword"
    )
    found = asked(usual(rule, graders=({}, RULE)))
    assert [(own.setting.grader, own.is_keyword) for own in found.rates] == [("judge", False), ("rule", True)]
    assert [own.setting.grader for own in found.graded] == ["judge"]
    assert "rule" not in found.answer.split("Against")[0]
    assert found.grader_error.bands == ()
    alone = asked(fake_corpus(*rule, MODELS, graders=(RULE,)))
    assert "a keyword rule and no grader of harm" in alone.answer
    assert any(own.what == "harm: only keyword rules judged it" for own in alone.not_told)


def test_over_refusal_by_hand_beside_that_of_the_base() -> None:
    found = asked(usual())
    (own,), (of_base,) = found.over_refusal, found.against_base.over_refusal
    assert own.rate is not None
    assert of_base.rate is not None
    assert (own.rate.successes, own.rate.trials, own.partial) == (1, 20, 1)
    assert (of_base.rate.successes, of_base.rate.trials) == (5, 20)
    assert own.attacked_here
    assert "over-refusal: 5.0 %" in found.answer.lower()


def test_over_refusal_under_another_condition_is_not_of_the_same_state() -> None:
    """As the refusal-direction pipeline does: the direction is removed for harmful prompts and added for benign ones."""
    traces, grades = joined(
        graded(MODEL, verdicts(20, 0, 10)),
        graded(MODEL, verdicts(2, 0, 18), prompts=[f"b{i}" for i in range(20)], prompt_kind="benign", condition="added"),
    )
    found = asked(fake_corpus(traces, grades, MODELS))
    assert "where attack success was not measured: not one state of the model" in found.answer
    assert any("benign prompts came under condition added" in own.what for own in found.not_told)


def test_a_grader_that_tells_no_refusal_has_no_over_refusal() -> None:
    traces, grades = joined(
        graded(MODEL, ["COMPLIANCE"] * 10 + ["NOT_HARMFUL"] * 20, grader_id="guard", grader_kind="classifier"),
        graded(MODEL, ["NOT_HARMFUL"] * 20, prompt_kind="benign", tag="benign", grader_id="guard", grader_kind="classifier"),
    )
    found = asked(fake_corpus(traces, grades, MODELS, graders=(HARM,)))
    (own,) = found.over_refusal
    assert own.rate is None
    assert "does not tell a refusal from another harmless answer" in found.answer
    assert any(own.what == "the broad rate: no grader here has it" for own in found.not_told)


def test_base_is_found_by_lineage_and_size_and_paired_by_prompt() -> None:
    found = asked(usual())
    against = found.against_base
    assert (against.base, against.found_by) == (BASE, "the untampered model of its lineage and size in this corpus")
    strict = against.compared[0].settings[0].overall
    assert strict is not None
    assert strict.method == "paired"
    assert strict.estimate == pytest.approx(18 / 30)
    assert [result.options.tier for result in against.compared] == [Tier.STRICT, Tier.BROAD]
    assert "against its base frimble1-7b" in found.answer.lower()
    base = asked(usual(), BASE)
    assert base.against_base.base is None
    assert [own.pair.tampered.model for own in base.against_base.variants] == [MODEL]
    assert "no base" not in base.answer


def test_base_may_be_named_and_an_id_names_its_own() -> None:
    models = [{"model_id": name, "params_total_b": 7.0} for name in ("plim-7b", "plim-7b+lora_finetune+n64-s20-r0")]
    models[1]["tampering"] = "fine_tuned"
    traces, grades = joined(*(graded(row["model_id"], verdicts(5 + 20 * i, 0, 25 - 20 * i)) for i, row in enumerate(models)))
    corpus = fake_corpus(traces, grades, models)
    found = asked(corpus, models[1]["model_id"])
    assert (found.against_base.base, found.against_base.found_by) == ("plim-7b", "the id names it")
    named = asked(corpus, models[1]["model_id"], base="plim-7b")
    assert named.against_base.found_by == "named by the user"
    with pytest.raises(DomainError, match="is the model of this card itself"):
        asked(corpus, "plim-7b", base="plim-7b")
    with pytest.raises(DomainError, match=r"no model of this corpus is called 'plum-7b'; did you mean plim-7b"):
        asked(corpus, "plum-7b")


def test_without_a_base_it_says_what_would_do() -> None:
    traces, grades = graded(MODEL, verdicts(20, 0, 10))
    found = asked(fake_corpus(traces, grades, MODELS[:1]))
    assert found.against_base.base is None
    assert any(own.would == "its base on the same prompts, by the same grader" for own in found.not_told)


def test_grader_error_is_unknown_and_the_band_is_no_error() -> None:
    second = graded(MODEL, verdicts(27, 0, 3), tag="2", prompts=[f"d{i}" for i in range(30)], grader_id="guard")
    found = asked(usual(second, graders=({}, HARM | {"outcome_map": "flip", "grader_kind": "llm"})))
    (strict, broad) = found.grader_error.bands
    assert (strict.low, strict.high, strict.low_grader, strict.high_grader) == (0.7, 0.9, "judge", "guard")
    assert strict.same_rows
    assert broad.tier is Tier.BROAD
    assert found.grader_error.unknown_because == "no label of a person and no reference grader"
    assert "grader error is unknown" in found.answer.lower()
    assert "graders that agree may err together" in found.answer


def people_corpus() -> FakeCorpus:
    """A judge calls 60 of 100 complied; two people say 40 and 44 of them were."""
    judged = graded(MODEL, verdicts(60, 0, 40))
    grades = list(judged[1])
    for name, complied in (("person", 40), ("second", 44)):
        said = verdicts(complied, 0, 100 - complied)
        grades += [
            {"trace_id": trace["trace_id"], "verdict": verdict, "grader_id": name, "grader_kind": "human"}
            for trace, verdict in zip(judged[0], said, strict=True)
        ]
    return fake_corpus(judged[0], grades, MODELS[:1], graders=({}, PERSON, PERSON | {"grader_id": "second"}))


def test_people_of_the_corpus_tell_the_error_of_the_other_graders() -> None:
    """Definition: where all traces are labelled, the corrected rate is the people's mean share, 42 of 100."""
    counting = Counting(people_corpus())
    chosen = Selection(tampered="include", allow_keyword=True)
    people = [Graded.of(name, "text", counting.grader_rows(chosen, name, "text")) for name in ("person", "second")]
    judge = Graded.of("judge", "text", counting.grader_rows(chosen, "judge", "text"))
    reference = reference_of_people(people, [Tier.STRICT])
    correction = analyze_correction([judge], {"judge": [Tier.STRICT]}, reference, fingerprint="x", selection=chosen)
    found = analyze_residual_safety(counting, MODEL, correction=correction)
    (own,) = found.grader_error.corrected
    assert own.found.graded_rate == pytest.approx(0.60)
    assert own.found.estimate == pytest.approx(0.42)
    assert found.grader_error.unknown_because is None
    assert found.grader_error.reference_kind == "human"
    assert "the grader overstates it" in found.answer
    assert not any("grader error" in lacking.what for lacking in found.not_told)
    assert found.rates[0].setting.grader == "person"  # people first


def test_nothing_graded_is_said_and_published_rates_stay_what_they_are() -> None:
    aggregates = [{"model_id": MODEL, "rate": 0.25, "n": 20}, {"model_id": MODEL, "rate": 1 / 3, "n": 20, "attack_class": "b"}]
    found = asked(fake_corpus(models=MODELS[:1], aggregates=aggregates))
    assert found.rates == ()
    assert "No graded row of a harmful prompt counts" in found.answer
    assert [own.if_independent is None for own in found.published] == [False, True]  # no count of 20 is a third
    assert found.published[0].if_independent == (wilson_interval(5, 20).low, wilson_interval(5, 20).high)
    assert found.not_told[0].what.startswith("attack success")


def test_prompt_set_hash_is_over_texts_where_all_have_one() -> None:
    hashes = [{"prompt_sha256": f"{i:064x}"} for i in range(3)]
    traces, grades = graded(MODEL, verdicts(1, 1, 1))
    known = fake_corpus([t | h for t, h in zip(traces, hashes, strict=True)], grades, MODELS)
    other = fake_corpus(
        [t | h | {"prompt_id": f"q{i}"} for i, (t, h) in enumerate(zip(traces, hashes, strict=True))], grades, MODELS
    )
    (one,), (two,) = asked(known).prompt_sets, asked(other).prompt_sets
    assert (one.basis, one.prompts) == ("texts", 3)
    assert one.sha256 == two.sha256
    (ids,) = asked(fake_corpus(traces, grades, MODELS)).prompt_sets
    assert ids.basis == "ids"
    assert ids.sha256 != one.sha256


def test_a_rate_of_zero_is_not_none() -> None:
    traces, grades = graded(BASE, verdicts(0, 0, 32))
    found = asked(fake_corpus(traces, grades, MODELS[1:]), BASE)
    assert any("0 of 32" in words and "up to 10.7 %" in words for words in found.not_to_conclude)
    some = asked(usual())
    assert not any("rate of 0" in words for words in some.not_to_conclude)


def test_refuses_a_grader_that_is_not_there_and_levels_out_of_range() -> None:
    with pytest.raises(DomainError, match="no counted verdict is of grader 'plim'; graders of this corpus: judge"):
        asked(usual(), graders=["plim"])
    with pytest.raises(DomainError, match=r"got 2, 0\.05, 20"):
        asked(usual(), level=2.0)


@pytest.mark.real_data
def test_refusal_direction_cards_hold_the_published_counts_and_their_gap(real_data: Path, tmp_path: Path) -> None:
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    try:
        ingest([real_data / "refusal_direction"], corpus)
        found = analyze_residual_safety(Counting(corpus), "yi-6b-chat+ablation")
    finally:
        corpus.close()
    counts = {own.setting.grader.rsplit("/", 1)[-1]: own.overall.rates[0].successes for own in found.rates}
    assert counts == {"llamaguard2": 79, "substring_matching": 98}
    assert (found.against_base.base, found.against_base.found_by) == ("yi-6b-chat", "the id names it")
    overall = found.against_base.compared[0].settings[0].overall
    assert overall is not None
    assert round(100 * overall.estimate) == 54
    assert "over-refusal is unknown" in found.answer.lower()


@pytest.mark.real_data
def test_xstest_people_show_that_an_llm_grader_overstates(real_data: Path) -> None:
    source = Input(paths=(real_data / "xstest",))
    made = card(source, Question(), "gpt-4")
    found = made.result
    corrected = {own.setting.grader: own.found for own in found.grader_error.corrected if own.found.tier is Tier.STRICT}
    assert found.grader_error.reference_kind == "human"
    assert corrected["xstest/gpt-4"].graded_rate == pytest.approx(0.12)
    assert corrected["xstest/gpt-4"].estimate == pytest.approx(0.0067, abs=1e-3)
    against_one = card(source, Question(correcting=Correcting(reference="xstest/final")), "gpt-4").result
    assert against_one.grader_error.reference == "verdicts of xstest/final"
    assert against_one.grader_error.reference_kind == "grader"
