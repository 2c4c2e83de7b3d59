"""Attack compute and defences: what is put around prompts, and (later) what is done to weights."""

from safescale.pressure.lexicon import lexicon, pieces

__all__ = ["lexicon", "pieces"]
