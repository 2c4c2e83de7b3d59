"""The fake keeps the contract, and a fake that does not is caught by each clause."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from engines.clauses import CLAUSES
from engines.contract import UnderTest, printed, run_contract
from engines.contract_suite import EngineContract
from engines.faulty import FAULTS, Faulty
from safescale.engines import Answer, EngineSpec, Request, open_engine
from safescale.engines.fake import FakeEngine


def words_of(request: Request) -> int:
    return len((request.text or "\n".join(m.content for m in request.messages)).split())


def fake_under_test() -> UnderTest:
    spec = EngineSpec(engine="fake", model="zorble-1b", adapters={"crimson": "/nowhere"}, max_model_len=200)
    return UnderTest(
        engine=open_engine(spec),
        constrains=frozenset({"choice", "json"}),
        adapters=("crimson",),
        window=200,
        prompt_tokens=words_of,
    )


class TestTheFakeKeepsTheContract(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def under_test(cls) -> UnderTest:
        return fake_under_test()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_fake_is_caught(fault: str) -> None:
    distortions, must_notice = FAULTS[fault]
    sound = fake_under_test()
    assert isinstance(sound.engine, FakeEngine)
    faulty = attrs.evolve(sound, engine=Faulty(sound.engine, **distortions))
    for merged in (True, False):
        outcomes = {outcome.clause: outcome for outcome in run_contract(faulty, merged=merged)}
        for clause in must_notice:
            assert outcomes[clause].state == "broken", f"{clause} did not notice ({'merged' if merged else 'alone'})"
            assert outcomes[clause].note


def test_every_clause_catches_a_fault() -> None:
    caught = {clause for _, clauses in FAULTS.values() for clause in clauses}
    assert caught == {clause.__name__ for clause in CLAUSES}


def test_an_engine_that_raises_breaks_what_it_was_asked() -> None:
    sound = fake_under_test()

    class Raises:
        facts = sound.engine.facts

        def answer(self, requests: object) -> Iterator[Answer]:
            raise ValueError("no such thing")
            yield

        def close(self) -> None: ...

    outcomes = run_contract(attrs.evolve(sound, engine=Raises()))
    assert {outcome.state for outcome in outcomes if outcome.clause != "what_it_says_of_itself_is_whole"} <= {"broken"}
    assert "ValueError: no such thing" in printed(outcomes)


def test_an_engine_that_can_do_little_says_so_or_is_not_asked() -> None:
    sound = fake_under_test()
    poor = UnderTest(engine=sound.engine, logprobs=False, counts=False, constrains=frozenset({"choice", "json"}))
    states = {outcome.clause: outcome.state for outcome in run_contract(poor)}
    assert states["logprobs_are_of_the_tokens"] == "not applicable"
    assert states["an_adapter_changes_the_output"] == "not applicable"
    assert "broken" not in states.values()
