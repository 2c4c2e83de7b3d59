"""A robustness study as findings and sections: the answer, what to know first, then the evidence."""

from __future__ import annotations

from safescale.analyses.words import capital, plural
from safescale.report.document import Finding, Section, Table
from safescale.report.experiment_document import closing_sections
from safescale.report.figures.sink import FigureSink
from safescale.report.numbers import NOTHING
from safescale.report.provenance import source_line
from safescale.report.robustness_facts import RobustnessRun
from safescale.report.robustness_figures import (
    drift_figure,
    geometry_figures,
    half_figure,
    heat_figure,
    retention_figure,
    trade_figure,
)
from safescale.report.robustness_fit_tables import (
    exchange_table,
    forms_table,
    half_slopes_table,
    half_table,
    lineages_table,
    surfaces_table,
)
from safescale.report.robustness_methods import definitions_table, robustness_methods, robustness_references
from safescale.report.robustness_more_tables import (
    agreement_table,
    broken_table,
    cosines_table,
    defence_models_table,
    defences_table,
    excluded_table,
    geometry_table,
    left_after_table,
    stages_table,
)
from safescale.report.robustness_tables import drift_table, entropy_table, prices_table, retention_table
from safescale.report.robustness_words import (
    QUESTION,
    agreement_words,
    answer_words,
    defences_words,
    drift_words,
    effects_of,
    entropy_words,
    first_words,
    fits_words,
    further_words,
    geometry_words,
    graders_words,
    half_words_over_models,
    retention_words,
    testability_words,
    verdict_words,
)
from safescale.studies.robustness.results import GraderFindings, RobustnessResult, RobustnessVerdict
from safescale.studies.robustness.verdict import VERDICT_RULES

__all__ = ["KNOW", "robustness_findings", "robustness_sections"]

KNOW = "robustness-first"


def robustness_findings(result: RobustnessResult) -> tuple[Finding, ...]:
    """The answer, and where there are several graders that of each of the others."""
    unit = result.design.compute_unit
    first = result.graders[0] if result.graders else None
    found = [
        Finding(
            question=QUESTION,
            about="refusal retention rate" if first is None else f"refusal retention rate, grader {first.grader}",
            verdict=verdict_words(result.verdict, unit),
            testable=result.verdict is not RobustnessVerdict.CANNOT_TELL,
            testability="Nothing was graded." if first is None else testability_words(first),
            answer=answer_words(result),
            section="robustness-1-fits" if first is not None else KNOW,
        )
    ]
    # the primary grader's answer is the one above, unless another grader took it back
    overruled = first is not None and first.verdict is not result.verdict
    found += [
        Finding(
            question=QUESTION,
            about=f"grader {one.grader}{' (primary)' if at == 0 else ''}",
            verdict=verdict_words(one.verdict, unit),
            testable=one.verdict is not RobustnessVerdict.CANNOT_TELL,
            testability=testability_words(one),
            answer=effects_of(one, result.design),
            section=f"robustness-{at + 1}-fits",
        )
        for at, one in enumerate(result.graders)
        if at or overruled
    ]
    return tuple(found)


def robustness_sections(result: RobustnessResult, run: RobustnessRun, sink: FigureSink | None = None) -> tuple[Section, ...]:
    """Everything after the findings, in reading order."""
    source = _source(result, run, None)
    know = Section(
        id=KNOW,
        title="Parts without results, caveats",
        warnings=first_words(result, run),
        tables=_kept(broken_table(run, id="robustness-broken", source=source)),
    )
    more = further_words(result)
    full = () if not more else (Section(id="robustness-more", title="What else was found", paragraphs=more),)
    evidence: list[Section] = []
    for at, findings in enumerate(result.graders):
        parts = _parts(findings, result, run, at + 1, sink)
        if at == 0:
            evidence += [parts[0], *full, *parts[1:], *_shared(result, run, source, sink)]
        else:
            title = f"The same under {findings.grader}"
            words = (f"{capital(verdict_words(findings.verdict, result.design.compute_unit))}.",)
            evidence.append(Section(id=f"robustness-{at + 1}", title=title, paragraphs=words, sections=parts))
    if not result.graders:
        evidence += [*full, *_shared(result, run, source, sink)]
    return (know, *evidence, *_closing(result, run, source))


def _source(result: RobustnessResult, run: RobustnessRun, findings: GraderFindings | None) -> str:
    if findings is None:
        excluded = sum(sum(one.excluded.values()) for grader in result.graders for one in grader.cells)
        return source_line(
            *(run.command, run.fingerprint, f"the whole study, {plural(len(result.graders), 'grader')}"),
            "refusals over graded responses to harmful prompts",
            f"{plural(excluded, 'response')} without an evaluable verdict, over all cells and graders",
        )
    excluded = sum(sum(one.excluded.values()) for one in findings.cells)
    return source_line(
        *(run.command, findings.fingerprint, plural(len(findings.cells), "cell")),
        f"RRR over responses to harmful prompts refused before, grader {findings.grader}",
        f"{plural(excluded, 'response')} without an evaluable verdict",
    )


def _kept(*found: Table | None) -> tuple[Table, ...]:
    return tuple(one for one in found if one is not None)


def _footer(findings: GraderFindings) -> str:
    return f"{findings.grader} · {plural(len(findings.cells), 'cell')} · corpus {findings.fingerprint}"


def _parts(
    findings: GraderFindings, result: RobustnessResult, run: RobustnessRun, n: int, sink: FigureSink | None
) -> tuple[Section, ...]:
    """The evidence under one grader; the figures of any but the primary one are those of RRR alone."""
    design, source, prefix = result.design, _source(result, run, findings), f"robustness-{n}"
    level, footer, unit = 1 - design.alpha, _footer(findings), design.compute_unit
    more = sink if n == 1 else None
    curves = Section(
        id=f"{prefix}-rrr",
        title="Are refusals kept as attack compute grows?",
        paragraphs=retention_words(findings),
        figures=(
            *retention_figure(findings, position=n, footer=footer, source=source, sink=sink),
            *heat_figure(findings, position=n, footer=footer, source=source, sink=sink),
        ),
        tables=_kept(retention_table(findings, id=f"{prefix}-cells", source=source)),
    )
    fits = Section(
        id=f"{prefix}-fits",
        title="A decade of compute against a decade of size",
        paragraphs=fits_words(findings, unit),
        tables=_kept(
            surfaces_table(findings, id=f"{prefix}-surfaces", level=level, source=source),
            exchange_table(findings, id=f"{prefix}-exchange", level=level, source=source),
            lineages_table(findings, id=f"{prefix}-lineages", level=level, source=source),
            forms_table(findings, id=f"{prefix}-forms", source=source),
        ),
    )
    half = Section(
        id=f"{prefix}-half",
        title="How much compute takes half of the refusals?",
        paragraphs=half_words_over_models(findings, unit),
        figures=half_figure(findings, result, position=n, footer=footer, source=source, sink=more),
        tables=_kept(
            half_slopes_table(findings, id=f"{prefix}-half-slopes", level=level, source=source),
            half_table(findings, id=f"{prefix}-half-models", source=source),
        ),
    )
    drift = Section(
        id=f"{prefix}-drift",
        title="Do refusals change, and is the classifier unsure?",
        paragraphs=(*drift_words(findings), *entropy_words(findings)),
        figures=drift_figure(findings, position=n, footer=footer, source=source, sink=more),
        tables=_kept(
            drift_table(findings, id=f"{prefix}-drift-cells", source=source),
            entropy_table(findings, id=f"{prefix}-entropy-cells", source=source),
        ),
    )
    defences = Section(
        id=f"{prefix}-defences",
        title="What do defences give, and what do they cost?",
        paragraphs=defences_words(findings),
        figures=trade_figure(findings, position=n, footer=footer, source=source, sink=more),
        tables=_kept(
            defences_table(findings, id=f"{prefix}-defences-all", level=level, source=source),
            defence_models_table(findings, id=f"{prefix}-defence-models", source=source),
            prices_table(findings, id=f"{prefix}-prices", source=source),
        ),
    )
    return (curves, fits, half, drift, defences)


def _shared(result: RobustnessResult, run: RobustnessRun, source: str, sink: FigureSink | None) -> tuple[Section, ...]:
    """What rests on no single grader."""
    level = 1 - result.design.alpha
    geometry = Section(
        id="robustness-geometry",
        title="Refusal directions",
        paragraphs=geometry_words(result.geometry),
        figures=geometry_figures(
            result.geometry, footer=f"{plural(len(result.geometry), 'model')} · corpus {run.fingerprint}", source=source, sink=sink
        ),
        tables=_kept(
            geometry_table(result, run, id="robustness-geometry-models", source=source),
            cosines_table(result, run, id="robustness-geometry-cosines", source=source),
            left_after_table(result, run, id="robustness-geometry-left", source=source),
        ),
    )
    graders = Section(
        id="robustness-graders",
        title="Does the answer depend on the grader?",
        paragraphs=(graders_words(result), *agreement_words(result)),
        tables=_kept(agreement_table(result, run, id="robustness-agreement", level=level, source=source)),
    )
    return (geometry, graders)


def _closing(result: RobustnessResult, run: RobustnessRun, source: str) -> tuple[Section, ...]:
    references = robustness_references(result, run)
    return (
        Section(
            id="robustness-definitions",
            title="What the numbers are, and what they are not",
            tables=_kept(definitions_table(result, id="robustness-quantities", source=source)),
        ),
        Section(
            id="robustness-run",
            title="The run",
            paragraphs=(
                f"Answered by {'; '.join(run.engines)}." if run.engines else f"Engines: {NOTHING} (not recorded).",
                *(() if run.stages else (f"Times of the stages: {NOTHING} (nobody measured them).",)),
                *(() if run.plan else (f"Plan: {NOTHING} (not recorded).",)),
            ),
            verbatim=run.plan,
            tables=_kept(
                stages_table(run, id="robustness-stages", source=source),
                excluded_table(result, id="robustness-excluded", source=source),
            ),
        ),
        Section(
            id="robustness-rules",
            title="How the answer is reached",
            paragraphs=tuple(f"{capital(rule)}." for rule in VERDICT_RULES),
        ),
        *closing_sections(
            methods=" ".join(robustness_methods(result, run)),
            references=references,
            fingerprint=run.fingerprint,
            command=run.command,
        ),
    )
