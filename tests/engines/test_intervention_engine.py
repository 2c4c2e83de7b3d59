"""Edits of the residual stream in the engine ``transformers``, against a forward pass that is written out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from safescale.engines import Answer, EngineSpec, Message, Request, Sampling, open_engine
from safescale.engines.intervention import Edit, Intervention
from tests.engines.plain_llama import plain_edit, plain_logits
from tests.engines.toy_model import make_toy

pytestmark = pytest.mark.hf

HIDDEN = 64
ASKED = (
    "zorble",
    "how do I gimble the frabbit in the wabe?",
    "mimsy tove snark",
    "is a quindle teal or crimson, and which wabe is brillig?",
)
TOKENS = 6
WITHIN_NATS = 1e-4
Planned = tuple[Intervention, list[tuple[int, Callable[[Any, int], Any]]]]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy(tmp_path_factory.mktemp("toy"), layers=3)


def _vectors(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, HIDDEN)).astype(np.float32)


def _planned(name: str) -> Planned:
    """An intervention and what it means, written out."""
    vectors, mean = _vectors(3, 3), _vectors(4, 1)[0]
    if name == "add to all":
        edit = Edit(kind="add", layer=1, directions=vectors[:1], coefficient=2.5)
        return Intervention(edits=(edit,)), [(1, plain_edit("add", vectors[0], coefficient=2.5))]
    if name == "add at one":
        edit = Edit(kind="add", layer=0, directions=vectors[:1], coefficient=-4.0, position=-2)
        return Intervention(edits=(edit,)), [(0, plain_edit("add", vectors[0], coefficient=-4.0, positions=[-2]))]
    if name == "ablate at all":
        edit = Edit(kind="ablate", layer=1, directions=vectors, mean=mean)
        return Intervention(edits=(edit,)), [(1, plain_edit("ablate", vectors, mean=mean))]
    if name == "ablate at one":
        edit = Edit(kind="ablate", layer=1, directions=vectors[:1], mean=mean, position=-1)
        return Intervention(edits=(edit,)), [(1, plain_edit("ablate", vectors[0], mean=mean, positions=[-1]))]
    if name == "ablate to zero":
        edit = Edit(kind="ablate", layer=2, directions=vectors[:2])
        return Intervention(edits=(edit,)), [(2, plain_edit("ablate", vectors[:2]))]
    assert name == "several in order"
    edits = (
        Edit(kind="add", layer=0, directions=vectors[1:2], coefficient=3.0),
        Edit(kind="ablate", layer=0, directions=vectors[:1], mean=mean, position=-3),
        Edit(kind="add", layer=2, directions=vectors[2:], coefficient=1.5, position=-1),
    )
    return Intervention(edits=edits), [
        (0, plain_edit("add", vectors[1], coefficient=3.0)),
        (0, plain_edit("ablate", vectors[0], mean=mean, positions=[-3])),
        (2, plain_edit("add", vectors[2], coefficient=1.5, positions=[-1])),
    ]


NAMES = ("add to all", "add at one", "ablate at all", "ablate at one", "ablate to zero", "several in order")


def _requests(adapter: str | None = None) -> list[Request]:
    sampling = Sampling(max_tokens=TOKENS, logprobs=20)
    return [Request(messages=(Message(role="user", content=text),), sampling=sampling, adapter=adapter) for text in ASKED]


def _answers(toy: Path, requests: Sequence[Request], folder: Path | None, *, batch: int = 4, **more: Any) -> dict[str, Answer]:
    options = {"threads": 1} | ({} if folder is None else {"intervention": str(folder)})
    engine = open_engine(EngineSpec(engine="transformers", model=str(toy), options=options, batch_size=batch, **more))
    try:
        return {answer.request_id: answer for answer in engine.answer(requests)}
    finally:
        engine.close()


def _recomputed(toy: Path, request: Request, answer: Answer, edits: Any, merged: dict[str, Any] | None = None) -> float:
    """Largest distance (nats) of the engine's log-probabilities and those of the pass that is written out, over all tokens."""
    from safetensors.numpy import load_file
    from transformers import AutoConfig, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(toy))
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": request.messages[0].content}], tokenize=True, return_dict=True, add_generation_prompt=True
    )["input_ids"]
    weights = merged or load_file(toy / "model.safetensors")
    ids, worst = list(prompt), 0.0
    assert answer.logprobs
    for told in answer.logprobs:
        logits = plain_logits(weights, AutoConfig.from_pretrained(str(toy)), ids, prompt=len(prompt), edits=edits)[-1]
        logs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        chosen = int(np.argmax(logits))
        best = np.sort(logs)[::-1][: len(told.alternatives)]
        worst = max(worst, abs(told.logprob - logs[chosen]), float(np.abs(best - [value for _, value in told.alternatives]).max()))
        ids.append(chosen)
    return worst


@pytest.mark.parametrize("name", NAMES)
def test_log_probabilities_agree_with_a_forward_pass_that_is_written_out(toy: Path, tmp_path: Path, name: str) -> None:
    intervention, edits = _planned(name)
    intervention.write(tmp_path / "edits")
    requests = _requests()
    plain, answers = _answers(toy, requests, None), _answers(toy, requests, tmp_path / "edits")
    assert len({answer.prompt_tokens for answer in answers.values()}) == len(ASKED), (
        "prompts of unequal lengths, so that some are padded"
    )
    assert all(len(answer.logprobs or ()) > 1 for answer in answers.values()), "tokens are decoded with a cache"
    for request in requests:
        assert _recomputed(toy, request, answers[request.request_id], edits) < WITHIN_NATS
    first = [(plain[r.request_id].logprobs or ())[0].logprob for r in requests]
    edited = [(answers[r.request_id].logprobs or ())[0].logprob for r in requests]
    assert np.abs(np.subtract(first, edited)).max() > 0.01, "the edit changes something"
