"""
The bundled examples, found in a wheel and in a checkout alike.

``simulated`` holds logs with known truth, ``toy`` real answers of toy models. They are two corpora, not one: a report on both
would carry the watermark of the one on figures of the other.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

from safescale.errors import DataError, DomainError

__all__ = ["EXAMPLES", "SIMULATED_SOURCE", "ExampleName", "example_folder", "example_logs"]

SIMULATED_SOURCE: Final = "simulated"
"""The source of rows whose metadata say that they were simulated."""

ExampleName = Literal["simulated", "toy"]
EXAMPLES: Final[tuple[ExampleName, ...]] = ("simulated", "toy")
"""Names of the examples; the first is read where nothing is named."""

_IN_WHEEL: Final = "_example"
_LOGS: Final = ("*graded.jsonl", "*graded.jsonl.gz")
"""What the folder of an example holds besides (prompts, models, its README) is no log."""


def example_folder(name: str = EXAMPLES[0]) -> Path:
    """
    Folder of a bundled example.

    Raises
    ------
    DomainError
        For a name that no example has.
    DataError
        When the installation holds none.
    """
    if name not in EXAMPLES:
        raise DomainError(f"no bundled example is called {name!r}; there are {' and '.join(EXAMPLES)}")
    package = Path(str(files("safescale")))
    for folder in (package / _IN_WHEEL / name, package.parent / "examples" / name):
        if folder.is_dir():
            return folder
    raise DataError("this installation has no bundled example; name your logs: safescale report YOUR_LOGS", file=str(package))


def example_logs(name: str = EXAMPLES[0]) -> tuple[Path, ...]:
    """The graded logs of a bundled example, sorted by name."""
    folder = example_folder(name)
    return tuple(sorted(path for pattern in _LOGS for path in folder.glob(pattern)))
