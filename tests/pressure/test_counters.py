"""How long a text is in a model's tokens, and what is said where that cannot be known."""

from __future__ import annotations

import builtins
import json
from pathlib import Path

import pytest

from safescale.errors import DataError, MissingBackend
from safescale.pressure import WORDS, NeutralBefore, PuzzleSet, count_words, lexicon, tokenizer_counter


def test_counts_words_numbers_and_marks() -> None:
    assert count_words("Who arrives earlier, Anna or Ben?") == 8
    assert count_words("slot 12.\n\n slot") == 4
    assert WORDS("") == 0


@pytest.fixture
def without_tokenizers(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: object, **more: object) -> object:
        if name.partition(".")[0] in ("tokenizers", "transformers"):
            raise ImportError(name)
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.mark.usefixtures("without_tokenizers")
def test_names_the_extra_where_tokenizers_is_missing_and_falls_back_only_when_told_to(tmp_path: Path) -> None:
    with pytest.raises(MissingBackend, match=r"transformers is not installed.*safescale\[hf\]"):
        tokenizer_counter(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(MissingBackend, match=r"tokenizers is not installed.*safescale\[hf\]"):
        tokenizer_counter(tmp_path)
    instead = tokenizer_counter(tmp_path, fallback=WORDS)
    assert instead.name == "words and marks (tokenizers is not installed)"
    assert instead("one two") == 2
    assert instead.missing == "tokenizers"
    made = PuzzleSet.of(["a"])
    assert "tokenizers is not installed" in NeutralBefore.of(made, counter=instead).identity


def test_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"tokenizer lies in a folder \[.*absent.*got no folder"):
        tokenizer_counter(tmp_path / "absent", fallback=WORDS)


@pytest.mark.hf
def test_prose_is_as_long_as_the_puzzle_in_subword_tokens(tmp_path: Path) -> None:
    """Trained on the spot on the lexicon's letters, so that words fall into several tokens."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(
        sorted(lexicon()), trainers.BpeTrainer(vocab_size=320, special_tokens=["[UNK]"], show_progress=False)
    )
    tokenizer.enable_truncation(4)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    counter = tokenizer_counter(tmp_path)
    made = PuzzleSet.of([f"p{number}" for number in range(100)])
    text = made["p1"].text
    assert counter(text) > 1.3 * count_words(text), "truncation is off, and words fall into several tokens"
    control = NeutralBefore.of(made, counter=counter)
    assert (control.missed, control.furthest_off) == (0, 0)
    assert all(counter(prose.text) == counter(made[key].text) for key, prose in control.prose.items())
    other = tmp_path / "copy"
    other.mkdir()
    (other / "tokenizer.json").write_bytes((tmp_path / "tokenizer.json").read_bytes())
    assert tokenizer_counter(other).name == counter.name
    changed = json.loads((other / "tokenizer.json").read_text())
    changed["added_tokens"] = []
    (other / "tokenizer.json").write_text(json.dumps(changed))
    assert tokenizer_counter(other).name != counter.name


@pytest.mark.hf
def test_says_that_a_tokenizer_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tokenizer cannot be read"):
        tokenizer_counter(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match=r"tokenizer cannot be read.*tokenizer\.json"):
        tokenizer_counter(tmp_path, fallback=WORDS)
