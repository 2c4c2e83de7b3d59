"""File names: what a documented pattern states, and nothing else."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from safescale.ingest import failure_first_answers, failure_first_names, jailbreak_db
from safescale.ingest.batch import Probe
from safescale.ingest.failure_first import FailureFirst
from safescale.ingest.failure_first_names import FileNaming, file_naming

KNOWN = FileNaming(known=True)
UNKNOWN = FileNaming()


@pytest.mark.parametrize(
    ("name", "naming"),
    [
        ("gemma3-4b_traces.jsonl", KNOWN),
        ("gemma3-4b_traces.jsonl.gz", KNOWN),
        ("gemma3-4b_traces.jsonl.snapshot_2026-04-24", KNOWN),
        ("gemma3-4b_run7.jsonl.snapshot_2026-04-24", KNOWN),
        ("flip_graded_all.jsonl", KNOWN),
        ("flip_graded_results.jsonl", KNOWN),
        ("claude-opus-4-6_flip_graded.jsonl", KNOWN),
        ("cohort_flip_graded.jsonl", KNOWN),
        ("graded_gemma3-4b_traces.jsonl.zst", KNOWN),
        ("gemma3-4b_graded.jsonl", KNOWN),
        ("gemma3-4b_graded_by_haiku-4.5.jsonl", FileNaming(known=True, grader="haiku-4.5")),
        ("a_graded_by_anthropic_claude-haiku-4.5.jsonl.gz", FileNaming(known=True, grader="anthropic_claude-haiku-4.5")),
        ("a_graded_by_b.jsonl.snapshot_2026-04-24", FileNaming(known=True, grader="b")),
        ("qwen3-8b_xgrader_gemma4-31b.jsonl", FileNaming(known=True, grader="gemma4-31b")),
        ("qwen3-8b.xgrader_gemma4-31b.jsonl", FileNaming(known=True, grader="gemma4-31b")),
        ("qwen3-8b.jsonl.xgrader_gemma4-31b", FileNaming(known=True, grader="gemma4-31b")),
        ("x_flip_regraded_2026-04-25.jsonl", FileNaming(known=True, rubric_version="regraded-2026-04-25")),
        ("rate_limiter_usage.jsonl", FileNaming(known=True, metadata=True)),
        # names that only resemble a pattern
        ("x_flip_regraded_yesterday.jsonl", KNOWN),
        ("_graded_by_b.jsonl", UNKNOWN),
        ("a_graded_by_.jsonl", UNKNOWN),
        ("a_graded_by_b_graded_by_c.jsonl", UNKNOWN),
        ("a_graded_by_b_xgrader_c.jsonl", UNKNOWN),
        ("a_xgrader_.jsonl", UNKNOWN),
        ("notes_graded_byhand.jsonl", UNKNOWN),
        ("upgraded.jsonl", UNKNOWN),
        ("results.json", UNKNOWN),
        ("a_graded_by_b.csv", UNKNOWN),
        ("a.xgrader_b.json", UNKNOWN),
    ],
)
def test_name_states_only_what_its_pattern_has_a_place_for(name: str, naming: FileNaming) -> None:
    assert file_naming(name) == naming


@pytest.mark.parametrize(
    ("name", "head", "ours"),
    [
        ("any.jsonl", b'{"trace_id":"a","turns":[]}\n', True),
        ("any.jsonl", b'\xef\xbb\xbf{"scenario_id":"a"}\r\n', True),
        ("any.jsonl", b'garbage\n\n{"trace_id":"a","llm_verdict":"REFUSAL"}\n', True),
        ("any.jsonl", b'{"text":"t","label":"REFUSAL","result_id":4,"classifier":"c"}\n', True),
        ("any.jsonl", b'{"trace_id":"a","labels_pred":{"attack_success_pred":tr', True),
        ("rate_limiter_usage.jsonl", b'{"calls":3}\n', True),
        ("a_traces.jsonl", b"", True),
        ("any.jsonl", b'{"trace_id":"a","model_id":"m","verdict":"REFUSAL"}\n', False),
        ("a_graded.jsonl", b'{"trace_id":"a","grader_kind":"llm","response_kind":"text"}\n', False),
        ("any.jsonl", b'{"question":"q","answer":"a"}\n', False),
        ("any.json", b'{"eval":{"model":"m"},"samples":[{"scenario_id":', False),
        ("any.jsonl", b"", False),
    ],
)
def test_files_are_recognised_by_name_and_by_top_level_keys(name: str, head: bytes, ours: bool) -> None:
    assert FailureFirst().recognises(Probe(path=Path("runs") / name, head=head)) is ours


@pytest.mark.parametrize("module", [failure_first_names, failure_first_answers, jailbreak_db])
def test_examples_in_docstrings_hold(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted > 0
    assert result.failed == 0
