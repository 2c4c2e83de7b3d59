"""A real vLLM server, asked by the engine ``openai`` over its socket, keeps the contract of engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engines.contract import UnderTest
from engines.contract_suite import EngineContract
from engines.toy_model import ADAPTERS, WINDOW
from engines.vllm_server import vllm_server
from engines.vllm_toy import bare_greedy, prompt_length, shared_toy
from safescale.engines import EngineSpec, open_engine

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]


class TestServedVllmKeepsTheContract(EngineContract):
    apart = False

    @pytest.fixture(scope="class")
    @classmethod
    def under_test(cls) -> Iterator[UnderTest]:
        folder = shared_toy()
        adapters = {name: str(folder / name) for name in ADAPTERS}
        with vllm_server(folder / "model", adapters=adapters, window=WINDOW) as url:
            engine = open_engine(EngineSpec(engine="openai", model="toy", base_url=url, adapters=adapters))
            yield UnderTest(
                engine=engine,
                constrains=frozenset({"choice", "json", "regex"}),
                adapters=ADAPTERS,
                window=WINDOW,
                prompt_tokens=prompt_length(folder),
                greedy=bare_greedy(folder),
            )
            engine.close()
