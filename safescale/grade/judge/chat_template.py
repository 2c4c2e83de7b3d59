"""A model's own chat template, read from its folder and rendered to raw text for a conversation that ends with the assistant."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import attrs

from safescale.errors import DataError
from safescale.records.rows import clip

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["ChatTemplate", "read_chat_template"]

# engines put the first token of a text there themselves
_FIRST: Final = re.compile(r"\A(?:<\|begin_of_text\|>|<s>|<bos>)")


@attrs.frozen(kw_only=True)
class ChatTemplate:
    """A Jinja chat template and the file that it is from."""

    source: str
    file: str

    def text(self, prompt: str, response: str) -> str:
        """
        The raw text of a user's prompt and an assistant's response, ready for the guard's answer.

        Contents go in as texts, or as lists of parts where the template wants those.

        Raises
        ------
        DataError
            When the template cannot be rendered, or leaves out one of the two.
        """
        problem = "the template leaves out the prompt or the response"
        for parts in (False, True):
            try:
                rendered = self._rendered(prompt, response, parts=parts)
            except Exception as error:
                # whatever a template's own code raises: Jinja's errors, TypeError, KeyError
                problem = f"{type(error).__name__}: {error}"
                continue
            # a template of texts writes a list of parts as Python does
            as_python = parts and any(str(_parts(text)) in rendered for text in (prompt, response))
            if prompt.strip() in rendered and response.strip() in rendered and not as_python:
                return _FIRST.sub("", rendered)
        raise DataError(
            "the chat template does not take a conversation of a user and an assistant; give that of the guard model",
            file=self.file,
            expected="a template that shows both",
            got=clip(problem),
        )

    def _rendered(self, prompt: str, response: str, *, parts: bool) -> str:
        def content(text: str) -> object:
            return _parts(text) if parts else text

        messages = [{"role": "user", "content": content(prompt)}, {"role": "assistant", "content": content(response)}]
        return _compiled(self.source).render(
            messages=messages, add_generation_prompt=True, bos_token="", eos_token="", tools=None, documents=None
        )


def _parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


@functools.lru_cache(maxsize=8)
def _compiled(source: str) -> Template:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> NoReturn:
        raise ValueError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, autoescape=False, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = refuse
    return environment.from_string(source)


def read_chat_template(path: Path) -> ChatTemplate:
    """
    The chat template of a model's folder, of a Jinja file, or of a tokenizer's JSON.

    Raises
    ------
    DataError
        When there is none.
    """
    if path.is_dir():
        for name in ("chat_template.jinja", "chat_template.json", "tokenizer_config.json"):
            if (path / name).is_file():
                found = _of_file(path / name)
                if found is not None:
                    return found
        raise DataError(
            "the folder holds no chat template",
            file=str(path),
            expected="chat_template.jinja, or tokenizer_config.json with the key chat_template",
            got="neither",
        )
    found = _of_file(path)
    if found is None:
        raise DataError("the file holds no chat template", file=str(path), expected="the key chat_template", got="none")
    return found


def _of_file(path: Path) -> ChatTemplate | None:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("the template cannot be read", file=str(path), expected="a UTF-8 file", got=clip(str(error))) from None
    if path.suffix != ".json":
        return ChatTemplate(source=text, file=str(path))
    try:
        held: Any = json.loads(text)
    except ValueError as error:
        raise DataError("the file is not JSON", file=str(path), expected="JSON", got=clip(str(error))) from None
    template = held.get("chat_template") if isinstance(held, dict) else None
    if isinstance(template, list):
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default")
    return ChatTemplate(source=template, file=str(path)) if isinstance(template, str) and template else None
