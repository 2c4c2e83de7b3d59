"""One-token judges: verdicts from the text, probabilities from the logprobs, and none where these do not say."""

import math

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grade.judge.judging import HELPING, REFUSING, Script, logprobs, user
from safescale.engines import Answer, FaultCode, TokenLogprobs
from safescale.errors import DomainError
from safescale.grade.grader import Item, Judgement
from safescale.grade.judge import ChoiceJudge, LetterJudge, YesNoJudge, choice_probabilities, load_rubric
from safescale.records.outcomes import OUTCOME_MAPS
from safescale.records.verdicts import Verdict
from safescale.stats import classifier_entropy


def answer(text, *tokens, **more):
    return Answer(request_id="", text=text, logprobs=logprobs(*tokens) if tokens else None, **more)


YES = answer("yes", ("yes", math.log(0.75)), ("no", math.log(0.25)))


def test_yes_is_a_refusal_with_its_probability():
    engine = Script(verdict=YES)
    (found,) = YesNoJudge(engine=engine).grade([Item(response=REFUSING, prompt="zorble?")])
    assert found.verdict is Verdict.REFUSAL
    assert found.raw_label == "yes"
    assert found.probabilities == pytest.approx({Verdict.REFUSAL: 0.75, Verdict.COMPLIANCE: 0.25})
    assert found.p_refusal == pytest.approx(0.75)
    assert found.score == pytest.approx(0.75)
    (request,) = engine.asked
    assert request.constraint.choices == ("yes", "no")
    assert request.sampling.logprobs == 20
    assert request.sampling.temperature == 0.0


def test_log_probabilities_are_not_asked_for_where_they_are_refused():
    engine = Script(verdict=lambda request: FaultCode.BAD_REQUEST if request.sampling.logprobs else answer("yes"))
    (found,) = YesNoJudge(engine=engine, logprobs=None).grade([Item(response=REFUSING)])
    assert found.verdict is Verdict.REFUSAL
    assert found.probabilities is None
    asking = YesNoJudge(engine=engine).facts.grader_id
    assert YesNoJudge(engine=engine, logprobs=None).facts.grader_id != asking, "what was judged without is not taken for it"


def test_a_judge_of_harm_gives_no_refusal_and_no_probability_of_one():
    judge = YesNoJudge(engine=Script(verdict=answer("no", ("no", -0.1), ("yes", -2.4))), rubric=load_rubric("harmful-v1"))
    (found,) = judge.grade([Item(response=REFUSING)])
    assert found.verdict is Verdict.NOT_HARMFUL
    assert judge.facts.outcome_map == "binary_harmful"
    assert set(judge.facts.classes) == {Verdict.COMPLIANCE, Verdict.NOT_HARMFUL}
    assert set(found.probabilities) == {Verdict.COMPLIANCE, Verdict.NOT_HARMFUL}
    assert found.p_refusal is None, "nobody was asked"


def test_three_letters_give_three_classes_and_their_entropy():
    engine = Script(verdict=answer("B", ("B", math.log(0.5)), ("C", math.log(0.3)), ("A", math.log(0.2))))
    judge = LetterJudge(engine=engine)
    (found,) = judge.grade([Item(response=HELPING)])
    assert found.verdict is Verdict.PARTIAL
    assert found.raw_label == "PARTIAL"
    assert found.probabilities == pytest.approx({Verdict.COMPLIANCE: 0.2, Verdict.PARTIAL: 0.5, Verdict.REFUSAL: 0.3})
    assert found.score is None
    assert judge.facts.score_scale is None
    ce = classifier_entropy([list(found.probabilities.values())])
    assert 0 < ce.estimate < math.log(3)


def test_without_logprobs_no_probability_is_invented():
    (found,) = YesNoJudge(engine=Script(verdict=answer("yes"))).grade([Item(response=REFUSING)])
    assert found.verdict is Verdict.REFUSAL
    assert found.probabilities is None
    assert found.score is None
    assert found.p_refusal is None
    assert "no probabilities: the engine gave no log-probabilities" in found.reason


@pytest.mark.parametrize(
    ("given", "because"),
    [
        (answer("yes", ("yes", -0.5)), "'no' is not listed"),
        (Answer(request_id="", text="yes", logprobs=(TokenLogprobs(token="yes", logprob=-0.1),)), "of other tokens"),
        (answer("yes", ("yes", float("nan")), ("no", -1.0)), "no number"),
        (answer("yes", ("yes", 0.5), ("no", -1.0)), "above 0"),
        (answer("yes", ("yes", -0.1), ("no", -0.1)), "sum to 1.8"),
        (answer("yes", ("Hello", -0.1), ("yes", -4.0), ("no", -4.0)), "carry only 0.037"),
        (answer("<think>hm</think>yes", ("<think>", -0.1), ("yes", -4.0)), "thought first"),
        (answer("yes", ("yes", -0.1), ("no", -2.4), reasoning="hm"), "thought first"),
        (answer("yes", (" ", -0.1), ("\n", -2.4)), "of other tokens"),
    ],
)
def test_logprobs_that_do_not_say_give_none_with_the_reason(given, because):
    found = choice_probabilities(given, ("yes", "no"))
    assert found.probabilities is None
    assert because in found.because


def test_spellings_of_a_choice_are_added_and_what_is_no_choice_is_left_out():
    tokens = (
        (" Yes", math.log(0.3)),
        ("yes", math.log(0.3)),
        ("y", math.log(0.05)),
        ("No", math.log(0.15)),
        ("Maybe", math.log(0.2)),
    )
    found = choice_probabilities(answer("Yes", *tokens), ("yes", "no"))
    assert found.probabilities == pytest.approx({"yes": 0.65 / 0.8, "no": 0.15 / 0.8})
    assert found.mass == pytest.approx(0.8)


def test_a_choice_that_is_not_listed_is_nothing_only_where_nothing_is_left():
    sure = answer("yes", ("yes", math.log(0.995)), ("Yes", math.log(0.004)))
    assert choice_probabilities(sure, ("yes", "no")).probabilities == {"yes": 1.0, "no": 0.0}
    masked = answer("yes", ("yes", 0.0), ("no", -math.inf))
    assert choice_probabilities(masked, ("yes", "no")).probabilities == {"yes": 1.0, "no": 0.0}


def test_blank_tokens_before_the_answer_are_passed_over():
    first = TokenLogprobs(token="\n\n", logprob=-0.1, alternatives=(("\n\n", -0.1), ("safe", -3.0)))
    second = TokenLogprobs(token="un", logprob=math.log(0.9), alternatives=(("un", math.log(0.9)), ("safe", math.log(0.1))))
    found = choice_probabilities(Answer(request_id="", text="\n\nunsafe", logprobs=(first, second)), ("unsafe", "safe"))
    assert found.probabilities == pytest.approx({"unsafe": 0.9, "safe": 0.1})


def test_the_taken_token_counts_where_it_is_not_among_the_alternatives():
    token = TokenLogprobs(token="yes", logprob=math.log(0.8), alternatives=(("no", math.log(0.2)),))
    assert choice_probabilities(Answer(request_id="", text="yes", logprobs=(token,)), ("yes", "no")).probabilities == pytest.approx(
        {"yes": 0.8, "no": 0.2}
    )


def test_an_answer_against_its_probabilities_keeps_its_label_and_says_so():
    engine = Script(verdict=answer("yes", ("no", math.log(0.6)), ("yes", math.log(0.4))))
    (found,) = YesNoJudge(engine=engine).grade([Item(response=REFUSING)])
    assert found.verdict is Verdict.REFUSAL
    assert "not the most probable" in found.reason


@pytest.mark.parametrize("text", ["Yes", "yes.", "yes no", "", "true", "YES"])
def test_other_words_are_asked_for_once_more_and_then_an_error(text):
    engine = Script(verdict=answer(text, ("yes", -0.1), ("no", -2.4)))
    (found,) = YesNoJudge(engine=engine).grade([Item(response=REFUSING)])
    assert found.verdict is Verdict.ERROR
    assert found.probabilities is None
    assert len(engine.asked) == 2
    engine = Script(verdict=[answer(text), YES])
    (found,) = YesNoJudge(engine=engine).grade([Item(response=REFUSING)])
    assert found.verdict is Verdict.REFUSAL
    assert "asked again" in found.reason


def test_blanks_around_a_choice_do_not_matter():
    assert YesNoJudge(engine=Script(verdict=answer(" yes\n"))).grade([Item(response="x")])[0].verdict is Verdict.REFUSAL


def test_a_choice_that_was_forced_may_end_by_length():
    assert (
        YesNoJudge(engine=Script(verdict=attrs.evolve(YES, finish_reason="length"))).grade([Item(response="x")])[0].raw_label
        == "yes"
    )
    free = YesNoJudge(engine=Script(verdict=attrs.evolve(YES, finish_reason="length")), structured="never")
    assert free.grade([Item(response="x")])[0].verdict is Verdict.ERROR


def test_the_prompt_is_shown_where_it_is_known():
    engine = Script(verdict=YES)
    YesNoJudge(engine=engine).grade([Item(response="x", prompt="quindle a zorble"), Item(response="y")])
    assert {"quindle a zorble" in user(request) for request in engine.asked} == {True, False}
    assert any("(not known)" in user(request) for request in engine.asked)


def test_a_fault_of_one_item_is_one_error():
    engine = Script(verdict=lambda request: FaultCode.TIMEOUT if "second" in user(request) else YES)
    found = YesNoJudge(engine=engine).grade([Item(response=text) for text in ("first", "second", "third", " ")])
    assert [f.verdict.value for f in found] == ["REFUSAL", "ERROR", "REFUSAL", "NOT_GRADEABLE"]


def test_refuses_rubrics_of_another_kind():
    with pytest.raises(DomainError, match="kind choice"):
        ChoiceJudge(engine=Script(), rubric=load_rubric("flip-v2"))
    with pytest.raises(DomainError, match="labels yes, no"):
        YesNoJudge(engine=Script(), rubric=load_rubric("three-letters-v1"))
    with pytest.raises(DomainError, match="min_mass"):
        YesNoJudge(engine=Script(), min_mass=2.0)


RUBRICS = [load_rubric(name) for name in ("refused-v1", "three-letters-v1")]
tokens = st.tuples(
    st.one_of(st.sampled_from(["yes", "no", " Yes", "n", "A", "\n", ""]), st.text(max_size=5)),
    st.floats(-50, 1) | st.just(-math.inf),
)


@given(st.one_of(st.sampled_from(["yes", "no", "A"]), st.text(max_size=8)), st.lists(tokens, max_size=6))
def test_whatever_comes_back_there_is_a_judgement(text, listed):
    for rubric in RUBRICS:
        judge = ChoiceJudge(engine=Script(verdict=answer(text, *listed)), rubric=rubric)
        (found,) = judge.grade([Item(response=REFUSING)])
        assert isinstance(found, Judgement)
        if found.verdict is not Verdict.ERROR:
            assert OUTCOME_MAPS[judge.facts.outcome_map].verdict(found.raw_label) is found.verdict
        if found.probabilities is not None:
            assert all(0 <= p <= 1 for p in found.probabilities.values())
            assert set(found.probabilities) == set(judge.facts.classes)


@given(st.lists(st.floats(-5, 0), min_size=3, max_size=3))
def test_law_renormalised_probabilities_keep_their_ratios(logs):
    total = sum(math.exp(log) for log in logs)
    logs = [log - math.log(total) for log in logs]
    found = choice_probabilities(answer("A", *zip("ABC", logs, strict=True)), tuple("ABC"))
    assert sum(found.probabilities.values()) == pytest.approx(1)
    assert [found.probabilities[letter] for letter in "ABC"] == pytest.approx([math.exp(log) for log in logs])
