"""
The contract as a class of tests: subclass it and give the fixture ``under_test``.

::

    class TestVllmKeepsTheContract(EngineContract):
        @pytest.fixture(scope="class")
        @classmethod
        def under_test(cls, toy): ...   # yields an UnderTest with an open engine
"""

from __future__ import annotations

import pytest

from engines.clauses import CLAUSES
from engines.contract import Outcome, UnderTest, printed, run_contract

__all__ = ["EngineContract"]

_NAMES = [clause.__name__ for clause in CLAUSES]


class EngineContract:
    """Every clause a test: once with the batches of all clauses as one, once each alone (``apart = False`` leaves that out)."""

    apart = True

    @pytest.fixture(scope="class")
    @classmethod
    def under_test(cls) -> UnderTest:
        raise NotImplementedError("give a fixture under_test with an open engine")

    @pytest.fixture(scope="class")
    @classmethod
    def merged(cls, under_test: UnderTest) -> dict[str, Outcome]:
        outcomes = run_contract(under_test, merged=True)
        print(f"\ncontract of {under_test.engine.facts.engine}, all batches as one\n{printed(outcomes)}")
        return {outcome.clause: outcome for outcome in outcomes}

    @pytest.fixture(scope="class")
    @classmethod
    def alone(cls, under_test: UnderTest) -> dict[str, Outcome]:
        outcomes = run_contract(under_test, merged=False)
        print(f"\ncontract of {under_test.engine.facts.engine}, each clause alone\n{printed(outcomes)}")
        return {outcome.clause: outcome for outcome in outcomes}

    @pytest.mark.parametrize("clause", _NAMES)
    def test_in_one_batch_with_all(self, clause: str, merged: dict[str, Outcome]) -> None:
        _judge(merged[clause])

    @pytest.mark.parametrize("clause", _NAMES)
    def test_alone(self, clause: str, request: pytest.FixtureRequest) -> None:
        if not self.apart:
            pytest.skip("this engine is asked in one batch only")
        outcomes: dict[str, Outcome] = request.getfixturevalue("alone")
        _judge(outcomes[clause])


def _judge(outcome: Outcome) -> None:
    if outcome.state == "not applicable":
        pytest.skip(outcome.note)
    assert outcome.state == "held", outcome.note
