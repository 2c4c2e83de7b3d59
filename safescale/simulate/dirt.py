"""Defects to plant in lines, each with the reject code that it must get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from safescale.records.fates import RejectCode

__all__ = ["FLAT_DEFECTS", "NESTED_DEFECTS", "Defect", "plan_defects"]

Spoil = Callable[[bytes], bytes]
Defect = tuple[RejectCode, Spoil]


def plan_defects(rows: int, share: float, defects: Sequence[str], rng: np.random.Generator) -> dict[int, str]:
    """
    Which rows are spoiled, and how: every kind in turn.

    Parameters
    ----------
    rows : int
        Rows of the file.
    share : float
        Share of bad rows (fraction).
    defects : sequence of str
        Kinds.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    dict of int to str
        0-based row to kind.
    """
    places = np.sort(rng.permutation(rows)[: round(rows * share)]).tolist()
    return {place: defects[number % len(defects)] for number, place in enumerate(places)}


def _changed(**values: Any) -> Spoil:
    """The line with other values of top-level keys; ``...`` removes the key."""

    def spoil(line: bytes) -> bytes:
        found = {**msgspec.json.decode(line), **values}
        return msgspec.json.encode({key: value for key, value in found.items() if value is not ...})

    return spoil


def _written(key: str, value: bytes) -> Spoil:
    """The line with one more key, its value as raw bytes."""
    return lambda line: b'{"%s":%s,%s' % (key.encode(), value, line.removeprefix(b"{"))


def _inserted(mark: bytes, foreign: bytes) -> Spoil:
    """The line with foreign bytes at the beginning of a text."""
    return lambda line: line.replace(mark, mark + foreign, 1)


def _common(mark: bytes) -> dict[str, Defect]:
    return {
        "garbage": (RejectCode.BAD_JSON, lambda line: b"%% not a record %%"),
        "cut": (RejectCode.BAD_JSON, lambda line: line[: len(line) // 2].decode(errors="ignore").encode()),
        "array": (RejectCode.NOT_AN_OBJECT, lambda line: b"[" + line + b"]"),
        "two_objects": (RejectCode.BAD_JSON, lambda line: line + line),
        "nul": (RejectCode.BAD_JSON, _inserted(mark, b"\x00")),
        "invalid_utf8": (RejectCode.NOT_UTF8, _inserted(mark, b"\xff\xfe")),
        "lone_surrogate": (RejectCode.BAD_JSON, _inserted(mark, b"\\ud800 ")),
        "number_for_text": (RejectCode.WRONG_TYPE, _changed(model_id=7)),
        "missing_model": (RejectCode.MISSING_FIELD, _changed(model_id=...)),
        "duplicate_key": (RejectCode.DUPLICATE_KEY, _written("model_id", b'"another"')),
    }


FLAT_DEFECTS: Final[dict[str, Defect]] = {
    **_common(b'"prompt":"'),
    "unknown_verdict": (RejectCode.UNKNOWN_VERDICT, _changed(verdict="MAYBE")),
    "unknown_key": (RejectCode.UNKNOWN_FIELD, _changed(surprise=1)),
    "text_for_number": (RejectCode.WRONG_TYPE, _changed(params_total_b="7B")),
    "bool_for_number": (RejectCode.WRONG_TYPE, _changed(params_total_b=True)),
    "not_a_number": (RejectCode.BAD_JSON, _written("score", b"NaN")),
}
"""Defects of canonical flat lines."""

NESTED_DEFECTS: Final[dict[str, Defect]] = {
    **_common(b'"text":"'),
    "unknown_verdict": (RejectCode.UNKNOWN_VERDICT, _changed(llm_verdict="MAYBE")),
    "text_for_list": (RejectCode.WRONG_TYPE, _changed(turns="none")),
    "number_for_flag": (RejectCode.WRONG_TYPE, _changed(labels={"attack_success": 1})),
    "not_a_number": (RejectCode.BAD_JSON, _written("estimated_cost_usd", b"NaN")),
}
"""Defects of nested Failure-First lines."""
