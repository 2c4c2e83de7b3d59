"""Ray Data LLM on a local Ray cluster gives the answers of the contract, in as few jobs as the clauses need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engines.contract import UnderTest
from engines.contract_suite import EngineContract
from engines.toy_model import ADAPTERS, WINDOW
from engines.vllm_toy import bare_greedy, make_vllm_toy, prompt_length, spec_of
from safescale.engines import open_engine

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]


class TestRayKeepsTheContract(EngineContract):
    apart = False

    @pytest.fixture(scope="class")
    @classmethod
    def under_test(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnderTest]:
        folder = make_vllm_toy(tmp_path_factory.mktemp("toy"))
        engine = open_engine(spec_of(folder, "ray"))
        yield UnderTest(
            engine=engine,
            constrains=frozenset({"choice", "json", "regex"}),
            adapters=ADAPTERS,
            window=WINDOW,
            prompt_tokens=prompt_length(folder),
            greedy=bare_greedy(folder),
        )
        engine.close()
