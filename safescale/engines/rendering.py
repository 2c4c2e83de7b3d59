"""The chat template, rendered once with the model's own tokenizer: every local engine sends these token ids and no others."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Protocol

import attrs

from safescale.engines.answers import Answer, FaultCode
from safescale.engines.requests import Request
from safescale.errors import DomainError

__all__ = ["Rendered", "Tokenizer", "read_template", "render", "template_sha256"]


class Tokenizer(Protocol):
    """What is used of a Hugging Face tokenizer."""

    chat_template: Any

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any:
        """Messages to token ids."""
        ...

    def encode(self, text: str, **options: Any) -> list[int]:
        """Text to token ids."""
        ...


@attrs.frozen(kw_only=True)
class Rendered:
    """Token ids of one request, as the model sees them."""

    request: Request
    token_ids: tuple[int, ...]


def render(tokenizer: Tokenizer, request: Request, *, max_model_len: int | None) -> Rendered | Answer:
    """
    Token ids of a request, or the answer that says why there are none.

    A prompt that leaves no room for one token of answer is TOO_LONG: nothing is ever cut.
    """
    if request.text is None and all(not message.content.strip() for message in request.messages):
        return Answer.failed(request, FaultCode.EMPTY_PROMPT, "the prompt is empty; nothing was asked")
    if request.text is not None and not request.text:
        return Answer.failed(request, FaultCode.EMPTY_PROMPT, "the prompt is empty; nothing was asked")
    try:
        ids = _token_ids(tokenizer, request)
    except ValueError as error:
        if getattr(tokenizer, "chat_template", None):
            return Answer.failed(request, FaultCode.BAD_REQUEST, f"the chat template refuses these messages: {error}")
        step = "give one in models.yaml (chat_template: FILE), or send raw text"
        return Answer.failed(request, FaultCode.NO_CHAT_TEMPLATE, f"the tokenizer of this model has no chat template; {step}")
    except Exception as error:
        # Jinja errors of a template (TemplateError, UndefinedError) are of no class that the base install knows
        return Answer.failed(request, FaultCode.BAD_REQUEST, f"the chat template refuses these messages: {error}")
    if max_model_len is not None and len(ids) + 1 > max_model_len:
        words = f"the prompt has {len(ids)} tokens and the window {max_model_len}; shorten it or raise max_model_len"
        return Answer.failed(request, FaultCode.TOO_LONG, words)
    return Rendered(request=request, token_ids=tuple(ids))


def _token_ids(tokenizer: Tokenizer, request: Request) -> list[int]:
    if request.text is not None:
        return [int(token) for token in tokenizer.encode(request.text)]
    going_on = bool(request.prefill)
    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    rendered = tokenizer.apply_chat_template(
        messages, tokenize=True, return_dict=True, add_generation_prompt=not going_on, continue_final_message=going_on
    )
    return [int(token) for token in rendered["input_ids"]]


def template_sha256(tokenizer: Tokenizer) -> str | None:
    """SHA-256 of the chat template, None without one."""
    template = getattr(tokenizer, "chat_template", None)
    return hashlib.sha256(str(template).encode()).hexdigest() if template else None


def read_template(path: Path) -> str:
    """
    A chat template from a file.

    Raises
    ------
    DomainError
        For a file that cannot be read, is no UTF-8, or is empty.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DomainError(f"the chat template {str(path)!r} is no UTF-8 (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        words = error.strerror or type(error).__name__
        raise DomainError(f"the chat template {str(path)!r} cannot be read: {words}; name a file with a Jinja template") from error
    if not text.strip():
        raise DomainError(f"the chat template {str(path)!r} is empty; name a file with a Jinja template, or leave it out")
    return text
