"""Hypothesis profiles, and the one door to real data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from report.browser import Browser

# two shared cores: a deadline would test the machine
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fast", max_examples=25, derandomize=True, **_COMMON)
settings.register_profile("change", max_examples=40, derandomize=True, **_COMMON)
settings.register_profile("default", max_examples=100, derandomize=True, **_COMMON)
settings.register_profile("thorough", max_examples=500, derandomize=False, **_COMMON)
settings.register_profile("long", max_examples=10_000, derandomize=False, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

REAL_DATA_VARIABLE = "SAFESCALE_REAL_DATA"
REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for the real data, or for a browser, carries the mark, whether its author remembered or not."""
    for item in items:
        for mark in ("real_data", "browser"):
            if mark in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real graded results: SAFESCALE_REAL_DATA, else ../shared/data beside the repository."""
    named = os.environ.get(REAL_DATA_VARIABLE)
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if folder.is_dir():
        return folder
    if named:
        pytest.fail(f"{REAL_DATA_VARIABLE} names {folder}, which is not a folder")
    pytest.skip(f"no real data at {folder}; set {REAL_DATA_VARIABLE}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium: the one that SAFESCALE_BROWSER names, else one on the path."""
    from report.browser import BROWSER_VARIABLE, Browser, found_browser

    named, executable = os.environ.get(BROWSER_VARIABLE), found_browser()
    missing = pytest.fail if named else pytest.skip
    if executable is None:
        missing(f"{named} cannot be run" if named else f"no Chromium on the path; install one, or name it in {BROWSER_VARIABLE}")
    running = Browser(executable)
    try:
        running.send("Browser.getVersion")
    except (AssertionError, OSError) as error:
        running.close()
        missing(f"{executable} does not start ({error})")
    yield running
    running.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests of each kind did not run, and why: a skipped check is not a passed one."""
    for mark in ("real_data", "browser", "spark"):
        skipped = [report for report in terminalreporter.getreports("skipped") if mark in report.keywords]
        if skipped:
            reasons = {str(report.longrepr[-1]) for report in skipped if isinstance(report.longrepr, tuple)}
            why = "; ".join(sorted(reason.removeprefix("Skipped: ") for reason in reasons))
            terminalreporter.write_line(f"{len(skipped)} {mark} tests did not run: {why}")
