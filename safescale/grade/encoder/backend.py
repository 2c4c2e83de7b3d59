"""The encoder itself: transformers and torch, imported when one is opened."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DataError, GradingError, MissingBackend
from safescale.grade.encoder.windows import Window, windows

__all__ = ["Encoder", "open_model", "quiet"]


@attrs.frozen(kw_only=True)
class Encoder:
    """A sequence classifier with its tokenizer, on a device."""

    model: Any
    tokenizer: Any
    device: str
    max_tokens: int

    def read(self, texts: Sequence[str]) -> list[Window]:
        """What of each text is read."""
        return windows(self.tokenizer, texts, max_tokens=self.max_tokens)

    def logits(self, texts: Sequence[Window], *, batch_size: int = 32) -> npt.NDArray[np.float64]:
        """Logits, shape (texts, classes), in the order of the texts; batches hold texts of similar length."""
        import torch

        order = sorted(range(len(texts)), key=lambda at: len(texts[at].token_ids))
        found = np.zeros((len(texts), self.model.config.num_labels))
        self.model.eval()
        with torch.inference_mode():
            for places in _batches(order, batch_size):
                inputs = self.padded([texts[at] for at in places])
                found[places] = self.model(**inputs).logits.float().cpu().numpy()
        return found

    def save(self, folder: Path) -> None:
        """Weights and tokenizer, as a folder that opens again."""
        with quiet():
            self.model.save_pretrained(str(folder))
            self.tokenizer.save_pretrained(str(folder))

    def padded(self, texts: Sequence[Window]) -> dict[str, Any]:
        """Token ids and mask of one batch as tensors on the device."""
        import torch

        width = max(len(text.token_ids) for text in texts)
        pad = self.tokenizer.pad_token_id or 0
        ids = [[*text.token_ids, *[pad] * (width - len(text.token_ids))] for text in texts]
        mask = [[1] * len(text.token_ids) + [0] * (width - len(text.token_ids)) for text in texts]
        return {"input_ids": torch.tensor(ids, device=self.device), "attention_mask": torch.tensor(mask, device=self.device)}


def open_model(
    folder: Path, *, classes: int, max_tokens: int, device: str = "auto", threads: int = 1, fresh: bool = False
) -> Encoder:
    """
    Open a sequence classifier; with ``fresh``, put a new head of so many classes on an encoder.

    Raises
    ------
    MissingBackend
        Without torch and transformers.
    DataError
        When the folder holds no such model.
    GradingError
        When the model has another number of outputs.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingBackend(error.name or "torch", "classify") from error
    torch.set_num_threads(threads)
    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    extra = {"num_labels": classes, "ignore_mismatched_sizes": True} if fresh else {}
    try:
        with quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder), local_files_only=folder.is_dir())
            model = transformers.AutoModelForSequenceClassification.from_pretrained(
                str(folder), local_files_only=folder.is_dir(), dtype=torch.float32, **extra
            )
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"no sequence classifier with its tokenizer can be opened here: {error}", file=str(folder)) from error
    if model.config.num_labels != classes:
        raise GradingError(f"the model in {folder} has {model.config.num_labels} outputs, {classes} classes are named for them")
    places = int(getattr(model.config, "max_position_embeddings", 0) or 0)
    room = min(max_tokens, places) if places > 0 else max_tokens
    return Encoder(model=model.to(chosen), tokenizer=tokenizer, device=chosen, max_tokens=room)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No bars, no report of weights that are made anew, no word on what DeBERTa's own file imports; afterwards as before."""
    import transformers

    verbosity, bars = transformers.logging.get_verbosity(), transformers.logging.is_progress_bar_enabled()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*torch.jit", category=DeprecationWarning)
            yield
    finally:
        transformers.logging.set_verbosity(verbosity)
        if bars:
            transformers.logging.enable_progress_bar()


def _batches(order: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(order), size):
        yield list(order[start : start + size])
