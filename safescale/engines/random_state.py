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

    _torch: Any = None

    @contextlib.contextmanager
    def borrowed(self, *, all_of_them: bool = False) -> Iterator[None]:
        """
        The library's states in place (at first the caller's), and afterwards the caller's as they were.

        Without ``all_of_them`` only torch's, from which a library draws while it works; the others, 0.25 ms, it sets at its start.
        """
        import torch

        outside = torch.get_rng_state()
        # the legacy generator of numpy is the one that libraries seed
        others = (random.getstate(), np.random.get_state()) if all_of_them else None  # noqa: NPY002
        if self._torch is not None:
            torch.set_rng_state(self._torch)
        try:
            yield
        finally:
            self._torch = torch.get_rng_state()
            torch.set_rng_state(outside)
            if others is not None:
                random.setstate(others[0])
                np.random.set_state(others[1])  # noqa: NPY002
