"""Sizes that a name states."""

from __future__ import annotations

import re
from typing import Final

import attrs

from safescale.registry.families import alias_matches

__all__ = ["NamedSizes", "named_sizes"]

_EXPERTS: Final = re.compile(r"^\d+x\d+(?:\.\d+)?b$")
_EXPERT_COUNT: Final = re.compile(r"^\d+e$")
_ACTIVE: Final = re.compile(r"^a(\d+(?:\.\d+)?)([bm])$")
_EFFECTIVE: Final = re.compile(r"^e(\d+(?:\.\d+)?)b$")
_SIZE: Final = re.compile(r"^(\d+(?:\.\d+)?)(bn|b|m|t)$")
_B_FOR_DOT: Final = re.compile(r"^(\d+)b(\d)$")
_ATTACHED: Final = re.compile(r"^([a-z]+)(\d{1,3})b$")
_LARGEST_B: Final = 20_000.0
"""Nothing larger has been named; a larger number is not a size."""
_LARGEST_CONTEXT_M: Final = 10.0
"""Up to here 'm' counts tokens of context (``1m``), not parameters; TinyStories-1M is the exception."""


@attrs.frozen(kw_only=True)
class NamedSizes:
    """Sizes stated in a name (1e9 parameters), and what makes them special."""

    total_b: float | None = None
    active_b: float | None = None
    experts: str | None = None
    """The form ``8x7b``, whose product is not the size."""
    expert_count: str | None = None
    """The form ``17b-16e``: the size before it is what one token uses."""
    effective: bool = False
    """``e4b``: effective parameters."""
    flags: tuple[str, ...] = ()
    tokens: frozenset[str] = frozenset()
    """The words of the name that state sizes."""


def named_sizes(name: str, *, doubtful: frozenset[str] = frozenset()) -> NamedSizes:
    """
    Sizes that a spelled name states.

    Parameters
    ----------
    name : str
        Lower case, '-' between words, '.' in numbers.
    doubtful : frozenset of str
        Words that look like sizes and may be half of one; never used.
    """
    words = name.split("-")
    sizes: dict[str, dict[str, float]] = {"b": {}, "m": {}, "t": {}}
    found = {"active": 0.0, "effective": 0.0}
    experts = expert_count = None
    spent: set[str] = set()
    flags: list[str] = []
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        if not (word[:1].isdigit() or word[-1:].isdigit() or word.endswith(("b", "m"))) or following in (
            "tokens",
            "tok",
            "context",
        ):
            continue
        if word in doubtful:
            flags.append("doubtful_size")
        elif _EXPERTS.match(word):
            experts = word
        elif _EXPERT_COUNT.match(word):
            expert_count = word
        elif active := _ACTIVE.match(word):
            found["active"] = float(active[1]) / (1000 if active[2] == "m" else 1)
        elif effective := _EFFECTIVE.match(word):
            found["effective"] = float(effective[1])
        elif stated := _plain_size(word, flags):
            sizes[stated[1]][word] = stated[0]
        else:
            continue
        spent.add(word)
    total, size_flags = _one_total(sizes, tiny="tinystories" in name)
    effective_only = total is None and found["effective"] > 0 and not size_flags
    return NamedSizes(
        total_b=found["effective"] if effective_only else total,
        active_b=found["active"] or None,
        experts=experts,
        expert_count=expert_count,
        effective=effective_only,
        flags=(*flags, *size_flags),
        tokens=frozenset(spent),
    )


def _plain_size(word: str, flags: list[str]) -> tuple[float, str] | None:
    """A size word as (number, unit), also ``7b1`` and ``r7b``."""
    if size := _SIZE.match(word):
        return float(size[1]), size[2][0]
    if decimal := _B_FOR_DOT.match(word):
        return float(f"{decimal[1]}.{decimal[2]}"), "b"
    if attached := _ATTACHED.match(word):
        letters, digits = attached[1], attached[2]
        if letters == "r":
            return float(digits), "b"
        families = [family for family, start, end in alias_matches(f"{letters}-x") if (start, end) == (0, len(letters))]
        if not families:
            return None
        # "llama38b" may be Llama 3 with 8B
        if any(digits[0] in family.generations for family in families):
            flags.append("doubtful_size")
            return None
        return float(digits), "b"
    return None


def _one_total(sizes: dict[str, dict[str, float]], *, tiny: bool) -> tuple[float | None, tuple[str, ...]]:
    """The one total in billions, or none with the reason."""
    billions = set(sizes["b"].values())
    if not billions:
        billions = {value * 1000 for value in sizes["t"].values()}
    if not billions:
        billions = {value / 1000 for value in sizes["m"].values() if tiny or value > _LARGEST_CONTEXT_M}
    if len(billions) > 1:
        return None, ("two_sizes",)
    total = next(iter(billions), None)
    if total is not None and not 0 < total <= _LARGEST_B:
        return None, ("implausible_size",)
    return total, ()
