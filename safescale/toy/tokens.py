"""A tokenizer of whole words: the world's, the puzzles', the prose's; digits one by one, a line's end a token."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from safescale.errors import MissingBackend
from safescale.pressure import lexicon
from safescale.toy.surroundings import ANSWER
from safescale.toy.world import World

__all__ = ["CHAT_TEMPLATE", "SPECIAL", "make_tokenizer", "vocabulary_of", "words_of"]

UNKNOWN, PAD, END = "<unk>", "<pad>", "<|end|>"
SPECIAL: Final = (UNKNOWN, PAD, END, "<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE: Final = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}"
    "{% if not (loop.last and message['role'] == 'assistant') or not continue_final_message|default(false) %}<|end|>{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_PIECES: Final = r"\n|[0-9]+|[^\W\d_]+(?:['’-][^\W\d_]+)*|[^\w\s]|_"
_WORD: Final = re.compile(_PIECES)
_MARKS: Final = tuple(".,:;?!()-'\"=+*/<>%&")


def words_of(text: str) -> list[str]:
    """Words, marks, line ends and digits of a text, as the tokenizer takes them apart (a digit after another as ``##d``)."""
    found: list[str] = []
    for piece in _WORD.findall(text.lower()):
        found += [piece[0], *(f"##{digit}" for digit in piece[1:])] if piece.isdigit() else [piece]
    return found


def vocabulary_of(world: World) -> tuple[str, ...]:
    """All tokens, in the order of their ids."""
    words = {"\n", *_MARKS, *"0123456789", *(f"##{digit}" for digit in "0123456789")}
    texts: Iterable[str] = (*world.texts, *world.items, *lexicon(), ANSWER)
    for text in texts:
        words.update(words_of(text))
    return (*SPECIAL, *sorted(words))


def make_tokenizer(world: World, folder: Path | None = None, *, window: int = 512) -> Any:
    """
    The tokenizer of a world (a ``PreTrainedTokenizerFast``); saved, where a folder is named.

    Raises
    ------
    MissingBackend
        Without transformers.
    """
    try:
        from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
        from transformers import PreTrainedTokenizerFast
    except ImportError as error:
        raise MissingBackend("transformers", "finetune") from error
    ids = {word: at for at, word in enumerate(vocabulary_of(world))}
    # the only pieces of words are digits that follow one: whatever else is not in the vocabulary is unknown as a whole
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=UNKNOWN, continuing_subword_prefix="##", max_input_chars_per_word=64))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECES), behavior="removed", invert=True)
    marks = [decoders.Replace(f" {mark}", mark) for mark in (":", ";", "\n")]
    tokenizer.decoder = decoders.Sequence([decoders.WordPiece(prefix="##", cleanup=True), *marks])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=UNKNOWN,
        pad_token=PAD,
        eos_token=END,
        clean_up_tokenization_spaces=False,
        model_max_length=window,
    )
    made.chat_template = CHAT_TEMPLATE
    if folder is not None:
        made.save_pretrained(str(folder))
    return made
