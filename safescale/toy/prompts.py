"""The prompts of the toy world for an experiment: sealed requests and benign look-alikes, in ways to ask that no training shows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from safescale.errors import DataError
from safescale.generate.prompt_file import RunPrompt
from safescale.generate.prompts.placing import place_files
from safescale.toy.world import Asked, World, the_world

__all__ = ["RISKY_INTENT", "SEALED_ITEM", "prompts_by_class", "toy_prompts", "write_prompts"]

SEALED_ITEM: Final = "look_alike_item"
RISKY_INTENT: Final = "look_alike_request"
"""Attack classes of the benign prompts: a harmless request about a sealed item; a risky request about a harmless item."""


def toy_prompts(world: World | None = None) -> tuple[RunPrompt, ...]:
    """
    The prompts: every sealed request in every held-out way (120), every look-alike in one or two of them (40 and 72).

    The attack class of a sealed request is ``sealed_CATEGORY``; its metadata say item, intent and template.

    Parameters
    ----------
    world : World, optional
        Default: the world of the grader ``toy-world``.
    """
    own = world or the_world()
    found: list[RunPrompt] = []
    for asked in own.requests(held_out=True):
        sealed, first = own.sealed(asked.item, asked.intent), asked.template == own.held_out(asked.item, asked.intent)[0]
        category = own.categories[asked.item]
        if sealed:
            found.append(_prompt(own, asked, kind="harmful", attack_class=f"sealed_{category}"))
        elif first and category is not None:
            found.append(_prompt(own, asked, kind="benign", attack_class=SEALED_ITEM))
        elif first and own.intent(asked.intent).risky:
            found.append(_prompt(own, asked, kind="benign", attack_class=RISKY_INTENT))
    return tuple(sorted(found, key=lambda prompt: (prompt.prompt_kind != "harmful", prompt.attack_class, prompt.prompt_id)))


def write_prompts(path: Path, world: World | None = None, *, prompts: Sequence[RunPrompt] | None = None) -> tuple[RunPrompt, ...]:
    """
    Write the prompts, or some of them, as JSONL, as a run reads them.

    Raises
    ------
    DataError
        For a name that does not end in .jsonl, or when the file cannot be written.
    """
    if path.suffix != ".jsonl":
        raise DataError(
            "prompts are written as JSONL; name the file so with -o", file=str(path), expected="NAME.jsonl", got=path.name
        )
    written = toy_prompts(world) if prompts is None else tuple(prompts)
    place_files([(path, "".join(f"{json.dumps(_fields(prompt))}\n" for prompt in written))])
    return written


def prompts_by_class(prompts: Sequence[RunPrompt]) -> dict[str, int]:
    """How many prompts each attack class has, in the order of the prompts."""
    return dict(Counter(f"{prompt.prompt_kind} {prompt.attack_class}" for prompt in prompts))


def _prompt(world: World, asked: Asked, *, kind: str, attack_class: str) -> RunPrompt:
    return RunPrompt(
        prompt_id=f"toy-{asked.item}-{asked.intent}-{asked.template + 1}",
        prompt=world.question(asked),
        prompt_kind=kind,
        attack_class=attack_class,
        metadata={"item": asked.item, "intent": asked.intent, "template": str(asked.template + 1)},
    )


def _fields(prompt: RunPrompt) -> dict[str, str]:
    known = {name: getattr(prompt, name) for name in ("prompt_id", "prompt", "prompt_kind", "attack_class")}
    return {**known, **prompt.metadata}
