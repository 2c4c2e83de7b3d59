"""Offline vLLM, on whatever this machine has, keeps the contract of engines."""

from __future__ import annotations

import pytest

from engines.contract import UnderTest
from engines.contract_suite import EngineContract
from engines.toy_model import ADAPTERS, WINDOW
from engines.vllm_toy import bare_greedy, offline_engine, prompt_length, shared_toy

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]


class TestVllmKeepsTheContract(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def under_test(cls) -> UnderTest:
        return UnderTest(
            engine=offline_engine(),
            constrains=frozenset({"choice", "json", "regex"}),
            adapters=ADAPTERS,
            window=WINDOW,
            prompt_tokens=prompt_length(shared_toy()),
            greedy=bare_greedy(shared_toy()),
        )
