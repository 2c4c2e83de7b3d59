"""The dilution experiment as findings and sections: the answer, what to know first, then the evidence."""

from __future__ import annotations

from safescale.analyses.words import capital, plural
from safescale.report.dilution_facts import DilutionRun
from safescale.report.dilution_figures import dose_figure, pairs_figure, size_figure
from safescale.report.dilution_methods import dilution_methods, dilution_references
from safescale.report.dilution_more_tables import (
    balance_table,
    dose_slopes_table,
    dose_table,
    excluded_table,
    graders_table,
    length_table,
    lost_table,
    refusal_table,
    room_table,
    solving_table,
    stages_table,
    templates_table,
)
from safescale.report.dilution_slope_tables import interaction_table, lineages_table, rule_table, slope_table, slopes_table
from safescale.report.dilution_tables import contrast_models_table, contrasts_table, deltas_table
from safescale.report.dilution_words import (
    QUESTION,
    balance_words,
    controls_paragraph,
    departures_words,
    dose_paragraph,
    graders_words,
    length_words,
    lost_words,
    models_paragraph,
    room_words,
    short_answer,
    short_words,
    size_paragraphs,
    solving_paragraphs,
    templates_words,
    testability_words,
    verdict_words,
)
from safescale.report.document import Finding, Section, Table
from safescale.report.experiment_document import closing_sections
from safescale.report.figures.sink import FigureSink
from safescale.report.numbers import NOTHING
from safescale.report.provenance import source_line
from safescale.report.table import table
from safescale.studies.dilution.results import BetweenModels, DilutionResult, DilutionVerdict, DoseResponse, GraderAnswer

__all__ = ["KNOW", "dilution_findings", "dilution_sections", "first_words"]

KNOW = "dilution-first"


def dilution_findings(result: DilutionResult) -> tuple[Finding, ...]:
    """The answer, and where there are several graders that of each."""
    first = result.answers[0] if result.answers else None
    tier = result.design.tier.value.replace("_", " ")
    found = [
        Finding(
            question=QUESTION,
            about=f"{tier} attack success",
            verdict=verdict_words(result.verdict),
            testable=result.verdict is not DilutionVerdict.CANNOT_TELL,
            testability="Nothing was graded." if first is None else testability_words(first),
            answer=short_answer(result),
            section="dilution-1-size" if first is not None else KNOW,
        )
    ]
    if len(result.answers) > 1:
        # the primary grader's answer is the one above, unless another grader took it back
        overruled = result.answers[0].verdict is not result.verdict
        found += [
            Finding(
                question=QUESTION,
                about=f"grader {answer.grader}{' (registered as primary)' if at == 0 else ''}",
                verdict=verdict_words(answer.verdict),
                testable=answer.verdict is not DilutionVerdict.CANNOT_TELL,
                testability=testability_words(answer),
                answer=short_words(answer, result.design, answer.verdict, answer.doubts),
                section=f"dilution-{at + 1}-size",
            )
            for at, answer in enumerate(result.answers)
            if at or overruled
        ]
    return tuple(found)


def first_words(result: DilutionResult, run: DilutionRun) -> tuple[str, ...]:
    """What a reader must know before the evidence: departures, lost models, caveats; each once."""
    others = [
        f"by {answer.grader}: {words}" for answer in result.answers[1:] for words in answer.caveats if words not in result.caveats
    ]
    own = [] if not result.answers else [words for words in result.answers[0].caveats if words not in result.caveats]
    caveats = map(capital, filter(None, (*result.caveats, *own, *run.caveats, *others)))
    return tuple(dict.fromkeys((*departures_words(run), *lost_words(run), *caveats)))


def dilution_sections(result: DilutionResult, run: DilutionRun, sink: FigureSink | None = None) -> tuple[Section, ...]:
    """Everything after the findings, in reading order."""
    source = _source(result, run, None)
    know = Section(
        id=KNOW,
        title="Departures, lost models, caveats",
        warnings=first_words(result, run),
        tables=_kept(lost_table(run, id="dilution-lost", source=source)),
    )
    evidence: list[Section] = []
    for at, answer in enumerate(result.answers):
        parts = _parts(answer, result, run, at + 1, sink)
        if at == 0:
            evidence += parts
            evidence.append(_graders(result, source))
        else:
            title = f"The same under {answer.grader}"
            evidence.append(
                Section(id=f"dilution-{at + 1}", title=title, paragraphs=(verdict_words(answer.verdict),), sections=parts)
            )
    if not result.answers:
        evidence.append(_graders(result, source))
    return (know, *evidence, *_closing(result, run, source))


def _graders(result: DilutionResult, source: str) -> Section:
    return Section(
        id="dilution-graders",
        title="Does the answer depend on the grader?",
        paragraphs=(graders_words(result.answers),),
        tables=_kept(graders_table(result, id="dilution-graders-all", source=source)),
    )


def _source(result: DilutionResult, run: DilutionRun, answer: GraderAnswer | None) -> str:
    if answer is None:
        counted = sum(one.prompts for one in run.excluded)
        return source_line(
            *(run.command, result.fingerprint, f"the whole run, {plural(len(result.answers), 'grader')}"),
            f"{result.design.tier.value.replace('_', ' ')} attack success over evaluable harmful prompts",
            f"{counted:,} without an evaluable verdict, over all models, conditions and graders",
        )
    pairs = sum(delta.prompts for delta in answer.deltas)
    dropped = sum(delta.dropped for delta in answer.deltas)
    tier = answer.tier.value.replace("_", " ")
    return source_line(
        *(run.command, result.fingerprint, f"{plural(pairs, 'prompt')} in pairs over {plural(len(answer.deltas), 'model')}"),
        f"{tier} attack success over evaluable harmful prompts, grader {answer.grader}",
        f"{plural(dropped, 'prompt')} dropped",
    )


def _kept(*found: Table | None) -> tuple[Table, ...]:
    return tuple(one for one in found if one is not None)


def _parts(answer: GraderAnswer, result: DilutionResult, run: DilutionRun, n: int, sink: FigureSink | None) -> tuple[Section, ...]:
    """The evidence under one grader."""
    design, source, prefix = result.design, _source(result, run, answer), f"dilution-{n}"
    level = 1 - design.alpha
    footer = f"{answer.grader} · {plural(len(answer.deltas), 'model')} · corpus {result.fingerprint}"
    slopes = [] if answer.size is None else [("all models of known size", answer.size)]
    if answer.without_estimates is not None and answer.without_estimates != answer.size:
        slopes.append(("without estimated sizes", answer.without_estimates))
    size = Section(
        id=f"{prefix}-size",
        title="Does the change go with size?",
        paragraphs=size_paragraphs(answer),
        figures=size_figure(answer, position=n, footer=footer, source=source, sink=sink),
        tables=_kept(
            slope_table(slopes, id=f"{prefix}-slope", level=level, margin_pp=design.margin_pp, source=source),
            lineages_table(answer.size, id=f"{prefix}-lineages", source=source),
            rule_table(answer.rule, id=f"{prefix}-rule", level=level, source=source),
            interaction_table(answer.interaction, id=f"{prefix}-interaction", level=level, source=source),
            _not_fitted(answer, id=f"{prefix}-not-fitted", source=source),
        ),
    )
    models = Section(
        id=f"{prefix}-models",
        title="Attack success of each model, without and with the puzzle",
        paragraphs=(models_paragraph(answer, design),),
        figures=pairs_figure(answer, position=n, footer=footer, source=source, sink=sink),
        tables=_kept(deltas_table(answer, id=f"{prefix}-deltas", source=source)),
    )
    controls = Section(
        id=f"{prefix}-controls",
        title="Is it the puzzle? The control conditions",
        paragraphs=(controls_paragraph(answer),),
        tables=_kept(
            contrasts_table(answer, id=f"{prefix}-contrasts", level=level, source=source),
            contrast_models_table(answer, id=f"{prefix}-contrast-models", source=source),
        ),
    )
    length = Section(
        id=f"{prefix}-length",
        title="Were prose and puzzle of equal length?",
        paragraphs=(length_words(answer.length_match),),
        tables=_kept(length_table(answer, id=f"{prefix}-tokens", source=source)),
    )
    return (size, models, controls, length, *_further_parts(answer, result, prefix, n, footer, source, sink))


def _further_parts(
    answer: GraderAnswer, result: DilutionResult, prefix: str, n: int, footer: str, source: str, sink: FigureSink | None
) -> tuple[Section, ...]:
    design, level = result.design, 1 - result.design.alpha
    dose = answer.dose
    dose_part = Section(
        id=f"{prefix}-dose",
        title="Does the change go with the length of the puzzle?",
        paragraphs=(dose_paragraph(dose, design.alpha),),
        figures=dose_figure(answer, position=n, footer=footer, source=source, sink=sink),
        tables=_kept(
            dose_slopes_table(dose, id=f"{prefix}-lines", level=level, source=source),
            slopes_table(
                _at_each_length(dose),
                id=f"{prefix}-dose-size",
                caption="Slope of the change on log10 size at each length, models as units",
                level=level,
                source=source,
            ),
            dose_table(dose, id=f"{prefix}-dose-models", source=source),
        ),
    )
    solving = Section(
        id=f"{prefix}-solving",
        title="Is the puzzle solved, and how does that go with the change?",
        paragraphs=solving_paragraphs(answer.solving),
        tables=_kept(solving_table(answer, id=f"{prefix}-solved", source=source)),
    )
    templates = Section(
        id=f"{prefix}-templates",
        title="Paraphrases and samples",
        paragraphs=(templates_words(answer.templates),),
        tables=_kept(templates_table(answer.templates, id=f"{prefix}-grid", source=source)),
    )
    words = tuple(found for found in (room_words(answer.room), balance_words(answer.exclusions, design.alpha)) if found)
    baseline = Section(
        id=f"{prefix}-baseline",
        title="Refusal, over-refusal, and what limits the change",
        paragraphs=words,
        tables=_kept(
            refusal_table(answer, id=f"{prefix}-refusal", source=source),
            room_table(answer, id=f"{prefix}-room", source=source),
            balance_table(answer.exclusions, id=f"{prefix}-balance", level=level, source=source),
        ),
    )
    return (dose_part, solving, templates, baseline)


def _at_each_length(dose: DoseResponse | None) -> list[tuple[str, BetweenModels, float | None]]:
    if dose is None:
        return []
    adjusted = dose.size_slopes_adjusted_p or (None,) * len(dose.size_slopes)
    return [(plural(lines, "line"), slope, p) for (lines, slope), p in zip(dose.size_slopes, adjusted, strict=True)]


def _not_fitted(answer: GraderAnswer, *, id: str, source: str) -> Table | None:
    """What is in no slope, and what could not be computed."""
    rows = [*answer.not_fitted, *answer.unavailable]
    return table(id, "Not in a slope, or not computed", ("model or part", "why"), (), rows, source) if rows else None


def _closing(result: DilutionResult, run: DilutionRun, source: str) -> tuple[Section, ...]:
    found = run.registration
    if found is None:
        registered = Section(id="dilution-registered", title="Pre-registration", paragraphs=("None.",))
    else:
        about = [f"SHA-256 {found.sha256}", *([f"written {found.registered_at}"] if found.registered_at else [])]
        about += [f"file {found.file}"] if found.file else []
        registered = Section(
            id="dilution-registered", title="Pre-registration", paragraphs=(f"{'; '.join(about)}.",), verbatim=found.lines
        )
    references = dilution_references(result, run)
    return (
        Section(
            id="dilution-run",
            title="The run",
            paragraphs=() if run.stages else (f"Times of the stages: {NOTHING} (nobody measured them).",),
            tables=_kept(
                stages_table(run, id="dilution-stages", source=source),
                excluded_table(run, id="dilution-excluded", source=source),
            ),
        ),
        registered,
        *closing_sections(
            methods=" ".join(dilution_methods(result, run)),
            references=references,
            fingerprint=result.fingerprint,
            command=run.command,
        ),
    )
