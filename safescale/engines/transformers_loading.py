"""Opening a model with the library ``transformers``: options, weights, window, adapters, each failure in words."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines.engine import EngineSpec
from safescale.engines.intervention import Intervention
from safescale.engines.rendering import read_template
from safescale.engines.residual import ResidualEdits
from safescale.errors import DomainError, GenerationError, MissingBackend

__all__ = ["Loaded", "Options", "load", "quietly"]

_DTYPES: Final = ("auto", "float32", "float64", "bfloat16", "float16")


@attrs.frozen(kw_only=True)
class Options:
    """
    Options of the engine alone (``spec.options``).

    Parameters
    ----------
    dtype : str, optional
        "auto", "float32", "float64", "bfloat16" or "float16". Default: float32 on a CPU, the checkpoint's own elsewhere.
    device : str, optional
        As torch names it. Default: "cuda" where there is one, else "cpu".
    threads : int, optional
        ``torch.set_num_threads``, for the whole process. Default: torch's own. 1 is fastest for small models on shared cores.
    attn_implementation : str, optional
        "sdpa", "eager" or another that transformers knows. Default: transformers' own.
    intervention : str, optional
        Folder of an ``Intervention``: edits of the residual stream (steering, ablation).
    """

    dtype: str | None = attrs.field(default=None)
    device: str | None = None
    threads: int | None = attrs.field(default=None)
    attn_implementation: str | None = None
    intervention: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.dtype is not None and self.dtype not in _DTYPES:
            raise DomainError(f"dtype must be one of {', '.join(_DTYPES)}, got {self.dtype!r}")
        if self.threads is not None and (isinstance(self.threads, bool) or not isinstance(self.threads, int) or self.threads < 1):
            raise DomainError(f"threads must be a whole number of at least 1, got {self.threads!r}")
        if self.intervention is not None and not isinstance(self.intervention, str):
            raise DomainError(f"intervention must be a folder, got {self.intervention!r}")

    @classmethod
    def of(cls, spec: EngineSpec) -> Options:
        """The options of a spec; one that is unknown is a DomainError."""
        names = tuple(field.name for field in attrs.fields(cls))
        for name in spec.options:
            if name not in names:
                raise DomainError(f"the engine transformers has no option {name!r}; its options: {', '.join(names)}")
        return cls(**dict(spec.options))  # type: ignore[arg-type]


@attrs.frozen(kw_only=True)
class Loaded:
    """
    A model that is ready.

    ``model`` wears adapters (a ``PeftModel``) where the spec names some; ``bare`` is the model in it; ``edits`` are always on.
    """

    model: Any
    bare: Any
    tokenizer: Any
    device: Any
    window: int | None
    end_ids: frozenset[int]
    pad_id: int
    vocabulary: int
    edits: ResidualEdits | None = None


def load(spec: EngineSpec, options: Options) -> Loaded:
    """
    Load model, tokenizer and adapters.

    Raises
    ------
    MissingBackend
        Without torch or transformers; without peft, when adapters are named.
    DomainError
        For a folder that is not there, a window above the model's, a device that is not there, an intervention that does not fit.
    DataError
        For a folder of an intervention that cannot be read.
    GenerationError
        When the library cannot load it.
    """
    for package in ("torch", "transformers"):
        if importlib.util.find_spec(package) is None:
            raise MissingBackend(package, "hf")
    if spec.adapters and importlib.util.find_spec("peft") is None:
        raise MissingBackend("peft", "finetune")
    _check_folders(spec)
    intervention = None if options.intervention is None else Intervention.read(Path(options.intervention))
    torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    device = _device(torch, options)
    dtype = options.dtype or ("float32" if device.type == "cpu" else "auto")
    attention = {} if options.attn_implementation is None else {"attn_implementation": options.attn_implementation}
    with _translated(spec), quietly(transformers):
        tokenizer = transformers.AutoTokenizer.from_pretrained(spec.tokenizer or spec.model, revision=spec.revision)
        bare = transformers.AutoModelForCausalLM.from_pretrained(
            spec.model, revision=spec.revision, dtype=dtype if dtype == "auto" else getattr(torch, dtype), **attention
        )
        bare.eval().to(device)
        model = _with_adapters(spec, bare)
    if spec.chat_template is not None:
        tokenizer.chat_template = read_template(spec.chat_template)
    end_ids = _end_ids(bare, tokenizer)
    pad = tokenizer.pad_token_id
    return Loaded(
        model=model,
        bare=bare,
        tokenizer=tokenizer,
        device=device,
        window=_window(spec, bare),
        end_ids=end_ids,
        pad_id=int(pad) if pad is not None else min(end_ids, default=0),
        vocabulary=int(bare.get_output_embeddings().weight.shape[0]),
        edits=None if intervention is None else ResidualEdits.of(bare, intervention),
    )


def _check_folders(spec: EngineSpec) -> None:
    # an id of a hub is "name" or "owner/name": anything else is meant as a folder
    if (spec.model.startswith((".", "/", "~")) or spec.model.count("/") > 1) and not Path(spec.model).is_dir():
        raise DomainError(f"the model {spec.model!r} is no folder; give the folder that holds its config.json and weights")
    for name, folder in spec.adapters.items():
        if not (Path(folder) / "adapter_config.json").is_file():
            raise DomainError(f"the adapter {name!r} has no adapter_config.json in {folder!r}; give the folder that peft saved")


def _device(torch: Any, options: Options) -> Any:
    named = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(named)
    except RuntimeError as error:
        raise DomainError(f"torch knows no device {named!r}: {error}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DomainError(f"there is no CUDA device here, and device is {named!r}; leave it out or say cpu")
    return device


@contextmanager
def _translated(spec: EngineSpec) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        first = str(error).strip().split("\n")[0]
        step = "check the folder, or (an id of a hub) that the hub can be reached and the revision exists"
        raise GenerationError(f"transformers cannot load {spec.model!r}: {first or type(error).__name__}; {step}") from error


@contextmanager
def quietly(transformers: Any) -> Iterator[None]:
    """No progress bars of the library on stderr, no warnings about names that it is renaming."""
    logging = transformers.utils.logging
    were_on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            # peft asks transformers for names that it is renaming; nobody who opens a model can do anything about it
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        if were_on:
            logging.enable_progress_bar()


def _with_adapters(spec: EngineSpec, bare: Any) -> Any:
    if not spec.adapters:
        return bare
    peft = importlib.import_module("peft")
    model: Any = None
    for name, folder in spec.adapters.items():
        if model is None:
            model = peft.PeftModel.from_pretrained(bare, folder, adapter_name=name, is_trainable=False)
        else:
            model.load_adapter(folder, adapter_name=name, is_trainable=False)
    model.eval()
    return model


def _end_ids(bare: Any, tokenizer: Any) -> frozenset[int]:
    # which tokens end a text is a fact of the model, unlike the sampling defaults in the same file
    ends: set[int] = set()
    for holder in (bare.generation_config, bare.config, tokenizer):
        found = getattr(holder, "eos_token_id", None)
        ends |= {int(token) for token in (found if isinstance(found, list | tuple) else [found]) if token is not None}
    return frozenset(ends)


def _window(spec: EngineSpec, bare: Any) -> int | None:
    own = getattr(bare.config.get_text_config(), "max_position_embeddings", None)
    if spec.max_model_len is None:
        return None if own is None else int(own)
    if own is not None and spec.max_model_len > int(own):
        raise DomainError(f"max_model_len is {spec.max_model_len}, the window of {spec.model!r} is {own} tokens; lower it")
    return spec.max_model_len
