"""The sampler against its definition: frequencies are the probabilities, cuts keep what the library's own cuts keep."""

from __future__ import annotations

import math
from typing import Any

import pytest

from safescale.engines import Sampling
from safescale.engines.token_choice import TokenChooser, uniforms

pytestmark = pytest.mark.hf


def logits() -> Any:
    import torch

    return torch.randn(1, 40, generator=torch.Generator().manual_seed(3)) * 2


def drawn(sampling: dict[str, float], count: int = 6000) -> list[int]:
    """One token for each of many seeds, a batch at a time."""
    import torch

    samplings = [Sampling(seed=seed, **sampling) for seed in range(count)]  # type: ignore[arg-type]
    chooser = TokenChooser(samplings, [1] * count, torch.device("cpu"))
    tokens = chooser.choose(logits().expand(count, -1), range(count), [0] * count)
    return [int(token) for token in tokens]


@pytest.mark.parametrize(
    "sampling",
    [
        {"temperature": 1.0},
        {"temperature": 0.5},
        {"temperature": 1.5, "top_k": 7},
        {"temperature": 1.0, "top_p": 0.8},
        {"temperature": 1.3, "top_k": 12, "top_p": 0.7},
    ],
)
def test_frequencies_are_the_probabilities_that_transformers_keeps(sampling: dict[str, float]) -> None:
    from scipy.stats import chisquare
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    kept = TemperatureLogitsWarper(sampling["temperature"])(None, logits())
    if "top_k" in sampling:
        kept = TopKLogitsWarper(int(sampling["top_k"]))(None, kept)
    if "top_p" in sampling:
        kept = TopPLogitsWarper(sampling["top_p"])(None, kept)
    shares = kept[0].softmax(-1).tolist()
    tokens = drawn(sampling)
    counts = [tokens.count(token) for token in range(40)]
    assert all(shares[token] > 0 for token in set(tokens)), "a token that is cut was drawn"
    likely = [token for token, share in enumerate(shares) if share * len(tokens) >= 5]
    rest = 1.0 - sum(shares[token] for token in likely)
    observed = [counts[token] for token in likely]
    expected = [shares[token] * len(tokens) for token in likely]
    if rest * len(tokens) > 1e-9:
        observed.append(len(tokens) - sum(observed))
        expected.append(rest * len(tokens))
    assert len(likely) > 2
    assert chisquare(observed, [value * sum(observed) / sum(expected) for value in expected]).pvalue > 1e-3


def test_rows_of_a_batch_do_not_share_their_settings() -> None:
    import torch

    samplings = [
        Sampling(),
        Sampling(temperature=1.0, seed=1),
        Sampling(temperature=5.0, top_k=1, seed=2),
        Sampling(temperature=9.0, seed=3),
    ]
    together = TokenChooser(samplings, [3] * 4, torch.device("cpu")).choose(logits().expand(4, -1), range(4), [2] * 4)
    for row, sampling in enumerate(samplings):
        alone = TokenChooser([sampling], [3], torch.device("cpu")).choose(logits(), [0], [2])
        assert int(alone[0]) == int(together[row])
    assert int(together[0]) == int(together[2]) == int(logits().argmax())


def test_a_forbidden_token_is_never_drawn() -> None:
    import torch

    masked = logits().expand(4000, -1).clone()
    masked[:, ::2] = -math.inf
    samplings = [Sampling(temperature=3.0, seed=seed) for seed in range(4000)]
    tokens = TokenChooser(samplings, [1] * 4000, torch.device("cpu")).choose(masked, range(4000), [0] * 4000)
    assert set((tokens % 2).tolist()) == {1}


def test_a_seed_of_any_sign_and_size_has_its_numbers() -> None:
    first, second = uniforms(Sampling(seed=-5), 4), uniforms(Sampling(seed=2**70 + 1), 4)
    assert len(first) == len(second) == 4
    assert list(uniforms(Sampling(seed=-5), 9)[:4]) == list(first)
    assert list(uniforms(Sampling(), 4)) != list(uniforms(Sampling(), 4))
