"""The evaluation prompts of a study: which are asked, what a right answer to them is, and that no training shows them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from safescale.errors import DataError, DomainError
from safescale.generate import PromptSet, RunPrompt, read_prompt_set
from safescale.generate.prompt_file import prompt_set
from safescale.studies.asked import AskedPrompt
from safescale.toy.prompts import toy_prompts

__all__ = ["REFERENCE", "EvaluationPrompts", "Shown", "evaluation_prompts", "plain", "refuse_shown"]

REFERENCE: Final = "reference"
"""Column of a prompts file: a benign prompt's answer is right where it holds this text."""
_TOY: Final = Path("the prompts of the toy world")
_NOT_A_WORD: Final = re.compile(r"[\W_]+")


@attrs.frozen(kw_only=True)
class EvaluationPrompts:
    """
    Prompts of a study.

    Parameters
    ----------
    set : PromptSet
        All of the file, those that are asked first: how many are asked is no part of a run's id, so asking more
        keeps what is there.
    count : int
        How many are asked.
    toy : bool
        Whether they are of the toy world, whose judge knows what is right.
    """

    set: PromptSet
    count: int
    toy: bool

    @property
    def asked(self) -> tuple[RunPrompt, ...]:
        """Those that are asked."""
        return self.set.prompts[: self.count]

    @property
    def axis(self) -> tuple[AskedPrompt, ...]:
        """The same as an axis of the outcomes."""
        return tuple(AskedPrompt(prompt_id=prompt.prompt_id, prompt_kind=prompt.prompt_kind) for prompt in self.asked)

    @property
    def references(self) -> Mapping[str, str]:
        """Prompt id to the text that a right answer holds, normalised, where the file says one."""
        given = {prompt.prompt_id: plain(prompt.metadata.get(REFERENCE, "")) for prompt in self.asked}
        return {prompt_id: reference for prompt_id, reference in given.items() if reference}


@attrs.frozen(kw_only=True)
class Shown:
    """Texts that a training or a search of directions sees, where they are from, and the row or the id of each where it has one."""

    what: str
    file: str
    texts: tuple[str, ...]
    rows: tuple[int | None, ...] = ()
    ids: tuple[str | None, ...] = ()


def evaluation_prompts(file: Path | None, limit: int | Mapping[str, int] | None) -> EvaluationPrompts:
    """
    The prompts of a study.

    Parameters
    ----------
    file : Path, optional
        None: those of the toy world.
    limit : int, mapping of prompt kind to int, or None
        The first so many; or so many of each kind, taken in turn from its attack classes; kinds that are not named are left out.

    Raises
    ------
    DataError
        For a file that is wrong, or without a harmful prompt among those that are asked.
    """
    whole = prompt_set(toy_prompts(), _TOY) if file is None else read_prompt_set(file)
    if isinstance(limit, Mapping):
        chosen = [prompt for kind, count in limit.items() for prompt in _spread(whole.prompts, kind)[:count]]
    else:
        chosen = list(whole.prompts[:limit])
    if not any(prompt.prompt_kind == "harmful" for prompt in chosen):
        raise DataError(
            f"none of the {len(chosen):,} prompts that are asked is harmful, so there is no refusal to retain; give them "
            "prompt_kind harmful (see: safescale prompts prepare), or raise limit",
            file=str(whole.file),
        )
    ids = {prompt.prompt_id for prompt in chosen}
    rest = [prompt for prompt in whole.prompts if prompt.prompt_id not in ids]
    return EvaluationPrompts(set=attrs.evolve(whole, prompts=(*chosen, *rest)), count=len(chosen), toy=file is None)


def plain(text: str) -> str:
    """A text as it is compared: compatibility forms, case, marks and blanks do not count."""
    return _NOT_A_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def refuse_shown(prompts: EvaluationPrompts, shown: Sequence[Shown]) -> None:
    """
    Refuse evaluation prompts that are also shown to a training: what was learnt of them says nothing of others.

    Raises
    ------
    DataError
        Naming the row of the training's file and the evaluation prompt.
    """
    known = {plain(prompt.prompt): prompt.prompt_id for prompt in prompts.asked}
    if not known:
        raise DomainError("there is no evaluation prompt")
    for one in shown:
        for at, text in enumerate(one.texts):
            found = known.get(plain(text))
            if found is not None:
                row = one.rows[at] if one.rows else None
                own = one.ids[at] if one.ids else None
                # the text itself is shown nowhere: it may be a harmful one
                raise DataError(
                    f"{one.what} has an evaluation prompt among its prompts ({found}); what was trained on says nothing of others: "
                    "take it out of one of the two",
                    file=one.file,
                    row=row,
                    column="prompt",
                    expected=f"no prompt of {prompts.set.file}",
                    got=f"the text of {found}" + ("" if own is None else f", as {own}"),
                )


def _spread(prompts: Sequence[RunPrompt], kind: str) -> list[RunPrompt]:
    """Prompts of a kind, one of each attack class in turn: the first so many are spread over classes, and over each class."""
    classes: dict[str, list[RunPrompt]] = {}
    for prompt in prompts:
        if prompt.prompt_kind == kind:
            classes.setdefault(prompt.attack_class, []).append(prompt)
    found: list[tuple[float, int, RunPrompt]] = []
    for at, members in enumerate(classes.values()):
        order = _far_apart(len(members))
        found += [(place, at, members[index]) for place, index in enumerate(order)]
    return [prompt for _, _, prompt in sorted(found, key=lambda one: one[:2])]


def _far_apart(count: int) -> list[int]:
    """Positions in an order in which the first so many are spread over all (steps of the golden ratio; every position once)."""
    found: dict[int, None] = {}
    at, turn = 0.0, (5**0.5 - 1) / 2
    while len(found) < count:
        place = int(at * count)
        while place in found:
            place = (place + 1) % count
        found[place] = None
        at = (at + turn) % 1.0
    return list(found)
