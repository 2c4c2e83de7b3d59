"""The open findings of the audit, as a section of a report: before the answers, because they bear on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from safescale.audit import AuditResult, Finding, Severity
from safescale.report.audit_report import counts_words, evidence_words
from safescale.report.document import Section, Table
from safescale.report.provenance import source_line
from safescale.report.switches import command_line
from safescale.report.table import table

__all__ = ["SECTION", "audit_section"]

SECTION: Final = "audit"
SHOWN_FIRST: Final = 5
"""So many findings stand as sentences; all of them in the table."""


def audit_section(result: AuditResult, arguments: Sequence[str], rows: str) -> Section:
    """
    Counts by severity, the heaviest findings in words, all in a table.

    Parameters
    ----------
    result : AuditResult
        What was found.
    arguments : sequence of str
        Arguments of the command that audits the same.
    rows : str
        What was looked at, in words.
    """
    command = command_line(["audit"], list(arguments))
    heavy = [finding for finding in result.findings if finding.severity is not Severity.INFO]
    first = [f"{_mark(finding)}: {finding.found}" for finding in _one_a_rule(heavy)[:SHOWN_FIRST]]
    more = len(heavy) - len(first)
    if more > 0:
        first.append(f"{more:,} more of this weight in the table below")
    failed = tuple(f"rule {r.code} did not run ({r.reason}): this part of the audit is missing" for r in result.not_run if r.failed)
    words = counts_words(result)
    if not result.findings:
        words += ". Nothing suspicious was found"
    tables: tuple[Table, ...] = ()
    if result.findings:
        tables = (
            table(
                "audit-findings",
                "Open findings of the audit",
                ("code", "severity", "finding", "what was found", "where", "what to do"),
                (),
                tuple((f.code, f.severity.value, f.title, f.found, evidence_words(f.evidence), f.todo) for f in result.findings),
                source_line(command, result.fingerprint, rows, "no rate", f"{len(result.waived):,} findings waived"),
                (
                    "What each rule looks at, and from where on it speaks, stands in the reference of safescale: Rules of the "
                    "audit.",
                ),
            ),
        )
    return Section(
        id=SECTION,
        title="Open findings of the audit",
        paragraphs=(f"{words[0].upper()}{words[1:]}.",),
        warnings=(*first, *failed),
        commands=(command,) if result.findings else (),
        tables=tables,
    )


def _one_a_rule(findings: Sequence[Finding]) -> list[Finding]:
    """The heaviest of each rule first, then the others."""
    leads = list({finding.code: finding for finding in reversed(findings)}.values())
    leads.sort(key=lambda finding: finding.order)
    return leads + [finding for finding in findings if finding not in leads]


def _mark(finding: Finding) -> str:
    return f"{finding.severity.value} {finding.code}, {finding.title[0].lower()}{finding.title[1:]}"
