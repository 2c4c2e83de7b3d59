"""Steering as a bias of the checkpoint: what hooks add to every token, any engine then adds."""

from __future__ import annotations

from pathlib import Path

from safescale.engines.intervention import Intervention


def bake_steering(model: Path, intervention: Intervention, into: Path) -> Path:
    """Later."""
    raise NotImplementedError
