"""Estimates as cells of a table: what is not there has its reason in a note, in the CSV file in a column of its own."""

from __future__ import annotations

import string
from typing import Final, Literal

from safescale.analyses.words import percent, signed
from safescale.report import numbers
from safescale.report.document import Value
from safescale.studies.robustness.results import Effect, Estimate, Exchange

__all__ = ["Reasons", "effect_names", "effect_values", "estimate_names", "estimate_values", "numerator"]

NOT_SAID: Final = "no reason is recorded"
Kind = Literal["rate", "difference", "number"]


class Reasons:
    """Reasons of missing numbers, each once; a cell shows the letter, a note what it stands for."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def mark(self, why: str | None) -> str:
        """The letter of a reason."""
        words = (why or NOT_SAID).strip().rstrip(".")
        return f"({self._letters.setdefault(words, _letter(len(self._letters)))})"

    @property
    def notes(self) -> tuple[str, ...]:
        """One note with all of them; nothing where nothing is missing."""
        if not self._letters:
            return ()
        return (f"{'; '.join(f'({letter}) {why}' for why, letter in self._letters.items())}.",)

    def nothing(self, why: str | None) -> str:
        """A number that is not there."""
        return f"{numbers.NOTHING} {self.mark(why)}"

    def estimate(self, found: Estimate, kind: Kind = "rate") -> str:
        """
        An estimate with its interval.

        ``rate``: percent; ``difference``: percentage points with a sign; ``number``: three digits.
        """
        if found.value is None:
            return self.nothing(found.why)
        shown = _shown(found.value, kind)
        if found.interval is None:
            return f"{shown} {self.mark(f'no interval: {found.why or NOT_SAID}')}"
        return f"{shown} [{', '.join(_end(end, kind) for end in found.interval)}]"

    def effect(self, found: Effect, digits: int = 3) -> tuple[str, str]:
        """An effect with its interval, and its p."""
        ends = "" if found.interval is None else f"[{', '.join(signed(end, digits) for end in found.interval)}]"
        if found.estimate is None:
            return f"{f'{ends} ' if ends else f'{numbers.NOTHING} '}{self.mark(found.why)}", numbers.p_value(found.p_value)
        shown = signed(found.estimate, digits)
        shown += f" {ends}" if ends else f" {self.mark(f'no interval: {found.why or NOT_SAID}')}"
        return shown, numbers.p_value(found.p_value)

    def exchange(self, found: Exchange) -> str:
        """Decades of size for a decade of compute."""
        if found.decades is None:
            return self.nothing(found.why)
        if found.interval is None:
            return f"{found.decades:.2f} {self.mark(f'no interval: {found.why or NOT_SAID}')}"
        return f"{found.decades:.2f} [{', '.join(f'{end:.2f}' for end in found.interval)}]"


def _letter(n: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    letters = string.ascii_lowercase
    return letters[n] if n < len(letters) else _letter(n // len(letters) - 1) + letters[n % len(letters)]


def _shown(value: float, kind: Kind) -> str:
    if kind == "rate":
        return percent(value)
    return f"{signed(100 * value)} pp" if kind == "difference" else f"{value:.3f}"


def _end(value: float, kind: Kind) -> str:
    if kind == "rate":
        return f"{100 * value:.1f}"
    return signed(100 * value) if kind == "difference" else f"{value:.3f}"


def numerator(found: Estimate) -> int | None:
    """Of a share, how many of ``n``; None where it is no share of single responses."""
    if found.value is None or not found.n:
        return None
    count = found.value * found.n
    return round(count) if abs(count - round(count)) < 1e-6 * found.n else None


def estimate_names(name: str, unit: str, *, share: bool = False, units: str = "prompts") -> tuple[str, ...]:
    """Columns of an estimate in a CSV file, with the unit in their names; ``units`` are what its interval is clustered by."""
    counted = (f"{name}_numerator", f"{name}_denominator") if share else (f"{name}_n",)
    return f"{name}_{unit}", f"{name}_low_{unit}", f"{name}_high_{unit}", *counted, f"{name}_{units}", f"{name}_why"


def estimate_values(found: Estimate, *, share: bool = False) -> tuple[Value, ...]:
    """The cells under ``estimate_names``."""
    low, high = found.interval or (None, None)
    counted: tuple[Value, ...] = (numerator(found), found.n) if share else (found.n,)
    return found.value, low, high, *counted, found.clusters, found.why


def effect_names(name: str, unit: str) -> tuple[str, ...]:
    """Columns of an effect in a CSV file."""
    return f"{name}_{unit}", f"{name}_low_{unit}", f"{name}_high_{unit}", f"{name}_p", f"{name}_why"


def effect_values(found: Effect) -> tuple[Value, ...]:
    """The cells under ``effect_names``."""
    low, high = found.interval or (None, None)
    return found.estimate, low, high, found.p_value, found.why
