"""The options of the command behind the fields of a question: a report names the switch that would change a number."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from safescale.cells import Selection

__all__ = ["SELECTION_SWITCHES", "command_line", "selection_arguments"]

SELECTION_SWITCHES: Final[dict[str, str]] = {
    "tampered": "--tampered",
    "exclude_sources": "--exclude-source",
    "exclude_models": "--exclude-model",
    "allow_keyword": "--allow-keyword",
    "include_telemetry": "--include-telemetry",
    "include_no_response": "--include-no-response",
    "merge_same_traces": "--count-copies",
}
"""Field of ``Selection`` to option. ``--count-copies`` turns ``merge_same_traces`` off."""


def selection_arguments(selection: Selection) -> list[str]:
    """The options that give this selection; defaults are left out."""
    arguments: list[str] = []
    default = Selection()
    for field in attrs.fields(Selection):
        value, switch = getattr(selection, field.name), SELECTION_SWITCHES[field.name]
        if value == getattr(default, field.name):
            continue
        if isinstance(value, bool):
            arguments.append(switch)
        else:
            for item in [value] if isinstance(value, str) else value:
                arguments += [switch, item]
    return arguments


def command_line(words: Sequence[str], arguments: Iterable[str]) -> str:
    """A command as one line that a shell takes back."""
    return shlex.join(["safescale", *words, *arguments])
