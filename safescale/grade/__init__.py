"""Graders: validation samples for people to label, and their labels read back."""

from safescale.grade.allocation import allocate
from safescale.grade.key import SampleKey, read_key
from safescale.grade.labels import HumanLabels, LabelledTrace, read_labels
from safescale.grade.sample import Sample, SampledTrace, Stratum, draw_sample
from safescale.grade.sheet import LABELS, SheetFormat, SheetTexts, write_sample

__all__ = [
    "LABELS",
    "HumanLabels",
    "LabelledTrace",
    "Sample",
    "SampleKey",
    "SampledTrace",
    "SheetFormat",
    "SheetTexts",
    "Stratum",
    "allocate",
    "draw_sample",
    "read_key",
    "read_labels",
    "write_sample",
]
