"""Real Inspect logs: exact sample counts, counted again here with json alone."""

from __future__ import annotations

import importlib
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from ingest.reading import read
from safescale.ingest.batch import Options, Probe
from safescale.ingest.bytes_in import head_bytes
from safescale.ingest.inspect_log import InspectLog

FULL = os.environ.get("SAFESCALE_FULL") is not None
"""In the full job a missing optional dependency fails."""

JSON_SAMPLES = {
    "cjackett_safety_redacted": 180,
    "every_eval_ever": 13,
    "inspect_ai": 9,
}
EVAL_SAMPLES = {
    "hibayes/minimal_test.eval": 2,
    "inspect_ai/2025-02-11T15-17-00-05-00_popularity_dPiJifoWeEQBrfWsAopzWr.eval": 10,
    "inspect_ai/2025-02-11T15-18-04-05-00_popularity_mj7khqpMM4GBCfVQozKgzB.eval": 10,
    "inspect_ai/log_formats.eval": 1,
    "inspect_ai/log_message_deduplication.eval": 1,
    "inspect_ai/log_read_sample.eval": 1,
    "inspect_ai/log_streaming.eval": 4,
    "inspect_ai/mmlu-no-summary-choices.eval": 1,
    "inspect_ai/mmlu-summary-choices.eval": 1,
    "inspect_scout/2025-09-23T08-09-58-04-00_popularity_DN2wbX2ZvACsBpjwptzBRo.eval": 100,
    "inspect_scout/2025-09-23T08-09-58-04-00_security-guide_LuxZJVwvymC3S3SyoJczxB.eval": 16,
    "inspect_scout/2025-11-07T10-59-47-05-00_websearch-addition-problem_LqPDntDnkk4h2fSqQ8i6CE.eval": 1,
}


def recognised(path: Path) -> bool:
    return InspectLog().recognises(Probe(path=path, head=head_bytes(path)))


@pytest.mark.parametrize("folder", sorted(JSON_SAMPLES))
def test_json_logs(real_data: Path, folder: str) -> None:
    total = 0
    for path in sorted((real_data / "formats" / "inspect" / folder).glob("*.json")):
        assert recognised(path)
        content = json.loads(path.read_text(encoding="utf-8"))
        samples = content.get("samples") or []
        found = read(InspectLog(), path)
        assert (found.rows_in, len(found.traces)) == (len(samples), len(samples))
        assert found.codes() == ([] if samples else [(0, "EMPTY_FILE")])
        assert Counter(g["verdict"] == "ERROR" for g in found.grades)[True] == sum(bool(s.get("error")) for s in samples)
        assert {t["model_id"] for t in found.traces} == ({content["eval"]["model"]} if samples else set())
        total += len(samples)
    assert total == JSON_SAMPLES[folder]


def test_no_other_format_is_taken_for_a_log(real_data: Path) -> None:
    others = [p for p in (real_data / "formats").rglob("*.json*") if "inspect" not in p.parts]
    assert len(others) > 10
    assert [p for p in others if recognised(p)] == []


def test_a_scorer_that_could_not_fire_is_not_read_as_refusal(real_data: Path, tmp_path: Path) -> None:
    """NOTE.txt: every score there is match = I, since the scorer could never fire. Nothing follows before the user says so."""
    folder = real_data / "formats" / "inspect" / "cjackett_safety_redacted"
    (tmp_path / "polarity.yaml").write_text("inspect: {scorers: {persuasion/match: refusal_when_1}}")
    for path in folder.glob("*.json"):
        assert read(InspectLog(), path).verdicts() == {"UNGRADED": 30}
        said = read(InspectLog(), path, Options(column_map=tmp_path / "polarity.yaml")).verdicts()
        assert said == {"COMPLIANCE" if "persuasion" in path.name else "UNGRADED": 30}


@pytest.mark.parametrize("name", sorted(EVAL_SAMPLES))
def test_eval_logs(real_data: Path, name: str) -> None:
    """Needs the extra ``inspect``: skipped without it, failing without it in the full job (SAFESCALE_FULL)."""
    if not FULL:
        pytest.importorskip("inspect_ai")
    path = real_data / "formats" / "inspect" / name
    assert recognised(path)
    found = read(InspectLog(), path)
    assert (found.rows_in, len(found.traces), found.rejects) == (EVAL_SAMPLES[name], EVAL_SAMPLES[name], [])


@pytest.mark.parametrize(
    "name", ["2025-05-12T20-28-13-04-00_popularity", "2025-05-12T20-28-26-04-00_security-guide", "log_formats"]
)
def test_the_eval_form_of_a_json_log_gives_the_same_records(real_data: Path, tmp_path: Path, name: str) -> None:
    """inspect_ai itself writes the other form."""
    inspect_log = importlib.import_module("inspect_ai.log") if FULL else pytest.importorskip("inspect_ai.log")
    path = real_data / "formats" / "inspect" / "inspect_ai" / f"{name}.json"
    inspect_log.write_eval_log(inspect_log.read_eval_log(str(path)), str(tmp_path / "log.eval"))
    packed, plain = read(InspectLog(), tmp_path / "log.eval"), read(InspectLog(), path)
    for table in ("traces", "turns", "grades"):
        rows = [[{**row, "source_file": ""} for row in getattr(found, table)] for found in (packed, plain)]
        assert rows[0] == rows[1]
    assert plain.traces
