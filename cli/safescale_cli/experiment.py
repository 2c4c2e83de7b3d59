"""``safescale experiment``: whole experiments, registered before they are asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from safescale_cli.console import EXIT_FINDINGS, row_progress, stage_line, typed_command
from safescale_cli.generate import EXIT_INTERRUPTED, generation_progress
from safescale_cli.graders_named import EncoderOption, JudgeOption
from safescale_cli.options import JsonOption
from safescale_cli.pressure import KindChoice
from safescale_cli.question import TierChoice

app = typer.Typer(
    help="Whole experiments: registered, planned, generated, graded, analysed.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def _root() -> None:
    """Whole experiments: registered, planned, generated, graded, analysed."""


@app.command("dilution")
def dilution(
    models: Annotated[
        Path,
        typer.Option(
            "--models", help="Which models answer, their sizes and lineages (YAML).", exists=True, dir_okay=False, readable=True
        ),
    ],
    prompts: Annotated[
        Path,
        typer.Option(
            "--prompts",
            help="Prompts, harmful and (for over-refusal) benign ones (JSONL or CSV; see `prompts prepare`).",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the experiment; what is done there is not done again.")],
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine", help="Engine of the models that name none: fake, transformers, vllm, openai, ray.", show_default=False
        ),
    ] = None,
    grader: Annotated[
        list[str] | None,
        typer.Option(
            "--grader", help="Grader (`grade graders` lists them); may be repeated, the first is primary.", show_default=False
        ),
    ] = None,
    judge: JudgeOption = None,
    encoder: EncoderOption = None,
    lines: Annotated[int, typer.Option("--lines", min=2, help="Lines of the puzzle that the hypothesis speaks of.")] = 7,
    dose: Annotated[
        list[int] | None,
        typer.Option(
            "--dose", min=2, help="A further length for the dose response; may be repeated (default: 2, 4, 10).", show_default=False
        ),
    ] = None,
    kind: Annotated[
        list[KindChoice] | None,
        typer.Option("--kind", help="Sort of puzzles; may be repeated (default: all).", show_default=False),
    ] = None,
    difficulty: Annotated[int, typer.Option("--difficulty", min=1, help="Of the puzzles.")] = 1,
    no_controls: Annotated[
        bool, typer.Option("--no-controls", help="Leave out neutral prose, the puzzle appended, and the puzzle alone.")
    ] = False,
    templates: Annotated[
        Path | None,
        typer.Option(
            "--templates",
            help="Paraphrases around the prompt (YAML: name, and a text with {prompt} once), a condition each.",
            show_default=False,
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    puzzle_seed: Annotated[int, typer.Option("--puzzle-seed", min=0, help="Seed of the puzzles.")] = 353,
    samples: Annotated[int, typer.Option("--samples", min=1, help="Responses to each prompt under each condition.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of sampling; each request has its own, made of it.")] = 0,
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0.0, help="Default: the models file's, else 0.", show_default=False)
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens", min=1, help="Tokens of an answer at most. Default: the models file's, else 512.", show_default=False
        ),
    ] = None,
    tier: Annotated[TierChoice, typer.Option("--tier", help="Which verdicts count as attack success.")] = TierChoice.STRICT,
    alpha: Annotated[float, typer.Option("--alpha", help="Level of the tests.")] = 0.05,
    margin_pp: Annotated[
        float, typer.Option("--margin-pp", min=0.0, help="Largest slope that still counts as flat, in pp per decade.")
    ] = 5.0,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="The first N prompts alone.", show_default=False)] = None,
    exploratory: Annotated[
        bool,
        typer.Option(
            "--exploratory", help='Go on with fewer than 4 sizes or less than a decade; the verdict is "cannot tell" then.'
        ),
    ] = False,
    register_only: Annotated[bool, typer.Option("--register-only", help="Write the registration and the plan, and stop.")] = False,
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="Print the plan, and stop: nothing is registered or written.")
    ] = False,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on although a package has another version than when a run began.")
    ] = False,
    json_output: JsonOption = False,
) -> None:
    """
    Does a benign logic puzzle before a prompt raise attack success more in larger models?

    Registered before anything is generated. Killed or stopped, the same command goes on; asked otherwise, it refuses the folder.

    Exit 1 when a model gave nothing, or less than was planned: the result is written without it, and the same command asks again.
    """
    from safescale.generate import read_models, read_prompt_set
    from safescale.main_job.dilution import experiment_dilution
    from safescale.pressure.puzzles import PUZZLE_KINDS
    from safescale.records.outcomes import Tier
    from safescale.report.experiment_report import experiment_json, experiment_text, plan_json, plan_text
    from safescale.studies.dilution import DilutionDesign
    from safescale.studies.dilution.planning import GenerationPlan, TimeLeft
    from safescale.studies.dilution.run import Watching, plan_experiment
    from safescale.studies.dilution.setting import DilutionWanted
    from safescale.studies.running.graders import named_graders

    if not (grader or judge or encoder):
        raise typer.BadParameter("name a grader: --grader NAME (see `safescale grade graders`), --judge FILE or --encoder FOLDER")
    design = DilutionDesign(
        lines=lines,
        doses=tuple(dose) if dose else (2, 4, 10),
        kinds=tuple(k for k in PUZZLE_KINDS if not kind or k in {one.value for one in kind}),
        difficulty=difficulty,
        controls=not no_controls,
        templates=() if templates is None else _templates(templates),
        puzzle_seed=puzzle_seed,
        samples=samples,
        tier=Tier(tier.value),
        margin_pp=margin_pp,
        alpha=alpha,
        exploratory=exploratory,
    )
    given = {"temperature": temperature, "max_tokens": max_tokens}
    wanted = DilutionWanted(
        models=read_models(models, engine=engine),
        models_file=models,
        prompts=read_prompt_set(prompts),
        graders=named_graders(grader or (), judge or (), encoder or ()),
        design=design,
        sampling={name: value for name, value in given.items() if value is not None},
        seed=seed,
        limit=limit,
    )

    if plan_only:
        found = plan_experiment(wanted, out)
        typer.echo(plan_json(*found) if json_output else plan_text(*found))
        return

    def planned(plan: GenerationPlan, left: TimeLeft) -> None:
        typer.echo(plan_text(plan, left), err=True)

    try:
        with generation_progress() as watch:
            done = experiment_dilution(
                wanted,
                out,
                until="register" if register_only else "result",
                accept_changes=accept_changes,
                watching=Watching(planned=planned, stage=stage_line, generation=watch, grading=row_progress),
                command=typed_command(),
            )
    except KeyboardInterrupt:
        typer.echo("safescale: stopped; every response that came is kept. The same command goes on", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    tell = experiment_json if json_output else experiment_text
    typer.echo(tell(done.experiment, done.facts, done.files))
    if done.experiment.broken:
        raise typer.Exit(EXIT_FINDINGS)


def _templates(path: Path) -> tuple[tuple[str, str], ...]:
    from safescale.pressure.templates import read_templates

    return tuple(read_templates(path).items())
