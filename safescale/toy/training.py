"""Training one model of a lineage on one thread: the two stages, with nothing random but what the seed says."""

from __future__ import annotations

import importlib
import importlib.util
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines.transformers_loading import quietly
from safescale.errors import GenerationError, MissingBackend
from safescale.toy.examples import Stage, batches, examples_of
from safescale.toy.recipe import Recipe, ToySize
from safescale.toy.surroundings import Surroundings

__all__ = ["StageCost", "StepDone", "check_backend", "new_model", "one_thread", "save", "train_stage"]

StepDone = Callable[[], None]
_STAGES: Final[tuple[Stage, ...]] = ("pretraining", "safety")


@attrs.frozen(kw_only=True)
class StageCost:
    """
    What a stage took.

    Attributes
    ----------
    stage : {"pretraining", "safety"}
        Which.
    steps, tokens : int
        Steps; tokens that went through the model.
    loss_nats : float
        Mean loss of the last tenth of its steps, by token of the answers.
    cpu_s : float
        Seconds of CPU of this process.
    """

    stage: Stage
    steps: int
    tokens: int
    loss_nats: float
    cpu_s: float


def check_backend() -> None:
    """
    Whether torch and transformers are there.

    Raises
    ------
    MissingBackend
        Naming the extra.
    """
    for package in ("torch", "transformers"):
        if importlib.util.find_spec(package) is None:
            raise MissingBackend(package, "finetune")


@contextmanager
def one_thread(seed: int) -> Iterator[None]:
    """Torch on one thread with a random state of its own; the caller's threads and state are put back."""
    torch = importlib.import_module("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def new_model(recipe: Recipe, size: ToySize, tokenizer: Any, *, device: str = "cpu") -> Any:
    """An untrained model of a size; its weights are drawn from torch's random state."""
    transformers, torch = importlib.import_module("transformers"), importlib.import_module("torch")
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        intermediate_size=2 * size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        head_dim=32,
        max_position_embeddings=recipe.window,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        use_cache=True,
        initializer_range=recipe.spread / math.sqrt(size.hidden),
    )
    return transformers.LlamaForCausalLM(config).to(torch.float32).to(device)


def train_stage(
    model: Any,
    tokenizer: Any,
    recipe: Recipe,
    size: ToySize,
    stage: Stage,
    around: Surroundings,
    seed: int,
    *,
    step_done: StepDone | None = None,
) -> StageCost:
    """
    One stage: AdamW with a cosine, loss on the answers only.

    Parameters
    ----------
    model, tokenizer
        As ``new_model`` and ``make_tokenizer`` give them.
    recipe, size, seed
        How.
    stage : {"pretraining", "safety"}
        Which.
    around : Surroundings
        Puzzles and prose.
    step_done : callable, optional
        Told after each step.

    Raises
    ------
    GenerationError
        When the loss is no longer a number.
    """
    torch = importlib.import_module("torch")
    began = time.process_time()
    steps = recipe.pretraining_steps if stage == "pretraining" else recipe.safety_steps
    peak = recipe.rate * size.learning_rate * (1.0 if stage == "pretraining" else recipe.safety_rate)
    optimiser = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=recipe.weight_decay)
    warm = max(1, round(steps * recipe.warm_up))

    def rate(step: int) -> float:
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
    rows = batches(
        examples_of(recipe, stage, around, seed), tokenizer, steps=steps, size=recipe.batch_size, window=recipe.window, seed=seed
    )
    model.train()
    tokens, losses = 0, []
    for batch in rows:
        ids, targets = _tensors(torch, batch, tokenizer.pad_token_id, model.device)
        # what fills a row up stands behind its answer, where a causal model does not look: no mask is needed
        hidden = model.model(input_ids=ids[:, :-1], use_cache=False).last_hidden_state
        told = targets[:, 1:] >= 0
        loss = torch.nn.functional.cross_entropy(model.lm_head(hidden[told]), targets[:, 1:][told])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        tokens += ids.numel()
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            raise GenerationError(f"the loss of {size.name} (seed {seed}) is no number after {len(losses)} steps of {stage}")
        if step_done is not None:
            step_done()
    model.eval()
    last = losses[-max(1, steps // 10) :]
    return StageCost(stage=stage, steps=steps, tokens=tokens, loss_nats=sum(last) / len(last), cpu_s=time.process_time() - began)


def save(model: Any, tokenizer: Any, folder: Path) -> None:
    """Model and tokenizer as transformers keeps them, weights as safetensors, and no word of it on stderr."""
    with quietly(importlib.import_module("transformers")):
        tokenizer.save_pretrained(str(folder))
        model.to("cpu").save_pretrained(str(folder), safe_serialization=True)


def _tensors(torch: Any, batch: list[tuple[list[int], int]], pad: int, device: Any) -> tuple[Any, Any]:
    """Token ids and targets, both of shape (rows, longest row); a target of -1 bears no loss."""
    longest = max(len(ids) for ids, _ in batch)
    filled = torch.full((len(batch), longest), pad, dtype=torch.long)
    targets = torch.full((len(batch), longest), -1, dtype=torch.long)
    for at, (ids, asked) in enumerate(batch):
        row = torch.tensor(ids, dtype=torch.long)
        filled[at, : len(ids)] = row
        targets[at, asked : len(ids)] = row[asked:]
    return filled.to(device), targets.to(device)
