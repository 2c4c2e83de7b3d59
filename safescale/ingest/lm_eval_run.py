"""What the results file of an lm-eval run says of its samples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs

from safescale.errors import DataError
from safescale.ingest.batch import Options, Probe
from safescale.ingest.bytes_in import without_compression
from safescale.ingest.inspect_polarity import Polarity
from safescale.ingest.json_input import json_document
from safescale.records.fates import RejectCode
from safescale.records.rows import RejectedRow

__all__ = ["SHIPPED", "Run", "results_beside", "run_of"]

SHIPPED: Final = (
    Polarity(
        tasks=frozenset({"realtoxicityprompts"}),
        scorers=frozenset({"score"}),
        polarity="harmful_when_1",
        grader_kind="classifier",
    ),
)
"""
Metrics of tasks of lm-eval 0.4.13 that are a verdict on a response, read off their source: realtoxicityprompts/metric.py gives 1
for a Perspective toxicity of at least 0.5. No other task that is shipped judges the harm of a response.
"""

_NAME: Final = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d{2}-\d{2}T\d{2}[-:]\d{2}[-:]\d{2}(?:\.\d+)?)\.(?:jsonl|ndjson)")
_NAMES_A_MODEL: Final = ("peft", "delta", "pretrained", "model", "path", "engine")
"""Arguments of a model in lm-eval's own order: an adapter goes before the model that it changes."""
_COUNTS_PACKED: Final = re.compile(r"load_in_4bit|load_in_8bit|gptq|awq|bnb|quantiz", re.IGNORECASE)


@attrs.frozen(kw_only=True)
class Run:
    """What is known of all samples of a file; ``missing``: which companion is not there."""

    source: str
    task: str
    model_id: str | None
    condition: str = "default"
    params_b: float | None = None
    documents: int | None = None
    seed: int | None = None
    created: str | None = None
    missing: str | None = None
    polarities: Sequence[Polarity] = ()

    def polarity(self, metric: str) -> Polarity | None:
        """What a metric of the task says of safety, where somebody said so."""
        return next((p for p in (*self.polarities, *SHIPPED) if p.is_about(self.task, metric)), None)

    def prompt_kind(self, metrics: Sequence[str]) -> str:
        """Kind of the prompts, as the user's map says."""
        kinds = [p.prompt_kind for p in map(self.polarity, metrics) if p is not None and p.prompt_kind is not None]
        return kinds[0] if kinds else "unknown"


def results_beside(path: Path) -> Path | None:
    """The results file of the same folder and date."""
    named = _NAME.fullmatch(without_compression(path.name))
    if named is None:
        return None
    stem = path.parent / f"results_{named['date']}.json"
    return next((p for p in (stem, Path(f"{stem}.gz"), Path(f"{stem}.zst")) if p.is_file()), None)


def run_of(path: Path, options: Options, polarities: Sequence[Polarity]) -> Run:
    """The facts of a run; without its results file the model is what the folder is called, if lm-eval called it."""
    stem = Probe(path=path, head=b"").stem
    named = _NAME.fullmatch(without_compression(path.name))
    task = named["task"] if named else stem.rpartition(".")[0].removeprefix("samples_") or stem
    run = Run(source=options.source or "lm_eval", task=task, model_id=None, polarities=polarities)
    beside = results_beside(path)
    document: Any = None
    try:
        document = json_document(beside) if beside is not None else None
    except DataError as error:
        document = RejectedRow.of(0, RejectCode.UNREADABLE, expected="a readable file", got=str(error))
    if isinstance(document, dict):
        return _with_results(run, document)
    folder = path.absolute().parent.name
    model = folder.replace("__", "/", 1) if "__" in folder.strip("_") else None
    wanted = f"results_{named['date']}.json" if named else "samples_TASK_DATE.jsonl beside results_DATE.json"
    unreadable = f" ({document.expected}: {document.got})" if isinstance(document, RejectedRow) else ""
    return attrs.evolve(run, model_id=model, missing=f"{wanted} in the same folder{unreadable}")


def _with_results(run: Run, document: dict[str, Any]) -> Run:
    config = document.get("config")
    config = config if isinstance(config, dict) else {}
    arguments = _arguments(config.get("model_args"))
    adapter = next((arguments[key] for key in ("peft", "delta") if arguments.get(key)), None)
    own = document.get("model_name")
    model = own if isinstance(own, str) and own else next((arguments[key] for key in _NAMES_A_MODEL if arguments.get(key)), None)
    base = arguments.get("pretrained")
    parts = [f"adapter on {base}" if adapter is not None and base else ""]
    system, template = document.get("system_instruction_sha"), document.get("fewshot_as_multiturn")
    parts.append(f"system prompt {system[:8]}" if isinstance(system, str) and system else "")
    shots = _shots(document, run.task)
    parts.append(f"{shots}-shot" if shots else "")
    parts.append("multiturn" if template is True else "")
    return attrs.evolve(
        run,
        model_id=model,
        condition=", ".join(filter(None, parts)) or "default",
        params_b=_params_b(config),
        documents=_documents(document, run.task),
        seed=_seed(config),
        created=_date(document.get("date")),
        missing=None if model is not None else "a model_name or model_args in the results file",
    )


def _arguments(given: Any) -> dict[str, str]:
    """``model_args``: a mapping, or ``key=value,key=value``."""
    if isinstance(given, dict):
        return {str(key): str(value) for key, value in given.items() if value is not None}
    pairs = (part.partition("=") for part in given.split(",")) if isinstance(given, str) else ()
    return {key.strip(): value.strip() for key, _, value in pairs if value.strip()}


def _shots(document: dict[str, Any], task: str) -> int:
    shots = document.get("n-shot")
    found = shots.get(task) if isinstance(shots, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 10_000 else 0


def _documents(document: dict[str, Any], task: str) -> int | None:
    """Documents that the run says it evaluated."""
    counts = document.get("n-samples")
    found = counts.get(task) if isinstance(counts, dict) else None
    number = found.get("effective") if isinstance(found, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _params_b(config: dict[str, Any]) -> float | None:
    """Parameters that the loaded model counts; packed weights count as fewer than there are."""
    count = config.get("model_num_parameters")
    if isinstance(count, bool) or not isinstance(count, int | float) or not 0 < count < 1e15:
        return None
    if _COUNTS_PACKED.search(f"{config.get('model_args')} {config.get('model_dtype')}"):
        return None
    return count / 1e9


def _seed(config: dict[str, Any]) -> int | None:
    """The seed of torch, by which responses are sampled."""
    for key in ("torch_seed", "random_seed"):
        seed = config.get(key)
        if isinstance(seed, int) and not isinstance(seed, bool) and abs(seed) < 1 << 63:
            return seed
    return None


def _date(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        return None
    try:
        return datetime.fromtimestamp(value, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None
