"""``safescale audit``: exit status, forms of output, waivers, logs and corpora."""

from __future__ import annotations

import json
from pathlib import Path

from cli.command import run
from safescale.example import example_logs

WAIVER = "waivers:\n- {code: SS201, subject: simtorva-arbel3, reason: the example shows a tampered series}\n"


def test_the_example_has_one_finding_and_a_waiver_closes_it(tmp_path: Path) -> None:
    first = run("audit", cwd=tmp_path)
    assert (first.code, first.stderr) == (1, "")
    assert "WARNING SS201 tampered-in-lineage" in first.stdout
    (tmp_path / ".safescale-audit.yaml").write_text(WAIVER, encoding="utf-8")
    second = run("audit", cwd=tmp_path)
    assert second.code == 0
    assert "waived SS201 'simtorva-arbel3': the example shows a tampered series" in second.stdout
    assert "nothing suspicious was found" in second.stdout


def test_a_corpus_and_its_logs_give_the_same_findings_and_fail_on_decides(tmp_path: Path) -> None:
    logs = [str(path) for path in example_logs()]
    assert run("ingest", *logs, "--into", "c.db", cwd=tmp_path).code == 0
    of_corpus = run("audit", "c.db", "--json", "--fail-on", "error", cwd=tmp_path)
    of_logs = run("audit", *logs, "--format", "json", "--fail-on", "never", cwd=tmp_path)
    assert (of_corpus.code, of_logs.code) == (0, 0)
    found, again = json.loads(of_corpus.stdout), json.loads(of_logs.stdout)
    assert found["findings"] == again["findings"]
    assert [f["code"] for f in found["findings"]] == ["SS201"]
    assert found["counts"] == {"error": 0, "warning": 1, "info": 0}


def test_annotations_and_bad_waivers(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("waivers:\n- {code: SS201, subject: '*'}\n", encoding="utf-8")
    told = run("audit", "--format", "github", "--waivers", "w.yaml", cwd=tmp_path)
    assert told.code == 1
    assert told.stdout.startswith("::warning title=SS201 tampered-in-lineage::")
    assert "has no reason" in told.stdout
    (tmp_path / "w.yaml").write_text("waivers: 3\n", encoding="utf-8")
    refused = run("audit", "--waivers", "w.yaml", cwd=tmp_path)
    assert (refused.code, refused.stdout) == (3, "")
    assert "w.yaml" in refused.stderr


def test_the_report_shows_open_findings_first(tmp_path: Path) -> None:
    assert run("report", "-o", "out", cwd=tmp_path).code == 0
    page, text = ((tmp_path / "out" / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
    assert page.index('id="audit"') < page.index('id="findings"')
    assert text.index("## Open findings of the audit") < text.index("## Findings")
    found = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert [f["code"] for f in found["audit"]["findings"]] == ["SS201"]
    assert (tmp_path / "out" / "tables" / "audit-findings.csv").is_file()
