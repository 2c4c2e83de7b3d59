"""The section ``engine`` of a YAML file: what an engine is opened with, every mistake named by file and key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from safescale.engines import EngineSpec, engine_names
from safescale.ingest.mapped_yaml import Node

__all__ = ["engine_spec"]

_KEYS: Final = (
    "engine",
    "model",
    "model_id",
    "revision",
    "tokenizer",
    "chat_template",
    "adapters",
    "max_model_len",
    "batch_size",
    "seed",
    "base_url",
    "api_key_env",
    "options",
)


def engine_spec(section: Node, folder: Path) -> EngineSpec:
    """
    The spec that a section describes; a relative ``chat_template`` is beside the file.

    Raises
    ------
    DataError
        With file, key, what was expected and what came. A key that stands where the name of its variable should is not shown.
    """
    keys = section.mapping(_KEYS, required=("engine", "model"))

    def text(key: str) -> str | None:
        return keys[key].text() if key in keys else None

    model = keys["model"].text()
    return EngineSpec(
        engine=keys["engine"].choice(engine_names()),
        model=model,
        model_id=text("model_id") or model,
        revision=text("revision"),
        tokenizer=text("tokenizer"),
        chat_template=folder / keys["chat_template"].text() if "chat_template" in keys else None,
        adapters={name: node.text() for name, node in keys["adapters"].pairs().items()} if "adapters" in keys else {},
        max_model_len=whole(keys["max_model_len"], at_least=1) if "max_model_len" in keys else None,
        batch_size=whole(keys["batch_size"], at_least=1) if "batch_size" in keys else None,
        seed=whole(keys["seed"], at_least=0) if "seed" in keys else 0,
        base_url=text("base_url"),
        api_key_env=_variable(keys["api_key_env"]) if "api_key_env" in keys else None,
        options={name: _option(node) for name, node in keys["options"].pairs().items()} if "options" in keys else {},
    )


def whole(node: Node, *, at_least: int) -> int:
    """A whole number from some value on."""
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        node.fail(f"a whole number, {at_least} or more")
    return int(value)


def _variable(node: Node) -> str:
    if not isinstance(node.value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", node.value):
        node.fail(
            "the name of an environment variable, which holds the key", got="something else (not shown, it may be the key itself)"
        )
    return str(node.value)


def _option(node: Node) -> str | int | float | bool | None:
    value = node.value
    if value is not None and not isinstance(value, str | int | float | bool):
        node.fail("a text, a number, true, false or null")
    return value
