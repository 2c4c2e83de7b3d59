"""The next token of every row of a batch, each with its own temperature, nucleus, seed and constraint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from safescale.engines.requests import Sampling

__all__ = ["TokenChooser", "uniforms"]


def uniforms(sampling: Sampling, count: int) -> Any:
    """
    Uniform numbers in [0, 1) of one answer, one a token: a function of its seed alone.

    Parameters
    ----------
    sampling : Sampling
        Its seed; None draws from the operating system, and the answer cannot be repeated.
    count : int
        Tokens at most.

    Returns
    -------
    ndarray
        Shape (count,), float64.
    """
    seed = None if sampling.seed is None else sampling.seed % 2**64
    return np.random.Generator(np.random.Philox(seed)).random(count)


class TokenChooser:
    """
    Chooses the tokens of the rows of a batch.

    Parameters
    ----------
    samplings : sequence of Sampling
        One a row.
    counts : sequence of int
        Tokens of each row at most.
    device : torch.device
        Of the logits.
    """

    def __init__(self, samplings: Sequence[Sampling], counts: Sequence[int], device: Any) -> None:
        import torch

        self.samplings = list(samplings)
        self._uniforms: list[Any] = [uniforms(s, n) if s.temperature > 0 else None for s, n in zip(samplings, counts, strict=True)]
        self._device = device
        self._torch = torch

    def choose(self, logits: Any, rows: Sequence[int], steps: Sequence[int]) -> Any:
        """
        One token a row.

        ``temperature`` divides the logits, then ``top_k`` keeps the most probable tokens, then ``top_p`` the smallest set of them
        with that mass (of what is left); the row's next uniform number is looked up in the cumulative distribution, in the order
        of the vocabulary.

        Parameters
        ----------
        logits : Tensor
            Shape (rows, vocabulary), float32, -inf where a constraint forbids.
        rows : sequence of int
            Which rows of the batch these are.
        steps : sequence of int
            How many tokens each has.

        Returns
        -------
        Tensor
            Shape (rows,), int64.
        """
        torch = self._torch
        chosen = logits.argmax(dim=-1)
        sampled = [place for place, row in enumerate(rows) if self._uniforms[row] is not None]
        if not sampled:
            return chosen
        mine = [self.samplings[rows[place]] for place in sampled]
        heat = torch.tensor([s.temperature for s in mine], dtype=torch.float64, device=self._device)
        scaled = logits[sampled].to(torch.float64) / heat[:, None]
        probabilities = self._cut(scaled.softmax(dim=-1), mine)
        cumulative = probabilities.cumsum(dim=-1)
        drawn = [self._uniforms[rows[place]][steps[place]] for place in sampled]
        target = torch.tensor(drawn, dtype=torch.float64, device=self._device)[:, None] * cumulative[:, -1:]
        found = torch.searchsorted(cumulative, target, right=True).clamp(max=logits.shape[-1] - 1)
        # at the upper edge of the last token rounding may land on one of probability 0
        zero = probabilities.gather(1, found) <= 0
        found = torch.where(zero, probabilities.argmax(dim=-1, keepdim=True), found)
        chosen[sampled] = found[:, 0]
        return chosen

    def _cut(self, probabilities: Any, samplings: Sequence[Sampling]) -> Any:
        torch = self._torch
        width = probabilities.shape[-1]
        cutting = [place for place, s in enumerate(samplings) if 0 < s.top_k < width or s.top_p < 1.0]
        if not cutting:
            return probabilities
        kept = probabilities[cutting]
        ordered, order = kept.sort(dim=-1, descending=True, stable=True)
        ks = [samplings[place].top_k or width for place in cutting]
        rank = torch.arange(width, device=self._device)[None, :]
        ordered = ordered.masked_fill(rank >= torch.tensor(ks, device=self._device)[:, None], 0.0)
        mass = torch.tensor([samplings[place].top_p for place in cutting], dtype=torch.float64, device=self._device)[:, None]
        total = ordered.sum(dim=-1, keepdim=True)
        before = ordered.cumsum(dim=-1) - ordered
        # the first token always stays
        ordered = ordered.masked_fill((before >= mass * total) & (rank > 0) & (mass < 1.0), 0.0)
        probabilities = probabilities.clone()
        probabilities[cutting] = torch.zeros_like(kept).scatter(1, order, ordered)
        return probabilities
