"""Everything that a report is written from: typed results, and where the rows came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import attrs

from safescale.analyses import FirstLook, InverseScalingResult
from safescale.analyses.switched import SwitchEffect
from safescale.audit import AuditResult
from safescale.example import SIMULATED_SOURCE

__all__ = ["MODEL_COLUMNS", "CorpusFacts", "Facts", "ModelFact", "SourceFile", "Unread"]

MODEL_COLUMNS = (
    "model_id",
    "canonical_id",
    "params_total_b",
    "params_active_b",
    "size_source",
    "developer",
    "family",
    "lineage",
    "tampering",
    "size_note",
)


@attrs.frozen(kw_only=True)
class SourceFile:
    """One ingested file, as the ledger of the corpus has it."""

    file: str
    format: str
    rows_in: int
    fates: Mapping[str, int]
    reject_codes: Mapping[str, int]


@attrs.frozen(kw_only=True)
class Unread:
    """A file of which nothing was read, and why."""

    file: str
    code: str
    expected: str
    got: str


@attrs.frozen(kw_only=True)
class ModelFact:
    """What the registry says of a model of the corpus."""

    model_id: str
    canonical_id: str
    params_total_b: float | None
    params_active_b: float | None
    size_source: str
    developer: str | None
    family: str | None
    lineage: str | None
    tampering: str
    size_note: str | None = None


@attrs.frozen(kw_only=True)
class CorpusFacts:
    """
    Where the rows came from.

    ``corpus`` is the path of a stored corpus, None for a temporary one; ``unread`` lists files without any row.
    """

    corpus: str | None
    fingerprint: str
    files: tuple[SourceFile, ...]
    unread: tuple[Unread, ...]
    sources: tuple[str, ...]
    models: tuple[ModelFact, ...]

    @property
    def rows_in(self) -> int:
        """Rows read."""
        return sum(file.rows_in for file in self.files)

    @property
    def fates(self) -> Mapping[str, int]:
        """Fates of all rows."""
        total: Counter[str] = Counter()
        for file in self.files:
            total.update(file.fates)
        return dict(sorted(total.items()))

    @property
    def reject_codes(self) -> Mapping[str, int]:
        """Rejects by code, of rows and of whole files, the most frequent first."""
        total: Counter[str] = Counter(unread.code for unread in self.unread)
        for file in self.files:
            total.update(file.reject_codes)
        return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))

    @property
    def simulated(self) -> bool:
        """Whether any row says of itself that it was simulated."""
        return SIMULATED_SOURCE in self.sources


@attrs.frozen(kw_only=True)
class Facts:
    """
    What one report is made of.

    ``command`` repeats the report, ``analyze_command`` its first analysis; ``effects`` is that analysis without each exclusion.
    ``audit`` is what is suspicious in the corpus, ``audit_arguments`` what the command that finds it again is given.
    """

    version: str
    command: str
    analyze_command: str
    corpus: CorpusFacts
    look: FirstLook
    scaling: InverseScalingResult
    effects: tuple[SwitchEffect, ...] = ()
    audit: AuditResult | None = None
    audit_arguments: tuple[str, ...] = ()

    @property
    def watermark(self) -> str | None:
        """What is written across everything that rests on simulated rows."""
        return "SIMULATED" if self.corpus.simulated else None
