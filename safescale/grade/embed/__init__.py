"""Texts to directions, and how far apart two texts lie: what refusal drift is measured with."""

from safescale.grade.embed.distances import cosine_distances, pair_distances
from safescale.grade.embed.embedder import MAX_TOKENS, Embedder
from safescale.grade.embed.opening import EMBEDDERS, open_embedder

__all__ = ["EMBEDDERS", "MAX_TOKENS", "Embedder", "cosine_distances", "open_embedder", "pair_distances"]
