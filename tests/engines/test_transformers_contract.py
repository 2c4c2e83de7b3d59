"""The engine transformers keeps the contract, with a toy model whose defaults are poisoned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.contract import UnderTest
from engines.contract_suite import EngineContract
from engines.toy_model import ADAPTERS, WINDOW, make_toy
from safescale.engines import EngineSpec, Request, open_engine
from safescale.engines.rendering import Rendered, render

pytestmark = pytest.mark.hf


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy(tmp_path_factory.mktemp("toy"))


class TestTransformersKeepsTheContract(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def under_test(cls, toy: Path) -> Iterator[UnderTest]:
        adapters = {name: str(toy.parent / name) for name in ADAPTERS}
        engine = open_engine(EngineSpec(engine="transformers", model=str(toy), adapters=adapters, options={"threads": 1}))
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(str(toy))

        def prompt_tokens(request: Request) -> int:
            rendered = render(tokenizer, request, max_model_len=None)
            assert isinstance(rendered, Rendered)
            return len(rendered.token_ids)

        yield UnderTest(
            engine=engine,
            constrains=frozenset({"choice", "json", "regex"}),
            adapters=ADAPTERS,
            window=WINDOW,
            prompt_tokens=prompt_tokens,
        )
        engine.close()
        engine.close()
