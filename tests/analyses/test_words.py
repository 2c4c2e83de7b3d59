"""Words of single numbers."""

import pytest

from safescale.analyses.words import size_words


@pytest.mark.parametrize(
    ("params_b", "words"),
    [
        (70.0, "70B"),
        (0.8, "0.8B"),
        (0.07, "0.07B"),
        (0.01, "0.01B"),
        (0.005, "5M"),
        (0.0012345, "1.234M"),
        (0.001, "1M"),
        (0.00003, "30k"),
        (0.0009, "900k"),
    ],
)
def test_toy_sizes_are_read_in_millions_and_thousands(params_b, words):
    assert size_words(params_b) == words
