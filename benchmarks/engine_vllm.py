"""
The engine ``vllm`` beside a bare ``LLM.chat``: the same prompts, one process, one ``vllm.LLM``, turn about; equal texts asserted.

``python -m benchmarks.engine_vllm`` takes a toy model on a CPU, where vLLM does least and we weigh most; ``--model`` takes another,
on whatever the vLLM that is installed runs on. The prefix cache is emptied before each turn. In one process the ratio that counts
is of CPU seconds (wall time on shared cores is the neighbours'); with ``--multiprocess`` it is of wall time.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.history import add_arguments, finish
from safescale.engines import EngineSpec, Message, Request, Sampling, in_order
from safescale.engines.vllm import VllmEngine, open_vllm

GOAL = 0.95
WORDS = ("zorble", "quindle", "frabbit", "mimsy", "tove", "slithy", "brillig", "wabe", "gimble", "snark")


def toy(folder: Path) -> Path:
    """The toy model of the tests."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from engines.toy_model import make_toy

    return make_toy(folder, adapters=())


def prompts(count: int) -> list[str]:
    """Different prompts of 4 to 30 words."""
    return [" ".join(WORDS[(i * 3 + k * (1 + i % 7)) % 10] for k in range(4 + i % 27)) + f" {i}" for i in range(count)]


def timed(work: Callable[[], list[str]]) -> tuple[list[str], float, float]:
    """Texts, wall seconds, CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    texts = work()
    return texts, time.perf_counter() - wall, time.process_time() - cpu


def main() -> int:
    """Print both, the paired ratios and their median."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--prompts", type=int, default=256)
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--multiprocess", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        model = arguments.model or toy(Path(scratch))
        options = {} if arguments.model else {"dtype": "float32", "kv_cache_gib": 0.25}
        spec = EngineSpec(
            engine="vllm",
            model=str(model),
            batch_size=arguments.batch_size,
            options={**options, "multiprocess": arguments.multiprocess},
        )
        engine = open_vllm(spec)
        try:
            return compared(engine, arguments)
        finally:
            engine.close()


def compared(engine: object, arguments: argparse.Namespace) -> int:
    """The two turn about."""
    from vllm import SamplingParams

    assert isinstance(engine, VllmEngine)
    llm = engine._llm
    asked = prompts(arguments.prompts)
    sampling = Sampling(max_tokens=arguments.max_tokens)
    requests = [Request(messages=[Message(role="user", content=p)], sampling=sampling) for p in asked]
    chats = [[{"role": "user", "content": p}] for p in asked]
    params = SamplingParams(temperature=0.0, max_tokens=arguments.max_tokens)

    def ours() -> list[str]:
        return [answer.text or "" for answer in in_order(requests, engine.answer(requests))]

    def bare() -> list[str]:
        return [output.outputs[0].text for output in llm.chat(chats, params, use_tqdm=False)]

    walls, cpus, ours_s, bare_s = [], [], [], []
    for turn in range(arguments.turns + 1):
        # who goes first changes, and the first turn of all only warms up
        found = {}
        for name, work in (("ours", ours), ("bare", bare)) if turn % 2 else (("bare", bare), ("ours", ours)):
            llm.reset_prefix_cache()
            found[name] = timed(work)
        assert found["ours"][0] == found["bare"][0], "the texts differ"
        assert len(set(found["ours"][0])) > len(asked) // 4, "the texts are all the same: nothing is shown"
        if turn:
            walls.append(found["bare"][1] / found["ours"][1])
            cpus.append(found["bare"][2] / found["ours"][2])
            ours_s.append(found["ours"][1])
            bare_s.append(found["bare"][1])
    counts = arguments.multiprocess
    ratio = statistics.median(walls if counts else cpus)
    print(f"{engine.facts.hardware}; vllm {engine.facts.version}; {len(asked)} prompts, {arguments.max_tokens} tokens, equal texts")
    print(f"bare LLM.chat  {statistics.median(bare_s):8.2f} s  {len(asked) / statistics.median(bare_s):7.1f} prompts a second")
    print(f"engine vllm    {statistics.median(ours_s):8.2f} s  {len(asked) / statistics.median(ours_s):7.1f} prompts a second")
    for name, values in (("wall time", walls), ("CPU time", cpus)):
        print(f"ratio of {name:<9}  median {statistics.median(values):.3f}  of {', '.join(f'{v:.3f}' for v in sorted(values))}")
    print(f"ratio that counts: {ratio:.3f} (goal {GOAL:.2f}; 1 is as fast as bare, more is faster)")
    missed = [f"{ratio:.3f} of a bare LLM.chat, goal {GOAL:.2f}"] if ratio < GOAL else []
    return finish("engine_vllm", {"bare LLM.chat": ratio}, arguments, missed=missed)


if __name__ == "__main__":
    sys.exit(main())
