"""The main job from files to a report."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from report.made import RISING, SIZES, write_logs
from report.page import Page
from safescale.analyses import ScalingVerdict
from safescale.errors import DataError, DomainError
from safescale.example import example_folder, example_logs
from safescale.ingest.session import ingest
from safescale.main_job import Input, Question, answer, write_report
from safescale.main_job.analyses import inverse_scaling
from safescale.store import is_corpus, open_corpus

WRITTEN = {"report.html", "report.json", "report.md", "figures", "tables"}


def _stored(folder: Path, *logs: Path, name: str = "corpus.db") -> Path:
    corpus = open_corpus(folder / name, create=True)
    try:
        ingest(list(logs), corpus)
    finally:
        corpus.close()
    return folder / name


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_logs(tmp_path_factory.mktemp("logs") / "a.jsonl")


@pytest.mark.parametrize("name", ["corpus.db", "parts"])
def test_logs_and_a_corpus_of_them_give_the_same_answer(name: str, logs: Path, tmp_path: Path) -> None:
    stored = _stored(tmp_path, logs, name=name)
    assert is_corpus(stored)
    assert not is_corpus(logs)
    from_logs = answer(Input(paths=(logs,)), Question(), inverse_scaling())
    from_corpus = answer(Input(paths=(stored,)), Question(), inverse_scaling())
    assert from_logs.result == from_corpus.result
    assert from_logs.result.settings[0].attack_classes[0].verdict is ScalingVerdict.COMPLY_MORE


def test_words_flip_when_the_logs_flip(logs: Path, tmp_path: Path) -> None:
    falling = write_logs(tmp_path / "b.jsonl", tuple(reversed(RISING)))
    up, down = (write_report(Input(paths=(path,)), tmp_path / path.stem).document.findings[0] for path in (logs, falling))
    assert (up.verdict, down.verdict) == (ScalingVerdict.COMPLY_MORE.value, ScalingVerdict.COMPLY_LESS.value)


def test_a_report_holds_no_prompt_no_response_and_no_leftover(logs: Path, tmp_path: Path) -> None:
    write_report(Input(paths=(logs,)), tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == WRITTEN
    for path in (tmp_path / "out").glob("report.*"):
        assert "secret brudd" not in path.read_text()
        assert "plim 1" not in path.read_text()


def test_two_runs_are_the_same_to_the_byte(logs: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_report(Input(paths=(logs,)), tmp_path / name)
    names = sorted(str(p.relative_to(tmp_path / "a")) for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert {name.split(".")[-1] for name in names} == {"csv", "html", "json", "md", "pdf", "png", "svg", "tex"}
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_the_example_is_right_about_its_own_truth_and_watermarked(tmp_path: Path) -> None:
    import tomllib

    report = write_report(Input(), tmp_path / "out")
    truth = tomllib.loads((example_folder() / "truth.toml").read_text())
    found = {s.name: s for s in report.facts.scaling.settings[0].attack_classes}
    assert set(found) == set(truth["slopes_pp_per_decade"])
    for attack_class, slope in truth["slopes_pp_per_decade"].items():
        fitted = found[attack_class].slope
        assert fitted is not None
        assert fitted.slope.interval is not None
        low, high = fitted.slope.interval
        assert low < slope < high
        assert (found[attack_class].verdict is ScalingVerdict.COMPLY_MORE) == (slope > 0)
    assert report.facts.corpus.simulated
    assert sum(file.rows_in for file in report.facts.corpus.files) == truth["rows"] == report.facts.corpus.rows_in
    assert len(example_logs()) == len(truth["files"])
    page = Page((tmp_path / "out" / "report.html").read_text())
    assert "SIMULATED" in page.text
    assert json.loads((tmp_path / "out" / "report.json").read_text())["simulated"] is True
    for path in (tmp_path / "out" / "figures").glob("*.svg"):
        assert "SIMULATED" in path.read_text()


def test_real_logs_have_no_watermark(logs: Path, tmp_path: Path) -> None:
    write_report(Input(paths=(logs,)), tmp_path / "out")
    for path in [*(tmp_path / "out").glob("report.*"), *(tmp_path / "out" / "figures").glob("*.svg")]:
        assert "SIMULATED" not in path.read_text()


def test_logs_without_grades_still_get_a_report(tmp_path: Path) -> None:
    keys = ("verdict", "raw_label", "grader_id", "grader_kind", "score", "target", "outcome_map", "p_refusal", "rubric_version")
    ungraded = write_logs(tmp_path / "a.jsonl", **dict.fromkeys((*keys, "score_scale"), ...))
    report = write_report(Input(paths=(ungraded,)), tmp_path / "out")
    assert report.document.findings[0].verdict == ScalingVerdict.CANNOT_TEST.value
    assert "Needed" in report.document.findings[0].testability
    assert report.facts.look.traces.ungraded == 40 * len(SIZES)


def test_rejects_are_counted_by_code(logs: Path, tmp_path: Path) -> None:
    dirty = tmp_path / "dirty.jsonl"
    dirty.write_bytes(logs.read_bytes() + b"plim\n{}\n")
    (tmp_path / "empty.jsonl").write_bytes(b"")
    report = write_report(Input(paths=(dirty, tmp_path / "empty.jsonl")), tmp_path / "out")
    assert report.facts.corpus.reject_codes["BAD_JSON"] == 1
    assert sum(report.facts.corpus.reject_codes.values()) == 3
    [table] = [t for section in report.document.sections for t in section.tables if t.id == "rejects"]
    assert ("BAD_JSON", "1") in table.rows


def test_refuses_what_cannot_be_read(logs: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        write_report(Input(paths=(tmp_path / "absent",)), tmp_path / "out")
    (tmp_path / "bad.jsonl").write_text("plim\n")
    with pytest.raises(DataError, match="safescale validate"):
        write_report(Input(paths=(tmp_path / "bad.jsonl",)), tmp_path / "out")
    stored = _stored(tmp_path, logs)
    with pytest.raises(DataError, match="safescale ingest"):
        write_report(Input(paths=(stored, logs)), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(DataError, match="name another with -o"):
        write_report(Input(paths=(logs,)), tmp_path / "bad.jsonl")
    with pytest.raises(DomainError, match="graders of this corpus: demo-judge"):
        write_report(Input(paths=(logs,)), tmp_path / "out", question=Question(graders=("nobody",)))


REPORT_FILES = ("report.html", "report.md", "report.json")


def _digests(folder: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_killed_run_leaves_the_earlier_report_whole(logs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_report(Input(paths=(logs,)), out)
    before = _digests(out)
    other = write_logs(tmp_path / "b.jsonl", tuple(reversed(RISING)))
    command = [sys.executable, "-m", "safescale", "report", str(other), "-o", str(out)]
    killed = 0
    for wait_s in (0.4, 0.8, 1.2, 1.6, 2.0):
        run = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONWARNINGS": ""}
        )
        time.sleep(wait_s)
        run.send_signal(signal.SIGKILL)
        killed += run.wait() == -signal.SIGKILL
        corpora = {frozenset(re.findall(r"ss1-[0-9a-f]{32}", (out / name).read_text())) for name in REPORT_FILES}
        assert len(corpora) == 1, "files of two reports beside each other"
        if run.returncode == 0 or _digests(out) != before:
            break  # it was done, or killed after the new report was in place
    assert killed
    write_report(Input(paths=(other,)), out)
    assert list(tmp_path.glob(".out.partial-*")) == []
