"""Prompts of which refusal directions are made, and on which they are searched: none of them an evaluation prompt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from safescale.errors import DataError
from safescale.generate import read_prompt_set
from safescale.pressure.finetune.targets import Targets
from safescale.toy.world import draw, the_world

__all__ = ["DirectionPrompts", "direction_prompts", "toy_direction_prompts"]

VALIDATED: Final = 4
"""Of each category every so many-th prompt is searched on, and the others make the direction."""
_TOY_BENIGN: Final = 96
_LEAST: Final = 2
_LEAST_HARMFUL: Final = VALIDATED + 1
"""Of so many two are validated: one on which is searched, one on which is tested."""
ALL: Final = "all"
"""The one category of prompts that have none."""


@attrs.frozen(kw_only=True)
class DirectionPrompts:
    """
    Prompts of directions.

    Parameters
    ----------
    harmful : mapping of str to tuple of str
        By category.
    benign : tuple of str
        Against which the difference in means is taken.
    validation : mapping of str to tuple of str
        Harmful ones by category, of which none is in ``harmful``.
    source : str
        Where they are from.
    named : mapping of str to str
        Text to prompt id, where the file gives ids.
    """

    harmful: Mapping[str, tuple[str, ...]]
    benign: tuple[str, ...]
    validation: Mapping[str, tuple[str, ...]]
    source: str
    named: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @property
    def texts(self) -> tuple[str, ...]:
        """All of them."""
        groups = [*self.harmful.values(), self.benign, *self.validation.values()]
        return tuple(text for group in groups for text in group)

    @property
    def ids(self) -> tuple[str | None, ...]:
        """Their ids, in the same order."""
        return tuple(self.named.get(text) for text in self.texts)


def direction_prompts(file: Path | None, *, attack: Targets, retain: Targets) -> DirectionPrompts:
    """
    The prompts of a file by attack class; without one, the prompts of the targets as one category.

    Raises
    ------
    DataError
        When a category, or the benign side, has too few; when a prompt stands twice.
    """
    named: dict[str, str] = {}
    if file is None:
        source = str(attack.file or "the targets")
        harmful = {ALL: list(dict.fromkeys(pair.prompt for pair in attack.pairs))}
        benign = list(dict.fromkeys(pair.prompt for pair in retain.pairs))
        both = set(benign).intersection(harmful[ALL])
        if both:
            raise DataError(
                f"{len(both):,} prompts stand in targets.attack and in targets.retain, and directions tell the two apart; take "
                "them out of one, or give geometry.prompts",
                file=str(retain.file or "the targets"),
                row=next(pair.row for pair in retain.pairs if pair.prompt in both),
                column="prompt",
            )
    else:
        source, harmful, benign = str(file), {}, []
        for prompt in read_prompt_set(file).prompts:
            if prompt.prompt in named:
                raise DataError(
                    "two prompts of directions have one text; give each once, or a search is judged on what it was made from",
                    file=source,
                    column="prompt",
                    expected="texts that differ",
                    got=f"that of {named[prompt.prompt]} again as {prompt.prompt_id}",
                )
            named[prompt.prompt] = prompt.prompt_id
            if prompt.prompt_kind == "harmful":
                harmful.setdefault(prompt.attack_class, []).append(prompt.prompt)
            elif prompt.prompt_kind == "benign":
                benign.append(prompt.prompt)
    few = [name for name, texts in harmful.items() if len(texts) < _LEAST_HARMFUL]
    if few or not harmful or len(benign) < _LEAST:
        raise DataError(
            f"refusal directions take at least {_LEAST_HARMFUL} harmful prompts of each category (attack_class) and {_LEAST} "
            "benign ones; give more, or leave the category out",
            file=source,
            column="prompt_kind",
            expected="harmful by attack_class, and benign",
            got=", ".join(f"{name}: {len(texts)}" for name, texts in harmful.items()) + f"; benign: {len(benign)}",
        )
    return _split(harmful, benign, source, named)


def toy_direction_prompts() -> DirectionPrompts:
    """Sealed requests by category and look-alikes, in ways to ask that training shows: evaluation asks in others."""
    world = the_world()
    harmful: dict[str, list[str]] = {}
    benign: list[tuple[int, str]] = []
    for asked in world.requests(held_out=False):
        category = world.categories[asked.item]
        if world.sealed(asked.item, asked.intent):
            harmful.setdefault(str(category), []).append(world.question(asked))
        elif category is not None or world.intent(asked.intent).risky:
            benign.append((draw(1 << 30, asked.item, asked.intent, asked.template), world.question(asked)))
    return _split(harmful, [text for _, text in sorted(benign)[:_TOY_BENIGN]], "the toy world")


def _split(
    harmful: Mapping[str, list[str]], benign: list[str], source: str, named: Mapping[str, str] | None = None
) -> DirectionPrompts:
    return DirectionPrompts(
        harmful={name: tuple(t for at, t in enumerate(texts) if at % VALIDATED) for name, texts in harmful.items()},
        benign=tuple(benign),
        validation={name: tuple(texts[::VALIDATED]) for name, texts in harmful.items()},
        source=source,
        named=dict(named or {}),
    )
