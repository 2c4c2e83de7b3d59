"""
100,000 responses of the fake engine: what ``generate`` adds to each, and whether its memory stays flat.

``python -m benchmarks.generate [--responses N]``. The overhead is CPU time of the whole (planning, ids and seeds, asking,
writing a line each, bookkeeping) less that of the fake alone on the same requests; goal 0.2 ms a response. Memory is resident size
between the first tenth and the end; goal at most 24 MB more. The ratio kept is that
to reading the same lines with ``json.loads``. Then the same command again, which finds everything there, and a
resumed run of which a tenth is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.history import add_arguments, finish

GOAL_MS, GOAL_GROWTH_MB = 0.2, 24.0
PROMPTS = 2_500


def resident_mb() -> float:
    """Resident size of this process (MB)."""
    with open("/proc/self/statm", encoding="ascii") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(responses: int, folder: Path) -> dict[str, float]:
    """Figures of one run, each asserted to be that of a whole run."""
    from safescale.engines import EngineSpec
    from safescale.engines.fake import open_fake
    from safescale.generate import DeclaredModel, Progress, PromptSet, RunPrompt, generate
    from safescale.generate.conditions import Condition
    from safescale.generate.models_file import ModelsFile
    from safescale.generate.plan import plan_runs

    text = "tell me of the zorble {i}, " + "how it winds the quindle and why the frimble hums, " * 6
    prompts = tuple(RunPrompt(prompt_id=f"q-{i}", prompt=text.format(i=i), prompt_kind="harmful") for i in range(PROMPTS))
    spec = EngineSpec(engine="fake", model="sim/zorble-1b")
    declared = {"engine": "fake", "model": "m", "engine_seed": 0, "revision": None, "chat_template_sha256": None}
    models = ModelsFile(
        models=(DeclaredModel(model_id="sim/zorble-1b", spec=spec, declared=declared),),
        sampling={"temperature": 1.0},
        conditions=(Condition(name="default"), Condition(name="guarded", system="You are a careful guild.")),
    )
    plan = plan_runs(models, PromptSet(prompts=prompts, file=Path("p"), sha256="0" * 64), samples=responses // (2 * PROMPTS))[0]
    assert plan.total == responses

    engine = open_fake(spec)
    bare_s = seen = 0.0
    batch = []
    for planned in plan.requests():
        batch.append(planned.request)
        if len(batch) == 512:
            for request in batch:
                _ = request.request_id
            start = time.process_time()
            seen += sum(1 for _ in engine.answer(batch))
            bare_s += time.process_time() - start
            batch = []
    bare_ms = 1e3 * bare_s / seen

    sizes: list[tuple[int, float]] = []

    def watch(progress: Progress) -> None:
        sizes.append((progress.done, resident_mb()))

    start, wall = time.process_time(), time.perf_counter()
    result = generate([plan], folder, watch=watch).runs[0]
    whole_s, wall_s = time.process_time() - start, time.perf_counter() - wall
    assert result.answered == responses
    early = [size for done, size in sizes if done >= responses / 10]
    data = b"".join(path.read_bytes() for path in result.folder.glob("parts/*.jsonl")).splitlines()
    assert len(data) == responses
    start = time.process_time()
    assert all(isinstance(json.loads(line), dict) for line in data)
    floor_s = time.process_time() - start
    del data

    start = time.process_time()
    assert generate([plan], folder).runs[0].asked == 0
    again_s = time.process_time() - start
    part = next(result.folder.glob("parts/*.jsonl"))
    os.truncate(part, int(part.stat().st_size * 0.9))
    start = time.process_time()
    resumed = generate([plan], folder).runs[0]
    resume_s = time.process_time() - start
    assert (resumed.answered, resumed.torn) == (responses, 1)
    return {
        "responses": responses,
        "whole_ms": 1e3 * whole_s / responses,
        "fake_alone_ms": bare_ms,
        "json_loads_ms": 1e3 * floor_s / responses,
        "overhead_ms": 1e3 * whole_s / responses - bare_ms,
        "wall_s": wall_s,
        "resident_after_a_tenth_mb": early[0],
        "resident_peak_after_mb": max(early),
        "growth_mb": max(early) - early[0],
        "nothing_to_ask_s": again_s,
        "resume_of_a_tenth_s": resume_s,
    }


def main() -> int:
    """Measure, print, keep; with --check 1 when a goal is missed or a ratio fell."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--responses", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(given.responses, Path(folder))
    print(json.dumps({name: round(value, 4) for name, value in found.items()}, indent=1))
    overhead, growth = found["overhead_ms"], found["growth_mb"]
    print(f"overhead {overhead:.3f} ms a response (goal {GOAL_MS}), memory +{growth:.1f} MB (goal {GOAL_GROWTH_MB:g})")
    goals = (("overhead ms", overhead, GOAL_MS), ("growth MB", growth, GOAL_GROWTH_MB))
    missed = [f"{name}: {value:.3f}, goal {goal:g}" for name, value, goal in goals if value > goal]
    return finish("generate", {"json.loads/overhead": found["json_loads_ms"] / overhead}, given, missed=missed)


if __name__ == "__main__":
    sys.exit(main())
