"""
Renew ``examples/toy`` from an experiment on a toy lineage: ``python examples/write_toy.py EXPERIMENT LINEAGE``.

The answers that ``safescale report --example toy`` reads, and the pair of models for trying the experiment without training.
"""

import sys
from pathlib import Path

from safescale.studies.toy_example import write_toy_example
from safescale.studies.toy_pair import write_toy_pair


def main() -> None:
    """Write both, and say what."""
    experiment, lineage = map(Path, sys.argv[1:])
    into = Path(__file__).parent / "toy"
    rows = write_toy_example(experiment, lineage, into)
    print(", ".join(f"{condition}: {count:,} answers" for condition, count in rows.items()))
    print(f"models and prompts: {write_toy_pair(lineage, into):,} bytes")


if __name__ == "__main__":
    main()
