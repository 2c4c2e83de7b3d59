"""Greedy answers of a model that is in memory, through the loop of the engine ``transformers``."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import attrs

from safescale.engines.engine import EngineFacts, EngineSpec
from safescale.engines.intervention import Intervention
from safescale.engines.requests import Message, Request, Sampling
from safescale.engines.residual import ResidualEdits
from safescale.engines.transformers import TransformersEngine
from safescale.engines.transformers_loading import Loaded

__all__ = ["greedy_answers", "loaded_in_memory"]


def loaded_in_memory(model: Any, tokenizer: Any) -> Loaded:
    """A model and its tokenizer, as the engine's loop takes them; ``model`` may wear adapters of peft, which are on."""
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    pad = tokenizer.pad_token_id
    end = int(tokenizer.eos_token_id)
    return Loaded(
        model=model,
        bare=bare,
        tokenizer=tokenizer,
        device=bare.device,
        window=int(bare.config.get_text_config().max_position_embeddings),
        end_ids=frozenset({end}),
        pad_id=int(pad) if pad is not None else end,
        vocabulary=int(bare.get_output_embeddings().weight.shape[0]),
    )


def greedy_answers(
    loaded: Loaded,
    prompts: Sequence[str],
    *,
    max_tokens: int,
    batch_size: int = 64,
    intervention: Intervention | None = None,
) -> list[str]:
    """
    Greedy answers, in the order of the prompts.

    Parameters
    ----------
    loaded : Loaded
        The model.
    prompts : sequence of str
        Messages of the user; equal ones are asked once.
    max_tokens : int
        Most tokens of an answer.
    batch_size : int
        Prompts at once.
    intervention : Intervention, optional
        Edits that are on, in place of those that the model was loaded with.

    Returns
    -------
    list of str
        A prompt that cannot be answered (too long, empty) has an empty answer.
    """
    spec = EngineSpec(engine="transformers", model="in memory", batch_size=batch_size)
    facts = EngineFacts(engine="transformers", version="", model=spec.model, model_id=spec.model)
    if intervention is not None:
        loaded = attrs.evolve(loaded, edits=ResidualEdits.of(loaded.bare, intervention))
    sampling = Sampling(max_tokens=max_tokens)
    requests = {text: Request(messages=(Message(role="user", content=text),), sampling=sampling) for text in prompts}
    engine = TransformersEngine(spec, loaded, facts)
    told: dict[str, str] = {}
    with importlib.import_module("torch").inference_mode():
        for answer in engine.answer(list(requests.values())):
            told[answer.request_id] = answer.text or ""
    return [told[requests[text].request_id] for text in prompts]
