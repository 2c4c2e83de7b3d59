"""The fingerprint of a corpus: a sum of content hashes, so that order, files and duplicates of work do not matter."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import Final, Self

import attrs
import numpy as np
import numpy.typing as npt

from safescale.store.base import DeclaredSize

__all__ = ["CONTRADICTED", "FINGERPRINTED", "Lanes", "as_lanes", "merged_size", "size_hash"]

FINGERPRINTED: Final = ("traces", "turns", "grades", "aggregates", "graders")
"""Tables whose rows are the content, besides the declared sizes."""

_MODULUS: Final = 1 << 64


def as_lanes(hashes: Sequence[bytes]) -> npt.NDArray[np.uint64]:
    """Hashes of 16 bytes as an array of shape (rows, 2)."""
    return np.frombuffer(b"".join(hashes), dtype="<u8").reshape(-1, 2).astype(np.uint64, copy=False)


@attrs.frozen
class Lanes:
    """
    Sum of content hashes, lane by lane, modulo 2^64.

    A sum of 128 random bits per row: any single change shows, except with probability 2^-64 a lane. It is made to notice
    mistakes; it is not a defence against someone who constructs collisions on purpose.
    """

    low: int = 0
    high: int = 0

    @classmethod
    def of(cls, hashes: Sequence[bytes] | npt.NDArray[np.uint64]) -> Self:
        """Sum of these hashes."""
        lanes = hashes if isinstance(hashes, np.ndarray) else as_lanes(hashes)
        low, high = lanes.sum(axis=0, dtype=np.uint64).tolist()
        return cls(low, high)

    @classmethod
    def parse(cls, digits: str) -> Self:
        """Inverse of ``digits``."""
        return cls(int(digits[16:], 16), int(digits[:16], 16))

    def plus(self, other: Lanes) -> Lanes:
        """Content added."""
        return Lanes((self.low + other.low) % _MODULUS, (self.high + other.high) % _MODULUS)

    def minus(self, other: Lanes) -> Lanes:
        """Content taken away."""
        return Lanes((self.low - other.low) % _MODULUS, (self.high - other.high) % _MODULUS)

    @property
    def digits(self) -> str:
        """32 hexadecimal digits."""
        return f"{self.high:016x}{self.low:016x}"

    @property
    def fingerprint(self) -> str:
        """The fingerprint as every result prints it."""
        return f"ss1-{self.digits}"


CONTRADICTED: Final[DeclaredSize] = (None, None, False)
"""What is kept of a model whose declared sizes contradict each other."""


def size_hash(model_id: str, size: DeclaredSize) -> bytes:
    """Content hash of a declared size."""
    total, active, is_estimate = size
    flags = (total is None) | (active is None) << 1 | is_estimate << 2
    head = struct.pack("<16sdd B", b"declared_size", (total or 0.0) + 0.0, (active or 0.0) + 0.0, flags)
    return hashlib.blake2b(head + model_id.encode(), digest_size=16).digest()


def merged_size(one: DeclaredSize, other: DeclaredSize) -> DeclaredSize:
    """
    What two declarations of one model say together, independent of their order.

    Each of total and active comes from the declaration that states it; the whole is a guess if either is. Two different numbers
    contradict each other: the result is ``CONTRADICTED``, which no further declaration repairs.
    """
    stated = [{size for size in pair if size is not None} for pair in zip(one[:2], other[:2], strict=True)]
    if (None, None) in (one[:2], other[:2]) or any(len(sizes) > 1 for sizes in stated):
        return CONTRADICTED
    total, active = (next(iter(sizes), None) for sizes in stated)
    return total, active, one[2] or other[2]
