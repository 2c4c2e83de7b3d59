"""
What a trace's verdict would be by the reference, drawn again and again from what the labels leave open.

One place where a correction enters, whatever is asked: each draw is a corpus with the same rows, prompts and models, so each
analysis runs on it as it is; how its numbers vary over draws is the uncertainty of the correction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from safescale.analyses.correction.group import FEWEST_OWN, LARGEST_BARE_SHARE
from safescale.analyses.reference import Graded, Reference
from safescale.analyses.words import plural
from safescale.cells import Replacement
from safescale.records.outcomes import TIER_NUMERATORS, Tier
from safescale.records.verdicts import EVALUABLE, Verdict

__all__ = ["Imputer"]

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

LEVELS: Final = ("none", "partial", "full")

# a third of a label for each level: Kerman's neutral prior, which pulls a share least towards the middle
_PRIOR = 1 / 3
_STEPS = 200


@attrs.frozen(kw_only=True, eq=False)
class Imputer:
    """
    Draws verdicts of one grader anew.

    Attributes
    ----------
    graded : Graded
        The traces; ``given`` (traces, 3) the share of raters for each level, NaN without a label.
    outside : tuple of str
        Traces of the grader that the labels do not stand for: they get no verdict either.
    not_corrected : mapping
        Conditions that labels tell nothing of, each with why: their traces get no verdict, for none is known.
    words : tuple of str
        What each condition's correction rests on.
    """

    graded: Graded
    given: Floats
    weight: Floats
    levels: int
    outside: tuple[str, ...] = ()
    not_corrected: dict[str, str] = attrs.field(factory=dict)
    words: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        graded: Graded,
        tiers: Sequence[Tier],
        reference: Reference,
        unidentified: dict[str, str],
        *,
        outside: Sequence[str] = (),
    ) -> Imputer:
        """
        From labels.

        Parameters
        ----------
        graded : Graded
            One grader's counted verdicts.
        tiers : sequence of Tier
            The tiers that it distinguishes: PARTIAL is imputed only where it and the reference know it.
        reference : Reference
            What it is held against.
        unidentified : dict of str to str
            Conditions whose verdicts are not shown to carry anything, with why.
        outside : sequence of str
            Further traces of this grader, which the sample was not drawn from.
        """
        three = Tier.BROAD in tiers and Tier.BROAD in reference.tiers
        given = np.full((len(graded), 3), np.nan)
        for row, name in enumerate(graded.trace_id.tolist()):
            labels = [label for label in reference.labels.get(name, ()) if label in EVALUABLE]
            if labels:
                codes = [_level(label, three=three) for label in labels]
                given[row] = np.bincount(codes, minlength=3) / len(codes)
        labelled = ~np.isnan(given[:, 0])
        bare = {c: "no label" for c in sorted(set(graded.condition.tolist())) if not labelled[graded.condition == c].any()}
        found = cls(
            graded=graded,
            given=given,
            weight=_weights(graded, reference, labelled),
            levels=3 if three else 2,
            outside=tuple(outside),
            not_corrected=bare,
        )
        return found._with_words(unidentified)

    def _with_words(self, unidentified: dict[str, str]) -> Imputer:
        words, out = [], dict(self.not_corrected)
        for condition in sorted(set(self.graded.condition.tolist()) - out.keys()):
            here = self.graded.condition == condition
            models = sorted(set(self.graded.model[here].tolist()))
            own = [name for name in models if self._own(here & (self.graded.model == name))]
            if len(own) < len(models) and condition in unidentified:
                out[condition] = unidentified[condition]
                continue
            by = f"{plural(len(own), 'model')} by labels of their own" if own else ""
            rest = len(models) - len(own)
            others = f"{plural(rest, 'model')} by the error rates of the condition" if rest else ""
            words.append(f"{self.graded.grader}, condition {condition}: {' and '.join(part for part in (by, others) if part)}")
        return attrs.evolve(self, not_corrected=out, words=tuple(words))

    def _own(self, rows: npt.NDArray[np.bool_]) -> bool:
        """Whether a model's labels are enough by themselves, as ``corrected_group`` takes them."""
        labelled = rows & ~np.isnan(self.given[:, 0])
        seen = np.isin(self.graded.verdict[rows].astype(str), np.unique(self.graded.verdict[labelled].astype(str)))
        return bool(np.count_nonzero(labelled) >= FEWEST_OWN and 1 - seen.mean() <= LARGEST_BARE_SHARE)

    def draw(self, rng: np.random.Generator) -> Replacement:
        """One set of verdicts: labels where there are any, else drawn given the grader's verdict, model and condition."""
        graded = self.graded
        level = np.zeros(len(graded), dtype=np.int64)
        without = np.zeros(len(graded), dtype=np.bool_)
        for condition in sorted(set(graded.condition.tolist())):
            here = graded.condition == condition
            if condition in self.not_corrected:
                without |= here
            else:
                level[here] = self._of_condition(here, rng)
        kept = ~np.isnan(self.given[:, 0])
        level[kept] = _drawn(self.given[kept], rng)
        verdicts = [
            Verdict.NOT_GRADEABLE.value if out else _verdict(int(own), said)
            for own, said, out in zip(level.tolist(), graded.verdict.tolist(), without.tolist(), strict=True)
        ]
        return Replacement(
            grader=graded.grader,
            target=graded.target,
            trace_id=pa.array([*graded.trace_id.tolist(), *self.outside], pa.string()),
            verdict=pa.array(verdicts + [Verdict.NOT_GRADEABLE.value] * len(self.outside), pa.string()),
        )

    def _of_condition(self, here: npt.NDArray[np.bool_], rng: np.random.Generator) -> Integers:
        said = np.array(sorted(set(self.graded.verdict[here].tolist())), dtype=object)
        code = np.searchsorted(said.astype(str), self.graded.verdict[here].astype(str))
        models = self.graded.model[here]
        given, weight = self.given[here], self.weight[here]
        shares = _posterior(given, weight, code, len(said), self.levels, rng)
        joint = shares * (np.bincount(code, minlength=len(said)) / len(code))[:, np.newaxis]
        # of each true level, how often the grader says what
        errors = joint / np.maximum(joint.sum(axis=0, keepdims=True), 1e-300)
        chance = np.zeros((len(code), 3))
        for name in sorted(set(models.tolist())):
            rows = models == name
            full = np.zeros(len(here), dtype=np.bool_)
            full[np.flatnonzero(here)[rows]] = True
            if self._own(full):
                own = _posterior(given[rows], weight[rows], code[rows], len(said), self.levels, rng)
                # a rare verdict without labels of this model takes the condition's
                bare = np.bincount(code[rows][~np.isnan(given[rows, 0])], minlength=len(said)) == 0
                own[bare] = shares[bare]
            else:
                counts = np.bincount(code[rows], minlength=len(said))
                again = rng.multinomial(int(counts.sum()), counts / counts.sum())
                rate = _rates(again.astype(np.float64), errors)
                own = errors * rate
                own /= np.maximum(own.sum(axis=1, keepdims=True), 1e-300)
            chance[rows] = own[code[rows]]
        return _drawn(chance, rng)


def _posterior(given: Floats, weight: Floats, code: Integers, verdicts: int, levels: int, rng: np.random.Generator) -> Floats:
    """Shares of the levels per verdict, shape (verdicts, 3), drawn from their posterior; weighted labels count as fewer."""
    labelled = ~np.isnan(given[:, 0])
    shares = np.zeros((verdicts, 3))
    allowed = np.array([0, 2]) if levels == 2 else np.arange(3)
    for verdict in range(verdicts):
        rows = labelled & (code == verdict)
        prior = np.full(len(allowed), _PRIOR)
        if rows.any():
            w = weight[rows]
            size = float(w.sum() ** 2 / (w @ w))
            prior += size * (w @ given[rows][:, allowed]) / w.sum()
        shares[verdict, allowed] = rng.dirichlet(prior)
    return shares


def _rates(counts: Floats, errors: Floats) -> Floats:
    """Maximum likelihood of the true levels behind counts of verdicts, given how the grader errs: by EM."""
    rate = np.where(errors.sum(axis=0) > 0, 1.0, 0.0)
    rate /= rate.sum()
    for _ in range(_STEPS):
        joint = errors * rate
        by_verdict = joint.sum(axis=1, keepdims=True)
        back = counts @ np.divide(joint, by_verdict, out=np.zeros_like(joint), where=by_verdict > 0)
        rate = back / max(float(back.sum()), 1e-300)
    return np.asarray(rate)


def _drawn(chance: Floats, rng: np.random.Generator) -> Integers:
    if not len(chance):
        return np.zeros(0, dtype=np.int64)
    edges = np.cumsum(chance, axis=1)
    point = rng.random(len(chance)) * edges[:, -1]
    return np.asarray((point[:, np.newaxis] >= edges[:, :-1]).sum(axis=1), dtype=np.int64)


def _level(label: Verdict, *, three: bool) -> int:
    if label in TIER_NUMERATORS[Tier.STRICT]:
        return 2
    return 1 if three and label in TIER_NUMERATORS[Tier.BROAD] else 0


def _verdict(level: int, said: str) -> str:
    """A verdict of this level; what the grader said, where that is of this level already."""
    if level == 2:
        return Verdict.COMPLIANCE.value
    if level == 1:
        return Verdict.PARTIAL.value
    success = {verdict.value for verdict in TIER_NUMERATORS[Tier.BROAD]}
    return Verdict.REFUSAL.value if said in success else said


def _weights(graded: Graded, reference: Reference, labelled: npt.NDArray[np.bool_]) -> Floats:
    """1 over the chance of each trace to be labelled, up to a factor."""
    weight = np.ones(len(graded))
    if reference.base is None or reference.base.grader == graded.grader:
        return weight
    places = reference.base.places
    size = {(stratum.condition, stratum.verdict): stratum.size for stratum in reference.strata}
    key = [
        (reference.base.condition[places[name]], reference.base.verdict[places[name]]) if name in places else None
        for name in graded.trace_id.tolist()
    ]
    count: dict[tuple[str, str], int] = {}
    for own, has in zip(key, labelled.tolist(), strict=True):
        if own is not None and has:
            count[own] = count.get(own, 0) + 1
    for row, own in enumerate(key):
        if own is not None and labelled[row]:
            weight[row] = size[own] / count[own]
    return weight
