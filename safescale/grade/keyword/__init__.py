"""Graders that look for phrases: published lists as they are, and rules of our own."""
