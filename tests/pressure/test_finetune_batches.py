"""Settings, batches and operations without any library: what is drawn, what it costs, what is refused."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safescale.errors import DomainError, MissingBackend
from safescale.pressure.finetune import FinetuneSetting, Pair, finetune_adapters, targets_of
from safescale.pressure.finetune.cost import Operations, finetune_flops, row_flops
from safescale.pressure.finetune.rows import TokenRow, batch_positions, end_of_answer
from safescale.pressure.tamper_resistance import TamperResistanceSetting, train_tamper_resistant

SIZES = st.integers(1, 40)
PAIRS = targets_of([Pair(prompt="zorble?", target="no")])


@given(SIZES, SIZES, st.integers(0, 5))
def test_every_example_is_shown_once_before_any_is_shown_again(examples: int, batch_size: int, seed: int) -> None:
    batches = itertools.islice(batch_positions(examples=examples, batch_size=batch_size, seed=seed), 12)
    shown = list(itertools.chain.from_iterable(batches))
    assert len(shown) == 12 * batch_size
    for at in range(0, len(shown) - examples + 1, examples):
        assert sorted(shown[at : at + examples]) == list(range(examples))
    counts = Counter(shown)
    assert max(counts.values()) - min(counts.get(at, 0) for at in range(examples)) <= 1


def test_another_seed_and_a_later_epoch_show_another_order() -> None:
    first = list(itertools.islice(batch_positions(examples=32, batch_size=32, seed=0), 2))
    assert first[0] != first[1]
    assert first[0] != next(batch_positions(examples=32, batch_size=32, seed=1))
    assert list(itertools.islice(batch_positions(examples=32, batch_size=32, seed=0), 2)) == first


def test_operations_of_a_hand_computed_row() -> None:
    # 3 tokens, 10 frozen and 2 trained weights, one layer of 2 heads of width 4:
    # forward 3*(20+4), backward through activations the same, adapter's gradient 3*4, attention 3*4*9*8
    own = Operations(frozen=10, trained=2, attention=8)
    assert finetune_flops(own, [3]) == 72 + 72 + 12 + 3 * 4 * 9 * 8
    assert finetune_flops(own, [3, 3, 1]) == 2 * finetune_flops(own, [3]) + finetune_flops(own, [1])
    assert row_flops(own, TokenRow((1, 2, 3, 4), 2)) == finetune_flops(own, [3])


class Talker:
    """A tokenizer of letters whose template puts words behind an answer."""

    chat_template = "there is one"

    def __init__(self, behind: str, eos: str | None) -> None:
        self.behind, self.eos_token_id = behind, None if eos is None else ord(eos)

    def apply_chat_template(self, messages: list[dict[str, str]], **options: object) -> str:
        return "".join(f"<{m['content']}{self.behind}" for m in messages)

    def __call__(self, text: str, **options: object) -> dict[str, list[int]]:
        return {"input_ids": [ord(letter) for letter in text]}


@pytest.mark.parametrize(
    ("behind", "eos", "ends", "learnt"),
    [
        ("!\n", "$", "!$", "!"),  # a template with an end of its own, as of ChatML, and what is behind it is not learnt
        ("", "$", "$", "$"),  # no end in the template: the tokenizer's own
        (" .!", "$", "!", " .!"),  # what stands before the end is said too
        ("", None, "!", "!"),  # only the model's defaults know an end
    ],
)
def test_the_token_that_ends_an_answer_is_the_one_the_template_puts_there(
    behind: str, eos: str | None, ends: str, learnt: str
) -> None:
    found = end_of_answer(Talker(behind, eos), [ord(letter) for letter in ends])
    assert "".join(map(chr, found)) == learnt


def test_a_model_whose_texts_nothing_ends_is_refused() -> None:
    with pytest.raises(DomainError, match="no token of this model ends a text"):
        end_of_answer(Talker("", None), [])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"examples": ()}, "examples must be"),
        ({"examples": (4, 4)}, "examples must be"),
        ({"steps": (0, 5)}, "steps must be"),
        ({"rank": 0}, "rank is at least 1"),
        ({"batch_size": 0}, "batch_size is at least 1"),
        ({"threads": 0}, "threads is at least 1"),
        ({"alpha": 0}, "alpha is above 0"),
        ({"learning_rate": float("inf")}, "learning_rate is above 0"),
        ({"learning_rate": float("nan")}, "learning_rate is above 0"),
        ({"seed": -1}, "seed is at least 0"),
        ({"dtype": "int8"}, "dtype must be one of"),
    ],
)
def test_settings_outside_their_range_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        FinetuneSetting(**{"examples": 4, "steps": 5, **wrong})  # type: ignore[arg-type]


def test_one_size_may_be_said_as_a_number() -> None:
    assert FinetuneSetting(examples=4, steps=5) == FinetuneSetting(examples=(4,), steps=(5,))


@pytest.mark.parametrize("name", ["outer_steps", "inner_steps", "batch_size", "threads", "learning_rate", "refusal_weight"])
def test_a_defence_outside_its_range_is_refused(name: str) -> None:
    with pytest.raises(DomainError, match=name):
        TamperResistanceSetting(**{name: 0})  # type: ignore[arg-type]
    with pytest.raises(DomainError, match="seed"):
        TamperResistanceSetting(seed=-1)


def test_without_the_libraries_the_extra_is_named_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingBackend, match=r"pip install 'safescale\[finetune\]'"):
        finetune_adapters(tmp_path, PAIRS, FinetuneSetting(examples=1, steps=1), tmp_path / "a")
    with pytest.raises(MissingBackend, match=r"pip install 'safescale\[finetune\]'"):
        train_tamper_resistant(
            tmp_path, attack=PAIRS, refusals=PAIRS, retain=PAIRS, setting=TamperResistanceSetting(), into=tmp_path / "b"
        )
    assert not list(tmp_path.iterdir())
