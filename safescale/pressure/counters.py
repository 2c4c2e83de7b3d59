"""How long a text is: in words and marks, or in the tokens of a model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from safescale.errors import DataError, MissingBackend
from safescale.pressure.puzzles.words import pieces

__all__ = ["WORDS", "TokenCounter", "count_words", "tokenizer_counter"]


def count_words(text: str) -> int:
    """
    Words, numbers and punctuation marks of a text; white space is none.

    >>> count_words("Who arrives earlier, Anna or Ben?")
    8
    """
    return len(pieces(text))


@attrs.frozen
class TokenCounter:
    """
    A length by name.

    Parameters
    ----------
    name : str
        What is counted; it goes into the identity of what is fitted with it.
    count : callable
        From a text to its length, special tokens left out. Unit: tokens.
    missing : str, optional
        The package that is not installed, where this stands in for a tokenizer.
    """

    name: str
    count: Callable[[str], int] = attrs.field(eq=False, repr=False)
    missing: str | None = None

    def __call__(self, text: str) -> int:
        """Length of a text. Unit: tokens."""
        return self.count(text)


WORDS: Final = TokenCounter("words and marks", count_words)


def tokenizer_counter(folder: Path, *, fallback: TokenCounter | None = None) -> TokenCounter:
    """
    The counter of a Hugging Face folder's tokenizer.

    Parameters
    ----------
    folder : Path
        Holds ``tokenizer.json``, or whatever else transformers can open; nothing is downloaded and no code of the folder is run.
    fallback : TokenCounter, optional
        What counts instead where tokenizers is not installed. Its name then says so, and with it every text so matched.

    Returns
    -------
    TokenCounter
        Named by the content of the tokenizer, not by where it lies.

    Raises
    ------
    MissingBackend
        When tokenizers (or transformers, for a folder without ``tokenizer.json``) is not installed and there is no fallback.
    DataError
        When the folder holds no tokenizer that can be read.
    """
    if not folder.is_dir():
        raise DataError("a tokenizer lies in a folder", file=str(folder), expected="a Hugging Face folder", got="no folder")
    file = folder / "tokenizer.json"
    try:
        return _fast(file) if file.is_file() else _slow(folder)
    except MissingBackend as error:
        if fallback is None:
            raise
        return TokenCounter(f"{fallback.name} ({error.package} is not installed)", fallback.count, error.package)


def _fast(file: Path) -> TokenCounter:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingBackend("tokenizers", "hf") from None
    content = file.read_bytes()
    try:
        tokenizer = Tokenizer.from_str(content.decode("utf-8"))
    except Exception as error:  # tokenizers raises Exception itself
        raise DataError(f"the tokenizer cannot be read: {error}", file=str(file), expected="a tokenizer.json") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    name = f"tokenizer {hashlib.sha256(content).hexdigest()[:16]}"
    return TokenCounter(name, lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids))


def _slow(folder: Path) -> TokenCounter:
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise MissingBackend("transformers", "hf") from None
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"the tokenizer cannot be read: {error}", file=str(folder), expected="a Hugging Face folder") from error
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.iterdir() if path.is_file() and path.suffix in {".json", ".model", ".txt"}):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return TokenCounter(f"tokenizer {digest.hexdigest()[:16]}", lambda text: len(tokenizer.encode(text, add_special_tokens=False)))
