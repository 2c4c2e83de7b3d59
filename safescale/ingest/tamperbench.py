"""Adapter ``tamperbench``: Parquet trees of TamperBench (``safetunebed`` in older runs)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import pyarrow as pa
import pyarrow.parquet as pq

from safescale.ingest.batch import Batch, FormatFacts, Options, Probe
from safescale.ingest.gathering import Gathering, Records, Unusable
from safescale.ingest.identity import content_trace_id, sha256_text
from safescale.ingest.inspect_polarity import score_number
from safescale.ingest.json_input import json_document
from safescale.ingest.polarity import UNDECLARED, Scorers, undeclared
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import RejectedRow
from safescale.records.verdicts import Verdict

__all__ = ["TamperBench", "Trial", "trial_of"]

_FOLDERS: Final = ("tamperbench_evaluation", "safetunebed_evaluation")
_FILE: Final = re.compile(r"(?:inferences|(?:evaluator_)?scores|(?:evaluation_)?results)\.parquet|evaluation\.json", re.IGNORECASE)
_TRIAL: Final = re.compile(r"(trial_\d+)(?:_(?:tamperbench|safetunebed)_evaluation)?")
_WEIGHT_ATTACKS: Final = frozenset(
    {
        "full_parameter_finetune",
        "lora_finetune",
        "lora_full_dataset_finetune",
        "lora_finetune_optim",
        "multilingual_finetune",
        "jailbreak_finetune",
        "competing_objectives_finetune",
        "style_modulation_finetune",
        "backdoor_finetune",
        "benign_full_parameter_finetune",
        "benign_lora_finetune",
        "covert_malicious_finetune",
        "refusal_ablation",
        "lofit",
        "jola",
        "reft",
    }
)
_INPUT_ATTACKS: Final = frozenset({"embedding_attack", "latent_attack", "prompt_attack", "gcg_attack", "gcg"})
_NO_ATTACK: Final = frozenset({"no_weight_modification", "no_attack"})
_ATTACKS: Final = _WEIGHT_ATTACKS | _INPUT_ATTACKS | _NO_ATTACK
_INPUT_EVALS: Final = {
    "embedding_attack": "embedding_attack",
    "embedding_attack_eval": "embedding_attack",
    "latent_attack_eval": "latent_attack",
    "prompt_attack_eval": "prompt_attack",
    "gcg_attack_eval": "gcg_attack",
}
_CAPABILITY: Final = re.compile(r"(?:mmlu|mt_bench|mbpp|minerva|ifeval|gsm8k|gpqa|wmdp|lab_bench|livebench|humaneval|math)")
_HARMFUL: Final = re.compile(
    r"(?:strong_reject|jailbreak_bench|policy_eval|embedding_attack|latent_attack|gcg_attack|prompt_attack)"
)
_LABELS: Final = {"safe": "benign", "unsafe": "harmful"}
_BATCH: Final = 1_000


@attrs.frozen(kw_only=True)
class Trial:
    """What the path of a file says; ``attack`` and ``model`` are None where it does not say them."""

    model: str | None
    attack: str | None
    setting: str
    evaluation: str

    @property
    def model_id(self) -> str:
        """The model as it was evaluated: an attack on the weights makes another model of it (``llama+lora_finetune``)."""
        name = self.model or "unknown model"
        return f"{name}+{self.attack}" if self.attack and self.attack not in _INPUT_ATTACKS | _NO_ATTACK else name

    @property
    def attack_class(self) -> str:
        """The attack on the input; ``none`` where only the weights were changed."""
        at_input = _INPUT_EVALS.get(self.evaluation)
        return at_input or (self.attack if self.attack in _INPUT_ATTACKS and self.attack is not None else "none")

    @property
    def condition(self) -> str:
        """Attack on the weights with its trial (each trial is a model with settings of its own); ``default`` without an attack."""
        if self.attack is None or self.attack in _NO_ATTACK | _INPUT_ATTACKS:
            return self.setting or "default"
        return f"{self.attack}/{self.setting}" if self.setting else self.attack


class TamperBench:
    """
    Files of TamperBench: ``.../{model_alias}/{attack}/.../trial_N/tamperbench_evaluation/{evaluation}/*.parquet``. A row is a row
    of the table, from 1.

    Inferences and scores of an evaluation hold the same responses: they are one trace, and the scores grade it. Evaluations of
    capability, summaries (``results.parquet``, ``evaluation.json``) and the sweep's ``study.db`` and ``best.json`` carry no record.
    An attack on the weights is part of the model id, which says that the model was tampered with, and of the condition.
    """

    name = "tamperbench"
    facts = FormatFacts(
        files="TamperBench trees: inferences.parquet, evaluator_scores.parquet, evaluation.json of each trial",
        polarity="defined by the evaluation: classes of XSTest (1 complied, 2 refused, 3 both); StrongREJECT (1 = most harmful) "
        "and the 1-5 of policy_eval have no published cut, hence UNGRADED until the user's --map gives a threshold",
        outcome_map="labels of XSTest; binary_harmful at the user's threshold",
        denominator="TamperBench reports means of scores; here evaluable verdicts",
        cluster_key="hash of the prompt",
        attempts="a prompt that comes again is a repeat; trials are conditions",
    )

    def context(self, path: Path) -> str:
        """Model, attack, trial and evaluation: all are in the path."""
        return str(trial_of(path))

    def recognises(self, probe: Probe) -> bool:
        """A Parquet file (or ``evaluation.json``) of an evaluation, by its folder; ``study.db`` and ``best.json`` of a sweep."""
        if probe.path.name == "study.db":
            return probe.head.startswith(b"SQLite format 3\x00") and trial_of(probe.path / "x").attack is not None
        if probe.path.name == "best.json":
            return b'"top_trials"' in probe.head and b'"study_name"' in probe.head
        if _FILE.fullmatch(probe.path.name) is None or not _in_tree(probe.path):
            return False
        return probe.head.startswith(b"PAR1") or (probe.stem.endswith(".json") and probe.head.lstrip().startswith((b"[", b"{")))

    def read(self, path: Path, options: Options) -> Iterator[Batch]:
        """
        Read a table.

        Raises
        ------
        DataError
            When the user's polarity map is wrong.
        """
        into = Gathering(str(path))
        trial = trial_of(path)
        if path.suffix.lower() == ".db":
            into.metadata(1)
        elif path.suffix.lower() == ".json":
            _summary(path, into)
        else:
            scorers = Scorers.of(self.name, options.column_map)
            yield from _table(path, trial, options, scorers, into)
            scorers.tell(into)
        into.read(path.stat().st_size)
        yield from into.rest()


def _in_tree(path: Path) -> bool:
    return any(folder in part for part in path.absolute().parts[:-1] for folder in _FOLDERS)


def trial_of(path: Path) -> Trial:
    """Read the path."""
    parts = list(path.absolute().parts[:-1])
    home = max((i for i, part in enumerate(parts) if any(folder in part for folder in _FOLDERS)), default=len(parts))
    evaluation = parts[home + 1] if home + 1 < len(parts) else parts[-1]
    before = parts[:home]
    inside = _TRIAL.fullmatch(parts[home]) if home < len(parts) else None
    named = [i for i, part in enumerate(before) if part in _ATTACKS and i > 0]
    settings: list[str]
    model: str | None = None
    attack: str | None = None
    if named:
        at = named[-1]
        model, attack, settings = before[at - 1], before[at], before[at + 1 :]
    else:
        trials = [i for i, part in enumerate(before) if _TRIAL.fullmatch(part)]
        at = trials[0] if trials else len(before)
        settings = before[at:]
        known = [part for part in before[:at] if not part.startswith("optuna")]
        if len(known) >= 3 and (trials or inside):
            model, attack = known[-2], known[-1]
    if inside is not None:
        settings = [*settings, inside[1]]
    kept = [part for part in settings if part != "optuna_single"]
    return Trial(model=model, attack=attack, setting="/".join(kept), evaluation=evaluation)


def _summary(path: Path, into: Gathering) -> None:
    document = json_document(path)
    if isinstance(document, RejectedRow):
        into.reject(document)
        return
    for row in range(1, (len(document) if isinstance(document, list) else 1) + 1):
        into.metadata(row)


def _table(path: Path, trial: Trial, options: Options, scorers: Scorers, into: Gathering) -> Iterator[Batch]:
    row = 0
    repeats: Counter[str] = Counter()
    no_record = _CAPABILITY.match(trial.evaluation) is not None
    try:
        with pq.ParquetFile(path) as table:
            names = set(table.schema_arrow.names)
            if "metric_name" in names or ("prompt" not in names and "response" not in names):
                no_record = True
            for piece in table.iter_batches(batch_size=_BATCH):
                for value in piece.to_pylist():
                    row += 1
                    if no_record:
                        into.metadata(row)
                    else:
                        into.take(row, lambda v=value: _records(v, trial, options, scorers, repeats))  # type: ignore[misc]
                    yield from into.full()
    except (pa.ArrowException, OSError, ValueError) as error:
        expected = "a whole Parquet file"
        into.reject(
            RejectedRow.of(0, RejectCode.TRUNCATED_FILE if row else RejectCode.UNREADABLE, expected=expected, got=str(error))
        )
    if trial.model is None and not no_record:
        into.note(
            NoteCode.COMPANION_MISSING,
            expected="a path .../{model_alias}/{attack}/.../trial_N/tamperbench_evaluation/{evaluation}/",
            got=f"{path}: neither model nor attack",
        )


def _records(value: Mapping[str, Any], trial: Trial, options: Options, scorers: Scorers, repeats: Counter[str]) -> Records:
    prompt, response = value.get("prompt"), value.get("response")
    for name, text in (("prompt", prompt), ("response", response)):
        if text is not None and not isinstance(text, str):
            raise Unusable(RejectCode.WRONG_TYPE, expected="text", got=text, column=name)
    if prompt is None:
        raise Unusable(RejectCode.MISSING_FIELD, expected="text", got="nothing", column="prompt")
    digest = sha256_text(prompt) or ""
    sample = repeats[digest]
    repeats[digest] += 1
    source = options.source or "tamperbench"
    key = (trial.model_id, trial.attack_class, trial.condition, trial.evaluation, prompt, response)
    label = value.get("label")
    trace = {
        "trace_id": content_trace_id(source, key, sample),
        "source": source,
        "model_id": trial.model_id,
        "prompt_id": f"{trial.evaluation}/{digest[:16]}",
        "prompt_kind": _LABELS.get(str(label), "unknown") if label is not None else _kind(trial.evaluation),
        "attack_class": trial.attack_class,
        "condition": trial.condition,
        "sample_index": sample,
        "response_kind": "none" if response is None else "text",
        "finish_reason": "unknown",
        "prompt": prompt,
        "response": response,
    }
    records = Records(trace=trace)
    if "score" in value:
        _grade(records, value["score"], trial, options, scorers)
    return records


def _kind(evaluation: str) -> str:
    return "harmful" if _HARMFUL.match(evaluation) else "unknown"


def _grade(records: Records, score: Any, trial: Trial, options: Options, scorers: Scorers) -> None:
    assert records.trace is not None
    number = score_number(score)
    polarity = scorers.of_scorer(trial.evaluation)
    verdict = Verdict.ERROR if number is None else Verdict.UNGRADED
    grader = options.grader_id or f"tamperbench-{trial.evaluation}"
    kind, outcome_map = "imported", UNDECLARED
    label = "" if score is None else f"{number:g}" if number is not None else str(score)
    if polarity is not None:
        kind, outcome_map = polarity.grader_kind, polarity.map_name
        if number is not None:
            verdict = polarity.verdict(label if polarity.polarity == "labels" else number)
    else:
        grader = undeclared(grader)
    records.graders[grader] = (kind, outcome_map)
    records.grades.append(
        {
            "trace_id": records.trace["trace_id"],
            "target": "text",
            "grader_id": grader,
            "grader_kind": kind,
            "verdict": verdict.value,
            "raw_label": label,
            "score": number,
            "score_scale": None if number is None else f"score of {trial.evaluation}",
        }
    )
