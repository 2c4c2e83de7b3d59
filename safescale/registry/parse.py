"""From an id to what is known of the model."""

from __future__ import annotations

import datetime
import functools
import re
from typing import Final

import attrs

from safescale.errors import DomainError
from safescale.registry.catalogue import PublishedSize, catalogue
from safescale.registry.closed import CLOSED_MODEL, names_closed_model
from safescale.registry.families import Kinship, canonical_spelling, kinship_of
from safescale.registry.info import ModelInfo, SizeSource
from safescale.registry.name_sizes import NamedSizes, named_sizes
from safescale.registry.spelling import IdParts, organisations, spelled_name, split_id
from safescale.registry.tampering import find_tampering

__all__ = ["SIZE_TOLERANCE", "close_sizes", "parse_model_id"]

SIZE_TOLERANCE: Final = 0.15
"""Relative difference up to which two sizes are the same one, rounded (0.494 and 0.5, 3.2 and 3)."""

_TRAINING_WORDS: Final = ("instruct", "inst", "it", "chat", "hf", "base", "thinking", "reasoning", "think", "dpo", "original")
_TAMPERING_WORDS: Final = ("abliterated", "uncensored", "heretic")
_CONTEXT_WORDS: Final = ("4k", "8k", "16k", "32k", "40k", "64k", "128k", "131k", "200k", "256k", "1m", "10m")
_NOT_PART_OF_A_KEY: Final = frozenset((*_TRAINING_WORDS, *_TAMPERING_WORDS, *_CONTEXT_WORDS, "cloud"))
"""Words that leave the size of a model as it is."""
_WHOLE_DATE: Final = re.compile(r"[-@](20[12]\d)-?(\d{2})-?(\d{2})(?=[-_:@]|$)")
_DATED_BY: Final = ("anthropic", "openai")
"""Developers who put a whole release date into their ids; in other names such digits may be the time of a run."""
_CLOSING_VERSION: Final = re.compile(r"(?<=[a-z])[-.]?v?\d+(?:\.\d+)*$")
_SMALLEST_FULL_R1_B: Final = 100.0


@attrs.frozen(kw_only=True)
class _Sizes:
    total_b: float | None = None
    active_b: float | None = None
    source: SizeSource = "unknown"
    note: str | None = None
    flags: tuple[str, ...] = ()


@functools.lru_cache(maxsize=65_536)
def parse_model_id(model_id: str) -> ModelInfo:
    """
    What an id or file stem says of a model, with published sizes where the name states none.

    Parameters
    ----------
    model_id : str
        Any id: ollama ``name:tag``, ``provider/model:free``, Hugging Face ``Org/Name``, host prefixes, cloud ids, file stems.

    Returns
    -------
    ModelInfo
        Sizes in 1e9 parameters. A size in the name goes before the catalogue; what neither states is None, never a guess.
        In the id of a closed model it is "estimated", unless the vendor published it.
        ``e4b`` (effective parameters) is taken as the size, with the flag ``effective``; of two sizes in a name none is taken.

    Raises
    ------
    DomainError
        If the id is empty.

    Examples
    --------
    >>> parse_model_id("nvidia/nemotron-3-super-120b-a12b:free").params_active_b
    12.0
    >>> parse_model_id("mlabonne/Meta-Llama-3.1-8B-Instruct-abliterated").tampering
    'abliterated'
    >>> parse_model_id("openai/gpt-4o-mini").size_source
    'unknown'
    """
    if not model_id.strip():
        raise DomainError(f"a model id is empty: got {model_id!r}; name the model, or leave the row out")
    parts = split_id(model_id)
    spelled, doubtful, reformatted = spelled_name(parts)
    name = canonical_spelling(spelled)
    named = named_sizes(spelled, doubtful=doubtful)
    known_kinship = kinship_of(spelled)
    kinship = known_kinship or _kinship_of_stem(parts, name, named)
    developer, third_party = _developer(parts, kinship)
    closed = names_closed_model(kinship, developer=developer, third_party=third_party)
    tampering = find_tampering(parts, name, family=known_kinship.family if known_kinship else None, developer=developer)
    if tampering.by_others:
        developer = None if parts.org is None or parts.org in organisations().repackagers else developer
    sizes = _sizes(parts, name, named)
    sizes = _guessed(sizes, _published(name, named)) if closed else sizes
    return ModelInfo(
        model_id=model_id,
        canonical_id=_canonical_id(parts, name, developer, tampered_by_others=third_party and tampering.state != "none")
        or model_id.strip().lower(),
        params_total_b=sizes.total_b,
        params_active_b=sizes.active_b,
        size_source=sizes.source,
        developer=developer,
        host=parts.host,
        family=kinship.family if kinship else None,
        lineage=_lineage(kinship, sizes),
        generation=kinship.generation if kinship else None,
        released=_release_date(parts.name) if developer in _DATED_BY else None,
        tampering=tampering.state,
        tampering_detail=tampering.detail,
        size_note=sizes.note,
        closed=closed,
        flags=(
            *sizes.flags,
            *(("quantised",) if reformatted else ()),
            *(("third_party",) if third_party else ()),
            *(("hardened",) if tampering.hardened else ()),
            *(("lineage_from_name",) if kinship is not None and known_kinship is None else ()),
        ),
    )


def _developer(parts: IdParts, kinship: Kinship | None) -> tuple[str | None, bool]:
    """Who trained it, and whether that is someone else than the developer of its family."""
    of_family = kinship.developer if kinship else None
    if parts.org is None or parts.org in organisations().repackagers:
        return of_family, False
    developer = organisations().developers.get(parts.org, parts.org)
    return developer, of_family is not None and developer != of_family


def _kinship_of_stem(parts: IdParts, name: str, named: NamedSizes) -> Kinship | None:
    """
    Kinship of a family that no table knows: ids of one organisation that differ in nothing before their size.

    What stands before the size is the lineage, and without a closing version number the family.
    """
    words = name.split("-")
    before = next((i for i, word in enumerate(words) if word in named.tokens), 0)
    stem = "-".join(word for word in (parts.org, *words[:before]) if word)
    if before == 0 or not re.search(r"[a-z]", "-".join(words[:before])):
        return None
    family = _CLOSING_VERSION.sub("", stem)
    generation = stem[len(family) :].lstrip("-.v") or None
    return Kinship(family=family, developer=None, lineage=stem, generation=generation)


def _lineage(kinship: Kinship | None, sizes: _Sizes) -> str | None:
    if kinship is None:
        return None
    if kinship.lineage == "deepseek-r1" and sizes.total_b is not None and sizes.total_b < _SMALLEST_FULL_R1_B:
        return "deepseek-r1-distill"  # ollama names the distilled Qwen and Llama models so
    return kinship.lineage


def _canonical_id(parts: IdParts, name: str, developer: str | None, *, tampered_by_others: bool) -> str:
    """
    One spelling per model.

    The organisation is dropped only where it is a known developer or repackager, and did not tamper with another's model: a
    stranger's "Llama-3.1-8B" need not be Meta's, and no abliterated model may ever pass for its original.
    """
    words = [word for word in name.split("-") if word != "hf"]
    if parts.tag == "latest" or parts.name.removesuffix("-latest") in catalogue().ollama.sizes_b:
        words = [word for word in words if word != "latest"]
    known = organisations()
    official = parts.org is None or parts.org in known.developers or parts.org in known.repackagers
    keeps_org = parts.org is not None and (not official or tampered_by_others)
    prefix = [developer or parts.org or ""] if keeps_org else []
    prefix = [re.sub(r"[^a-z0-9.]+", "-", word).strip("-") for word in prefix]
    before = ["ft"] if parts.custom_fine_tune else []
    return "-".join(word for word in (*before, *prefix, *words, *parts.interventions) if word)


def _release_date(name: str) -> str | None:
    for year, month, day in _WHOLE_DATE.findall(name):
        try:
            return datetime.date(int(year), int(month), int(day)).isoformat()
        except ValueError:
            continue
    return None


def _sizes(parts: IdParts, name: str, named: NamedSizes) -> _Sizes:
    """The size that the name states; else the published one."""
    if default := _ollama_default(parts, named):
        return default
    entry = _published(name, named)
    if named.experts is not None:
        return _from_experts(entry, named, named.experts)
    if entry is not None and named.total_b is None and named.active_b is None and "doubtful_size" not in named.flags:
        return _Sizes(total_b=entry.total_b, active_b=entry.active_b, source="published", note=entry.source, flags=_taken(named))
    if entry is not None and _states_active(entry, named):
        return _Sizes(total_b=entry.total_b, active_b=entry.active_b, source="published", note=entry.source)
    return _from_name(entry, named)


def _guessed(sizes: _Sizes, entry: PublishedSize | None) -> _Sizes:
    """Of a closed model: a size in its id is somebody's guess, unless the vendor published the same."""
    if sizes.source != "name":
        return sizes
    if entry is not None and sizes.total_b is not None and close_sizes(sizes.total_b, entry.total_b):
        return attrs.evolve(sizes, source="published", note=entry.source)
    return attrs.evolve(sizes, source="estimated", flags=(*sizes.flags, CLOSED_MODEL))


def _taken(named: NamedSizes) -> tuple[str, ...]:
    """Flags of the name, less those that a published size settles."""
    return tuple(flag for flag in named.flags if flag != "two_sizes")


def _states_active(entry: PublishedSize, named: NamedSizes) -> bool:
    """Whether the size in the name is the active one of the entry."""
    stated = named.total_b if entry.name_size == "active" else named.active_b if named.total_b is None else None
    return stated is not None and entry.active_b is not None and close_sizes(stated, entry.active_b)


def _from_experts(entry: PublishedSize | None, named: NamedSizes, experts: str) -> _Sizes:
    if entry is not None:
        return _Sizes(total_b=entry.total_b, active_b=entry.active_b, source="published", note=entry.source)
    count, one_b = (float(number) for number in experts.removesuffix("b").split("x"))
    if named.total_b is not None and one_b < named.total_b <= count * one_b:
        return _Sizes(total_b=named.total_b, active_b=named.active_b, source="name", flags=named.flags)
    note = f"{experts}: experts share layers, so the product is not the size, and no published size is in the catalogue"
    return _Sizes(note=note, flags=("experts_times_size",))


def _from_name(entry: PublishedSize | None, named: NamedSizes) -> _Sizes:
    total, active = named.total_b, named.active_b
    if named.expert_count is not None and total is not None:
        why = f"the size before {named.expert_count!r} is active for a token; no published total is in the catalogue"
        return _Sizes(active_b=total, source="name", note=why, flags=("experts_times_size",))
    if total is not None and active is not None and active > total:
        return _Sizes(note=f"the name states {active:g}B active of {total:g}B", flags=("implausible_size",))
    if entry is not None and total is not None and entry.name_size == "total":
        if close_sizes(total, entry.total_b):
            active = active if active is not None else entry.active_b
        elif not (entry.other_sizes or entry.active_in_name):
            why = f"the name states {total:g}B, published are {entry.total_b:g}B ({entry.source})"
            return _Sizes(note=why, flags=("contradicts_catalogue",))
    flags = (*named.flags, *(("effective",) if named.effective else ()))
    note = "effective parameters, as the name states; the loaded total is larger" if named.effective else None
    source: SizeSource = "unknown" if total is None and active is None else "name"
    return _Sizes(total_b=total, active_b=active, source=source, note=note, flags=flags)


def _ollama_default(parts: IdParts, named: NamedSizes) -> _Sizes | None:
    """What a bare ollama name stands for; None where the id is no such name."""
    stem = parts.name.removesuffix("-latest")
    latest = parts.tag == "latest" or (parts.tag is None and stem != parts.name)
    bare = parts.tag is None and parts.host == "ollama"
    if parts.org is not None or named.tokens or not (latest or bare):
        return None
    defaults = catalogue().ollama
    if stem in defaults.sizes_b:
        return _Sizes(
            total_b=defaults.sizes_b[stem], source="published", note=f"{defaults.source} ({stem})", flags=("default_tag",)
        )
    if stem in defaults.moved:
        return _Sizes(note=f"what ollama serves as {stem!r} has changed size", flags=("default_tag",))
    return None


def _published(name: str, named: NamedSizes) -> PublishedSize | None:
    """The catalogue's entry for a canonical name, with its size or without."""
    known = catalogue()
    if named.experts is not None:
        return next((size for (form, word), size in known.by_experts.items() if form == named.experts and word in name), None)
    words = [word for word in name.split("-") if word not in _NOT_PART_OF_A_KEY]
    extra = named.tokens | ({named.expert_count} if named.expert_count else set())
    for key in (name, "-".join(words), "-".join(word for word in words if word not in extra)):
        entry = known.by_name.get(key)
        if entry is not None and (not entry.active_in_name or named.active_b is not None):
            return entry
    return None


def close_sizes(a: float, b: float) -> bool:
    """Whether two sizes are the same up to rounding (``SIZE_TOLERANCE``)."""
    return abs(a - b) <= SIZE_TOLERANCE * max(a, b)
