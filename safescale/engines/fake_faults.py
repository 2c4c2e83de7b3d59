"""What goes wrong with the fake on purpose, so that whoever drives engines can be tested."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from safescale.errors import DomainError

__all__ = ["FakeFaults", "fields_of"]

Option = str | int | float | bool | None


def _positive(_: object, field: attrs.Attribute[float], value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise DomainError(f"the fake's {field.name} must be a number of at least 0, got {value!r}")


def _count(_: object, field: attrs.Attribute[int | None], value: int | None) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise DomainError(f"the fake's {field.name} must be a whole number of at least 1, got {value!r}")


@attrs.frozen(kw_only=True)
class FakeFaults:
    """
    Faults on purpose.

    Parameters
    ----------
    latency_s : float, default 0
        Seconds that each answer takes.
    oom_above : int, optional
        More requests than this at once: ``OutOfMemory``, before anything is answered.
    dies_after : int, optional
        After this many answers since it was opened: ``EngineDied``.
    dies_on : str, optional
        ``EngineDied`` at a prompt that holds this text, each time.
    fails_on : str, optional
        Fault SERVER_ERROR for a prompt that holds this text, alone.
    """

    latency_s: float = attrs.field(default=0.0, validator=_positive)
    oom_above: int | None = attrs.field(default=None, validator=_count)
    dies_after: int | None = attrs.field(default=None, validator=_count)
    dies_on: str | None = None
    fails_on: str | None = None

    @property
    def any(self) -> bool:
        """Whether the fake must look before each answer."""
        return bool(self.latency_s) or self.dies_after is not None or self.dies_on is not None

    @classmethod
    def option_names(cls) -> tuple[str, ...]:
        """Names under which ``spec.options`` sets them."""
        return tuple(field.name for field in attrs.fields(cls))

    @classmethod
    def from_options(cls, options: Mapping[str, Option]) -> tuple[FakeFaults, dict[str, Option]]:
        """The faults that options name, and the options that are none of theirs."""
        mine, left = fields_of(cls.option_names(), options)
        return cls(**mine), left  # type: ignore[arg-type]


def fields_of(names: tuple[str, ...], options: Mapping[str, Option]) -> tuple[dict[str, Option], dict[str, Option]]:
    """Options with these names (None is "not set"), and the others."""
    mine: dict[str, Option] = {name: value for name, value in options.items() if name in names and value is not None}
    return mine, {name: value for name, value in options.items() if name not in names}
