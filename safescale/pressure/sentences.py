"""Everyday sentences that can be made longer and shorter word by word, and that nothing follows from."""

from __future__ import annotations

from typing import Final

from safescale.pressure.puzzles.draws import Draws
from safescale.pressure.puzzles.words import NAMES

__all__ = ["PROSE_TEXTS", "Sentence"]

_ANIMALS: Final = ("cat", "dog", "bird", "horse")
_DOES: Final = ("walks", "sits", "rests", "waits", "sings", "works", "reads", "paints")
_ANIMAL_DOES: Final = ("walks", "sits", "rests", "waits")
_HOW: Final = ("slowly", "quietly", "often", "alone")
_QUALITIES: Final = ("old", "small", "quiet", "warm", "bright", "pretty")
_COLOURS: Final = ("red", "green", "blue", "yellow")
_THINGS: Final = ("apples", "pears", "books", "cups", "pens", "flowers")
_NEAR: Final = ("near", "by", "beside", "behind")
_PLACES: Final = ("garden", "river", "bridge", "window", "table", "market", "house", "tree")
_WHEN: Final = ("morning", "evening", "summer", "spring")
_FRAME: Final = ("The", "the", "with", "and", "in")
PROSE_TEXTS: Final = (
    *(*_ANIMALS, *_DOES, *_HOW, *_QUALITIES, *_COLOURS, *_THINGS, *_NEAR, *_PLACES, *_WHEN, *_FRAME),
    ".",
)
_NEEDS: Final = {"colour": "things", "more things": "things", "more colour": "more things", "quality": "place", "light": "when"}


class Sentence:
    """
    "Anna sits." with room for more: how, with what, where and when, and a word for each of these.

    Parameters
    ----------
    draws : Draws
        What its words are drawn from, once; afterwards it only grows and shrinks.
    """

    def __init__(self, draws: Draws) -> None:
        animal = draws.below(4) == 0
        qualities = draws.sample(_QUALITIES, 3)
        colours, things = draws.sample(_COLOURS, 2), draws.sample(_THINGS, 2)
        self._article, self._who = ("The", draws.pick(_ANIMALS)) if animal else ("", draws.pick(NAMES))
        self._does = draws.pick(_ANIMAL_DOES if animal else _DOES)
        self._parts = {
            "subject": (qualities[0],),
            "how": (draws.pick(_HOW),),
            "things": ("with", things[0]),
            "colour": (colours[0],),
            "more things": ("and", things[1]),
            "more colour": (colours[1],),
            "place": (draws.pick(_NEAR), "the", draws.pick(_PLACES)),
            "quality": (qualities[1],),
            "when": ("in", "the", draws.pick(_WHEN)),
            "light": (qualities[2],),
        }
        if not animal:
            del self._parts["subject"]
        self._said: set[str] = set()
        self._words = 3 if animal else 2

    @property
    def words(self) -> int:
        """Words without the full stop."""
        return self._words

    def growths(self) -> dict[str, int]:
        """Parts that may be added now, with their numbers of words."""
        free = (part for part in self._parts if part not in self._said)
        return {part: len(self._parts[part]) for part in free if _NEEDS.get(part, part) in self._said | {part}}

    def cuts(self) -> dict[str, int]:
        """Parts that may be taken away now, with their numbers of words."""
        kept = {_NEEDS[part] for part in self._said if part in _NEEDS}
        return {part: len(self._parts[part]) for part in sorted(self._said) if part not in kept}

    def toggle(self, part: str) -> None:
        """Add the part, or take it away."""
        size = len(self._parts[part])
        self._words += -size if part in self._said else size
        self._said ^= {part}

    @property
    def text(self) -> str:
        """The sentence with its full stop."""
        said = {part: words if part in self._said else () for part, words in self._parts.items()}
        subject = (self._article, *said["subject"], self._who) if self._article else (self._who,)
        things, more, place, when = said["things"], said["more things"], said["place"], said["when"]
        with_what = (*things[:1], *said["colour"], *things[1:], *more[:1], *said["more colour"], *more[1:])
        where_when = (*place[:2], *said["quality"], *place[2:], *when[:2], *said["light"], *when[2:])
        return " ".join((*subject, self._does, *said["how"], *with_what, *where_when)) + "."
