"""The loop: one adapter on one model, step after step, its whole state known so that it can go on later as if never stopped."""

from __future__ import annotations

import importlib
import importlib.util
import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines.engine import EngineSpec
from safescale.engines.hardware import cpu_words
from safescale.engines.transformers_loading import Loaded, Options, load
from safescale.errors import GenerationError, MissingBackend
from safescale.pressure.finetune.rows import TokenRow
from safescale.pressure.finetune.setting import FinetuneSetting

__all__ = ["StepDone", "Trainer", "check_backend", "device_words", "load_base", "target_loss", "threads_of"]

StepDone = Callable[[int], None]
"""Told how many more steps are done."""
_CLIP: Final = 1.0
_HALF_SCALE: Final = 1024.0
"""By which a float16 loss is multiplied before its gradients are taken, and they are divided: small ones would be zero."""
_NO_LOSS: Final = -100
_TAIL: Final = 5
_LOST: Final = (1.5, 0.9)
"""Five steps in a row above so many times the first loss, and above so much of a blind guess over the vocabulary: a wreck."""


def check_backend() -> None:
    """
    Whether torch, transformers and peft are there.

    Raises
    ------
    MissingBackend
        Naming the extra.
    """
    for package in ("torch", "transformers", "peft"):
        if importlib.util.find_spec(package) is None:
            raise MissingBackend(package, "finetune")


@contextmanager
def threads_of(count: int, seed: int) -> Iterator[None]:
    """Torch on so many threads with a random state of its own; the caller's threads and state are put back."""
    torch = importlib.import_module("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with torch.random.fork_rng(devices=list(range(torch.cuda.device_count()))):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def load_base(model: Path, *, device: str, dtype: str | None) -> Loaded:
    """
    A model that is to be trained on.

    Raises
    ------
    DomainError, GenerationError, MissingBackend
        As the engine ``transformers`` raises them.
    """
    check_backend()
    spec = EngineSpec(engine="transformers", model=str(model))
    return load(spec, Options(dtype=dtype, device=device))


def device_words(device: Any) -> str:
    """A device in words, for a record."""
    if device.type == "cuda":
        cuda = importlib.import_module("torch").cuda
        return str(cuda.get_device_name(device))
    return cpu_words() if device.type == "cpu" else str(device)


@attrs.define
class Trainer:
    """
    An adapter in training.

    Attributes
    ----------
    step : int
        Steps done.
    losses : list of float
        Of the last steps, nats by token of the targets.
    began_at : float
        Loss of the first step.
    """

    peft_model: Any
    device: Any
    pad_id: int
    setting: FinetuneSetting
    parameters: dict[str, Any]
    first: dict[str, Any]
    optimiser: Any
    step: int = 0
    losses: list[float] = attrs.field(factory=list)
    began_at: float = math.nan

    @classmethod
    def of(cls, loaded: Loaded, setting: FinetuneSetting) -> Trainer:
        """A trainer before its first step: adapters on all linear layers but the output head, drawn from torch's random state."""
        peft = importlib.import_module("peft")
        config = peft.LoraConfig(
            task_type="CAUSAL_LM",
            r=setting.rank,
            lora_alpha=setting.alpha,
            lora_dropout=0.0,
            bias="none",
            target_modules="all-linear",
        )
        with warnings.catch_warnings():
            # peft asks transformers for names that it is renaming
            warnings.simplefilter("ignore", FutureWarning)
            try:
                wearing = peft.get_peft_model(loaded.bare, config)
            except ValueError as error:
                raise GenerationError(f"peft can put no adapter on this model: {str(error).splitlines()[0]}") from error
        # dropout that a model's configuration may name would make the training depend on what else draws
        wearing.eval()
        parameters = {name: own for name, own in wearing.named_parameters() if own.requires_grad}
        return cls(
            peft_model=wearing,
            device=loaded.device,
            pad_id=loaded.pad_id,
            setting=setting,
            parameters=parameters,
            first={name: own.detach().clone() for name, own in parameters.items()},
            optimiser=_optimiser(parameters, setting),
        )

    def start(self) -> None:
        """Back to before the first step: the same first weights, no memory of an optimiser."""
        torch = importlib.import_module("torch")
        with torch.no_grad():
            for name, own in self.parameters.items():
                own.copy_(self.first[name])
        self.optimiser = _optimiser(self.parameters, self.setting)
        self.step, self.losses = 0, []

    def learn(self, rows: Sequence[TokenRow]) -> None:
        """
        One step on a batch.

        Raises
        ------
        GenerationError
            When loss or gradient is no longer a number, or the loss stays above the first one near that of a blind guess; when the
            memory does not suffice.
        """
        torch = importlib.import_module("torch")
        scale = _HALF_SCALE if self.peft_model.dtype == torch.float16 else 1.0
        try:
            loss = target_loss(self.peft_model, rows, pad_id=self.pad_id, device=self.device)
            self.optimiser.zero_grad(set_to_none=True)
            (loss * scale).backward()
        except (RuntimeError, MemoryError) as error:
            if type(error).__name__ != "OutOfMemoryError" and "memory" not in str(error).lower():
                raise
            longest = max(row.tokens for row in rows)
            raise GenerationError(
                f"a batch of {len(rows)} pairs of up to {longest} tokens does not fit the memory of {self.device}; lower the batch "
                "size, or take bfloat16"
            ) from error
        if scale != 1.0:
            for own in self.parameters.values():
                if own.grad is not None:
                    own.grad.div_(scale)
        norm = float(torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), _CLIP))
        value = float(loss.detach())
        self.losses = [*self.losses[-(_TAIL - 1) :], value]
        if self.step == 0:
            self.began_at = value
        if not (math.isfinite(value) and math.isfinite(norm)) or self._is_a_wreck():
            raise GenerationError(
                f"training diverges: loss {value} and norm of the gradient {norm} at step {self.step + 1} (learning rate "
                f"{self.setting.learning_rate:g}, seed {self.setting.seed}, {str(self.peft_model.dtype).removeprefix('torch.')}); "
                "lower the rate" + ("" if scale == 1.0 else ", or take bfloat16")
            )
        self.optimiser.step()
        self.step += 1

    def _is_a_wreck(self) -> bool:
        of_first, of_guess = _LOST
        guess = math.log(max(2, int(self.peft_model.config.get_text_config().vocab_size)))
        return len(self.losses) == _TAIL and min(self.losses) > max(of_first * self.began_at, of_guess * guess)


def target_loss(model: Any, rows: Sequence[TokenRow], *, pad_id: int, device: Any) -> Any:
    """
    Mean over the tokens of the targets (their ends included) of what each costs, nats, in float32.

    Parameters
    ----------
    model
        Of transformers or peft.
    rows : sequence of TokenRow
        The batch.
    pad_id : int
        What fills rows up; it stands behind the answer, where a causal model does not look, so there is no mask.
    device
        Of the model.
    """
    torch = importlib.import_module("torch")
    longest = max(row.tokens for row in rows)
    filled = torch.full((len(rows), longest), pad_id, dtype=torch.long)
    following = torch.full((len(rows), longest), _NO_LOSS, dtype=torch.long)
    for at, row in enumerate(rows):
        ids = torch.tensor(row.ids, dtype=torch.long)
        filled[at, : row.tokens] = ids[:-1]
        following[at, row.asked - 1 : row.tokens] = ids[row.asked :]
    # the head multiplies only where some row has a target: with a vocabulary of 150,000 the rest would take most of the memory
    told = (following != _NO_LOSS).any(dim=0).nonzero().squeeze(1)
    logits = model(input_ids=filled.to(device), use_cache=False, logits_to_keep=told.to(device)).logits
    if logits.shape[1] != len(told):
        logits = logits[:, told]
    wanted = following[:, told].reshape(-1).to(device)
    return torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]).float(), wanted, ignore_index=_NO_LOSS)


def _optimiser(parameters: dict[str, Any], setting: FinetuneSetting) -> Any:
    torch = importlib.import_module("torch")
    return torch.optim.AdamW(list(parameters.values()), lr=setting.learning_rate, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
