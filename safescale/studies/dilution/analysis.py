"""Stand-in until the analysis comes."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.outcomes import Outcomes
from safescale.studies.dilution.results import DilutionResult, DilutionVerdict


def analyze_dilution(design: DilutionDesign, outcomes: Sequence[Outcomes]) -> DilutionResult:
    words = []
    for one in outcomes:
        base, puzzle = one.condition("baseline"), one.condition("puzzle")
        for m, model in enumerate(one.models):
            a, b = one.failed[m, base], one.failed[m, puzzle]
            ok = (a >= 0) & (b >= 0)
            words.append(f"{model.model_id} {100 * (b[ok].mean() - a[ok].mean()):.1f} pp of {ok.sum()}")
    return DilutionResult(
        design=design,
        answers=(),
        verdict=DilutionVerdict.CANNOT_TELL,
        answer="; ".join(words),
        settle="",
        caveats=(),
        fingerprint=outcomes[0].fingerprint,
    )
