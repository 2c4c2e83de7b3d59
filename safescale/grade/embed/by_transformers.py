"""A folder with a sentence model, run by transformers; by sentence-transformers where it is more than a pooled last layer."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from safescale.engines.weights import weights_sha256
from safescale.errors import DataError, MissingBackend
from safescale.grade.embed.embedder import Rows, each_text_once, unit_rows
from safescale.grade.embed.pooled import PooledModel, measure_of
from safescale.grade.embed.sentence_folder import SentenceFolder, read_folder
from safescale.grade.encoder.backend import quiet
from safescale.store.files_hash import file_sha256, named_sha256

__all__ = ["open_folder"]


def open_folder(
    folder: Path, *, max_tokens: int, batch_size: int = 32, threads: int = 1, device: str = "cpu", name: str | None = None,
    label: str | None = None, sha256: str | None = None,
) -> PooledModel | LibraryModel:  # fmt: skip
    """
    Open a sentence-transformers folder, or a transformers folder whose last layer is averaged over the tokens.

    Parameters
    ----------
    folder : Path
        The model with its tokenizer.
    max_tokens : int
        Tokens of a text that are read, special ones included; less where the model's window is shorter.
    batch_size, threads, device
        How it is run.
    name, label : str, optional
        What opens it and what it is called, where that is not the folder's name.

    Raises
    ------
    MissingBackend
        Without torch and transformers; without sentence-transformers, for a model that only it runs.
    DataError
        When the folder holds no such model.
    """
    said = read_folder(folder)
    sha256 = _weights(said.model)
    if sha256 is None:
        raise DataError(
            "this folder holds no weights (*.safetensors, *.bin); name one of a model that maps texts to vectors", file=str(folder)
        )
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingBackend(error.name or "torch", "embed") from error
    torch.set_num_threads(threads)
    name, label = name or f"path:{folder}", label or folder.resolve().name
    described = named_sha256((path.relative_to(folder).as_posix(), file_sha256(path)) for path in _descriptions(folder))
    if said.beyond is not None:
        return _by_library(
            folder, said, name=name, label=label, sha256=sha256, described=described, max_tokens=max_tokens, batch_size=batch_size,
            device=device,
        )  # fmt: skip
    try:
        with quiet():
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(said.model), local_files_only=True)
            model, loading = transformers.AutoModel.from_pretrained(
                str(said.model), local_files_only=True, dtype=torch.float32, output_loading_info=True
            )
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"no model with its tokenizer can be opened here: {error}", file=str(folder)) from error
    absent = sorted(key for key in loading["missing_keys"] if "pooler" not in key)  # the pooler's output is not read
    if absent:  # transformers draws them at random and goes on
        raise DataError(
            f"{len(absent)} of the model's tensors are not in its weights, {absent[0]} for one: rows would be random",
            file=str(folder),
        )
    model.eval().to(device)
    room = _room(max_tokens, said.window, getattr(model.config, "max_position_embeddings", None), tokenizer.model_max_length)

    def split(texts: list[str]) -> list[list[int]]:
        texts = [text.lower() for text in texts] if said.lower_case else texts
        ids: list[list[int]] = tokenizer(texts, truncation=True, max_length=room, padding=False, verbose=False)["input_ids"]
        return ids

    def forward(ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            given = {"input_ids": torch.tensor(ids, device=device), "attention_mask": torch.tensor(mask, device=device)}
            layer: npt.NDArray[np.float32] = model(**given).last_hidden_state.float().cpu().numpy()
        return layer

    return PooledModel(
        name=name,
        measure=measure_of(label, sha256, room),
        identity=f"transformers/{sha256}/{described}/{said.pooling}/{room}",
        split=split,
        forward=forward,
        pooling=said.pooling,
        pad_id=int(tokenizer.pad_token_id or 0),
        batch_size=batch_size,
    )


@attrs.frozen(kw_only=True)
class LibraryModel:
    """A sentence model with parts of its own (a dense layer, a prompt, another pooling), run by sentence-transformers."""

    name: str
    measure: str
    identity: str
    model: Any
    batch_size: int

    def embed(self, texts: Sequence[str]) -> Rows:
        """Rows of length 1, shape (texts, width)."""
        return each_text_once(texts, self._rows)

    def _rows(self, texts: list[str]) -> Rows:
        return unit_rows(np.asarray(self.model.encode(texts, batch_size=self.batch_size, show_progress_bar=False)))


def _by_library(
    folder: Path, said: SentenceFolder, *, name: str, label: str, sha256: str, described: str, max_tokens: int, batch_size: int,
    device: str,
) -> LibraryModel:  # fmt: skip
    if importlib.util.find_spec("sentence_transformers") is None:
        raise MissingBackend(
            "sentence-transformers", "embed", hint=f" (this model is more than a pooled last layer: {said.beyond})"
        )
    with quiet():
        from sentence_transformers import SentenceTransformer

        try:
            model = SentenceTransformer(str(folder), device=device, local_files_only=True)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise DataError(f"sentence-transformers cannot open this model: {error}", file=str(folder)) from error
    model.max_seq_length = room = _room(max_tokens, model.max_seq_length)
    return LibraryModel(
        name=name,
        measure=measure_of(label, sha256, room),
        identity=f"sentence-transformers/{sha256}/{described}/{room}",
        model=model,
        batch_size=batch_size,
    )


def _weights(folder: Path) -> str | None:
    """Hash of the one file of weights, as sha256sum prints it; over all files, where there are several."""
    files = [path for path in folder.iterdir() if path.suffix == ".safetensors"] if folder.is_dir() else []
    return file_sha256(files[0]) if len(files) == 1 else weights_sha256(folder)


def _descriptions(folder: Path) -> list[Path]:
    """Files beside the weights on which rows depend: configurations, the tokenizer, and weights of further parts."""
    kinds = {".json", ".txt", ".model", ".safetensors", ".bin"}
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in kinds and (path.suffix != ".safetensors" or path.parent != folder)
    )


def _room(*limits: object) -> int:
    """The least of the limits that are numbers of tokens."""
    return min(limit for limit in limits if isinstance(limit, int) and limit > 0)
