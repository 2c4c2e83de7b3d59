"""The verdict: what the registered test allows to say, and what takes it back."""

from __future__ import annotations

from collections.abc import Sequence

from safescale.analyses.words import p_clause, p_words, plural, signed
from safescale.studies.dilution.design import DilutionDesign
from safescale.studies.dilution.results import BetweenModels, DilutionVerdict, GraderAnswer, ModelDelta

__all__ = ["is_flat", "verdict_of", "verdict_over_graders"]


def verdict_of(
    design: DilutionDesign,
    *,
    size: BetweenModels | None,
    why_no_size: str | None,
    estimated: int,
    without_estimates: BetweenModels | None,
    deltas: Sequence[ModelDelta],
) -> tuple[DilutionVerdict, tuple[str, ...]]:
    """
    Verdict of one grader, with the reasons that keep it from being firmer.

    Supports: the registered test (permutation of models) rejects and delta rises with size. Contradicts: it rejects and delta falls,
    or an equivalence test puts the slope within the margin. Either must hold without estimated sizes too, and "raises more in larger
    models" needs that it raises attack success in the largest at all.

    Parameters
    ----------
    estimated : int
        Models in the slope whose size is estimated.
    deltas : sequence of ModelDelta
        Of the main contrast.
    """
    if size is None:
        return DilutionVerdict.CANNOT_TELL, (why_no_size or "there is no slope on size",)
    found = _claim(size, design)
    if found is None:
        return DilutionVerdict.CANNOT_TELL, _undecided(size, design)
    doubts = []
    if design.exploratory:
        doubts.append("the experiment is exploratory, and an exploratory one settles nothing")
    if estimated and (without_estimates is None or _claim(without_estimates, design) is not found):
        doubts.append(_carried(estimated, without_estimates))
    if found is DilutionVerdict.SUPPORTS and (reason := _never_raised(deltas)) is not None:
        doubts.append(reason)
    return (DilutionVerdict.CANNOT_TELL, tuple(doubts)) if doubts else (found, ())


def _claim(size: BetweenModels, design: DilutionDesign) -> DilutionVerdict | None:
    if size.permutation_p <= design.alpha and size.slope_pp_per_decade != 0:
        return DilutionVerdict.SUPPORTS if size.slope_pp_per_decade > 0 else DilutionVerdict.CONTRADICTS
    return DilutionVerdict.CONTRADICTS if is_flat(size, design) else None


def is_flat(size: BetweenModels, design: DilutionDesign) -> bool:
    """Whether the equivalence test puts the slope within the margin."""
    return size.flat_p is not None and size.flat_p <= design.alpha


def _undecided(size: BetweenModels, design: DilutionDesign) -> tuple[str, ...]:
    if size.permutation_floor > design.alpha:
        within = " within lineages" if size.within_lineages else ""
        return (
            f"the smallest p that {plural(size.models, 'model')} at {plural(len(size.sizes_b), 'size')} can reach{within} is "
            f"{p_words(size.permutation_floor)}, above {design.alpha:g}: no data could have decided it",
        )
    reasons = [f"neither a slope ({p_clause(size.permutation_p)}) nor its absence is shown"]
    if size.flat_p is not None:
        reasons[0] += f" (flat within {design.margin_pp:g} pp per decade: {p_clause(size.flat_p)})"
    else:
        reasons[0] += " (no equivalence test: the deltas leave no scatter to test by)"
    if design.exploratory:
        reasons.append("the experiment is exploratory, and an exploratory one settles nothing")
    return tuple(reasons)


def _carried(estimated: int, without: BetweenModels | None) -> str:
    those = f"{plural(estimated, 'size')} {'is' if estimated == 1 else 'are'} estimated, and without {'it' if estimated == 1 else 'them'}"
    if without is None:
        return f"{those} there is no slope"
    return f"{those} the slope is {signed(without.slope_pp_per_decade)} pp per decade ({p_clause(without.permutation_p)})"


def _never_raised(deltas: Sequence[ModelDelta]) -> str | None:
    """Where delta rises with size, but only from worse to no better than nothing."""
    sized = [delta for delta in deltas if delta.model.params_b is not None]
    largest = max(delta.model.params_b or 0.0 for delta in sized)
    there = [delta.delta for delta in sized if delta.model.params_b == largest]
    mean = sum(there) / len(there)
    if mean > 0:
        return None
    return (
        f"delta rises with size, but even at the largest it is {signed(100 * mean)} pp: the puzzle lowers attack success less in larger "
        "models, it does not raise it more"
    )


def verdict_over_graders(answers: Sequence[GraderAnswer]) -> tuple[DilutionVerdict, tuple[str, ...]]:
    """The primary grader's verdict, unless another grader reaches the opposite one."""
    primary = answers[0]
    opposite = {
        DilutionVerdict.SUPPORTS: DilutionVerdict.CONTRADICTS,
        DilutionVerdict.CONTRADICTS: DilutionVerdict.SUPPORTS,
    }.get(primary.verdict)
    against = [answer.grader for answer in answers[1:] if opposite is not None and answer.verdict is opposite]
    if not against:
        return primary.verdict, primary.doubts
    graders = ", ".join(against)
    return DilutionVerdict.CANNOT_TELL, (f"by {primary.grader} the data say {primary.verdict}, by {graders} the reverse",)
