"""Models with sizes, their true rates, and the verdicts drawn from them."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from safescale.records.verdicts import canonical_verdict
from safescale.simulate.plan import CorpusPlan, SimulatedModel
from safescale.simulate.vocabulary import names

__all__ = ["LABELS", "SIZES_B", "Draws", "class_slopes", "draw", "roster", "verdict_counts"]

SIZES_B: Final = (0.8, 1.7, 4.0, 8.0, 27.0, 70.0)
_REFERENCE_B: Final = 8.0
_PROVIDERS: Final = 12
_TAMPERED_RATE: Final = 0.93
_LOW, _HIGH = 0.01, 0.97

LABELS: Final = (
    "COMPLIANCE",
    "PARTIAL",
    "REFUSAL",
    "HALLUCINATION_REFUSAL",
    "NOT_GRADEABLE",
    "ERROR",
    "BENIGN_QUERY",
    "PARSE_ERROR",
    "INFRA_ERROR",
)
"""Labels as the graders write them. The counts below are those of the corpus on 2026-03-24 (reports 193, 216, 226)."""
_COUNTS: Final = np.array([20285, 16093, 6366, 517, 7020, 1830, 1681, 33, 6], dtype=np.float64)
_EVALUABLE: Final = 4

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@attrs.frozen(kw_only=True)
class Draws:
    """
    Verdicts of all traces.

    ``model, prompt, sample, label`` have the shape (rows,); ``label`` indexes ``LABELS``. ``rates`` has the shape
    (models, attack_classes). Unit: fraction.
    """

    model: Ints
    prompt: Ints
    sample: Ints
    label: Ints
    rates: Floats


def roster(plan: CorpusPlan, rng: np.random.Generator) -> tuple[SimulatedModel, ...]:
    """Models in lineages of six sizes; ids state host, family with generation, and size as real ids do."""
    lineages = -(-plan.models // len(SIZES_B))
    families = names(lineages, rng)
    providers = [f"sim{name}" for name in names(_PROVIDERS, rng)]
    found: list[SimulatedModel] = []
    for number, family in enumerate(families):
        tampered = bool(plan.tampered_every) and number % plan.tampered_every == plan.tampered_every - 1
        sized = not (plan.unsized_every and number % plan.unsized_every == plan.unsized_every - 1)
        provider = providers[number % len(providers)]
        for step, size in enumerate(SIZES_B):
            tail = f"{size:g}b" if sized else f"v{step + 1}"
            name = f"{provider}/{family}-{tail}{'-abliterated' if tampered else ''}"
            found.append(
                SimulatedModel(model_id=name, provider=provider, lineage=family, size_b=size, sized=sized, tampered=tampered)
            )
    found = found[: plan.models]
    stays = plan.models - plan.refusing
    found = [*found[:stays], *(attrs.evolve(model, refuses=True) for model in found[stays:])]
    if plan.scenario == "duplicated_lineage":
        found = _copy_first_lineage(found)
    return tuple(found)


def _copy_first_lineage(models: list[SimulatedModel]) -> list[SimulatedModel]:
    """The second lineage repeats the verdicts of the first."""
    block = len(SIZES_B)
    return [
        attrs.evolve(model, copy_of=models[index - block].model_id) if block <= index < 2 * block else model
        for index, model in enumerate(models)
    ]


def class_slopes(plan: CorpusPlan) -> list[float]:
    """Planted slope by attack class. Unit: percentage points per decade."""
    general = plan.slope_pp_per_decade if plan.scenario == "slope" else 0.0
    return [plan.slopes_by_class.get(index, general) for index in range(plan.attack_classes)]


def draw(plan: CorpusPlan, models: tuple[SimulatedModel, ...], rng: np.random.Generator) -> Draws:
    """
    Draw one verdict for each trace: every model gets the prompts in the same order.

    A trace is a strict success when its latent value, shared in part by all traces of a prompt, lies below the quantile of the
    model's rate: so the rate over the population of prompts is the planted one exactly.
    """
    rates = _rates(plan, models, rng)
    row = np.arange(plan.rows, dtype=np.int64)
    model, place = row % plan.models, row // plan.models
    prompt, sample = place % plan.prompts, place // plan.prompts
    depth = int(place[-1]) + 1
    latent = rng.standard_normal((depth, plan.models))
    uniform = rng.random((depth, plan.models))
    other = rng.random((depth, plan.models))
    for index, source in _copies(models):
        latent[:, index], uniform[:, index], other[:, index] = latent[:, source], uniform[:, source], other[:, source]
    shared = rng.standard_normal(plan.prompts)
    icc = plan.prompt_icc
    value = np.sqrt(icc) * shared[prompt] + np.sqrt(1.0 - icc) * latent[place, model]
    success = value < ndtri(rates[model, prompt % plan.attack_classes])
    share_out = _COUNTS[_EVALUABLE:].sum() / _COUNTS.sum()
    out = uniform[place, model] < share_out
    failed = 1 + _categories(_COUNTS[1:_EVALUABLE], other[place, model])
    excluded = _EVALUABLE + _categories(_COUNTS[_EVALUABLE:], other[place, model])
    label = np.where(out, excluded, np.where(success, 0, failed))
    label[np.isin(model, [index for index, each in enumerate(models) if each.refuses])] = LABELS.index("REFUSAL")
    return Draws(model=model, prompt=prompt, sample=sample, label=label, rates=rates)


def _categories(weights: Floats, uniform: Floats) -> Ints:
    edges = np.cumsum(weights) / weights.sum()
    return np.minimum(np.searchsorted(edges, uniform, side="right"), len(weights) - 1).astype(np.int64)


def _copies(models: tuple[SimulatedModel, ...]) -> list[tuple[int, int]]:
    place = {model.model_id: index for index, model in enumerate(models)}
    return [(place[m.model_id], place[m.copy_of]) for m in models if m.copy_of is not None]


def _rates(plan: CorpusPlan, models: tuple[SimulatedModel, ...], rng: np.random.Generator) -> Floats:
    """True strict rates, shape (models, attack_classes)."""
    decades = np.log10([m.size_b for m in models]) - np.log10(_REFERENCE_B)
    providers = sorted({m.provider for m in models})
    rates = np.full((len(models), plan.attack_classes), plan.base_rate)
    rates += decades[:, None] * np.asarray(class_slopes(plan))[None, :] / 100.0
    if plan.scenario == "u_shape":
        rates += (plan.slope_pp_per_decade / 100.0 * decades**2)[:, None]
    effects = rng.normal(0.0, plan.provider_sd_pp / 100.0, len(providers))
    if plan.scenario == "provider":
        rates += effects[[providers.index(m.provider) for m in models]][:, None]
    rates += rng.normal(0.0, plan.tau_pp / 100.0, len(models))[:, None]
    rates[[m.tampered for m in models]] = _TAMPERED_RATE
    for index, source in _copies(models):
        rates[index] = rates[source]
    clipped: Floats = np.clip(rates, _LOW, _HIGH)
    return clipped


def verdict_counts(
    models: tuple[SimulatedModel, ...], model: Ints, label: Ints, kept: npt.NDArray[np.bool_]
) -> dict[str, dict[str, int]]:
    """Verdicts by model over the kept rows, as they must be read."""
    table = np.zeros((len(models), len(LABELS)), dtype=np.int64)
    np.add.at(table, (model[kept], label[kept]), 1)
    found: dict[str, dict[str, int]] = {}
    for index, counts in enumerate(table.tolist()):
        by_verdict: dict[str, int] = {}
        for name, count in zip(LABELS, counts, strict=True):
            if count:
                verdict = str(canonical_verdict(name))
                by_verdict[verdict] = by_verdict.get(verdict, 0) + count
        if by_verdict:
            found[models[index].model_id] = by_verdict
    return found
