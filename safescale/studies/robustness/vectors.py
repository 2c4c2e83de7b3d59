"""How far each response lies from the first baseline response to its prompt: texts embedded once each, vectors kept by text."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from safescale.store.files_hash import file_sha256, folder_sha256

__all__ = ["EMBEDDINGS", "KeptVectors", "cosine_distances"]

EMBEDDINGS: Final = "embeddings"
PART: Final = 2048
"""Texts between two parts: what a kill loses."""

Float32Array = npt.NDArray[np.float32]


class KeptVectors:
    """
    Vectors of texts, kept in a folder by the text's hash.

    Parameters
    ----------
    folder : Path
        Where; each embedder has its own within.
    name : str
        Name of the embedder.
    embed : callable
        Name and texts to unit vectors, shape (texts, width).
    """

    def __init__(self, folder: Path, name: str, embed: Callable[[str, Sequence[str]], Any]) -> None:
        self._name, self._embed = name, embed
        self._folder = folder / f"{name.partition(':')[0]}-{_identity(name)[:12]}"
        self._vectors: dict[str, Float32Array] = {}
        for part in sorted(self._folder.glob("part-*.npz")):
            with contextlib.suppress(OSError, ValueError, KeyError), np.load(part) as held:
                self._vectors |= dict(zip(held["texts"].tolist(), held["vectors"].astype(np.float32), strict=True))
        self.new = 0

    def of(self, texts: Sequence[str], *, tell: Callable[[int], None] | None = None) -> dict[str, Float32Array]:
        """Vector of every text by its hash; those that are not kept are made, part by part."""
        wanted = {text_hash(text): text for text in texts}
        missing = [key for key in sorted(wanted) if key not in self._vectors]
        if tell is not None:
            tell(len(wanted) - len(missing))
        for at in range(0, len(missing), PART):
            keys = missing[at : at + PART]
            vectors = np.asarray(self._embed(self._name, [wanted[key] for key in keys]), dtype=np.float32)
            self._keep(keys, vectors)
            self._vectors |= dict(zip(keys, vectors, strict=True))
            self.new += len(keys)
            if tell is not None:
                tell(len(keys))
        return {key: self._vectors[key] for key in wanted}

    def _keep(self, keys: Sequence[str], vectors: Float32Array) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        # named by its first and last text, not by a number: the same texts are the same part after a kill
        name = hashlib.sha256("".join(keys).encode()).hexdigest()[:16]
        aside = self._folder / f".part-{name}.tmp"
        with aside.open("wb") as stream:
            np.savez(stream, texts=np.array(keys), vectors=vectors)
        aside.replace(self._folder / f"part-{name}.npz")


def cosine_distances(after: Sequence[str | None], before: Sequence[str | None], vectors: dict[str, Float32Array]) -> Float32Array:
    """
    1 - cosine of pairs of texts, shape (pairs,); NaN where either has no text. Equal texts are at 0 exactly.

    Parameters
    ----------
    after, before : sequence of str or None, shape (pairs,)
        Hashes of texts.
    vectors : dict of hash to ndarray
        Unit vectors.
    """
    found = np.full(len(after), np.nan, dtype=np.float32)
    for at, (one, other) in enumerate(zip(after, before, strict=True)):
        if one is not None and other is not None:
            found[at] = 0.0 if one == other else max(0.0, 1.0 - float(vectors[one] @ vectors[other]))
    return found


def text_hash(text: str) -> str:
    """A text's name among vectors."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _identity(name: str) -> str:
    """Name of an embedder with the bytes of its folder, where it is one."""
    _, _, place = name.partition(":")
    path = Path(place)
    held = "" if not place or not path.exists() else file_sha256(path) if path.is_file() else folder_sha256(path)
    return hashlib.sha256(f"{name.partition(':')[0] if held else name}\0{held}".encode()).hexdigest()
