"""The texts of one corpus: prompts with ids and classes, and responses put together from fragments."""

from __future__ import annotations

import attrs
import numpy as np

from safescale.simulate.plan import CorpusPlan
from safescale.simulate.vocabulary import names, texts

__all__ = ["TextPool", "text_pool"]

_FRAGMENTS = 1009
_SECONDS_A_DAY = 86_400


@attrs.frozen(kw_only=True)
class TextPool:
    """Prompts by index, and fragments of responses."""

    prompts: list[str]
    prompt_ids: list[str]
    classes: list[str]
    fragments: list[str]

    def class_of(self, prompt: int) -> str:
        """Attack class of a prompt."""
        return self.classes[prompt % len(self.classes)]

    def response(self, row: int) -> str:
        """Response of a row: no two are equal."""
        first = self.fragments[row % len(self.fragments)]
        second = self.fragments[(row * 7 + 3) % len(self.fragments)]
        return f"{first}\n\n{second} <{row}>"

    def instant(self, row: int) -> str:
        """Instant of a row in March 2026."""
        day, second = divmod(row * 17, _SECONDS_A_DAY)
        return f"2026-03-{1 + day % 28:02d}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+00:00"


def text_pool(plan: CorpusPlan, rng: np.random.Generator, *, prompt_chars: int, fragment_chars: int) -> TextPool:
    """
    Draw the texts of a corpus.

    Parameters
    ----------
    plan : CorpusPlan
        How many prompts and classes.
    rng : numpy.random.Generator
        Source of randomness.
    prompt_chars, fragment_chars : int
        Lengths; a response has two fragments. Unit: characters.
    """
    return TextPool(
        prompts=texts(plan.prompts, rng, chars=prompt_chars),
        prompt_ids=[f"SIM-{index:05d}" for index in range(plan.prompts)],
        # before the fragments: pools of one seed share prompts and classes whatever the length of their responses
        classes=[f"{name}_lock" for name in names(plan.attack_classes, rng, syllables=2)],
        fragments=texts(_FRAGMENTS, rng, chars=fragment_chars),
    )
