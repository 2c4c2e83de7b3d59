"""The toy model for vLLM: made once a run, opened with little memory; a bare transformers model says what is right."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engines.toy_model import ADAPTERS, make_toy
from safescale.engines import Engine, EngineSpec, Request, open_engine

__all__ = ["OPTIONS", "bare_greedy", "offline_engine", "prompt_length", "shared_toy", "spec_of"]

OPTIONS = {"kv_cache_gib": 0.125, "dtype": "float32"}


@functools.cache
def shared_toy() -> Path:
    """The folder that holds the toy ``model`` and its adapters, made once a run."""
    folder = Path(tempfile.mkdtemp(prefix="safescale-toy-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_toy(folder)
    return folder


@functools.cache
def offline_engine() -> Engine:
    """Offline vLLM in this process, on the toy with its adapters: opened once a run, since nothing takes longer."""
    engine = open_engine(spec_of(shared_toy()))
    atexit.register(engine.close)
    return engine


def spec_of(folder: Path, engine: str = "vllm", **more: Any) -> EngineSpec:
    """The toy with its adapters, behind an engine."""
    options = OPTIONS | more.pop("options", {})
    adapters = {name: str(folder / name) for name in ADAPTERS}
    return EngineSpec(
        engine=engine, model=str(folder / "model"), **{"adapters": adapters, "batch_size": 16, **more}, options=options
    )


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder / "model")


def prompt_length(folder: Path) -> Callable[[Request], int]:
    """Tokens of a request's prompt, asked of the tokenizer itself."""
    tokenizer = _tokenizer(folder)
    return lambda request: len(_ids(tokenizer, request))


def _ids(tokenizer: Any, request: Request) -> list[int]:
    if request.text is not None:
        return list(tokenizer.encode(request.text))
    going_on = bool(request.prefill)
    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    text = tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=not going_on, continue_final_message=going_on
    )
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def bare_greedy(folder: Path) -> Callable[[Request], str]:
    """What the bare model says: arg max over its logits, token after token, without generate() and its defaults."""
    import torch
    from transformers import AutoModelForCausalLM

    tokenizer = _tokenizer(folder)
    model = AutoModelForCausalLM.from_pretrained(folder / "model", dtype=torch.float32)

    def greedy(request: Request) -> str:
        ids = _ids(tokenizer, request)
        said: list[int] = []
        with torch.no_grad():
            while len(said) < request.sampling.max_tokens:
                token = int(model(torch.tensor([ids + said])).logits[0, -1].argmax())
                if token == tokenizer.eos_token_id:
                    break
                said.append(token)
        return str(tokenizer.decode(said, skip_special_tokens=True))

    return greedy
