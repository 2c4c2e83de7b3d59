"""The violation bitmask of a record, as Arrow compute calls and as an ibis expression, from one list of rules."""

from __future__ import annotations

import functools
import re
import sys
from typing import TYPE_CHECKING, Literal

import attrs
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from safescale.errors import MissingBackend
from safescale.records.fates import RejectCode
from safescale.records.fields import FieldSpec, field_specs

if TYPE_CHECKING:
    import ibis

__all__ = ["Rule", "first_violations", "ibis_violations", "rules", "violations"]


@attrs.frozen(kw_only=True)
class Rule:
    """One rule of one column; ``bit`` is its place in the mask."""

    bit: int
    field: FieldSpec
    test: Literal["null", "allowed", "pattern", "length", "range"]
    code: RejectCode

    @property
    def expected(self) -> str:
        """The contract of the column in words."""
        return self.field.expected


@functools.cache
def rules(record: str) -> tuple[Rule, ...]:
    """Rules of a record in column order: the first that a row breaks is the reason given."""
    found: list[Rule] = []

    def add(field: FieldSpec, test: Literal["null", "allowed", "pattern", "length", "range"], code: RejectCode) -> None:
        found.append(Rule(bit=len(found), field=field, test=test, code=code))

    for field in field_specs(record):
        if not field.nullable:
            add(field, "null", RejectCode.MISSING_FIELD)
        if field.allowed is not None:
            add(field, "allowed", RejectCode.UNKNOWN_VERDICT if field.name == "verdict" else RejectCode.UNKNOWN_VALUE)
        if field.pattern is not None:
            add(field, "pattern", RejectCode.OUT_OF_RANGE)
        if field.min_length is not None:
            add(field, "length", RejectCode.MISSING_FIELD)
        if field.kind == "number" or field.low is not None or field.high is not None:
            add(field, "range", RejectCode.OUT_OF_RANGE)
    return tuple(found)


def violations(table: pa.Table, record: str) -> npt.NDArray[np.uint64]:
    """
    Bitmask of broken rules.

    Parameters
    ----------
    table : pyarrow.Table
        Columns of the record with its types; shape (rows,).
    record : str
        Name of the record.

    Returns
    -------
    ndarray of uint64
        Shape (rows,). Bit ``b`` is set where ``rules(record)[b]`` is broken; 0 for a good row.
    """
    mask = np.zeros(table.num_rows, dtype=np.uint64)
    for rule in rules(record):
        column = table.column(rule.field.name)
        if rule.test == "null":
            if column.null_count:
                mask |= _bits(column.is_null(), rule.bit)
            continue
        if column.null_count == len(column) or (rule.test == "pattern" and _all_fixed(column, rule.field)):
            continue
        broken = _broken(column, rule)
        if pc.any(broken).as_py():
            mask |= _bits(broken.fill_null(False), rule.bit)
    return mask


def first_violations(mask: npt.NDArray[np.uint64], record: str) -> list[tuple[int, Rule]]:
    """Row (0-based) and first broken rule of every bad row."""
    listed = rules(record)
    return [(int(i), listed[(int(mask[i]) & -int(mask[i])).bit_length() - 1]) for i in np.flatnonzero(mask)]


def ibis_violations(table: ibis.Table, record: str) -> ibis.expr.types.IntegerColumn:
    """
    The same bitmask as an ibis expression (int64), for engines that hold more rows than one machine.

    Raises
    ------
    MissingBackend
        Without the extra ``ibis``.
    """
    try:
        import ibis
    except ImportError as error:
        raise MissingBackend("ibis-framework", "ibis") from error
    mask = ibis.literal(0, type="int64")
    for rule in rules(record):
        column, field = table[rule.field.name], rule.field
        match rule.test:
            case "null":
                broken = column.isnull()
                if field.kind == "number":  # on Spark, ibis calls NaN null too
                    broken = broken & ~column.isnan().fill_null(False)
            case "allowed":
                broken = column.notin(list(field.allowed or ()))
            case "pattern":
                broken = ~column.re_search(f"\\A(?:{field.pattern})\\z")  # $ would stop before a newline in Java
            case "length":
                broken = column.length() < int(field.min_length or 0)
            case "range":
                broken = _ibis_range(column, field)
        mask = mask + ibis.ifelse(broken.fill_null(False), 1 << rule.bit, 0)
    return mask


def _ibis_range(column: ibis.expr.types.NumericColumn, field: FieldSpec) -> ibis.expr.types.BooleanColumn:
    import ibis

    # not isinf: on Spark, ibis does not find infinity by it
    broken = ~(column.abs() <= sys.float_info.max) if field.kind == "number" else ibis.literal(False)
    if field.low is not None:
        broken = broken | (column <= field.low if field.low_open else column < field.low)
    if field.high is not None:
        broken = broken | (column > field.high)
    return broken


def _bits(broken: pa.ChunkedArray, bit: int) -> npt.NDArray[np.uint64]:
    flags = broken.to_numpy(zero_copy_only=False) if isinstance(broken, pa.Array) else broken.to_numpy()
    return np.asarray(flags, dtype=np.uint64) << np.uint64(bit)


def _broken(column: pa.ChunkedArray, rule: Rule) -> pa.ChunkedArray:
    """True where a value that is there breaks the rule; null where there is none."""
    field = rule.field
    match rule.test:
        case "allowed":
            inside = pc.is_in(column, value_set=_value_set(field))
            return pc.and_(pc.is_valid(column), pc.invert(inside))
        case "pattern":
            return pc.invert(pc.match_substring_regex(column, f"\\A(?:{field.pattern})\\z"))
        case "length":
            least = int(field.min_length or 0)
            length = pc.binary_length(column) if least == 1 else pc.utf8_length(column)
            return pc.less(length, least)
        case _:
            return _out_of_range(column, field)


@functools.cache
def _allowed_bytes(characters: str) -> npt.NDArray[np.bool_]:
    """Which of the 256 bytes a character class allows."""
    one = re.compile(f"[{characters}]".encode())
    return np.array([one.fullmatch(bytes([b])) is not None for b in range(256)])


def _all_fixed(column: pa.ChunkedArray, field: FieldSpec) -> bool:
    """Whether every text matches a fixed class: looked up byte by byte, many times faster than a regular expression."""
    if field.fixed_class is None:
        return False
    characters, length = field.fixed_class
    allowed = _allowed_bytes(characters)
    texts = pa.chunked_array(column.chunks, type=column.type).drop_null().combine_chunks()
    if not pc.all(pc.equal(pc.binary_length(texts), length)).as_py():
        return False
    data = np.frombuffer(texts.buffers()[2] or b"", dtype=np.uint8)
    return bool(allowed[data[texts.offset * length : (texts.offset + len(texts)) * length]].all())


@functools.cache
def _value_set(field: FieldSpec) -> pa.Array:
    return pa.array(field.allowed, type=pa.string())


def _out_of_range(column: pa.ChunkedArray, field: FieldSpec) -> pa.ChunkedArray:
    parts = []
    if field.kind == "number":
        parts.append(pc.invert(pc.is_finite(column)))
    if field.low is not None:
        parts.append(pc.less_equal(column, field.low) if field.low_open else pc.less(column, field.low))
    if field.high is not None:
        parts.append(pc.greater(column, field.high))
    return functools.reduce(pc.or_, parts)
