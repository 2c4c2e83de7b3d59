"""Sizes that the data declare, against what the id says."""

from __future__ import annotations

import math
import re
from typing import Final, Literal

import attrs

from safescale.errors import DomainError
from safescale.registry.closed import CLOSED_MODEL, is_closed
from safescale.registry.info import ModelInfo, SizeSource
from safescale.registry.parse import close_sizes

__all__ = ["ParameterCount", "parse_parameter_count", "read_parameter_count", "resolve_size"]

_COUNT: Final = re.compile(
    r"^[~≈]?\s*(\d+(?:\.\d+)?(?:e\+?\d{1,2})?)\s*(bn|billion|b|million|m|trillion|t)?(?:\s*(?:params|parameters))?$"
)
_EMPTY: Final = frozenset({"", "unknown", "none", "null", "nan", "n/a", "na", "-", "?"})
_IN_BILLIONS: Final = {"b": 1.0, "m": 1e-3, "t": 1e3}
_LARGEST_B: Final = 20_000.0


@attrs.frozen(kw_only=True)
class ParameterCount:
    """A column's text as a number of parameters (1e9)."""

    params_b: float | None
    status: Literal["read", "empty", "garbage"]


def read_parameter_count(text: str | float | None) -> ParameterCount:
    """
    Read a column such as ``1.5B``, ``360M``, ``671B``, ``unknown``.

    Parameters
    ----------
    text : str, float or None
        A plain number means billions up to 20 000, and single parameters from one million.

    Returns
    -------
    ParameterCount
        Unit: 1e9 parameters. Empty and garbage are told apart; neither is a number.
    """
    word = "" if text is None else str(text).strip().lower().replace(",", "")
    if word in _EMPTY:
        return ParameterCount(params_b=None, status="empty")
    stated = _COUNT.match(word)
    if stated is None:
        return ParameterCount(params_b=None, status="garbage")
    number = float(stated[1])
    if stated[2] is not None:
        params_b = number * _IN_BILLIONS[stated[2][0]]
    else:
        params_b = number / 1e9 if number >= 1e6 else number
    if not (math.isfinite(params_b) and 0 < params_b <= _LARGEST_B):
        return ParameterCount(params_b=None, status="garbage")
    return ParameterCount(params_b=params_b, status="read")


def parse_parameter_count(text: str | float | None) -> float | None:
    """
    The number of parameters in 1e9, or None; :func:`read_parameter_count` says why.

    Examples
    --------
    >>> parse_parameter_count("360M"), parse_parameter_count("unknown")
    (0.36, None)
    """
    return read_parameter_count(text).params_b


def resolve_size(
    info: ModelInfo,
    *,
    declared_params_b: float | None = None,
    declared_active_b: float | None = None,
    declared_estimated: bool = False,
) -> ModelInfo:
    """
    The model with the size that its data declare.

    Parameters
    ----------
    info : ModelInfo
        As parsed.
    declared_params_b, declared_active_b : float, optional
        Declared total and active parameters. Unit: 1e9 parameters, above 0.
    declared_estimated : bool, default False
        Whether the data call their size an estimate.

    Returns
    -------
    ModelInfo
        A declared size stays as declared. More than 15 % (``SIZE_TOLERANCE``, of the larger) from the size by name or catalogue, it
        carries the flag ``contradicts_name`` or ``contradicts_catalogue``. Of a closed model without a published size it is an
        estimate, whatever the data call it (flag ``closed_model``).

    Raises
    ------
    DomainError
        If a declared size is not a positive number.
    """
    for label, value in (("total", declared_params_b), ("active", declared_active_b)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise DomainError(
                f"declared {label} parameters of {info.model_id!r} must be positive, got {value}; leave unknown sizes empty"
            )
    if declared_params_b is None and declared_active_b is None:
        return info
    flags, note = list(info.flags), info.size_note
    if (
        declared_params_b is not None
        and info.params_total_b is not None
        and not close_sizes(declared_params_b, info.params_total_b)
        and not (info.size_source == "name" and round(declared_params_b) == info.params_total_b)  # 1.24B is called 1b
    ):
        flags.append("contradicts_catalogue" if info.size_source == "published" else "contradicts_name")
        origin = info.size_note or "by its name"
        note = f"declared {declared_params_b:g}B, but {info.params_total_b:g}B {origin}"
    total = info.params_total_b if declared_params_b is None else declared_params_b
    active = info.params_active_b if declared_active_b is None else declared_active_b
    if active is not None and total is not None and active > total:
        if declared_active_b is not None:
            flags.append("active_exceeds_total")
        active = declared_active_b
    guess = is_closed(info) and info.size_source != "published"
    if guess:
        flags.append(CLOSED_MODEL)
    source: SizeSource = "estimated" if declared_estimated or guess else "declared"
    if declared_params_b is None and total is not None:
        source = info.size_source
    return attrs.evolve(
        info,
        params_total_b=total,
        params_active_b=active,
        size_source=source,
        size_note=note,
        flags=tuple(dict.fromkeys(flags)),
    )
