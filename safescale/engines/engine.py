"""The border to everything that answers a prompt: what an engine is opened with, what it says of itself, what it does."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Protocol, cast

import attrs

from safescale.engines.answers import Answer
from safescale.engines.requests import Request
from safescale.errors import DomainError

__all__ = ["ENGINES", "Engine", "EngineFacts", "EngineSpec", "OpenEngine", "engine_names", "open_engine"]

OptionValue = str | int | float | bool | None


@attrs.frozen(kw_only=True)
class EngineSpec:
    """
    What an engine is opened with.

    Parameters
    ----------
    engine : str
        Name of the engine (``engine_names()``).
    model : str
        Local folder or id of the model; for a server, the name under which it serves it.
    model_id : str
        Id under which traces carry it (default: ``model``).
    revision : str, optional
        Revision of the weights.
    tokenizer, chat_template : str, optional
        Where they are not the model's own: a folder or id; a file with a template.
    adapters : mapping of str to str
        LoRA adapters by name: folder of each.
    max_model_len : int, optional
        Window in tokens; default the model's own.
    batch_size : int, optional
        Requests at once; default the engine's own.
    seed : int, default 0
        Seed of the engine itself; answers are seeded request by request.
    base_url : str, optional
        Of a server.
    api_key_env : str, optional
        Name of the environment variable that holds its key. The key itself is never stored.
    options : mapping of str to str, int, float, bool or None
        Options of the engine alone, under its own names; one that it does not know is a DomainError.
    """

    engine: str
    model: str
    model_id: str = attrs.field(default=attrs.Factory(lambda self: self.model, takes_self=True))
    revision: str | None = None
    tokenizer: str | None = None
    chat_template: Path | None = None
    adapters: Mapping[str, str] = attrs.field(factory=dict)
    max_model_len: int | None = None
    batch_size: int | None = None
    seed: int = 0
    base_url: str | None = None
    api_key_env: str | None = None
    options: Mapping[str, OptionValue] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class EngineFacts:
    """
    What an engine says of itself; a run's manifest carries it.

    Parameters
    ----------
    engine, version : str
        Name of the engine; version of the library (or server) behind it.
    model, model_id : str
        As in the spec.
    model_revision : str, optional
        Revision of the weights.
    weights_sha256 : str, optional
        Hash over the weight files where they are local; what it is over stands in the docstring of ``weights``.
    chat_template_sha256 : str, optional
        Hash of the chat template in use; None where the server holds it.
    max_model_len : int, optional
        Window (tokens).
    packages : mapping of str to str
        Versions of the packages that an answer depends on.
    hardware : str
        In words.
    batch_invariant : bool, optional
        Whether an answer is the same whatever it is batched with; None when nobody knows.
    options : mapping of str to str
        What it was opened with besides (dtype, parallelism, ...), in words.
    """

    engine: str
    version: str
    model: str
    model_id: str
    model_revision: str | None = None
    weights_sha256: str | None = None
    chat_template_sha256: str | None = None
    max_model_len: int | None = None
    packages: Mapping[str, str] = attrs.field(factory=dict)
    hardware: str = "unknown"
    batch_invariant: bool | None = None
    options: Mapping[str, str] = attrs.field(factory=dict)


class Engine(Protocol):
    """
    One model behind one backend.

    ``answer`` gives exactly one answer for each request, as soon as it is there, in any order; what it cannot answer is an answer
    with a fault, never an exception. Two exceptions speak of the engine itself: ``OutOfMemory`` (fewer requests at once may fit)
    and ``EngineDied`` (open a new one); what was yielded before stays answered. ``in_order`` restores the order.
    """

    @property
    def facts(self) -> EngineFacts:
        """What the engine says of itself."""
        ...

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer every request once."""
        ...

    def close(self) -> None:
        """Free what it holds. Twice does no harm."""
        ...


class OpenEngine(Protocol):
    """What opens an engine: the function ``open`` of each backend's module, or an entry point ``safescale.engines``."""

    def __call__(self, spec: EngineSpec) -> Engine:
        """Open it; raises MissingBackend, DomainError (what the spec says cannot be) or GenerationError (it does not start)."""
        ...


ENGINES: Final[dict[str, str]] = {
    "fake": "safescale.engines.fake:open_fake",
    "transformers": "safescale.engines.transformers:open_transformers",
    "openai": "safescale.engines.openai:open_openai",
    "vllm": "safescale.engines.vllm:open_vllm",
    "ray": "safescale.engines.ray:open_ray",
}
"""Engines that come with safescale: module and function, imported only when opened."""

ENTRY_POINT: Final = "safescale.engines"


def engine_names() -> tuple[str, ...]:
    """Names that ``open_engine`` knows: ours, then those of installed packages."""
    others = sorted({point.name for point in entry_points(group=ENTRY_POINT)} - set(ENGINES))
    return (*ENGINES, *others)


def open_engine(spec: EngineSpec) -> Engine:
    """
    Open the engine that a spec names.

    Raises
    ------
    DomainError
        For a name that no engine has.
    MissingBackend
        When its library is not installed.
    GenerationError
        When it does not start.
    """
    if spec.engine in ENGINES:
        module, _, name = ENGINES[spec.engine].partition(":")
        opener = cast(OpenEngine, getattr(importlib.import_module(module), name))
        return opener(spec)
    for point in entry_points(group=ENTRY_POINT):
        if point.name == spec.engine:
            return cast(OpenEngine, point.load())(spec)
    raise DomainError(f"no engine is called {spec.engine!r}; known engines: {', '.join(engine_names())}")
