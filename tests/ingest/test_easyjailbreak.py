"""The adapter ``easyjailbreak``: lines as ``JailbreakDataset.save_to_jsonl`` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.broken import as_bytes, mutations
from ingest.reading import read
from safescale.ingest.batch import Options, Probe
from safescale.ingest.easyjailbreak import EasyJailbreak


def line(result: Any = True, **more: Any) -> dict[str, Any]:
    base = {"jailbreak_prompt": "gex {query} now", "query": "plim", "target_responses": ["brudd"], "eval_results": [result]}
    return {**base, **more}


def write(tmp_path: Path, rows: list[Any]) -> Path:
    path = tmp_path / "frimble-7b.jsonl"
    path.write_bytes(b"".join((r if isinstance(r, bytes) else as_bytes(r)) + b"\n" for r in rows))
    return path


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (True, "COMPLIANCE"),
        (1, "COMPLIANCE"),
        (False, "NOT_HARMFUL"),
        (0, "NOT_HARMFUL"),
        (8, "UNGRADED"),
        (0.5, "UNGRADED"),
        ("yes", "UNGRADED"),
    ],
)
def test_a_result_of_1_is_a_jailbreak_and_a_score_is_no_verdict(tmp_path: Path, result: Any, verdict: str) -> None:
    assert read(EasyJailbreak(), write(tmp_path, [line(result)])).verdicts() == {verdict: 1}


def test_fields(tmp_path: Path) -> None:
    rows = [line(), line(jailbreak_prompt="{query}"), line(target_responses=[], eval_results=[])]
    found = read(EasyJailbreak(), write(tmp_path, rows))
    assert [t["prompt"] for t in found.traces] == ["gex plim now", "plim", "gex plim now"]
    assert [t["attack_class"] for t in found.traces] == ["unclassified", "none", "unclassified"]
    assert [t["response_kind"] for t in found.traces] == ["text", "text", "none"]
    assert ({t["model_id"] for t in found.traces}, len(found.grades)) == ({"frimble-7b"}, 2)


def test_further_responses_are_said(tmp_path: Path) -> None:
    path = write(tmp_path, [line(target_responses=["a", "b", "c"], eval_results=[0, 1, 1])])
    codes = {n.code.value: n.got for b in EasyJailbreak().read(path, Options()) for n in b.notes}
    assert codes["ONE_OF_SEVERAL"].startswith("2 further responses")


def test_detection(tmp_path: Path) -> None:
    path = write(tmp_path, [line()])
    assert EasyJailbreak().recognises(Probe(path=path, head=path.read_bytes()))
    path = write(tmp_path, [{"query": "x", "target_responses": []}])
    assert not EasyJailbreak().recognises(Probe(path=path, head=path.read_bytes()))


def test_broken_lines_are_rejects_and_never_an_exception(tmp_path: Path) -> None:
    for changed in mutations([line(), line(False)], 80):
        found = read(EasyJailbreak(), write(tmp_path, changed))
        assert found.rows_in == 2
    found = read(EasyJailbreak(), write(tmp_path, [b"{", b"[1]", b"", b"\xff", line()]))
    assert (found.rows_in, len(found.traces)) == (5, 1)
