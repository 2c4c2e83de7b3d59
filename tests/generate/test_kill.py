"""A run that is killed again and again holds, row for row, what an uninterrupted one holds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from generate.killed import KILLS, PROMPTS
from generate.runs import plan, rows, timeless
from safescale.generate import generate
from safescale.generate.manifest import read_manifest


def test_ten_kills_at_random_points_leave_the_rows_of_an_uninterrupted_run(tmp_path: Path) -> None:
    seed = int(os.environ.get("SAFESCALE_KILL_SEED", "20261129"))
    program = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "killed"), str(seed)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{KILLS} kills")
    whole = generate([plan(PROMPTS)], tmp_path / "whole").runs[0]
    killed = tmp_path / "killed" / whole.run_id
    assert len(rows(killed)) == PROMPTS
    assert timeless(killed) == timeless(whole.folder)
    manifest = read_manifest(killed)
    assert manifest is not None
    assert [session["ended"] for session in manifest["sessions"]] == ["cut off"] * KILLS + ["done"]
    assert manifest["sessions"][-1]["counts"]["responses"] == PROMPTS
