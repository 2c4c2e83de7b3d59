"""What an audit found: text for people, JSON for programs, annotations for GitHub."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Final

from safescale.analyses import to_jsonable
from safescale.analyses.words import and_list, plural
from safescale.audit import AuditResult, Evidence, Finding, Severity
from safescale.report.github import AnnotationLevel, annotation
from safescale.report.plain import plain

__all__ = ["audit_github", "audit_json", "audit_text", "counts_words", "evidence_words"]

_LEVELS: Final[Mapping[Severity, AnnotationLevel]] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "notice",
}
_WIDTH: Final = 118
SHOWN_PLACES: Final = 3


def counts_words(result: AuditResult) -> str:
    """``2 errors, 1 warning, no note``; what did not run is said too."""
    nouns = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    parts = [plural(count, nouns[severity]) if count else f"no {nouns[severity]}" for severity, count in result.counts.items()]
    words = f"{and_list(parts)} from {plural(len(result.rules_run), 'rule')}"
    if result.waived:
        words += f"; {len(result.waived):,} waived"
    lacking = [rule.code for rule in result.not_run if not rule.failed]
    if lacking:
        words += f"; {plural(len(lacking), 'rule')} had nothing to look at"
    return words


def evidence_words(evidence: Evidence, shown: int = SHOWN_PLACES) -> str:
    """How many, and where the first of them are."""
    words = plural(evidence.total, evidence.unit)
    if evidence.places:
        # one file named once: its rows follow
        files: dict[str, list[str]] = {}
        for file, row in evidence.places[:shown]:
            files.setdefault(file, []).append(str(row))
        places = ", ".join(f"{file}:{','.join(rows)}" for file, rows in files.items())
        return f"{words}: {places}{', ...' if evidence.total > min(shown, len(evidence.places)) else ''}"
    names = ", ".join(evidence.ids[:shown])
    return f"{words}: {names}{', ...' if evidence.total > min(shown, len(evidence.ids)) else ''}" if names else words


def audit_text(result: AuditResult) -> str:
    """Findings, heaviest first; each with reason, advice and evidence; once per rule what is the same for all."""
    lines = [f"corpus {result.fingerprint}", counts_words(result), ""]
    for code in dict.fromkeys(finding.code for finding in result.findings):
        same = [finding for finding in result.findings if finding.code == code]
        lines += _of_rule(same)
    for waived in result.waived:
        lines.append(f"waived {waived.finding.code} {waived.finding.subject!r}: {waived.waiver.reason}")
    lines += [f"waivers: {problem}" for problem in result.waiver_problems]
    lines += [f"{r.code} {'FAILED, report this' if r.failed else 'did not run'}: {r.reason}" for r in result.not_run]
    if not result.findings:
        lines.append("nothing suspicious was found" if not any(r.failed for r in result.not_run) else "the audit is incomplete")
    return "\n".join(plain(line) for line in lines)


def _of_rule(same: list[Finding]) -> list[str]:
    first = same[0]
    lines = [f"{first.severity.value.upper()} {first.code} {first.rule}: {first.title}"]
    for finding in same:
        mark = "" if finding.severity is first.severity else f"({finding.severity.value}) "
        lines += _wrapped(f"{mark}{finding.found}", "  - ", "    ")
        lines += _wrapped(f"{evidence_words(finding.evidence)}; waive as subject: {finding.subject}", "    ", "    ")
    return [*lines, *_wrapped(f"why: {first.why}", "  ", "    "), *_wrapped(f"do: {first.todo}", "  ", "    "), ""]


def _wrapped(words: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        plain(words), _WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def audit_json(result: AuditResult, *, version: str, command: str) -> str:
    """Everything as one JSON object."""
    whole = {
        "safescale": version,
        "command": command,
        "fingerprint": result.fingerprint,
        "counts": {severity.value: count for severity, count in result.counts.items()},
        "findings": to_jsonable(result.findings),
        "waived": to_jsonable(result.waived),
        "waiver_problems": list(result.waiver_problems),
        "rules_run": list(result.rules_run),
        "not_run": to_jsonable(result.not_run),
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)


def audit_github(result: AuditResult) -> str:
    """One workflow annotation for each finding, at its first row."""
    lines = []
    for finding in result.findings:
        file, row = finding.evidence.places[0] if finding.evidence.places else (None, 0)
        words = f"{finding.found} ({evidence_words(finding.evidence)}). {finding.why} {finding.todo}"
        title = f"{finding.code} {finding.rule}"
        lines.append(annotation(_LEVELS[finding.severity], words, title=title, file=file, line=row))
    lines += [annotation("warning", problem, title="safescale audit waivers") for problem in result.waiver_problems]
    lines += [annotation("error", f"{r.code} failed: {r.reason}", title="safescale audit") for r in result.not_run if r.failed]
    return "\n".join(lines)
