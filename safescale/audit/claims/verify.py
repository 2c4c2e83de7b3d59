"""One claim, or a file of them, to verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from safescale.audit.claims.claim import (
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
from safescale.audit.claims.correlation import check_correlation
from safescale.audit.claims.difference import check_difference
from safescale.audit.claims.fields import claim_from_fields
from safescale.audit.claims.kappa import check_kappa
from safescale.audit.claims.label import check_series, check_slope_label
from safescale.audit.claims.limits import check_disjoint, check_entropy, check_model_size
from safescale.audit.claims.possible import check_proportion
from safescale.audit.claims.printed import Printed
from safescale.audit.claims.regression import check_regression
from safescale.audit.claims.result import ClaimResult, Reason, compose
from safescale.audit.claims.tables import check_association, check_statistic
from safescale.audit.claims.totals import check_ratio, check_totals
from safescale.audit.claims.variance_share import check_eta_squared

__all__ = ["verify_claim"]

_CHECKS: Final[Mapping[type[Claim], Callable[[Any], tuple[list[Reason], list[Reason]]]]] = {
    Proportion: check_proportion,
    Correlation: check_correlation,
    Regression: check_regression,
    EtaSquaredClaim: check_eta_squared,
    Ratio: check_ratio,
    Association: check_association,
    Difference: check_difference,
    Kappa: check_kappa,
    Totals: check_totals,
    Series: check_series,
    SlopeLabel: check_slope_label,
    ModelSize: check_model_size,
    Entropy: check_entropy,
    Disjoint: check_disjoint,
    TestStatistic: check_statistic,
}


def verify_claim(claim: Claim | Mapping[str, Any]) -> ClaimResult:
    """
    Check a published claim from its printed figures alone.

    Parameters
    ----------
    claim : Claim or mapping
        A claim, or its fields by name with ``kind``; figures as printed, as text.

    Returns
    -------
    ClaimResult
        Verdict ("reproduces", "reproduces only as", "impossible", "cannot be decided"), reasons, and what was left out.

    Raises
    ------
    DataError
        If a field is unknown or a figure cannot be read.

    Examples
    --------
    A percentage that no whole number of rows gives:

    >>> from safescale.audit import verify_claim
    >>> result = verify_claim({"kind": "proportion", "n": "32", "percentage": "10.2 %"})
    >>> result.verdict, result.reasons[0].recomputed
    ('impossible', '9.4 %')

    A p that comes out only with the wrong distribution:

    >>> result = verify_claim({"kind": "correlation", "value": "-.107", "n": "21", "p": ".640"})
    >>> result.verdict, result.as_what
    ('reproduces only as', 'a normal distribution where Student's t belongs')
    """
    own = claim if isinstance(claim, Claim) else claim_from_fields(claim)
    reasons, left_out = _CHECKS[type(own)](own)
    p = getattr(own, "p", None)
    if isinstance(p, Printed) and (p.float_bounds[0] > 1 or p.float_bounds[1] < 0):
        reasons = [
            Reason(code="no_probability", verdict="impossible", figure="p", printed=p.text, words="a p-value lies from 0 to 1"),
            *reasons,
        ]
    return compose(id=own.id, kind=own.kind, source=own.source, printed=own.printed, reasons=reasons, left_out=left_out)
