"""Equal prompts become one; which row is kept depends on content alone, and every other row is on the list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from safescale.errors import DomainError
from safescale.generate.prompts.near import NearPair, Neighbours, Signatures, near_groups
from safescale.generate.prompts.prompt import normalised, prompt_id_of
from safescale.generate.prompts.rows import Draft
from safescale.generate.prompts.shingles import jaccard

__all__ = ["DISAGREED", "Distinct", "DroppedNear", "distinct_prompts", "groups_of_kept", "near_dropped"]

DISAGREED: Final = "unknown"
"""Kind of a prompt that one row calls harmful and another benign: neither is taken."""


@attrs.frozen(kw_only=True)
class Distinct:
    """
    One prompt of those that are left, with the rows that are it.

    Parameters
    ----------
    prompt_id : str
        Its id.
    kept : Draft
        The row that is kept.
    repeats : tuple of Draft
        The other rows with the same normalised text.
    prompt_kind : str
        What the rows agree on ("unknown" says nothing); ``DISAGREED`` when they do not.
    """

    prompt_id: str
    kept: Draft
    repeats: tuple[Draft, ...]
    prompt_kind: str

    @property
    def contradicted(self) -> bool:
        """Whether one row calls it harmful and another benign."""
        return {"harmful", "benign"} <= {row.prompt_kind for row in (self.kept, *self.repeats)}


@attrs.frozen(kw_only=True)
class DroppedNear:
    """A prompt (by its place) that is dropped, the one that it is near to, and their Jaccard index."""

    dropped: int
    kept: int
    jaccard: float


def distinct_prompts(drafts: Sequence[Draft]) -> list[Distinct]:
    """
    One for each normalised text, in order of id.

    Raises
    ------
    DomainError
        When two different texts have one id.
    """
    by_text: dict[str, list[Draft]] = {}
    for draft in drafts:
        by_text.setdefault(normalised(draft.prompt), []).append(draft)
    found: dict[str, Distinct] = {}
    for text, rows in by_text.items():
        if len(rows) > 1:
            rows.sort(key=lambda row: (row.order, row.file, row.row))
        said = {row.prompt_kind for row in rows} - {"unknown"}
        own = prompt_id_of(text)
        if own in found:
            raise DomainError(f"two different prompts have the id {own}; leave one of them out")
        found[own] = Distinct(
            prompt_id=own,
            kept=rows[0],
            repeats=tuple(rows[1:]),
            prompt_kind=said.pop() if len(said) == 1 else DISAGREED,
        )
    return [found[own] for own in sorted(found)]


def near_dropped(
    prompts: Sequence[Distinct], texts: Sequence[str], neighbours: Neighbours, *, threshold: float
) -> list[DroppedNear]:
    """
    Which prompts go when near-duplicates are dropped: in order of id, each that is near to a kept one of its kind and attack.

    A harmful prompt and its benign contrast differ in a word on purpose, and so do an attack and the plain request: they stay.
    """
    dropped: list[DroppedNear] = []
    for members in neighbours.members():
        kept: list[int] = []
        for place in members:
            nearest = next(_near_kept(place, kept, prompts, texts, threshold), None)
            if nearest is None:
                kept.append(place)
            else:
                dropped.append(DroppedNear(dropped=place, kept=nearest.one, jaccard=nearest.jaccard))
    return sorted(dropped, key=lambda each: each.dropped)


def _near_kept(
    place: int, kept: Sequence[int], prompts: Sequence[Distinct], texts: Sequence[str], threshold: float
) -> Iterator[NearPair]:
    mine = prompts[place]
    for other in kept:
        theirs = prompts[other]
        if (mine.prompt_kind, mine.kept.attack_class) != (theirs.prompt_kind, theirs.kept.attack_class):
            continue
        index = jaccard(texts[other], texts[place])
        if index >= threshold:
            yield NearPair(one=other, other=place, jaccard=index)


def groups_of_kept(texts: Sequence[str], signed: Signatures, places: Sequence[int], *, threshold: float) -> Neighbours:
    """Groups among some of the texts, as if the others had never been there: a set prepared again is the same set."""
    return near_groups([texts[i] for i in places], signed[list(places)], threshold=threshold)
