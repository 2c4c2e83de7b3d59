"""Data parallel: several copies of one model, each an offline vLLM in a process with devices of its own; requests are dealt out."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final

import attrs

from safescale.engines.answers import Answer, EngineDied, OutOfMemory
from safescale.engines.engine import Engine, EngineFacts, EngineSpec
from safescale.engines.requests import Request
from safescale.engines.vllm_options import VllmOptions
from safescale.errors import GenerationError, SafescaleError

__all__ = ["ReplicatedVllm", "open_replicas"]

# ``vllm.LLM`` refuses data_parallel_size > 1 in one process (0.32); where a model fits its devices, copies are all there is
VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
STOP_S: Final = 20.0


@attrs.define
class ReplicatedVllm:
    """
    Copies of one model, side by side.

    Parameters
    ----------
    facts : EngineFacts
        What the first copy says of itself, and how many there are.
    """

    facts: EngineFacts
    _workers: list[tuple[BaseProcess, Connection]]

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """Answer every request once: copy i takes every n-th request from the i-th on."""
        if not self._workers:
            raise EngineDied("this engine is closed; open a new one")
        busy: dict[Any, int] = {}
        short: OutOfMemory | None = None
        try:
            for number, (_, pipe) in enumerate(self._workers):
                share = list(requests[number :: len(self._workers)])
                if share:
                    self._send(number, ("answer", share))
                    busy[pipe] = number
            while busy:
                for ready in wait(list(busy)):
                    kind, content = self._received(ready, busy[ready])
                    if kind == "answer":
                        yield content
                        continue
                    del busy[ready]
                    if kind == "out of memory":
                        short = OutOfMemory(content)
                    elif kind == "died":
                        raise EngineDied(content)
        except EngineDied:
            self.close()
            raise
        finally:
            # whoever stops reading leaves copies that still answer; they must be silent before the next question
            self._silence(busy)
        if short is not None:
            raise short

    def close(self) -> None:
        """Stop every copy. Twice does no harm."""
        workers, self._workers = self._workers, []
        for _, pipe in workers:
            with contextlib.suppress(OSError):
                pipe.send(("close", None))
        for process, pipe in workers:
            process.join(STOP_S)
            if process.is_alive():
                process.kill()
                process.join()
            pipe.close()

    def _send(self, number: int, message: tuple[str, object]) -> None:
        try:
            self._workers[number][1].send(message)
        except OSError as error:
            raise EngineDied(f"copy {number} of {len(self._workers)} is gone; its log stands above") from error

    def _received(self, pipe: Any, number: int) -> tuple[str, Any]:
        try:
            return _received(pipe)
        except (EOFError, OSError) as error:
            code = self._workers[number][0].exitcode
            raise EngineDied(f"copy {number} of {len(self._workers)} died (exit code {code}); its log stands above") from error

    def _silence(self, busy: dict[Any, int]) -> None:
        if not self._workers:
            return
        with contextlib.suppress(EngineDied, OSError):
            for number in busy.values():
                self._send(number, ("stop", None))
            for pipe, number in busy.items():
                while self._received(pipe, number)[0] == "answer":
                    pass


def _received(pipe: Any) -> tuple[str, Any]:
    kind, content = pipe.recv()
    return str(kind), content


def open_replicas(spec: EngineSpec, options: VllmOptions, *, device: str) -> Engine:
    """
    Open every copy, each in a fresh process.

    Raises
    ------
    GenerationError
        When one does not start; the others are stopped.
    """
    spawning = multiprocessing.get_context("spawn")
    copies = options.data_parallel_size
    one = attrs.evolve(spec, options={**spec.options, "data_parallel_size": 1})
    workers: list[tuple[BaseProcess, Connection]] = []
    try:
        for number in range(copies):
            mine, theirs = spawning.Pipe()
            devices = None if device == "cpu" else _devices(number, options, copies)
            process: BaseProcess = spawning.Process(
                target=_serve, args=(theirs, one, devices), name=f"vllm-{number}", daemon=device == "cpu"
            )
            process.start()
            theirs.close()
            workers.append((process, mine))
        facts = [_facts_of(pipe, process) for process, pipe in workers]
    except BaseException:
        for process, _ in workers:
            process.kill()
        raise
    told = {**facts[0].options, "data_parallel_size": str(copies)}
    return ReplicatedVllm(facts=attrs.evolve(facts[0], options=told, hardware=f"{copies} x {facts[0].hardware}"), workers=workers)


def _facts_of(pipe: Any, process: BaseProcess) -> EngineFacts:
    try:
        content = _received(pipe)[1]
    except (EOFError, OSError) as error:
        raise GenerationError(
            f"a copy of the model died while it started (exit code {process.exitcode}); its log says why"
        ) from error
    if not isinstance(content, EngineFacts):
        raise GenerationError(f"a copy of the model does not start: {content}")
    return content


def _devices(number: int, options: VllmOptions, copies: int) -> str:
    import torch

    each = options.tensor_parallel_size * options.pipeline_parallel_size
    named = os.environ.get(VISIBLE)
    # counting devices makes no CUDA context in this process
    listed = named.split(",") if named else [str(index) for index in range(torch.cuda.device_count())]
    if len(listed) < each * copies:
        raise GenerationError(
            f"{copies} copies of {each} GPUs each need {each * copies}, and there are {len(listed)}; lower either"
        )
    return ",".join(listed[number * each : (number + 1) * each])


def _serve(pipe: Connection, spec: EngineSpec, devices: str | None) -> None:
    if devices is not None:
        os.environ[VISIBLE] = devices
    from safescale.engines.vllm import open_vllm

    try:
        engine = open_vllm(spec)
    except SafescaleError as error:
        pipe.send(("closed", str(error)))
        return
    serve(pipe, engine)


def serve(pipe: Connection, engine: Engine) -> None:
    """Answer what comes through a pipe until it says "close" or ends; then close the engine."""
    with contextlib.suppress(EOFError, OSError):
        pipe.send(("open", engine.facts))
        while True:
            kind, content = pipe.recv()
            if kind == "close":
                break
            if kind == "answer":
                pipe.send(_answered(engine, content, pipe))
    engine.close()


def _answered(engine: Engine, requests: Sequence[Request], pipe: Connection) -> tuple[str, str | None]:
    try:
        for answer in engine.answer(requests):
            pipe.send(("answer", answer))
            if pipe.poll():
                if pipe.recv()[0] == "close":
                    raise EOFError
                return "done", None
    except OutOfMemory as error:
        return "out of memory", str(error)
    except EngineDied as error:
        return "died", str(error)
    return "done", None
