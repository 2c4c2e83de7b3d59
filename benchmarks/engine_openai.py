"""
What the engine of servers adds to each request: ``python -m benchmarks.engine_openai``.

A server in a process of its own answers at once; 64 requests are in flight. Beside it stand the floor, 64 threads that post as much
with ``http.client`` and read the text, and the ``openai`` client where it is installed. Times are the processor's of
the asking process, per request, so that neighbours on the machine and the server count less. ``--check`` fails when the engine adds
more than ``GOAL_MS`` to the floor.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import importlib.util
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from safescale.engines import EngineSpec, Message, Request, Sampling, in_order, open_engine

AT_ONCE = 64
GOAL_MS = 1.0
TEXT = "amber brindle cobalt " * 20
REPLY = {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 60},
}


def serve() -> None:
    """Answer every request with the same completion; the port is the first line printed."""
    body = json.dumps(REPLY).encode()
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
                writer.write(reply)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def run() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=256)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def served() -> Iterator[int]:
    """Port of a running server."""
    command = [sys.executable, "-m", "benchmarks.engine_openai", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()


def requests(count: int) -> list[Request]:
    """Different chats of one kilobyte."""
    return [
        Request(messages=(Message(role="user", content=f"{number} " + "zorble quindle " * 66),), sampling=Sampling(max_tokens=64))
        for number in range(count)
    ]


def by_engine(port: int, count: int) -> float:
    """Seconds of the processor for ``count`` requests through the engine; every answer is looked at."""
    options = {"concurrency": AT_ONCE, "check": False, "dialect": "vllm"}
    engine = open_engine(EngineSpec(engine="openai", model="zorble", base_url=f"http://127.0.0.1:{port}", options=options))
    asked = requests(count)
    start = time.process_time()
    answers = list(engine.answer(asked))
    spent = time.process_time() - start
    engine.close()
    assert {answer.text for answer in in_order(asked, answers)} == {TEXT}
    return spent


def _many(count: int, ask: Callable[[threading.local, int], None]) -> float:
    waiting, lock, own = iter(range(count)), threading.Lock(), threading.local()

    def work() -> None:
        while True:
            with lock:
                number = next(waiting, None)
            if number is None:
                return
            ask(own, number)

    threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
    start = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.process_time() - start


def by_hand(port: int, count: int) -> float:
    """The same through ``http.client`` alone: no checks, no retries, nothing kept."""
    asked = requests(count)

    def ask(own: threading.local, number: int) -> None:
        if not hasattr(own, "connection"):
            own.connection = http.client.HTTPConnection("127.0.0.1", port)
        body = {"model": "zorble", "max_tokens": 64, "messages": [{"role": "user", "content": asked[number].messages[0].content}]}
        headers = {"Content-Type": "application/json"}
        own.connection.request("POST", "/v1/chat/completions", body=json.dumps(body).encode(), headers=headers)
        assert json.loads(own.connection.getresponse().read())["choices"][0]["message"]["content"] == TEXT

    return _many(count, ask)


def by_client(port: int, count: int) -> float:
    """The same through the ``openai`` client in 64 threads."""
    import openai

    client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
    asked = requests(count)

    def ask(own: threading.local, number: int) -> None:
        messages = [{"role": "user", "content": asked[number].messages[0].content}]
        said = client.chat.completions.create(model="zorble", max_tokens=64, messages=messages)  # type: ignore[arg-type]
        assert said.choices[0].message.content == TEXT

    return _many(count, ask)


def main() -> int:
    """Print milliseconds of each; with ``--check``, 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    told = parser.parse_args()
    if told.serve:
        serve()
        return 0
    contestants = {"http.client": by_hand, "engine openai": by_engine}
    if importlib.util.find_spec("openai") is not None:
        contestants["openai client"] = by_client
    times: dict[str, list[float]] = {name: [] for name in contestants}
    with served() as port:
        for _ in range(told.turns):
            for name, ask in contestants.items():
                times[name].append(ask(port, told.requests) / told.requests * 1e3)
    median = {name: statistics.median(several) for name, several in times.items()}
    for name, value in median.items():
        print(f"{name:<14} {value:.3f} ms of the processor a request, {AT_ONCE} in flight")
    added = median["engine openai"] - median["http.client"]
    print(f"the engine adds {added:.3f} ms to the floor (goal: at most {GOAL_MS:g})")
    return 1 if told.check and added > GOAL_MS else 0


if __name__ == "__main__":
    raise SystemExit(main())
