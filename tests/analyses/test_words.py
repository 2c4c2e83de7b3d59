"""Sizes in words: few digits at every scale."""

from __future__ import annotations

import pytest

from safescale.analyses.words import size_words


@pytest.mark.parametrize(
    ("params_b", "words"),
    [
        *((0.8, "0.8B"), (70.0, "70B"), (0.1, "0.1B"), (1.25, "1.25B"), (0.0995, "99.5M"), (0.03, "30M")),
        *((0.0042, "4.2M"), (0.001, "1M"), (0.0009996, "1M"), (0.00025, "250k"), (3.1744e-5, "31.7k"), (9e-7, "0.9k")),
    ],
)
def test_small_models_are_counted_in_thousands_and_millions(params_b: float, words: str) -> None:
    assert size_words(params_b) == words
