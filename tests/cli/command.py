"""Runs the command in a process of its own and compares what it says with a stored snapshot."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import attrs

UPDATE = "SAFESCALE_UPDATE_SNAPSHOTS"
SNAPSHOTS = Path(__file__).parent / "snapshots"
_UNSTABLE = (
    (re.compile(r"ss1-[0-9a-f]{32}"), "ss1-FINGERPRINT"),
    (re.compile(r"safescale \d+\.\d+[^\s,;·]*"), "safescale VERSION"),
    (re.compile(r'("safescale": )"[^"]*"'), r'\1"VERSION"'),
)


@attrs.frozen(kw_only=True)
class Outcome:
    """What a command said."""

    code: int
    stdout: str
    stderr: str


def run(*arguments: str, cwd: Path) -> Outcome:
    """``safescale ARGUMENTS`` in that folder, with nobody watching."""
    environment = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "CLICOLOR_FORCE", "PYTHONWARNINGS")}
    environment |= {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "TERM": "dumb", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "safescale", *arguments], cwd=cwd, env=environment, capture_output=True, timeout=120
    )
    return Outcome(code=done.returncode, stdout=done.stdout.decode("utf-8"), stderr=done.stderr.decode("utf-8"))


def assert_snapshot(name: str, outcome: Outcome, *, cwd: Path) -> None:
    """Compare exit status, stdout and stderr with ``snapshots/NAME.txt``; SAFESCALE_UPDATE_SNAPSHOTS=1 writes it."""
    text = f"exit {outcome.code}\n--- stdout\n{outcome.stdout}--- stderr\n{outcome.stderr}".replace(str(cwd.resolve()), "CWD")
    for pattern, word in _UNSTABLE:
        text = pattern.sub(word, text)
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get(UPDATE):
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"no snapshot {name}; look at the output, then run with {UPDATE}=1:\n{text}"
    assert text == path.read_text(encoding="utf-8"), f"if the change is wanted, run with {UPDATE}=1"
