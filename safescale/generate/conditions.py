"""A condition: what is put around every prompt, under a name that each trace carries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import attrs

from safescale.engines import Message
from safescale.errors import DomainError
from safescale.ingest.mapped_yaml import Node
from safescale.pressure.templates import PLACE
from safescale.records.vocabulary import PROMPT_KINDS

__all__ = ["CONDITION_KEYS", "PLACE", "Condition", "Transform", "condition_of"]

CONDITION_KEYS: Final = ("system", "system_file", "template", "template_file", "prefill", "attack_class")


class Transform(Protocol):
    """What a condition makes of each prompt where one template does not do: a puzzle of its own before each, say."""

    @property
    def identity(self) -> str:
        """All that determines the texts, in one line; it goes into the run's id."""
        ...

    def __call__(self, prompt_id: str, prompt: str) -> str:
        """Message of the user for one prompt."""
        ...


@attrs.frozen(kw_only=True)
class Condition:
    """
    What is put around a prompt.

    Parameters
    ----------
    name : str
        The trace's ``condition``.
    system : str, optional
        System prompt.
    template : str, optional
        Message of the user, with ``{prompt}`` where the prompt stands, once.
    prefill : str, optional
        Beginning of the answer, which the model continues.
    attack_class : str, optional
        Attack class of the traces, over that of the prompt: for a template that is itself an attack.
    prompt_kind : str, optional
        Kind of the traces' prompts, over that of the prompt: for a condition that asks something else in its place.
    transform : Transform, optional
        What makes the message of the user, prompt by prompt; then there is no template.
    """

    name: str
    system: str | None = None
    template: str | None = None
    prefill: str | None = None
    attack_class: str | None = None
    prompt_kind: str | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.in_(PROMPT_KINDS)))
    transform: Transform | None = None

    def __attrs_post_init__(self) -> None:
        if self.template is not None and self.transform is not None:
            raise DomainError(f"the condition {self.name!r} has a template and a transform; give one of the two")

    @property
    def identity(self) -> dict[str, str]:
        """What of it determines answers."""
        texts = ("system", "template", "prefill", "attack_class", "prompt_kind")
        found = {name: getattr(self, name) for name in texts if getattr(self, name) is not None}
        return found if self.transform is None else {**found, "transform": self.transform.identity}

    def user_text(self, prompt: str, *, prompt_id: str) -> str:
        """Message of the user."""
        if self.transform is not None:
            return self.transform(prompt_id, prompt)
        return prompt if self.template is None else self.template.replace(PLACE, prompt)

    def messages(self, text: str) -> tuple[Message, ...]:
        """The chat around a message of the user."""
        before = () if self.system is None else (Message(role="system", content=self.system),)
        after = () if self.prefill is None else (Message(role="assistant", content=self.prefill),)
        return (*before, Message(role="user", content=text), *after)


def condition_of(name: str, node: Node, given: Mapping[str, Node], folder: Path) -> Condition:
    """
    A condition of a ``models.yaml``.

    Raises
    ------
    DataError
        When a text is given twice, a file is not there, or a template has no place for the prompt.
    """
    texts: dict[str, str] = {}
    for key in ("system", "template"):
        if key in given and f"{key}_file" in given:
            node.fail(f"{key} or {key}_file, not both", got="both", key=key)
        if key in given:
            texts[key] = given[key].text()
        elif f"{key}_file" in given:
            texts[key] = _file_text(given[f"{key}_file"], folder)
    if "template" in texts and texts["template"].count(PLACE) != 1:
        key = "template" if "template" in given else "template_file"
        given[key].fail(f"a text with {PLACE} in it, once", got=f"{texts['template'].count(PLACE)} times")
    texts |= {key: given[key].text() for key in ("prefill", "attack_class") if key in given}
    return Condition(name=name, **texts)  # type: ignore[arg-type]


def _file_text(node: Node, folder: Path) -> str:
    try:
        text = (folder / node.text()).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        node.fail(f"a text file in UTF-8 beside models.yaml, or an absolute path to one ({error})")
    if not text.strip():
        node.fail("a file that is not empty")
    return text
