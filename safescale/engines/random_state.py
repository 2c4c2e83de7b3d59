"""The random state of a library that seeds the caller's process, kept apart from the caller's."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

__all__ = ["RandomStates"]


@attrs.define
class RandomStates:
    """
    Two sets of random states of one process, of which one is in place: the caller's outside ``borrowed``, the library's inside.

    Covers ``random``, ``numpy.random`` and torch's CPU generator; torch's CUDA generators are left alone.
    """

    _inside: tuple[Any, Any, Any] | None = None

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[None]:
        """The library's states in place (at first the caller's), and afterwards the caller's as they were."""
        outside = _taken()
        if self._inside is not None:
            _put(self._inside)
        try:
            yield
        finally:
            self._inside = _taken()
            _put(outside)


def _taken() -> tuple[Any, Any, Any]:
    import torch

    # the legacy generator of numpy is the one that libraries seed
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002


def _put(states: tuple[Any, Any, Any]) -> None:
    import torch

    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])
