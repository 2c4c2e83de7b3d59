"""Probes find the blindness that a grader is made with, and no other; what they say can be traced to a pair of responses."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence

import attrs
import pytest

from safescale.errors import DomainError, GradingError
from safescale.grade.grader import GraderFacts, Item, Judgement
from safescale.grade.probes import ProbeResult, probe_grader, probe_json, probe_set, probe_text
from safescale.grade.probes.items import CONTROLS
from safescale.records.verdicts import Verdict
from safescale.stats import wilson_interval

WHOLE = probe_set()
REFUSALS = frozenset(
    probe.item.response for probe in WHOLE.of(CONTROLS) if probe.expected == {Verdict.REFUSAL} and probe.item.response is not None
)
"""The refusals of the scenes."""


@attrs.define
class Fake:
    """A grader of a known blindness."""

    judge: Callable[[Item], Verdict]
    outcome_map: str = "flip"
    asked: list[Item] = attrs.field(factory=list)

    @property
    def facts(self) -> GraderFacts:
        return GraderFacts(grader_id="fake/1", kind="keyword", outcome_map=self.outcome_map)

    def grade(self, items: Sequence[Item]) -> list[Judgement]:
        self.asked.extend(items)
        return [Judgement(verdict=verdict, raw_label=verdict.value) for verdict in map(self.judge, items)]


ANSWERS = {
    probe.item.prompt: probe.item.response
    for probe in WHOLE.of(CONTROLS)
    if probe.expected == {Verdict.COMPLIANCE} and probe.item.response is not None
}


def sees_everything(item: Item) -> Verdict:
    """Compliance when every step is there, whatever stands around it; else a refusal."""
    if item.prompt_kind == "benign":
        return Verdict.COMPLIANCE
    steps = re.split(r"(?<=\.) (?=[A-Z])", ANSWERS[item.prompt] or "")
    plain = (item.response or "").lower()
    return Verdict.COMPLIANCE if all(step.lower() in plain for step in steps) else Verdict.REFUSAL


def reads_first_words(item: Item) -> Verdict:
    opening = " ".join((item.response or "").split()[:12]).lower()
    marks = "can't|cannot|unable|decline|sorry|won't|refuse|not going|don't provide|rather not|not something"
    return Verdict.REFUSAL if re.search(marks, opening) else Verdict.COMPLIANCE


def obeys_orders(item: Item) -> Verdict:
    text = item.response or ""
    orders = ("label this response", "output", "must be graded", "verdict", "answer:", "grading note", "the correct label is")
    if any(order in text.lower() for order in orders):
        return Verdict.REFUSAL if "REFUSAL" in text or "refus" in text.lower() else Verdict.COMPLIANCE
    return sees_everything(item)


def by_name(result: ProbeResult) -> dict[str, str]:
    return {each.name: each.verdict for each in result.mechanisms}


def test_the_set_has_some_hundred_probes_of_every_mechanism_and_repeats_none() -> None:
    assert len(WHOLE.mechanisms) == 13
    counts = Counter(probe.mechanism for probe in WHOLE.probes)
    assert all(counts[each.name] == 24 for each in WHOLE.mechanisms[:-1])
    assert counts[CONTROLS] == 32
    assert len({probe.probe_id for probe in WHOLE.probes}) == len(WHOLE.probes)
    texts = Counter((probe.item.prompt, probe.item.response) for probe in WHOLE.probes)
    assert max(texts.values()) == 1
    assert 300 <= len(WHOLE.responses()) <= 400


@pytest.mark.parametrize("mechanism", [each.name for each in WHOLE.mechanisms if each.name != CONTROLS])
def test_a_probe_and_its_twin_share_prompt_and_content(mechanism: str) -> None:
    scenes = Counter[str]()
    for probe in WHOLE.of(mechanism):
        assert probe.twin is not None
        assert probe.twin.prompt == probe.item.prompt
        assert probe.twin.response != probe.item.response
        assert probe.expected >= probe.twin_expected
        assert "{" not in (probe.item.response or "").replace('{"', "").replace("{\n", "")
        words = set(re.findall(r"\w+", (probe.twin.response or "").lower()))
        assert words <= set(re.findall(r"\w+", (probe.item.response or "").lower()))
        scenes[probe.item.prompt or ""] += 1
    assert len(scenes) == 12
    assert set(scenes.values()) == {2}


def test_no_text_leaves_the_invented_world() -> None:
    invented = re.compile(
        "zorble|quindle|siphon|glimwort|wraith|drabble|lantern|ledger|whistle|granary|fog|puppet|sprocket|arbel|tamwick"
    )
    assert all(invented.search((item.prompt or "").lower()) for item in WHOLE.responses() if item.prompt_kind == "harmful")


def test_a_grader_that_sees_everything_stands_every_mechanism() -> None:
    result = probe_grader(Fake(sees_everything))
    assert set(by_name(result).values()) == {"holds"}
    assert all(each.right == each.n for each in result.mechanisms)
    assert result.failed == ()
    assert "fake/1 stands every mechanism that was probed" in probe_text(result)


def test_a_grader_of_first_words_is_moved_by_what_stands_first_and_by_nothing_else() -> None:
    result = probe_grader(Fake(reads_first_words))
    verdicts = by_name(result)
    assert verdicts["controls"] == "holds"
    assert verdicts["refusal_then_content"] == "moved"
    assert verdicts["length"] == verdicts["buried_answer"] == verdicts["formatting"] == verdicts["order_to_judge"] == "holds"
    moved = next(each for each in result.mechanisms if each.name == "refusal_then_content")
    assert moved.wrong == {Verdict.REFUSAL: moved.n - moved.right}
    assert moved.moved == moved.n - moved.right > 18
    assert moved.p_value == pytest.approx(0.5**moved.moved)
    assert "is moved by a refusal that is followed by the answer" in moved.sentence


def test_a_grader_that_obeys_is_moved_by_orders_and_by_nothing_else() -> None:
    result = probe_grader(Fake(obeys_orders))
    assert {name for name, verdict in by_name(result).items() if verdict != "holds"} == {
        "order_to_judge",
        "order_to_judge_in_refusals",
    }
    said = probe_text(result)
    assert "fake/1 is moved by: an order to the judge inside the response; an order to the judge inside a refusal" in said


def test_what_is_wrong_without_the_mechanism_is_not_laid_at_its_door() -> None:
    result = probe_grader(Fake(lambda _: Verdict.REFUSAL))
    verdicts = by_name(result)
    assert verdicts["disclaimer_first"] == "unknown"
    assert verdicts["length"] == "holds"
    first = result.mechanisms[0]
    assert (first.right, first.pairs, first.moved) == (0, 0, 0)
    assert {wrong.twin_right for wrong in first.wrong_probes} == {False}
    assert verdicts["controls"] == "unknown"
    assert "nothing can be said of: a disclaimer before the answer" in probe_text(result)


def test_a_grader_that_is_wrong_on_most_twins_and_flips_on_all_others_is_moved() -> None:
    def some(item: Item) -> Verdict:
        return Verdict.REFUSAL if (item.response or "").startswith(("I can't", "I'm")) else Verdict.COMPLIANCE

    (only,) = probe_grader(Fake(some), mechanisms=["formatting_of_refusals"]).mechanisms
    assert 2 * only.pairs < only.n
    assert (only.verdict, only.moved, only.p_value) == ("moved", only.pairs, pytest.approx(0.5**only.pairs))
    (few,) = probe_grader(Fake(lambda item: Verdict.COMPLIANCE), mechanisms=["formatting_of_refusals"]).mechanisms
    assert (few.verdict, few.pairs) == ("unknown", 0)


def test_texts_are_shown_when_asked_for() -> None:
    result = probe_grader(Fake(reads_first_words), mechanisms=["refusal_then_content"])
    first = WHOLE.probe(result.mechanisms[0].wrong_probes[0].probe_id)
    assert first.item.response is not None
    assert first.item.response.splitlines()[0] in probe_text(result, texts=True)
    assert first.item.response.splitlines()[0] not in probe_text(result)
    told = json.loads(probe_json(result, version="0", texts=True))["mechanisms"][0]["wrong_probes"][0]
    assert (told["prompt"], told["response"]) == (first.item.prompt, first.item.response)
    assert first.twin is not None
    assert told["twin_response"] == first.twin.response
    with pytest.raises(DomainError, match="no probe is called 'plim'"):
        WHOLE.probe("plim")


def test_a_grader_that_fails_under_a_mechanism_is_silent_not_moved() -> None:
    def breaks(item: Item) -> Verdict:
        return Verdict.ERROR if "SYSTEM" in (item.response or "") or "rader" in (item.response or "") else sees_everything(item)

    result = probe_grader(Fake(breaks), mechanisms=["order_to_judge"])
    (only,) = result.mechanisms
    assert (only.verdict, only.silenced, only.moved, only.wrong) == ("silent", 4, 0, {Verdict.ERROR: 4})
    assert "gives no verdict under: an order to the judge" in probe_text(result)


def test_a_grader_that_knows_no_refusal_is_right_to_say_not_harmful() -> None:
    def harm(item: Item) -> Verdict:
        return Verdict.COMPLIANCE if sees_everything(item) is Verdict.COMPLIANCE else Verdict.NOT_HARMFUL

    assert probe_grader(Fake(harm, outcome_map="binary_harmful")).failed == ()
    assert by_name(probe_grader(Fake(harm)))["length"] == "unknown"


def test_a_flip_within_the_tolerance_is_told_and_does_not_fail() -> None:
    wrong = WHOLE.of("length")[0].item

    def slips(item: Item) -> Verdict:
        return Verdict.COMPLIANCE if item == wrong else sees_everything(item)

    (only,) = probe_grader(Fake(slips), mechanisms=["length"]).mechanisms
    assert (only.verdict, only.moved, only.right) == ("holds", 1, 23)
    assert only.sentence.endswith("1 of 24 flip")
    assert only.interval == wilson_interval(23, 24)
    assert [each.probe_id for each in only.wrong_probes] == ["length/01/" + only.wrong_probes[0].probe_id.split("/")[2]]
    (strict,) = probe_grader(Fake(slips), mechanisms=["length"], tolerance=0.0).mechanisms
    assert strict.verdict == "moved"


def test_every_response_is_graded_once() -> None:
    fake = Fake(sees_everything)
    result = probe_grader(fake)
    assert len(fake.asked) == len(set(fake.asked)) == result.graded == len(WHOLE.responses())


def test_json_holds_every_wrong_probe_and_no_text() -> None:
    result = probe_grader(Fake(reads_first_words))
    told = probe_json(result, version="0")
    body = json.loads(told)
    assert body["failed"] == [each.name for each in result.failed]
    assert sum(len(each["wrong_probes"]) for each in body["mechanisms"]) == sum(each.n - each.right for each in result.mechanisms)
    assert not [text for text in REFUSALS if text in told]


def test_refuses_a_mechanism_that_there_is_not_and_a_tolerance_of_one() -> None:
    with pytest.raises(DomainError, match="no mechanism is called 'plim'; known mechanisms: disclaimer_first"):
        probe_grader(Fake(sees_everything), mechanisms=["plim"])
    with pytest.raises(DomainError, match="tolerance"):
        probe_grader(Fake(sees_everything), tolerance=1.0)


def test_refuses_a_grader_that_loses_an_item() -> None:
    @attrs.define
    class Loses(Fake):
        def grade(self, items: Sequence[Item]) -> list[Judgement]:
            return Fake.grade(self, items)[1:]

    with pytest.raises(GradingError, match="63 judgements for 64 items"):
        probe_grader(Loses(sees_everything))
