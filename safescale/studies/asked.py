"""Who is asked what in an experiment: models with their sizes and lineages, prompts with their kinds."""

from __future__ import annotations

import attrs

from safescale.generate import DeclaredModel
from safescale.registry import parse_model_id, resolve_size

__all__ = ["AskedModel", "AskedPrompt", "asked_models"]


@attrs.frozen(kw_only=True)
class AskedModel:
    """
    One model of the experiment.

    Parameters
    ----------
    model_id : str
        Its id.
    params_b : float, optional
        Size (1e9 parameters); None: it stands in no slope.
    size_estimated : bool
        Whether the size is a guess: slopes are repeated without it.
    lineage : str
        Block within which sizes are compared: models alike but for their size, one seed of a trained lineage.
    """

    model_id: str
    params_b: float | None
    size_estimated: bool = False
    lineage: str = "unknown"


@attrs.frozen(kw_only=True)
class AskedPrompt:
    """One prompt: only the harmful ones are in an ASR, only the benign ones in over-refusal."""

    prompt_id: str
    prompt_kind: str


def asked_models(declared: tuple[DeclaredModel, ...]) -> tuple[AskedModel, ...]:
    """The models with their sizes (declared, else of the registry) and lineages (likewise)."""
    found = []
    for model in declared:
        info = resolve_size(
            parse_model_id(model.model_id),
            declared_params_b=model.params_total_b,
            declared_active_b=model.params_active_b,
            declared_estimated=model.size_estimated,
        )
        found.append(
            AskedModel(
                model_id=model.model_id,
                params_b=info.params_total_b,
                size_estimated=info.size_source == "estimated",
                lineage=model.lineage or info.lineage or info.family or "unknown",
            )
        )
    return tuple(found)
