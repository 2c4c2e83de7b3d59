"""Closed models, whose sizes are guesses: marked in ``families.toml`` and ``orgs.toml``, decided here."""

from __future__ import annotations

from typing import Final

from safescale.registry.families import Kinship
from safescale.registry.info import ModelInfo
from safescale.registry.spelling import organisations

__all__ = ["CLOSED_MODEL", "is_closed", "names_closed_model"]

CLOSED_MODEL: Final = "closed_model"
"""Flag of a model whose size is a guess because its weights are not published."""


def is_closed(info: ModelInfo) -> bool:
    """
    Whether the weights of a model are not published.

    Examples
    --------
    >>> from safescale.registry import parse_model_id
    >>> [is_closed(parse_model_id(name)) for name in ("gpt-4o-mini", "gpt-oss-20b", "google/gemma-3-27b-it")]
    [True, False, False]
    """
    return info.closed


def names_closed_model(kinship: Kinship | None, *, developer: str | None, third_party: bool) -> bool:
    """
    As above, from the parts of an id.

    Another's model that shares only a family's bare word is not the closed one ("rinna/japanese-gpt-1b"); with a generation
    ("poe/claude-3-opus") it is.
    """
    if kinship is None or kinship.developer is None:
        return developer in organisations().closed
    return kinship.closed and not (third_party and kinship.generation is None)
