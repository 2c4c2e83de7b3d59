"""The rendering: one template, one set of token ids, every refusal in words; with a tokenizer made of words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from safescale.engines import Answer, FaultCode, Message, Request
from safescale.engines.rendering import Rendered, read_template, render, template_sha256
from safescale.errors import DomainError


@attrs.define
class Words:
    """A tokenizer: a token a word, numbered by its length."""

    chat_template: Any = "a template"
    refuses: Exception | None = None
    seen: dict[str, Any] = attrs.field(factory=dict)

    def apply_chat_template(self, conversation: Any, **options: Any) -> Any:
        self.seen = options
        if self.refuses is not None:
            raise self.refuses
        if not self.chat_template:
            raise ValueError("tokenizer.chat_template is not set")
        words = [word for message in conversation for word in (message["role"], *message["content"].split())]
        return {"input_ids": [len(word) for word in words], "attention_mask": [1] * len(words)}

    def encode(self, text: str, **options: Any) -> list[int]:
        return [len(word) for word in text.split()]


def chat(*contents: str, prefill: str | None = None) -> Request:
    messages = [Message(role="user", content=content) for content in contents]
    if prefill is not None:
        messages.append(Message(role="assistant", content=prefill))
    return Request(messages=tuple(messages))


def failed(result: Rendered | Answer) -> tuple[FaultCode, str]:
    assert isinstance(result, Answer)
    assert result.fault is not None
    assert result.text is None
    return result.fault.code, result.fault.message


def test_a_chat_opens_the_answer_and_a_prefill_goes_on() -> None:
    words = Words()
    rendered = render(words, chat("tove wabe"), max_model_len=None)
    assert isinstance(rendered, Rendered)
    assert rendered.token_ids == (4, 4, 4)
    assert (words.seen["add_generation_prompt"], words.seen["continue_final_message"]) == (True, False)
    render(words, chat("tove", prefill="mimsy"), max_model_len=None)
    assert (words.seen["add_generation_prompt"], words.seen["continue_final_message"]) == (False, True)


def test_raw_text_passes_no_template() -> None:
    rendered = render(Words(chat_template=None), Request(text="tove gimble"), max_model_len=None)
    assert isinstance(rendered, Rendered)
    assert rendered.token_ids == (4, 6)


@pytest.mark.parametrize("request_", [chat(""), chat(" \n"), Request(text="")])
def test_nothing_asked_is_an_empty_prompt(request_: Request) -> None:
    assert failed(render(Words(), request_, max_model_len=None))[0] is FaultCode.EMPTY_PROMPT


def test_a_prompt_needs_room_for_one_token() -> None:
    assert isinstance(render(Words(), chat("tove wabe"), max_model_len=4), Rendered)
    code, message = failed(render(Words(), chat("tove wabe"), max_model_len=3))
    assert code is FaultCode.TOO_LONG
    assert "3 tokens and the window 3" in message


def test_no_template_says_what_to_do() -> None:
    code, message = failed(render(Words(chat_template=None), chat("tove"), max_model_len=None))
    assert code is FaultCode.NO_CHAT_TEMPLATE
    assert "models.yaml (chat_template: FILE)" in message


@pytest.mark.parametrize("error", [ValueError("roles must alternate"), RuntimeError("'dict object' has no attribute 'x'")])
def test_a_template_that_refuses_is_a_bad_request(error: Exception) -> None:
    code, message = failed(render(Words(refuses=error), chat("tove"), max_model_len=None))
    assert code is FaultCode.BAD_REQUEST
    assert str(error) in message


def test_the_hash_is_of_the_template_in_use() -> None:
    assert template_sha256(Words(chat_template=None)) is None
    assert template_sha256(Words(chat_template="a")) != template_sha256(Words(chat_template="b"))


def test_a_template_file_is_read_or_missed_in_words(tmp_path: Path) -> None:
    (tmp_path / "t.jinja").write_text("{{ messages }}", encoding="utf-8")
    assert read_template(tmp_path / "t.jinja") == "{{ messages }}"
    with pytest.raises(DomainError, match=r"chat template .*none.jinja.* cannot be read"):
        read_template(tmp_path / "none.jinja")
    (tmp_path / "b.jinja").write_bytes(b"\xff\xfe")
    with pytest.raises(DomainError, match="no UTF-8"):
        read_template(tmp_path / "b.jinja")
    (tmp_path / "e.jinja").write_text("  ", encoding="utf-8")
    with pytest.raises(DomainError, match="is empty"):
        read_template(tmp_path / "e.jinja")
