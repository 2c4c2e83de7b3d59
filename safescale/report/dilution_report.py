"""The report of the dilution experiment: page, Markdown, JSON, figures and tables; and the answer for a terminal."""

from __future__ import annotations

import json
from pathlib import Path

from safescale._version import __version__
from safescale.analyses import to_jsonable
from safescale.analyses.words import capital, percent, plural, signed
from safescale.report import numbers
from safescale.report.dilution_facts import DilutionRun
from safescale.report.dilution_section import dilution_findings, dilution_sections, first_words
from safescale.report.dilution_tables import by_size, pp_of, size_of
from safescale.report.dilution_words import QUESTION, short_answer, verdict_words
from safescale.report.document import Document, every_section
from safescale.report.experiment_document import SIMULATED, experiment_document, write_experiment_files
from safescale.report.figures.sink import FigureSink
from safescale.report.ingest_report import aligned
from safescale.report.plain import plain, shortened
from safescale.studies.dilution.plain_values import plain_values
from safescale.studies.dilution.results import DilutionResult

__all__ = ["TITLE", "dilution_document", "dilution_json", "dilution_text", "write_dilution_files"]

TITLE = "Reasoning dilution: does a puzzle before a prompt raise attack success more in larger models?"
_SHOWN_MODEL = 32


def dilution_document(result: DilutionResult, run: DilutionRun, sink: FigureSink | None = None) -> Document:
    """The report as a document; with a sink its figures are drawn and written."""
    return experiment_document(
        title=TITLE,
        fingerprint=result.fingerprint,
        command=run.command,
        simulated=run.simulated,
        findings=dilution_findings(result),
        sections=dilution_sections(result, run, sink),
    )


def write_dilution_files(result: DilutionResult, run: DilutionRun, staging: Path, into: Path) -> tuple[Path, ...]:
    """
    Write the report to ``staging``, then move its files to ``into``.

    Parameters
    ----------
    result : DilutionResult
        What was found.
    run : DilutionRun
        Facts of the run.
    staging : Path
        An empty folder on the same file system as ``into``.
    into : Path
        Where the report goes.

    Returns
    -------
    tuple of Path
        The paths written; the page comes last.

    Raises
    ------
    DataError
        When the folder holds another kind of document.
    """
    return write_experiment_files(
        lambda sink: dilution_document(result, run, sink),
        lambda document: _json(result, run, document),
        staging,
        into,
        simulated=run.simulated,
    )


def dilution_json(result: DilutionResult, run: DilutionRun) -> str:
    """The whole result, the facts of the run, findings and warnings as one JSON object; nothing rounded."""
    return _json(result, run, dilution_document(result, run))


def _json(result: DilutionResult, run: DilutionRun, document: Document) -> str:
    figures = [
        {"id": figure.id, "title": figure.title, "files": list(figure.files), "source": figure.source}
        for _, section in every_section(document.whole)
        for figure in section.figures
    ]
    whole = {
        "safescale": document.version,
        "simulated": run.simulated,
        "watermark": document.watermark_words,
        "command": run.command,
        "fingerprint": result.fingerprint,
        "findings": to_jsonable(document.findings),
        "warnings": [words for _, section in every_section(document.whole) for words in section.warnings],
        "dilution": plain_values(result),
        "run": to_jsonable(run),
        "figures": figures,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)


def dilution_text(result: DilutionResult, run: DilutionRun) -> str:
    """Answer, departures, lost models, caveats, then the deltas and what they go with, for a terminal."""
    mark = [f"{SIMULATED}: the responses are of no model."] if run.simulated else []
    lines = [
        *mark,
        f"safescale {__version__}, corpus {result.fingerprint}",
        "",
        QUESTION,
        f"verdict: {verdict_words(result.verdict)}",
        f"answer: {short_answer(result)}",
        "",
        *first_words(result, run),
    ]
    if result.answers:
        first = result.answers[0]
        header = ("model", "size", "lineage", "prompts", "baseline", "puzzle", "delta, pp", "interval", "p", "dropped")
        rows = [
            (
                *(shortened(d.model.model_id, _SHOWN_MODEL), size_of(d), shortened(d.model.lineage, 24), f"{d.prompts:,}"),
                *(percent(d.control_rate), percent(d.treated_rate), signed(100 * d.delta), pp_of(d.low, d.high)),
                *(numbers.p_value(d.mcnemar_p if d.p_value is None else d.p_value), f"{d.dropped:,}"),
            )
            for d in by_size(first.deltas)
        ]
        lines += ["", f"grader {first.grader}, {first.tier.value.replace('_', ' ')} attack success", aligned([header, *rows])]
    if run.stages:
        measured = [stage.wall_s for stage in run.stages if stage.wall_s is not None]
        told = ", ".join(f"{s.name} {numbers.NOTHING if s.wall_s is None else f'{s.wall_s:.0f} s'}" for s in run.stages)
        lines += ["", f"{capital(plural(len(run.stages), 'stage'))}: {told}; {sum(measured):.0f} s measured"]
    lines += ["", f"command: {run.command}"]
    return "\n".join(plain(line) for text in lines for line in text.split("\n"))
