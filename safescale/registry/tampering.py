"""Whether the safety training of a model was tampered with, as far as its id and provenance say."""

from __future__ import annotations

import functools
import re
from typing import Any, Final, cast

import attrs

from safescale.registry.catalogue import read_table
from safescale.registry.info import Tampering
from safescale.registry.spelling import IdParts, organisations

__all__ = ["TamperingFinding", "find_tampering"]

_CUSTOM: Final = "a customer's fine-tune of a closed model; the id does not say to what end"
_NO_SIGN: Final = "no sign of it in the id or in the provenance table"


@attrs.frozen(kw_only=True)
class TamperingFinding:
    """A tampering state and how it is known."""

    state: Tampering
    detail: str | None = None
    hardened: bool = False


@functools.cache
def _tables() -> dict[str, Any]:
    raw = read_table("tampering.toml")
    for group in ("marker", "intervention", "hardened"):
        for rule in raw[group]:
            rule["words"] = frozenset(rule.get("words", ()))
    return raw


def find_tampering(parts: IdParts, name: str, *, family: str | None, developer: str | None) -> TamperingFinding:
    """
    Tampering state of a model.

    Words in the id come first, then provenance. Without any sign, a model of a known family or developer is "none"; of an id that
    nothing is known of, the state is "unknown".
    """
    organisation = re.sub(r"[^a-z0-9]+", "-", parts.org or "")
    # the format words are gone from the name, the tag is in it
    text = "-".join(word for word in (organisation, name.replace(".", "-")) if word)
    words = set(text.split("-"))
    for group, haystack in (("intervention", set(parts.interventions)), ("marker", words | set(parts.interventions))):
        for marker in _tables()[group]:
            said = sorted(haystack & marker["words"]) or _phrases(marker, text)
            if said:
                return TamperingFinding(state=cast(Tampering, marker["state"]), detail=f"{marker['reason']} ({said[0]!r})")
    if known := _by_provenance(parts, name, family=family, developer=developer):
        return known
    for hardening in _tables()["hardened"]:
        if words & hardening["words"] or _phrases(hardening, text):
            return TamperingFinding(state="none", detail=hardening["reason"], hardened=True)
    if parts.custom_fine_tune:
        return TamperingFinding(state="unknown", detail=_CUSTOM)
    if parts.interventions:
        return TamperingFinding(
            state="unknown", detail=f"the id names an intervention that is not in the table: {parts.interventions[0]!r}"
        )
    if family is None and parts.org not in organisations().developers:
        return TamperingFinding(state="unknown", detail="neither family nor developer is known")
    return TamperingFinding(state="none", detail=_NO_SIGN)


def _phrases(entry: dict[str, Any], text: str) -> list[str]:
    return [phrase for phrase in entry.get("phrases", ()) if f"-{phrase}-" in f"-{text}-"]


def _by_provenance(parts: IdParts, name: str, *, family: str | None, developer: str | None) -> TamperingFinding | None:
    """What the provenance table says of the organisation or the model."""
    for organisation in _tables()["organisation"]:
        if parts.org in organisation["names"]:
            return TamperingFinding(state=cast(Tampering, organisation["state"]), detail=organisation["reason"])
    for model in _tables()["model"]:
        named = family in model.get("families", ()) or any(f"-{known}-" in f"-{name}-" for known in model.get("names", ()))
        if named and developer not in model.get("except_developers", ()):
            return TamperingFinding(state=cast(Tampering, model["state"]), detail=model["reason"])
    return None
