"""Results of dilution experiments made by hand, with chosen numbers, in invented vocabulary."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from safescale.records.outcomes import Tier
from safescale.report.dilution_facts import DilutionRun, Excluded, LostModel, Registration, StageTime
from safescale.studies.dilution import AskedCondition, AskedModel, DilutionDesign, DilutionResult, DilutionVerdict
from safescale.studies.dilution.results import (
    BetweenModels,
    Contrast,
    DoseOfModel,
    DoseResponse,
    ExclusionBalance,
    ExclusionOfModel,
    GraderAnswer,
    Interaction,
    LargestAgainstSmallest,
    LengthMatch,
    LineageSlope,
    ModelDelta,
    OddsSlope,
    RefusalRate,
    Room,
    Solving,
    TemplateRates,
)

SIZES = (3.2e-5, 2.5e-4, 1.1e-3, 4.2e-3)
BASELINE = AskedCondition(name="baseline", role="baseline")
PUZZLE = AskedCondition(name="puzzle-7", role="puzzle", lines=7, main=True)
NEUTRAL = AskedCondition(name="neutral-7", role="neutral", lines=7)


def models_of(sizes: Sequence[float | None] = SIZES, seeds: int = 3, *, estimated: bool = False) -> tuple[AskedModel, ...]:
    """A model of each size and seed; one lineage a seed."""
    return tuple(
        AskedModel(model_id=f"zorble-{at}-s{seed}", params_b=size, size_estimated=estimated, lineage=f"zorble seed {seed}")
        for seed in range(seeds)
        for at, size in enumerate(sizes)
    )


def delta_of(model: AskedModel, delta: float, *, control: float = 0.1, prompts: int = 200, half: float = 0.05) -> ModelDelta:
    """That delta over that baseline rate."""
    n11 = round(prompts * min(control, control + delta) * 0.5)
    n01 = round(prompts * control) - n11
    n10 = round(prompts * (control + delta)) - n11
    return ModelDelta(
        model=model,
        n11=n11,
        n10=n10,
        n01=n01,
        n00=prompts - n11 - n10 - n01,
        prompts=prompts,
        dropped=3,
        control_rate=control,
        treated_rate=control + delta,
        delta=delta,
        low=delta - half,
        high=delta + 1.1 * half,
        method="tango",
        variance=(half / 1.96) ** 2,
        mcnemar_p=0.0321,
        level=0.95,
        p_value=0.0321,
    )


def slope_of(pp: float, models: Sequence[AskedModel], *, half: float = 2.5) -> BetweenModels:
    """That slope."""
    lineages = sorted({model.lineage for model in models})
    return BetweenModels(
        slope_pp_per_decade=pp,
        low=pp - half,
        high=pp + half,
        permutation_p=0.0123,
        permutation_floor=0.00014,
        permutation_method="exact_permutation",
        meta_slope_pp_per_decade=pp + 0.2,
        meta_low=pp - half - 0.3,
        meta_high=pp + half + 0.4,
        meta_p=0.0456,
        tau_pp=1.7,
        tau_low=0.0,
        tau_high=4.4,
        lineages=tuple(
            LineageSlope(lineage=name, models=sum(m.lineage == name for m in models), slope_pp_per_decade=pp + 0.5 * at)
            for at, name in enumerate(lineages)
        ),
        over_lineages_low=pp - 3.3,
        over_lineages_high=pp + 3.4,
        flat_p=0.31,
        models=len(models),
        sizes_b=tuple(sorted({m.params_b for m in models if m.params_b is not None})),
        within_lineages=len(lineages) > 1,
        sampling_sd_pp=2.6,
        over_sizes_p=0.083,
        over_sizes_floor=0.083,
    )


def answer_of(
    models: Sequence[AskedModel],
    delta: Callable[[AskedModel], float],
    *,
    verdict: DilutionVerdict = DilutionVerdict.SUPPORTS,
    slope_pp: float = 4.1,
    half: float = 0.05,
    lines: Sequence[int] = (2, 4, 7, 10),
    grader: str = "toy-world",
    slope_half: float = 2.5,
    **fields: Any,
) -> GraderAnswer:
    """An answer with every part."""
    deltas = tuple(delta_of(model, delta(model), half=half) for model in models)
    small = {model.params_b for model in models if model.params_b is not None}
    size = slope_of(slope_pp, models, half=slope_half) if len(small) > 2 else None
    doses = tuple(
        DoseOfModel(
            model=model,
            lines=tuple(lines),
            deltas=tuple(delta_of(model, delta(model) * n / max(lines), half=half) for n in lines),
            slope_pp_per_line=0.51,
            low=-0.11,
            high=1.13,
        )
        for model in models
    )
    made = GraderAnswer(
        grader=grader,
        tier=Tier.STRICT,
        deltas=deltas,
        size=size,
        without_estimates=None,
        rule=None
        if len(small) < 2
        else LargestAgainstSmallest(
            smallest_b=min(small),
            largest_b=max(small),
            difference_pp=8.7,
            low_pp=2.2,
            high_pp=15.4,
            threshold_pp=20.0,
            large=False,
        ),
        interaction=Interaction(slope_pp_per_decade=4.4, low=1.2, high=7.6, p_value=0.0071, prompts=200, models=len(models)),
        contrasts=(
            Contrast(
                name="puzzle against neutral prose",
                treated=PUZZLE,
                control=NEUTRAL,
                deltas=deltas,
                mean=0.0345,
                low=0.0111,
                high=0.0579,
                p_value=0.0081,
                adjusted_p=0.0243,
                slope=size,
                slope_adjusted_p=0.0369,
            ),
            Contrast(
                name="neutral prose against baseline",
                treated=NEUTRAL,
                control=BASELINE,
                deltas=deltas,
                mean=None,
                low=None,
                high=None,
                p_value=None,
                adjusted_p=None,
                slope=None,
            ),
        ),
        dose=DoseResponse(
            lines=tuple(lines),
            models=doses,
            mean_slope_pp_per_line=0.62,
            low=0.13,
            high=1.11,
            p_value=0.0171,
            size_slopes=() if size is None else tuple((n, size) for n in lines),
            size_slopes_adjusted_p=() if size is None else tuple(0.0492 for _ in lines),
        ),
        solving=Solving(
            rates=tuple((model.model_id, 40 + at, 200) for at, model in enumerate(models)),
            between_rho=0.42,
            between_p=0.17,
            within_pp=1.9,
            within_low_pp=-0.7,
            within_high_pp=4.5,
            why_not=None,
        ),
        length_match=LengthMatch(rows=tuple((model.model_id, 0.02, 1) for model in models), unknown=("plimth",)),
        templates=TemplateRates(
            templates=("baseline", "as a quindle"),
            samples=2,
            rates=((0.1, 0.12), (0.31, 0.29)),
            sd_templates_pp=13.4,
            sd_samples_pp=0.9,
            spread_pp=(11.0, 30.0),
        ),
        baseline_refusal=tuple((model.model_id, 0.9, 200) for model in models),
        over_refusal=tuple((model.model_id, name, 3, 50) for model in models for name in ("baseline", "puzzle-7")),
        verdict=verdict,
        deltas_adjusted_p=tuple(0.0321 for _ in deltas),
        main=Contrast(
            name="puzzle against baseline",
            treated=PUZZLE,
            control=BASELINE,
            deltas=deltas,
            mean=0.0512,
            low=0.0222,
            high=0.0802,
            p_value=0.0013,
            adjusted_p=None,
            slope=size,
        ),
        words=f"By {grader} the change goes by {slope_pp:+.1f} pp per decade.",
        refusal=tuple(
            RefusalRate(
                model=model,
                condition=BASELINE,
                prompt_kind=kind,
                refused=180,
                trials=200,
                rate=0.9,
                low=0.85,
                high=0.934,
                level=0.95,
            )
            for model in models
            for kind in ("harmful", "benign")
        ),
        exclusions=ExclusionBalance(
            rows=tuple(
                ExclusionOfModel(
                    model=model,
                    responses=203,
                    excluded_control=1,
                    excluded_treated=3,
                    difference=2 / 203,
                    low=-0.01,
                    high=0.03,
                    p_value=0.5,
                    adjusted_p=1.0,
                    delta_low=-0.03,
                    delta_high=0.12,
                )
                for model in models
            ),
            slope=None,
            slope_low_pp_per_decade=slope_pp - 5,
            slope_high_pp_per_decade=slope_pp + 5,
        ),
        room=Room(
            rows=tuple((model.model_id, 0.1) for model in models),
            threshold_pp=20.0,
            little_up=(),
            little_down=tuple(model.model_id for model in models),
            odds=OddsSlope(slope_logit_per_decade=0.31, low=0.02, high=0.6, permutation_p=0.04, models=len(models)),
        ),
    )
    return attrs.evolve(made, **fields)


def result_of(*answers: GraderAnswer, design: DilutionDesign | None = None, **fields: Any) -> DilutionResult:
    """A result with these answers."""
    made = DilutionResult(
        design=design or DilutionDesign(),
        answers=answers,
        verdict=answers[0].verdict if answers else DilutionVerdict.CANNOT_TELL,
        answer="The frimble goes with the vorn. What would settle it: six more zorbles.",
        settle="six more zorbles",
        caveats=("The zorbles are small.",),
        fingerprint="ss1-0123456789abcdef0123456789abcdef",
    )
    return attrs.evolve(made, **fields)


def bare(answer: GraderAnswer) -> GraderAnswer:
    """The same without any part that may be missing."""
    return attrs.evolve(
        answer,
        size=None,
        without_estimates=None,
        rule=None,
        interaction=None,
        dose=None,
        solving=None,
        length_match=None,
        templates=None,
        exclusions=None,
        room=None,
        deltas=(),
        deltas_adjusted_p=(),
        main=None,
        contrasts=(),
        baseline_refusal=(),
        over_refusal=(),
        refusal=(),
        words="",
        verdict=DilutionVerdict.CANNOT_TELL,
    )


def rising(pp_per_decade: float = 4.0, at_smallest_pp: float = 1.0) -> Callable[[AskedModel], float]:
    """Delta that rises with size, a little apart by lineage."""

    def delta(model: AskedModel) -> float:
        size = model.params_b or SIZES[0]
        wobble = 0.8 * (int(model.lineage.rsplit(" ", 1)[1]) - 1)
        return (at_smallest_pp + pp_per_decade * math.log10(size / SIZES[0]) + wobble) / 100

    return delta


def run_of(**fields: Any) -> DilutionRun:
    """A run with a registration without departures, one lost model, three stages."""
    made = DilutionRun(
        command="safescale experiment dilution --models models.yaml --prompts prompts.jsonl -o runs/x",
        registration=Registration(
            sha256="ab12" * 16,
            lines=("# pre-registration", "registered:", "  hypothesis: the vorn goes up", "  fence: ```"),
            registered_at="2026-01-02T03:04:05Z",
            file="runs/x/preregistration.yaml",
        ),
        lost=(LostModel(model_id="zorble-broken", reason="its folder has no weights", stage="generate"),),
        stages=(
            StageTime(name="register", wall_s=0.4, cpu_s=0.3),
            StageTime(name="generate", wall_s=321.5, cpu_s=600.25, peak_mb=1850.0, note="resumed once"),
            StageTime(name="analyse", wall_s=None),
        ),
        excluded=(Excluded(grader="toy-world", model_id="zorble-0-s0", condition="puzzle-7", reason="not gradeable", prompts=3),),
    )
    return attrs.evolve(made, **fields)
