"""Waivers: what they cover, and that a bad one is said and covers nothing."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from audit.planted import a_guessed_size, a_missing_size, clean
from safescale.audit import AuditResult, audit_corpus, read_waivers
from safescale.errors import DataError

TODAY = datetime.date(2026, 5, 1)


def audited(folder: Path, text: str, *, name: str = "waivers.yaml") -> AuditResult:
    rows = clean()
    a_guessed_size(rows)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return audit_corpus(rows.corpus(), waivers=read_waivers(file, today=TODAY), rules=["SS203", "SS204"])


def test_a_waiver_takes_its_finding_out_and_keeps_it_with_the_reason(tmp_path: Path) -> None:
    result = audited(tmp_path, "waivers:\n- {code: SS204, subject: sizes guessed, reason: stated in the paper}\n")
    assert result.findings == ()
    [waived] = result.waived
    assert (waived.finding.code, waived.waiver.reason) == ("SS204", "stated in the paper")
    assert result.waiver_problems == ()


def test_toml_and_patterns_work_too(tmp_path: Path) -> None:
    text = '[[waivers]]\ncode = "SS204"\nsubject = "sizes *"\nreason = "seen"\nexpires = 2026-05-01\n'
    result = audited(tmp_path, text, name="waivers.toml")
    assert (result.findings, len(result.waived)) == ((), 1)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{code: SS204, subject: sizes guessed}", "has no reason"),
        ("{code: SS204, subject: sizes guessed, reason: ' '}", "has no reason"),
        ("{code: SS999, subject: sizes guessed, reason: seen}", "no rule has the code 'SS999'"),
        ("{code: SS204, subject: sizes guessed, reason: seen, expires: 2026-04-30}", "expired on 2026-04-30"),
        ("{code: SS204, subject: another, reason: seen}", "meets no finding"),
        ("{code: SS203, subject: sizes guessed, reason: seen}", "meets no finding"),
    ],
)
def test_a_waiver_that_cannot_hold_is_said_and_covers_nothing(tmp_path: Path, entry: str, said: str) -> None:
    result = audited(tmp_path, f"waivers:\n- {entry}\n")
    assert [finding.code for finding in result.findings] == ["SS204"]
    assert result.waived == ()
    [problem] = result.waiver_problems
    assert said in problem
    assert "entry 1" in problem


def test_a_waiver_of_one_finding_leaves_the_others_open(tmp_path: Path) -> None:
    rows = clean()
    a_missing_size(rows)
    rows.model("simulve/ulve-9b")["size_source"] = "estimated"
    file = tmp_path / "w.yaml"
    file.write_text("waivers:\n- {code: SS204, subject: '*', reason: seen}\n", encoding="utf-8")
    result = audit_corpus(rows.corpus(), waivers=read_waivers(file))
    assert [finding.code for finding in result.findings] == ["SS203"]


@pytest.mark.parametrize(
    "text",
    ["- a list\n", "waivers: 7\n", "waivers:\n- {code: SS204}\n", "waivers: []\nother: 1\n", "a: [\n", "waivers:\n- word\n",
     "waivers:\n- {code: SS204, subject: a, reason: b, expires: soon}\n",
     "waivers:\n- {code: SS204, subject: a, reason: b, until: 2026-01-01}\n"],
)  # fmt: skip
def test_refuses_what_is_no_file_of_waivers(tmp_path: Path, text: str) -> None:
    file = tmp_path / "w.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"w\.yaml"):
        read_waivers(file)


def test_an_empty_file_waives_nothing(tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("# none yet\n", encoding="utf-8")
    assert read_waivers(file).entries == ()
