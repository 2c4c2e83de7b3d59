"""What is simulated, and what is then known to be true of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, get_args

import attrs

from safescale.errors import DomainError

__all__ = ["CorpusPlan", "EffectScenario", "FileTruth", "Part", "SimulatedModel", "Truth"]

EffectScenario = Literal["none", "slope", "provider", "u_shape", "duplicated_lineage"]
"""What moves the strict rate of a model besides its own random effect."""
Part = Literal["flat", "nested", "database"]

_PARTS: Final[tuple[Part, ...]] = get_args(Part)


@attrs.frozen(kw_only=True)
class CorpusPlan:
    """
    A corpus to simulate; equal plans give equal bytes.

    Parameters
    ----------
    rows : int
        Lines of the flat file, of the nested trace file, and rows of ``results``. Unit: traces, bad ones included.
    models : int
        Models, in lineages of six sizes. The defaults are those of the real corpus.
    prompts, attack_classes : int
        Prompts, and attack classes over which they are spread.
    seed : int
        Seed of everything.
    share_bad_lines : float
        Share of rows that are planted defects (fraction).
    scenario : EffectScenario
        Which effect there is.
    base_rate : float
        Strict rate of an 8B model without effects (fraction).
    slope_pp_per_decade : float
        Effect of size in the scenario ``slope``; depth of the U in ``u_shape``. Unit: percentage points per decade.
    slopes_by_class : mapping of int to float
        Slope of single attack classes (by index), in place of ``slope_pp_per_decade``.
    provider_sd_pp : float
        Standard deviation of the provider effects in ``provider``. Unit: percentage points.
    tau_pp : float
        Standard deviation of the random effect of a model. Unit: percentage points.
    prompt_icc : float
        Latent intraclass correlation of prompts: the share of latent variance that a prompt gives to all models (fraction).
    share_graded : float
        Share of traces with an LLM verdict in the nested and database parts (fraction).
    tampered_every, unsized_every : int
        Every n-th lineage is abliterated (complies nearly always), or has no sizes in its names; 0 for none.
    refusing : int
        So many models, the last of the roster, refuse every prompt.
    parts : tuple of Part
        Which shapes are written.
    """

    rows: int = 140_000
    models: int = 258
    prompts: int = 600
    attack_classes: int = 8
    seed: int = 20260324
    share_bad_lines: float = 0.0
    scenario: EffectScenario = "slope"
    base_rate: float = 0.30
    slope_pp_per_decade: float = 10.0
    slopes_by_class: Mapping[int, float] = attrs.field(factory=dict)
    provider_sd_pp: float = 8.0
    tau_pp: float = 5.0
    prompt_icc: float = 0.2
    share_graded: float = 0.39
    tampered_every: int = 12
    unsized_every: int = 17
    refusing: int = 0
    parts: tuple[Part, ...] = _PARTS

    def __attrs_post_init__(self) -> None:
        """Refuse a plan that cannot be written."""
        if self.models < 1 or self.rows < self.models or self.prompts < 1:
            raise DomainError(f"a corpus needs rows >= models >= 1 and a prompt: {self.rows} rows, {self.models} models")
        if not 1 <= self.attack_classes <= self.prompts:
            raise DomainError(f"attack_classes must be between 1 and prompts ({self.prompts}): got {self.attack_classes}")
        if not 0 <= self.refusing <= self.models:
            raise DomainError(f"refusing must be between 0 and models ({self.models}): got {self.refusing}")
        for name in ("share_bad_lines", "base_rate", "prompt_icc", "share_graded"):
            value = getattr(self, name)
            if not 0.0 <= value < 1.0:
                raise DomainError(f"{name} is a fraction in [0, 1): got {value}")


@attrs.frozen(kw_only=True)
class SimulatedModel:
    """
    One model of the roster.

    ``size_b`` is the true size (1e9 parameters); ``sized`` says whether its name states it, ``refuses`` whether it refuses every
    prompt. ``copy_of`` names the model whose verdicts it repeats, row by row.
    """

    model_id: str
    provider: str
    lineage: str
    size_b: float
    sized: bool = True
    tampered: bool = False
    refuses: bool = False
    copy_of: str | None = None


@attrs.frozen(kw_only=True)
class FileTruth:
    """
    What is known of one written file.

    Parameters
    ----------
    path : Path
        The file.
    rows : int
        Lines or rows of ``results``.
    bad_rows : mapping of int to str
        1-based row to the reject code that it must get.
    bad_kinds : mapping of str to int
        Planted defects by kind.
    verdict_counts, heuristic_counts : mapping of model_id to verdict to int
        LLM and keyword verdicts of the good rows, as they must be read.
    no_response, telemetry : int
        Good rows without a response, and with imported telemetry in its place.
    """

    path: Path
    rows: int
    bad_rows: Mapping[int, str]
    bad_kinds: Mapping[str, int]
    verdict_counts: Mapping[str, Mapping[str, int]]
    heuristic_counts: Mapping[str, Mapping[str, int]] = attrs.field(factory=dict)
    no_response: int = 0
    telemetry: int = 0

    @property
    def good_rows(self) -> int:
        """Rows that carry a record."""
        return self.rows - len(self.bad_rows)


@attrs.frozen(kw_only=True)
class Truth:
    """
    What is true of a simulated corpus.

    Parameters
    ----------
    plan : CorpusPlan
        Where it came from.
    models : tuple of SimulatedModel
        The roster.
    attack_classes : tuple of str
        Names of the classes by index.
    rates : mapping of model_id to tuple of float
        Strict rate by attack class, random effects of the model included; shape (attack_classes,). Unit: fraction.
    slopes_pp_per_decade : mapping of str to float
        Planted slope by attack class: 0 in every scenario but ``slope``.
    files : mapping of str to FileTruth
        ``flat``, ``traces``, ``graded``, ``database``.
    """

    plan: CorpusPlan
    models: tuple[SimulatedModel, ...]
    attack_classes: tuple[str, ...]
    rates: Mapping[str, tuple[float, ...]]
    slopes_pp_per_decade: Mapping[str, float]
    files: Mapping[str, FileTruth]
