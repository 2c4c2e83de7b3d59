"""Simulated corpora with known truth, in the shapes that real ones have. Every word in them is invented."""

from safescale.simulate.corpus import simulate_corpus
from safescale.simulate.example import write_example
from safescale.simulate.plan import CorpusPlan, FileTruth, SimulatedModel, Truth

__all__ = ["CorpusPlan", "FileTruth", "SimulatedModel", "Truth", "simulate_corpus", "write_example"]
