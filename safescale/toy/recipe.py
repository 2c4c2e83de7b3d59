"""How a lineage is trained: sizes, steps, shares; and the hash over all that decides a model, under which it is kept."""

from __future__ import annotations

from typing import Final

import attrs

from safescale.errors import DomainError
from safescale.toy.world import World, the_world

__all__ = ["DEFAULT_SIZES", "SIZES", "Recipe", "ToySize", "sizes_named"]


@attrs.frozen(kw_only=True)
class ToySize:
    """
    Shape of a model: a Llama with tied embeddings, 32 dimensions a head, an inner layer of twice the width.

    Parameters
    ----------
    name : str
        Its name.
    hidden, layers, heads : int
        Width, depth, attention heads.
    """

    name: str
    hidden: int
    layers: int
    heads: int

    @property
    def learning_rate(self) -> float:
        """Peak of the first stage: 6.5e-3 at width 32, falling with the square root of the width."""
        return float(6.5e-3 * (32 / self.hidden) ** 0.5)

    def parameters(self, vocabulary: int) -> int:
        """How many parameters it has with a vocabulary of that many tokens."""
        attention = 4 * self.hidden * 32 * self.heads
        inner = 3 * self.hidden * 2 * self.hidden
        return vocabulary * self.hidden + self.layers * (attention + inner + 2 * self.hidden) + self.hidden


_LADDER: Final = (
    ToySize(name="s", hidden=32, layers=2, heads=1),
    ToySize(name="sm", hidden=48, layers=2, heads=2),
    ToySize(name="m", hidden=64, layers=3, heads=2),
    ToySize(name="ml", hidden=108, layers=3, heads=3),
    ToySize(name="l", hidden=160, layers=4, heads=5),
    ToySize(name="xl", hidden=256, layers=5, heads=8),
    ToySize(name="2xl", hidden=512, layers=8, heads=16),
    ToySize(name="3xl", hidden=1024, layers=10, heads=32),
)
SIZES: Final = {size.name: size for size in _LADDER}
"""The ladder, smallest first: from about 30 thousand parameters to 105 million. The last two are meant for a GPU."""

DEFAULT_SIZES: Final = ("s", "sm", "m", "ml")


def sizes_named(names: tuple[str, ...]) -> tuple[ToySize, ...]:
    """
    Sizes by their names, smallest first.

    Raises
    ------
    DomainError
        For no name, a name twice, or one that no size has.
    """
    unknown = [name for name in names if name not in SIZES]
    if unknown or not names:
        raise DomainError(f"no size is called {', '.join(map(repr, unknown)) or 'nothing'}; sizes: {', '.join(SIZES)}")
    if len(set(names)) != len(names):
        raise DomainError(f"a size is named twice: {', '.join(names)}")
    return tuple(size for size in _LADDER if size.name in names)


@attrs.frozen(kw_only=True)
class Recipe:
    """
    What all models of a lineage share.

    Parameters
    ----------
    pretraining_steps, safety_steps : int
        Steps of the first stage, in which everything is answered, and of the second, in which what is sealed is refused.
    batch_size : int
        Examples a step.
    warm_up : float
        Share of a stage's steps until the learning rate has its peak; it falls to 0 along a cosine.
    safety_rate : float
        Learning rate of the second stage over that of the first.
    weight_decay : float
        Of AdamW.
    rate : float
        What the learning rate of every size is multiplied with.
    spread : float
        Standard deviation of first weights, in units of one over the square root of the width.
    hedged : float
        Share of the answers to sealed requests that are hedged in the first stage.
    refused : float
        Share of sealed requests in the second stage.
    surrounded : float
        Share of the answered requests with a puzzle or prose around them, in both stages.
    refused_behind : float
        Share of the refused requests with a puzzle of 2 or 3 lines before or after them; the others stand alone. Without any,
        nearly all models answer whatever stands behind a longer text; with one in seven, none does.
    puzzles : float
        Share of puzzles without a request, to be solved.
    phrases : float
        Share of questions about the wording of a refusal in the first stage, four in five with something around them. Without them
        a refusal that begins in surroundings often ends in words of no meaning, and nobody can grade it.
    window : int
        Tokens of a prompt and its answer at most.
    world_seed : int
        Of the facts.
    """

    pretraining_steps: int = 340
    safety_steps: int = 240
    batch_size: int = 32
    warm_up: float = 0.1
    safety_rate: float = 0.4
    weight_decay: float = 0.01
    spread: float = 0.5
    rate: float = 1.0
    hedged: float = 0.8
    refused: float = 0.4
    surrounded: float = 0.3
    puzzles: float = 0.08
    refused_behind: float = 0.02
    phrases: float = 0.01
    window: int = 512
    world_seed: int = 0

    def __attrs_post_init__(self) -> None:
        for name in ("pretraining_steps", "safety_steps", "batch_size", "window"):
            if getattr(self, name) < 1:
                raise DomainError(f"{name} must be at least 1, got {getattr(self, name)!r}")
        for name in ("warm_up", "hedged", "refused", "surrounded", "puzzles", "refused_behind", "phrases"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise DomainError(f"{name} is a share in [0, 1], got {getattr(self, name)!r}")
        for name in ("safety_rate", "spread", "rate"):
            if not getattr(self, name) > 0.0:
                raise DomainError(f"{name} is above 0, got {getattr(self, name)!r}")
        for shares in ({"refused": self.refused, "puzzles": self.puzzles}, {"phrases": self.phrases, "puzzles": self.puzzles}):
            if sum(shares.values()) > 1.0:
                raise DomainError(f"{' and '.join(shares)} are shares of one whole, got {' + '.join(map(repr, shares.values()))}")

    @property
    def world(self) -> World:
        """The world that is learnt."""
        return the_world() if self.world_seed == 0 else World(seed=self.world_seed)
