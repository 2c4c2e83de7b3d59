"""The report of a robustness study: page, Markdown, JSON, figures and tables; and the answer for a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from safescale._version import __version__
from safescale.analyses import to_jsonable
from safescale.analyses.words import capital, percent, plural
from safescale.report import numbers
from safescale.report.document import Document, every_section
from safescale.report.experiment_document import SIMULATED, experiment_document, write_experiment_files
from safescale.report.figures.robustness import curves_of, trained_data_sizes
from safescale.report.figures.sink import FigureSink
from safescale.report.ingest_report import aligned
from safescale.report.plain import plain
from safescale.report.robustness_facts import RobustnessRun
from safescale.report.robustness_figures import rrr_of
from safescale.report.robustness_numbers import Reasons
from safescale.report.robustness_section import robustness_findings, robustness_sections
from safescale.report.robustness_tables import attack_words, defence_words
from safescale.report.robustness_words import QUESTION, answer_words, first_words, further_words, verdict_words
from safescale.studies.robustness.plain_values import plain_values
from safescale.studies.robustness.results import GraderFindings, RobustnessResult

__all__ = ["TITLE", "robustness_document", "robustness_json", "robustness_text", "write_robustness_files"]

TITLE = "Refusal robustness: does attack compute outweigh model size?"
_SHOWN_DEFENCES = 12


def robustness_document(result: RobustnessResult, run: RobustnessRun, sink: FigureSink | None = None) -> Document:
    """The report as a document; with a sink its figures are drawn and written."""
    return experiment_document(
        title=TITLE,
        fingerprint=run.fingerprint,
        command=run.command,
        simulated=run.simulated,
        findings=robustness_findings(result),
        sections=robustness_sections(result, run, sink),
    )


def write_robustness_files(result: RobustnessResult, run: RobustnessRun, staging: Path, into: Path) -> tuple[Path, ...]:
    """
    Write the report to ``staging``, then move its files to ``into``.

    Parameters
    ----------
    result : RobustnessResult
        What was found.
    run : RobustnessRun
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
        lambda sink: robustness_document(result, run, sink),
        lambda document: _json(result, run, document),
        staging,
        into,
        simulated=run.simulated,
    )


def robustness_json(result: RobustnessResult, run: RobustnessRun, files: Sequence[Path] = ()) -> str:
    """The whole result, the facts of the run, findings, warnings and files as one JSON object; nothing rounded."""
    return _json(result, run, robustness_document(result, run), files)


def _json(result: RobustnessResult, run: RobustnessRun, document: Document, files: Sequence[Path] = ()) -> str:
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
        "fingerprint": run.fingerprint,
        "findings": to_jsonable(document.findings),
        "warnings": [words for _, section in every_section(document.whole) for words in section.warnings],
        "robustness": plain_values(result),
        "run": to_jsonable(run),
        "figures": figures,
        **({"files": [str(path) for path in files]} if files else {}),
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)


def robustness_text(result: RobustnessResult, run: RobustnessRun, files: Sequence[Path] = ()) -> str:
    """Answer, what broke, caveats, then RRR by size and steps, defences, and the documents that were written, for a terminal."""
    mark = [f"{SIMULATED}: the responses are of no model."] if run.simulated else []
    lines = [
        *mark,
        f"safescale {__version__}, corpus {run.fingerprint}",
        "",
        QUESTION,
        f"verdict: {verdict_words(result.verdict, result.design.compute_unit)}",
        f"answer: {answer_words(result)}",
        "",
        *first_words(result, run),
        *([""] if further_words(result) else []),
        *further_words(result),
    ]
    if result.graders:
        lines += [*_curve(result.graders[0]), *_defences(result.graders[0])]
    if run.stages:
        measured = [stage.wall_s for stage in run.stages if stage.wall_s is not None]
        told = ", ".join(f"{s.name} {numbers.NOTHING if s.wall_s is None else f'{s.wall_s:.0f} s'}" for s in run.stages)
        lines += ["", f"{capital(plural(len(run.stages), 'stage'))}: {told}; {sum(measured):.0f} s measured"]
    lines += ["", f"command: {run.command}"]
    shown = [path for path in files if path.suffix in (".html", ".md", ".json") and path.name.startswith("report.")]
    lines += [f"written: {path}" for path in shown]
    return "\n".join(plain(line) for text in lines for line in text.split("\n"))


def _curve(findings: GraderFindings) -> list[str]:
    """RRR by size and steps at the largest data size without defence: means over models and attack seeds."""
    sizes = trained_data_sizes(findings.cells, "none")
    curves = curves_of(findings.cells, rrr_of, defence="none", examples=sizes[-1]) if sizes else {}
    if not curves:
        return ["", f"grader {findings.grader}: no RRR against attack compute"]
    steps = sorted({point.steps for points in curves.values() for point in points})
    rows = []
    for size, points in curves.items():
        at = {point.steps: point.mean for point in points}
        rows.append((numbers.size(size), *(percent(at[n]) if n in at else numbers.NOTHING for n in steps)))
    title = f"RRR by steps, {sizes[-1]:,} pairs, no defence, grader {findings.grader}: means over models and attack seeds of a size"
    return ["", title, aligned([("size", *(f"{n:,}" for n in steps)), *rows])]


def _defences(findings: GraderFindings) -> list[str]:
    """What defences give and cost, in short."""
    sizes = trained_data_sizes(findings.cells, "none")
    shown = [one for one in findings.defences if not sizes or one.attack.examples in (None, sizes[-1])]
    if not shown:
        return []
    why = Reasons()
    header = ("defence", "attack", "refused more under attack", "over-refusal added", "benign accuracy lost")
    rows = [
        (
            *(defence_words(one.defence), attack_words(one.attack)),
            *(why.estimate(found, "difference") for found in (one.gain, one.over_refusal_cost, one.accuracy_cost)),
        )
        for one in shown[:_SHOWN_DEFENCES]
    ]
    left = len(findings.defences) - len(rows)
    more = [f"{left:,} more in the report"] if left else []
    return ["", aligned([header, *rows], left=2), *more, *why.notes]
