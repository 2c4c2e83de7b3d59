"""Sentences of the robustness report that count what was done or missing; what was found is said by the analysis alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.analyses.words import and_list, capital, percent, plural, size_words
from safescale.report.robustness_facts import BrokenPart, RobustnessRun
from safescale.report.robustness_tables import unit_words
from safescale.studies.robustness.design import ComputeUnit, RobustnessDesign
from safescale.studies.robustness.quantities import is_lexical
from safescale.studies.robustness.results import GeometryOfModel, GraderFindings, RobustnessResult, RobustnessVerdict
from safescale.studies.robustness.sentences import effects_words
from safescale.studies.robustness.verdict import main_surface

__all__ = [
    "QUESTION",
    "agreement_words",
    "answer_words",
    "broken_words",
    "defences_words",
    "drift_words",
    "effects_of",
    "entropy_words",
    "first_words",
    "fits_words",
    "further_words",
    "geometry_words",
    "graders_words",
    "half_words_over_models",
    "retention_words",
    "testability_words",
    "verdict_words",
]

QUESTION: Final = "Does attack compute outweigh model size for refusals retained (RRR)?"

LEADING: Final = 4
"""Sentences of the analysis that are the short answer: the answer, the two effects, their exchange, the other unit of compute."""

VERDICTS: Final = {
    RobustnessVerdict.COMPUTE: f"{RobustnessVerdict.COMPUTE.value} for refusals retained (RRR)",
    RobustnessVerdict.SIZE: f"{RobustnessVerdict.SIZE.value} for refusals retained (RRR)",
    RobustnessVerdict.CANNOT_TELL: "cannot tell whether attack compute outweighs size for refusals retained (RRR)",
}


def verdict_words(verdict: RobustnessVerdict, unit: ComputeUnit) -> str:
    """The verdict as a clause, with the unit of compute that it speaks of: in another it can be the opposite."""
    return f"{VERDICTS[verdict]}, compute in {unit_words(unit)}"


def answer_words(result: RobustnessResult) -> str:
    """The first sentences of the analysis; the others are ``further_words``."""
    return (
        " ".join(map(_sentence, result.sentences[:LEADING]))
        or f"{capital(verdict_words(result.verdict, result.design.compute_unit))}."
    )


def further_words(result: RobustnessResult) -> tuple[str, ...]:
    """The other sentences of the analysis."""
    return tuple(map(_sentence, result.sentences[LEADING:]))


def _sentence(words: str) -> str:
    words = capital(words.strip())
    return words if words.endswith((".", "!", "?")) else f"{words}."


def testability_words(findings: GraderFindings) -> str:
    """What was there to answer with."""
    models = {one.model.model_id: one.model for one in findings.cells}
    if not models:
        return "Nothing was graded."
    sizes = sorted({model.params_b for model in models.values() if model.params_b is not None})
    span = f", {size_words(sizes[0])} to {size_words(sizes[-1])}" if len(sizes) > 1 else ""
    unknown = sum(model.params_b is None for model in models.values())
    without = f" ({unknown:,} of unknown size)" if unknown else ""
    steps = {one.attack.steps for one in findings.cells if one.attack.kind == "finetune"}
    seeds = {one.cell.seed for one in findings.cells if one.cell.seed is not None}
    lineages = {model.lineage for model in models.values()}
    asked = f"{plural(len(models), 'model')}{without} of {plural(len(sizes), 'size')}{span} in {plural(len(lineages), 'lineage')}"
    tried = f"{plural(len(steps), 'level')} of fine-tuning besides none, {plural(len(seeds), 'attack seed')}"
    return f"{asked}; {tried}; {plural(len(findings.cells), 'cell')}."


def broken_words(run: RobustnessRun) -> tuple[str, ...]:
    """What gave nothing; none is said too."""
    if not run.broken:
        return ("Parts of the plan without results: none.",)
    return tuple(_broken(one) for one in run.broken)


def _broken(one: BrokenPart) -> str:
    if one.answered:
        of = "" if one.planned is None else f" of {one.planned:,}"
        came = f"{one.answered:,}{of} responses came"
    else:
        came = "no result"
    return f"{one.what}{f' ({one.stage})' if one.stage else ''}: {came}: {one.reason}"


def first_words(result: RobustnessResult, run: RobustnessRun) -> tuple[str, ...]:
    """What a reader must know before the evidence, each once."""
    caveats = map(capital, filter(None, (*result.caveats, *run.caveats)))
    return tuple(dict.fromkeys((*broken_words(run), *caveats)))


def retention_words(findings: GraderFindings) -> tuple[str, ...]:
    """For how many cells there is an RRR, and why not for the others."""
    if not findings.cells:
        return ("No cell was graded.",)
    missing = [one.retention.rrr.why for one in findings.cells if one.retention.rrr.value is None]
    return (_defined("RRR", len(findings.cells), missing),)


def drift_words(findings: GraderFindings) -> tuple[str, ...]:
    """For how many cells there is an RD, and why not for the others."""
    have = [one.drift for one in findings.cells if one.drift is not None]
    if not have:
        return ("No embedder was named: there is no refusal drift.",)
    missing = [drift.rd.why for drift in have if drift.rd.value is None]
    embedders = sorted({drift.embedder for drift in have})
    lexical = " Hashed n-grams measure words, not meaning." if any(map(is_lexical, embedders)) else ""
    return (f"{_defined('RD', len(have), missing)} Vectors: {and_list(embedders)}.{lexical}",)


def entropy_words(findings: GraderFindings) -> tuple[str, ...]:
    """For how many cells there is a CE, and why not for the others."""
    have = [one.entropy for one in findings.cells if one.entropy is not None]
    if not have:
        return ("No grader of this study gives probabilities: there is no classifier entropy.",)
    missing = [entropy.ce.why for entropy in have if entropy.ce.value is None]
    graders = sorted({entropy.grader for entropy in have})
    return (f"{_defined('CE', len(have), missing)} Probabilities: {and_list(graders)}.",)


def _defined(what: str, cells: int, missing: Sequence[str | None]) -> str:
    if not missing:
        return f"{what} is defined in all of {plural(cells, 'cell')}."
    reasons = sorted({(why or "no reason is recorded").rstrip(".") for why in missing})
    return f"{what} is not defined in {len(missing):,} of {plural(cells, 'cell')}: {'; '.join(reasons)}."


def effects_of(findings: GraderFindings, design: RobustnessDesign) -> str:
    """The reasons and the two effects of one grader, in the sentences of the analysis."""
    surface = main_surface(findings.surfaces, design)
    said = (*findings.reasons, *(() if surface is None else effects_words(surface)))
    return " ".join(map(_sentence, filter(None, said))) or "No further reason is recorded."


def fits_words(findings: GraderFindings, unit: ComputeUnit) -> tuple[str, ...]:
    """Which fits there are, and why others are not."""
    if not findings.surfaces:
        return ("No surface was fitted.",)
    none = {(one.metric.upper(), one.why) for one in findings.surfaces if one.why is not None}
    missing = tuple(f"No fit of {metric}: {(why or '').rstrip('.')}." for metric, why in sorted(none))
    return (f"By {findings.grader}: {verdict_words(findings.verdict, unit)}.", *map(_sentence, findings.reasons), *missing)


def half_words_over_models(findings: GraderFindings, unit: str) -> tuple[str, ...]:
    """How many trainings bring a model to one half."""
    found = [half for half in findings.half if half.unit == unit]
    if not found:
        return ("Compute to 50 % RRR was not sought.",)
    said = []
    for half in found:
        under = "" if half.defence == "none" else f" under {half.defence.replace('_', ' ')}"
        at = f" ({half.examples:,} pairs)" if half.examples else ""
        turns = sum(row.crossings > 1 for row in half.rows)
        more = f"; {turns:,} cross one half more than once" if turns else ""
        of = f"{half.censored:,} of {len(half.rows):,}"
        said.append(f"Trainings that never bring a model{under}{at} to 50 % RRR within the grid: {of}{more}.")
    return tuple(said)


def defences_words(findings: GraderFindings) -> tuple[str, ...]:
    """Which defences were tried."""
    defended = {one.defence.name for one in findings.cells if one.defence.kind != "none"}
    if not defended:
        return ("No defence was tried.",)
    if not findings.defences:
        return (f"{capital(plural(len(defended), 'defence'))} tried; no model has an attack with and without one.",)
    return (f"{capital(plural(len(defended), 'defence'))} tried.",)


def geometry_words(geometry: Sequence[GeometryOfModel]) -> tuple[str, ...]:
    """In how many models a direction was found; not found is said with its reason."""
    if not geometry:
        return ("Refusal directions were not asked for.",)
    missing = [one for one in geometry if not one.found]
    said = [f"A refusal direction was found in {len(geometry) - len(missing):,} of {plural(len(geometry), 'model')}."]
    if missing:
        shown = [f"{one.model.model_id}: {one.reason.rstrip('.')}" for one in missing[:4]]
        more = f"; {len(missing) - 4:,} more in the table" if len(missing) > 4 else ""
        said.append(f"No direction found in {'; '.join(shown)}{more}.")
    return tuple(said)


def agreement_words(result: RobustnessResult) -> tuple[str, ...]:
    """The lowest and highest kappa; one grader agrees with nobody."""
    if not result.agreement:
        name = result.graders[0].grader if len(result.graders) == 1 else plural(len(result.graders), "grader")
        return (f"Agreement was not measured ({name}).",)
    known = [one for one in result.agreement if one.kappa is not None]
    if not known:
        return ("Kappa is not defined in any condition.",)
    low, high = (pick(known, key=lambda one: one.kappa or 0.0) for pick in (min, max))
    ends = [f"{one.kappa:.2f} ({one.condition.replace('_', ' ')}, {' and '.join(one.graders)})" for one in (low, high)]
    shares = [one.agreement for one in known if one.agreement is not None]
    raw = f"; raw agreement from {percent(min(shares))} to {percent(max(shares))}" if shares else ""
    return (f"Cohen's kappa over {plural(len(known), 'row')}: {ends[0]} to {ends[1]}{raw}.",)


def graders_words(result: RobustnessResult) -> str:
    """Whether graders give the same verdict."""
    if not result.graders:
        return "Nothing was graded."
    if len(result.graders) == 1:
        return f"One grader ({result.graders[0].grader}): how far the answer depends on the grader is not known."
    verdicts = list(dict.fromkeys(one.verdict for one in result.graders))
    if len(verdicts) == 1:
        return f"Each of {len(result.graders)} graders says: {verdict_words(verdicts[0], result.design.compute_unit)}."
    return "They do not agree: " + "; ".join(f"by {one.grader}: {VERDICTS[one.verdict]}" for one in result.graders) + "."
