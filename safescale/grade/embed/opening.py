"""An embedder by its name."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from safescale.errors import DomainError
from safescale.grade.embed.by_onnx import open_onnx
from safescale.grade.embed.by_transformers import open_folder
from safescale.grade.embed.embedder import MAX_TOKENS, Embedder
from safescale.grade.embed.hashed_ngrams import HashedNgrams
from safescale.grade.embed.kept import KeptRows
from safescale.grade.embed.minilm import open_minilm

__all__ = ["EMBEDDERS", "open_embedder"]

EMBEDDERS: Final = ("hashed-ngrams", "minilm", "onnx:FOLDER", "path:FOLDER")

_LEAST_TOKENS: Final = 4


def open_embedder(
    name: str,
    *,
    max_tokens: int = MAX_TOKENS,
    cache: Path | None = None,
    batch_size: int = 32,
    threads: int = 1,
    device: str = "cpu",
) -> Embedder:
    """
    Open an embedder.

    Parameters
    ----------
    name : str
        "hashed-ngrams" (no weights: lexical drift, words and not meaning), "minilm" (all-MiniLM-L6-v2 from the package of the extra
        ``embed``), "onnx:FOLDER" (an exported sentence model), "path:FOLDER" (a sentence-transformers folder, or a transformers
        folder whose last layer is averaged).
    max_tokens : int, default MAX_TOKENS
        Tokens of a text that are read; the rest is cut off, and the embedder's ``measure`` says so.
    cache : path, optional
        File in which rows are kept by content. Not used for hashed n-grams, which are made faster than they are read.
    batch_size, threads, device
        For the embedders that run a model.

    Raises
    ------
    DomainError
        For a name that is none of these, and for ``max_tokens`` below 1.
    MissingBackend
        Without the extra ``embed``.
    DataError
        For a folder that holds no such model, and for weights that are not those that are known.
    """
    if name == "hashed-ngrams":
        return HashedNgrams(max_tokens=max_tokens)
    if max_tokens < _LEAST_TOKENS:
        raise DomainError(f"max_tokens must be {_LEAST_TOKENS} or more for a model with its special tokens, got {max_tokens}")
    if batch_size < 1 or threads < 1:
        raise DomainError(f"batch_size and threads must be 1 or more, got {batch_size} and {threads}")
    opened = _opened(name, max_tokens=max_tokens, batch_size=batch_size, threads=threads, device=device)
    return opened if cache is None else KeptRows(inner=opened, path=cache)


def _opened(name: str, *, max_tokens: int, batch_size: int, threads: int, device: str) -> Embedder:
    if name == "minilm":
        return open_minilm(max_tokens=max_tokens, batch_size=batch_size, threads=threads, device=device)
    kind, _, folder = name.partition(":")
    if kind == "path" and folder:
        return open_folder(Path(folder), max_tokens=max_tokens, batch_size=batch_size, threads=threads, device=device)
    if kind == "onnx" and folder:
        return open_onnx(Path(folder), max_tokens=max_tokens, batch_size=batch_size, threads=threads)
    raise DomainError(f"no embedder is called {name!r}; name one of {', '.join(EMBEDDERS)}")
