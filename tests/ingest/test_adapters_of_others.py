"""The adapter of the how-to, as another package would bring it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ingest.reading import read
from safescale.ingest import detect
from safescale.ingest.batch import Options
from safescale.ingest.session import validate
from safescale.records.fates import Fate

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-an-adapter.md"


def adapter() -> Any:
    found: dict[str, Any] = {}
    [code] = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    exec(compile(code, str(PAGE), "exec"), found)
    return found["PlimLog"]


class _Point:
    def load(self) -> Any:
        return adapter()


def write(tmp_path: Path) -> Path:
    row = {"model": "frimble-7b", "question": "plim?", "answer": "brudd", "harmful": True}
    rows = [row, {**row, "harmful": "yes"}, {**row, "answer": "gex", "harmful": None}, {"model": "frimble-7b"}, row]
    path = tmp_path / "a.plim.jsonl"
    path.write_text("\n".join([*map(json.dumps, rows), "", "[]"]) + "\n", encoding="utf-8")
    return path


def test_the_adapter_of_the_how_to_keeps_every_law(tmp_path: Path) -> None:
    found = read(adapter()(), write(tmp_path))
    assert found.verdicts() == {"COMPLIANCE": 2, "UNGRADED": 1}
    assert found.codes() == [(2, "WRONG_TYPE"), (4, "WRONG_TYPE"), (7, "NOT_AN_OBJECT")]


def test_an_adapter_that_a_package_names_is_found_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "entry_points", lambda group: [_Point()] if group == "safescale.adapters" else [])
    detect.adapters.cache_clear()
    try:
        assert "plimlog" in detect.adapters()
        [outcome] = validate([write(tmp_path)], options=Options()).files
        assert outcome.format == "plimlog"
        assert {fate: n for fate, n in outcome.fates.items() if n} == {
            Fate.TRACE: 2,
            Fate.DUPLICATE: 1,
            Fate.METADATA: 1,
            Fate.REJECT: 3,
        }
    finally:
        detect.adapters.cache_clear()
