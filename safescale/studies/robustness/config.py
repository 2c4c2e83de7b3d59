"""``study.yaml``: what a robustness study is asked, from models to validation; whatever is wrong in it is named by its key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.engines import engine_names
from safescale.errors import DataError, DomainError
from safescale.generate import ModelsFile, read_models
from safescale.generate.models_file import sampling_of
from safescale.grade.embed.opening import EMBEDDERS
from safescale.grade.grader import grader_names
from safescale.ingest.mapped_yaml import Node, load_yaml
from safescale.pressure.finetune.setting import DTYPES
from safescale.records.outcomes import Tier
from safescale.studies.robustness.config_parts import (
    finetune_of,
    geometry_of,
    limit_of,
    prompt_attacks_of,
    steering_of,
    tamper_resistance_of,
    toy_of,
    whole_number,
)
from safescale.studies.robustness.design import COMPUTE_UNITS, RobustnessDesign
from safescale.studies.robustness.toy_asked import ToyAsked
from safescale.studies.running.graders import NamedGrader, check_tier, named_graders

__all__ = ["GraderWords", "StudyConfig", "TargetFiles", "read_study"]

TOY: Final = "toy"
NONE: Final = "none"
ENTROPY_GRADER: Final = "refusal-classifier"
EMBEDDER: Final = "hashed-ngrams"
TEMPERATURE: Final = 1.0
VALIDATION: Final = 200
_TOP: Final = (
    *("toy", "models", "prompts", "limit", "targets", "engine", "options", "batch_size", "device", "dtype", "threads"),
    *("sampling", "seed"),
    *("samples", "graders", "entropy_grader", "embedder", "finetune", "prompt_attacks", "steering", "tamper_resistance"),
    *("geometry", "compute_unit", "tier", "alpha", "validation", "jobs"),
)
_TARGETS: Final = ("attack", "refusals", "retain")
_GRADER: Final = ("judge", "encoder")


@attrs.frozen(kw_only=True)
class TargetFiles:
    """Files of (prompt, target) pairs: what the attack trains, and what tamper resistance keeps; None: toy-world sentences."""

    attack: Path | None = None
    refusals: Path | None = None
    retain: Path | None = None


@attrs.frozen(kw_only=True)
class GraderWords:
    """Graders as they were named: another process opens them anew from these."""

    names: tuple[str, ...] = ()
    judges: tuple[Path, ...] = ()
    encoders: tuple[Path, ...] = ()

    def opened(self) -> tuple[NamedGrader, ...]:
        """The graders, not opened yet."""
        return named_graders(self.names, self.judges, self.encoders)


@attrs.frozen(kw_only=True)
class StudyConfig:
    """
    A robustness study as its file asks for it.

    Parameters
    ----------
    file : Path
        Where it stands.
    toy : ToyAsked, optional
        A toy lineage that is trained first; None: ``models`` are asked.
    models_file : Path, optional
        The user's ``models.yaml``.
    models : ModelsFile, optional
        What it says.
    prompts_file : Path, optional
        Evaluation prompts; None: those of the toy world.
    limit : int, mapping of prompt kind to int, or None
        The first prompts alone, or so many of each kind, spread over attack classes.
    targets : TargetFiles
        Files of targets.
    finetune : bool
        Whether models are fine-tuned; without weights at hand they cannot be.
    geometry_prompts : Path, optional
        Prompts of which refusal directions are made (``attack_class`` is the category), none of them an evaluation prompt.
    engine : str, optional
        Engine of the models that name none; of a toy lineage ``transformers``.
    options : mapping
        Options of the engine, over those of the models.
    batch_size : int, optional
        Requests at once, over that of the models.
    device, dtype : str, str or None
        Where and in what precision attacks and defences are trained.
    threads : int
        Of torch in each process on a CPU; small models are fastest with one.
    graders : tuple of NamedGrader
        The first is primary.
    grader_words : GraderWords
        The same as words.
    entropy_grader : str, optional
        Whose probabilities the classifier entropy is of; it is asked for that alone where it is not among the graders.
    embedder : str, optional
        What makes vectors for refusal drift.
    sampling : mapping
        Fields of ``Sampling`` that win over those of the models.
    seed : int
        Seed of sampling.
    design : RobustnessDesign
        The grid and the analysis.
    validation : int
        Responses that people are asked to label; 0: none.
    jobs : int
        Processes.
    """

    file: Path
    toy: ToyAsked | None = None
    models_file: Path | None = None
    models: ModelsFile | None = None
    prompts_file: Path | None = None
    limit: int | Mapping[str, int] | None = None
    targets: TargetFiles = attrs.field(factory=TargetFiles)
    finetune: bool = True
    geometry_prompts: Path | None = None
    engine: str | None = None
    options: Mapping[str, Any] = attrs.field(factory=dict)
    batch_size: int | None = None
    device: str = "cpu"
    dtype: str | None = None
    threads: int = 1
    graders: tuple[NamedGrader, ...]
    grader_words: GraderWords
    entropy_grader: str | None = ENTROPY_GRADER
    embedder: str | None = EMBEDDER
    sampling: Mapping[str, Any] = attrs.field(factory=dict)
    seed: int = 0
    design: RobustnessDesign = attrs.field(factory=RobustnessDesign)
    validation: int = VALIDATION
    jobs: int = 1

    @property
    def all_graders(self) -> tuple[NamedGrader, ...]:
        """Every grader that is asked: those of the study, then the one of entropy where it is none of them."""
        names = {grader.name for grader in self.graders}
        more = () if self.entropy_grader is None or self.entropy_grader in names else named_graders((self.entropy_grader,))
        return (*self.graders, *more)


def read_study(path: Path) -> StudyConfig:
    """
    Read a ``study.yaml``.

    Parameters
    ----------
    path : Path
        The file. Paths in it are relative to it.

    Returns
    -------
    StudyConfig
        All that it says, and the defaults of what it leaves out.

    Raises
    ------
    DataError
        Naming file, key, what was expected and what came; a key that is not known is wrong.
    """
    node = load_yaml(path, what="study file")
    top = node.mapping(_TOP)
    for key in [key for key, given in top.items() if given.value is None and key not in ("dtype", "limit")]:
        top[key].fail("a value; leave the key out for its default", got="nothing")
    if ("toy" in top) == ("models" in top):
        said = "both" if "toy" in top else "none"
        node.fail("toy (a lineage trained from nothing) or models (a models.yaml), one of the two", got=said, key="models")
    folder = path.parent
    engine = _engine(top.get("engine"), toy="toy" in top)
    models_file = None if "models" not in top else _file(top["models"], folder)
    words = _graders(top.get("graders"), folder, toy="toy" in top)
    tier = Tier(top["tier"].choice([tier.value for tier in Tier])) if "tier" in top else Tier.STRICT
    graders = _opened(words, tier, top.get("graders", node))
    return StudyConfig(
        file=path,
        toy=toy_of(top["toy"]) if "toy" in top else None,
        models_file=models_file,
        models=None if models_file is None else read_models(models_file, engine=engine),
        prompts_file=_toy_or_file(top.get("prompts"), folder, node, "prompts", toy="toy" in top),
        limit=limit_of(top.get("limit")),
        targets=_targets(top.get("targets"), folder),
        finetune=not _is_off(top.get("finetune")),
        geometry_prompts=_geometry_prompts(top.get("geometry"), folder),
        engine=engine,
        options=_options(top.get("options")),
        batch_size=whole_number(top["batch_size"], least=1) if "batch_size" in top else None,
        device=top["device"].text() if "device" in top else "cpu",
        dtype=top["dtype"].choice(DTYPES) if "dtype" in top and top["dtype"].value is not None else None,
        threads=whole_number(top["threads"], least=1) if "threads" in top else 1,
        graders=graders,
        grader_words=words,
        entropy_grader=_entropy_grader(top.get("entropy_grader"), graders),
        embedder=_embedder(top.get("embedder"), folder),
        sampling=_sampling(top.get("sampling")),
        seed=whole_number(top["seed"]) if "seed" in top else 0,
        design=_design(top, node, folder, tier),
        validation=whole_number(top["validation"]) if "validation" in top else VALIDATION,
        jobs=whole_number(top["jobs"], least=1) if "jobs" in top else 1,
    )


def _design(top: Mapping[str, Node], node: Node, folder: Path, tier: Tier) -> RobustnessDesign:
    finetune = finetune_of(top.get("finetune"))
    off = _is_off(top.get("finetune"))
    given: dict[str, Any] = {
        "finetune": finetune,
        "prompts": prompt_attacks_of(top.get("prompt_attacks"), folder),
        "steering": steering_of(top.get("steering"), finetune.steps, tried=not off),
        "tamper_resistance": tamper_resistance_of(top.get("tamper_resistance")),
        "geometry": geometry_of(top.get("geometry")),
        "tier": tier,
    }
    if "samples" in top:
        given["samples"] = whole_number(top["samples"], least=1)
    if "compute_unit" in top:
        given["compute_unit"] = top["compute_unit"].choice(COMPUTE_UNITS)
    if "alpha" in top:
        given["alpha"] = top["alpha"].number()
    try:
        return RobustnessDesign(**given)
    except DomainError as error:
        raise DataError(f"the study file is wrong: {error}", file=node.file) from None


def _engine(node: Node | None, *, toy: bool) -> str | None:
    if node is None:
        return "transformers" if toy else None
    return node.choice(engine_names())


def _file(node: Node, folder: Path) -> Path:
    found = folder / node.text()
    if not found.is_file():
        node.fail("a file, beside study.yaml or by its absolute path")
    return found


def _there(node: Node, folder: Path) -> Path:
    found = folder / node.text()
    if not found.exists():
        node.fail("a folder that is there, beside study.yaml or by its absolute path")
    return found


def _toy_or_file(node: Node | None, folder: Path, top: Node, key: str, *, toy: bool) -> Path | None:
    if node is None:
        if not toy:
            top.fail(f"the key {key!r}: a file, or {TOY}", got="none", key=key)
        return None
    return None if node.value == TOY else _file(node, folder)


def _targets(node: Node | None, folder: Path) -> TargetFiles:
    if node is None or node.value == TOY:
        return TargetFiles()
    given = node.mapping(_TARGETS)
    return TargetFiles(**{key: None if one.value == TOY else _file(one, folder) for key, one in given.items()})


def _geometry_prompts(node: Node | None, folder: Path) -> Path | None:
    if node is None or not isinstance(node.value, dict) or "prompts" not in node.value:
        return None
    given = node.pairs()["prompts"]
    return None if given.value == TOY else _file(given, folder)


def _is_off(node: Node | None) -> bool:
    return node is not None and node.value is False


def _options(node: Node | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, given in ({} if node is None else node.pairs()).items():
        if isinstance(given.value, dict | list):
            given.fail("a text, a number, true, false or null")
        if name == "intervention":
            given.fail("any other option: the study says itself which intervention is applied")
        found[name] = given.value
    return found


def _sampling(node: Node | None) -> dict[str, Any]:
    found = {} if node is None else sampling_of(node)
    found.setdefault("temperature", TEMPERATURE)
    if found["temperature"] == 0 and node is not None:
        node.fail(
            "a temperature above 0: at 0 a second baseline draw is the first one again, and nobody knows then how many refusals "
            "are lost by drawing again alone",
            got=0,
            key="temperature",
        )
    return found


def _graders(node: Node | None, folder: Path, *, toy: bool) -> GraderWords:
    if node is None:
        return GraderWords(names=("toy-world", ENTROPY_GRADER) if toy else (ENTROPY_GRADER, "refusal-phrases"))
    names: list[str] = []
    paths: dict[str, list[Path]] = {"judge": [], "encoder": []}
    for item in node.items():
        if isinstance(item.value, dict):
            for kind, given in item.mapping(_GRADER).items():
                paths[kind].append(_file(given, folder) if kind == "judge" else _there(given, folder))
        else:
            if paths["judge"] or paths["encoder"]:
                item.fail("names before judges and encoders: the first of all is primary")
            names.append(item.choice(grader_names()))
    return GraderWords(names=tuple(names), judges=tuple(paths["judge"]), encoders=tuple(paths["encoder"]))


def _opened(words: GraderWords, tier: Tier, node: Node) -> tuple[NamedGrader, ...]:
    try:
        graders = words.opened()
        for grader in graders:
            if grader.facts is not None:
                check_tier(grader.facts, tier)
    except DomainError as error:
        node.fail(str(error), key=None if node.place else "graders")
    return graders


def _entropy_grader(node: Node | None, graders: tuple[NamedGrader, ...]) -> str | None:
    if node is None:
        return ENTROPY_GRADER
    return None if node.value == NONE else node.choice((*dict.fromkeys([*(one.name for one in graders), *grader_names()]), NONE))


def _embedder(node: Node | None, folder: Path) -> str | None:
    if node is None:
        return EMBEDDER
    name = node.text()
    kind, colon, place = name.partition(":")
    if colon and f"{kind}:FOLDER" in EMBEDDERS:
        if not place or not (folder / place).exists():
            node.fail("a folder behind the colon that is there, beside study.yaml or by its absolute path")
        return f"{kind}:{(folder / place).resolve()}"
    return None if name == NONE else node.choice((*EMBEDDERS, NONE))
