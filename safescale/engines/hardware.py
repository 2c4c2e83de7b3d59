"""The machine and the packages that an answer depends on, in words for a manifest."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["cpu_words", "package_versions"]


def cpu_words() -> str:
    """Processor and number of hardware threads that this process may use."""
    name = platform.processor() or platform.machine()
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        with listing.open(encoding="utf-8", errors="replace") as lines:
            models = (line.partition(":")[2].strip() for line in lines if line.lower().startswith("model name"))
            name = next(models, name)
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{name}, {threads} hardware thread{'s' if threads != 1 else ''}, {platform.system()} {platform.machine()}"


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """Installed versions; a package that is not installed is left out."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
