"""Which family and generation a name belongs to, and its canonical spelling."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final

import attrs

from safescale.registry.catalogue import read_table

__all__ = ["Family", "Kinship", "alias_matches", "alias_words", "canonical_spelling", "developers_of", "kinship_of"]

_GENERATION: Final = re.compile(r"-?v?((?:[1-9]\d?|0(?=\.))(?:\.\d{1,2}){0,2}[nov]?)(?=-|$)")
_LATE_VERSION: Final = re.compile(r"-v(\d{1,2}(?:\.\d{1,2}){0,2})(?=-|$)")
_HALF_OF_A_SIZE: Final = re.compile(r"-\d{1,2}-\d[bm](?=-|$)")
_SIZE_NEXT: Final = re.compile(r"-?\d+(?:\.\d+)?[bm](?=-|$)")


@attrs.frozen(kw_only=True, eq=False)
class Family:
    """One entry of ``families.toml``; the fields are explained there."""

    rank: int
    name: str
    developer: str | None
    aliases: tuple[str, ...]
    stem: str
    joiner: str = "-"
    between: tuple[str, ...] = ()
    generations: frozenset[str] = frozenset()
    first: str | None = None
    late_version: bool = False
    line: str | None = None
    modes: tuple[str, ...] = ()
    rewrite: bool = True
    at_start: bool = False
    digit_follows: bool = False
    """The alias counts only with a number directly behind it (``kimi-k`` 2)."""
    closed: bool = False
    open_generations: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class Kinship:
    """Family, narrow lineage and generation of a name."""

    family: str
    developer: str | None
    lineage: str
    generation: str | None
    closed: bool = False
    """The weights of this generation are not published."""


@functools.cache
def _families() -> tuple[Mapping[str, Family], re.Pattern[str]]:
    """Families by alias, and one pattern that finds every alias."""
    by_alias: dict[str, Family] = {}
    for rank, raw in enumerate(read_table("families.toml")["family"]):
        family = Family(
            rank=rank,
            digit_follows="stem" in raw and raw.get("joiner") == "",
            stem=raw.get("stem", raw["name"]),
            aliases=tuple(raw["aliases"]),
            between=tuple(raw.get("between", ())),
            modes=tuple(raw.get("modes", ())),
            generations=frozenset(raw.get("generations", ())),
            open_generations=frozenset(raw.get("open_generations", ())),
            **{
                key: raw[key]
                for key in ("name", "developer", "joiner", "first", "late_version", "line", "rewrite", "at_start", "closed")
                if key in raw
            },
        )
        by_alias |= dict.fromkeys(family.aliases, family)
    longest_first = sorted(by_alias, key=len, reverse=True)
    bodies = [re.escape(alias) + (r"(?=\d)" if by_alias[alias].digit_follows else "") for alias in longest_first]
    return by_alias, re.compile(rf"(?:^|(?<=-))(?:{'|'.join(bodies)})(?=-|$|v?\d)")


@functools.lru_cache(maxsize=1024)
def alias_matches(name: str) -> tuple[tuple[Family, int, int], ...]:
    """Every alias in a name (lower case, '-' between words): family, start, end."""
    by_alias, pattern = _families()
    found = [(by_alias[match[0]], match.start(), match.end()) for match in pattern.finditer(name)]
    return tuple((family, start, end) for family, start, end in found if start == 0 or not family.at_start)


@functools.cache
def developers_of(family: str) -> frozenset[str | None]:
    """Who trains the models of a family."""
    return frozenset(entry.developer for entry in _families()[0].values() if entry.name == family)


@functools.cache
def alias_words() -> frozenset[str]:
    """Every word of every alias, and what may stand between."""
    families = _families()[0]
    words = {word for alias in families for word in alias.split("-")}
    return frozenset(words | {word for family in families.values() for word in (*family.between, *family.modes)})


def kinship_of(name: str) -> Kinship | None:
    """The strongest family in a name, with generation and lineage; None where no family is known."""
    matches = alias_matches(name)
    if not matches:
        return None
    family, start, end = min(matches, key=lambda match: (match[0].rank, match[1]))
    generation = _generation(family, name, start, end)
    if family.line is not None:
        lineage = family.line
    else:
        lineage = family.stem.rstrip("-") if generation is None else f"{family.stem}{family.joiner}{generation}"
        following = name[end:].split("-")
        lineage += "".join(f"-{mode}" for mode in family.modes if mode in following)
    closed = family.closed and generation not in family.open_generations
    return Kinship(family=family.name, developer=family.developer, lineage=lineage, generation=generation, closed=closed)


def _stated(family: Family, rest: str) -> re.Match[str] | None:
    """The generation at the start of the rest of a name; in ``solar-10-7b`` it may as well be half of 10.7b."""
    stated = _GENERATION.match(rest)
    if stated and _HALF_OF_A_SIZE.match(rest) and stated[1] not in family.generations:
        return None
    return stated


def _generation(family: Family, name: str, start: int, end: int) -> str | None:
    rest = name[end:]
    words = rest
    while True:
        if stated := _stated(family, words):
            return stated[1]
        word = words.removeprefix("-").split("-", 1)[0]
        if word not in family.between:
            break
        words = words[words.index(word) + len(word) :]
    if family.late_version and (late := _LATE_VERSION.search(rest)):
        return late[1]
    opens_name = start == 0 and _SIZE_NEXT.match(rest) is not None
    return family.first if opens_name else None


def canonical_spelling(name: str) -> str:
    """The name with every family and generation spelled in one way (``llama3.1`` and ``meta-llama-v3.1`` alike)."""
    pieces: list[str] = []
    done = 0
    for family, start, end in alias_matches(name):
        if not family.rewrite:
            continue
        stated = _stated(family, name[end:])
        pieces.append(name[done:start] + family.stem + (family.joiner + stated[1] if stated else ""))
        done = end + (stated.end() if stated else 0)
    return "".join(pieces) + name[done:]
