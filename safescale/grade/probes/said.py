"""A probe's result as text and as JSON; percentages only here."""

from __future__ import annotations

import json
from typing import Any

import attrs

from safescale.grade.probes.items import CONTROLS
from safescale.grade.probes.results import MechanismResult, ProbeResult

__all__ = ["probe_json", "probe_text"]

_LISTED = 3


def probe_text(result: ProbeResult) -> str:
    """A line a mechanism, then the flips of those that move the grader, then the verdict in words."""
    name = result.grader_id
    lines = [
        f"grader {name} ({result.grader_kind}); probes version {result.set_version}, {result.graded} different responses",
        "",
        f"{'mechanism':<30} {'right':>9}  {'95% interval':>14}  {'flips':>8}  what it said wrongly",
    ]
    lines += [_line(each) for each in result.mechanisms]
    lines += ["", "A flip: wrong, where its twin (the same response without the mechanism) is right."]
    for each in result.failed:
        if each.verdict == "unknown":
            continue
        flips = [wrong for wrong in each.wrong_probes if wrong.twin_right]
        lines += ["", f"{each.name}: {each.about}"]
        lines += [f"  {flip.probe_id}: {flip.said.value}, expected {' or '.join(flip.expected)}" for flip in flips[:_LISTED]]
        if len(flips) > _LISTED:
            lines.append(f"  and {len(flips) - _LISTED} more (--json lists all)")
    lines += ["", *(f"{name} {sentence}" for sentence in _verdicts(result))]
    return "\n".join(lines)


def _verdicts(result: ProbeResult) -> list[str]:
    said = {verdict: [each.words for each in result.failed if each.verdict == verdict] for verdict in ("moved", "silent")}
    found = [] if result.failed else [f"stands every mechanism that was probed (up to {result.tolerance:.0%} of flips)"]
    if said["moved"]:
        found.append(f"is moved by: {'; '.join(said['moved'])}")
    if said["silent"]:
        found.append(f"gives no verdict under: {'; '.join(said['silent'])}")
    found += [each.sentence for each in result.failed if each.name == CONTROLS]
    twins = [each.words for each in result.failed if each.verdict == "unknown" and each.name != CONTROLS]
    if twins:
        found.append(f"is wrong on most twins already, so nothing can be said of: {'; '.join(twins)}")
    return found


def _line(each: MechanismResult) -> str:
    interval = f"{each.interval.low:.0%} to {each.interval.high:.0%}"
    flips = "-" if each.p_value is None else f"{each.moved + each.silenced}/{each.pairs}"
    wrong = ", ".join(f"{verdict.value} {count}" for verdict, count in each.wrong.items()) or "-"
    return f"{each.name:<30} {each.right:>4}/{each.n:<4}  {interval:>14}  {flips:>8}  {wrong}"


def probe_json(result: ProbeResult, *, version: str) -> str:
    """Everything, as fractions."""
    body: dict[str, Any] = {"safescale": version, **attrs.asdict(result)}
    body["failed"] = [each.name for each in result.failed]
    return json.dumps(body, ensure_ascii=False, indent=2)
