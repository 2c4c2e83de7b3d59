"""A transformer whose last layer is pooled into one row a text; what runs it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import GradingError
from safescale.grade.embed.embedder import Rows, each_text_once, unit_rows
from safescale.grade.embed.sentence_folder import Pooling

__all__ = ["PooledModel", "measure_of"]

_Ids = npt.NDArray[np.int64]


def measure_of(model: str, sha256: str, max_tokens: int) -> str:
    """Refusal drift, with the model, its weights and how much of a text was read."""
    return f"refusal drift ({model}, sha256 {sha256[:12]}, first {max_tokens} tokens)"


@attrs.frozen(kw_only=True)
class PooledModel:
    """
    Rows from a transformer's last layer.

    Parameters
    ----------
    name, measure, identity : str
        See ``Embedder``.
    split : callable
        Texts to token ids with the model's special ones, cut already.
    forward : callable
        Token ids and mask, (batch, tokens) each, to the last layer (batch, tokens, width), or to pooled rows (batch, width).
    pooling : {"mean", "cls"}
        Of the last layer: mean over the tokens that are no padding, or the first token.
    pad_id : int
        Fills a batch; stands for a text that has no token.
    batch_size : int
        Texts that are run at a time. Batches hold texts of similar length; a row depends on its batch by rounding alone (1e-6).
    """

    name: str
    measure: str
    identity: str
    split: Callable[[list[str]], list[list[int]]]
    forward: Callable[[_Ids, _Ids], npt.NDArray[np.float32]]
    pooling: Pooling
    pad_id: int = 0
    batch_size: int = 32

    def embed(self, texts: Sequence[str]) -> Rows:
        """Rows of length 1, shape (texts, width)."""
        return each_text_once(texts, self._rows)

    def _rows(self, texts: list[str]) -> Rows:
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        tokens = [ids or [self.pad_id] for ids in self.split(texts)]
        order = sorted(range(len(tokens)), key=lambda at: len(tokens[at]))
        found: Rows | None = None
        for start in range(0, len(order), self.batch_size):
            places = order[start : start + self.batch_size]
            rows = self._batch([tokens[at] for at in places])
            if not np.isfinite(rows).all() or not (rows != 0.0).any(axis=1).all():
                raise GradingError(f"the model of {self.name} gives rows without a direction: nothing can be compared by them")
            found = np.empty((len(texts), rows.shape[1]), dtype=np.float32) if found is None else found
            found[places] = unit_rows(rows)
        assert found is not None
        return found

    def _batch(self, tokens: list[list[int]]) -> npt.NDArray[np.floating]:
        ids = np.full((len(tokens), max(map(len, tokens))), self.pad_id, dtype=np.int64)
        mask = np.zeros_like(ids)
        for at, own in enumerate(tokens):
            ids[at, : len(own)] = own
            mask[at, : len(own)] = 1
        layer = self.forward(ids, mask)
        if layer.ndim == 2:
            return layer
        if self.pooling == "cls":
            first: npt.NDArray[np.floating] = layer[:, 0]
            return first
        mean: npt.NDArray[np.floating] = np.einsum("btw,bt->bw", layer, mask.astype(layer.dtype)) / mask.sum(axis=1)[:, None]
        return mean
