"""One tree of errors: every message says what, where, the value and the next step."""

from __future__ import annotations

__all__ = [
    "DataError",
    "DomainError",
    "GenerationError",
    "GradingError",
    "InsufficientData",
    "MissingBackend",
    "SafescaleError",
]


class SafescaleError(Exception):
    """Base of every error that safescale raises on purpose."""


class DataError(SafescaleError):
    """
    Input that breaks its contract.

    Carries where the failure is, so that callers need not parse the message.

    Parameters
    ----------
    message : str
        What is wrong and what to do next.
    file, row, column : optional
        Where: path, 1-based row or line, column name.
    expected, got : str, optional
        What the contract says and what came (clipped).
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        expected: str | None = None,
        got: str | None = None,
    ) -> None:
        where = ":".join(str(part) for part in (file, row) if part is not None)
        details = [where] if where else []
        if column is not None:
            details.append(f"column {column!r}")
        if expected is not None:
            details.append(f"expected {expected}")
        if got is not None:
            details.append(f"got {got}")
        super().__init__(message + (f" [{'; '.join(details)}]" if details else ""))
        self.file = file
        self.row = row
        self.column = column
        self.expected = expected
        self.got = got


class DomainError(SafescaleError, ValueError):
    """An argument outside the range in which the function is defined."""


class InsufficientData(DomainError):
    """Too few cells, models, prompts or clusters to say anything."""


class MissingBackend(SafescaleError, ImportError):
    """An optional dependency is missing; the message names the extra to install."""

    def __init__(self, package: str, extra: str, *, hint: str = "") -> None:
        super().__init__(f"{package} is not installed; install it with: pip install 'safescale[{extra}]'{hint}")
        self.package = package
        self.extra = extra


class GenerationError(SafescaleError):
    """An engine could not answer."""


class GradingError(SafescaleError):
    """A grader could not grade."""
