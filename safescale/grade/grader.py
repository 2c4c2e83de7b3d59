"""The border to everything that grades a response: what is graded, what a grader says of itself, what it answers."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Final, Protocol, cast

import attrs

from safescale.errors import DomainError
from safescale.records.outcomes import OUTCOME_MAPS
from safescale.records.verdicts import Verdict
from safescale.records.vocabulary import GRADER_KINDS, HR_MEANINGS, PROMPT_KINDS, RESPONSE_KINDS

__all__ = ["TRAINED_ON", "Grader", "GraderFacts", "Item", "Judgement", "grader_meaning", "grader_names", "open_grader"]


TRAINED_ON: Final = "it was trained on this response"
"""How the reason of a judgement begins where the grader knows the response: agreement there says nothing of how good it is."""


@attrs.frozen(kw_only=True)
class Item:
    """What a grader sees of a trace. Ids, models and conditions it does not see: it is blind to them."""

    response: str | None
    prompt: str | None = None
    response_kind: str = attrs.field(default="text", validator=attrs.validators.in_(RESPONSE_KINDS))
    finish_reason: str = "unknown"
    prompt_kind: str = attrs.field(default="unknown", validator=attrs.validators.in_(PROMPT_KINDS))


@attrs.frozen(kw_only=True)
class Judgement:
    """
    What a grader says of one item; a grader that fails says ERROR or NOT_GRADEABLE, with the reason.

    Parameters
    ----------
    verdict : Verdict
        The verdict.
    raw_label : str
        Label as the grader wrote it (clipped when stored).
    score : float, optional
        The grader's own score, on its ``score_scale``.
    probabilities : mapping of Verdict to float, optional
        Class probabilities, where the method has them; none is negative, and they sum to 1.
    reason : str, optional
        Why, in words: the phrase found, the evidence quoted, the failure.
    """

    verdict: Verdict
    raw_label: str
    score: float | None = None
    probabilities: Mapping[Verdict, float] | None = None
    reason: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.probabilities is None:
            return
        if not math.isclose(sum(self.probabilities.values()), 1.0, abs_tol=1e-6) or min(self.probabilities.values()) < 0.0:
            raise DomainError(f"class probabilities must be at least 0 and sum to 1, got {dict(self.probabilities)!r}")

    @property
    def p_refusal(self) -> float | None:
        """Probability of a refusal, where REFUSAL is among the classes that have one: a grader of harm alone knows none."""
        if self.probabilities is None or Verdict.REFUSAL not in self.probabilities:
            return None
        return float(self.probabilities[Verdict.REFUSAL])


# mypy cannot see through ``converter=tuple``
def _verdicts(values: Iterable[Verdict]) -> tuple[Verdict, ...]:
    return tuple(values)


@attrs.frozen(kw_only=True)
class GraderFacts:
    """
    What a grader says of itself.

    Parameters
    ----------
    grader_id : str
        Name with version (``refusal-phrases/1``): another version is another grader.
    kind : str
        One of ``records.models.GRADER_KINDS``.
    outcome_map : str
        What its labels mean (``records.outcomes.OUTCOME_MAPS``). A list of phrases that only asks "did it refuse?" is
        ``refusal_only``.
    hallucination_refusal : str, default "not_used"
        Which published meaning HALLUCINATION_REFUSAL has.
    rubric_version : str, optional
        Version of its rubric or list.
    score_scale : str, optional
        Scale of its scores, in words.
    sees_prompt : bool
        Whether the verdict depends on the prompt too; if not, equal responses have equal verdicts.
    classes : tuple of Verdict
        Verdicts that it can give besides ERROR and NOT_GRADEABLE.
    batch_size : int, default 256
        Responses that it does best to get at once, unless the user says otherwise: what a kill can cost.
    """

    grader_id: str
    kind: str = attrs.field(validator=attrs.validators.in_(GRADER_KINDS))
    outcome_map: str = attrs.field(validator=attrs.validators.in_(OUTCOME_MAPS))
    hallucination_refusal: str = attrs.field(default="not_used", validator=attrs.validators.in_(HR_MEANINGS))
    rubric_version: str | None = None
    score_scale: str | None = None
    sees_prompt: bool = False
    classes: tuple[Verdict, ...] = attrs.field(default=(), converter=_verdicts)
    batch_size: int = attrs.field(default=256, validator=attrs.validators.ge(1))


def grader_meaning(facts: GraderFacts) -> tuple[str, str, str]:
    """What its verdicts mean: kind, outcome map and published meaning of HALLUCINATION_REFUSAL; one for each grader id."""
    return facts.kind, facts.outcome_map, facts.hallucination_refusal


class Grader(Protocol):
    """One method of grading: a batch of items to as many judgements, in order. It never raises for an item."""

    @property
    def facts(self) -> GraderFacts:
        """What the grader says of itself."""
        ...

    def grade(self, items: Sequence[Item]) -> list[Judgement]:
        """
        Judge every item, in order.

        Raises
        ------
        GradingError
            When the grader itself is gone (no server, wrong key): nothing is graded, nothing is lost.
        """
        ...


GRADERS: Final[dict[str, str]] = {
    "refusal-classifier": "safescale.grade.classifier.grader:refusal_classifier",
    "refusal-phrases": "safescale.grade.keyword.graders:refusal_phrases",
    "gcg": "safescale.grade.keyword.graders:gcg",
    "advbench-substrings": "safescale.grade.keyword.graders:advbench_substrings",
    "jailbreakbench-strings": "safescale.grade.keyword.graders:jailbreakbench_strings",
    "harmbench-strings": "safescale.grade.keyword.graders:harmbench_strings",
    "refusal-direction-substrings": "safescale.grade.keyword.graders:refusal_direction_substrings",
    "xstest-string-match": "safescale.grade.keyword.graders:xstest_string_match",
    "fake-truth": "safescale.grade.fake_truth:fake_truth",
    "toy-world": "safescale.toy.judge:open_toy_world",
}
"""Graders that need no options: name (without version) to 'module:function' that gives one."""

ENTRY_POINT: Final = "safescale.graders"


def grader_names() -> tuple[str, ...]:
    """Names that ``open_grader`` knows: ours, then those of installed packages."""
    others = sorted({point.name for point in entry_points(group=ENTRY_POINT)} - set(GRADERS))
    return (*GRADERS, *others)


def open_grader(name: str) -> Grader:
    """
    Grader of that name.

    Raises
    ------
    DomainError
        For a name that no grader has.
    MissingBackend
        When its library is not installed.
    """
    if name in GRADERS:
        module, _, function = GRADERS[name].partition(":")
        return cast(Callable[[], Grader], getattr(importlib.import_module(module), function))()
    for point in entry_points(group=ENTRY_POINT):
        if point.name == name:
            return cast(Callable[[], Grader], point.load())()
    raise DomainError(f"no grader is called {name!r}; known graders: {', '.join(grader_names())}")
