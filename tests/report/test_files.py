"""The files of a report: whole or not there, the same every time."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from report.made import RISING, made_facts
from safescale.report import write_files as writing
from safescale.report.facts import Facts
from safescale.report.write import write_report_files


def _written(facts: Facts, into: Path) -> dict[str, bytes]:
    staging = into.parent / f"{into.name}.staging"
    staging.mkdir()
    _, paths = write_report_files(facts, staging, into, stage=lambda _: None)
    assert not any(path.is_file() for path in staging.rglob("*"))
    return {str(path.relative_to(into)): path.read_bytes() for path in paths}


def test_page_and_markdown_link_to_every_figure_and_table(tmp_path: Path) -> None:
    written = _written(made_facts(), tmp_path / "a")
    tables = {name for name in written if name.startswith("tables/") and not name.endswith(".json")}
    figures = {name for name in written if name.startswith("figures/") and not name.endswith(".json")}
    assert len(tables) > 10
    page = set(re.findall(r'<a href="([^"#]+)"', written["report.html"].decode()))
    markdown = set(re.findall(r"\]\(([^)]+)\)", written["report.md"].decode()))
    assert page == figures | tables
    assert markdown == {name for name in figures if name.endswith(".svg")} | tables


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    first, second = (_written(made_facts(), tmp_path / name) for name in ("a", "b"))
    assert {"report.json", "report.md", "report.html"} < set(first)
    assert first == second


def test_the_json_holds_what_the_page_says(tmp_path: Path) -> None:
    facts = made_facts(source="simulated")
    written = _written(facts, tmp_path / "a")
    whole = json.loads(written["report.json"])
    assert whole["simulated"] is True
    assert whole["watermark"].startswith("SIMULATED")
    assert whole["fingerprint"] == facts.scaling.fingerprint == whole["inverse_scaling"]["fingerprint"]
    assert whole["findings"][0]["answer"] in written["report.md"].decode().replace("\\", "")
    assert {file for figure in whole["figures"] for file in figure["files"]} == {
        n for n in written if n.startswith("figures/") and n != "figures/index.json"
    }
    assert b"SIMULATED" in written["report.md"]
    assert b"SIMULATED" not in _written(made_facts(), tmp_path / "b")["report.md"]


def test_a_failure_leaves_the_earlier_report_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _written(made_facts(), tmp_path / "a")

    def broken(_: object) -> str:
        raise RuntimeError("the machine stopped")

    monkeypatch.setattr(writing, "document_html", broken)
    (tmp_path / "staging").mkdir()
    with pytest.raises(RuntimeError, match="the machine stopped"):
        write_report_files(made_facts({"other": RISING}), tmp_path / "staging", tmp_path / "a", stage=lambda _: None)
    assert before == {name: (tmp_path / "a" / name).read_bytes() for name in before}


def test_figures_of_an_earlier_report_go_and_other_files_stay(tmp_path: Path) -> None:
    _written(made_facts(grader_ids=("judge", "other")), tmp_path / "a")
    mine = tmp_path / "a" / "figures" / "mine.png"
    mine.write_bytes(b"mine")
    assert (tmp_path / "a" / "figures" / "rates-2.svg").exists()
    shutil.rmtree(tmp_path / "a.staging")
    _written(made_facts(), tmp_path / "a")
    assert sorted(p.name for p in (tmp_path / "a" / "figures").glob("rates-*.svg")) == ["rates-1.svg"]
    assert mine.read_bytes() == b"mine"


def test_tables_of_an_earlier_report_go_and_other_files_stay(tmp_path: Path) -> None:
    _written(made_facts(grader_ids=("judge", "other")), tmp_path / "a")
    folder = tmp_path / "a" / "tables"
    before = {path.name for path in folder.iterdir()}
    (folder / "mine.csv").write_text("mine")
    shutil.rmtree(tmp_path / "a.staging")
    _written(made_facts(), tmp_path / "a")
    after = {path.name for path in folder.iterdir()}
    assert {name for name in before if name.startswith("s2-")} == before - after
    assert {"s2-rates.csv", "s2-rates.tex"} <= before
    assert after - before == {"mine.csv"}


@pytest.mark.parametrize("listed", ["../report.md", "figures/../../outside.svg", "/etc/hostname", "figures/mine.txt", 3, None])
def test_a_list_in_the_folder_cannot_remove_anything_else(listed: object, tmp_path: Path) -> None:
    """The list of an earlier report is a file like any other: somebody may have edited it."""
    _written(made_facts(), tmp_path / "a")
    (tmp_path / "outside.svg").write_text("mine")
    (tmp_path / "a" / "figures" / "mine.txt").write_text("mine")
    for file, key in (("report.json", "figures"), ("tables/index.json", "tables")):
        whole = json.loads((tmp_path / "a" / file).read_text())
        whole[key] = [{"files": [listed]}]
        (tmp_path / "a" / file).write_text(json.dumps(whole))
    shutil.rmtree(tmp_path / "a.staging")
    _written(made_facts(), tmp_path / "a")
    assert (tmp_path / "outside.svg").read_text() == (tmp_path / "a" / "figures" / "mine.txt").read_text() == "mine"
    assert (tmp_path / "a" / "report.md").exists()


def test_a_broken_list_stops_nothing(tmp_path: Path) -> None:
    for name in ("report.json", "tables/index.json"):
        (tmp_path / "a" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a" / name).write_bytes(b"\xff[")
    assert "report.html" in _written(made_facts(), tmp_path / "a")


def test_markdown_tables_keep_their_columns(tmp_path: Path) -> None:
    written = _written(made_facts({"a|b*c_d`e": RISING}), tmp_path / "a")["report.md"].decode()
    lines = written.split("\n")
    tables = [i for i, line in enumerate(lines) if line.startswith("| ---")]
    assert len(tables) > 5

    def columns(line: str) -> int:
        return line.replace("\\|", "").count("|") - 1

    for i in tables:
        body = [lines[i - 1]]
        for line in lines[i + 1 :]:
            if not line.startswith("|"):
                break
            body.append(line)
        assert {columns(line) for line in body} == {columns(lines[i])}
    assert "a\\|b\\*c\\_d\\`e" in written
