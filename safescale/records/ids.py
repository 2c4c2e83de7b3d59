"""Identifiers that are easily swapped, each with a type of its own."""

from __future__ import annotations

from typing import NewType

__all__ = ["AttackClass", "GraderId", "ModelId", "PromptId", "TraceId"]

ModelId = NewType("ModelId", str)
AttackClass = NewType("AttackClass", str)
PromptId = NewType("PromptId", str)
TraceId = NewType("TraceId", str)
GraderId = NewType("GraderId", str)
