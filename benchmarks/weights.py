"""What each installed distribution weighs, heaviest first; fails above a limit."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import distributions
from pathlib import Path


def weights_mb() -> dict[str, float]:
    """Megabytes (1e6 bytes) of each distribution in this environment, from the files that it lists, without bytecode."""
    found: dict[str, float] = {}
    for distribution in distributions():
        files = [Path(str(distribution.locate_file(f))) for f in distribution.files or ()]
        size = sum(f.stat().st_size for f in files if f.is_file() and f.suffix != ".pyc")
        found[distribution.metadata["Name"]] = size / 1e6
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def main() -> int:
    """Print the table; 1 when the sum is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit-mb", type=float, default=None)
    limit = parser.parse_args().limit_mb
    weights = weights_mb()
    folder = Path(sys.prefix)
    on_disk = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and not f.is_symlink()) / 1e6
    for name, megabytes in weights.items():
        if megabytes >= 0.5:
            print(f"{megabytes:8.1f} MB  {name}")
    print(f"{sum(weights.values()):8.1f} MB  all {len(weights)} distributions; {on_disk:.1f} MB on disk with bytecode in {folder}")
    if limit is not None and on_disk > limit:
        print(f"over the limit of {limit:g} MB", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
