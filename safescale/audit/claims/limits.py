"""What cannot be: entropies above their bound, intervals that are said to be disjoint, sizes that the vendor does not know."""

from __future__ import annotations

import itertools
import math
from typing import Any, Literal

from safescale.audit.claims.claim import Disjoint, Entropy, ModelSize
from safescale.audit.claims.printed import PrintedInterval
from safescale.audit.claims.result import Reason
from safescale.registry import parse_model_id

__all__ = ["check_disjoint", "check_entropy", "check_model_size"]


def check_entropy(claim: Entropy) -> tuple[list[Reason], list[Reason]]:
    """Whether entropies stay within the logarithm of the number of classes."""
    classes = claim.classes or 2
    if classes < 1 or not claim.values:
        return [], []
    nats, bits = math.log(classes), math.log2(classes)
    shown = f"ln {classes} = {nats:.3f} nats" if claim.unit != "bits" else f"log2 {classes} = {bits:.3f} bits"
    details: dict[str, Any] = {"classes": classes, "bound_nats": nats, "bound_bits": bits}
    low = [value.float_bounds[0] for value in claim.values]
    high = [value.float_bounds[1] for value in claim.values]
    base: dict[str, Any] = {"figure": "values", "printed": "; ".join(value.text for value in claim.values)[:200]}
    if min(high) < 0:
        return [Reason(code="negative", verdict="impossible", words="an entropy is never negative", **base)], []
    largest = max(low)
    over = [value.text for value, least in zip(claim.values, low, strict=True) if least > (bits if claim.unit == "bits" else nats)]
    if not over:
        return [
            Reason(
                code="within_bound",
                verdict="reproduces",
                words=f"all {len(low)} values lie within {shown}",
                recomputed=shown,
                details=details,
                **base,
            )
        ], []
    listed = ", ".join(over[:5]) + (" ..." if len(over) > 5 else "")
    if claim.unit != "bits" and largest <= bits:
        words = f"{listed} above {shown}, the most that {classes} classes can have"
        if claim.unit is None:
            return [
                Reason(
                    code="only_in_bits",
                    verdict="reproduces only as",
                    words=f"{words}; in bits they would fit",
                    recomputed=shown,
                    details=details | {"as": "bits"},
                    **base,
                )
            ], []
        return [
            Reason(
                code="above_bound",
                verdict="impossible",
                words=f"{words} (in bits they would fit)",
                recomputed=shown,
                details=details,
                **base,
            )
        ], []
    return [
        Reason(
            code="above_bound",
            verdict="impossible",
            words=f"{listed} above {shown}, the most that {classes} classes can have",
            recomputed=shown,
            details=details,
            **base,
        )
    ], []


def check_disjoint(claim: Disjoint) -> tuple[list[Reason], list[Reason]]:
    """Whether printed intervals have no point in common, neighbours or all pairs."""
    ends = [(interval, _ends(interval)) for interval in claim.intervals]
    if len(ends) < 2 or any(end is None for _, end in ends):
        return [
            Reason(
                code="too_little", verdict="cannot be decided", figure="intervals", words="two intervals with both ends are needed"
            )
        ], []
    known = [(interval, end) for interval, end in ends if end is not None]
    pairs = list(itertools.combinations(known, 2)) if claim.pairs == "all" else list(itertools.pairwise(known))
    apart, touching, common = [], [], []
    for (first, (a, b)), (second, (c, d)) in pairs:
        name = f"{first.text} and {second.text}"
        # over the rounding of the ends: certainly apart, certainly not, or open
        if b[1] < c[0] or d[1] < a[0]:
            apart.append(name)
        elif b[0] > c[1] and d[0] > a[1]:
            common.append(name)
        else:
            touching.append(name)
    shown = f"{len(apart)} of {len(pairs)} pairs are disjoint"
    base: dict[str, Any] = {
        "figure": "intervals",
        "recomputed": shown,
        "details": {"pairs": len(pairs), "disjoint": len(apart), "touching": len(touching)},
    }
    note = Reason(
        code="disjoint_as_a_test",
        verdict=None,
        figure="intervals",
        words="disjoint 95 % intervals are a test at about .006, overlapping ones are no evidence of equality",
    )
    if claim.disjoint and not common and not touching:
        return [Reason(code="disjoint", verdict="reproduces", words=f"all {len(pairs)} pairs are disjoint", **base)], [note]
    if claim.disjoint and common:
        return [Reason(code="overlap", verdict="impossible", words=f"these overlap: {'; '.join(common[:3])}", **base)], [note]
    if not claim.disjoint and common:
        return [Reason(code="overlap", verdict="reproduces", words=f"these overlap: {'; '.join(common[:3])}", **base)], [note]
    if not claim.disjoint and not touching:
        return [Reason(code="disjoint", verdict="impossible", words=f"all {len(pairs)} pairs are disjoint", **base)], [note]
    return [Reason(code="touch", verdict="cannot be decided", words=f"the rounding decides: {'; '.join(touching[:3])}", **base)], [
        note
    ]


def _ends(interval: PrintedInterval) -> tuple[tuple[float, float], tuple[float, float]] | None:
    if interval.low is None or interval.high is None:
        return None
    scale: Literal["percent", "fraction"] = (
        "percent" if "percent" in (interval.low.scale, interval.high.scale) or interval.high.value > 1 else "fraction"
    )
    own = interval.as_fraction(scale)
    assert own.low is not None
    assert own.high is not None
    return own.low.float_bounds, own.high.float_bounds


def check_model_size(claim: ModelSize) -> tuple[list[Reason], list[Reason]]:
    """A printed size against the registry: the vendor's figure, or the one that the name says."""
    if claim.size_b is None or not claim.model:
        return [], []
    info = parse_model_id(claim.model)
    total, active = info.params_total_b, info.params_active_b
    base: dict[str, Any] = {
        "figure": "size_b",
        "printed": claim.size_b.text,
        "recomputed": None if total is None else f"{total:g}B",
    }
    details: dict[str, Any] = {
        "params_total_b": total,
        "params_active_b": active,
        "size_source": info.size_source,
        "note": info.size_note,
    }
    if total is None or info.size_source in ("unknown", "estimated"):
        words = f"no size of {claim.model} is published or known here"
        return [Reason(code="size_unknown", verdict="cannot be decided", words=words, details=details, **base)], []
    where = {"published": "the vendor's figure", "name": "its name", "declared": "the declared figure"}[info.size_source]
    if claim.size_b.meets(total, total) or _close(claim.size_b.float_bounds, total):
        return [Reason(code="size_agrees", verdict="reproduces", words=f"{where} is {total:g}B", details=details, **base)], []
    if active is not None and (claim.size_b.meets(active, active) or _close(claim.size_b.float_bounds, active)):
        words = f"{active:g}B are active, {total:g}B is the size"
        return [
            Reason(
                code="active_size",
                verdict="reproduces only as",
                words=words,
                details=details | {"as": "the active parameters"},
                **base,
            )
        ], []
    words = f"{claim.model} has {total:g}B by {where}, not {claim.size_b.text}"
    low, high = claim.size_b.float_bounds
    if info.size_source == "name" and low * 0.75 <= total <= high * 1.33:
        # a name rounds: Gemma 7B has 8.5
        return [
            Reason(
                code="nominal_size",
                verdict="cannot be decided",
                words=f"{words}; a name is a nominal size",
                details=details,
                **base,
            )
        ], []
    return [Reason(code="size_differs", verdict="impossible", words=words, details=details, **base)], []


def _close(bounds: tuple[float, float], size: float) -> bool:
    """Nominal and exact sizes of one model differ by a few percent (6.7 for 7, 8.03 for 8), up to 7.24 and 8.5 for 7."""
    low, high = bounds
    return low * 0.94 <= size <= high * 1.06
