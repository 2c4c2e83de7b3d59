"""Prompts x models x conditions to traces: runs that resume, lose nothing and say what made them."""
