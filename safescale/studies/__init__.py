"""Whole experiments, composed of the other rooms."""
