"""A result as plain values, without the texts of prompts."""

from __future__ import annotations

import hashlib
from typing import Any

from safescale.analyses.jsonable import to_jsonable
from safescale.studies.robustness.results import RobustnessResult

__all__ = ["plain_values"]


def plain_values(result: RobustnessResult) -> Any:
    """All of a result for a JSON file; templates are texts of prompts, so their names and hashes stand in for them."""
    found = to_jsonable(result)
    found["design"]["prompts"]["templates"] = [
        {"name": name, "sha256": hashlib.sha256(text.encode("utf-8")).hexdigest()} for name, text in result.design.prompts.templates
    ]
    return found
