"""What a server says of itself when it is opened: its models, its window, its version; and the tokenizer where ours renders."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import cast

import attrs

from safescale.engines.engine import EngineSpec
from safescale.engines.openai_http import HttpReply, Server, Unanswered
from safescale.engines.openai_settings import Key, Settings
from safescale.engines.rendering import Tokenizer, read_template
from safescale.errors import DomainError, GenerationError, MissingBackend

__all__ = ["ServerFacts", "asked_server", "load_tokenizer", "tokenizer_of"]


@attrs.frozen(kw_only=True)
class ServerFacts:
    """What a server said when it was asked for its models."""

    models: tuple[str, ...] = ()
    max_model_len: int | None = None
    version: str | None = None
    is_vllm: bool = False


def asked_server(spec: EngineSpec, settings: Settings, server: Server, key: Key) -> ServerFacts:
    """
    Ask a server for its models and version; one that offers neither is taken as it is.

    Raises
    ------
    DomainError
        For a model or an adapter that it does not list.
    GenerationError
        When nobody listens, or the key is not accepted.
    """
    until_s = time.monotonic() + settings.start_wait_s
    while True:
        try:
            reply = server.send("GET", "/models", None, timeout_s=min(settings.timeout_s, 60.0))
            # a server that loads says 503
            if reply.status != 503 or time.monotonic() >= until_s:
                break
        except Unanswered as error:
            if time.monotonic() >= until_s:
                step = "start one (vllm serve MODEL), or set start_wait_s to wait for one"
                raise GenerationError(f"{error.words} {step}") from None
        time.sleep(min(0.5, max(until_s - time.monotonic(), 0.01)))
    if reply.status in (401, 403):
        step = f"the variable {key.variable!r} holds another" if key.variable else "name the variable that holds it: api_key_env"
        raise GenerationError(f"the server at {server.shown} does not accept the key (HTTP {reply.status}); {step}")
    listed = _listed(reply) if reply.status == 200 else []
    names = tuple(str(one["id"]) for one in listed)
    for name in (spec.model, *spec.adapters):
        if names and name not in names:
            kind = "model" if name == spec.model else "adapter"
            shown = ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")
            step = "write one of these, or set option check to false if it takes others too"
            raise DomainError(f"the server at {server.shown} lists no {kind} {name!r}; it lists {shown}; {step}")
    mine = next((one for one in listed if one["id"] == spec.model), {})
    window = mine.get("max_model_len")
    version = _version(server)
    return ServerFacts(
        models=names,
        max_model_len=window if isinstance(window, int) else None,
        version=version,
        is_vllm=mine.get("owned_by") == "vllm",
    )


def _listed(reply: HttpReply) -> list[Mapping[str, object]]:
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return []
    data = body.get("data") if isinstance(body, dict) else None
    return [one for one in data if isinstance(one, dict) and "id" in one] if isinstance(data, list) else []


def _version(server: Server) -> str | None:
    try:
        reply = server.send("GET", "/version", None, timeout_s=10.0, root=True)
        body = json.loads(reply.body) if reply.status == 200 else None
    except (Unanswered, ValueError, RecursionError):
        return None
    version = body.get("version") if isinstance(body, dict) else None
    return version if isinstance(version, str) else None


def tokenizer_of(spec: EngineSpec, settings: Settings, dialect: str) -> Tokenizer | None:
    """Tokenizer whose token ids are sent in place of messages; None where the server renders."""
    if settings.send == "messages" or (settings.send == "auto" and spec.tokenizer is None):
        if spec.chat_template is not None:
            step = "start it with --chat-template, or name a tokenizer too: token ids are then sent"
            raise DomainError(f"a server has a chat template of its own; {step}")
        return None
    if dialect != "vllm":
        raise DomainError("token ids can be sent to vLLM only; leave tokenizer out, or set option dialect to vllm")
    if spec.tokenizer is None:
        raise DomainError("option send=token_ids needs a tokenizer in the spec")
    return load_tokenizer(spec)


def load_tokenizer(spec: EngineSpec) -> Tokenizer:
    """
    Tokenizer of a spec with transformers, with the spec's own chat template where it has one.

    Raises
    ------
    MissingBackend
        Without transformers.
    GenerationError
        When there is none at that place.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise MissingBackend("transformers", "hf") from error
    try:
        tokenizer = cast(Tokenizer, AutoTokenizer.from_pretrained(spec.tokenizer, revision=spec.revision))
    except (OSError, ValueError) as error:
        raise GenerationError(f"no tokenizer at {spec.tokenizer!r}: {str(error).splitlines()[0][:200]}") from error
    if spec.chat_template is not None:
        tokenizer.chat_template = read_template(spec.chat_template)
    return tokenizer
