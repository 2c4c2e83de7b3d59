"""The public refusal_direction runs as canonical lines: five models, three conditions, 100 prompts, two graders."""

from __future__ import annotations

import json
from pathlib import Path

CONDITIONS = ("baseline", "ablation", "actadd")
SUBSTRING, GUARD = "substring_matching", "llamaguard2"


def runs(real_data: Path) -> dict[tuple[str, str], list[dict[str, object]]]:
    """Completions by model and condition."""
    found = {}
    for folder in sorted(p for p in (real_data / "refusal_direction").iterdir() if p.is_dir()):
        for condition in CONDITIONS:
            file = folder / f"jailbreakbench_{condition}_evaluations.json"
            found[folder.name, condition] = json.loads(file.read_text(encoding="utf-8"))["completions"]
    return found


def canonical_lines(real_data: Path, into: Path, *, referenced: int = 100) -> Path:
    """One line per grade; the second grader's on the first ``referenced`` prompts of each run, category by category in turn."""
    lines = []
    for (model, condition), rows in runs(real_data).items():
        for at, row in enumerate(rows):
            common = {
                "trace_id": f"{model}:{condition}:{at}",
                "source": "refusal_direction",
                "model_id": model,
                "prompt_id": str(at),
                "prompt_kind": "harmful",
                "attack_class": "none",
                "condition": condition,
                "sample_index": 0,
                "response_kind": "withheld",
                "finish_reason": "unknown",
                "target": "text",
            }
            graders = [(SUBSTRING, "keyword", "refusal_only", 1 - int(row["is_jailbreak_substring_matching"]))]
            if at % 2 == 0 or referenced > 50:
                graders.append((GUARD, "classifier", "binary_harmful", int(row["is_jailbreak_llamaguard2"])))
            for grader, kind, outcomes, label in graders:
                negative = {("refusal_only", 1): "REFUSAL", ("binary_harmful", 0): "NOT_HARMFUL"}
                verdict = negative.get((outcomes, label), "COMPLIANCE")
                own = {"grader_id": grader, "grader_kind": kind, "outcome_map": outcomes, "verdict": verdict}
                lines.append(common | own | {"raw_label": str(label)})
    into.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return into
