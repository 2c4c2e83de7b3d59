"""Annotations that a GitHub workflow shows beside the lines of a change."""

from __future__ import annotations

from typing import Literal

from safescale.report.plain import plain

__all__ = ["AnnotationLevel", "annotation"]

AnnotationLevel = Literal["error", "warning", "notice"]


def annotation(level: AnnotationLevel, message: str, *, title: str, file: str | None = None, line: int = 0) -> str:
    """
    One workflow command; nothing in the data can end it early or begin another.

    Parameters
    ----------
    level : {"error", "warning", "notice"}
        Weight.
    message, title : str
        What is said.
    file : str, optional
        Where; a line of 0 speaks of the whole file.
    line : int, default 0
        1-based line.
    """
    where = [] if file is None else [f"file={_property(file)}", f"line={max(line, 1)}"]
    return f"::{level} {','.join((*where, f'title={_property(title)}'))}::{_data(message)}"


def _data(text: str) -> str:
    """The characters that end a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Those that end a property of one, too."""
    return _data(plain(text)).replace(":", "%3A").replace(",", "%2C")
