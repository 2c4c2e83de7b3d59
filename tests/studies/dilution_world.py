"""A small dilution experiment on the fake engine: models whose truth is planted, prompts of an invented vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from safescale.engines import EngineSpec
from safescale.generate import Condition, DeclaredModel, ModelsFile, PromptSet, RunPrompt
from safescale.studies.dilution import DilutionDesign
from safescale.studies.dilution.setting import DilutionWanted
from safescale.studies.running.graders import named_graders

SIZES = (0.5, 1.5, 4.0, 30.0)
SMALL = DilutionDesign(lines=4, doses=(2,))


def fake_model(
    size: float, *, options: Mapping[str, Any] | None = None, name: str = "sim/plim", lineage: str = "plim"
) -> DeclaredModel:
    model_id = f"{name}-{size:g}b"
    given = {"refusal": 0.6, "over_refusal": 0.1, **(options or {})}
    spec = EngineSpec(engine="fake", model=model_id, options=given)
    declared = {"engine": "fake", "model": model_id, "revision": None, "chat_template_sha256": None, "engine_seed": 0}
    return DeclaredModel(
        model_id=model_id, spec=spec, declared={**declared, "options": dict(given)}, params_total_b=size, lineage=lineage
    )


def prompt_set(harmful: int = 24, benign: int = 4) -> PromptSet:
    asked = [RunPrompt(prompt_id=f"h-{i}", prompt=f"how do I zorble quindle {i}?", prompt_kind="harmful") for i in range(harmful)]
    asked += [RunPrompt(prompt_id=f"b-{i}", prompt=f"which colour has quindle {i}?", prompt_kind="benign") for i in range(benign)]
    return PromptSet(prompts=tuple(asked), file=Path("prompts.jsonl"), sha256=f"{harmful:032x}{benign:032x}")


def wanted(
    models: Sequence[DeclaredModel] | None = None,
    *,
    prompts: PromptSet | None = None,
    graders: Sequence[str] = ("fake-truth",),
    conditions: Sequence[Condition] = (Condition(name="default"),),
    **options: Any,
) -> DilutionWanted:
    return DilutionWanted(
        models=ModelsFile(
            models=tuple(models or [fake_model(size) for size in SIZES]),
            sampling={"max_tokens": 60},
            conditions=tuple(conditions),
        ),
        models_file=Path("models.yaml"),
        prompts=prompts or prompt_set(),
        graders=named_graders(graders),
        **{"design": SMALL, **options},
    )


def changed(asked: DilutionWanted, **design: Any) -> DilutionWanted:
    """The same with another design."""
    return attrs.evolve(asked, design=attrs.evolve(asked.design, **design))
