"""
safescale: does LLM safety change with scale, or with attack compute?

The rooms are imported by name (``import safescale.stats``); importing the package itself costs nothing.
"""

from safescale._version import __version__

__all__ = ["__version__"]
