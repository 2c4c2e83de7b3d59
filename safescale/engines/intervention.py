"""Edits of a model's residual stream: what is added or projected out, where; a folder that the engine ``transformers`` applies."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import attrs

from safescale.errors import DomainError

__all__ = ["INTERVENTION_FILE", "VECTORS_FILE", "Edit", "EditKind", "Intervention"]

INTERVENTION_FILE: Final = "intervention.json"
VECTORS_FILE: Final = "vectors.safetensors"

EditKind = Literal["add", "ablate"]
"""
add: ``x + coefficient * direction``.

ablate: affine projection, ``x - D (D' (x - mean))`` with D the orthonormal columns of the directions: the component along them
is set to that of ``mean`` (the benign mean at the layer and position where the direction was found), not to 0.
"""


@attrs.frozen(kw_only=True, eq=False)
class Edit:
    """
    One edit of the output of one decoder layer.

    Parameters
    ----------
    kind : {"add", "ablate"}
        What is done.
    layer : int
        Decoder layer, 0-based, whose output is edited.
    directions : ndarray of float32, shape (k, hidden)
        Directions; of "add" exactly one, of any norm; of "ablate" k, made orthonormal.
    coefficient : float
        Of "add".
    mean : ndarray of float32, shape (hidden,), optional
        Of "ablate"; None: 0.
    position : int, optional
        Token of the prompt, counted from its end (-1 the last); None: every token, those of the answer too.
    """

    kind: EditKind
    layer: int
    directions: Any
    coefficient: float = 1.0
    mean: Any = None
    position: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.layer < 0 or (self.position is not None and self.position >= 0):
            raise DomainError("layer is at least 0, position counts from the end of the prompt: -1 is its last token")


@attrs.frozen(kw_only=True, eq=False)
class Intervention:
    """
    Edits that are applied together, in their order.

    Parameters
    ----------
    edits : tuple of Edit
        At least one.
    note : str
        What it is for, in words.
    """

    edits: tuple[Edit, ...]
    note: str = ""

    def write(self, folder: Path) -> None:
        """Write it as a folder (``intervention.json``, ``vectors.safetensors``), whole or not at all."""
        raise NotImplementedError

    @classmethod
    def read(cls, folder: Path) -> Intervention:
        """Read a folder; DataError says what is wrong with it."""
        raise NotImplementedError
