"""Point 3 of the issue: clean simulated corpora of 140,000 rows give nothing at all, not even a note."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import attrs
import pytest

from safescale.audit import RULES, AuditResult, audit_corpus
from safescale.ingest.session import ingest
from safescale.simulate import CorpusPlan, simulate_corpus
from safescale.store import open_corpus

CLEAN = CorpusPlan(parts=("flat",), tampered_every=0, unsized_every=0, refusing=2)
"""All sizes known, no tampered model, no cell under 20, distinct responses, common prompts, two models that refuse everything."""

NEEDS_TWO_GRADERS = {"SS302", "SS308", "SS311"}


def audited(plan: CorpusPlan, folder: Path) -> tuple[AuditResult, float]:
    simulate_corpus(plan, folder)
    with contextlib.closing(open_corpus(folder / "corpus", create=True)) as corpus:
        assert ingest([folder / "flat.jsonl"], corpus).findings == 0
        started = time.perf_counter()
        result = audit_corpus(corpus)
        return result, time.perf_counter() - started


def test_a_clean_corpus_of_140_000_rows_gives_nothing(tmp_path: Path) -> None:
    result, seconds = audited(CLEAN, tmp_path)
    assert result.findings == ()
    assert {rule.code for rule in result.not_run} == NEEDS_TWO_GRADERS
    assert set(result.rules_run) == set(RULES) - NEEDS_TWO_GRADERS
    # about 2.5 s on an idle machine of two slow cores; ten would be another algorithm
    assert seconds < 30.0


@pytest.mark.calibration
@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"seed": 2, "scenario": "provider", "provider_sd_pp": 15.0},
        {"seed": 3, "scenario": "u_shape"},
        {"seed": 4, "scenario": "none", "base_rate": 0.02, "tau_pp": 1.0},
        {"seed": 5, "base_rate": 0.9},
        {"seed": 6, "models": 60, "attack_classes": 3, "prompts": 2400},
        {"seed": 7, "models": 60, "attack_classes": 40, "prompts": 1200, "prompt_icc": 0.6},
        {"seed": 8, "prompts": 160, "attack_classes": 4},
    ],
    ids=lambda changes: f"seed {changes['seed']}",
)
def test_clean_corpora_of_other_shapes_give_nothing(tmp_path: Path, changes: dict[str, object]) -> None:
    result, _ = audited(attrs.evolve(CLEAN, **changes), tmp_path)
    assert result.findings == ()
