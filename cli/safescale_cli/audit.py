"""``safescale audit``."""

from __future__ import annotations

import enum
from typing import Annotated

import typer

from safescale_cli.asking import Asked, asks
from safescale_cli.console import EXIT_FINDINGS, byte_progress, stage_line
from safescale_cli.validate import OutputFormat
from safescale_cli.waiving import WaiversOption, waivers_of


class FailOn(enum.StrEnum):
    """The lightest finding that makes the command exit with 1."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


@asks(without=("tier", "grader", "min_cell", "alpha", "margin_pp", "claim_class", "corrected", "cells"))
def audit(
    asked: Asked,
    *,
    output: Annotated[OutputFormat, typer.Option("--format", help="Form of the output.")] = OutputFormat.RICH,
    waivers: WaiversOption = None,
    fail_on: Annotated[FailOn, typer.Option("--fail-on", help="Exit with 1 from this weight on.")] = FailOn.WARNING,
    list_rules: Annotated[bool, typer.Option("--list-rules", help="Print the rules and do nothing else.")] = False,
) -> None:
    """Say what is suspicious in a corpus or in graded logs, with the rows that show it. Exit 1: something is, as --fail-on says."""
    from safescale.audit import RULES, Severity

    if list_rules:
        import json

        from safescale.report.audit_rules import rules_json, rules_text

        typer.echo(json.dumps(rules_json(RULES.values()), indent=2) if asked.json_output else rules_text(RULES.values()))
        return
    from safescale.main_job import audit as run

    read = waivers_of(waivers)
    with byte_progress("read", asked.paths) as progress:
        found = run(asked.reading, selection=asked.question.selection, waivers=read, progress=progress, stage=stage_line)
    told = found.told("json" if asked.json_output else output.value)
    if told:
        typer.echo(told)
    if fail_on is not FailOn.NEVER and (
        found.result.at_or_above(Severity(fail_on.value)) or any(rule.failed for rule in found.result.not_run)
    ):
        raise typer.Exit(EXIT_FINDINGS)
