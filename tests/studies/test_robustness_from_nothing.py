"""The small toy study from nothing, by the command that a user has."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.toy_robustness import EXAMPLES, GOAL_MB, measure
from safescale.studies.robustness.results import RobustnessVerdict


@pytest.mark.hf
@pytest.mark.slow
def test_from_nothing_to_an_answer_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print()
        shown = measure(EXAMPLES / "study-toy-small.yaml", tmp_path / "out")
    assert shown.told["broken"] == []
    assert shown.peak_mb < GOAL_MB
    stages = [stage["stage"] for stage in shown.told["stages"]]
    assert stages == [
        *("lineage", "directions", "tamper_resistance", "attacks", "generation", "ingest", "grading", "embedding", "reduction"),
        *("analysis", "report"),
    ]
    result = shown.told["report"]["robustness"]
    # whatever it found: nothing here has an opinion on the effect
    assert result["verdict"] in {verdict.value for verdict in RobustnessVerdict}
    first = result["graders"][0]
    assert first["grader"].startswith("toy-world/")
    sizes = {cell["model"]["params_b"] for cell in first["cells"]}
    assert len(sizes) == 4
    assert max(sizes) / min(sizes) > 10
    before = [cell for cell in first["cells"] if cell["attack"]["kind"] == "none" and cell["defence"]["kind"] == "none"]
    # less training than the whole study's models have, and far from what an untrained one does
    shares = [cell["retention"]["marginal_before"]["value"] for cell in before]
    assert len(shares) == 4
    assert sum(shares) / 4 > 0.6
    assert {cell["attack"]["kind"] for cell in first["cells"]} == {"none", "prompt", "finetune", "ablation", "random_ablation"}
    assert {cell["defence"]["kind"] for cell in first["cells"]} == {"none", "steering", "tamper_resistance"}
