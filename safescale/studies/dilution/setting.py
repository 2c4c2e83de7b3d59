"""What a call of the experiment is given, and all that follows from it before anything is opened: sizes, conditions, plans."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from safescale.errors import DomainError
from safescale.generate import Condition, ModelsFile, PromptSet, RunPlan, plan_runs
from safescale.pressure.counters import TokenCounter
from safescale.studies.asked import AskedModel, AskedPrompt, asked_models
from safescale.studies.dilution.conditions import DilutionCondition, counter_of, dilution_conditions
from safescale.studies.dilution.design import MIN_DECADES, MIN_SIZES, DilutionDesign
from safescale.studies.running.graders import NamedGrader, check_tier

__all__ = ["DilutionSetting", "DilutionWanted", "check_sizes", "setting_of"]


@attrs.frozen(kw_only=True)
class DilutionWanted:
    """
    What is asked for.

    Parameters
    ----------
    models : ModelsFile
        The models; at most one condition, whose system prompt and prefill then stand around everything.
    models_file : Path
        Where they are from, for the registration.
    prompts : PromptSet
        The prompts; only the harmful ones enter an attack success rate, only the benign ones over-refusal.
    graders : tuple of NamedGrader
        At least one; the first is primary.
    design : DilutionDesign
        The rest of the design.
    sampling : mapping
        Fields of ``Sampling`` that win over those of the models file.
    seed : int
        Seed of sampling.
    limit : int, optional
        The first prompts alone.
    """

    models: ModelsFile
    models_file: Path
    prompts: PromptSet
    graders: tuple[NamedGrader, ...]
    design: DilutionDesign = attrs.field(factory=DilutionDesign)
    sampling: Mapping[str, Any] = attrs.field(factory=dict)
    seed: int = 0
    limit: int | None = None


@attrs.frozen(kw_only=True)
class DilutionSetting:
    """What follows: models with sizes, conditions, prompts that are asked, one plan a model."""

    wanted: DilutionWanted
    models: tuple[AskedModel, ...]
    counter: TokenCounter
    conditions: tuple[DilutionCondition, ...]
    prompts: tuple[AskedPrompt, ...]
    plans: tuple[RunPlan, ...]

    def prompts_of(self, kind: str) -> int:
        """Prompts of a kind that are asked."""
        return sum(prompt.prompt_kind == kind for prompt in self.prompts)

    @property
    def cells(self) -> int:
        """Models times conditions."""
        return len(self.models) * len(self.conditions)

    @property
    def responses(self) -> int:
        """Responses that are to be had."""
        return sum(plan.total for plan in self.plans)


def setting_of(wanted: DilutionWanted) -> DilutionSetting:
    """
    All that follows from what is asked for. Nothing is opened but a tokenizer, nothing is written.

    Raises
    ------
    DomainError
        For a tier that a grader does not distinguish, too few sizes (unless exploratory), no harmful prompt, conditions of the
        models file that are more than a frame, several samples that would all be one, or anything else that is outside its range.
    """
    if not wanted.graders:
        raise DomainError("name a grader: --grader NAME, --judge FILE or --encoder FOLDER")
    for grader in wanted.graders:
        if grader.facts is not None:
            check_tier(grader.facts, wanted.design.tier)
    models = asked_models(wanted.models.models)
    check_sizes(models, exploratory=wanted.design.exploratory)
    counter = counter_of(wanted.models.models)
    asked = wanted.prompts.prompts[: wanted.limit]
    conditions = dilution_conditions(
        wanted.design, [prompt.prompt_id for prompt in wanted.prompts.prompts], counter, frame=_frame(wanted.models)
    )
    plans = plan_runs(
        attrs.evolve(wanted.models, conditions=tuple(one.condition for one in conditions)),
        wanted.prompts,
        sampling=wanted.sampling,
        seed=wanted.seed,
        samples=wanted.design.samples,
        limit=wanted.limit,
    )
    _check_samples(plans)
    prompts = tuple(AskedPrompt(prompt_id=prompt.prompt_id, prompt_kind=prompt.prompt_kind) for prompt in asked)
    if not any(prompt.prompt_kind == "harmful" for prompt in prompts):
        raise DomainError(
            f"none of the {len(prompts):,} prompts of {wanted.prompts.file} is harmful, so there is no attack success to speak of; "
            "give them prompt_kind harmful (see: safescale prompts prepare)"
        )
    return DilutionSetting(wanted=wanted, models=models, counter=counter, conditions=conditions, prompts=prompts, plans=plans)


def check_sizes(models: tuple[AskedModel, ...], *, exploratory: bool) -> None:
    """
    Refuse what cannot speak of size.

    Raises
    ------
    DomainError
        With fewer than 4 distinct sizes or less than one decade, unless exploratory.
    """
    sizes = sorted({model.params_b for model in models if model.params_b is not None})
    decades = math.log10(sizes[-1] / sizes[0]) if len(sizes) > 1 else 0.0
    missing = []
    if len(sizes) < MIN_SIZES:
        unknown = [model.model_id for model in models if model.params_b is None]
        without = f" ({', '.join(unknown[:3])}: size unknown, declare params_total_b)" if unknown else ""
        missing.append(f"{MIN_SIZES} distinct sizes, there {'is' if len(sizes) == 1 else 'are'} {len(sizes)}{without}")
    if decades < MIN_DECADES - 1e-9:
        missing.append(f"{MIN_DECADES:g} decade between the smallest and the largest size, there are {decades:.2f}")
    if missing and not exploratory:
        raise DomainError(
            f"a statement about size takes {' and '.join(missing)}; add models, or say --exploratory: then it is asked and shown, "
            'and the verdict is "cannot tell"'
        )


def _frame(models: ModelsFile) -> Condition | None:
    """System prompt and prefill of the models file, which stand around every condition of the experiment."""
    if len(models.conditions) > 1:
        names = ", ".join(condition.name for condition in models.conditions)
        raise DomainError(
            f"the models file has {len(models.conditions)} conditions ({names}), and the experiment makes its own; leave one (its "
            "system prompt and prefill stand around all of them), and put paraphrases into a file for --templates"
        )
    frame = models.conditions[0]
    if frame.template is not None or frame.attack_class is not None:
        raise DomainError(
            f"the condition {frame.name!r} of the models file has a template or an attack class, and the experiment makes its "
            "own conditions; leave its system prompt and prefill alone, and put paraphrases into a file for --templates"
        )
    return frame


def _check_samples(plans: tuple[RunPlan, ...]) -> None:
    for plan in plans:
        if plan.samples > 1 and plan.sampling.temperature == 0:
            raise DomainError(
                f"{plan.samples} samples at temperature 0 are one answer {plan.samples} times ({plan.model.model_id}); give "
                "--temperature, or leave --samples out"
            )
