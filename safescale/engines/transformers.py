"""The engine ``transformers``: any causal model of that library, on a CPU by default, for small models and for checking others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines.answers import Answer, EngineDied, FaultCode, OutOfMemory
from safescale.engines.engine import EngineFacts, EngineSpec
from safescale.engines.hardware import cpu_words, package_versions
from safescale.engines.intervention import intervention_sha256
from safescale.engines.rendering import render, template_sha256
from safescale.engines.requests import Request
from safescale.engines.token_constraints import TokenConstraint, constrained, grammar_tokenizer
from safescale.engines.transformers_loading import Loaded, Options, load
from safescale.engines.transformers_loop import Forward, Row, finished_rows
from safescale.engines.weights import weights_sha256
from safescale.errors import GenerationError

__all__ = ["TransformersEngine", "open_transformers"]

BATCH_SIZE: Final = 16
_PACKAGES: Final = ("torch", "transformers", "tokenizers", "safetensors", "peft", "llguidance")
_MEMORY_WORDS: Final = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")


@attrs.define
class TransformersEngine:
    """
    One model of the library transformers.

    Requests are rendered first (what does not fit fails alone), sorted by adapter and length, and answered in batches of
    ``spec.batch_size`` (default 16), left padded, with a cache. Sampling is this project's own loop: nothing of the model's
    ``generation_config.json`` is used but the tokens that end a text.

    A row's answer does not depend on its batch but for the rounding of matrix products (fp32: the last digits of a logit), which
    may tip a choice between two tokens that are equal to seven digits; ``batch_size=1`` excludes even that.

    The option ``intervention`` names a folder (``Intervention.write``) with edits of the residual stream that are on in every call,
    whichever adapter is on.
    """

    spec: EngineSpec
    loaded: Loaded | None
    facts: EngineFacts
    _grammars: Any = None

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer every request once: failures first, then batch by batch, the longest prompts first."""
        loaded = self.loaded
        if loaded is None:
            raise GenerationError("this engine was closed; open a new one")
        rows: list[Row] = []
        for request in requests:
            row = self._row(request, loaded)
            if isinstance(row, Answer):
                yield row
            else:
                rows.append(row)
        rows.sort(key=lambda row: (row.rendered.request.adapter or "", -len(row.rendered.token_ids)))
        size = self.spec.batch_size or BATCH_SIZE
        for batch in _batches(rows, size):
            for row in self._run(batch, loaded):
                yield row.answer()

    def close(self) -> None:
        """Free the model."""
        if self.loaded is None:
            return
        on_gpu = self.loaded.device.type == "cuda"
        self.loaded = None
        if on_gpu:
            import torch

            torch.cuda.empty_cache()

    def _row(self, request: Request, loaded: Loaded) -> Row | Answer:
        if request.adapter is not None and request.adapter not in self.spec.adapters:
            names = ", ".join(self.spec.adapters) or "none"
            return Answer.failed(request, FaultCode.NO_SUCH_ADAPTER, f"no adapter {request.adapter!r} was opened; opened: {names}")
        rendered = render(loaded.tokenizer, request, max_model_len=loaded.window)
        if isinstance(rendered, Answer):
            return rendered
        if not rendered.token_ids:
            return Answer.failed(request, FaultCode.EMPTY_PROMPT, "the prompt has no tokens; nothing was asked")
        constraint: TokenConstraint | None = None
        if request.constraint is not None:
            if self._grammars is None and request.constraint.kind != "choice":
                self._grammars = grammar_tokenizer(loaded.tokenizer, loaded.vocabulary)
            made = constrained(request, loaded.tokenizer, self._grammars, sorted(loaded.end_ids), loaded.vocabulary)
            if isinstance(made, Answer):
                return made
            constraint = made
        room = request.sampling.max_tokens
        if loaded.window is not None:
            room = min(room, loaded.window - len(rendered.token_ids))
        return Row(rendered, constraint, room)

    def _run(self, batch: list[Row], loaded: Loaded) -> Iterator[Row]:
        adapter = batch[0].rendered.request.adapter
        try:
            yield from finished_rows(
                Forward.of(loaded.model, loaded.bare, loaded.edits),
                batch,
                tokenizer=loaded.tokenizer,
                end_ids=loaded.end_ids,
                pad_id=loaded.pad_id,
                device=loaded.device,
                wearing=partial(_wearing, loaded.model, adapter) if self.spec.adapters else nullcontext,
            )
        except (RuntimeError, MemoryError) as error:
            if not _is_memory(error):
                if "CUDA error" in str(error):
                    # after such an error every call of this process on the device fails
                    raise EngineDied(
                        f"the device failed: {str(error).splitlines()[0]}; open the engine in a new process"
                    ) from error
                raise
            longest = max(len(row.rendered.token_ids) for row in batch)
            words = f"{len(batch)} requests at once, of up to {longest} tokens, do not fit the memory of {loaded.device}"
            raise OutOfMemory(f"{words}; ask fewer at once, or lower batch_size ({self.spec.batch_size or BATCH_SIZE})") from error


def _batches(rows: list[Row], size: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        if batch and (len(batch) == size or batch[0].rendered.request.adapter != row.rendered.request.adapter):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _is_memory(error: BaseException) -> bool:
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or any(w in str(error).lower() for w in _MEMORY_WORDS)
    )


@contextmanager
def _wearing(model: Any, adapter: str | None) -> Iterator[None]:
    if adapter is None:
        with model.disable_adapter():
            yield
    else:
        if model.active_adapter != adapter:
            model.set_adapter(adapter, inference_mode=True)
        yield


def open_transformers(spec: EngineSpec) -> TransformersEngine:
    """
    Open a model with the library transformers.

    Raises
    ------
    MissingBackend
        Without torch, transformers, or (for adapters) peft.
    DomainError
        For an unknown option, a missing folder, a window above the model's, an intervention that does not fit the model.
    DataError
        For a folder of an intervention that cannot be read.
    GenerationError
        When it cannot be loaded.
    """
    options = Options.of(spec)
    loaded = load(spec, options)
    return TransformersEngine(spec, loaded, _facts(spec, loaded))


def _facts(spec: EngineSpec, loaded: Loaded) -> EngineFacts:
    import torch
    import transformers

    on_gpu = loaded.device.type == "cuda"
    hardware = f"{torch.cuda.get_device_name(loaded.device)}, CUDA {torch.version.cuda}" if on_gpu else cpu_words()
    size = spec.batch_size or BATCH_SIZE
    edited = spec.options.get("intervention")
    edits = {} if edited is None else {"intervention": f"sha256 {intervention_sha256(Path(str(edited)))}"}
    adapters = {f"adapter {name}": f"sha256 {weights_sha256(folder)}" for name, folder in spec.adapters.items()}
    return EngineFacts(
        engine="transformers",
        version=str(transformers.__version__),
        model=spec.model,
        model_id=spec.model_id,
        model_revision=spec.revision or getattr(loaded.bare.config, "_commit_hash", None),
        weights_sha256=weights_sha256(spec.model),
        chat_template_sha256=template_sha256(loaded.tokenizer),
        max_model_len=loaded.window,
        packages=package_versions(_PACKAGES),
        hardware=hardware,
        batch_invariant=size == 1,
        options={
            "dtype": str(loaded.bare.dtype).removeprefix("torch."),
            "device": str(loaded.device),
            "threads": str(torch.get_num_threads()),
            "batch_size": str(size),
            "attention": str(getattr(loaded.bare.config, "_attn_implementation", "unknown")),
            **adapters,
            **edits,
        },
    )
