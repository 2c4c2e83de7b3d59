"""Results as plain JSON values."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from safescale.errors import DomainError

__all__ = ["to_jsonable"]


def to_jsonable(value: object) -> Any:
    """
    A result as nested dicts, lists, text, numbers and None.

    attrs classes become dicts by field name, enums their value, tuples and arrays lists. Nothing is rounded.

    Raises
    ------
    DomainError
        For a number that is not finite (ignorance is never a number) and for a type that no result may hold.

    Examples
    --------
    >>> import attrs
    >>> @attrs.frozen(kw_only=True)
    ... class Pair:
    ...     low: float
    ...     high: float | None
    >>> to_jsonable((Pair(low=0.5, high=None),))
    [{'low': 0.5, 'high': None}]
    """
    if value is None or (isinstance(value, bool | str) and not isinstance(value, enum.Enum)):
        return value
    if isinstance(value, enum.Enum):
        return to_jsonable(value.value)
    if isinstance(value, np.generic | np.ndarray):
        return to_jsonable(value.tolist())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DomainError(f"a result holds {value}, which is not a number to print; report this")
        return value
    kind: Any = type(value)
    if attrs.has(kind):
        return {field.name: to_jsonable(getattr(value, field.name)) for field in attrs.fields(kind)}
    if isinstance(value, Mapping):
        return {str(to_jsonable(key)): to_jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return [to_jsonable(item) for item in items]
    raise DomainError(f"a result holds a {type(value).__name__}, which has no JSON form; report this")
