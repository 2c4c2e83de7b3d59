"""The option that names a file of waived findings, and its default."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from safescale.audit import Waivers

__all__ = ["WaiversOption", "waivers_of"]

WaiversOption = Annotated[
    Path | None,
    typer.Option(
        "--waivers",
        help="Findings of the audit that were looked at: code, subject, reason, expires (default: .safescale-audit.yaml here).",
        show_default=False,
        exists=True,
        dir_okay=False,
        readable=True,
    ),
]


def waivers_of(named: Path | None) -> Waivers | None:
    """The file that was named, else that of the working folder, else none."""
    import datetime

    from safescale.audit import read_waivers
    from safescale.audit.waivers import DEFAULT_FILE

    file = named or (Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None)
    # the day of the user: a waiver that expires today still holds
    return None if file is None else read_waivers(file, today=datetime.date.today())
