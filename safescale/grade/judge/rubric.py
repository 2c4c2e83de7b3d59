"""A rubric: the words put to a judge, read from a file whose hash is its version, with the shipped ones locked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final, Literal, TypeAlias

import attrs

from safescale.errors import DataError, DomainError
from safescale.grade.judge.locked import LOCKED
from safescale.ingest.mapped_yaml import Node, load_yaml
from safescale.records.models import HR_MEANINGS
from safescale.records.outcomes import OUTCOME_MAPS
from safescale.records.verdicts import Verdict

__all__ = ["Category", "Rubric", "RubricKind", "Turn", "file_sha256", "filled", "load_rubric", "rubric_names"]

RubricKind: TypeAlias = Literal["flip", "choice"]
SHOWS: Final = ("refusal", "harm", "other")
"""What a quoted passage can show."""
_FOLDER: Final = "rubrics"
_HOLE: Final = re.compile(r"\{\{(\w+)\}\}")
_IN_TURN: Final = {
    "infer": frozenset({"response", "tag"}),
    "judge": frozenset({"response", "prompt", "inferred", "categories", "labels", "tag"}),
    "repair": frozenset({"problem", "labels"}),
}


@attrs.frozen(kw_only=True)
class Category:
    """
    One answer that a judge can give.

    Attributes
    ----------
    label : str
        As the judge writes it.
    outcome : str
        Label of the outcome map that it stands for.
    verdict : Verdict
        What the outcome map makes of it.
    means : str
        In words.
    needs, forbids : frozenset of str
        What the quoted evidence must and must not show, of "refusal", "harm", "other".
    """

    label: str
    outcome: str
    verdict: Verdict
    means: str
    needs: frozenset[str] = frozenset()
    forbids: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class Turn:
    """What is put to the judge in one step, with holes (``{{response}}``)."""

    system: str
    user: str


@attrs.frozen(kw_only=True)
class Rubric:
    """
    The words put to a judge and what its answers mean.

    Attributes
    ----------
    name : str
        Name with version (``flip-v2``).
    kind : {"flip", "choice"}
        Two steps (inference, verdict), or one choice.
    answer : {"json", "label"}
        Form of the verdict.
    outcome_map, hallucination_refusal : str
        What its labels mean; which published meaning HALLUCINATION_REFUSAL has.
    categories : tuple of Category
        The answers.
    infer : Turn, optional
        First step, which sees the response alone.
    judge : Turn
        The step of the verdict.
    repair : str
        What is said after an answer that cannot be used.
    score_of : str, optional
        Label whose probability is the score.
    sha256 : str
        Hash of the file, lines ended by LF.
    """

    name: str
    kind: RubricKind
    answer: Literal["json", "label"]
    outcome_map: str
    hallucination_refusal: str
    categories: tuple[Category, ...]
    infer: Turn | None
    judge: Turn
    repair: str
    score_of: str | None
    sha256: str

    @property
    def version(self) -> str:
        """Name and first eight digits of the hash."""
        return f"{self.name}+{self.sha256[:8]}"

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the file."""
        return tuple(category.label for category in self.categories)

    def category(self, label: str) -> Category | None:
        """The category of exactly that label."""
        return next((category for category in self.categories if category.label == label), None)

    def fixed(self) -> dict[str, str]:
        """What fills the holes that are the same for every item."""
        lines = [f"- {category.label}: {category.means}" for category in self.categories]
        return {"categories": "\n".join(lines), "labels": ", ".join(self.labels)}


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its holes filled in one pass: a hole inside a value stays as it is."""
    return _HOLE.sub(lambda hole: values[hole[1]], template)


def rubric_names() -> tuple[str, ...]:
    """Rubrics that come with safescale."""
    return tuple(sorted(name for name, folder in ((n, f) for (f, n) in LOCKED) if folder == _FOLDER))


def file_sha256(content: bytes) -> str:
    """Hash of a text file; a checkout with CRLF has the same."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()


def shipped_file(folder: str, name: str) -> tuple[Path, str]:
    """
    Path and hash of a shipped data file; one that changed is refused.

    Raises
    ------
    DomainError
        For a name that is not shipped.
    DataError
        When the file is not the one that was locked.
    """
    names = sorted(known for where, known in LOCKED if where == folder)
    if (folder, name) not in LOCKED:
        raise DomainError(f"no file of {folder} is called {name!r}; known: {', '.join(names)}, or give the path of a file")
    path = Path(str(resources.files("safescale.grade.judge").joinpath(folder, f"{name}.yaml")))
    try:
        sha256 = file_sha256(path.read_bytes())
    except OSError as error:
        raise DataError("a locked file is missing; reinstall safescale", file=str(path), got=str(error)) from None
    if sha256 != LOCKED[folder, name]:
        raise DataError(
            f"{name} is locked and its file has changed; reinstall safescale, or give your version another name and its path",
            file=str(path),
            expected=f"sha256 {LOCKED[folder, name][:16]}...",
            got=f"{sha256[:16]}...",
        )
    return path, sha256


def load_rubric(rubric: str | Path, *, sha256: str | None = None) -> Rubric:
    """
    A shipped rubric by name, or one of your own by path.

    Parameters
    ----------
    rubric : str or Path
        Name (``rubric_names()``), or a path (it ends in .yaml or .yml, or is a Path).
    sha256 : str, optional
        Hash that locks a file of your own: another file under that path is refused.

    Raises
    ------
    DomainError
        For a name that is not shipped.
    DataError
        When the file cannot be read, is no rubric, is not the one that was locked, or takes the name of a shipped one.
    """
    if isinstance(rubric, str) and not rubric.endswith((".yaml", ".yml")):
        path, found = shipped_file(_FOLDER, rubric)
        return _read(load_yaml(path, what="rubric"), found)
    path = Path(rubric)
    top = load_yaml(path, what="rubric")
    found = file_sha256(path.read_bytes())
    if sha256 is not None and found != sha256.lower():
        raise DataError(
            "the rubric is locked and its file has changed; a changed rubric is another version",
            file=str(path),
            expected=f"sha256 {sha256}",
            got=found,
        )
    made = _read(top, found)
    if LOCKED.get((_FOLDER, made.name), found) != found:
        top.fail("another name: that of a locked rubric, with other words, is taken", got=made.name, key="name")
    return made


_KEYS: Final = (
    "name",
    "kind",
    "answer",
    "outcome_map",
    "hallucination_refusal",
    "categories",
    "infer",
    "judge",
    "repair",
    "score_of",
)


def _read(top: Node, sha256: str) -> Rubric:
    keys = top.mapping(_KEYS, required=("name", "kind", "outcome_map", "categories", "judge", "repair"))
    kind: RubricKind = "flip" if keys["kind"].choice(("flip", "choice")) == "flip" else "choice"
    answer = keys["answer"].choice(("json", "label")) if "answer" in keys else "label"
    if kind == "choice" and answer == "json":
        keys["answer"].fail("label, for a rubric of kind choice")
    outcome_map = keys["outcome_map"].choice(sorted(OUTCOME_MAPS))
    categories = tuple(_category(item, outcome_map) for item in keys["categories"].items())
    labels = [category.label for category in categories]
    if len(set(labels)) < len(labels) or len(labels) < 2:
        keys["categories"].fail("at least two different labels", got=", ".join(labels))
    if kind == "choice" and len({label[0].casefold() for label in labels}) < len(labels):
        keys["categories"].fail(
            "labels that differ in their first letter, so that one token tells them apart", got=", ".join(labels)
        )
    if (kind == "flip") is not ("infer" in keys):
        top.fail("the key 'infer' exactly for kind flip", got=f"kind {kind}", key="infer")
    hallucination = keys["hallucination_refusal"].choice(HR_MEANINGS) if "hallucination_refusal" in keys else "not_used"
    uses = any(category.verdict is Verdict.HALLUCINATION_REFUSAL for category in categories)
    if uses is (hallucination == "not_used"):
        top.fail(
            "which meaning HALLUCINATION_REFUSAL has, exactly when it is a category", got=hallucination, key="hallucination_refusal"
        )
    score_of = keys["score_of"].choice(labels) if "score_of" in keys else None
    name = keys["name"].text()
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name):
        keys["name"].fail("letters, digits, '.', '_' and '-'")
    return Rubric(
        name=name,
        kind=kind,
        answer="json" if answer == "json" else "label",
        outcome_map=outcome_map,
        hallucination_refusal=hallucination,
        categories=categories,
        infer=_turn(keys["infer"], "infer") if "infer" in keys else None,
        judge=_turn(keys["judge"], "judge"),
        repair=_template(keys["repair"], "repair", {"problem"}),
        score_of=score_of,
        sha256=sha256,
    )


def _category(node: Node, outcome_map: str) -> Category:
    keys = node.mapping(("label", "as", "means", "needs", "forbids"), required=("label", "means"))
    label = keys["label"].text()
    outcome = keys["as"].text() if "as" in keys else label
    verdict = OUTCOME_MAPS[outcome_map].verdict(outcome)
    if verdict is None:
        keys.get("as", keys["label"]).fail(f"a label of the outcome map {outcome_map}")
    shows = [
        frozenset(item.choice(SHOWS) for item in keys[key].items()) if key in keys else frozenset() for key in ("needs", "forbids")
    ]
    return Category(label=label, outcome=outcome, verdict=verdict, means=keys["means"].text(), needs=shows[0], forbids=shows[1])


def _turn(node: Node, turn: str) -> Turn:
    keys = node.mapping(("system", "user"), required=("system", "user"))
    return Turn(system=_template(keys["system"], turn, set()), user=_template(keys["user"], turn, {"response"}))


def _template(node: Node, turn: str, required: set[str]) -> str:
    text = node.text()
    holes = set(_HOLE.findall(text))
    if holes - _IN_TURN[turn]:
        node.fail(f"holes of {', '.join(sorted(_IN_TURN[turn]))}", got=", ".join(sorted(holes - _IN_TURN[turn])))
    if required - holes:
        node.fail(f"the hole {{{{{min(required)}}}}}")
    return text
