"""Who is the provider of a model: its developer, or what report 164 took for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from safescale.analyses.observations import Observation
from safescale.analyses.safety_roi.results import Lineages
from safescale.analyses.units import ModelUnit
from safescale.analyses.words import plural

__all__ = ["ProviderOf", "developer", "host_as_published", "lineages_of"]

ProviderOf: TypeAlias = Callable[[ModelUnit], str | None]


def developer(unit: ModelUnit) -> str | None:
    """Who trained the model; None where unknown."""
    return unit.developer


def host_as_published(unit: ModelUnit) -> str | None:
    """
    The provider as report 164 has it: the first segment of the raw model id, else the host, else the developer.

    So ``ollama`` is a provider, and ``meta-llama`` is another than ``meta``. Of several ids of one model the first counts.
    """
    segments = [model_id.split("/", 1)[0] for model_id in unit.model_ids if "/" in model_id]
    return next(iter((*segments, *unit.hosts)), unit.developer)


def lineages_of(observations: Sequence[Observation]) -> Lineages:
    """Whether developers and families are two groupings or one."""
    families: dict[str, set[str]] = {}
    developers: dict[str, set[str]] = {}
    for observation in observations:
        unit = observation.unit
        if unit.developer is not None:
            families.setdefault(unit.developer, set()).update([] if unit.family is None else [unit.family])
            if unit.family is not None:
                developers.setdefault(unit.family, set()).add(unit.developer)
    # a provider without any known family says nothing of lineages
    one = tuple(sorted(name for name, found in families.items() if len(found) == 1))
    shared = tuple(sorted(name for name, found in developers.items() if len(found) > 1))
    return Lineages(
        providers=len(families),
        providers_of_one_family=one,
        families=len(developers),
        families_of_several_providers=shared,
        words=_words(len(families), len(one), len(developers), len(shared)),
    )


def _words(providers: int, of_one: int, families: int, shared: int) -> str:
    if not families:
        return "no family of models is known, so provider and lineage cannot be told apart"
    if not of_one:
        return f"none of {plural(providers, 'provider')} has one family of models only, so provider is more than lineage here"
    if of_one == providers:
        same = f"each of {plural(providers, 'provider')} has one family of models here"
    else:
        same = f"{of_one} of {plural(providers, 'provider')} {'has' if of_one == 1 else 'have'} one family of models here"
    words = f"provider is confounded with lineage: {same}"
    if shared:
        words += f", and {shared} of {families} families {'comes' if shared == 1 else 'come'} from several providers"
    return words
