"""The hash under which a trained model is kept: over all that decides its weights but the versions of libraries."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import attrs

from safescale.toy.examples import first_examples
from safescale.toy.recipe import Recipe, ToySize
from safescale.toy.tokens import vocabulary_of

__all__ = ["recipe_hash"]

VERSION: Final = 1
"""Counts up when the training code changes what comes out."""


def recipe_hash(recipe: Recipe, size: ToySize, seed: int) -> str:
    """
    Hash over all that decides a model's weights but the versions of libraries.

    Parameters
    ----------
    recipe : Recipe
        How.
    size : ToySize
        What shape.
    seed : int
        Of weights, order of examples, and what surrounds them.
    """
    whole: dict[str, Any] = {
        "version": VERSION,
        "recipe": attrs.asdict(recipe),
        "size": attrs.asdict(size),
        "seed": seed,
        "world": recipe.world.fingerprint,
        "vocabulary": vocabulary_of(recipe.world),
        # a change in how puzzles, prose or examples are made shows in the first of them
        "examples": first_examples(recipe),
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:16]
