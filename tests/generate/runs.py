"""Small plans, engines that misbehave on purpose, and the rows of a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from safescale.engines import Answer, EngineDied, EngineSpec, Fault, FaultCode, OutOfMemory, Request
from safescale.engines.fake import FakeEngine
from safescale.generate import DeclaredModel, PromptSet, RunPlan, RunPrompt
from safescale.generate.conditions import Condition
from safescale.generate.models_file import ModelsFile
from safescale.generate.plan import plan_runs


def prompt_set(count: int, *, text: str = "how does zorble {i} hum?") -> PromptSet:
    prompts = tuple(RunPrompt(prompt_id=f"q-{i}", prompt=text.format(i=i), prompt_kind="harmful") for i in range(count))
    return PromptSet(prompts=prompts, file=Path("prompts.jsonl"), sha256=f"{count:064x}")


def model(model_id: str = "sim/zorble-1b", *, adapter: str | None = None, **spec: Any) -> DeclaredModel:
    opened = EngineSpec(engine="fake", model=model_id, adapters={adapter: "folder"} if adapter else {}, **spec)
    declared = {"engine": "fake", "model": model_id, "revision": None, "chat_template_sha256": None, "engine_seed": 0}
    return DeclaredModel(model_id=model_id, spec=opened, adapter=adapter, declared=declared)


def plan(count: int = 20, *, conditions: Sequence[Condition] = (), **options: Any) -> RunPlan:
    models = ModelsFile(
        models=(options.pop("model", model()),),
        sampling={"temperature": 0.7, "max_tokens": 30},
        conditions=tuple(conditions) or (Condition(name="default"),),
    )
    return plan_runs(models, options.pop("prompts", prompt_set(count)), **options)[0]


def rows(folder: Path) -> list[dict[str, Any]]:
    """Lines of all parts, in order."""
    return [json.loads(line) for path in sorted(folder.glob("parts/part-*.jsonl")) for line in path.read_text().splitlines()]


def timeless(folder: Path) -> list[dict[str, Any]]:
    """Lines of all parts without their timestamps."""
    return [{key: value for key, value in row.items() if key != "created_at"} for row in rows(folder)]


@attrs.define
class Script:
    """
    Opens engines that follow a script: ``before`` is called with each request and may raise or give an answer of its own.

    ``batches`` are the sizes that were handed over, ``opened`` the number of engines.
    """

    before: Callable[[Request], Answer | None] = lambda request: None
    on_batch: Callable[[Sequence[Request]], None] = lambda requests: None
    facts: dict[str, Any] = attrs.field(factory=dict)
    batches: list[int] = attrs.field(factory=list)
    asked: list[str] = attrs.field(factory=list)
    opened: int = 0

    def __call__(self, spec: EngineSpec) -> Scripted:
        self.opened += 1
        return Scripted(spec, self)


class Scripted(FakeEngine):
    """An engine that follows its script."""

    def __init__(self, spec: EngineSpec, script: Script) -> None:
        super().__init__(spec)
        self._script = script
        self._dead = False

    @property
    def facts(self) -> Any:
        return attrs.evolve(super().facts, **self._script.facts)

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        assert not self._dead, "a dead engine was asked again"
        self._script.batches.append(len(requests))
        self._script.on_batch(requests)
        for request in requests:
            self._script.asked.append(text_of(request))
            try:
                said = self._script.before(request)
            except EngineDied:
                self._dead = True
                raise
            yield said or self._one(request)


def text_of(request: Request) -> str:
    return request.text if request.text is not None else request.messages[-1].content


def fault(request: Request, code: FaultCode, words: str = "plim") -> Answer:
    return Answer.failed(request, code, words)


__all__ = [
    "Fault",
    "FaultCode",
    "OutOfMemory",
    "Script",
    "Scripted",
    "fault",
    "model",
    "plan",
    "prompt_set",
    "rows",
    "text_of",
    "timeless",
]
