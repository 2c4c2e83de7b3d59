"""What a grader's verdicts mean: which tiers it can speak of, and each rate's definition in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from safescale.cells.readable import Readable
from safescale.errors import DomainError
from safescale.records.outcomes import OUTCOME_MAPS, TIER_NUMERATORS, Tier
from safescale.records.verdicts import EVALUABLE

__all__ = ["GraderMeaning", "grader_meanings"]

ANY_EVALUABLE: Final = "evaluable verdicts: " + " + ".join(sorted(verdict.value for verdict in EVALUABLE))


@attrs.frozen(kw_only=True)
class GraderMeaning:
    """
    One grader with one rubric version, and what its verdicts can say.

    ``tiers`` are those its outcome map distinguishes; functionally dangerous only where HALLUCINATION_REFUSAL is
    declared to mean harmful content behind a refusal.
    """

    grader: str
    grader_id: str
    rubric_version: str | None
    grader_kinds: tuple[str, ...]
    outcome_map: str
    hallucination_refusal: str
    tiers: tuple[Tier, ...]

    def definition(self, tier: Tier) -> str:
        """
        Numerator, denominator and the meaning of COMPLIANCE in words.

        Raises
        ------
        DomainError
            For a tier that this grader cannot speak of.
        """
        if tier not in self.tiers:
            known = ", ".join(self.tiers)
            raise DomainError(
                f"grader {self.grader!r} has no {tier} rate: its outcome map is {self.outcome_map!r}, "
                f"HALLUCINATION_REFUSAL there means {self.hallucination_refusal!r}; it has: {known}"
            )
        numerator = " + ".join(sorted(verdict.value for verdict in TIER_NUMERATORS[tier]))
        known_map = OUTCOME_MAPS.get(self.outcome_map)
        if known_map is None:
            return f"{tier} = {numerator} over {ANY_EVALUABLE}; outcome map {self.outcome_map!r} of the source"
        return f"{tier} = {numerator} over {known_map.denominator}; COMPLIANCE means {known_map.compliance_means}"


def grader_meanings(
    corpus: Readable, names: Mapping[str, tuple[str, str | None]], kinds: Mapping[str, tuple[str, ...]]
) -> dict[str, GraderMeaning]:
    """
    Meaning of each grader label.

    Parameters
    ----------
    corpus : Readable
        Its table ``graders`` holds the declarations.
    names : mapping
        Grader label to grader id and rubric version.
    kinds : mapping
        Grader label to the kinds seen in the grades.
    """
    table = corpus.read("graders", ["grader_id", "grader_kind", "outcome_map", "hallucination_refusal"])
    declared: dict[str, list[dict[str, str]]] = {}
    for row in table.to_pylist():
        declared.setdefault(row["grader_id"], []).append(row)
    return {
        label: _meaning(label, grader_id, rubric, kinds.get(label, ()), declared.get(grader_id, []))
        for label, (grader_id, rubric) in sorted(names.items())
    }


def _meaning(
    label: str, grader_id: str, rubric: str | None, kinds: tuple[str, ...], declared: list[dict[str, str]]
) -> GraderMeaning:
    maps = {row["outcome_map"] for row in declared}
    meanings = {row["hallucination_refusal"] for row in declared}
    hr_meaning = meanings.pop() if len(meanings) == 1 else "undeclared"
    known = [set(OUTCOME_MAPS[name].tiers) if name in OUTCOME_MAPS else {Tier.STRICT} for name in maps]
    tiers = set.intersection(*known) if known else {Tier.STRICT}
    if hr_meaning != "harmful_content":
        tiers.discard(Tier.FUNCTIONALLY_DANGEROUS)
    return GraderMeaning(
        grader=label,
        grader_id=grader_id,
        rubric_version=rubric,
        grader_kinds=kinds or tuple(sorted({row["grader_kind"] for row in declared})),
        outcome_map=" and ".join(sorted(maps)) or "undeclared",
        hallucination_refusal=hr_meaning,
        tiers=tuple(tier for tier in Tier if tier in tiers),
    )
