"""A Llama's forward pass written out in numpy, float64: no cache, no padding, no hooks. What vouches for edits of the stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["plain_edit", "plain_logits"]

Stream = npt.NDArray[np.float64]


def plain_edit(
    kind: str, vector: Any, *, mean: Any = None, coefficient: float = 1.0, positions: Sequence[int] | None = None
) -> Callable[[Stream, int], Stream]:
    """
    An edit by its definition, one token at a time.

    ``positions`` are tokens counted from the end of a prompt of the length that is given with the stream; None: all.
    """

    def edited(stream: Stream, prompt: int) -> Stream:
        out = stream.copy()
        for at in range(len(stream)):
            if positions is not None and at - prompt not in positions:
                continue
            if kind == "add":
                out[at] = stream[at] + coefficient * np.asarray(vector, dtype=np.float64)
            else:
                # Gram-Schmidt, then one direction after the other: each component becomes the mean's
                done: list[Stream] = []
                for row in np.atleast_2d(np.asarray(vector, dtype=np.float64)):
                    unit = row - sum((float(row @ other) * other for other in done), np.zeros_like(row))
                    done.append(unit / np.linalg.norm(unit))
                for unit in done:
                    wanted = 0.0 if mean is None else float(np.asarray(mean, dtype=np.float64) @ unit)
                    out[at] += (wanted - float(out[at] @ unit)) * unit
        return out

    return edited


def plain_logits(
    weights: Mapping[str, Any],
    config: Any,
    tokens: Sequence[int],
    *,
    prompt: int,
    edits: Sequence[tuple[int, Callable[[Stream, int], Stream]]] = (),
) -> Stream:
    """Logits after every token, shape (tokens, vocabulary); ``edits`` are (layer, edit) on the output of that layer, in order."""
    held = {name: np.asarray(tensor, dtype=np.float64) for name, tensor in weights.items()}
    heads, groups, width = config.num_attention_heads, config.num_key_value_heads, config.head_dim
    base = config.rope_parameters["rope_theta"]
    count = len(tokens)
    angle = np.outer(np.arange(count), 1.0 / base ** (np.arange(0, width, 2) / width))
    cos, sin = np.cos(angle), np.sin(angle)
    x = held["model.embed_tokens.weight"][list(tokens)]

    def norm(stream: Stream, name: str) -> Stream:
        return stream / np.sqrt((stream**2).mean(axis=-1, keepdims=True) + config.rms_norm_eps) * held[name]

    def turned(one: Stream) -> Stream:
        left, right = one[:, : width // 2], one[:, width // 2 :]
        return np.concatenate([left * cos - right * sin, right * cos + left * sin], axis=1)

    for layer in range(config.num_hidden_layers):
        here = f"model.layers.{layer}"
        seen = norm(x, f"{here}.input_layernorm.weight")
        q, k, v = (seen @ held[f"{here}.self_attn.{name}_proj.weight"].T for name in "qkv")
        mixed = np.zeros((count, heads * width))
        for head in range(heads):
            group = head // (heads // groups)
            own, shared = slice(head * width, (head + 1) * width), slice(group * width, (group + 1) * width)
            scores = turned(q[:, own]) @ turned(k[:, shared]).T / np.sqrt(width)
            scores[np.triu_indices(count, 1)] = -np.inf
            shares = np.exp(scores - scores.max(axis=1, keepdims=True))
            mixed[:, own] = shares / shares.sum(axis=1, keepdims=True) @ v[:, shared]
        x = x + mixed @ held[f"{here}.self_attn.o_proj.weight"].T
        seen = norm(x, f"{here}.post_attention_layernorm.weight")
        gate, up = (seen @ held[f"{here}.mlp.{name}_proj.weight"].T for name in ("gate", "up"))
        x = x + (gate / (1 + np.exp(-gate)) * up) @ held[f"{here}.mlp.down_proj.weight"].T
        for at, edit in edits:
            if at == layer:
                x = edit(x, prompt)
    head_name = "lm_head.weight" if "lm_head.weight" in held else "model.embed_tokens.weight"
    return norm(x, "model.norm.weight") @ held[head_name].T
