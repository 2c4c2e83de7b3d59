"""The engine of servers keeps the contract of engines, asked over a real socket; the fake engine stands behind the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engines.contract import UnderTest
from engines.contract_suite import EngineContract
from engines.loopback import Loopback
from engines.test_fake_contract import words_of
from safescale.engines import EngineSpec, open_engine


class TestServersKeepTheContract(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def under_test(cls) -> Iterator[UnderTest]:
        with Loopback(adapters=("crimson",), window=200) as server:
            spec = EngineSpec(engine="openai", model="zorble", base_url=server.url, adapters={"crimson": "/nowhere"})
            engine = open_engine(spec)
            yield UnderTest(
                engine=engine,
                constrains=frozenset({"choice", "json", "regex"}),
                adapters=("crimson",),
                window=200,
                prompt_tokens=words_of,
            )
            engine.close()


class TestPlainServersKeepTheContract(EngineContract):
    """A server that is not vLLM: ``response_format`` alone, no prefill, no expressions; labels come out of JSON, no logprobs."""

    @pytest.fixture(scope="class")
    @classmethod
    def under_test(cls) -> Iterator[UnderTest]:
        with Loopback(adapters=(), window=200, version=None) as server:
            engine = open_engine(EngineSpec(engine="openai", model="zorble", base_url=server.url, max_model_len=200))
            yield UnderTest(
                engine=engine,
                constrains=frozenset({"choice", "json"}),
                window=200,
                logprobs=False,
                prefill=False,
                prompt_tokens=words_of,
            )
            engine.close()
