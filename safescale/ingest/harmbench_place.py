"""What the path of a HarmBench file says, and which files stand beside it."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from safescale.errors import DataError
from safescale.ingest.bytes_in import open_bytes

__all__ = ["Place", "behaviours_beside", "companion_of", "place_of", "read_behaviours"]

_METHODS: Final = frozenset(
    {
        "DirectRequest",
        "HumanJailbreaks",
        "GCG",
        "GCG-M",
        "GCG-T",
        "EnsembleGCG",
        "PEZ",
        "GBDA",
        "UAT",
        "AutoPrompt",
        "ZeroShot",
        "FewShot",
        "PAIR",
        "TAP",
        "TAP-T",
        "AutoDAN",
        "PAP",
        "PAP-top5",
        "PAP-misrepresentation",
        "ArtPrompt",
        "MultiModalDirectRequest",
        "MultiModalPGD",
        "MultiModalPGDBlankImage",
        "MultiModalPGDPatch",
        "MultiModalRenderText",
    }
)
_DIRECT: Final = frozenset({"directrequest", "multimodaldirectrequest"})
_STAGES: Final = {"completions": None, "results": None, "defense_completions": "", "defense_results": ""}
_USUAL_EXPERIMENT: Final = re.compile(r"default|random_subset_\d+|top_?\d+|.*_default")
_PACKED: Final = (".gz", ".zst")
_BEHAVIOURS: Final = "harmbench_behaviors_*.csv"
_LEVELS: Final = 6


@attrs.frozen(kw_only=True)
class Place:
    """Model, attack, experiment and defence of a file; ``attack`` is None where the path does not say it."""

    model: str
    attack: str | None
    experiment: str
    defence: str | None = None
    graded: bool = False
    """Whether its texts are those that the classifier was given: cut."""

    def of_model(self, model: str) -> Place:
        """The place of one model of a file that holds several (the website's: named after the method, graded)."""
        return attrs.evolve(self, model=model, attack=self.attack or _attack(self.model), experiment="website", graded=True)

    @property
    def attack_class(self) -> str:
        """``none`` for a direct request."""
        if self.attack is None:
            return "unclassified"
        return "none" if self.attack.lower() in _DIRECT else self.attack

    @property
    def conditions(self) -> list[str]:
        """Defence, and an experiment that is neither the default nor named after the model."""
        plain = _USUAL_EXPERIMENT.fullmatch(self.experiment) or self.experiment in (self.model, "website", "")
        return [part for part in (self.defence, None if plain else self.experiment) if part]


def place_of(path: Path) -> Place:
    """Read the path; only a method that is known, or a folder that looks like HarmBench's, is taken for one."""
    parts = path.absolute().parts
    model = _bare(path.name)
    for up, stage in ((2, parts[-2] if len(parts) > 1 else ""), (3, parts[-3] if len(parts) > 2 else "")):
        if stage not in _STAGES or (_STAGES[stage] is None) != (up == 2) or len(parts) < up + 3:
            continue
        method, experiment = parts[-up - 2], parts[-up - 1]
        run = Path(*parts[:-up])
        if method in _METHODS or parts[-up - 3] == "results" or _looks_like_a_run(run, stage):
            return Place(
                model=model,
                attack=method,
                experiment=experiment,
                defence=parts[-2] if up == 3 else None,
                graded=stage.endswith("results"),
            )
    return Place(model=model, attack=None, experiment="", graded=path.parent.name in ("results", "defense_results"))


def _attack(name: str) -> str | None:
    return name if name in _METHODS else None


def _looks_like_a_run(run: Path, stage: str) -> bool:
    others = {"completions", "results", "test_cases"} - {stage}
    return any((run / other).is_dir() for other in others)


def _bare(name: str) -> str:
    for suffix in _PACKED:
        name = name.removesuffix(suffix)
    return name.removesuffix(".json")


def companion_of(path: Path) -> Path | None:
    """The completions of a file of results."""
    folder = path.parent.name
    if folder == "results":
        home = path.parent.parent / "completions"
    elif path.parent.parent.name == "defense_results":
        home = path.parent.parent.parent / "defense_completions" / folder
    else:
        return None
    name = _bare(path.name) + ".json"
    return next((f for f in (home / (name + suffix) for suffix in ("", *_PACKED)) if f.is_file()), None)


def behaviours_beside(path: Path) -> Path | None:
    """The CSV of behaviours beside the file or in one of the folders above it (or in their ``data/behavior_datasets``)."""
    folder = path.absolute().parent
    for _ in range(_LEVELS):
        for home in (folder, folder / "data" / "behavior_datasets"):
            found = sorted(home.glob(_BEHAVIOURS)) if home.is_dir() else []
            if found:
                whole = [f for f in found if f.stem.endswith("_all")]
                return (whole or found)[0]
        folder = folder.parent
    return None


def read_behaviours(path: Path | None) -> Mapping[str, Mapping[str, str]]:
    """Rows of the CSV by BehaviorID; nothing when it cannot be read."""
    if path is None:
        return {}
    try:
        with open_bytes(path) as stream:
            text = stream.read().decode("utf-8-sig").splitlines(keepends=True)
        return {row["BehaviorID"]: row for row in csv.DictReader(text) if row.get("BehaviorID")}
    except (DataError, OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error):
        return {}
