"""The fake keeps the contract, and a fake that does not is caught by each clause."""

from __future__ import annotations

import pytest

from engines.contract import UnderTest
from engines.contract_suite import EngineContract
from safescale.engines import EngineSpec, Request, open_engine


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
