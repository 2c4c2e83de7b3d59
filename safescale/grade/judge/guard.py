"""A guard model's file: what it wants to be shown, in which template, how its answer is read and what that means."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final, Literal

import attrs

from safescale.errors import DataError
from safescale.grade.judge.chat_template import ChatTemplate, read_chat_template
from safescale.grade.judge.guard_readings import READINGS
from safescale.grade.judge.locked import LOCKED
from safescale.grade.judge.rubric import shipped_file
from safescale.ingest.mapped_yaml import load_yaml
from safescale.records.models import GRADER_KINDS, HR_MEANINGS
from safescale.records.outcomes import OUTCOME_MAPS
from safescale.records.rows import clip

__all__ = ["Guard", "guard_names", "load_guard", "template_wanted"]

_FOLDER: Final = "guards"
_HOLE: Final = re.compile(r"\{(prompt|behavior|forbidden_prompt|response|generation)\}")
_RESPONSE: Final = frozenset({"response", "generation"})


@attrs.frozen(kw_only=True)
class Guard:
    """
    What is put to a guard model.

    Attributes
    ----------
    name, source : str
        Its name; where its format is published.
    kind, outcome_map, hallucination_refusal : str
        As in ``GraderFacts``.
    reading : str
        How its answer is read (``guard_readings.READINGS``).
    syntax : {"text", "jinja", "chat"}
        Raw text with holes, the model's own chat template, or messages to any model.
    template : str or ChatTemplate
        The text with holes, or the chat template.
    published : bool
        Whether the template was given by the user.
    system, repair : str
        Of syntax "chat".
    probabilities_of : tuple of str
        Labels whose probabilities the first token gives; the first one's is the score.
    score_scale : str, optional
        In words.
    max_tokens : int
        Of an answer.
    sha256 : str
        Hash over the guard's file and its template.
    """

    name: str
    source: str
    kind: str
    outcome_map: str
    hallucination_refusal: str
    reading: str
    syntax: Literal["text", "jinja", "chat"]
    template: str | ChatTemplate
    published: bool
    system: str
    repair: str
    probabilities_of: tuple[str, ...]
    score_scale: str | None
    max_tokens: int
    sha256: str

    @property
    def version(self) -> str:
        """Name and first eight digits of the hash."""
        return f"{self.name}+{self.sha256[:8]}"

    def text(self, prompt: str, response: str) -> str:
        """The raw text that the guard is shown."""
        if isinstance(self.template, ChatTemplate):
            return self.template.text(prompt, response)
        return _HOLE.sub(lambda hole: response if hole[1] in _RESPONSE else prompt, self.template)


def guard_names() -> tuple[str, ...]:
    """Guards that safescale knows."""
    return tuple(sorted(name for folder, name in LOCKED if folder == _FOLDER))


def template_wanted(name: str) -> str | None:
    """What file a guard's template is taken from, in words; None where safescale carries the template."""
    keys = load_yaml(shipped_file(_FOLDER, name)[0], what="guard file").pairs()
    return None if "template" in keys else keys["wanted"].text()


_KEYS: Final = (
    "name",
    "model",
    "source",
    "kind",
    "outcome_map",
    "hallucination_refusal",
    "reading",
    "syntax",
    "template",
    "wanted",
    "system",
    "repair",
    "probabilities_of",
    "score_scale",
    "max_tokens",
)


def load_guard(name: str, *, template: Path | None = None) -> Guard:
    """
    A guard by name, with its own template or one from a file.

    Parameters
    ----------
    name : str
        One of ``guard_names()``.
    template : Path, optional
        Where the guard's published template lies: needed where safescale does not carry it, otherwise it replaces ours.

    Raises
    ------
    DomainError
        For a name that no guard has.
    DataError
        When the template is missing, cannot be read or lacks a hole, or the guard's file was changed.
    """
    path, sha256 = shipped_file(_FOLDER, name)
    top = load_yaml(path, what="guard file")
    keys = top.mapping(_KEYS, required=("name", "source", "kind", "outcome_map", "reading", "syntax", "max_tokens"))
    syntax = keys["syntax"].choice(("text", "jinja", "chat"))
    own = keys["template"].text() if "template" in keys else None
    if template is None and own is None:
        wanted = template_wanted(name)
        raise DataError(f"the guard {name} needs its template", column="template", expected=wanted, got="no template")
    found: str | ChatTemplate
    if template is None:
        assert own is not None
        found = own
    else:
        found = read_chat_template(template) if syntax == "jinja" else _with_holes(template)
    if isinstance(found, ChatTemplate):
        found.text("a prompt", "a response")
    source = found.source if isinstance(found, ChatTemplate) else found
    return Guard(
        name=name,
        source=keys["source"].text(),
        kind=keys["kind"].choice(GRADER_KINDS),
        outcome_map=keys["outcome_map"].choice(sorted(OUTCOME_MAPS)),
        hallucination_refusal=(
            keys["hallucination_refusal"].choice(HR_MEANINGS) if "hallucination_refusal" in keys else "not_used"
        ),
        reading=keys["reading"].choice(sorted(READINGS)),
        syntax="text" if syntax == "text" else "jinja" if syntax == "jinja" else "chat",
        template=found,
        published=template is not None,
        system=keys["system"].text() if "system" in keys else "",
        repair=keys["repair"].text() if "repair" in keys else "",
        probabilities_of=tuple(i.text() for i in keys["probabilities_of"].items()) if "probabilities_of" in keys else (),
        score_scale=keys["score_scale"].text() if "score_scale" in keys else None,
        max_tokens=int(keys["max_tokens"].number()),
        sha256=hashlib.sha256(f"{sha256}\0{source}".encode()).hexdigest(),
    )


def _with_holes(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("the template cannot be read", file=str(path), expected="a UTF-8 file", got=clip(str(error))) from None
    holes = set(_HOLE.findall(text))
    if not holes & _RESPONSE or not holes - _RESPONSE:
        raise DataError(
            "the template lacks a hole",
            file=str(path),
            expected="{response} or {generation}, and {prompt}, {behavior} or {forbidden_prompt}",
            got=", ".join(sorted(f"{{{hole}}}" for hole in holes)) or "no hole",
        )
    return text
