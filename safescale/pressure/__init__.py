"""Attack compute and defences: what is put around prompts, and (later) what is done to weights."""

from safescale.pressure.counters import WORDS, TokenCounter, count_words, tokenizer_counter
from safescale.pressure.lexicon import lexicon, pieces
from safescale.pressure.prose import NeutralProse, neutral_prose, prose_for
from safescale.pressure.templates import read_templates
from safescale.pressure.transforms import NeutralBefore, PuzzleAfter, PuzzleAlone, PuzzleBefore, PuzzleSet, Template

__all__ = [
    "WORDS",
    "NeutralBefore",
    "NeutralProse",
    "PuzzleAfter",
    "PuzzleAlone",
    "PuzzleBefore",
    "PuzzleSet",
    "Template",
    "TokenCounter",
    "count_words",
    "lexicon",
    "neutral_prose",
    "pieces",
    "prose_for",
    "read_templates",
    "tokenizer_counter",
]
