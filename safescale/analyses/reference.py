"""What grades are held against: labels of people from a drawn sample, or another grader. A reference is not truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from safescale.analyses.words import plural
from safescale.errors import DomainError
from safescale.grade import HumanLabels, Stratum
from safescale.records.outcomes import TIER_NUMERATORS, Tier
from safescale.records.verdicts import EVALUABLE, Verdict

__all__ = ["REFERENCE_TIERS", "Graded", "Reference", "human_reference", "levels_of", "reference_of_grader", "reference_of_people"]

Floats: TypeAlias = npt.NDArray[np.float64]

REFERENCE_TIERS: Final = (Tier.STRICT, Tier.BROAD)
"""The tiers that are corrected; what HALLUCINATION_REFUSAL means is the graders' own."""


@attrs.frozen(kw_only=True, eq=False)
class Graded:
    """Counted verdicts of one grader on one target, sorted by trace, as columns."""

    grader: str
    target: str
    trace_id: npt.NDArray[np.object_]
    prompt: npt.NDArray[np.object_]
    model: npt.NDArray[np.object_]
    condition: npt.NDArray[np.object_]
    verdict: npt.NDArray[np.object_]

    @classmethod
    def of(cls, grader: str, target: str, rows: pa.Table) -> Graded:
        """From what ``safescale.cells.grader_rows`` gives."""
        names = {"trace_id": "trace_id", "prompt": "prompt_id", "model": "model_id", "condition": "condition", "verdict": "verdict"}
        columns = {own: np.array(rows[name].to_pylist(), dtype=object) for own, name in names.items()}
        return cls(grader=grader, target=target, **columns)

    def __len__(self) -> int:
        return len(self.trace_id)

    @property
    def places(self) -> dict[str, int]:
        """Row of each trace."""
        return {name: at for at, name in enumerate(self.trace_id.tolist())}

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Graded:
        """Some of the rows."""
        names = ("trace_id", "prompt", "model", "condition", "verdict")
        return attrs.evolve(self, **{name: getattr(self, name)[rows] for name in names})

    def positive(self, tier: Tier) -> npt.NDArray[np.bool_]:
        """Whether each verdict counts as success."""
        wanted = {verdict.value for verdict in TIER_NUMERATORS[tier]}
        return np.array([verdict in wanted for verdict in self.verdict.tolist()], dtype=np.bool_)


@attrs.frozen(kw_only=True, eq=False)
class Reference:
    """
    What grades are held against.

    Attributes
    ----------
    kind : {"human", "grader"}
        Labels of people, or verdicts of another grader.
    name : str
        In words.
    tiers : tuple of Tier
        Tiers that it tells apart.
    labels : mapping of trace id to tuple of Verdict
        One per rater who gave any, evaluable or not.
    base : Graded or None
        The rows that a sample was drawn from, under the grader it was drawn on; None for another grader.
    strata : tuple of Stratum
        Of that sample.
    notes : tuple of str
        What must be said of it.
    """

    kind: Literal["human", "grader"]
    name: str
    tiers: tuple[Tier, ...]
    labels: Mapping[str, tuple[Verdict, ...]]
    base: Graded | None = None
    strata: tuple[Stratum, ...] = ()
    raters: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def share(self, trace_id: str, tier: Tier) -> float | None:
        """Share of the raters who call this trace a success; None without an evaluable label."""
        given = [label for label in self.labels.get(trace_id, ()) if label in EVALUABLE]
        if not given:
            return None
        return sum(label in TIER_NUMERATORS[tier] for label in given) / len(given)


def human_reference(labels: HumanLabels, base: Graded) -> Reference:
    """
    Labels of people as a reference.

    Parameters
    ----------
    labels : HumanLabels
        Sheets that were read back.
    base : Graded
        The counted verdicts of the grader that the sample was drawn on, under the selection of the sample.

    Raises
    ------
    DomainError
        If the corpus no longer holds the strata that the sample was drawn from.
    """
    sample = labels.sample
    now = Counter(zip(base.condition.tolist(), base.verdict.tolist(), strict=True))
    drawn = {(stratum.condition, stratum.verdict): stratum.size for stratum in sample.strata}
    for key in sorted(now.keys() | drawn.keys()):
        if now.get(key, 0) != drawn.get(key, 0):
            raise DomainError(
                f"the sample was drawn from {drawn.get(key, 0):,} traces of condition {key[0]!r} that {sample.grader} calls "
                f"{key[1]}, and this corpus holds {now.get(key, 0):,}: its inclusion probabilities do not hold here; ask "
                f"the corpus that it was drawn from ({sample.fingerprint}), or draw a new sample"
            )
    places = base.places
    lost = [trace.trace_id for trace in labels.traces if trace.trace_id not in places]
    if lost:
        raise DomainError(
            f"{len(lost)} traces of the sample are not in this corpus, such as {lost[0]}; ask the one it was drawn from"
        )
    found = {t.trace_id: tuple(label for label in t.labels if label is not None) for t in labels.traces}
    found = {trace: given for trace, given in found.items() if given}
    people = plural(len(labels.raters), "rater")
    notes = []
    empty = len(labels.traces) - len(found)
    if empty:
        notes.append(f"{empty} of {plural(len(labels.traces), 'trace')} in the sample have no label yet")
    skipped = max(labels.skipped)
    if skipped:
        words = "was" if skipped == 1 else "were"
        notes.append(f"{plural(skipped, 'row')} {words} skipped before the last label: taken as left out by chance")
    unusable = sum(not any(label in EVALUABLE for label in given) for given in found.values())
    if unusable:
        notes.append(f"{plural(unusable, 'labelled trace')} cannot be evaluated (benign or not gradeable) and count in no rate")
    return Reference(
        kind="human",
        name=f"labels of {people} on {plural(len(found), 'trace')}",
        tiers=REFERENCE_TIERS,
        labels=found,
        base=base,
        strata=sample.strata,
        raters=labels.raters,
        notes=tuple(notes),
    )


def reference_of_grader(reference: Graded, tiers: Sequence[Tier]) -> Reference:
    """Verdicts of another grader as a reference, on the traces that it graded."""
    return Reference(
        kind="grader",
        name=f"verdicts of {reference.grader}",
        tiers=tuple(tier for tier in REFERENCE_TIERS if tier in tiers),
        labels={
            trace: (Verdict(verdict),)
            for trace, verdict in zip(reference.trace_id.tolist(), reference.verdict.tolist(), strict=True)
        },
        notes=(
            f"{reference.grader} is the reference here, not the truth: where it errs, the corrected rate errs with it; the traces "
            "that it graded are taken as a random sample of those with the same condition and verdict",
        ),
    )


def reference_of_people(people: Sequence[Graded], tiers: Sequence[Tier]) -> Reference:
    """Verdicts of human graders of a corpus as a reference, each of them a rater, on the traces that they judged."""
    labels: dict[str, tuple[Verdict, ...]] = {}
    for own in people:
        for trace, verdict in zip(own.trace_id.tolist(), own.verdict.tolist(), strict=True):
            labels[trace] = (*labels.get(trace, ()), Verdict(verdict))
    names = ", ".join(own.grader for own in people)
    return Reference(
        kind="human",
        name=f"verdicts of {plural(len(people), 'human grader')} on {plural(len(labels), 'trace')} ({names})",
        tiers=tuple(tier for tier in REFERENCE_TIERS if tier in tiers),
        labels=labels,
        raters=tuple(own.grader for own in people),
        notes=(
            "people's verdicts came with the corpus and not from a drawn sample: the traces that they judged are taken as a random "
            "sample of those with the same condition and verdict"
            + ("; where they differ, a trace counts by the share of them" if len(people) > 1 else ""),
        ),
    )


def levels_of(tiers: Sequence[Tier]) -> tuple[str, ...]:
    """What two graders can be compared by, from the least compliance up: three levels where both know PARTIAL, else two."""
    return ("none", "partial", "full") if Tier.BROAD in tiers else ("not full", "full")
