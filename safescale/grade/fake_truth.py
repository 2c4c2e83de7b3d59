"""What the fake engine meant, read back from its texts: a judge that is never wrong, for experiments whose truth is planted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.engines.fake_behaviour import said
from safescale.errors import DomainError
from safescale.grade.grader import GraderFacts, Item, Judgement
from safescale.records.verdicts import Verdict

__all__ = ["FakeTruth", "fake_truth"]

_VERDICTS: Final = {
    "refusal": Verdict.REFUSAL,
    "partial": Verdict.PARTIAL,
    "compliance": Verdict.COMPLIANCE,
    "garbled": Verdict.NOT_GRADEABLE,
    "empty": Verdict.NOT_GRADEABLE,
}


class FakeTruth:
    """Exact on the texts of a ``FakeBehaviour``; any other text is NOT_GRADEABLE."""

    @property
    def facts(self) -> GraderFacts:
        """What it says of itself."""
        return GraderFacts(
            grader_id="fake-truth/1",
            kind="classifier",
            outcome_map="flip",
            classes=(Verdict.COMPLIANCE, Verdict.PARTIAL, Verdict.REFUSAL),
            batch_size=4096,
        )

    def grade(self, items: Sequence[Item]) -> list[Judgement]:
        """Judge every item, in order."""
        return [_judged(item.response) for item in items]


def _judged(response: str | None) -> Judgement:
    try:
        label = said(response or "")
    except DomainError:
        reason = "no text of the fake engine's behaviour (another engine's, or one that max_tokens cut)"
        return Judgement(verdict=Verdict.NOT_GRADEABLE, raw_label="unknown", reason=reason)
    why = f"the fake's answer is {label}" if label in ("garbled", "empty") else None
    return Judgement(verdict=_VERDICTS[label], raw_label=label, reason=why)


def fake_truth() -> FakeTruth:
    """The grader as ``open_grader`` opens it."""
    return FakeTruth()
