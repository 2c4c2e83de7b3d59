"""The documentation says what is true: generated pages are fresh, links lead somewhere, Python examples run."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])

RUNNABLE = frozenset({"runs/", "corpus.db", "plan", "first-report", "runs/x"})
"""Commands that name one of these need nothing but the example's logs; the others speak of the reader's own files."""


def test_generated_pages_are_fresh() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_named_files_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:docs|tests|safescale|schemas|examples|benchmarks)/[\w./-]+)`", text)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_python_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if '"corpus.db"' in page.read_text(encoding="utf-8"):
        logs = [str(log) for log in (ROOT / "examples" / "simulated").glob("*.jsonl")]
        assert _safescale(["ingest", *logs, "--into", "corpus.db"], tmp_path).returncode == 0
    for code in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE):
        exec(compile(code, str(page), "exec"), {})


@pytest.mark.parametrize(
    "page",
    [p for p in PAGES if "bash" in p.read_text(encoding="utf-8") and p.parent.name in ("tutorial", "how-to")],
    ids=lambda p: p.stem,
)
def test_shell_examples_run(page: Path, tmp_path: Path) -> None:
    """Every safescale command of a tutorial or how-to, in order, beside a folder ``runs`` with logs of the real shape."""
    (tmp_path / "runs").mkdir()
    for log in (ROOT / "examples" / "simulated").glob("*.jsonl"):
        shutil.copy(log, tmp_path / "runs")
    shutil.copytree(ROOT / "examples" / "generate", tmp_path / "examples" / "generate")
    blocks = re.findall(r"^```bash\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    lines = [line.removeprefix(".venv/bin/") for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("safescale ")]
    for words in commands:
        if RUNNABLE.isdisjoint(words):
            continue
        if "corpus.db" in words and "ingest" not in words and not (tmp_path / "corpus.db").exists():
            assert _safescale(["ingest", "runs/", "--into", "corpus.db"], tmp_path).returncode == 0
        done = _safescale(words, tmp_path)
        assert done.returncode == 0, (words, done.stderr)


def _safescale(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "safescale", *words], cwd=folder, capture_output=True, text=True)


def test_every_command_is_documented() -> None:
    import typer.main

    from safescale_cli.main import app

    text = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    names = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert names
    assert all(f"## `safescale {name}`" in text for name in names)
