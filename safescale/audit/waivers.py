"""Findings that somebody has looked at: a file of codes and subjects, each with a reason."""

from __future__ import annotations

import datetime
import fnmatch
import tomllib
from collections.abc import Container
from pathlib import Path
from typing import Any, Final

import attrs
import yaml

from safescale.audit.finding import Finding
from safescale.errors import DataError

__all__ = ["DEFAULT_FILE", "Applied", "Waived", "Waiver", "Waivers", "read_waivers"]

DEFAULT_FILE: Final = ".safescale-audit.yaml"
"""Read from the working folder when no other file is named."""

_KEYS: Final = frozenset({"code", "subject", "reason", "expires"})


@attrs.frozen(kw_only=True)
class Waiver:
    """
    One entry of the file.

    ``subject`` is that of the finding, or a glob pattern of it. ``entry`` is its 1-based place in the file. After ``expires`` it
    covers nothing.
    """

    entry: int
    code: str
    subject: str
    reason: str
    expires: datetime.date | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether a finding has this code and subject."""
        return finding.code == self.code and (finding.subject == self.subject or fnmatch.fnmatchcase(finding.subject, self.subject))


@attrs.frozen(kw_only=True)
class Waived:
    """A finding that is covered, and by what."""

    finding: Finding
    waiver: Waiver


@attrs.frozen(kw_only=True)
class Applied:
    """Findings told apart by the waivers, and what is wrong with these."""

    open: tuple[Finding, ...]
    waived: tuple[Waived, ...]
    problems: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Waivers:
    """
    Waivers of one file.

    ``today`` decides what has expired; None when nothing does.
    """

    file: str = DEFAULT_FILE
    entries: tuple[Waiver, ...] = ()
    today: datetime.date | None = None

    def apply(self, findings: tuple[Finding, ...], *, known: Container[str]) -> Applied:
        """
        Take out what is waived; a waiver without reason, of an unknown rule, or expired covers nothing, and that is said.

        Parameters
        ----------
        findings : tuple of Finding
            All findings.
        known : container of str
            Codes that there are.
        """
        problems = []
        able = []
        for waiver in self.entries:
            where = f"{self.file}, entry {waiver.entry}"
            if waiver.code not in known:
                problems.append(
                    f"{where}: no rule has the code {waiver.code!r}; it waives nothing (safescale audit --list-rules shows them)"
                )
            elif not waiver.reason.strip():
                problems.append(f"{where}: {waiver.code} for {waiver.subject!r} has no reason; it waives nothing until it has one")
            elif waiver.expires is not None and self.today is not None and waiver.expires < self.today:
                problems.append(f"{where}: {waiver.code} for {waiver.subject!r} expired on {waiver.expires}; it waives nothing")
            else:
                able.append(waiver)
        open_, waived = [], []
        met = set()
        for finding in findings:
            cover = next((waiver for waiver in able if waiver.covers(finding)), None)
            if cover is None:
                open_.append(finding)
            else:
                waived.append(Waived(finding=finding, waiver=cover))
                met |= {waiver.entry for waiver in able if waiver.covers(finding)}
        problems += [
            f"{self.file}, entry {waiver.entry}: {waiver.code} for {waiver.subject!r} meets no finding; take it out"
            for waiver in able
            if waiver.entry not in met
        ]
        return Applied(open=tuple(open_), waived=tuple(waived), problems=tuple(problems))


def read_waivers(file: Path, *, today: datetime.date | None = None) -> Waivers:
    """
    Read a file of waivers.

    YAML or TOML with a list ``waivers``; each entry has ``code``, ``subject``, ``reason`` and, optionally, ``expires`` (a date).

    Parameters
    ----------
    file : Path
        ``.toml`` is TOML, everything else YAML.
    today : date, optional
        For the expiry; without it nothing expires.

    Raises
    ------
    DataError
        When the file cannot be read, or an entry is none.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the waivers cannot be read: {error}", file=str(file)) from None
    try:
        found = tomllib.loads(text) if file.suffix == ".toml" else yaml.safe_load(text)
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise DataError("the waivers are neither YAML nor TOML", file=str(file), got=" ".join(str(error).split())[:200]) from None
    if found is None:
        return Waivers(file=str(file), today=today)
    entries = found.get("waivers") if isinstance(found, dict) else None
    if not isinstance(entries, list) or set(found) != {"waivers"}:
        raise DataError(
            "a file of waivers holds a list 'waivers' and nothing else",
            file=str(file),
            expected="waivers: [{code, subject, reason, expires?}]",
            got=", ".join(map(str, found)) if isinstance(found, dict) else type(found).__name__,
        )
    return Waivers(file=str(file), today=today, entries=tuple(_entry(raw, i, file) for i, raw in enumerate(entries, start=1)))


def _entry(raw: Any, number: int, file: Path) -> Waiver:
    if not isinstance(raw, dict) or not {"code", "subject"} <= set(raw) <= _KEYS:
        raise DataError(
            "a waiver names code, subject and reason, and nothing but expires beside them",
            file=str(file),
            row=number,
            expected=", ".join(sorted(_KEYS)),
            got=", ".join(map(str, raw)) if isinstance(raw, dict) else str(raw)[:200],
        )
    expires = raw.get("expires")
    if isinstance(expires, str):
        try:
            expires = datetime.date.fromisoformat(expires)
        except ValueError:
            raise DataError("expires is no date", file=str(file), row=number, expected="YYYY-MM-DD", got=str(expires)) from None
    if isinstance(expires, datetime.datetime):
        expires = expires.date()
    if expires is not None and not isinstance(expires, datetime.date):
        raise DataError("expires is no date", file=str(file), row=number, expected="YYYY-MM-DD", got=str(expires))
    return Waiver(
        entry=number, code=str(raw["code"]), subject=str(raw["subject"]), reason=str(raw.get("reason") or ""), expires=expires
    )
