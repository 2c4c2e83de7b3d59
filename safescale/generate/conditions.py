"""A condition: what is put around every prompt, under a name that each trace carries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from safescale.engines import Message
from safescale.ingest.mapped_yaml import Node

__all__ = ["CONDITION_KEYS", "PLACE", "Condition", "condition_of"]

CONDITION_KEYS: Final = ("system", "system_file", "template", "template_file", "prefill", "attack_class")
PLACE: Final = "{prompt}"
"""Where the prompt stands in a template; every other brace is a brace."""


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
    """

    name: str
    system: str | None = None
    template: str | None = None
    prefill: str | None = None
    attack_class: str | None = None

    def user_text(self, prompt: str) -> str:
        """Message of the user."""
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
    return Condition(name=name, **texts, **{key: given[key].text() for key in ("prefill", "attack_class") if key in given})


def _file_text(node: Node, folder: Path) -> str:
    try:
        text = (folder / node.text()).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        node.fail(f"a text file in UTF-8 beside models.yaml, or an absolute path to one ({error})")
    if not text.strip():
        node.fail("a file that is not empty")
    return text
