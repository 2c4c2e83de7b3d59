"""A probe's result as text and as JSON; percentages only here."""

from __future__ import annotations

import json
from typing import Any

import attrs

from safescale.grade.probes.items import CONTROLS, probe_set
from safescale.grade.probes.results import MechanismResult, ProbeResult, WrongProbe
from safescale.records.rows import clip

__all__ = ["probe_json", "probe_text"]

_LISTED = 3


def probe_text(result: ProbeResult, *, texts: bool = False) -> str:
    """A line a mechanism, then the flips (``texts``: with what was graded), then the verdict in words."""
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
        shown = flips if texts else flips[:_LISTED]
        lines += [line for flip in shown for line in _flip(flip, texts=texts)]
        if len(flips) > len(shown):
            lines.append(f"  and {len(flips) - len(shown)} more (--texts shows all, with what was graded)")
    lines += ["", *(f"{name} {sentence}" for sentence in _verdicts(result))]
    return "\n".join(lines)


def _flip(flip: WrongProbe, *, texts: bool) -> list[str]:
    why = f": {clip(' '.join(flip.reason.split()))}" if flip.reason else ""
    lines = [f"  {flip.probe_id}: {flip.said.value}, expected {' or '.join(flip.expected)}{why}"]
    if texts:
        probe = probe_set().probe(flip.probe_id)
        lines += [f"    {part}" for part in (f"[prompt] {probe.item.prompt}", *f"[response] {probe.item.response}".splitlines())]
    return lines


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


def probe_json(result: ProbeResult, *, version: str, texts: bool = False) -> str:
    """Everything, as fractions; with ``texts`` also what was graded, beside every wrong one."""
    body: dict[str, Any] = {"safescale": version, **attrs.asdict(result)}
    body["failed"] = [each.name for each in result.failed]
    if texts:
        for wrong in (each for mechanism in body["mechanisms"] for each in mechanism["wrong_probes"]):
            probe = probe_set().probe(wrong["probe_id"])
            wrong["prompt"], wrong["response"] = probe.item.prompt, probe.item.response
            wrong["twin_response"] = None if probe.twin is None else probe.twin.response
    return json.dumps(body, ensure_ascii=False, indent=2)
