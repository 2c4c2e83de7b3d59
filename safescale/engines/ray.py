"""Ray Data LLM: the same requests as rows of a dataset, over as many machines as the Ray cluster has; the same answers back."""

from __future__ import annotations

import importlib.util
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from safescale.engines.answers import Answer, EngineDied, FaultCode
from safescale.engines.engine import Engine, EngineFacts, EngineSpec, OptionValue
from safescale.engines.ray_rows import answer_of_row, read_reply, row_of
from safescale.engines.rendering import Rendered, Tokenizer, template_sha256
from safescale.engines.requests import Request
from safescale.engines.vllm_model import check_model, load_tokenizer, window_of
from safescale.engines.vllm_options import VllmOptions, argument_names, engine_arguments, read_options
from safescale.engines.vllm_reasoning import SplitReasoning, reasoning_split
from safescale.engines.vllm_runtime import device_of, hardware_of, import_vllm, versions_of
from safescale.engines.vllm_sampling import prepared
from safescale.engines.weights import weights_sha256
from safescale.errors import DomainError, GenerationError, MissingBackend

__all__ = ["RayEngine", "open_ray"]

ROWS_PER_BATCH: Final = 64
CONCURRENT_BATCHES: Final = 8
OWN: Final = ("address", "rows_per_batch", "concurrent_batches", "cpus")
"""Options of this engine besides those of vLLM: address of a running cluster (default: a local one), rows that travel together,
batches at once in one engine, CPUs that a local cluster counts (default: as many as it needs)."""


@attrs.define
class RayEngine:
    """
    Ray Data LLM over one model.

    Every call of ``answer`` is one job: it starts the engines, answers, and stops them. Give it all requests at once.

    Parameters
    ----------
    facts : EngineFacts
        What it says of itself.
    """

    facts: EngineFacts
    _spec: EngineSpec
    _tokenizer: Tokenizer
    _configuration: Mapping[str, Any]
    _known: frozenset[str]
    _ends: frozenset[int]
    _split: SplitReasoning | None
    _ours: bool
    _closed: bool = False

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer every request once, as rows come back; a row without an answer is a fault."""
        if self._closed:
            raise EngineDied("this engine is closed; open a new one")
        asked: list[Rendered] = []
        for request in requests:
            ready = prepared(request, self._tokenizer, self._spec.adapters, self.facts.max_model_len)
            if isinstance(ready, Answer):
                yield ready
            else:
                asked.append(ready)
        if not asked:
            return
        missing = dict(enumerate(asked))
        try:
            for row in self._rows(asked):
                # a batch that Ray repeats after a machine is lost may come twice
                mine = missing.pop(row["number"], None)
                if mine is not None:
                    yield answer_of_row(
                        mine, row, decode=self._decode, ends=self._ends, window=self.facts.max_model_len, split=self._split
                    )
        except (GeneratorExit, KeyboardInterrupt):
            raise
        except Exception as error:
            words = f"the Ray job died with {len(missing)} of {len(asked)} requests unanswered ({type(error).__name__}: {error})"
            raise EngineDied(f"{words}; look at the cluster's logs and ask again for the rest") from error
        for left in missing.values():
            yield Answer.failed(
                left.request, FaultCode.SERVER_ERROR, "Ray Data gave no row for this request; a resumed run asks again"
            )

    def close(self) -> None:
        """Leave the cluster, and stop it where it was started here. Twice does no harm."""
        if not self._closed and self._ours:
            import ray

            ray.shutdown()
        self._closed = True

    def _decode(self, tokens: list[int]) -> str:
        decode: Callable[..., str] = self._tokenizer.decode  # type: ignore[attr-defined]  # every Hugging Face tokenizer has it
        return decode(tokens, skip_special_tokens=True)

    def _rows(self, asked: Sequence[Rendered]) -> Iterator[Mapping[str, Any]]:
        import ray.data
        from ray.data.llm import build_processor, vLLMEngineProcessorConfig

        logprobs = any(ready.request.sampling.logprobs is not None for ready in asked)
        items = [
            {
                "number": number,
                "row": json.dumps(row_of(ready, self._spec, self._known, apart=self._split is not None, logprobs=logprobs)),
            }
            for number, ready in enumerate(asked)
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            processor = build_processor(
                vLLMEngineProcessorConfig(**self._configuration), preprocess=_opened(), postprocess=_closed_again()
            )
            dataset = processor(ray.data.from_items(items, override_num_blocks=max(1, len(items) // 4096)))
            for row in dataset.iter_rows():
                yield read_reply(row)


def _opened() -> Callable[[dict[str, Any]], dict[str, Any]]:
    # nested: Ray then sends the function itself, and workers need no safescale
    def opened(row: dict[str, Any]) -> dict[str, Any]:
        import json

        read: dict[str, Any] = json.loads(row["row"])
        return {"number": row["number"], **read}

    return opened


def _closed_again() -> Callable[[dict[str, Any]], dict[str, Any]]:
    def closed(row: dict[str, Any]) -> dict[str, Any]:
        import json

        places = row.get("logprobs")
        said = {
            "number": int(row["number"]),
            "text": row["generated_text"],
            "tokens": [int(token) for token in row["generated_tokens"]],
            "logprobs": None
            if places is None
            else [{str(i): (p["logprob"], p["decoded_token"]) for i, p in place.items() if p is not None} for place in places],
        }
        return {"said": json.dumps(said)}

    return closed


def open_ray(spec: EngineSpec) -> Engine:
    """
    Open Ray Data LLM.

    Raises
    ------
    MissingBackend
        When Ray or vLLM is not installed.
    DomainError
        For an option that nobody knows, a model or adapter that is not there.
    GenerationError
        When there is no cluster at the address.
    """
    if importlib.util.find_spec("ray") is None:
        raise MissingBackend("ray", "ray", hint=" (beside vllm; never ray[llm], which pins another vllm)")
    vllm = import_vllm()
    own = {name: spec.options[name] for name in OWN if name in spec.options}
    theirs = {name: value for name, value in spec.options.items() if name not in OWN}
    options = read_options(theirs, engine=spec.engine, vllm_names=argument_names())
    if options.multiprocess is False:
        raise DomainError("engine 'ray' runs every vLLM in processes of its own; drop multiprocess")
    device = device_of(options, driver=True)
    check_model(spec)
    tokenizer = load_tokenizer(spec, trust_remote_code=options.trust_remote_code)
    window, ends = window_of(spec, tokenizer, trust_remote_code=options.trust_remote_code)
    split = None if options.reasoning_parser is None else reasoning_split(options.reasoning_parser, tokenizer)
    configuration = _configuration(spec, options, own, window=window, on_cpu=device == "cpu")
    ours = _join(own, options, on_cpu=device == "cpu")
    return RayEngine(
        facts=_facts(spec, options, own, vllm, tokenizer, device=device, window=window, configuration=configuration),
        spec=spec,
        tokenizer=tokenizer,
        configuration=configuration,
        known=frozenset(vllm.SamplingParams.__struct_fields__),
        ends=ends,
        split=split,
        ours=ours,
    )


def _whole(own: Mapping[str, OptionValue], name: str, default: int) -> int:
    value = own.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise DomainError(f"option {name!r} of engine 'ray' takes a whole number of at least 1, got {value!r}")
    return value


def _configuration(
    spec: EngineSpec, options: VllmOptions, own: Mapping[str, OptionValue], *, window: int | None, on_cpu: bool
) -> dict[str, Any]:
    arguments = engine_arguments(attrs.evolve(spec, max_model_len=window), options, on_cpu=on_cpu)
    if on_cpu and spec.adapters:
        # see VllmEngine.answer: on a CPU requests of different adapters must never share a batch, and Ray decides what shares one
        arguments["max_num_seqs"] = 1
    workers = options.tensor_parallel_size * options.pipeline_parallel_size
    variables = {"VLLM_LOGGING_LEVEL": "ERROR", "VLLM_NO_USAGE_STATS": "1"}
    if options.batch_invariant is not None:
        variables["VLLM_BATCH_INVARIANT"] = str(int(options.batch_invariant))
    return {
        "model_source": spec.model,
        "engine_kwargs": arguments,
        "batch_size": _whole(own, "rows_per_batch", ROWS_PER_BATCH),
        "max_concurrent_batches": _whole(own, "concurrent_batches", CONCURRENT_BATCHES),
        "concurrency": (1, options.data_parallel_size),
        "should_continue_on_error": True,
        # the prompts are token ids already
        "chat_template_stage": False,
        "tokenize_stage": False,
        "detokenize_stage": False,
        "log_engine_metrics": False,
        "runtime_env": {"env_vars": variables},
        **({"placement_group_config": {"bundles": [{"CPU": 1}] * workers}} if on_cpu else {}),
    }


def _join(own: Mapping[str, OptionValue], options: VllmOptions, *, on_cpu: bool) -> bool:
    """Join the cluster at the address, or start a local one; whether it is ours to stop."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Ray warns of a later default; the present one would show a GPU to nobody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    if ray.is_initialized():
        return False
    address = own.get("address")
    if address is not None and not isinstance(address, str):
        raise DomainError(f"option 'address' of engine 'ray' is HOST:PORT or 'auto', got {address!r}")
    # one actor for each engine and each of its workers, and places for the tasks around them (they are no threads): with four in
    # all Ray Data waited for ever for one to prepare rows in
    needed = 6 + options.data_parallel_size * (1 + options.tensor_parallel_size * options.pipeline_parallel_size)
    local = {"num_cpus": _whole(own, "cpus", needed), "include_dashboard": False} if address is None else {"address": address}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(log_to_driver=False, logging_level="ERROR", ignore_reinit_error=True, **local)
            context = ray.data.DataContext.get_current()
            context.enable_progress_bars = False
    except Exception as error:
        where = "a local Ray cluster cannot be started" if address is None else f"there is no Ray cluster at {address}"
        raise GenerationError(
            f"{where} ({type(error).__name__}: {error}); start one with ray start --head, or check address"
        ) from error
    return True


def _facts(
    spec: EngineSpec,
    options: VllmOptions,
    own: Mapping[str, OptionValue],
    vllm: Any,
    tokenizer: Tokenizer,
    *,
    device: str,
    window: int | None,
    configuration: Mapping[str, Any],
) -> EngineFacts:
    import ray

    said = {name: str(value) for name, value in configuration["engine_kwargs"].items()}
    said |= {name: str(value) for name, value in own.items()} | {
        "data_parallel_size": str(options.data_parallel_size),
        "device": device,
    }
    said |= {f"adapter {name}": f"sha256 {weights_sha256(folder)}" for name, folder in spec.adapters.items()}
    nodes = sum(1 for node in ray.nodes() if node["Alive"])
    on_machine = hardware_of(device) if device == "cpu" or own.get("address") is None else "GPUs of the cluster"
    return EngineFacts(
        engine=spec.engine,
        version=f"ray {ray.__version__}, vllm {vllm.__version__}",
        model=spec.model,
        model_id=spec.model_id,
        model_revision=spec.revision,
        weights_sha256=weights_sha256(spec.model),
        chat_template_sha256=template_sha256(tokenizer),
        max_model_len=window,
        packages={**versions_of(vllm), "ray": str(ray.__version__)},
        hardware=f"{nodes} node{'s' if nodes != 1 else ''}: {on_machine}",
        batch_invariant=None if device == "cpu" else bool(options.batch_invariant),
        options=said,
    )
