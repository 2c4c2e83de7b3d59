"""Which responses the weights were trained on, by hash alone: agreement there says nothing of how good the grader is."""

from __future__ import annotations

import functools
import hashlib
import io
from collections.abc import Iterable
from importlib.resources import files
from typing import Final

import numpy as np

__all__ = ["KNOWN", "known_bytes", "known_responses", "mark_of"]

KNOWN: Final = "refusal_classifier_known.npy"
"""First eight bytes of the SHA-256 of each response, sorted."""


def mark_of(response: str) -> int:
    """The mark by which a response is known again; blanks around it do not count."""
    return int.from_bytes(hashlib.sha256(response.strip().encode("utf-8", "surrogatepass")).digest()[:8], "big")


def known_bytes(responses: Iterable[str]) -> bytes:
    """The marks of all these responses, as they lie in the package."""
    into = io.BytesIO()
    np.save(into, np.array(sorted({mark_of(response) for response in responses}), dtype=np.uint64))
    return into.getvalue()


@functools.cache
def known_responses() -> frozenset[int]:
    """Marks of the responses that the weights in the package were trained on."""
    raw = (files("safescale.grade.classifier") / KNOWN).read_bytes()
    return frozenset(np.load(io.BytesIO(raw), allow_pickle=False).tolist())
