"""Hypothesis profiles, and the one door to real data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# two shared cores: a deadline would test the machine
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fast", max_examples=25, derandomize=True, **_COMMON)
settings.register_profile("default", max_examples=100, derandomize=True, **_COMMON)
settings.register_profile("thorough", max_examples=500, derandomize=False, **_COMMON)
settings.register_profile("long", max_examples=10_000, derandomize=False, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

REAL_DATA_VARIABLE = "SAFESCALE_REAL_DATA"
REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that asks for the real data carries the mark, whether its author remembered or not."""
    for item in items:
        if "real_data" in getattr(item, "fixturenames", ()):
            item.add_marker("real_data")


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests of real data did not run: a skipped check is not a passed one."""
    skipped = [report for report in terminalreporter.getreports("skipped") if "real_data" in report.keywords]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} real_data tests did not run")
