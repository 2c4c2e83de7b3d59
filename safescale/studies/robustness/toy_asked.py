"""The toy lineage of a study: which sizes, how many seeds, how long it is trained."""

from __future__ import annotations

import attrs

from safescale.toy.recipe import DEFAULT_SIZES, Recipe

__all__ = ["ToyAsked"]


@attrs.frozen(kw_only=True)
class ToyAsked:
    """
    A lineage that is trained from nothing.

    Parameters
    ----------
    sizes : tuple of str
        Names of ``safescale.toy.recipe.SIZES``.
    seeds : int, default 3
        Each trains every size once; one seed is one lineage.
    recipe : Recipe
        How.
    """

    sizes: tuple[str, ...] = DEFAULT_SIZES
    seeds: int = 3
    recipe: Recipe = attrs.field(factory=Recipe)
