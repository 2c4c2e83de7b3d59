"""The name of a judge: rubric with hash, model (with weights and template, where known), revision, and a mark of other options."""

from __future__ import annotations

import hashlib
from pathlib import PurePath

from safescale.engines import EngineFacts

__all__ = ["judge_id"]


def judge_id(version: str, engine: EngineFacts, options: object, defaults: object) -> str:
    """
    Id of a judge; whatever changes its verdicts changes it.

    Examples
    --------
    >>> facts = EngineFacts(engine="fake", version="0", model="m", model_id="zorble-7b", model_revision="r1")
    >>> judge_id("flip-v2+0123abcd", facts, (1, 2), (1, 2))
    'flip-v2+0123abcd/zorble-7b@r1'
    """
    revision = f"@{engine.model_revision}" if engine.model_revision else ""
    name = f"{version}/{_model_name(engine)}{revision}"
    if options == defaults:
        return name
    return f"{name}~{hashlib.sha256(repr(options).encode()).hexdigest()[:6]}"


def _model_name(engine: EngineFacts) -> str:
    # a folder of this machine is no name: its last part, and what tells it from another of that name
    path = PurePath(engine.model_id)
    name = path.name if path.is_absolute() else engine.model_id
    told = engine.weights_sha256
    if told is None and path.is_absolute():
        told = hashlib.sha256(engine.model_id.encode("utf-8", "surrogatepass")).hexdigest()
    if engine.chat_template_sha256 is not None:  # the same words in another template are another question
        told = hashlib.sha256(f"{told}\0{engine.chat_template_sha256}".encode()).hexdigest()
    return name if told is None else f"{name}#{told[:8]}"
