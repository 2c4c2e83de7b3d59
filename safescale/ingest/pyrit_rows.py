"""One attack result or conversation of PyRIT to a trace, its turns and its grades."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from safescale.ingest.batch import Options
from safescale.ingest.gathering import Gathering, Records, Unusable
from safescale.ingest.identity import own_trace_id, sha256_text
from safescale.ingest.inspect_sample import instant
from safescale.ingest.polarity import UNDECLARED, Scorers, undeclared
from safescale.ingest.pyrit_open import Database, listed, loaded, named
from safescale.records.fates import NoteCode, RejectCode
from safescale.records.rows import clip
from safescale.records.verdicts import Verdict

__all__ = ["Attempts"]

_CLASS_KEYS: Final = ("class_name", "__type__", "type", "name")
_MODEL_KEYS: Final = ("underlying_model_name", "model_name", "deployment_name", "model", "model_id")
_DIRECT: Final = ("PromptSending", "SingleTurnAttack", "Manual")
_OUTCOMES: Final = {
    "success": Verdict.COMPLIANCE,
    "failure": Verdict.NOT_HARMFUL,
    "error": Verdict.ERROR,
    "undetermined": Verdict.UNGRADED,
}
_KINDS: Final = (
    ("SelfAsk", "llm"),
    ("Human", "human"),
    ("SubString", "keyword"),
    ("Regex", "keyword"),
    ("Classifier", "classifier"),
    ("ContentFilter", "classifier"),
    ("Guard", "classifier"),
    ("ShieldGemma", "classifier"),
)
_ROLES: Final = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}
_TRUE_FALSE: Final = {"true": True, "1": True, "false": False, "0": False}
_COMPLETE: Final = frozenset({"", "complete", "completed", "none"})


@attrs.define
class Attempts:
    """The attempts of one database, and what is counted over them."""

    base: Database
    options: Options
    scorers: Scorers
    repeats: Counter[tuple[str, ...]] = attrs.field(factory=Counter)
    without_model: int = 0
    failed_scores: int = 0
    refusal_outcomes: int = 0

    def of_attack(self, attack: Mapping[str, Any]) -> Records:
        """
        Records of a row of AttackResultEntries.

        Raises
        ------
        Unusable
            For one without an id or objective.
        """
        own = _text(attack.get("id"))
        if own is None:
            raise Unusable(RejectCode.MISSING_FIELD, expected="an id", got=attack.get("id"), column="AttackResultEntries.id")
        objective = _text(attack.get("objective"))
        conversation = attack.get("conversation_id")
        pieces = self.base.pieces(conversation)
        last = next((p for p in pieces if str(p.get("id")) == str(attack.get("last_response_id"))), None)
        digest = _text(attack.get("objective_sha256")) or sha256_text(objective)
        if digest is None:
            raise Unusable(RejectCode.MISSING_FIELD, expected="an objective", got=None, column="AttackResultEntries.objective")
        identifier = self.base.identifier(
            attack.get("atomic_attack_identifier") or attack.get("attack_identifier"), attack.get("atomic_attack_identifier_hash")
        )
        harm = bool(listed(attack.get("targeted_harm_categories")))
        technique = "+".join([*filter(None, [_technique(identifier)]), *(["technique seeds"] if _seeds(identifier) else [])])
        records = self._trace(own, pieces, last, digest, technique or None, attack, harmful=harm)
        self._outcome(records, attack, _answer(pieces, last))
        return records

    def of_conversation(self, conversation: Any) -> Records:
        """
        Records of a conversation that no attack result names.

        Raises
        ------
        Unusable
            For one without an id or without a message of the user.
        """
        own = _text(conversation)
        pieces = self.base.pieces(conversation)
        asked = next((p for p in pieces if p.get("role") == "user"), None)
        if own is None or asked is None:
            column = "PromptMemoryEntries.conversation_id" if own is None else "PromptMemoryEntries.role"
            raise Unusable(RejectCode.MISSING_FIELD, expected="a conversation with a message of the user", got=own, column=column)
        first = _first(asked, "original_value", "original_prompt_text")
        digest = _text(_first(asked, "original_value_sha256", "original_prompt_data_sha256")) or sha256_text(_text(first)) or own
        home = loaded(_first(asked, "attack_identifier", "orchestrator_identifier", "orchestrator"))
        records = self._trace(own, pieces, None, digest, _technique(home or {}), {}, harmful=False)
        self._scores(records, _answer(pieces, None), but=None)
        return records

    def _trace(
        self,
        own: str,
        pieces: Sequence[Mapping[str, Any]],
        last: Mapping[str, Any] | None,
        digest: str,
        technique: str | None,
        attack: Mapping[str, Any],
        *,
        harmful: bool,
    ) -> Records:
        answers = _answer(pieces, last)
        answer = last or (answers[0] if answers else None)
        user = [p for p in pieces if p.get("role") == "user" and (answer is None or _before(p, answer))]
        asked = [p for p in user if p.get("sequence") == user[-1].get("sequence")] if user else []
        model = self._model(pieces)
        converters = _converters(asked)
        attack_class = "+".join([*([technique] if technique else []), *converters]) or "none"
        source = self.options.source or "pyrit"
        key = (model, digest, attack_class)
        sample = self.repeats[key]
        self.repeats[key] += 1
        kind, finish, response = _response(answer, answers)
        trace = {
            "trace_id": own_trace_id(source, own),
            "source": source,
            "model_id": model,
            "prompt_id": digest,
            "prompt_kind": "harmful" if harmful else "unknown",
            "attack_class": attack_class,
            "condition": _system(pieces),
            "sample_index": sample,
            "response_kind": kind,
            "finish_reason": finish,
            "created_at": _instant(_first(answer or {}, "timestamp") or attack.get("timestamp")),
            "error": _error(answer, attack),
            "prompt": _joined(asked),
            "response": response,
        }
        return Records(trace=trace, turns=_turns(pieces, str(trace["trace_id"])))

    def _model(self, pieces: Sequence[Mapping[str, Any]]) -> str:
        """The target's model; the class of the target where no model is named."""
        for piece in (*(p for p in pieces if p.get("role") == "assistant"), *pieces):
            stored = self.base.targets.get(str(piece.get("conversation_id")))
            value, key = stored if stored else (_first(piece, "prompt_target_identifier", "prompt_target"), None)
            identifier = self.base.identifier(value, key)
            model = named(identifier, *_MODEL_KEYS)
            if model:
                return model
            labels = loaded(piece.get("labels"))
            model = named(labels, "model", "model_name", "target_model")
            if model:
                return model
            target = named(identifier, *_CLASS_KEYS)
            if target:
                self.without_model += 1
                return target
        self.without_model += 1
        return "unknown target"

    def _outcome(self, records: Records, attack: Mapping[str, Any], answers: Sequence[Mapping[str, Any]]) -> None:
        """The outcome is the verdict of the objective scorer; a human's score of it is a grade of its own."""
        outcome = str(attack.get("outcome") or "").strip().lower()
        by_id = self.base.scores_by_id
        score = by_id.get(str(attack.get("last_score_id") or attack.get("automated_score_id")))
        human = by_id.get(str(attack.get("human_score_id")))
        decided = human or score
        verdict = _OUTCOMES.get(outcome, Verdict.UNGRADED)
        grader, kind = ("pyrit-outcome", "imported")
        if decided is not None and self._says_refusal(decided, outcome):
            # the objective was a refusal: the score says so itself, as the grade of its own scorer
            _add(records, "pyrit-outcome", kind, "binary_harmful", Verdict.UNGRADED, outcome, None, None)
            self.refusal_outcomes += 1
            self._scores(records, answers, but=None)
            return
        if decided is not None:
            scorer = self._scorer(decided)
            grader, kind = f"{scorer} (outcome)", "human" if human is not None else _kind(scorer)
        if self.options.grader_id is not None:
            grader, kind = self.options.grader_id, "imported"
        number = None if decided is None else _number(decided.get("score_value"))
        _add(records, grader, kind, "binary_harmful", verdict, outcome, number, decided)
        self._scores(records, answers, but=decided)

    def _says_refusal(self, score: Mapping[str, Any], outcome: str) -> bool:
        """Whether an outcome repeats a score that is true for a refusal: then success is no harm, and failure is."""
        name = _class_of(self._scorer(score))
        refusal = any(p.polarity == "refusal_when_1" and p.is_about("", name) for p in self.scorers.known)
        said = _TRUE_FALSE.get(str(score.get("score_value")).strip().lower())
        return refusal and said is not None and said == {"success": True, "failure": False}.get(outcome)

    def _scores(self, records: Records, answers: Sequence[Mapping[str, Any]], *, but: Mapping[str, Any] | None) -> None:
        """Scores of the answer that the trace holds; the last of each scorer."""
        found: dict[str, Mapping[str, Any]] = {}
        for piece in answers:
            for key in dict.fromkeys((str(piece.get("id")), str(piece.get("original_prompt_id")))):
                for score in self.base.scores.get(key, ()):
                    if but is None or score.get("id") != but.get("id"):
                        found[self._scorer(score)] = score
        for scorer, given in found.items():
            self._score(records, scorer, given)

    def _score(self, records: Records, scorer: str, score: Mapping[str, Any]) -> None:
        value, status = score.get("score_value"), str(score.get("status") or "").strip().lower()
        kind = str(score.get("score_type") or "")
        name = _class_of(scorer)
        verdict, outcome_map, grader_kind = Verdict.UNGRADED, UNDECLARED, _kind(scorer)
        if status not in _COMPLETE:
            self.failed_scores += 1
            verdict = Verdict.ERROR if status in ("error", "failed") else Verdict.UNGRADED
        elif value is not None:
            polarity = self.scorers.of_scorer(name)
            read: Any = _TRUE_FALSE.get(str(value).strip().lower()) if kind == "true_false" else value
            if polarity is not None and (kind == "true_false" or polarity.threshold is not None or polarity.polarity == "labels"):
                verdict = polarity.verdict(value if polarity.polarity == "labels" else read)
                outcome_map = polarity.map_name
                grader_kind = polarity.grader_kind if polarity.grader_kind != "imported" else grader_kind
        grader = undeclared(scorer) if outcome_map == UNDECLARED else scorer
        _add(records, grader, grader_kind, outcome_map, verdict, "" if value is None else str(value), _number(value), score)

    def _scorer(self, score: Mapping[str, Any]) -> str:
        """Class of the scorer, and the model that it asked."""
        identifier = self.base.identifier(score.get("scorer_class_identifier"), score.get("scorer_identifier_hash"))
        name = named(identifier, *_CLASS_KEYS) or "unknown scorer"
        target = identifier.get("prompt_target") or identifier.get("target_info")
        if not target and isinstance(identifier.get("children"), dict):
            target = identifier["children"].get("prompt_target")
        model = named(target, *_MODEL_KEYS)
        return f"{name}@{model}" if model else name

    def tell(self, into: Gathering) -> None:
        """What a reader must know of the database."""
        if self.without_model:
            into.note(
                NoteCode.COMPANION_MISSING,
                expected="the name of the target's model; PyRIT 0.x stores only the target's class",
                got=f"{self.without_model:,} attempts go by the class of their target",
                column="target_identifier",
            )
        if self.refusal_outcomes:
            into.note(
                NoteCode.POLARITY_UNKNOWN,
                expected="an objective whose success is harm",
                got=f"{self.refusal_outcomes:,} outcomes that repeat a refusal scorer (true = refused): UNGRADED beside the score",
                column="outcome",
            )
        if self.failed_scores:
            into.note(
                NoteCode.GRADER_FAILED,
                expected="scores with status complete",
                got=f"{self.failed_scores:,} scores without a verdict",
                column="ScoreEntries.status",
            )


def _add(
    records: Records,
    grader: str,
    kind: str,
    outcome_map: str,
    verdict: Verdict,
    label: str,
    number: float | None,
    score: Mapping[str, Any] | None,
) -> None:
    scale = None if number is None or score is None else f"score_value of PyRIT ({score.get('score_type') or 'unknown'})"
    records.grade(grader, kind, outcome_map, verdict, label, score=number, score_scale=scale)


def _answer(pieces: Sequence[Mapping[str, Any]], last: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Pieces of the answer: of the one that the attack names, else of the last."""
    said = [p for p in pieces if p.get("role") == "assistant"]
    final = last if last is not None else said[-1] if said else None
    return [p for p in said if final is not None and p.get("sequence") == final.get("sequence")]


def _seeds(identifier: Any, depth: int = 0) -> bool:
    """Whether the attack put texts of a technique before or around the prompt."""
    if not isinstance(identifier, Mapping) or depth > 12:
        return False
    if identifier.get("technique_seeds"):
        return True
    return any(_seeds(value, depth + 1) for value in identifier.values() if isinstance(value, Mapping))


def _system(pieces: Sequence[Mapping[str, Any]]) -> str:
    """A system prompt is a condition; two of them are two."""
    said = _joined([p for p in pieces if _ROLES.get(str(p.get("role"))) == "system"])
    return "default" if not said else f"system prompt {(sha256_text(said) or '')[:8]}"


def _technique(identifier: Any, depth: int = 0) -> str | None:
    """Class of the attack in an identifier; None for one that sends the prompt as it is."""
    if not isinstance(identifier, Mapping) or depth > 12:
        return None
    for key in ("attack_technique", "attack", "children", "attack_identifier"):
        inner = identifier.get(key)
        if isinstance(inner, Mapping):
            found = _technique(inner, depth + 1)
            if found or named(inner, *_CLASS_KEYS):
                return found
    name = named(identifier, *_CLASS_KEYS)
    if name is None or name.startswith(_DIRECT) or name in ("AtomicAttack", "AttackTechnique"):
        return None
    return name


def _converters(pieces: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [
        named(converter, *_CLASS_KEYS)
        for piece in pieces
        for converter in listed(_first(piece, "converter_identifiers", "converters"))
    ]
    return list(dict.fromkeys(name for name in names if name))


def _response(answer: Mapping[str, Any] | None, answers: Sequence[Mapping[str, Any]]) -> tuple[str, str, str | None]:
    """Kind, why it ended, and text of the response."""
    if answer is None:
        return "none", "unknown", None
    error = str(answer.get("response_error") or "none").lower()
    if error == "blocked":
        return "none", "content_filter", None
    if error not in ("none", "empty"):
        return "none", "error", None
    text = _joined(answers)
    return ("none", "unknown", None) if text is None else ("text", "unknown", text)


def _error(answer: Mapping[str, Any] | None, attack: Mapping[str, Any]) -> str | None:
    said = _text(attack.get("error_message"))
    if said:
        return clip(said)
    error = str((answer or {}).get("response_error") or "none").lower()
    return None if error == "none" else f"response_error: {error}"


def _joined(pieces: Sequence[Mapping[str, Any]]) -> str | None:
    """Parts of one message; what is no text is named."""
    if not pieces:
        return None
    parts = []
    for piece in pieces:
        kind = str(_first(piece, "converted_value_data_type", "converted_prompt_data_type") or "text")
        value = _first(piece, "converted_value", "converted_prompt_text", "original_value", "original_prompt_text")
        if kind in ("text", "error", "url"):
            if isinstance(value, bytes):
                raise Unusable(RejectCode.NOT_UTF8, expected="UTF-8 text", got=repr(value[:40]), column="converted_value")
            parts.append("" if value is None else str(value))
        else:
            parts.append(f"[{kind}]")
    return "\n".join(parts)


def _turns(pieces: Sequence[Mapping[str, Any]], trace_id: str) -> list[dict[str, Any]]:
    """Messages of a conversation with several turns."""
    said: dict[Any, list[Mapping[str, Any]]] = {}
    for piece in pieces:
        said.setdefault((piece.get("sequence"), piece.get("role")), []).append(piece)
    turns = [(_ROLES.get(str(role).removeprefix("simulated_")), parts) for (_, role), parts in said.items()]
    if sum(role not in ("system", None) for role, _ in turns) <= 2:
        return []
    kept = [(role, parts) for role, parts in turns if role is not None]
    return [{"trace_id": trace_id, "turn_index": i, "role": role, "text": _joined(parts)} for i, (role, parts) in enumerate(kept)]


def _before(piece: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    one, other = piece.get("sequence"), answer.get("sequence")
    return one < other if isinstance(one, int) and isinstance(other, int) else True


def _first(row: Mapping[str, Any], *columns: str) -> Any:
    return next((row[c] for c in columns if row.get(c) is not None), None)


def _kind(scorer: str) -> str:
    return next((kind for word, kind in _KINDS if word in scorer), "imported")


def _class_of(scorer: str) -> str:
    return scorer.partition("@")[0]


def _number(value: Any) -> float | None:
    truth = _TRUE_FALSE.get(str(value).strip().lower())
    if truth is not None:
        return float(truth)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < 1e300 else None


def _instant(value: Any) -> str | None:
    return instant(value.replace(" ", "T", 1)) if isinstance(value, str) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
