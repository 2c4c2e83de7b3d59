"""Probabilities of a judge's choices, read off the log-probabilities of its first token; where these do not say, there are none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from safescale.engines import Answer, TokenLogprobs
from safescale.grade.judge.reasoning import split_reasoning

__all__ = ["ChoiceProbabilities", "choice_probabilities"]

# what is not listed may still belong to a choice that is not listed: at most this much of it is called nothing
_UNSEEN: Final = 0.01
_ROUNDING: Final = 1e-3


@attrs.frozen(kw_only=True)
class ChoiceProbabilities:
    """
    Probabilities of the choices.

    Attributes
    ----------
    probabilities : mapping of str to float, or None
        Per label, summing to 1; None where the log-probabilities do not say.
    mass : float, optional
        Probability that the judge gave to any of the choices, before renormalising; below 1 where nothing forced it.
    because : str, optional
        Why there are none.
    """

    probabilities: Mapping[str, float] | None
    mass: float | None = None
    because: str | None = None


def choice_probabilities(answer: Answer, labels: Sequence[str], *, min_mass: float = 0.5) -> ChoiceProbabilities:
    """
    Probabilities of some labels from the first token of an answer that is not blank, renormalised over the labels.

    A token counts for the label that it begins, whatever its case and the blank before it (``" Yes"``, ``"y"`` for ``yes``).
    Labels must differ in their first letter.

    Parameters
    ----------
    answer : Answer
        With logprobs, or without.
    labels : sequence of str
        The choices.
    min_mass : float, default 0.5
        Below this probability of all choices together the judge meant to say something else, and none is given.

    Returns
    -------
    ChoiceProbabilities
        Unit: probability. Never invented: no logprobs, a judge that thought first, a choice whose probability is not listed and
        need not be small, and impossible values all give None with the reason.
    """
    if not answer.logprobs:
        return _none("the engine gave no log-probabilities")
    if answer.reasoning or split_reasoning(answer.text or "").reasoning:
        return _none("the judge thought first: the first token is not its answer")
    first = next((token for token in answer.logprobs if token.token.strip()), None)
    if first is None or not first.alternatives:
        return _none("the engine gave no log-probabilities of other tokens")
    listed = _listed(first)
    if any(math.isnan(logprob) or logprob > _ROUNDING for _, logprob in listed):
        return _none("a log-probability is no number or lies above 0")
    total = sum(math.exp(logprob) for _, logprob in listed)
    if total > 1.0 + 10 * _ROUNDING:
        return _none(f"the probabilities of the first token sum to {total:.3f}")
    found = dict.fromkeys(labels, 0.0)
    for token, logprob in listed:
        begun = [label for label in labels if _begins(token, label)]
        if begun:
            found[begun[0]] += math.exp(logprob)
    mass = sum(found.values())
    if mass < min_mass:
        return ChoiceProbabilities(probabilities=None, mass=mass, because=f"the choices carry only {mass:.3f} of the probability")
    absent = [label for label, p in found.items() if p == 0.0 and not any(_begins(token, label) for token, _ in listed)]
    if absent and 1.0 - total > _UNSEEN:
        return ChoiceProbabilities(probabilities=None, mass=mass, because=f"the probability of {absent[0]!r} is not listed")
    return ChoiceProbabilities(probabilities={label: p / mass for label, p in found.items()}, mass=min(mass, 1.0))


def _none(because: str) -> ChoiceProbabilities:
    return ChoiceProbabilities(probabilities=None, because=because)


def _listed(first: TokenLogprobs) -> list[tuple[str, float]]:
    listed = list(first.alternatives)
    if all(token != first.token for token, _ in listed):
        listed.append((first.token, first.logprob))
    return listed


def _begins(token: str, label: str) -> bool:
    letters = token.strip().strip("▁Ġ").casefold()
    return bool(letters) and label.casefold().startswith(letters)
