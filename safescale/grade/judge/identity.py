"""The name of a judge: rubric with hash, model, revision, and a mark where options differ from the defaults."""

from __future__ import annotations

import hashlib

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
    name = f"{version}/{engine.model_id}{revision}"
    if options == defaults:
        return name
    return f"{name}~{hashlib.sha256(repr(options).encode()).hexdigest()[:6]}"
