"""Whether the safety training of a model was tampered with, as far as its id and provenance say."""

from __future__ import annotations

import functools
import re
from typing import Any, Final, cast

import attrs

from safescale.registry.catalogue import read_table
from safescale.registry.families import alias_words, developers_of
from safescale.registry.info import Tampering
from safescale.registry.spelling import IdParts, organisations

__all__ = ["TamperingFinding", "find_tampering"]

_CUSTOM: Final = "a customer's fine-tune of a closed model; the id does not say to what end"
_STRANGER: Final = "who neither developed the family nor is known to repackage it; the id does not say what was done to the weights"
_NO_SIGN: Final = "no sign of it in the id or in the provenance table"


@attrs.frozen(kw_only=True)
class TamperingFinding:
    """A tampering state and how it is known."""

    state: Tampering
    detail: str | None = None
    hardened: bool = False
    by_others: bool = False
    """The safety training was removed by somebody whom the id need not name."""


@functools.cache
def _tables() -> dict[str, Any]:
    raw = read_table("tampering.toml")
    for group in ("marker", "intervention", "hardened", "fine_tune"):
        for rule in raw[group]:
            rule["words"] = frozenset(rule.get("words", ()))
            rule["unless"] = frozenset(rule.get("unless", ()))
    raw["release"]["words"] = frozenset(raw["release"]["words"])
    return raw


def find_tampering(parts: IdParts, name: str, *, family: str | None, developer: str | None) -> TamperingFinding:
    """
    Tampering state of a model.

    Words in the id come first, then provenance. Without any sign, a model of a known family is "none" when its developer, another
    known developer or a known repackager publishes it, or the id names nobody, or nothing but the official name. A stranger's model
    under a name of its own may be anything: "unknown". So is an id that nothing is known of.
    """
    organisation = re.sub(r"[^a-z0-9]+", "-", parts.org or "")
    # the format words are gone from the name, the tag is in it
    text = "-".join(word for word in (organisation, name.replace(".", "-")) if word)
    words = set(text.split("-"))
    if named := _by_words(parts, name.replace(".", "-"), text, family=family):
        return named
    if known := _by_provenance(parts, name, family=family, developer=developer):
        return known
    for hardening in _tables()["hardened"]:
        if (words | set(parts.interventions)) & hardening["words"] or _phrases(hardening, text):
            return TamperingFinding(state="none", detail=hardening["reason"], hardened=True)
    if parts.custom_fine_tune:
        return TamperingFinding(state="unknown", detail=_CUSTOM)
    if parts.interventions:
        return TamperingFinding(
            state="unknown", detail=f"the id names an intervention that is not in the table: {parts.interventions[0]!r}"
        )
    if family is None and parts.org not in organisations().developers:
        return TamperingFinding(state="unknown", detail="neither family nor developer is known")
    if not _by_its_own_developer(parts, family, developer):
        for tuning in _tables()["fine_tune"]:
            if said := sorted(words & tuning["words"]) or _phrases(tuning, text):
                return TamperingFinding(state="unknown", detail=f"{tuning['reason']} ({said[0]!r})")
        publishers = organisations().repackagers | organisations().developers.keys()
        if parts.org is not None and parts.org not in publishers and _further_words(name):
            return TamperingFinding(state="unknown", detail=f"published by {parts.org!r}, {_STRANGER}")
    return TamperingFinding(state="none", detail=_NO_SIGN)


def _further_words(name: str) -> set[str]:
    """Words of a name beside families, sizes, generations and what any release may say: a model of its own."""
    own = _tables()["release"]["words"] | alias_words()
    words = set(re.split(r"[-.]", name))
    return {word for word in words if word.rstrip("0123456789") not in own and not re.fullmatch(r"[a-z]{0,2}\d[\dx]*[bkm]?|", word)}


def _by_words(parts: IdParts, name: str, text: str, *, family: str | None) -> TamperingFinding | None:
    """What the words of the id say; ``text`` is the name with its organisation."""
    interventions = set(parts.interventions)
    own_practice = any(family in model.get("families", ()) for model in _tables()["model"])
    for marker in _tables()["intervention"]:
        if said := sorted(interventions & marker["words"]):
            return TamperingFinding(state=cast(Tampering, marker["state"]), detail=f"{marker['reason']} ({said[0]!r})")
    for marker in _tables()["marker"]:
        searched = name if marker.get("only_name") else text
        words = set(searched.split("-")) | interventions
        said = sorted(words & marker["words"]) or _phrases(marker, searched)
        if said and not words & marker["unless"]:
            return TamperingFinding(
                state=cast(Tampering, marker["state"]),
                detail=f"{marker['reason']} ({said[0]!r})",
                by_others=marker["state"] != "steered" and not own_practice,
            )
    return None


def _by_its_own_developer(parts: IdParts, family: str | None, developer: str | None) -> bool:
    """Whether the id names the developer of the family (or a known developer, where the family is not known)."""
    return parts.org in organisations().developers and (family is None or developer in developers_of(family))


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
