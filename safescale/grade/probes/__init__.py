"""Probes of graders: what a harmless change of a response does to its verdict, mechanism by mechanism."""

from safescale.grade.probes.items import Mechanism, Probe, ProbeSet, probe_set
from safescale.grade.probes.results import MechanismResult, ProbeResult, WrongProbe
from safescale.grade.probes.run import probe_grader
from safescale.grade.probes.said import probe_json, probe_text

__all__ = [
    "Mechanism",
    "MechanismResult",
    "Probe",
    "ProbeResult",
    "ProbeSet",
    "WrongProbe",
    "probe_grader",
    "probe_json",
    "probe_set",
    "probe_text",
]
