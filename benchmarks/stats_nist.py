"""Correct digits on the NIST StRD files: ``python -m benchmarks.stats_nist [FOLDER]``."""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))

from stats.nist_files import anova_digits, as_text, regression_digits  # noqa: E402


def main() -> int:
    """Print both tables."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY.parent / "shared" / "data" / "nist"
    print(as_text("NIST linear regression, correct digits (15 are certified)", regression_digits(folder)))
    print()
    print(as_text("NIST one-way analysis of variance, correct digits (15 are certified)", anova_digits(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
