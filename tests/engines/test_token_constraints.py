"""Choices by tokens, in words of a tokenizer that needs no library: which tokens may come, and where an answer may end."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from safescale.engines import Answer, Constraint, EngineSpec, FaultCode, Message, Request, open_engine
from safescale.engines.token_constraints import ChoiceConstraint, TokenConstraint, constrained
from safescale.errors import MissingBackend

VOCABULARY = 130
END = 3


class Letters:
    """One token a letter, its code; what is no ASCII is not spelled."""

    def encode(self, text: str, **options: Any) -> list[int]:
        return [min(ord(letter), 127) for letter in text]

    def decode(self, ids: list[int], **options: Any) -> str:
        return "".join(map(chr, ids))


def begun(*choices: str, end_ids: tuple[int, ...] = (END,)) -> TokenConstraint | Answer:
    request = Request(messages=(Message(role="user", content="tove"),), constraint=Constraint(kind="choice", choices=choices))
    return constrained(request, Letters(), None, end_ids, VOCABULARY)


def letters(state: TokenConstraint) -> str:
    return "".join(chr(token) if token != END else "." for token in state.allowed().nonzero()[0])


def test_only_letters_of_labels_that_go_on_are_allowed() -> None:
    state = begun("yes", "yet", "no")
    assert isinstance(state, ChoiceConstraint)
    assert letters(state) == "ny"
    for letter, then in (("y", "e"), ("e", "st")):
        state.take(ord(letter))
        assert letters(state) == then
        assert not state.accepting
    state.take(ord("t"))
    assert (state.accepting, state.finished, letters(state)) == (True, True, ".")
    assert state.text(" yet") == "yet"


def test_a_label_that_begins_another_may_end_or_go_on() -> None:
    state = begun("no", "nor")
    assert isinstance(state, ChoiceConstraint)
    state.take(ord("n"))
    state.take(ord("o"))
    assert (state.accepting, state.finished, letters(state)) == (True, False, ".r")
    state.take(END)
    assert state.text("no") == "no"


@pytest.mark.parametrize(
    ("choices", "end_ids", "words"), [(("tövé",), (END,), "cannot spell 'tövé'"), (("no", "nor"), (), "no token that ends a text")]
)
def test_a_choice_that_cannot_be_forced_is_said(choices: tuple[str, ...], end_ids: tuple[int, ...], words: str) -> None:
    failed = begun(*choices, end_ids=end_ids)
    assert isinstance(failed, Answer)
    assert failed.fault is not None
    assert failed.fault.code is FaultCode.CANNOT_CONSTRAIN
    assert words in failed.fault.message


@pytest.mark.parametrize(
    ("missing", "adapters", "extra"),
    [("torch", {}, "hf"), ("transformers", {}, "hf"), ("peft", {"crimson": "/nowhere"}, "finetune")],
)
def test_a_missing_library_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, missing: str, adapters: dict[str, str], extra: str
) -> None:
    """In the base environment too: nothing heavy is imported before it is asked for."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *_: None if name == missing else object())
    with pytest.raises(MissingBackend, match=rf"{missing} is not installed; install it with: pip install 'safescale\[{extra}\]'"):
        open_engine(EngineSpec(engine="transformers", model="zorble", adapters=adapters))
