"""Results of robustness studies made by hand, with chosen numbers, in invented vocabulary."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from safescale.records.outcomes import Tier
from safescale.report.robustness_facts import BrokenPart, RobustnessRun, StageTime
from safescale.studies.asked import AskedModel
from safescale.studies.robustness.design import FinetuneGrid, RobustnessDesign, SteeringAsked
from safescale.studies.robustness.outcomes import BASELINE, UNDEFENDED, Attack, Cell, Defence
from safescale.studies.robustness.results import (
    CellMetrics,
    ConditionAgreement,
    DefenceEffect,
    Drift,
    Effect,
    Entropy,
    Estimate,
    Exchange,
    FormAnswer,
    GeometryOfModel,
    GraderFindings,
    HalfCompute,
    HalfOfModel,
    LineageEffects,
    Retention,
    RobustnessResult,
    RobustnessVerdict,
    Surface,
)

FINGERPRINT = "ss1-0123456789abcdef0123456789abcdef"
SIZES = (3.2e-5, 2.5e-4, 1.1e-3, 4.2e-3)
STEPS = (5, 10, 20, 50, 100)
STEERED = tuple(Defence(name=f"steering-{c:g}", kind="steering", coefficient=c) for c in (0.5, 1.0, 2.0))
RESISTANT = Defence(name="tamper_resistance", kind="tamper_resistance")

Kept = Callable[[AskedModel, int], float]


def models_of(sizes: Sequence[float | None] = SIZES, seeds: int = 3) -> tuple[AskedModel, ...]:
    """A model of each size and seed; one lineage a seed."""
    return tuple(
        AskedModel(model_id=f"zorble-{at}-s{seed}", params_b=size, lineage=f"zorble seed {seed}")
        for seed in range(seeds)
        for at, size in enumerate(sizes)
    )


def falling(model: AskedModel, steps: int) -> float:
    """Refusals fall with steps, a little later in larger models."""
    size = math.log10((model.params_b or 1e-4) / 1e-5)
    seed = int(model.lineage.rsplit(" ", 1)[1]) - 1
    return 0.95 / (1 + (steps / (6 + 6 * size + 2 * seed)) ** 1.6)


def steady(model: AskedModel, steps: int) -> float:
    """Refusals stay."""
    return 0.93


def share(value: float | None, n: int = 200, why: str | None = None) -> Estimate:
    """A share of n responses with an interval."""
    if value is None:
        return Estimate(value=None, why=why or "no prompt was refused before")
    count = round(value * n)
    return Estimate(
        value=count / n, interval=(max(0.0, count / n - 0.06), min(1.0, count / n + 0.06)), n=n, clusters=n // 2, why=why
    )


def number(value: float, half: float = 0.05) -> Estimate:
    """A number with an interval."""
    return Estimate(value=value, interval=(value - half, value + half), n=180, clusters=90)


def cell_of(
    model: AskedModel,
    at: int,
    attack: Attack = BASELINE,
    defence: Defence = UNDEFENDED,
    *,
    kept: float | None = 0.95,
    seed: int | None = None,
    drift: bool = True,
    entropy: bool = True,
    price: float = 0.02,
    **fields: Any,
) -> CellMetrics:
    """A cell in which that share of refusals is kept."""
    steps = attack.steps or 0
    name = "+".join((model.model_id, defence.name, attack.name))
    made = CellMetrics(
        cell=Cell(model=at, defence=0, attack=0, seed=seed, tokens=steps * 480, flops=steps * 3e9, subject=name),
        model=model,
        attack=attack,
        defence=defence,
        retention=Retention(
            rrr=share(kept),
            null=share(0.955),
            lost=share(kept) if kept is None else attrs.evolve(share(0.955 - kept), interval=(0.9 - kept, 1.0 - kept)),
            marginal=share(None if kept is None else 0.97 * kept, 240),
            marginal_before=share(0.93, 240),
            common=share(kept, 100),
            gained=share(0.15, 40),
        ),
        drift=None
        if not drift
        else Drift(
            rd=number(0.11 + 0.02 * math.log10(1 + steps) + 0.001 * at),
            floor=number(0.1),
            beyond=number(0.01),
            all_pairs=number(0.3),
            by_pair={"refused/refused": number(0.11), "refused/answered": number(0.6), "answered/answered": number(0.2)},
            embedder="hashed-ngrams",
        ),
        entropy=None
        if not entropy
        else Entropy(
            ce=number(0.2 + 0.05 * math.log10(1 + steps) + 0.004 * at),
            entropy_of_mean=0.61,
            calibration_error=0.031,
            calibration_null=0.022,
            repeated=share(0.8),
            repeated_entropy=number(0.21),
            grader="vorn-head",
            classes=2,
            samples=2,
        ),
        attack_success=share(0.9 if kept is None else 1 - kept, 238),
        over_refusal=share(price, 100),
        benign_accuracy=share(0.9 - price, 100),
        excluded={"not gradeable": 2} if steps else {},
    )
    return attrs.evolve(made, **fields)


def finetune(examples: int, steps: int) -> Attack:
    """Fine-tuning on so many pairs for so many steps."""
    return Attack(name=f"lora-n{examples}-s{steps}", kind="finetune", examples=examples, steps=steps)


def cells_of(
    models: Sequence[AskedModel],
    kept: Kept = falling,
    *,
    examples: Sequence[int] = (16, 64),
    steps: Sequence[int] = STEPS,
    steering: bool = True,
    resistant: bool = True,
    attack_seeds: int = 1,
    **fields: Any,
) -> tuple[CellMetrics, ...]:
    """The grid of every model, defences among it."""
    found = []
    for at, model in enumerate(models):
        found.append(cell_of(model, at, kept=kept(model, 0), **fields))
        for n in examples:
            for s in steps:
                for seed in range(attack_seeds):
                    share_kept = max(0.0, kept(model, s) - (0.05 if n == 16 else 0.0) - 0.02 * seed)
                    found.append(cell_of(model, at, finetune(n, s), kept=share_kept, seed=seed, **fields))
        middle = steps[len(steps) // 2]
        for defence in STEERED if steering else ():
            more = 0.12 * (defence.coefficient or 0.0)
            found.append(cell_of(model, at, BASELINE, defence, kept=0.97, price=0.02 + 0.5 * more, **fields))
            attacked = finetune(max(examples), middle)
            found.append(cell_of(model, at, attacked, defence, kept=min(1.0, kept(model, middle) + more), seed=0, **fields))
        if resistant:
            found.append(cell_of(model, at, BASELINE, RESISTANT, kept=0.94, price=0.06, **fields))
            for s in steps:
                attacked = finetune(max(examples), s)
                found.append(cell_of(model, at, attacked, RESISTANT, kept=kept(model, s // 2), seed=0, price=0.06, **fields))
    return tuple(found)


def effect(value: float, half: float = 0.4, p: float = 0.0123) -> Effect:
    """An effect with that interval."""
    return Effect(estimate=value, interval=(value - half, value + half), p_value=p)


def surface_of(metric: Any, unit: Any, *, size: float = 0.5, compute: float = -1.6, **fields: Any) -> Surface:
    """Those two effects."""
    scale = {"rrr": "log odds per decade", "rd": "1 - cosine per decade", "ce": "nats per decade"}[metric]
    made = Surface(
        metric=metric,
        unit=unit,
        scale=scale,
        size=effect(size),
        compute=effect(compute),
        interaction=effect(0.1),
        outweighs=effect(abs(compute) - abs(size), 0.6),
        exchange=Exchange(decades=abs(compute / size), interval=(1.9, 7.7)),
        reference_params_b=4.5e-4,
        reference_compute=9600.0,
        n_models=12,
        n_cells=60,
        examples=64,
    )
    return attrs.evolve(made, **fields)


def half_of(models: Sequence[AskedModel], unit: Any = "tokens", **fields: Any) -> HalfCompute:
    """The first never falls, the second is below at the first level, the others lie between two levels."""
    ends: list[tuple[float | None, float | None]] = [(48000.0, None), (None, 2400.0)]
    rows = tuple(
        HalfOfModel(
            model=model,
            seed=0,
            low=ends[at][0] if at < 2 else 4800.0 * (1 + at % 3),
            high=ends[at][1] if at < 2 else 9600.0 * (1 + at % 3),
            crossings=0 if at == 0 else 1 + (at == 5) * 2,
        )
        for at, model in enumerate(models)
    )
    return attrs.evolve(HalfCompute(unit=unit, rows=rows, slope=effect(0.21), censored=1, examples=64), **fields)


def geometry_of(model: AskedModel, *, found: bool = True, **fields: Any) -> GeometryOfModel:
    """Three categories, three ranks."""
    names = ("flimp", "grelt", "vorn")
    pairs = (("flimp", "grelt", 0.41), ("flimp", "vorn", -0.12), ("grelt", "vorn", 0.88))
    nothing = Estimate(value=None, why="no direction was found")
    made = GeometryOfModel(
        model=model,
        layer=3 if found else None,
        position=-1 if found else None,
        found=found,
        reason="ablating it takes refusal from 95 % to 7 %, random directions to 94 %"
        if found
        else "ablating the best direction takes refusal from 95 % to 93 %, random ones to 94 %",
        refusal_before=0.95,
        refusal_ablated=0.07 if found else 0.93,
        refusal_random=0.94,
        categories=names if found else (),
        mean_cosine=number(0.39) if found else nothing,
        effective_rank=number(2.31) if found else nothing,
        cosines=pairs if found else (),
        left_after=((1, 0.3, 0.94), (2, 0.11, 0.93), (3, 0.05, 0.95)) if found else (),
    )
    return attrs.evolve(made, **fields)


def findings_of(
    models: Sequence[AskedModel],
    kept: Kept = falling,
    *,
    verdict: RobustnessVerdict = RobustnessVerdict.COMPUTE,
    grader: str = "toy-world",
    cells: tuple[CellMetrics, ...] | None = None,
    size: float = 0.5,
    compute: float = -1.6,
    **fields: Any,
) -> GraderFindings:
    """Findings with every part."""
    made = GraderFindings(
        grader=grader,
        tier=Tier.STRICT,
        fingerprint=FINGERPRINT,
        cells=cells_of(models, kept) if cells is None else cells,
        surfaces=tuple(
            surface_of(metric, unit, size=size + (0.9 if unit == "flops" else 0.0), compute=compute)
            for metric in ("rrr", "rd", "ce")
            for unit in ("tokens", "flops")
        ),
        lineages=(
            LineageEffects(
                metric="rrr",
                unit="tokens",
                scale="log odds per decade",
                rows=tuple(
                    (name, size, None if at == 2 else compute) for at, name in enumerate(sorted({m.lineage for m in models}))
                ),
                size=effect(size),
                compute=effect(compute),
                outweighs=effect(abs(compute) - abs(size)),
            ),
        ),
        half=(half_of(models), half_of(models, "flops")),
        forms=(
            FormAnswer(
                over="size", at="64 pairs, 20 steps", verdict="cannot_tell", reason="4 sizes", difference=None, p_value=None
            ),
            FormAnswer(
                over="compute", at="zorble-0-s0", verdict="log_linear", reason="foretold better", difference=-0.021, p_value=0.031
            ),
        ),
        defences=tuple(
            DefenceEffect(
                defence=defence,
                attack=finetune(64, 20),
                gain=number(0.1),
                over_refusal_cost=number(0.03, 0.02),
                accuracy_cost=Estimate(value=None, why="nobody can say what is right"),
                by_model=tuple((model.model_id, 0.1) for model in models),
            )
            for defence in (*STEERED, RESISTANT)
        ),
        verdict=verdict,
        reasons=("the frimble of the vorn",),
    )
    return attrs.evolve(made, **fields)


def result_of(*graders: GraderFindings, **fields: Any) -> RobustnessResult:
    """A result with these findings."""
    models = tuple({one.model.model_id: one.model for g in graders[:1] for one in g.cells}.values())
    made = RobustnessResult(
        design=RobustnessDesign(
            finetune=FinetuneGrid(examples=(16, 64), steps=STEPS), steering=SteeringAsked(against=(20,)), samples=2
        ),
        graders=graders,
        geometry=tuple(geometry_of(model, found=at != 1) for at, model in enumerate(models[:4])),
        agreement=(
            ConditionAgreement(
                condition="none", graders=("toy-world", "vorn-head"), n=480, agreement=0.93, kappa=0.61, kappa_interval=(0.5, 0.7)
            ),
            ConditionAgreement(
                condition="finetune",
                graders=("toy-world", "vorn-head"),
                n=480,
                agreement=1.0,
                kappa=None,
                kappa_interval=None,
                why="both give one verdict alone",
            ),
        ),
        verdict=graders[0].verdict if graders else RobustnessVerdict.CANNOT_TELL,
        sentences=("The frimble goes with the vorn.", "It was flimp"),
        caveats=("The zorbles are small.",),
    )
    return attrs.evolve(made, **fields)


def bare(findings: GraderFindings) -> GraderFindings:
    """The same without any part that may be missing."""
    return attrs.evolve(
        *(findings,),
        cells=(),
        surfaces=(),
        lineages=(),
        half=(),
        forms=(),
        defences=(),
        verdict=RobustnessVerdict.CANNOT_TELL,
        reasons=(),
    )


def run_of(**fields: Any) -> RobustnessRun:
    """A run with a plan, a broken part, three stages."""
    made = RobustnessRun(
        command="safescale study robustness --config study.yaml -o runs/x",
        fingerprint=FINGERPRINT,
        plan=("12 models x 31 cells", "about 20 minutes"),
        broken=(BrokenPart(what="zorble-broken", reason="its folder has no weights", stage="training"),),
        stages=(
            StageTime(name="training", wall_s=321.5, cpu_s=600.25, peak_mb=1850.0, note="resumed once"),
            StageTime(name="generation", wall_s=60.0, cpu_s=60.0),
            StageTime(name="analysis", wall_s=None),
        ),
        caveats=("the run was warm",),
        engines=("transformers on cpu",),
    )
    return attrs.evolve(made, **fields)
