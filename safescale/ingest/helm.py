"""Adapter ``helm``: files of HELM runs are recognised and refused, with what to do instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.bytes_in import head_bytes
from safescale.ingest.refused import Refusal, refused

__all__ = ["Helm"]

_SPEC: Final = re.compile(rb'"scenario_spec"\s*:\s*\{\s*"class_name"\s*:\s*"')
_STATE: Final = re.compile(rb'\A\s*\{\s*"adapter_spec"\s*:\s*\{\s*"method"\s*:\s*"')
_PER_INSTANCE: Final = re.compile(
    rb'\A\s*\[\s*\{\s*"instance_id"\s*:\s*"[^"]*"\s*,\s*(?:"perturbation"\s*:|"train_trial_index"\s*:)'
)
_STATS: Final = re.compile(rb'\A\s*\[\s*\{\s*"name"\s*:\s*\{\s*"name"\s*:\s*"')
_KINDS: Final = (
    (_STATE, "scenario_state", "prompts and completions without verdicts"),
    (_PER_INSTANCE, "per_instance_stats", "capability metrics for each instance"),
    (_STATS, "stats", "metrics averaged over a run"),
    (_SPEC, "run_spec", "the settings of a run"),
)
_EXPECTED: Final = (
    "verdicts on harmful requests; HELM stores completions and metrics apart, and calls no metric a verdict: "
    "join them to a table with one row a response, and read it with --map"
)


class Helm:
    """``scenario_state``, ``per_instance_stats``, ``stats`` and ``run_spec`` of a HELM run: each is one reject of the file."""

    name = "helm"
    facts = FormatFacts(
        files="HELM run files (scenario_state, per_instance_stats, stats, run_spec .json): recognised, and refused",
        polarity="none: HELM's metrics are capability metrics, and its safety scores are averages of several judges",
        outcome_map="none",
        denominator="none",
        cluster_key="none",
        attempts="none",
    )

    def context(self, path: Path) -> str:
        """Nothing: the bytes say all."""
        return ""

    def recognises(self, probe: Probe) -> bool:
        """JSON that begins as one of HELM's files does."""
        return probe.stem.endswith(".json") and _kind(probe.head) is not None

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """Refuse the file."""
        name, holds = _kind(head_bytes(path)) or ("another", "something else")
        yield from refused(path, Refusal(what=f"a HELM {name} file: {holds}", expected=_EXPECTED))


def _kind(head: bytes) -> tuple[str, str] | None:
    head = head.removeprefix(b"\xef\xbb\xbf")
    for pattern, name, holds in _KINDS:
        if pattern.search(head) is not None and (pattern is not _STATS or b'"sum_squared"' in head):
            return name, holds
    return None
