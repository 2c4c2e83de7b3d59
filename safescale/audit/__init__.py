"""Audit: what is suspicious in a corpus, rule by rule, and what is impossible in published figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safescale.audit.audit import AuditResult, NotRun, audit_corpus
    from safescale.audit.claims import verify_claim, verify_claims
    from safescale.audit.finding import Evidence, Finding, Severity
    from safescale.audit.rule import Rule
    from safescale.audit.rules import RULES
    from safescale.audit.waivers import Waived, Waiver, Waivers, read_waivers

__all__ = [
    "RULES",
    "AuditResult",
    "Evidence",
    "Finding",
    "NotRun",
    "Rule",
    "Severity",
    "Waived",
    "Waiver",
    "Waivers",
    "audit_corpus",
    "read_waivers",
    "verify_claim",
    "verify_claims",
]

_HOMES = {
    **dict.fromkeys(("verify_claim", "verify_claims"), "claims"),
    **dict.fromkeys(("AuditResult", "NotRun", "audit_corpus"), "audit"),
    **dict.fromkeys(("Evidence", "Finding", "Severity"), "finding"),
    "Rule": "rule",
    "RULES": "rules",
    **dict.fromkeys(("Waived", "Waiver", "Waivers", "read_waivers"), "waivers"),
}


def __getattr__(name: str) -> Any:
    # at first use: a claim can be verified without reading what a corpus needs
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
