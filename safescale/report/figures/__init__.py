"""Figures: drawn from result objects with matplotlib, and saved as SVG, PDF and PNG."""
