"""Offline vLLM: one ``vllm.LLM`` in (or under) this process, fed with token ids and read step by step."""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from safescale.engines.answers import Answer, EngineDied, FaultCode, OutOfMemory
from safescale.engines.engine import Engine, EngineFacts, EngineSpec
from safescale.engines.random_state import RandomStates
from safescale.engines.rendering import Tokenizer, template_sha256
from safescale.engines.requests import Request
from safescale.engines.vllm_model import check_model, load_tokenizer
from safescale.engines.vllm_options import VllmOptions, argument_names, engine_arguments, read_options
from safescale.engines.vllm_reasoning import SplitReasoning, reasoning_split
from safescale.engines.vllm_runtime import (
    Runtime,
    device_of,
    engine_environment,
    hardware_of,
    import_vllm,
    is_out_of_memory,
    versions_of,
)
from safescale.engines.vllm_sampling import (
    answer_from_text,
    finish_reason,
    logprobs_from,
    prepared,
    sampling_fields,
    structured_fields,
)
from safescale.engines.weights import weights_sha256
from safescale.errors import GenerationError

__all__ = ["VllmEngine", "open_vllm"]

BATCHES_IN_FLIGHT: Final = 4
"""Batches handed over ahead of their turn: vLLM never waits for us, and the first answers do not wait for the last prompt."""

NOT_TOLD: Final = ("tokenizer", "revision", "tokenizer_revision", "use_tqdm_on_load")
"""Arguments that the manifest has elsewhere, or that change no answer."""


@attrs.define
class VllmEngine:
    """
    One ``vllm.LLM``.

    Parameters
    ----------
    llm : vllm.LLM
        The engine.
    facts : EngineFacts
        What it says of itself.
    in_flight : int
        Requests handed over at once.
    """

    facts: EngineFacts
    _vllm: Runtime
    _llm: Any
    _tokenizer: Tokenizer
    _adapters: Mapping[str, Any]
    _in_flight: int
    _split: SplitReasoning | None
    _states: RandomStates | None
    _known: frozenset[str]
    _latest: tuple[object, Any] | None = None
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count())

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """
        Answer every request once, each as soon as vLLM is done with it.

        Requests of different adapters never share a batch. On a CPU vLLM 0.32 looks a row without an adapter up at index -1
        (vllm/lora/ops/torch_ops/lora_ops.py), which is the last adapter's place: it answers with that adapter, without an error.
        """
        if self._llm is None:
            raise EngineDied("this engine is closed; open a new one")
        groups: dict[str | None, list[Request]] = {}
        for request in requests:
            groups.setdefault(request.adapter, []).append(request)
        for group in groups.values():
            yield from self._answer_group(group)

    def _answer_group(self, requests: Sequence[Request]) -> Iterator[Answer]:
        waiting = iter(requests)
        flying: dict[str, Request] = {}
        try:
            while True:
                asked = 0
                for request in itertools.islice(waiting, self._in_flight - len(flying)):
                    asked += 1
                    fault = self._submit(request, flying)
                    if fault is not None:
                        yield fault
                if flying:
                    for output in self._step(len(flying)):
                        yield self._answer_from(flying.pop(output.request_id), output)
                elif not asked:
                    return
        finally:
            self._abort(flying)

    def close(self) -> None:
        """Stop the engine and free its memory. Twice does no harm."""
        llm, self._llm = self._llm, None
        if llm is None:
            return
        with self._quietly(), contextlib.suppress(Exception):
            llm.llm_engine.engine_core.shutdown()
        del llm
        gc.collect()
        if self._states is not None:
            with self._quietly(), contextlib.suppress(Exception):
                from vllm.distributed.parallel_state import cleanup_dist_env_and_memory

                cleanup_dist_env_and_memory()

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if self._states is not None:
                stack.enter_context(self._states.borrowed(all_of_them=True))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            yield

    def _submit(self, request: Request, flying: dict[str, Request]) -> Answer | None:
        ready = prepared(request, self._tokenizer, self._adapters, self.facts.max_model_len)
        if isinstance(ready, Answer):
            return ready
        name = str(next(self._numbers))
        # what vllm.TokensPrompt becomes in LLM.generate; the length is checked already
        prompt = {"type": "token", "prompt_token_ids": list(ready.token_ids)}
        lora = None if request.adapter is None else self._adapters[request.adapter]
        try:
            self._llm.llm_engine.add_request(name, prompt, self._params(request), lora_request=lora)
        except Exception as error:
            if _is_dead(error):
                raise EngineDied(f"vLLM's engine died: {error}; what it logged stands above") from error
            code = FaultCode.BAD_REQUEST if request.constraint is None else FaultCode.CANNOT_CONSTRAIN
            return Answer.failed(request, code, f"vLLM refuses this request: {error}".strip())
        flying[name] = request
        return None

    def _params(self, request: Request) -> Any:
        key = (request.sampling, request.constraint)
        if self._latest is not None and self._latest[0] == key:
            # vLLM copies it for each request
            return self._latest[1]
        from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

        fields = sampling_fields(request, self._known)
        structured = structured_fields(request.constraint)
        if structured is not None:
            fields["structured_outputs"] = StructuredOutputsParams(**structured)
        if self._split is not None:
            # the marks of reasoning may be special tokens, and the parser needs them
            fields["skip_special_tokens"] = False
        made = self._vllm.SamplingParams(**fields, output_kind=RequestOutputKind.FINAL_ONLY)
        self._latest = (key, made)
        return made

    def _step(self, flying: int) -> list[Any]:
        core = self._llm.llm_engine
        if not core.has_unfinished_requests():
            raise EngineDied(f"vLLM lost {flying} requests; open a new engine")
        try:
            with contextlib.nullcontext() if self._states is None else self._states.borrowed():
                return [output for output in core.step() if output.finished]
        except Exception as error:
            if is_out_of_memory(error):
                step = "send fewer at once (batch_size), or lower max_model_len"
                raise OutOfMemory(f"vLLM ran out of memory with {flying} requests in flight; {step}: {error}") from error
            words = f"vLLM's engine died with {flying} requests in flight ({type(error).__name__}: {error})"
            raise EngineDied(
                f"{words}; what it logged stands above, and where memory ran out a smaller batch_size helps"
            ) from error

    def _abort(self, flying: Mapping[str, Request]) -> None:
        if flying and self._llm is not None:
            # a dead engine has nothing to abort
            with contextlib.suppress(Exception):
                self._llm.llm_engine.abort_request(list(flying))

    def _answer_from(self, request: Request, output: Any) -> Answer:
        said = output.outputs[0]
        places = said.logprobs
        return answer_from_text(
            request,
            said.text,
            reason=finish_reason(said.finish_reason),
            prompt_tokens=len(output.prompt_token_ids),
            completion_tokens=len(said.token_ids),
            logprobs=logprobs_from(
                said.token_ids,
                None if places is None else [{i: (p.logprob, p.decoded_token or "") for i, p in place.items()} for place in places],
                request.sampling.logprobs,
            ),
            split=self._split,
        )


def _is_dead(error: BaseException) -> bool:
    return type(error).__name__ == "EngineDeadError"


def open_vllm(spec: EngineSpec) -> Engine:
    """
    Open an offline vLLM engine.

    Raises
    ------
    MissingBackend
        When vLLM is not installed.
    DomainError
        For an option that nobody knows, a model or adapter that is not there, or a device that is not.
    GenerationError
        When the engine does not start.
    """
    vllm = import_vllm()
    options = read_options(spec.options, engine=spec.engine, vllm_names=argument_names())
    device = device_of(options)
    check_model(spec)
    if options.data_parallel_size > 1:
        from safescale.engines.vllm_replicas import open_replicas

        return open_replicas(spec, options, device=device)
    tokenizer = load_tokenizer(spec, trust_remote_code=options.trust_remote_code)
    split = None if options.reasoning_parser is None else reasoning_split(options.reasoning_parser, tokenizer)
    on_cpu = device == "cpu"
    apart = (not on_cpu) if options.multiprocess is None else options.multiprocess
    arguments = {"use_tqdm_on_load": sys.stderr.isatty(), **engine_arguments(spec, options, on_cpu=on_cpu)}
    states = None if apart else RandomStates()
    llm = _start(vllm, spec, options, arguments, apart=apart, states=states)
    from vllm.lora.request import LoRARequest

    return VllmEngine(
        facts=_facts(spec, options, vllm, llm, tokenizer, device=device, arguments=arguments, apart=apart),
        vllm=vllm,
        llm=llm,
        tokenizer=tokenizer,
        adapters={name: LoRARequest(name, number, path) for number, (name, path) in enumerate(spec.adapters.items(), start=1)},
        in_flight=options.in_flight or BATCHES_IN_FLIGHT * int(llm.llm_engine.vllm_config.scheduler_config.max_num_seqs),
        split=split,
        states=states,
        known=frozenset(vllm.SamplingParams.__struct_fields__),
    )


def _start(
    vllm: Runtime,
    spec: EngineSpec,
    options: VllmOptions,
    arguments: Mapping[str, object],
    *,
    apart: bool,
    states: RandomStates | None,
) -> Any:
    variables = {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "1" if apart else "0",
        "VLLM_BATCH_INVARIANT": None if options.batch_invariant is None else str(int(options.batch_invariant)),
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(engine_environment(variables))
        if states is not None:
            stack.enter_context(states.borrowed(all_of_them=True))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        try:
            return vllm.LLM(spec.model, **arguments)
        except Exception as error:
            # vLLM raises whatever its parts raise; all of it means that there is no engine
            said = " ".join(str(error).split())
            if is_out_of_memory(error) or "kv cache" in str(error).lower():
                step = "lower max_model_len, batch_size or the model's size, or change gpu_memory_utilization or kv_cache_gib"
                raise GenerationError(f"vLLM did not find the memory to start {spec.model}: {said}; {step}") from error
            raise GenerationError(
                f"vLLM does not start {spec.model} ({type(error).__name__}: {said}); its log says more"
            ) from error


def _facts(
    spec: EngineSpec,
    options: VllmOptions,
    vllm: Runtime,
    llm: Any,
    tokenizer: Tokenizer,
    *,
    device: str,
    arguments: Mapping[str, object],
    apart: bool,
) -> EngineFacts:
    invariant = options.batch_invariant
    if invariant is None:
        invariant = os.environ.get("VLLM_BATCH_INVARIANT", "0") == "1"
    said = {name: str(value) for name, value in arguments.items() if name not in NOT_TOLD}
    said |= {"device": device, "multiprocess": str(apart), "dtype": str(llm.model_config.dtype).removeprefix("torch.")}
    said |= {f"adapter {name}": f"sha256 {weights_sha256(folder)}" for name, folder in spec.adapters.items()}
    if options.reasoning_parser is not None:
        said["reasoning_parser"] = options.reasoning_parser
    return EngineFacts(
        engine=spec.engine,
        version=str(vllm.__version__),
        model=spec.model,
        model_id=spec.model_id,
        model_revision=spec.revision,
        weights_sha256=weights_sha256(spec.model),
        chat_template_sha256=template_sha256(tokenizer),
        max_model_len=int(llm.model_config.max_model_len),
        packages=versions_of(vllm),
        hardware=hardware_of(device),
        # on a CPU nobody promises it, whatever the variable says
        batch_invariant=None if device == "cpu" else invariant,
        options=said,
    )
