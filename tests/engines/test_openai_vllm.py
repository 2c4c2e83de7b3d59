"""A real vLLM server, started here with the toy model, keeps the contract when it is asked by messages and by token ids."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.contract import UnderTest, chat
from engines.contract_suite import EngineContract
from engines.loopback import free_port
from engines.toy_model import ADAPTERS, make_toy
from safescale.engines import Constraint, EngineSpec, FaultCode, in_order, open_engine
from safescale.engines.openai_opening import load_tokenizer
from safescale.engines.rendering import Rendered, render
from safescale.engines.requests import Request

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]

WINDOW = 256
KEY = "sk-toy-0123456789"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineSpec]:
    """Spec of a running server; its log is shown when it does not start."""
    folder = tmp_path_factory.mktemp("served")
    make_toy(folder)
    port = free_port()
    options = {
        "--model": str(folder / "model"),
        "--served-model-name": "toy",
        "--host": "127.0.0.1",
        "--port": str(port),
        "--max-model-len": str(WINDOW),
        "--max-num-seqs": "32",
        "--dtype": "float32",
        "--max-lora-rank": "8",
        "--max-loras": "2",
        "--structured-outputs-config": '{"backend":"xgrammar","disable_any_whitespace":true}',
    }
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--enforce-eager", "--enable-lora"]
    command += [word for pair in options.items() for word in pair]
    command += ["--lora-modules", *(f"{name}={folder / name}" for name in ADAPTERS)]
    quiet = {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "WARNING", "VLLM_CPU_KVCACHE_SPACE": "1"}
    environment = {**os.environ, **quiet, "OMP_NUM_THREADS": "1", "VLLM_API_KEY": KEY}
    os.environ["SAFESCALE_TOY_KEY"] = KEY
    with (folder / "log").open("wb") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        spec = EngineSpec(
            engine="openai",
            model="toy",
            base_url=f"http://127.0.0.1:{port}",
            api_key_env="SAFESCALE_TOY_KEY",
            adapters=dict.fromkeys(ADAPTERS, ""),
            options={"start_wait_s": 300},
        )
        try:
            open_engine(spec).close()
            yield spec
        finally:
            process.terminate()
            print((folder / "log").read_text(encoding="utf-8", errors="replace")[-3000:])
            del os.environ["SAFESCALE_TOY_KEY"]


def _tested(spec: EngineSpec, folder: Path) -> UnderTest:
    tokenizer = load_tokenizer(EngineSpec(engine="openai", model="toy", tokenizer=str(folder)))

    def tokens(request: Request) -> int:
        rendered = render(tokenizer, request, max_model_len=None)
        assert isinstance(rendered, Rendered)
        return len(rendered.token_ids)

    kinds = frozenset({"choice", "json", "regex"})
    return UnderTest(engine=open_engine(spec), constrains=kinds, adapters=ADAPTERS, window=WINDOW, prompt_tokens=tokens)


class TestVllmServersKeepTheContract(EngineContract):
    apart = False

    @pytest.fixture(scope="class")
    @classmethod
    def under_test(cls, server: EngineSpec, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnderTest]:
        folder = make_toy(tmp_path_factory.mktemp("toy"))
        tested = _tested(server, folder)
        yield tested
        tested.engine.close()


class TestVllmServersKeepTheContractByTokenIds(EngineContract):
    apart = False

    @pytest.fixture(scope="class")
    @classmethod
    def under_test(cls, server: EngineSpec, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnderTest]:
        import attrs

        folder = make_toy(tmp_path_factory.mktemp("toy"))
        tested = _tested(attrs.evolve(server, tokenizer=str(folder)), folder)
        yield tested
        tested.engine.close()


def test_a_constraint_that_vllm_ignores_is_caught(server: EngineSpec) -> None:
    """``guided_choice`` is accepted and dropped by vLLM 0.32: half of what a choice promises would be free text."""
    import attrs

    requests = [chat(f"zorble {n}", constraint=Constraint(kind="choice", choices=("A", "B"))) for n in range(4)]
    engine = open_engine(attrs.evolve(server, options={"structured": "guided"}))
    codes = {answer.fault.code for answer in in_order(requests, engine.answer(requests)) if answer.fault is not None}
    engine.close()
    assert codes == {FaultCode.CONSTRAINT_BROKEN}
