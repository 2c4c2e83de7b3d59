"""The tables behind the registry, read once: published sizes, families, organisations, tampering."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

__all__ = ["Catalogue", "OllamaDefaults", "PublishedSize", "catalogue", "read_table"]


@attrs.frozen(kw_only=True)
class PublishedSize:
    """Sizes that a vendor published (1e9 parameters), with the place."""

    total_b: float
    active_b: float | None
    source: str
    name_size: Literal["total", "active"] = "total"
    active_in_name: bool = False
    """The entry is meant only where the name states the active parameters (``hunyuan-a13b``)."""
    other_sizes: bool = False
    """Models of other sizes carry the same name."""


@attrs.frozen(kw_only=True)
class OllamaDefaults:
    """What ollama serves under a bare name."""

    sizes_b: Mapping[str, float]
    moved: frozenset[str]
    source: str


@attrs.frozen(kw_only=True)
class Catalogue:
    """Published sizes by canonical name, by experts pattern, and ollama's default tags."""

    by_name: Mapping[str, PublishedSize]
    by_experts: Mapping[tuple[str, str], PublishedSize]
    """Keyed by (pattern, word that must be in the name)."""
    ollama: OllamaDefaults


def read_table(name: str) -> dict[str, Any]:
    """One of the TOML files beside this module."""
    import tomllib  # late: a quarter of the import time, and an import parses nothing

    return tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def _published(entry: Mapping[str, Any]) -> PublishedSize:
    return PublishedSize(
        total_b=float(entry["total"]),
        active_b=float(entry["active"]) if "active" in entry else None,
        source=entry["source"],
        name_size=entry.get("name_size", "total"),
        active_in_name=entry.get("active_in_name", False),
        other_sizes=entry.get("other_sizes", False),
    )


@functools.cache
def catalogue() -> Catalogue:
    """The catalogue of published sizes."""
    raw = read_table("catalogue.toml")
    defaults = raw["ollama_default"]
    return Catalogue(
        by_name={key: _published(entry) for entry in raw["model"] for key in entry["keys"]},
        by_experts={(entry["pattern"], entry["family_word"]): _published(entry) for entry in raw["experts"]},
        ollama=OllamaDefaults(
            sizes_b={name: float(size) for name, size in defaults["sizes"].items()},
            moved=frozenset(defaults["moved"]),
            source=defaults["source"],
        ),
    )
