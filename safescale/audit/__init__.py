"""What is suspicious in a corpus, and what is impossible in published figures."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safescale.audit.claims import verify_claim, verify_claims

__all__ = ["verify_claim", "verify_claims"]

_HOME = {"verify_claim": "claims", "verify_claims": "claims"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
