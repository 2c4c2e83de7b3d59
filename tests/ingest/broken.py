"""Inputs that are broken in one place, for every adapter of JSON: no exception, no lost row."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

ODD: tuple[Any, ...] = (None, True, 0, -3, 1.5, 10**400, "", "zarv", [], [None], {}, {"zarv": 1}, [["x"]], float("nan"), "\ud800")


def mutations(document: Any, count: int, seed: int = 1) -> Iterator[Any]:
    """Copies of a document with one value replaced, or one key left out."""
    rng = random.Random(seed)
    for _ in range(count):
        changed = copy.deepcopy(document)
        places = list(_places(changed))
        home, key = rng.choice(places)
        if isinstance(home, dict) and rng.random() < 0.2:
            del home[key]
        else:
            home[key] = rng.choice(ODD)
        yield changed


def as_bytes(document: Any) -> bytes:
    """As Python writes it, NaN and half surrogates included."""
    return json.dumps(document).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    for key, child in pairs:
        yield value, key
        yield from _places(child)
