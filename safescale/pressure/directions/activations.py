"""The residual stream at the last tokens of rendered prompts: means over many prompts, or every prompt at one place."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from safescale.engines import Answer, Message, Request
from safescale.engines.rendering import render
from safescale.engines.residual import decoder_layers, residual_width, watched
from safescale.engines.transformers_loading import Loaded
from safescale.engines.transformers_loop import Forward
from safescale.errors import DomainError

__all__ = ["Float32Array", "FloatArray", "first_token_logs", "mean_activations", "prompt_activations", "rendered"]

FloatArray = npt.NDArray[np.floating[Any]]
Float32Array = npt.NDArray[np.float32]
Ids = tuple[int, ...]


def rendered(loaded: Loaded, prompts: Sequence[str]) -> list[Ids]:
    """
    Token ids of prompts as the engine sends them.

    Raises
    ------
    DomainError
        For a prompt that cannot be asked.
    """
    found: list[Ids] = []
    for text in prompts:
        made = render(loaded.tokenizer, Request(messages=(Message(role="user", content=text),)), max_model_len=loaded.window)
        if isinstance(made, Answer):
            words = "" if made.fault is None else made.fault.message
            raise DomainError(f"the prompt {text[:60]!r} cannot be asked ({words}); leave it out")
        found.append(made.token_ids)
    return found


def mean_activations(loaded: Loaded, prompts: Sequence[str], positions: Sequence[int], batch_size: int) -> FloatArray:
    """
    Mean over prompts of the residual stream after every layer, shape (layers, positions, hidden).

    Memory does not grow with the prompts. A prompt without such a token (too short) is a DomainError.
    """
    layers = decoder_layers(loaded.bare)
    total = np.zeros((len(layers), len(positions), residual_width(loaded.bare)))
    for _, seen in _passes(loaded, rendered(loaded, prompts), positions, batch_size):
        for at, stream in seen.items():
            total[at] += stream.sum(axis=0, dtype=np.float64)
    return np.asarray(total / len(prompts))


def prompt_activations(loaded: Loaded, prompts: Sequence[str], layer: int, position: int, batch_size: int) -> Float32Array:
    """The residual stream after one layer at one position, of every prompt; shape (prompts, hidden)."""
    out = np.empty((len(prompts), residual_width(loaded.bare)), dtype=np.float32)
    for places, seen in _passes(loaded, rendered(loaded, prompts), [position], batch_size):
        out[places] = seen[layer][:, 0]
    return out


def first_token_logs(loaded: Loaded, prompts: Sequence[Ids], batch_size: int) -> FloatArray:
    """Log-probabilities (nats) of the first token of the answer, shape (prompts, vocabulary), under the edits that are loaded."""
    torch = importlib.import_module("torch")
    forward = Forward.of(loaded.model, loaded.bare, loaded.edits)
    out: FloatArray | None = None
    for places in _batched(prompts, batch_size):
        tokens, mask, where = _padded([prompts[at] for at in places], loaded)
        with torch.inference_mode():
            logits, _ = forward(tokens, mask, where, None)
        logs = logits.double().log_softmax(dim=-1).cpu().numpy()
        if out is None:
            out = np.empty((len(prompts), logs.shape[1]))
        out[places] = logs
    assert out is not None
    return out


def _passes(
    loaded: Loaded, prompts: Sequence[Ids], positions: Sequence[int], batch_size: int
) -> Iterator[tuple[list[int], dict[int, Float32Array]]]:
    torch = importlib.import_module("torch")
    short = min((len(ids) for ids in prompts), default=0)
    if short < -min(positions):
        raise DomainError(f"a prompt has {short} tokens, and position {min(positions)} is asked for; leave the prompt or it out")
    layers = decoder_layers(loaded.bare)
    forward = Forward.of(loaded.model, loaded.bare, loaded.edits)
    for places in _batched(prompts, batch_size):
        seen: dict[int, Float32Array] = {}
        tokens, mask, where = _padded([prompts[at] for at in places], loaded)
        with torch.inference_mode(), watched(layers, positions, seen):
            forward(tokens, mask, where, None)
        yield places, seen


def _batched(prompts: Sequence[Ids], batch_size: int) -> Iterator[list[int]]:
    """Places of the prompts, those of like lengths together."""
    order = sorted(range(len(prompts)), key=lambda at: len(prompts[at]))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def _padded(prompts: Sequence[Ids], loaded: Loaded) -> tuple[Any, Any, Any]:
    torch = importlib.import_module("torch")
    width = max(len(ids) for ids in prompts)
    tokens = torch.tensor([[loaded.pad_id] * (width - len(ids)) + list(ids) for ids in prompts], device=loaded.device)
    mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts], device=loaded.device)
    return tokens, mask, (mask.cumsum(dim=-1) - 1).clamp(min=0)
