"""What every judge on an engine does with a batch: look, take it through its steps, answer in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from safescale.engines import Engine
from safescale.grade.grader import Item, Judgement
from safescale.grade.judge.asking import Asker
from safescale.grade.judge.sight import Shown, Sight
from safescale.grade.judge.steps import Case

__all__ = ["JudgeByEngine"]


class JudgeByEngine(ABC):
    """A judge that asks an engine; what it asks and how it reads is in ``_judged``."""

    __slots__ = ()
    engine: Engine
    sight: Sight
    _asker: Asker

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()

    def grade(self, items: Sequence[Item]) -> list[Judgement]:
        """
        Judge every item, in order.

        Raises
        ------
        GradingError
            When the engine is gone (no server, wrong key): nothing is graded, nothing is lost.
        """
        seen = [self._seen(item) for item in items]
        cases = [Case(place=i, shown=s, notes=list(s.notes)) for i, s in enumerate(seen) if isinstance(s, Shown)]
        judged = self._judged(cases)
        self._asker.forget()
        return [judged[i] if isinstance(s, Shown) else s for i, s in enumerate(seen)]

    def _seen(self, item: Item) -> Shown | Judgement:
        """What is shown of an item, or the judgement that needs no asking."""
        return self.sight.of(item)

    @abstractmethod
    def _judged(self, cases: Sequence[Case]) -> Mapping[int, Judgement]:
        """The judgement of each case, by its place."""
