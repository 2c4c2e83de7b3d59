"""From names and figures to a claim: what a row of any file becomes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from safescale.audit.claims.claim import KINDS, MISSING, Claim
from safescale.audit.claims.printed import Scale, read_interval, read_printed
from safescale.errors import DataError

__all__ = ["RATE_FIELDS", "claim_from_fields", "field_names"]

RATE_FIELDS: Final = frozenset(
    {"percentage", "percentage1", "percentage2", "interval", "eta2", "r2", "po", "pe", "rates", "shares"}
)
"""Fields whose figures are shares: percent or fraction."""

_LISTS: Final = frozenset({"rates", "shares"})


def field_names(kind: str) -> tuple[str, ...]:
    """Fields of a kind of claim; an interval may also come as ``interval_low`` and ``interval_high``."""
    names = tuple(field.name for field in attrs.fields(KINDS[kind]))
    return (*names, "interval_low", "interval_high") if "interval" in names else names


def claim_from_fields(fields: Mapping[str, Any], *, scales: Mapping[str, Scale] | None = None) -> Claim:
    """
    Make a claim from its fields.

    Parameters
    ----------
    fields : mapping of str to figure
        ``kind`` and the fields of that kind; ``scale = "percent"`` or ``"fraction"`` settles how bare rates are read.
    scales : mapping of str to str, optional
        The same per field, from a heading.

    Returns
    -------
    Claim
        Of the class of its kind.

    Raises
    ------
    DataError
        If the kind or a field is unknown, or a figure cannot be read; it names the field.
    """
    own = dict(fields)
    kind = own.pop("kind", None)
    if kind not in KINDS:
        raise DataError("a claim needs a kind", column="kind", expected=f"one of {', '.join(KINDS)}", got=repr(kind))
    common = own.pop("scale", None)
    if common not in (None, "percent", "fraction"):
        raise DataError("a scale is a word", column="scale", expected="percent or fraction", got=repr(common))
    known = field_names(kind)
    unknown = [name for name in own if name not in known]
    if unknown:
        raise DataError(
            f"a claim of kind {kind} has no such field",
            column=unknown[0],
            expected=f"one of {', '.join(known)}",
            got=repr(unknown[0]),
        )
    _split_cell(own, known)
    low, high = own.pop("interval_low", None), own.pop("interval_high", None)
    if _given(low) or _given(high):
        if _given(own.get("interval")) or not (_given(low) and _given(high)):
            raise DataError(
                "an interval has two ends, or stands in one field",
                column="interval",
                expected="interval_low and interval_high",
                got=repr((low, high)),
            )
        own["interval"] = (low, high)
    if "n_about" in known and isinstance(own.get("n"), str) and _ABOUT.match(own["n"].strip()):
        own["n_about"] = own.pop("n")
    for name in RATE_FIELDS & own.keys():
        scale: Scale | None = (scales or {}).get(name) or (scales or {}).get(f"{name}_low") or common
        if scale is not None and _given(own[name]):
            own[name] = _scaled(name, own[name], scale)
    known_fields = attrs.fields_dict(KINDS[kind])
    for name, value in own.items():
        converter = known_fields[name].converter
        try:
            own[name] = value if converter is None else converter(value)  # type: ignore[operator]
        except DataError as error:
            raise DataError(
                f"{name}: {str(error).partition(' [')[0]}", column=name, expected=error.expected, got=error.got
            ) from None
    return KINDS[kind](**own)


_ABOUT: Final = re.compile(
    r"^(?:n\s*=\s*)?(?:(?:~|\u2248|\u223c|ca\.?|about|approx\.?|around|roughly)\s*\d[\d,.]*\s*[kKmM]?|\d[\d,.]*\s*[kKmM]|\d[\d,]*\+)$"
)
"""A number of rows that is said to be rounded: ``~1,000``, ``1k``, ``500+``."""

_CELL: Final = re.compile(r"^(?P<share>[^\[({\u00b1]*\d[^\[({\u00b1]*?)\s*(?P<rest>[\[({\u00b1].+)$")
_COUNTS: Final = re.compile(r"^[\[(]\s*(?:n\s*=\s*)?(?P<k>[\d,]+)\s*(?:/|of)\s*(?P<n>[\d,]+)\s*[\])]$")
_N: Final = re.compile(r"^[\[(]\s*n\s*=\s*(?P<n>[\d,]+)\s*[\])]$", re.IGNORECASE)


def _split_cell(own: dict[str, Any], known: tuple[str, ...]) -> None:
    """One cell may hold two things: ``78.3 % [75.6, 80.7]``, ``54 ± 2 %``, ``6.2 % (15/241)``, ``6.2 % (n = 241)``."""
    value = own.get("percentage")
    match = _CELL.match(value) if isinstance(value, str) and "percentage" in known else None
    if match is None:
        return
    counts, rows = _COUNTS.match(match["rest"]), _N.match(match["rest"])
    if counts is not None and not _given(own.get("k")):
        own |= {"percentage": match["share"], "k": counts["k"], "n": own.get("n") or counts["n"]}
    elif rows is not None and not _given(own.get("n")):
        own |= {"percentage": match["share"], "n": rows["n"]}
    elif counts is None and rows is None and not _given(own.get("interval")) and not _given(own.get("interval_low")):
        own |= {"percentage": match["share"], "interval": match["rest"]}
        if "%" in match["rest"] and "%" not in match["share"] and "\u00b1" in match["rest"]:
            own["percentage"] += "%"


def _given(value: object) -> bool:
    return value is not None and not (isinstance(value, str) and value.strip() in MISSING)


def _scaled(name: str, value: Any, scale: Scale) -> Any:
    if name == "interval":
        return read_interval(value, field=name, scale=scale)
    if name in _LISTS and isinstance(value, list | tuple):
        return [read_printed(item, field=f"{name}[{at}]", scale=scale) for at, item in enumerate(value)]
    return value if name in _LISTS else read_printed(value, field=name, scale=scale)
