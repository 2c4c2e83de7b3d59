"""A small JSON file that is replaced as a whole."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from safescale.store.text_file import write_text

__all__ = ["write_json"]

_HALF_A_PAIR: Final = re.compile("[\ud800-\udfff]")


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file: readers find the old one or the new one, whole, also after a loss of power."""
    # a name of a file that is no UTF-8 comes as half surrogate pairs, which JSON has no way to hold
    text = _HALF_A_PAIR.sub(lambda half: f"\\\\u{ord(half[0]):04x}", json.dumps(value, indent=1, ensure_ascii=False))
    write_text(path, text + "\n")
