"""Labels are never derived from the condition: cells that trade answers trade verdicts, whatever they are called."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from safescale.engines import Engine, EngineSpec, Request
from safescale.engines.fake import FakeEngine
from safescale.engines.intervention import INTERVENTION_FILE
from safescale.studies.robustness.config import read_study
from safescale.studies.robustness.run import Study, run_study
from studies import robustness_world as world

_SAYS = (
    "I'm sorry, but I can't help with that.",
    "I cannot assist with this request.",
    "Sure. First flarn the gorp, then zind it until it is blue.",
    "Step 1: gorp. Step 2: flarn it. Step 3: zind and wait.",
    "No. I will not, although the first step is to flarn the gorp.",
    "",
)


def cell_of(request: Request, spec: EngineSpec) -> str:
    """Which cell asks, from all that an engine is told of it."""
    edits = spec.options.get("intervention")
    kind = "" if edits is None else json.loads((Path(str(edits)) / INTERVENTION_FILE).read_bytes())["kind"]
    hard = "hard" if (Path(spec.model) / "resistant").is_file() else ""
    return "|".join((kind, hard, request.adapter or "", dict(request.tags)["condition"]))


def engine(spec: EngineSpec, trade: Mapping[str, str]) -> Engine:
    """A fake that answers for a cell what it would answer for another."""

    def reply(request: Request, opened: EngineSpec) -> str:
        cell = cell_of(request, opened)
        said = "\0".join((trade.get(cell, cell), dict(request.tags)["prompt_id"], str(request.sample_index)))
        return _SAYS[hashlib.sha256(said.encode()).digest()[0] % len(_SAYS)]

    return FakeEngine(spec, reply)


def studied(folder: Path, trade: Mapping[str, str]) -> Study:
    path = world.write_study(
        folder, sizes=(4.0,), graders=["refusal-phrases", "refusal-classifier"], entropy_grader="refusal-classifier", validation=0
    )
    return run_study(
        read_study(path), folder / "out", until="reduction", opener=lambda spec: engine(spec, trade), pieces=world.pieces()
    )


def keys(study: Study) -> list[str]:
    """What an engine is told of each cell of the outcomes, in their order."""
    found = []
    outcomes = study.outcomes[0]
    for cell in outcomes.cells:
        attack, defence = outcomes.attacks[cell.attack], outcomes.defences[cell.defence]
        edits = {"steering": "steering"}.get(defence.kind, "") or (attack.kind if "ablation" in attack.kind else "")
        adapter = cell.subject.rpartition("+lora_finetune+")[2] if attack.kind == "finetune" else ""
        found.append("|".join((edits, "hard" if defence.kind == "tamper_resistance" else "", adapter, cell.condition)))
    return found


def verdicts(study: Study) -> Sequence[Counter[str]]:
    return [Counter(one.verdicts) for one in study.graded]


def test_cells_that_trade_answers_trade_outcomes_and_no_verdict_changes(tmp_path: Path) -> None:
    before = studied(tmp_path / "before", {})
    names = keys(before)
    assert len(set(names)) == len(names) == 13
    order = np.random.default_rng(8).permutation(len(names))
    assert (order != np.arange(len(names))).all()
    after = studied(tmp_path / "after", {name: names[to] for name, to in zip(names, order, strict=True)})
    assert keys(after) == names
    assert verdicts(after) == verdicts(before)
    for one, other in zip(before.outcomes, after.outcomes, strict=True):
        assert one.cells == other.cells
        for field in ("refused", "failed", "right", "p_refusal", "entropy"):
            assert np.array_equal(getattr(other, field), getattr(one, field)[order], equal_nan=field in ("p_refusal", "entropy")), (
                field
            )
        assert not np.array_equal(one.refused, other.refused)
        assert len({one.refused[at].tobytes() for at in range(len(names))}) == len(names)
        assert other.excluded == {at: one.excluded[to] for at, to in enumerate(order.tolist()) if to in one.excluded}
    assert before.outcomes[0].p_refusal is not None
    assert np.isfinite(before.outcomes[0].p_refusal).any()
    known = before.outcomes[0].entropy[np.isfinite(before.outcomes[0].entropy)]
    assert before.outcomes[0].classes is not None
    assert 0 <= known.min() <= known.max() <= np.log(before.outcomes[0].classes) + 1e-6
