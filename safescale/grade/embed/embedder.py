"""What turns texts into directions, and the name under which a distance between them may be reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_TOKENS", "Embedder", "Rows", "each_text_once", "unit_rows"]

Rows = npt.NDArray[np.float32]
"""Shape (texts, width): one row a text, each of length 1."""

MAX_TOKENS: Final = 64
"""Tokens of a text that are read: a refusal says what it is at its start, and time grows with tokens."""


class Embedder(Protocol):
    """
    Texts to directions.

    Attributes
    ----------
    name : str
        What opens it again: "hashed-ngrams", "minilm", "onnx:FOLDER", "path:FOLDER".
    measure : str
        What a mean distance of its rows is called, the model and what was read of it included: a distance is no number without it.
    identity : str
        All that its rows depend on (weights, pooling, tokens read): rows of one identity may be compared and kept.
    """

    @property
    def name(self) -> str:
        """What opens it again."""

    @property
    def measure(self) -> str:
        """What a mean distance is called."""

    @property
    def identity(self) -> str:
        """All that rows depend on."""

    def embed(self, texts: Sequence[str]) -> Rows:
        """Rows of length 1, shape (texts, width), in the order of the texts; equal texts have equal rows."""


def unit_rows(rows: npt.NDArray[np.floating]) -> Rows:
    """Rows scaled to length 1, computed in float64."""
    wide = rows.astype(np.float64)
    lengths = np.sqrt((wide * wide).sum(axis=1, keepdims=True))
    scaled: Rows = (wide / lengths).astype(np.float32)
    return scaled


def each_text_once(texts: Sequence[str], embed: Callable[[list[str]], Rows]) -> Rows:
    """Rows of all texts where ``embed`` sees each text once: refusals repeat, and equal texts must have equal rows to the bit."""
    places: dict[str, int] = {}
    where = [places.setdefault(text, len(places)) for text in texts]
    rows = embed(list(places))
    return rows if len(places) == len(texts) else rows[where]
