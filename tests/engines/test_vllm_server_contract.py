"""A real vLLM server, asked by the engine ``openai`` over its socket, keeps the contract of engines."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
import pytest

from engines.contract import UnderTest, chat
from engines.contract_suite import EngineContract
from engines.toy_model import ADAPTERS, WINDOW
from engines.vllm_server import vllm_server
from engines.vllm_toy import bare_greedy, prompt_length, shared_toy
from safescale.engines import Constraint, EngineSpec, FaultCode, in_order, open_engine

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def served() -> Iterator[EngineSpec]:
    folder = shared_toy()
    adapters = {name: str(folder / name) for name in ADAPTERS}
    with vllm_server(folder / "model", adapters=adapters, window=WINDOW) as url:
        yield EngineSpec(engine="openai", model="toy", base_url=url, adapters=adapters)


class TestServedVllmKeepsTheContract(EngineContract):
    apart = False

    @pytest.fixture(scope="class")
    @classmethod
    def under_test(cls, served: EngineSpec) -> Iterator[UnderTest]:
        folder = shared_toy()
        engine = open_engine(served)
        yield UnderTest(
            engine=engine,
            constrains=frozenset({"choice", "json", "regex"}),
            adapters=ADAPTERS,
            window=WINDOW,
            prompt_tokens=prompt_length(folder),
            greedy=bare_greedy(folder),
        )
        engine.close()


def test_a_constraint_that_vllm_ignores_is_caught(served: EngineSpec) -> None:
    """``guided_choice`` is accepted and dropped by vLLM 0.32: half of what a choice promises would be free text."""
    requests = [chat(f"zorble {n}", constraint=Constraint(kind="choice", choices=("A", "B"))) for n in range(4)]
    engine = open_engine(attrs.evolve(served, options={"structured": "guided"}))
    codes = {answer.fault.code for answer in in_order(requests, engine.answer(requests)) if answer.fault is not None}
    engine.close()
    assert codes == {FaultCode.CONSTRAINT_BROKEN}
