"""All rules over one corpus."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from safescale.audit.corpus_facts import AuditFacts
from safescale.audit.finding import Finding, Severity
from safescale.audit.rule import CannotRun
from safescale.audit.rules import RULES
from safescale.audit.waivers import Waived, Waivers
from safescale.cells import Selection
from safescale.store.base import Corpus

__all__ = ["AuditResult", "NotRun", "audit_corpus"]


@attrs.frozen(kw_only=True)
class NotRun:
    """A rule that did not run, and why; ``failed`` where that is a fault of safescale and not for want of data."""

    code: str
    reason: str
    failed: bool = False


@attrs.frozen(kw_only=True)
class AuditResult:
    """
    What an audit found.

    Attributes
    ----------
    fingerprint : str
        Fingerprint of the corpus.
    findings : tuple of Finding
        Open findings, the heaviest first.
    waived : tuple of Waived
        Findings that a waiver covers, with it.
    waiver_problems : tuple of str
        What is wrong with the waivers: an unknown code, no reason, expired, meets nothing.
    rules_run : tuple of str
        Codes of the rules that ran.
    not_run : tuple of NotRun
        Rules that could not, and why.
    """

    fingerprint: str
    findings: tuple[Finding, ...]
    waived: tuple[Waived, ...] = ()
    waiver_problems: tuple[str, ...] = ()
    rules_run: tuple[str, ...]
    not_run: tuple[NotRun, ...] = ()

    @property
    def counts(self) -> Mapping[Severity, int]:
        """Open findings by severity, the heaviest first."""
        return {severity: sum(f.severity is severity for f in self.findings) for severity in Severity}

    def at_or_above(self, severity: Severity) -> tuple[Finding, ...]:
        """Open findings that weigh at least this much."""
        return tuple(finding for finding in self.findings if finding.severity.rank <= severity.rank)


def audit_corpus(
    corpus: Corpus,
    *,
    selection: Selection | None = None,
    waivers: Waivers | None = None,
    rules: Sequence[str] | None = None,
    stage: Callable[[str], None] | None = None,
) -> AuditResult:
    """
    Look for everything that is suspicious in a graded corpus.

    Parameters
    ----------
    corpus : Corpus
        Open for reading.
    selection : Selection, optional
        What the user's analyses leave out; the defaults when absent. Rules look at what is left out, too.
    waivers : Waivers, optional
        Findings that somebody has looked at, each with a reason.
    rules : sequence of str, optional
        Codes of the rules to run; all when absent.
    stage : callable, optional
        Told which rule is running.

    Returns
    -------
    AuditResult
        Findings with their evidence, and which rules ran. A rule that fails is reported and never stops the others.

    Raises
    ------
    DataError
        When the corpus cannot be read.
    """
    facts = AuditFacts(corpus, selection)
    findings: list[Finding] = []
    run: list[str] = []
    not_run: list[NotRun] = []
    for code, rule in RULES.items():
        if rules is not None and code not in rules:
            continue
        if stage is not None:
            stage(f"{code} {rule.name}")
        try:
            findings += rule.findings(facts)
        except CannotRun as lack:
            not_run.append(NotRun(code=code, reason=str(lack)))
        except Exception as error:
            # a report must not be lost to a rule that meets data nobody thought of; it is said, never swallowed
            not_run.append(NotRun(code=code, reason=f"{type(error).__name__}: {error}", failed=True))
        else:
            run.append(code)
    findings.sort(key=lambda finding: finding.order)
    applied = (Waivers() if waivers is None else waivers).apply(tuple(findings), known=RULES)
    return AuditResult(
        fingerprint=corpus.fingerprint(),
        findings=applied.open,
        waived=applied.waived,
        waiver_problems=applied.problems,
        rules_run=tuple(run),
        not_run=tuple(not_run),
    )
