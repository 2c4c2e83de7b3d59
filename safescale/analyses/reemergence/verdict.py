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

    Refusals and hedging move where their exact p holds after Holm, in the direction of rho. Compliance turns into hedging where
    PARTIAL rises while the strict rate falls in rank: PARTIAL that grows at the cost of refusals is no hedging of compliance.
    """
    if not testability.can_test or "refusal" not in trends:
        return Reemergence.CANNOT_TEST
    signs = {
        quantity: _sign(trend.by_models.rho)
        for quantity, trend in trends.items()
        if trend.by_models is not None and trend.p_holm is not None and trend.p_holm <= alpha
    }
    strict = trends["strict"].by_models if "strict" in trends else None
    return _named(signs, strict is not None and strict.rho < 0)


def verdict_for_these_models(trends: Mapping[Quantity, Trend], alpha: float) -> Reemergence:
    """Rows as units, prompts as clusters where that can be had: it speaks of no other model."""
    corrected = item_holm(trends)
    if "refusal" not in corrected:
        return Reemergence.CANNOT_TEST
    signs = {quantity: trends[quantity].item_sign for quantity, p in corrected.items() if p <= alpha}
    return _named(signs, "strict" in trends and trends["strict"].item_sign < 0)


def item_holm(trends: Mapping[Quantity, Trend]) -> dict[Quantity, float]:
    """Item-level p of refusals and hedging after Holm over the two."""
    found = {quantity: p for quantity in CLAIMS if quantity in trends and (p := trends[quantity].item_p) is not None}
    return dict(zip(found, holm(list(found.values())).adjusted, strict=True)) if found else {}


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _named(signs: Mapping[Quantity, int], strict_falls: bool) -> Reemergence:
    """The verdict by the direction of what is shown to move; what is not shown to move has none."""
    refusal, hedging = signs.get("refusal", 0), signs.get("hedging", 0)
    if refusal > 0:
        return Reemergence.REFUSALS_RETURN
    if hedging > 0 and strict_falls:
        return Reemergence.HEDGING
    if refusal < 0:
        return Reemergence.REFUSALS_FALL_HEDGING_RISES if hedging > 0 else Reemergence.REFUSALS_FALL
    if hedging > 0:
        return Reemergence.HEDGING_RISES
    return Reemergence.HEDGING_FALLS if hedging < 0 else Reemergence.NEITHER
