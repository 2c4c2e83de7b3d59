"""Options of the vLLM engines, under vLLM's own names where it has them, and what vLLM is opened with."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, get_type_hints

import attrs

from safescale.engines.engine import EngineSpec, OptionValue
from safescale.errors import DomainError

__all__ = ["VllmOptions", "argument_names", "engine_arguments", "read_options"]

GIB: Final = 2**30
LORA_RANKS: Final = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Ranks that vLLM takes as max_lora_rank (vllm/config/lora.py, 0.32)."""
OURS: Final = frozenset(
    {
        "model",
        "tokenizer",
        "revision",
        "tokenizer_revision",
        "chat_template",
        "seed",
        "max_model_len",
        "max_num_seqs",
        "generation_config",
        "override_generation_config",
        "structured_outputs_config",
        "enable_lora",
        "lora_modules",
        "kv_cache_memory_bytes",
        "skip_tokenizer_init",
        "logits_processors",
        "runner",
        "convert",
        "disable_log_stats",
        "max_logprobs",
    }
)
"""Arguments of vLLM that the spec, a request or this adapter decides; as an option they would work against it."""


@attrs.frozen(kw_only=True)
class VllmOptions:
    """
    What a vLLM engine is opened with besides the spec. None leaves it to vLLM.

    Parameters
    ----------
    device : {"auto", "gpu", "cpu"}
        What the vLLM that is installed must run on; "auto" takes what it was built for.
    dtype : str, default "auto"
        Type of the weights in memory ("auto": as the model says; "float32", "bfloat16", ...).
    quantization : str, optional
        Method of quantised weights ("awq", "gptq", "fp8", ...).
    tensor_parallel_size, pipeline_parallel_size : int, default 1
        Devices over which one copy of the model lies.
    data_parallel_size : int, default 1
        Copies of the model, each in a process with devices of its own; requests are dealt out to them.
    gpu_memory_utilization : float, optional
        Part of a device's memory that vLLM takes, in (0, 1].
    kv_cache_gib : float, optional
        Size of the key-value cache (GiB). Default on a CPU: a quarter of the free memory, 4 at most.
    enforce_eager : bool, optional
        No compilation. Default: True on a CPU, False on a GPU.
    enable_prefix_caching : bool, default True
        Share what equal beginnings of prompts compute.
    max_lora_rank : int, optional
        Default: the largest rank among the adapters, as their files say.
    max_loras : int, default 1
        Adapters in one batch; requests come grouped by adapter, so that one is enough.
    multiprocess : bool, optional
        Run the engine's core in a process of its own. Default: True on a GPU, False on a CPU.
    batch_invariant : bool, optional
        VLLM_BATCH_INVARIANT for this engine; default as the environment says.
    structured_outputs_backend : {"xgrammar", "guidance"}
        What turns constraints into grammars.
    reasoning_parser : str, optional
        vLLM's parser of this model's reasoning ("deepseek_r1", "qwen3", ...); without one it stays in the text.
    trust_remote_code : bool, default False
        Run code that comes with the model.
    in_flight : int, optional
        Requests handed to vLLM ahead of their turn; default four batches.
    more : mapping of str to str, int, float, bool or None
        Further arguments of ``vllm.EngineArgs`` by name.
    """

    device: str = attrs.field(default="auto", validator=attrs.validators.in_(("auto", "gpu", "cpu")))
    dtype: str = "auto"
    quantization: str | None = None
    tensor_parallel_size: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    pipeline_parallel_size: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    data_parallel_size: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    gpu_memory_utilization: float | None = None
    kv_cache_gib: float | None = None
    enforce_eager: bool | None = None
    enable_prefix_caching: bool = True
    max_lora_rank: int | None = None
    max_loras: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    multiprocess: bool | None = None
    batch_invariant: bool | None = None
    structured_outputs_backend: str = attrs.field(default="xgrammar", validator=attrs.validators.in_(("xgrammar", "guidance")))
    reasoning_parser: str | None = None
    trust_remote_code: bool = False
    in_flight: int | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(1)))
    more: Mapping[str, OptionValue] = attrs.field(factory=dict)


def argument_names() -> frozenset[str]:
    """Names of the arguments of the vLLM that is installed."""
    from vllm import EngineArgs

    return frozenset(EngineArgs.__dataclass_fields__)


def read_options(options: Mapping[str, OptionValue], *, engine: str, vllm_names: Collection[str]) -> VllmOptions:
    """
    Options of a spec, checked.

    Parameters
    ----------
    options : mapping of str to str, int, float, bool or None
        As the spec has them.
    engine : str
        Name of the engine, for the message.
    vllm_names : collection of str
        Names of the arguments of the vLLM that is installed.

    Raises
    ------
    DomainError
        For a name that neither we nor vLLM knows, one that something else decides, or a value of another type or range.
    """
    kinds = {name: kind for name, kind in get_type_hints(VllmOptions).items() if name != "more"}
    mine: dict[str, OptionValue] = {}
    more: dict[str, OptionValue] = {}
    for name, value in options.items():
        if name in kinds:
            mine[name] = _checked(name, value, str(kinds[name]), engine)
        elif name in OURS:
            raise DomainError(
                f"option {name!r} of engine {engine!r} is set by safescale itself, from the spec or the requests; drop it"
            )
        elif name in vllm_names:
            more[name] = value
        else:
            known = ", ".join(kinds)
            raise DomainError(
                f"engine {engine!r} knows no option {name!r}; it knows {known}, and the arguments of vllm.EngineArgs by their names"
            )
    try:
        return VllmOptions(**mine, more=more)  # type: ignore[arg-type]  # each value is checked above against its own field
    except ValueError as error:
        raise DomainError(f"an option of engine {engine!r} is out of range: {error.args[0]}") from error


def _checked(name: str, value: OptionValue, kind: str, engine: str) -> OptionValue:
    wanted = {"bool": "bool" in kind, "int": "int" in kind, "float": "float" in kind, "str": "str" in kind}
    if value is None:
        fits = "None" in kind
    elif isinstance(value, bool):
        fits = wanted["bool"]
    elif isinstance(value, int):
        fits = wanted["int"] or wanted["float"]
    else:
        fits = wanted[type(value).__name__]
    if not fits:
        words = kind.removeprefix("<class '").removesuffix("'>")
        raise DomainError(f"option {name!r} of engine {engine!r} takes {words}, got {value!r}")
    return value


def engine_arguments(spec: EngineSpec, options: VllmOptions, *, on_cpu: bool) -> dict[str, object]:
    """
    Arguments of ``vllm.LLM`` (and of an engine behind Ray Data) that follow from a spec.

    ``generation_config="vllm"`` keeps the sampling defaults of a model's ``generation_config.json`` out; the ends of text that it
    lists count nevertheless, as they do in transformers.
    """
    eager = on_cpu if options.enforce_eager is None else options.enforce_eager
    arguments: dict[str, object] = {
        "tokenizer": spec.tokenizer,
        "revision": spec.revision,
        "tokenizer_revision": None if spec.tokenizer else spec.revision,
        "seed": spec.seed,
        "max_model_len": spec.max_model_len,
        "max_num_seqs": spec.batch_size,
        "generation_config": "vllm",
        "max_logprobs": 20,
        "dtype": options.dtype,
        "quantization": options.quantization,
        "tensor_parallel_size": options.tensor_parallel_size,
        "pipeline_parallel_size": options.pipeline_parallel_size,
        "gpu_memory_utilization": options.gpu_memory_utilization,
        "kv_cache_memory_bytes": _kv_cache_bytes(options, on_cpu=on_cpu),
        "enforce_eager": eager,
        "enable_prefix_caching": options.enable_prefix_caching,
        "trust_remote_code": options.trust_remote_code,
        # per request it has no effect (0.32), and a weak model then fills max_tokens with blanks
        "structured_outputs_config": {
            "backend": options.structured_outputs_backend,
            "disable_any_whitespace": True,
            **({"reasoning_parser": options.reasoning_parser} if options.reasoning_parser else {}),
        },
    }
    if spec.adapters:
        arguments |= {
            "enable_lora": True,
            "max_loras": options.max_loras,
            "max_lora_rank": options.max_lora_rank or _largest_rank(spec.adapters),
        }
    return {name: value for name, value in arguments.items() if value is not None} | dict(options.more)


def _kv_cache_bytes(options: VllmOptions, *, on_cpu: bool) -> int | None:
    if options.kv_cache_gib is not None:
        return int(options.kv_cache_gib * GIB)
    return min(4 * GIB, _free_memory_bytes() // 4) if on_cpu else None


def _free_memory_bytes() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 4 * GIB


def _largest_rank(adapters: Mapping[str, str]) -> int:
    largest = 1
    for name, folder in adapters.items():
        path = Path(folder) / "adapter_config.json"
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
            ranks = [config["r"], *config.get("rank_pattern", {}).values()]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DomainError(
                f"the adapter {name!r} cannot be read: {path} is no configuration of a LoRA adapter ({error})"
            ) from error
        largest = max(largest, *map(int, ranks))
    for rank in LORA_RANKS:
        if largest <= rank:
            return rank
    raise DomainError(f"vLLM takes LoRA adapters up to rank {LORA_RANKS[-1]}, got one of rank {largest}")
