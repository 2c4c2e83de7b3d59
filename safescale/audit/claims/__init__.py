"""statcheck for safety claims: are published figures possible, consistent and complete, from what is printed alone."""

from __future__ import annotations

from safescale.audit.claims.claim import (
    KINDS,
    Association,
    Claim,
    Correlation,
    Difference,
    Disjoint,
    Entropy,
    EtaSquaredClaim,
    Kappa,
    ModelSize,
    Proportion,
    Ratio,
    Regression,
    Series,
    SlopeLabel,
    TestStatistic,
    Totals,
)
from safescale.audit.claims.fields import claim_from_fields
from safescale.audit.claims.printed import Printed, PrintedInterval, read_interval, read_printed
from safescale.audit.claims.read import ColumnMap, read_claims, verify_claims
from safescale.audit.claims.result import ClaimResult, Reason, Verdict
from safescale.audit.claims.verify import verify_claim

__all__ = [
    "KINDS",
    "Association",
    "Claim",
    "ClaimResult",
    "ColumnMap",
    "Correlation",
    "Difference",
    "Disjoint",
    "Entropy",
    "EtaSquaredClaim",
    "Kappa",
    "ModelSize",
    "Printed",
    "PrintedInterval",
    "Proportion",
    "Ratio",
    "Reason",
    "Regression",
    "Series",
    "SlopeLabel",
    "TestStatistic",
    "Totals",
    "Verdict",
    "claim_from_fields",
    "read_claims",
    "read_interval",
    "read_printed",
    "verify_claim",
    "verify_claims",
]
