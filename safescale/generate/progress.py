"""How far a run is: responses, tokens a second, time left, and the running rate."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import attrs

__all__ = ["Progress", "QuickLook", "Watch", "Watched"]

_TELL_EVERY_S: Final = 0.2

QuickLook = Callable[[str], str]
"""A cheap look at a response's text, as a word (refusal or other, by a list of phrases); its counts are shown, never stored."""


@attrs.frozen(kw_only=True)
class Progress:
    """
    How far a run is.

    Parameters
    ----------
    model_id : str
        The model that is asked.
    done, total : int
        Responses of this model that are there, and that are planned.
    asked : int
        Responses of this session.
    tokens_per_s : float, optional
        Tokens of answers a second, in this session; None until one is counted.
    eta_s : float, optional
        Time that the rest of this model takes at the pace of this session.
    shares : mapping of str to float
        Running rate: fraction of this session's responses by finish reason, or by what the quick look says, and of faults.
    """

    model_id: str
    done: int
    total: int
    asked: int
    tokens_per_s: float | None
    eta_s: float | None
    shares: dict[str, float]


Watch = Callable[[Progress], None]
"""Told how far a run is, a few times a second."""


class Watched:
    """Counts what comes, and tells a watcher of it now and then."""

    def __init__(self, model_id: str, *, done: int, total: int, watch: Watch | None, look: QuickLook | None) -> None:
        self._model_id, self._done, self._total = model_id, done, total
        self._watch, self._look = watch, look
        self._began = self._told = time.monotonic()
        self._asked = self._tokens = 0
        self._counts: Counter[str] = Counter()

    def came(self, *, text: str | None, reason: str, fault: str | None, tokens: int | None, kept: bool) -> None:
        """Count one answer; ``kept`` when it is not asked again."""
        if self._watch is None:
            return
        self._asked += 1
        self._done += kept
        self._tokens += tokens or 0
        if fault is not None:
            self._counts[f"fault {fault}"] += 1
        elif self._look is not None and text is not None:
            self._counts[self._look(text)] += 1
        else:
            self._counts[reason] += 1
        if time.monotonic() - self._told >= _TELL_EVERY_S:
            self.tell()

    def tell(self) -> None:
        """Tell the watcher now."""
        if self._watch is None:
            return
        self._told = time.monotonic()
        passed_s = self._told - self._began
        self._watch(
            Progress(
                model_id=self._model_id,
                done=self._done,
                total=self._total,
                asked=self._asked,
                tokens_per_s=self._tokens / passed_s if self._tokens and passed_s > 0 else None,
                eta_s=(self._total - self._done) * passed_s / self._asked if self._asked else None,
                shares={name: count / self._asked for name, count in self._counts.most_common()},
            )
        )
