"""
What the functions of this room accept, checked once and refused in words.

Private: every public function calls these first, so that the formulas below them never meet a NaN, a percent, a bool
or a negative count.
"""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from safescale.errors import DomainError

FloatVector: TypeAlias = npt.NDArray[np.float64]
IntVector: TypeAlias = npt.NDArray[np.int64]
SlopeQuantity: TypeAlias = Literal["rate", "difference"]
SLOPE_QUANTITIES = ("rate", "difference")

# counts above it are no counts, and do not fit an array
_MAX_COUNT = int(np.iinfo(np.int64).max)
# a square over a square stays within float64, with room for many rows and for columns that are nearly dependent
LARGEST, SMALLEST = 1e60, 1e-60

# arrays in a frozen result are compared as wholes: `==` on them is elementwise
AS_A_WHOLE = attrs.cmp_using(eq=np.array_equal)


def frozen(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A read-only copy: a frozen result must not change when its caller's array does."""
    copy = np.array(values)
    copy.setflags(write=False)
    return copy


def count(name: str, value: object) -> int:
    """Refuse anything but a whole, non-negative number; bools and floats are not counts."""
    if isinstance(value, bool | np.bool_):
        raise DomainError(f"{name} must be a whole number, got the truth value {value!r}; count the true values first")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise DomainError(
            f"{name} must be a whole number, got {value!r} ({type(value).__name__}); pass an int, not a rate or a float"
        ) from None
    if abs(number) > _MAX_COUNT:
        raise DomainError(f"{name} must fit 64-bit integers, got a number of {number.bit_length()} bits; check the units")
    if number < 0:
        raise DomainError(f"{name} must not be negative, got {number}; check the subtraction that made it")
    return number


def successes_of_trials(successes: object, trials: object, *, suffix: str = "") -> tuple[int, int]:
    """Refuse no trials and more successes than trials."""
    k, n = count(f"successes{suffix}", successes), count(f"trials{suffix}", trials)
    if n == 0:
        raise DomainError(f"trials{suffix} must be at least 1, got 0; a rate without trials is unknown, drop the cell")
    if k > n:
        raise DomainError(f"successes{suffix} must not exceed trials{suffix}, got {k} of {n}; are the two arguments swapped?")
    return k, n


def counts(name: str, values: npt.ArrayLike) -> IntVector:
    """Refuse anything but a one-dimensional array of whole, non-negative numbers."""
    return _as_counts(name, _as_array(name, values))


def count_table(name: str, values: npt.ArrayLike, *, shape: str) -> IntVector:
    """Refuse anything but a rectangular table of whole, non-negative numbers; ``shape`` says in words what its sides are."""
    table = as_array(name, values, expected=f"a table of counts, {shape}")
    if table.ndim != 2 or table.size == 0:
        raise DomainError(f"{name} must be a table, {shape}, got shape {table.shape}")
    return _as_counts(name, table)


def _as_counts(name: str, array: npt.NDArray[Any]) -> IntVector:
    if array.size and array.dtype.kind not in "iu":
        raise DomainError(f"{name} must hold whole numbers, got dtype {array.dtype}; convert exact counts to int first")
    if array.size and int(array.max()) > _MAX_COUNT:
        raise DomainError(f"{name} must fit 64-bit integers, got {int(array.max())}; check the units")
    if array.size and int(array.min()) < 0:
        at = tuple(int(index) for index in np.unravel_index(int(np.argmin(array)), array.shape))
        raise DomainError(f"{name} must not be negative, got {array[at]} at position {at[0] if len(at) == 1 else at}")
    return array.astype(np.int64)


def successes_of_trials_arrays(successes: npt.ArrayLike, trials: npt.ArrayLike) -> tuple[IntVector, IntVector]:
    """Refuse unequal lengths, no cells, empty cells and more successes than trials."""
    k, n = counts("successes", successes), counts("trials", trials)
    same_length("successes", len(k), "trials", len(n))
    if len(k) == 0:
        raise DomainError("successes and trials must hold at least one cell, got none")
    if np.any(n == 0):
        at = int(np.argmin(n))
        raise DomainError(f"trials must be at least 1 in every cell, got 0 at position {at}; drop the cell")
    if np.any(k > n):
        at = int(np.argmax(k > n))
        raise DomainError(f"successes must not exceed trials, got {k[at]} of {n[at]} at position {at}")
    return k, n


def fraction(name: str, value: object) -> float:
    """Refuse anything not strictly between 0 and 1: a level, an alpha."""
    number = real(name, value)
    if not 0.0 < number < 1.0:
        raise DomainError(f"{name} must lie strictly between 0 and 1, got {value!r}; 95 % is written 0.95")
    return number


def real(name: str, value: object) -> float:
    """Refuse anything but a finite real number."""
    if isinstance(value, bool | np.bool_ | str | bytes | complex):
        raise DomainError(f"{name} must be a real number, got {value!r} ({type(value).__name__})")
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DomainError(f"{name} must be a real number, got {value!r} ({type(value).__name__})") from None
    except OverflowError:
        # its digits may be too many to print
        raise DomainError(f"{name} must be a real number below 1.8e308, got a {type(value).__name__} beyond it") from None
    if not np.isfinite(number):
        raise DomainError(f"{name} must be finite, got {number}; an unknown value is left out, not passed on")
    return number


def choice(name: str, value: object, allowed: Sequence[str]) -> None:
    """Refuse a word outside the list."""
    if not isinstance(value, str) or value not in allowed:
        raise DomainError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")


def as_array(name: str, values: npt.ArrayLike, *, expected: str) -> npt.NDArray[Any]:
    """Refuse rows of unequal length and whatever else makes no array."""
    try:
        return np.asarray(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise DomainError(f"{name} must be {expected} ({error})") from None


def _as_array(name: str, values: npt.ArrayLike) -> npt.NDArray[Any]:
    array = as_array(name, values, expected="a one-dimensional sequence of numbers")
    if array.ndim != 1:
        raise DomainError(f"{name} must be one-dimensional, got shape {array.shape}; pass one value per unit")
    if array.size and array.dtype.kind not in "iuf":
        raise DomainError(f"{name} must hold real numbers, got dtype {array.dtype}; missing values are left out first")
    return array


def vector(name: str, values: npt.ArrayLike) -> FloatVector:
    """Refuse anything but a one-dimensional array of finite real numbers."""
    array = _as_array(name, values).astype(np.float64)
    if not np.all(np.isfinite(array)):
        at = int(np.argmin(np.isfinite(array)))
        raise DomainError(f"{name} must be finite, got {array[at]} at position {at}; leave the unit out instead")
    return array


def squarable(name: str, values: FloatVector, *, divisor: bool = False) -> FloatVector:
    """Refuse finite values whose squares overflow; for a ``divisor``, also a column of nothing but values below 1e-60."""
    largest = float(np.abs(values).max()) if values.size else 0.0
    if largest >= LARGEST:
        raise DomainError(f"{name} must stay below 1e60, or its squares overflow, got {largest:g}; change the unit")
    if divisor and 0.0 < largest < SMALLEST:
        raise DomainError(f"{name} must reach 1e-60, or its squares vanish, got at most {largest:g}; change the unit")
    return values


def same_length(name: str, length: int, other: str, other_length: int) -> None:
    """Refuse columns of unequal length."""
    if length != other_length:
        raise DomainError(f"{name} and {other} must have the same length, got {length} and {other_length}")


def positive(name: str, values: npt.ArrayLike, *, unit: str) -> FloatVector:
    """Refuse values at or below zero: sizes, weights."""
    array = vector(name, values)
    if np.any(array <= 0):
        at = int(np.argmin(array))
        raise DomainError(f"{name} must be positive ({unit}), got {array[at]:g} at position {at}; leave the unit out")
    return array


def sizes(params_b: npt.ArrayLike) -> FloatVector:
    """Model sizes in billions of parameters, all known and positive."""
    return positive("params_b", params_b, unit="billions of parameters")


def sizes_and_rates(params_b: npt.ArrayLike, rates: npt.ArrayLike) -> tuple[FloatVector, FloatVector]:
    """Model sizes and their rates as fractions, shape ``(models,)`` each."""
    x, y = sizes(params_b), vector("rates", rates)
    same_length("params_b", len(x), "rates", len(y))
    if np.any((y < 0) | (y > 1)):
        at = int(np.argmax((y < 0) | (y > 1)))
        raise DomainError(f"rates must be fractions in [0, 1], got {y[at]:g} at position {at}; divide percent by 100")
    return x, y


def differences(name: str, values: npt.ArrayLike) -> FloatVector:
    """Differences of two rates, in [-1, 1]."""
    y = vector(name, values)
    if np.any(np.abs(y) > 1):
        at = int(np.argmax(np.abs(y) > 1))
        raise DomainError(
            f"{name} must be differences of two fractions in [-1, 1], got {y[at]:g} at position {at}; divide points by 100"
        )
    return y


def sizes_and_quantities(params_b: npt.ArrayLike, rates: npt.ArrayLike, quantity: SlopeQuantity) -> tuple[FloatVector, FloatVector]:
    """Model sizes, and one rate or one difference of two rates of each, shape ``(models,)`` each."""
    choice("quantity", quantity, SLOPE_QUANTITIES)
    if quantity == "rate":
        return sizes_and_rates(params_b, rates)
    x, y = sizes(params_b), differences("rates", rates)
    same_length("params_b", len(x), "rates", len(y))
    return x, y


def unit_labels(name: str, values: Iterable[Hashable], *, unit: str) -> tuple[Hashable, ...]:
    """Refuse anything but one label per unit, each hashable and none missing (None, NaN)."""
    given = iterated(name, values, expected=f"a sequence of labels, one per {unit}")
    refuse_missing(name, distinct(name, given), given, unit=unit)
    return given


def iterated(name: str, values: Iterable[Any], *, expected: str) -> tuple[Any, ...]:
    """Refuse a text, None, a number and whatever else holds no items."""
    if isinstance(values, str | bytes):
        raise DomainError(f"{name} must be {expected}, got the text {values!r}")
    try:
        items = iter(values)
    except TypeError:
        raise DomainError(f"{name} must be {expected}, got {values!r} ({type(values).__name__})") from None
    return tuple(items)


def made_by(name: str, value: object, kind: type, maker: str) -> None:
    """Refuse what is not a result of the function that makes this argument."""
    if not isinstance(value, kind):
        raise DomainError(f"{name} must be a {kind.__name__}, got {type(value).__name__}; make it with {maker}")


def distinct(name: str, given: Sequence[Hashable]) -> dict[Hashable, int]:
    """Label to code in order of first appearance; refuses what cannot be hashed."""
    try:
        return {label: code for code, label in enumerate(dict.fromkeys(given))}
    except TypeError:
        at = next(at for at, label in enumerate(given) if not _hashable(label))
        raise DomainError(
            f"{name} must hold labels, got {given[at]!r} at position {at}; pass texts, numbers or tuples, which can be hashed"
        ) from None


def refuse_missing(name: str, known: Iterable[Hashable], given: Sequence[Hashable], *, unit: str) -> None:
    """Refuse None and NaN among the distinct labels ``known`` of ``given``."""
    for label in known:
        if is_missing(label):
            at = next(at for at, own in enumerate(given) if own is label)
            raise DomainError(
                f"{name} must label every {unit}, got a missing label ({label!r}) at position {at}; leave the {unit} out"
            )


def is_missing(label: object) -> bool:
    """None, and what does not equal itself."""
    try:
        return label is None or bool(label != label)
    except (TypeError, ValueError):
        # the missing values of some libraries answer neither yes nor no
        return True


def _hashable(label: object) -> bool:
    try:
        hash(label)
    except TypeError:
        return False
    return True


def group_codes(
    groups: Iterable[Hashable], length: int, *, name: str = "groups", other: str = "params_b", unit: str = "model"
) -> tuple[tuple[Hashable, ...], IntVector]:
    """Group labels as given and as codes in order of first appearance."""
    given = unit_labels(name, groups, unit=unit)
    same_length(name, len(given), other, length)
    order = distinct(name, given)
    return given, np.array([order[label] for label in given], dtype=np.int64)
