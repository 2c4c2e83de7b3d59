"""The numbers of a result that one quotes: what two corpora, or two selections, are compared by."""

from __future__ import annotations

from typing import Protocol

import attrs

__all__ = ["Answer", "Headline"]


@attrs.frozen(kw_only=True)
class Headline:
    """
    One quotable number with its verdict.

    ``setting`` (grader, target, condition, in words; empty for the whole corpus) and ``quantity`` name it: the same name in another
    result is the same number. ``estimate`` is None where there is none, and the verdict says why.
    """

    setting: str
    quantity: str
    unit: str
    estimate: float | None
    low: float | None
    high: float | None
    p_value: float | None
    verdict: str
    n_models: int | None
    n_rows: int | None


class Answer(Protocol):
    """What every analysis gives back."""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the corpus."""
        ...

    @property
    def answer(self) -> str:
        """The answer in words."""
        ...

    @property
    def headlines(self) -> tuple[Headline, ...]:
        """The numbers to quote."""
        ...
