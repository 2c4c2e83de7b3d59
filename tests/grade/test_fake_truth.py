"""The grader that knows what the fake engine meant: exact on every text that it says, silent on any other."""

from __future__ import annotations

import pytest

from safescale.engines import EngineSpec, Message, Request, Sampling
from safescale.engines.fake_behaviour import FakeBehaviour
from safescale.grade.grader import Item, open_grader
from safescale.records.verdicts import Verdict


@pytest.mark.parametrize(
    ("behaviour", "verdict"),
    [
        (FakeBehaviour(refusal=1.0), Verdict.REFUSAL),
        (FakeBehaviour(refusal=0.0), Verdict.COMPLIANCE),
        (FakeBehaviour(refusal=0.0, partial=1.0), Verdict.PARTIAL),
        (FakeBehaviour(garbled=1.0), Verdict.NOT_GRADEABLE),
        (FakeBehaviour(empty=1.0), Verdict.NOT_GRADEABLE),
    ],
)
def test_it_reads_back_what_was_declared(behaviour: FakeBehaviour, verdict: Verdict) -> None:
    spec = EngineSpec(engine="fake", model="sim/plim")
    said = [
        behaviour(Request(messages=(Message(role="user", content=f"quindle {i}"),), sampling=Sampling()), spec) for i in range(50)
    ]
    judged = open_grader("fake-truth").grade([Item(response=str(text)) for text in said])
    assert {one.verdict for one in judged} == {verdict}


def test_a_text_that_the_fake_never_says_is_not_gradeable_with_the_reason() -> None:
    (judged,) = open_grader("fake-truth").grade([Item(response="brindle cobalt")])
    assert judged.verdict is Verdict.NOT_GRADEABLE
    assert judged.reason is not None
    assert "no text of the fake" in judged.reason
