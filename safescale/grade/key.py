"""The key of a sample: what the raters must not see, and the analysis must."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.cells import Selection
from safescale.errors import DataError
from safescale.grade.sample import DESIGN_WORDS, Sample, SampledTrace, Stratum

__all__ = ["KEY_SUFFIX", "SampleKey", "find_key", "key_json", "read_key"]

KEY_SUFFIX: Final = ".key.json"
VERSION: Final = 1

SampleKey = Sample
"""A key holds all of the sample."""


def key_json(sample: Sample) -> str:
    """The key as JSON: the design, each stratum with its inclusion probability, each trace with its stratum."""
    whole = {
        "safescale_sample": VERSION,
        "fingerprint": sample.fingerprint,
        "grader": sample.grader,
        "target": sample.target,
        "seed": sample.seed,
        "requested": sample.requested,
        "design": DESIGN_WORDS,
        "selection": attrs.asdict(sample.selection),
        "strata": [
            {
                "condition": stratum.condition,
                "verdict": stratum.verdict,
                "size": stratum.size,
                "sampled": stratum.sampled,
                "inclusion_probability": stratum.inclusion_probability,
            }
            for stratum in sample.strata
        ],
        "traces": [
            {
                "sample_id": trace.sample_id,
                "trace_id": trace.trace_id,
                "stratum": trace.stratum,
                "verdict": sample.strata[trace.stratum].verdict,
                "inclusion_probability": sample.strata[trace.stratum].inclusion_probability,
            }
            for trace in sample.traces
        ],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def find_key(sheet: Path) -> Path:
    """
    The key that belongs to a sheet: of the same name, else the only one in its folder.

    Raises
    ------
    DataError
        If there is none, or several.
    """
    own = sheet.with_name(sheet.name + KEY_SUFFIX)
    if own.exists():
        return own
    others = sorted(sheet.parent.glob(f"*{KEY_SUFFIX}"))
    if len(others) == 1:
        return others[0]
    if not others:
        raise DataError(f"no key lies beside these labels; name it with --key (expected {own.name})", file=str(sheet))
    raise DataError(
        f"{len(others)} keys lie beside these labels; name one with --key: {', '.join(p.name for p in others)}", file=str(sheet)
    )


def read_key(path: Path) -> Sample:
    """
    Read a key.

    Raises
    ------
    DataError
        If the file cannot be read, is no key, or contradicts itself.
    """
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"the key cannot be read ({error.strerror})", file=str(path)) from error
    except ValueError as error:
        raise DataError("the key is not JSON; take the file that `safescale grade sample` wrote", file=str(path)) from error
    if not isinstance(whole, dict) or whole.get("safescale_sample") != VERSION:
        got = whole.get("safescale_sample") if isinstance(whole, dict) else type(whole).__name__
        raise DataError(
            "this is not the key of a sample",
            file=str(path),
            column="safescale_sample",
            expected=str(VERSION),
            got=str(got),
        )
    try:
        sample = _sample(whole)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"the key lacks or garbles a field ({error}); take the file as `safescale grade sample` wrote it", file=str(path)
        ) from error
    counted = [0] * len(sample.strata)
    for row, trace in enumerate(sample.traces, start=1):
        if not 0 <= trace.stratum < len(sample.strata):
            raise DataError(
                "a trace of the key is in no stratum", file=str(path), row=row, column="stratum", got=str(trace.stratum)
            )
        counted[trace.stratum] += 1
    for at, (stratum, n) in enumerate(zip(sample.strata, counted, strict=True)):
        if n != stratum.sampled or not 0 < n <= stratum.size:
            raise DataError(
                f"the key contradicts itself in stratum {at} ({stratum.condition}, {stratum.verdict})",
                file=str(path),
                column="sampled",
                expected=f"{n} traces, of at most {stratum.size}",
                got=str(stratum.sampled),
            )
    return sample


def _sample(whole: dict[str, Any]) -> Sample:
    strata = tuple(
        Stratum(condition=str(s["condition"]), verdict=str(s["verdict"]), size=int(s["size"]), sampled=int(s["sampled"]))
        for s in whole["strata"]
    )
    return Sample(
        fingerprint=str(whole["fingerprint"]),
        grader=str(whole["grader"]),
        target=str(whole["target"]),
        seed=int(whole["seed"]),
        requested=int(whole["requested"]),
        selection=Selection(**whole["selection"]),
        strata=strata,
        traces=tuple(
            SampledTrace(sample_id=str(t["sample_id"]), trace_id=str(t["trace_id"]), stratum=int(t["stratum"]))
            for t in whole["traces"]
        ),
    )
