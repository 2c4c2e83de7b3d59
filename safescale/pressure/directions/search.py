"""Which layer and position holds a direction whose ablation makes a model stop refusing and leaves benign answers as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from safescale.engines.in_memory import greedy_answers
from safescale.engines.intervention import Edit, Intervention
from safescale.engines.residual import ResidualEdits
from safescale.engines.transformers_loading import Loaded
from safescale.pressure.directions.activations import FloatArray, Ids, first_token_logs, rendered
from safescale.pressure.directions.setting import DirectionSetting, Refuses
from safescale.stats import mcnemar_exact_test

__all__ = ["Candidate", "Judge", "Kept", "random_units", "search"]


@attrs.frozen(kw_only=True)
class Candidate:
    """
    One layer and position.

    Attributes
    ----------
    layer, position : int
        Where.
    norm : float
        Length of the difference in means.
    kl_nats : float
        Mean divergence of the first token of benign answers, ablated against as it is.
    induced_nats : float
        How far benign prompts are from opening as harmful ones do when the direction is added once to every token: mean negative
        log-likelihood of the first tokens of harmful prompts (mean distribution) under that of steered benign prompts.
    first_look : float or None
        Share of the first validation prompts that is not clearly answered when ablated; None: benign answers move too much.
    refusal : float or None
        The same on all searched prompts; None: no finalist.
    """

    layer: int
    position: int
    norm: float
    kl_nats: float
    induced_nats: float
    first_look: float | None = None
    refusal: float | None = None


@attrs.frozen(kw_only=True)
class Kept:
    """
    What of refusal is left on some prompts.

    Attributes
    ----------
    refused : ndarray of int8, shape (prompts,)
        1 refused, 0 not, -1 nobody can say.
    """

    refused: npt.NDArray[np.int8]

    @property
    def share(self) -> float | None:
        """Share refused of those of which it is known; None where none is."""
        known = self.refused >= 0
        return float((self.refused[known] == 1).mean()) if known.any() else None

    @property
    def unknown(self) -> int:
        """Answers of which nobody can say."""
        return int((self.refused < 0).sum())

    @property
    def not_answered(self) -> float:
        """Share that is not clearly answered: a model that babbles has not stopped to refuse."""
        return float((self.refused != 0).mean())


@attrs.frozen(kw_only=True)
class Judge:
    """Answers of one model under edits, judged."""

    loaded: Loaded
    refuses: Refuses
    setting: DirectionSetting

    def answers(self, prompts: Sequence[str], intervention: Intervention | None = None) -> list[str]:
        """Greedy answers."""
        setting = self.setting
        return greedy_answers(
            self.loaded, prompts, max_tokens=setting.max_tokens, batch_size=setting.batch_size, intervention=intervention
        )

    def kept(self, prompts: Sequence[str], intervention: Intervention | None = None) -> Kept:
        """What is refused of the prompts."""
        told = self.refuses(prompts, self.answers(prompts, intervention))
        return Kept(refused=np.array([-1 if one is None else int(one) for one in told], dtype=np.int8))

    def logs(self, prompts: Sequence[Ids], intervention: Intervention | None = None) -> FloatArray:
        """Log-probabilities of the first token."""
        edits = None if intervention is None else ResidualEdits.of(self.loaded.bare, intervention)
        return first_token_logs(attrs.evolve(self.loaded, edits=edits), prompts, self.setting.batch_size)


def ablation(layer: int, position: int, directions: npt.ArrayLike, mean: npt.ArrayLike, note: str = "") -> Intervention:
    """Affine ablation at one layer and position."""
    edit = Edit(kind="ablate", layer=layer, position=position, directions=np.atleast_2d(directions), mean=mean)
    return Intervention(edits=(edit,), note=note)


def steering(layer: int, direction: npt.ArrayLike, coefficient: float, note: str = "") -> Intervention:
    """A direction added to every token after one layer."""
    edit = Edit(kind="add", layer=layer, directions=np.atleast_2d(direction), coefficient=coefficient)
    return Intervention(edits=(edit,), note=note)


def random_units(hidden: int, count: int, seed: int) -> FloatArray:
    """Unit vectors of uniform direction, shape (count, hidden); the first n of any count are the same."""
    return np.array([_unit(np.random.default_rng([seed, at]).normal(size=hidden)) for at in range(count)])


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector))


def search(
    judge: Judge,
    difference: FloatArray,
    benign_mean: FloatArray,
    validation: Mapping[str, Sequence[str]],
    benign: Sequence[str],
    says: Callable[[str], None],
) -> tuple[Candidate, ...]:
    """
    Judge every layer and position; the best first.

    Parameters
    ----------
    judge : Judge
        Who answers and who judges.
    difference, benign_mean : ndarray of float, shape (layers, positions, hidden)
        Difference in means, and the mean of benign prompts.
    validation : mapping of str to sequence of str
        Harmful prompts by category, on which is searched.
    benign : sequence of str
        Benign prompts, whose answers must not move.
    says : callable
        Told which layer is searched.
    """
    setting = judge.setting
    ids = rendered(judge.loaded, benign)
    before = judge.logs(ids)
    share = np.exp(before)
    prompts = _dealt(validation)
    refusing = np.exp(judge.logs(rendered(judge.loaded, prompts))).mean(axis=0)
    few = prompts[: setting.first_look]
    layers = range(difference.shape[0]) if setting.layers is None else setting.layers
    found: list[Candidate] = []
    for layer in layers:
        says(f"search after layer {layer} of {difference.shape[0]}")
        for at, position in enumerate(setting.positions):
            vector = difference[layer, at]
            norm = float(np.linalg.norm(vector))
            # the same template stands at this token in every prompt, and nothing of the prompt is in it (layer 0 of some models)
            if norm <= 1e-6 * float(np.linalg.norm(benign_mean[layer, at])):
                continue
            edit = ablation(layer, position, vector, benign_mean[layer, at])
            moved = float((share * (before - judge.logs(ids, edit))).sum(axis=1).mean())
            kept = None if not moved <= setting.max_kl_nats else judge.kept(few, edit).not_answered
            steered = judge.logs(ids, steering(layer, vector, 1.0))
            found.append(
                Candidate(
                    layer=layer,
                    position=position,
                    norm=norm,
                    kl_nats=max(0.0, moved),
                    induced_nats=-float((steered @ refusing).mean()),
                    first_look=kept,
                )
            )
    ranked = sorted(found, key=lambda one: (one.first_look is None, one.first_look or 0.0, one.kl_nats))
    judged: list[Candidate] = []
    for place, one in enumerate(ranked):
        final = one
        if place < setting.finalists and one.first_look is not None:
            at = setting.positions.index(one.position)
            edit = ablation(one.layer, one.position, difference[one.layer, at], benign_mean[one.layer, at])
            final = attrs.evolve(one, refusal=judge.kept(prompts, edit).not_answered)
        judged.append(final)
    left = [one.refusal for one in judged if one.refusal is not None]
    good = min(left, default=0.0) + setting.tolerance

    def order(one: Candidate) -> tuple[float, ...]:
        if one.refusal is not None and one.refusal <= good:
            # of equals the earliest layer: more of the model reads what stands there
            return (0, one.layer, one.refusal, one.kl_nats)
        if one.refusal is not None:
            return (1, one.refusal, one.kl_nats)
        return (2, one.kl_nats) if one.first_look is None else (2, -1.0, one.first_look)

    return tuple(sorted(judged, key=order))


def _dealt(validation: Mapping[str, Sequence[str]]) -> list[str]:
    """Prompts of all categories by turns."""
    longest = max(len(prompts) for prompts in validation.values())
    return [prompts[at] for at in range(longest) for prompts in validation.values() if at < len(prompts)]


def lowered(before: Kept, after: Kept) -> tuple[float, int]:
    """One-sided exact McNemar p of refusals that became answers, over prompts refused or answered before; and their number."""
    stopped = int(((before.refused == 1) & (after.refused == 0)).sum())
    began = int(((before.refused == 0) & (after.refused != 0)).sum())
    return mcnemar_exact_test(stopped, began, alternative="greater").p_value, stopped
