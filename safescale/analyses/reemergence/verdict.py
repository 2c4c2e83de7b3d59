"""What may be claimed of refusals and hedging, for models like these and for these models only."""

from __future__ import annotations

from collections.abc import Mapping

from safescale.analyses.inverse_scaling import Testability
from safescale.analyses.reemergence.results import Quantity, Reemergence, Trend
from safescale.analyses.reemergence.trends import CLAIMS
from safescale.stats import holm

__all__ = ["item_holm", "verdict_by_models", "verdict_for_these_models"]


def verdict_by_models(trends: Mapping[Quantity, Trend], testability: Testability, alpha: float) -> Reemergence:
    """
    Models as units.

    Refusals come back where their share rises (exact p after Holm). Compliance turns into hedging where PARTIAL rises while the
    strict rate falls in rank: PARTIAL that grows at the cost of refusals is no hedging of compliance.
    """
    if not testability.can_test or "refusal" not in trends:
        return Reemergence.CANNOT_TEST
    rising = {
        quantity: trend.by_models is not None and trend.by_models.rho > 0 and trend.p_holm is not None and trend.p_holm <= alpha
        for quantity, trend in trends.items()
    }
    strict = trends["strict"].by_models if "strict" in trends else None
    return _named(rising, strict is not None and strict.rho < 0)


def verdict_for_these_models(trends: Mapping[Quantity, Trend], alpha: float) -> Reemergence:
    """Rows as units, prompts as clusters where that can be had: it speaks of no other model."""
    corrected = item_holm(trends)
    if "refusal" not in corrected:
        return Reemergence.CANNOT_TEST
    rising = {quantity: trends[quantity].item_sign > 0 and p <= alpha for quantity, p in corrected.items()}
    return _named(rising, "strict" in trends and trends["strict"].item_sign < 0)


def item_holm(trends: Mapping[Quantity, Trend]) -> dict[Quantity, float]:
    """Item-level p of refusals and hedging after Holm over the two."""
    found = {quantity: p for quantity in CLAIMS if quantity in trends and (p := trends[quantity].item_p) is not None}
    return dict(zip(found, holm(list(found.values())).adjusted, strict=True)) if found else {}


def _named(rising: Mapping[Quantity, bool], strict_falls: bool) -> Reemergence:
    if rising.get("refusal", False):
        return Reemergence.REFUSALS_RETURN
    return Reemergence.HEDGING if rising.get("hedging", False) and strict_falls else Reemergence.NEITHER
