"""
What every benchmark keeps, and the check against the last release.

A ratio says how many times faster (or better) ours is than its peer or floor, so higher is better. Ratios of one program on one
kind of machine are comparable; absolute times are not. An entry written with ``--release`` is what later runs are checked against.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HISTORY = Path(__file__).with_name("history.jsonl")
WORSE = 0.8
"""A ratio below this share of the last release's is a regression."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--check``, ``--no-history`` and ``--release``."""
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is missed or a ratio fell by a fifth")
    parser.add_argument("--no-history", action="store_true", help="keep nothing")
    parser.add_argument("--release", action="store_true", help="keep this as what later runs are checked against")


def machine() -> str:
    """The kind of machine: processor, cores, Python."""
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    processor = found[1] if found else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} threads, Python {'.'.join(platform.python_version_tuple()[:2])}"


def last_release(program: str, history: Path = HISTORY) -> dict[str, Any] | None:
    """The last entry of this program on this kind of machine that was written as a release."""
    lines = history.read_text(encoding="utf-8").splitlines() if history.is_file() else []
    entries = [json.loads(line) for line in lines if line.strip()]
    mine = [e for e in entries if e.get("program") == program and e.get("release") and e["machine"] == machine()]
    return mine[-1] if mine else None


def regressions(ratios: Mapping[str, float], before: Mapping[str, float]) -> list[str]:
    """Ratios that fell by more than a fifth; one that is gone counts as one."""
    worse = [
        f"{name}: {ratios[name]:.3g}, {old:.3g} at the last release"
        for name, old in before.items()
        if name in ratios and ratios[name] < WORSE * old
    ]
    return worse + [
        f"{name}: no longer measured, {old:.3g} at the last release" for name, old in before.items() if name not in ratios
    ]


def finish(
    program: str,
    ratios: Mapping[str, float],
    arguments: argparse.Namespace,
    *,
    missed: Sequence[str] = (),
    history: Path = HISTORY,
    **facts: Any,
) -> int:
    """
    Keep the ratios, compare them with the last release, say which goals were missed; gives the exit status.

    Parameters
    ----------
    program : str
        Name of the benchmark.
    ratios : mapping of str to float
        Higher is better.
    arguments : argparse.Namespace
        With ``check``, ``no_history``, ``release``.
    missed : sequence of str
        Goals that were missed, in words.
    history : Path
        Where entries are kept.
    **facts
        More that the entry holds.
    """
    before = last_release(program, history)
    worse = [] if before is None else regressions(ratios, before["ratios"])
    if before is None:
        print(f"{program}: no release on this kind of machine to compare with", file=sys.stderr)
    for line in missed:
        print(f"goal missed: {line}", file=sys.stderr)
    for line in worse:
        print(f"worse by more than a fifth: {line}", file=sys.stderr)
    if not arguments.no_history:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
        entry = {
            "date": time.strftime("%Y-%m-%d"),
            "program": program,
            "release": bool(arguments.release),
            "commit": commit.strip(),
            "machine": machine(),
            **facts,
            "ratios": {name: round(value, 4) for name, value in ratios.items()},
        }
        with history.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")
    return int(arguments.check and bool(missed or worse))
