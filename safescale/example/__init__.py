"""The bundled example: simulated logs with known truth, found in a wheel and in a checkout alike."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

from safescale.errors import DataError

__all__ = ["SIMULATED_SOURCE", "example_folder", "example_logs"]

SIMULATED_SOURCE: Final = "simulated"
"""The source of rows whose metadata say that they were simulated."""

_IN_WHEEL: Final = "_example"
_IN_CHECKOUT: Final = ("examples", "simulated")


def example_folder() -> Path:
    """
    Folder of the bundled example.

    Raises
    ------
    DataError
        When the installation holds none.
    """
    package = Path(str(files("safescale")))
    for folder in (package / _IN_WHEEL, package.parent.joinpath(*_IN_CHECKOUT)):
        if folder.is_dir():
            return folder
    raise DataError("this installation has no bundled example; name your logs: safescale report YOUR_LOGS", file=str(package))


def example_logs() -> tuple[Path, ...]:
    """The graded logs of the bundled example, sorted by name."""
    return tuple(sorted(example_folder().glob("*.jsonl")))
