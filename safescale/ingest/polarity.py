"""What the named scorers of a tool say of safety: the shipped tables, and the user's own (``scorers: ...`` of a YAML map)."""

from __future__ import annotations

import functools
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.ingest.gathering import Gathering
from safescale.ingest.inspect_polarity import Polarity, polarity_of_entry, user_polarities
from safescale.records.fates import NoteCode

__all__ = ["UNDECLARED", "Scorers", "polarity_table", "undeclared"]

UNDECLARED: Final = "undeclared polarity"
"""Outcome map of a grader whose scores nobody gave a meaning."""


def undeclared(grader_id: str) -> str:
    """
    Name of a grader while nobody has said what its scores mean.

    It is a grader of its own, so that the same file read again with a map does not contradict what is stored.
    """
    return f"{grader_id} (undeclared)"


@functools.cache
def polarity_table(name: str) -> Mapping[str, Any]:
    """A shipped table (TOML) of this folder."""
    return tomllib.loads(resources.files("safescale.ingest").joinpath(name).read_text(encoding="utf-8"))


@attrs.define
class Scorers:
    """
    The meaning of the scorers of one file, and which of them nobody declared.

    Parameters
    ----------
    known : sequence of Polarity
        The user's entries first.
    """

    known: Sequence[Polarity]
    unknown: Counter[str] = attrs.field(factory=Counter)

    @classmethod
    def of(cls, format_name: str, column_map: Path | None) -> Scorers:
        """
        The user's entries, then the shipped ones of the format.

        Raises
        ------
        DataError
            When the user's map is wrong.
        """
        shipped = [polarity_of_entry(raw) for raw in polarity_table("polarity.toml")["scorer"] if raw["format"] == format_name]
        return cls((*user_polarities(column_map), *shipped))

    def of_scorer(self, scorer: str, group: str = "") -> Polarity | None:
        """Meaning of a scorer (in a group, where names are only unique in one); one that nobody declared is remembered."""
        found = next((p for p in self.known if p.is_about(group, scorer)), None)
        if found is None:
            self.unknown[scorer] += 1
        return found

    def tell(self, gathering: Gathering) -> None:
        """A note for each scorer that gave scores without a meaning, with how to declare it."""
        for scorer, count in sorted(self.unknown.items()):
            gathering.note(
                NoteCode.POLARITY_UNKNOWN,
                expected=f"in the --map file, what a 1 means:  scorers: {{{scorer}: harmful_when_1}}  "
                "(or safe_when_1, refusal_when_1, labels; {polarity: harmful_when_1, threshold: 0.5} for a scale)",
                got=f"{count:,} scores, kept as UNGRADED",
                column=scorer,
            )
