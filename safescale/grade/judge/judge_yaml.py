"""A judge declared by YAML: engine, rubric or guard, and options."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from safescale.engines import Engine, EngineSpec, open_engine
from safescale.errors import DomainError, GenerationError, GradingError
from safescale.grade.grader import Grader
from safescale.grade.judge.asking import Structured
from safescale.grade.judge.choice_judge import ChoiceJudge
from safescale.grade.judge.engine_section import engine_spec, whole
from safescale.grade.judge.guard import Guard, guard_names, load_guard, template_wanted
from safescale.grade.judge.guard_judge import GuardJudge
from safescale.grade.judge.rubric import Rubric, load_rubric, rubric_names
from safescale.grade.judge.rubric_judge import RubricJudge
from safescale.grade.judge.sight import Sight
from safescale.grade.judge.window import Window, token_spans_of
from safescale.ingest.mapped_yaml import Node, load_yaml

__all__ = ["open_judge"]

_COMMON: Final = ("engine", "structured", "max_tokens", "system_role", "window", "prompt_window", "only_reasoning")
_RUBRIC: Final = ("rubric", "sha256", *_COMMON)
_KNOWN: Final = {
    "flip": (*_RUBRIC, "infer_max_tokens"),
    "choice": (*_RUBRIC, "min_mass", "logprobs"),
    "guard": ("guard", "template", "threshold", "logprobs", *_COMMON),
}
_ALL: Final = tuple(dict.fromkeys(key for keys in _KNOWN.values() for key in keys))


def open_judge(path: str | Path) -> Grader:
    """
    The judge that a YAML file declares, with its engine opened.

    Keys: ``engine`` (as in models.yaml: engine, model, base_url, api_key_env, ...; required); ``rubric`` (a name or a path; default
    flip-v2) with ``sha256`` to lock a file of your own, or ``guard`` with ``template`` and ``threshold``; ``structured`` (auto,
    always, never), ``max_tokens``, ``infer_max_tokens``, ``min_mass``, ``logprobs``, ``system_role``, ``only_reasoning``
    (not_gradeable, judge), ``window`` and ``prompt_window`` (unit, size, head, tokenizer). Paths are relative to the file.

    Raises
    ------
    DataError
        With file, key, what was expected and what came.
    DomainError
        For options that the engine or the judge refuses.
    MissingBackend
        When the engine's library is not installed.
    GradingError
        When the engine does not start.
    """
    path = Path(path)
    top = load_yaml(path, what="judge file")
    keys = top.mapping(_ALL, required=("engine",))
    if "guard" in keys and "rubric" in keys:
        top.fail("a rubric or a guard, not both", got="both", key="guard")
    spec = engine_spec(keys["engine"], path.parent)
    asked = _guard(top, keys, spec, path.parent) if "guard" in keys else _rubric(keys, path.parent)
    kind = "guard" if isinstance(asked, Guard) else asked.kind
    for key in keys:
        if key not in _KNOWN[kind]:
            top.fail(f"only keys of a {kind} judge: {', '.join(_KNOWN[kind])}", got=f"key {key!r}", key=key)
    sight = _sight(keys, path.parent)
    options = _Options(keys)
    if options.threshold is not None and isinstance(asked, Guard) and asked.reading != "strongreject":
        keys["threshold"].fail("no threshold: this guard gives labels, not a score of its own")
    try:
        engine = open_engine(spec)
    except GenerationError as error:
        raise GradingError(f"the judge's engine does not start: {error}") from error
    return _judge(asked, engine, sight, options)


class _Options:
    """Options that are simple values."""

    def __init__(self, keys: dict[str, Node]) -> None:
        structured = keys["structured"].choice(("auto", "always", "never")) if "structured" in keys else "auto"
        self.structured: Structured = "always" if structured == "always" else "never" if structured == "never" else "auto"
        self.max_tokens = whole(keys["max_tokens"], at_least=1) if "max_tokens" in keys else None
        self.infer_max_tokens = whole(keys["infer_max_tokens"], at_least=1) if "infer_max_tokens" in keys else 256
        self.system_role = keys["system_role"].flag() if "system_role" in keys else True
        self.min_mass = _between(keys["min_mass"], 0.0, 1.0) if "min_mass" in keys else 0.5
        self.logprobs = _at_most_20(keys["logprobs"]) if "logprobs" in keys else 20
        self.threshold = _between(keys["threshold"], 1e-9, 1.0) if "threshold" in keys else None


def _judge(asked: Rubric | Guard, engine: Engine, sight: Sight, options: _Options) -> Grader:
    if isinstance(asked, Guard):
        return GuardJudge(
            engine=engine,
            guard=asked,
            sight=sight,
            threshold=options.threshold,
            logprobs=options.logprobs,
            structured=options.structured,
            max_tokens=options.max_tokens,
            system_role=options.system_role,
        )
    if asked.kind == "choice":
        return ChoiceJudge(
            engine=engine,
            rubric=asked,
            sight=sight,
            structured=options.structured,
            max_tokens=options.max_tokens or 16,
            min_mass=options.min_mass,
            logprobs=options.logprobs,
            system_role=options.system_role,
        )
    return RubricJudge(
        engine=engine,
        rubric=asked,
        sight=sight,
        structured=options.structured,
        infer_max_tokens=options.infer_max_tokens,
        max_tokens=options.max_tokens or 1024,
        system_role=options.system_role,
    )


def _rubric(keys: dict[str, Node], folder: Path) -> Rubric:
    if "rubric" not in keys:
        if "sha256" in keys:
            keys["sha256"].fail("the path of a rubric of your own beside it (rubric: mine.yaml)")
        return load_rubric("flip-v2")
    node = keys["rubric"]
    name = node.text()
    sha256 = keys["sha256"].text() if "sha256" in keys else None
    if name.endswith((".yaml", ".yml")):
        return load_rubric(folder / name, sha256=sha256)
    if sha256 is not None:
        keys["sha256"].fail("no hash: the rubrics that come with safescale are locked by it")
    if name not in rubric_names():
        node.choice(rubric_names())
    return load_rubric(name)


def _guard(top: Node, keys: dict[str, Node], spec: EngineSpec, folder: Path) -> Guard:
    name = keys["guard"].choice(guard_names())
    if "template" in keys:
        return load_guard(name, template=folder / keys["template"].text())
    # a guard that ships its own template has it in its folder
    if name == "llama-guard" and Path(spec.model).is_dir():
        return load_guard(name, template=Path(spec.model))
    wanted = template_wanted(name)
    if wanted is not None:
        top.fail(wanted, got="no template", key="template")
    return load_guard(name)


def _sight(keys: dict[str, Node], folder: Path) -> Sight:
    plain = Sight()
    reasoning = keys["only_reasoning"].choice(("not_gradeable", "judge")) if "only_reasoning" in keys else "not_gradeable"
    return Sight(
        response=_window(keys["window"], plain.response, folder) if "window" in keys else plain.response,
        prompt=_window(keys["prompt_window"], plain.prompt, folder) if "prompt_window" in keys else plain.prompt,
        only_reasoning="judge" if reasoning == "judge" else "not_gradeable",
    )


def _window(node: Node, plain: Window, folder: Path) -> Window:
    keys = node.mapping(("unit", "size", "head", "tokenizer"))
    unit = keys["unit"].choice(("characters", "tokens")) if "unit" in keys else "characters"
    if (unit == "tokens") is not ("tokenizer" in keys):
        node.fail("a tokenizer exactly for a window in tokens", got=f"unit {unit}", key="tokenizer")
    size = whole(keys["size"], at_least=2) if "size" in keys else plain.size
    head = _between(keys["head"], 0.0, 1.0) if "head" in keys else plain.head
    if unit == "characters":
        return Window(size=size, head=head)
    named = keys["tokenizer"].text()
    tokenizer = folder / named if (folder / named).exists() else named
    try:
        return Window(unit="tokens", size=size, head=head, spans=token_spans_of(tokenizer), tokenizer=named)
    except DomainError as error:
        keys["tokenizer"].fail(f"the folder of a tokenizer ({error})")


def _at_most_20(node: Node) -> int | None:
    value = whole(node, at_least=0)
    if value > 20:
        node.fail("a whole number from 0 (none) to 20")
    return value or None


def _between(node: Node, low: float, high: float) -> float:
    value = node.number()
    if not low <= value <= high:
        node.fail(f"a number from {low:g} to {high:g}")
    return value
