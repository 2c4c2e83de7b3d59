"""``models.yaml``: which models answer, how each is opened, what is known of it, and under which conditions they are asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines import EngineSpec, Sampling, engine_names
from safescale.engines.intervention import INTERVENTION_FILE, intervention_sha256
from safescale.errors import DataError, DomainError
from safescale.generate.conditions import CONDITION_KEYS, Condition, condition_of
from safescale.ingest.mapped_yaml import Node, load_yaml
from safescale.records.models import TAMPERING_STATES
from safescale.registry import parse_model_id
from safescale.store.files_hash import folder_sha256

__all__ = ["DeclaredModel", "ModelsFile", "read_models", "sampling_of"]

_TOP: Final = ("models", "sampling", "conditions")
_SIZE: Final = ("params_total_b", "params_active_b", "params_source", "tampering", "tampering_detail")
_MODEL: Final = (
    *("model", "model_id", "engine", "revision", "tokenizer", "chat_template", "max_model_len", "batch_size", "seed"),
    *("base_url", "api_key_env", "options", "adapters", "base", "send", "sampling", "lineage", *_SIZE),
)
_ADAPTER: Final = ("path", "model_id", "lineage", *_SIZE)
_SAMPLING: Final = ("temperature", "top_p", "top_k", "max_tokens", "stop", "logprobs")
_TAMPERED_ID: Final = {"abliterated": "+abliterated", "fine_tuned": "+lora_finetune", "steered": "+steered"}


@attrs.frozen(kw_only=True)
class DeclaredModel:
    """
    One model that answers: what its engine is opened with, and what the user declares of it.

    Parameters
    ----------
    model_id : str
        Id under which its traces stand.
    spec : EngineSpec
        What the engine is opened with; the adapters of one model share it.
    adapter : str, optional
        LoRA adapter that its requests name.
    declared : mapping of str to (str, int, float, bool or None)
        What was written of the engine, before paths were found: it goes into the run's id, so that a folder may move.
    sampling : mapping
        Sampling of this model alone, over that of the file.
    send_text : bool, default False
        Whether prompts go to the model as they are, without a chat template (base models).
    params_total_b, params_active_b : float, optional
        Declared size (1e9 parameters).
    size_estimated : bool
        Whether the declared size is an estimate.
    tampering, tampering_detail : str, optional
        Declared state of its safety training.
    lineage : str, optional
        Declared lineage: models trained alike and from one source but for their size; one seed of a lineage that was trained
        several times. Default: what the registry knows of the id. No part of the run's id.
    """

    model_id: str
    spec: EngineSpec
    adapter: str | None = None
    declared: Mapping[str, Any] = attrs.field(factory=dict)
    sampling: Mapping[str, Any] = attrs.field(factory=dict)
    send_text: bool = False
    params_total_b: float | None = None
    params_active_b: float | None = None
    size_estimated: bool = False
    tampering: str | None = None
    tampering_detail: str | None = None
    lineage: str | None = None


@attrs.frozen(kw_only=True)
class ModelsFile:
    """What a ``models.yaml`` says: models, sampling of all of them, conditions in their order."""

    models: tuple[DeclaredModel, ...]
    sampling: Mapping[str, Any]
    conditions: tuple[Condition, ...]


def read_models(path: Path, *, engine: str | None = None) -> ModelsFile:
    """
    Read a ``models.yaml``.

    Parameters
    ----------
    path : Path
        The file. Paths in it that exist beside it are taken from there.
    engine : str, optional
        Engine of the models that name none.

    Raises
    ------
    DataError
        Naming file, key, what was expected and what came, for anything that is wrong; a key that is not known is wrong.
    """
    node = load_yaml(path, what="models file")
    top = node.mapping(_TOP, required=("models",))
    models: list[DeclaredModel] = []
    seen: dict[str, str] = {}
    for item in top["models"].items():
        for model in _models_of(item, path.parent, engine):
            if model.model_id in seen:
                item.fail(f"a model_id that no other model has (also {seen[model.model_id]})", got=model.model_id, key="model_id")
            seen[model.model_id] = item.place
            models.append(model)
    conditions = tuple(
        condition_of(name, given, given.mapping(CONDITION_KEYS) if given.value else {}, path.parent)
        for name, given in (top["conditions"].pairs() if "conditions" in top else {}).items()
    )
    return ModelsFile(
        models=tuple(models),
        sampling=sampling_of(top["sampling"]) if "sampling" in top else {},
        conditions=conditions or (Condition(name="default"),),
    )


def sampling_of(node: Node) -> dict[str, Any]:
    """Sampling options of a mapping, checked by the engine's own rules."""
    found: dict[str, Any] = {}
    for key, given in node.mapping(_SAMPLING).items():
        value = given.value
        if key == "stop":
            value = given.scalar_texts()
        elif key in ("temperature", "top_p"):
            value = given.number()
        elif not (value is None and key == "logprobs"):
            value = _integer(given)
        try:
            Sampling(**{key: value})
        except (DomainError, ValueError) as error:
            given.fail(str(error).splitlines()[0])
        found[key] = value
    return found


def _models_of(node: Node, folder: Path, engine: str | None) -> list[DeclaredModel]:
    """The model of an entry and one more for each of its adapters."""
    given = node.mapping(_MODEL, required=("model",))
    adapters = _adapters(given.get("adapters"), folder)
    spec = _spec(node, given, folder, engine, {name: where for name, (where, _, _) in adapters.items()})
    shared: dict[str, Any] = {
        "spec": spec,
        "sampling": sampling_of(given["sampling"]) if "sampling" in given else {},
        "send_text": "send" in given and given["send"].choice(("chat", "text")) == "text",
    }
    declared = _declared(given, spec)
    with_base = given["base"].flag() if "base" in given else True
    if not with_base and not adapters:
        given["base"].fail("true, since this model has no adapters")
    found: list[DeclaredModel] = []
    if with_base:
        found.append(DeclaredModel(model_id=spec.model_id, declared=declared, **shared, **_known(node, given, spec.model_id)))
    for name, (where, place, facts) in adapters.items():
        model_id = facts["model_id"].text() if "model_id" in facts else f"{spec.model_id}+{name}"
        sizes = {key: given[key] for key in ("lineage", *_SIZE[:3]) if key in given} | facts
        known = _known(place, sizes, model_id)
        held = folder_sha256(Path(where)) if Path(where).is_dir() else where
        more = {"adapter": name, "adapter_sha256": held}
        found.append(DeclaredModel(model_id=model_id, adapter=name, declared={**declared, **more}, **shared, **known))
    return found


def _spec(node: Node, given: Mapping[str, Node], folder: Path, engine: str | None, adapters: Mapping[str, str]) -> EngineSpec:
    named = given["engine"].text() if "engine" in given else engine
    if named is None:
        node.fail(f"an engine, here or with --engine: {', '.join(engine_names())}", got="none", key="engine")
    if named not in engine_names():
        place = given.get("engine")
        if place is None:
            raise DataError(f"no engine is called {named!r}; known engines: {', '.join(engine_names())}")
        place.choice(engine_names())
    texts = {key: given[key].text() for key in ("model_id", "revision", "base_url", "api_key_env") if key in given}
    counts = {
        key: _integer(given[key], least=0 if key == "seed" else 1)
        for key in ("max_model_len", "batch_size", "seed")
        if key in given
    }
    template = given.get("chat_template")
    if template is not None and not (folder / template.text()).is_file():
        template.fail("a file beside models.yaml, or an absolute path to one")
    return EngineSpec(
        engine=named,
        model=_beside(folder, given["model"].text()),
        **({"model_id": given["model"].text()} | texts),  # type: ignore[arg-type]
        **counts,  # type: ignore[arg-type]
        tokenizer=_beside(folder, given["tokenizer"].text()) if "tokenizer" in given else None,
        chat_template=None if template is None else folder / template.text(),
        adapters=adapters,
        options=_options(given["options"], folder) if "options" in given else {},
    )


def _adapters(node: Node | None, folder: Path) -> dict[str, tuple[str, Node, dict[str, Node]]]:
    """Adapters by name: where each lies, its place in the file, what is said of it."""
    found: dict[str, tuple[str, Node, dict[str, Node]]] = {}
    for name, given in (node.pairs() if node is not None else {}).items():
        facts = given.mapping(_ADAPTER, required=("path",)) if isinstance(given.value, dict) else {}
        where = facts["path"].text() if facts else given.text()
        found[name] = (_beside(folder, where), given, facts)
    return found


def _options(node: Node, folder: Path) -> dict[str, str | int | float | bool | None]:
    found: dict[str, str | int | float | bool | None] = {}
    for name, given in node.pairs().items():
        if isinstance(given.value, dict | list):
            given.fail("a text, a number, true, false or null")
        found[name] = given.value
        if name == INTERVENTION and given.value is not None:
            if not (folder / given.text() / INTERVENTION_FILE).is_file():
                given.fail(f"a folder beside models.yaml, or an absolute path to one, that holds an {INTERVENTION_FILE}")
            found[name] = str(folder / given.text())
    return found


def _known(node: Node, given: Mapping[str, Node], model_id: str) -> dict[str, Any]:
    """Declared size and tampering; an id that hides a declared tampering is refused."""
    found: dict[str, Any] = {}
    for key in ("params_total_b", "params_active_b"):
        if key in given:
            found[key] = given[key].number()
            if found[key] <= 0:
                given[key].fail("a number above 0 (1e9 parameters); leave an unknown size out")
    if "params_source" in given:
        found["size_estimated"] = given["params_source"].choice(("declared", "estimated")) == "estimated"
        if "params_total_b" not in found:
            given["params_source"].fail("params_total_b beside it")
    if "lineage" in given:
        found["lineage"] = given["lineage"].text()
    if "tampering_detail" in given:
        found["tampering_detail"] = given["tampering_detail"].text()
    if "tampering" in given:
        state = found["tampering"] = given["tampering"].choice(TAMPERING_STATES)
        says = parse_model_id(model_id).tampering
        if state in _TAMPERED_ID and says != state:
            node.fail(
                f"an id that says {state}, since a corpus knows the tampering of a model by its id: for example "
                f"{model_id.partition('+')[0]}{_TAMPERED_ID[state]}",
                got=f"{model_id} (read as {says})",
                key="model_id",
            )
    return found


def _declared(given: Mapping[str, Node], spec: EngineSpec) -> dict[str, Any]:
    """What of an entry determines answers, as it was written: a folder that moves is still the same model."""
    template = spec.chat_template
    facts: dict[str, Any] = {
        "engine": spec.engine,
        "model": given["model"].text(),
        "revision": spec.revision,
        "tokenizer": given["tokenizer"].text() if "tokenizer" in given else None,
        "chat_template_sha256": None if template is None else hashlib.sha256(template.read_bytes()).hexdigest(),
        "max_model_len": spec.max_model_len,
        "engine_seed": spec.seed,
        "options": {name: value for name, value in sorted(spec.options.items()) if name not in NOT_THE_ANSWER},
    }
    if spec.options.get(INTERVENTION) is not None:
        facts["options"][INTERVENTION] = f"sha256 {intervention_sha256(Path(str(spec.options[INTERVENTION])))}"
    return facts


INTERVENTION: Final = "intervention"
"""The option that names a folder of edits: what is in the folder determines answers, and not where it lies."""


NOT_THE_ANSWER: Final = frozenset(
    {
        *("concurrency", "timeout_s", "connect_timeout_s", "start_wait_s", "retries", "backoff_s", "backoff_cap_s", "max_wait_s"),
        *("requests_per_minute", "tokens_per_minute", "token_budget", "cost_budget", "price_prompt", "price_completion"),
        *("api_key_header", "check", "gpu_memory_utilization", "kv_cache_gib", "in_flight", "threads"),
        *("latency_s", "oom_above", "dies_after", "dies_on", "fails_on"),  # of the fake
    }
)
"""Options of engines that change how fast or how dear an answer is, and not which: a resumed run may change them."""


def _beside(folder: Path, written: str) -> str:
    """A path that exists beside the file, else what was written (an id of a hub, the name under which a server knows it)."""
    there = folder / written
    return str(there) if there.exists() else written


def _integer(node: Node, *, least: int = 0) -> int:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        node.fail(f"an integer >= {least}")
    return int(value)
