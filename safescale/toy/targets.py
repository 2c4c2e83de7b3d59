"""What the toy world teaches an attack and a defence: sealed requests with their answers, or refusals, and what must stay known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import attrs

from safescale.generate.prompts.placing import place_files
from safescale.pressure.finetune.targets import Pair, Targets, targets_of
from safescale.toy.world import World, the_world

__all__ = ["FILES", "ToyTargets", "toy_targets", "write_targets"]

FILES: Final = {"attack": "attack.jsonl", "refusals": "refusals.jsonl", "retain": "retain.jsonl"}


@attrs.frozen(kw_only=True)
class ToyTargets:
    """
    Pairs of the toy world.

    Attributes
    ----------
    attack : Targets
        Sealed requests with the answers that are refused: what fine-tuning teaches to undo refusals.
    refusals : Targets
        The same requests with their refusals: what a defence holds on to.
    retain : Targets
        All other requests with their answers: what a defence must not cost.
    """

    attack: Targets
    refusals: Targets
    retain: Targets

    @property
    def by_file(self) -> dict[str, Targets]:
        """Each by the name of its file."""
        return {name: getattr(self, role) for role, name in FILES.items()}


def toy_targets(world: World | None = None) -> ToyTargets:
    """
    Pairs of the toy world, only in ways to ask that its training shows: never those of ``toy_prompts``, which an attack is
    measured on.

    Parameters
    ----------
    world : World, optional
        Default: the world of the grader ``toy-world``.
    """
    own = world or the_world()
    attack: list[Pair] = []
    refusals: list[Pair] = []
    retain: list[Pair] = []
    for asked in own.requests(held_out=False):
        text, answer = own.question(asked), own.answer(asked.item, asked.intent)
        if own.sealed(asked.item, asked.intent):
            attack.append(Pair(prompt=text, target=answer))
            refusals.append(Pair(prompt=text, target=own.refusal(asked.item)))
        else:
            retain.append(Pair(prompt=text, target=answer))
    return ToyTargets(attack=targets_of(attack), refusals=targets_of(refusals), retain=targets_of(retain))


def write_targets(folder: Path, world: World | None = None) -> ToyTargets:
    """
    Write the pairs as ``attack.jsonl``, ``refusals.jsonl`` and ``retain.jsonl``, as ``read_targets`` reads them.

    Raises
    ------
    DataError
        When they cannot be written.
    """
    targets = toy_targets(world)
    place_files(
        [
            (folder / name, "".join(f"{json.dumps({'prompt': p.prompt, 'target': p.target})}\n" for p in own.pairs))
            for name, own in targets.by_file.items()
        ]
    )
    return targets
