"""The toy lineage of a study: which sizes, how many seeds, how long it is trained."""

from __future__ import annotations

from pathlib import Path

import attrs

from safescale.toy.lineage import model_id_of
from safescale.toy.recipe import DEFAULT_SIZES, SIZES, Recipe
from safescale.toy.tokens import make_tokenizer
from safescale.toy.training import check_backend, new_model, one_thread, save

__all__ = ["ToyAsked", "untrained"]


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


def untrained(asked: ToyAsked, model_id: str, into: Path) -> Path:
    """
    A folder of the shape of one of its models, with weights that nothing has trained: what training costs is counted on it.

    Raises
    ------
    MissingBackend
        Without torch or transformers.
    """
    recipe = asked.recipe
    name = next(name for name in asked.sizes for seed in range(asked.seeds) if model_id_of(SIZES[name], seed) == model_id)
    check_backend()
    folder = into / name
    if not folder.is_dir():
        with one_thread(0):
            tokenizer = make_tokenizer(recipe.world, window=recipe.window)
            model = new_model(recipe, SIZES[name], tokenizer, device="cpu")
        folder.mkdir()
        save(model, tokenizer, folder)
    return folder
