"""A clean corpus as rows that may be changed, and one planted fault for each rule of the audit."""

from __future__ import annotations

import copy
import functools
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import numpy as np

from cells.fake_corpus import FakeCorpus, fake_corpus

Row = dict[str, Any]

LINEAGES = {"tesk": (1.0, 8.0, 30.0), "ulve": (2.0, 9.0, 40.0)}
CLASSES = ("rimlock", "dravlock", "osklock")
CONDITIONS = ("plain", "wrapped")
PROMPTS = 60
GRADERS = ("judge", "second")
REFUSERS = ("simnor/vask-3b", "simnor/vask-7b")


@attrs.define
class Rows:
    """The tables of a corpus as rows."""

    traces: list[Row]
    grades: list[Row]
    models: list[Row]
    graders: list[Row]
    rejects: list[Row] = attrs.field(factory=list)
    notes: list[Row] = attrs.field(factory=list)
    aggregates: list[Row] = attrs.field(factory=list)

    def corpus(self) -> FakeCorpus:
        return fake_corpus(
            self.traces,
            self.grades,
            self.models,
            graders=self.graders,
            rejects=self.rejects,
            notes=self.notes,
            aggregates=self.aggregates,
        )

    def of(self, model_id: str, **fields: Any) -> Iterator[Row]:
        """Traces of a model with these values."""
        wanted = {"model_id": model_id} | fields
        return (trace for trace in self.traces if all(trace[key] == value for key, value in wanted.items()))

    def graded(self, traces: Iterator[Row] | list[Row], grader: str = "judge") -> list[Row]:
        """Grades of some traces by one grader."""
        ids = {trace["trace_id"] for trace in traces}
        return [grade for grade in self.grades if grade["trace_id"] in ids and grade["grader_id"] == grader]

    def model(self, model_id: str) -> Row:
        return next(row for row in self.models if row["model_id"] == model_id)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def model_row(model_id: str, size: float, lineage: str, **fields: Any) -> Row:
    return {
        "model_id": model_id,
        "canonical_id": model_id.replace("/", "-"),
        "params_total_b": size,
        "size_source": "declared",
        "developer": model_id.split("/")[0],
        "family": lineage,
        "lineage": lineage,
        "tampering": "none",
        **fields,
    }


@functools.cache
def _clean() -> Rows:
    """Eight models, two of them refusing everything; three classes, two conditions, two graders who err alike everywhere."""
    rng = np.random.default_rng(20260419)
    models = [model_row(f"sim{name}/{name}-{size:g}b", size, name) for name, sizes in LINEAGES.items() for size in sizes]
    models += [model_row(name, float(name.rsplit("-", 1)[1][:-1]), "vask") for name in REFUSERS]
    traces: list[Row] = []
    grades: list[Row] = []
    for number, model in enumerate(models):
        name = model["model_id"]
        for c, attack in enumerate(CLASSES):
            for condition in CONDITIONS:
                rate = 0.25 + 0.04 * number + 0.1 * c
                for prompt in range(PROMPTS):
                    row = len(traces) + 1
                    verdict = "REFUSAL"
                    if name not in REFUSERS:
                        verdict = "COMPLIANCE" if rng.random() < rate else ("PARTIAL" if rng.random() < 0.3 else "REFUSAL")
                    traces.append(
                        {
                            "trace_id": f"s:{row}",
                            "model_id": name,
                            "prompt_id": f"{attack}-{prompt}",
                            "prompt_sha256": sha(f"{attack} {condition} {prompt}"),
                            "attack_class": attack,
                            "condition": condition,
                            "source_file": "runs.jsonl",
                            "source_row": row,
                            "response_chars": 200,
                            "response_sha256": sha(f"response {row}"),
                        }
                    )
                    for grader in GRADERS:
                        said = verdict
                        if grader == "second" and name not in REFUSERS and rng.random() < 0.1:
                            said = "REFUSAL" if verdict == "COMPLIANCE" else "COMPLIANCE"
                        grades.append(
                            {
                                "trace_id": f"s:{row}",
                                "grader_id": grader,
                                "verdict": said,
                                "raw_label": said,
                                "source_file": f"{grader}.jsonl",
                                "source_row": row,
                            }
                        )
    return Rows(traces=traces, grades=grades, models=models, graders=[{"grader_id": grader} for grader in GRADERS])


def clean() -> Rows:
    """A fresh copy of the clean corpus."""
    return copy.deepcopy(_clean())


@attrs.frozen(kw_only=True)
class Expected:
    """What a rule must say of a planted fault; ``rows`` are (file, row) of the evidence, or None where it is ids alone."""

    subject: str
    severity: str
    total: int
    rows: list[tuple[str, int]] | None = None
    ids: tuple[str, ...] = ()
    words: str = ""


Plant = Callable[[Rows], Expected]
PLANTS: dict[str, tuple[str, Plant]] = {}
"""Name of the fault: code of the rule, and what plants it."""


def plants(code: str) -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        PLANTS[plant.__name__] = (code, plant)
        return plant

    return register


def places(rows: list[Row]) -> list[tuple[str, int]]:
    return [(row["source_file"], row["source_row"]) for row in rows]


@plants("SS101")
def a_copy_under_another_id(rows: Rows) -> Expected:
    grades: dict[str, list[Row]] = {}
    for grade in rows.grades:
        grades.setdefault(grade["trace_id"], []).append(grade)
    source = {(t["prompt_id"], t["condition"]): grades[t["trace_id"]] for t in rows.of("simtesk/tesk-8b")}
    for trace in rows.of("simulve/ulve-9b"):
        for mine, theirs in zip(grades[trace["trace_id"]], source[trace["prompt_id"], trace["condition"]], strict=True):
            mine["verdict"] = mine["raw_label"] = theirs["verdict"]
    return Expected(
        subject="simtesk/tesk-8b | simulve/ulve-9b",
        severity="error",
        total=180,
        ids=("simtesk/tesk-8b", "simulve/ulve-9b"),
        words="180 rows",
    )


@plants("SS102")
def a_partial_export_under_another_id(rows: Rows) -> Expected:
    a_copy_under_another_id(rows)
    # the copy has two prompts in three only
    kept = {t["trace_id"] for t in rows.of("simulve/ulve-9b") if int(t["prompt_id"].rsplit("-", 1)[1]) >= 10}
    dropped = {t["trace_id"] for t in rows.of("simulve/ulve-9b")} - kept
    rows.traces = [t for t in rows.traces if t["trace_id"] not in dropped]
    rows.grades = [g for g in rows.grades if g["trace_id"] not in dropped]
    return Expected(
        subject="simulve/ulve-9b < simtesk/tesk-8b", severity="error", total=150, ids=("simulve/ulve-9b", "simtesk/tesk-8b")
    )


@plants("SS103")
def one_response_for_many_prompts(rows: Rows) -> Expected:
    verdicts = {g["trace_id"]: g["verdict"] for g in rows.grades if g["grader_id"] == "judge"}
    seconds = {g["trace_id"]: g["verdict"] for g in rows.grades if g["grader_id"] == "second"}
    says = [t for t in rows.of("simtesk/tesk-8b") if "REFUSAL" not in (verdicts[t["trace_id"]], seconds[t["trace_id"]])]
    for trace in says[:60]:
        trace["response_sha256"] = sha("the one response")
    return Expected(subject="simtesk/tesk-8b", severity="warning", total=59, rows=places(says[1:11]), words="one stands 60 times")


@plants("SS104")
def responses_of_another_model(rows: Rows) -> Expected:
    theirs = [t["response_sha256"] for t in rows.of("simtesk/tesk-8b")]
    for trace, response in zip(rows.of("simulve/ulve-9b"), theirs, strict=True):
        trace["response_sha256"] = response
    return Expected(
        subject="simtesk/tesk-8b | simulve/ulve-9b", severity="error", total=-1, ids=("simtesk/tesk-8b", "simulve/ulve-9b")
    )


@plants("SS105")
def a_partial_run_beside_the_whole(rows: Rows) -> Expected:
    first = [dict(t) for t in rows.of("simulve/ulve-40b", condition="plain", attack_class="osklock")]
    by_trace = {t["trace_id"]: t for t in first}
    again = [dict(g) for g in rows.grades if g["trace_id"] in by_trace]
    for trace in first:
        trace["trace_id"] += "-again"
        trace["source_file"] = "partial.jsonl"
    for grade in again:
        grade["trace_id"] += "-again"
    rows.traces += first
    rows.grades += again
    return Expected(subject="partial.jsonl", severity="warning", total=-1, ids=("partial.jsonl", "runs.jsonl"))


@plants("SS106")
def a_grader_that_contradicts_itself(rows: Rows) -> Expected:
    chosen = rows.graded(list(rows.of("simtesk/tesk-8b", condition="plain", attack_class="rimlock")))[:5]
    again = []
    for grade in chosen:
        other = "REFUSAL" if grade["verdict"] == "COMPLIANCE" else "COMPLIANCE"
        again.append({**grade, "verdict": other, "raw_label": other, "source_file": "regraded.jsonl"})
    rows.grades += again
    return Expected(
        subject="judge: grader_contradicts_itself", severity="warning", total=10, rows=places(chosen + again), words="2 files"
    )


@plants("SS107")
def one_id_for_two_texts(rows: Rows) -> Expected:
    changed = list(rows.of("simtesk/tesk-8b", prompt_id="rimlock-7", condition="plain"))
    changed[0]["prompt_sha256"] = sha("another text")
    same = [t for t in rows.traces if t["prompt_id"] == "rimlock-7" and t["condition"] == "plain"]
    return Expected(
        subject="s / rimlock / plain", severity="warning", total=8, rows=places(same), ids=("rimlock-7",), words="1 prompt id of 60"
    )


@plants("SS108")
def one_text_under_two_ids(rows: Rows) -> Expected:
    for trace in rows.traces:
        if trace["prompt_id"] in ("rimlock-1", "rimlock-2"):
            trace["prompt_sha256"] = sha(f"rimlock {trace['condition']} 1")
    same = [t for t in rows.traces if t["prompt_id"] in ("rimlock-1", "rimlock-2")]
    return Expected(subject="s", severity="info", total=len(same), rows=places(same[:10]), ids=("rimlock-1", "rimlock-2"))


@plants("SS201")
def a_tampered_model_in_a_base_lineage(rows: Rows) -> Expected:
    rows.model("simtesk/tesk-8b")["tampering"] = "abliterated"
    return Expected(subject="tesk", severity="warning", total=1, ids=("simtesk/tesk-8b",))


@plants("SS201")
def a_source_named_for_removed_safety_training(rows: Rows) -> Expected:
    inside = list(rows.of("simtesk/tesk-8b"))
    for trace in inside:
        trace["source"] = "obliteratus_telemetry"
    return Expected(
        subject="source: obliteratus_telemetry", severity="error", total=360, rows=places(inside[:10]), ids=("simtesk/tesk-8b",)
    )


@plants("SS202")
def a_host_as_developer(rows: Rows) -> Expected:
    rows.model("simtesk/tesk-8b")["developer"] = "ollama"
    return Expected(subject="developer ollama", severity="warning", total=1, ids=("simtesk/tesk-8b",))


@plants("SS203")
def a_missing_size(rows: Rows) -> Expected:
    rows.model("simtesk/tesk-8b")["params_total_b"] = None
    rows.model("simtesk/tesk-8b")["size_source"] = "unknown"
    return Expected(subject="sizes missing", severity="warning", total=1, ids=("simtesk/tesk-8b",))


@plants("SS204")
def a_guessed_size(rows: Rows) -> Expected:
    rows.model("simtesk/tesk-8b")["size_source"] = "estimated"
    return Expected(subject="sizes guessed", severity="warning", total=1, ids=("simtesk/tesk-8b",), words="1 of 8 sizes")


@plants("SS205")
def a_size_that_the_name_contradicts(rows: Rows) -> Expected:
    rows.model("simtesk/tesk-8b")["params_total_b"] = 80.0
    return Expected(
        subject="simtesk/tesk-8b", severity="error", total=1, ids=("simtesk/tesk-8b",), words="declare 80B, the name states 8B"
    )


@plants("SS206")
def a_mixture_of_experts(rows: Rows) -> Expected:
    rows.model("simulve/ulve-40b")["params_active_b"] = 4.0
    return Expected(subject="mixtures of experts", severity="warning", total=1, ids=("simulve/ulve-40b",), words="(40B, 4B active)")


@plants("SS207")
def a_lineage_of_one_size(rows: Rows) -> Expected:
    # the smaller of two sizes is a second version of the larger
    for row in (*rows.traces, *rows.models):
        if row["model_id"] == REFUSERS[0]:
            row["model_id"] = "simnor/vask-v2-7b"
    rows.model("simnor/vask-v2-7b").update(params_total_b=7.0, canonical_id="simnor-vask-v2-7b")
    return Expected(subject="vask", severity="warning", total=2, words="all of one size (7B)")


@plants("SS208")
def a_small_cell(rows: Rows) -> Expected:
    dropped = {t["trace_id"] for t in list(rows.of("simtesk/tesk-8b", condition="plain", attack_class="rimlock"))[:45]}
    rows.grades = [g for g in rows.grades if g["trace_id"] not in dropped or g["grader_id"] == "second"]
    return Expected(subject="judge", severity="warning", total=1, ids=("rimlock / simtesk/tesk-8b / plain",), words="1 of 48 cells")


@plants("SS301")
def keyword_verdicts_that_pass_for_graded_ones(rows: Rows) -> Expected:
    mine = list(rows.of("simtesk/tesk-8b"))
    ids = {t["trace_id"] for t in mine}
    rows.grades = [g for g in rows.grades if g["trace_id"] not in ids or g["grader_id"] == "judge"]
    for grade in rows.graded(mine):
        grade["grader_kind"] = "keyword"
        grade["grader_id"] = "phrases"
    rows.graders.append({"grader_id": "phrases", "grader_kind": "keyword"})
    return Expected(subject="phrases", severity="warning", total=360, rows=places(mine[:10]), ids=("simtesk/tesk-8b",))


@plants("SS302")
def a_second_verdict_from_the_same_source(rows: Rows) -> Expected:
    mine = list(rows.of("simtesk/tesk-8b"))
    for trace in mine:
        trace["source"] = "imported"
        trace["source_file"] = "imported.jsonl"
    first = {g["trace_id"]: g["verdict"] for g in rows.graded(mine)}
    for grade in rows.graded(mine, "second"):
        grade["verdict"] = grade["raw_label"] = first[grade["trace_id"]]
    return Expected(
        subject="judge | second", severity="error", total=360, rows=places(rows.graded(mine)[:10]), ids=("judge", "second")
    )


@plants("SS303")
def a_verdict_that_the_map_has_not(rows: Rows) -> Expected:
    for row in rows.graders:
        if row["grader_id"] == "second":
            row["outcome_map"] = "speechmap"
    for grade in rows.grades:
        if grade["grader_id"] == "second":
            grade["raw_label"] = "as given"
    wrong = rows.graded(list(rows.of("simtesk/tesk-8b")), "second")[:7]
    for grade in wrong:
        grade["verdict"] = "HALLUCINATION_REFUSAL"
    return Expected(subject="second: HALLUCINATION_REFUSAL", severity="error", total=7, rows=places(wrong), ids=("second",))


@plants("SS303")
def a_label_read_the_other_way_round(rows: Rows) -> Expected:
    wrong = [g for g in rows.graded(list(rows.of("simtesk/tesk-8b"))) if g["verdict"] == "COMPLIANCE"][:6]
    for grade in wrong:
        grade["raw_label"] = "REFUSED"
    return Expected(
        subject="judge: label REFUSED", severity="error", total=6, rows=places(wrong), words="is REFUSAL in the map 'flip'"
    )


@plants("SS303")
def labels_that_were_rejected(rows: Rows) -> Expected:
    rows.rejects = [
        {"source_row": i, "code": "UNKNOWN_VERDICT", "got": "MAYBE", "column": "verdict", "source_file": "judge.jsonl"}
        for i in (4, 9)
    ]
    return Expected(
        subject="rejected labels", severity="error", total=2, rows=[("judge.jsonl", 4), ("judge.jsonl", 9)], ids=("MAYBE",)
    )


@plants("SS304")
def a_grader_with_two_maps(rows: Rows) -> Expected:
    rows.graders.append({"grader_id": "judge", "outcome_map": "binary_harmful"})
    return Expected(subject="judge", severity="error", total=3, ids=("judge", "binary_harmful", "flip"))


@plants("SS304")
def a_grader_with_two_negatives(rows: Rows) -> Expected:
    changed = [g for g in rows.graded(list(rows.of("simtesk/tesk-8b"))) if g["verdict"] == "REFUSAL"][:30]
    for grade in changed:
        grade["verdict"] = "NOT_HARMFUL"
        grade["raw_label"] = "no"
    return Expected(subject="judge: negatives", severity="warning", total=30, rows=places(changed[:10]))


@plants("SS305")
def a_model_that_falls_out_of_the_denominator(rows: Rows) -> Expected:
    out = []
    for grader in GRADERS:
        # every third row, whatever it would have been
        mine = rows.graded(list(rows.of("simtesk/tesk-8b")), grader)[::3]
        for grade in mine:
            grade["verdict"] = grade["raw_label"] = "NOT_GRADEABLE"
        out.append(mine)
    return Expected(
        subject="simtesk/tesk-8b / judge", severity="warning", total=120, rows=places(out[0][:10]), ids=("simtesk/tesk-8b", "judge")
    )


@plants("SS306")
def errors_with_a_verdict(rows: Rows) -> Expected:
    failed = list(rows.of("simtesk/tesk-8b"))[:12]
    for trace in failed:
        trace["finish_reason"] = "timeout"
    return Expected(
        subject="judge: failed", severity="error", total=12, rows=places(rows.graded(failed)[:10]), ids=("simtesk/tesk-8b",)
    )


@plants("SS306")
def error_messages_with_a_verdict(rows: Rows) -> Expected:
    failed = list(rows.of("simtesk/tesk-8b"))[:12]
    for trace in failed:
        trace["response"] = "[ERROR: rate limit exceeded (429)]"
    return Expected(
        subject="judge: message", severity="error", total=12, rows=places(rows.graded(failed)[:10]), ids=("simtesk/tesk-8b",)
    )


@plants("SS306")
def nothing_with_a_verdict(rows: Rows) -> Expected:
    failed = list(rows.of("simtesk/tesk-8b"))[:12]
    for trace in failed:
        trace["response_kind"] = "none"
    return Expected(subject="judge: none", severity="warning", total=12, rows=places(rows.graded(failed)[:10]))


@plants("SS307")
def another_grader_for_the_largest(rows: Rows) -> Expected:
    rows.grades = [g for g in rows.grades if g["grader_id"] == "judge"]
    rows.graders.append({"grader_id": "third"})
    for grade in rows.graded(list(rows.of("simtesk/tesk-30b"))):
        grade["grader_id"] = "third"
    return Expected(
        subject="tesk / text / plain", severity="warning", total=2, words="third graded simtesk/tesk-30b", ids=("simtesk/tesk-1b",)
    )


@plants("SS308")
def a_grader_that_fails_under_one_condition(rows: Rows) -> Expected:
    wrapped = {t["trace_id"] for t in rows.traces if t["condition"] == "wrapped" and t["model_id"] not in REFUSERS}
    rng = np.random.default_rng(4)
    for grade in rows.grades:
        if grade["grader_id"] == "second" and grade["trace_id"] in wrapped and rng.random() < 0.25:
            grade["verdict"] = grade["raw_label"] = "COMPLIANCE" if grade["verdict"] != "COMPLIANCE" else "REFUSAL"
    return Expected(subject="judge | second", severity="warning", total=-1, ids=("judge", "second"), words="under wrapped")


@plants("SS309")
def a_grader_that_says_one_thing(rows: Rows) -> Expected:
    mine = [g for g in rows.grades if g["grader_id"] == "second"]
    for grade in mine:
        grade["verdict"] = grade["raw_label"] = "PARTIAL"
    return Expected(subject="second", severity="error", total=len(mine), rows=places(mine[:10]), ids=("second",))


@plants("SS309")
def a_grader_that_calls_attacks_benign(rows: Rows) -> Expected:
    mine = [g for g in rows.grades if g["grader_id"] == "second"][::2]
    mine += [g for g in rows.grades if g["grader_id"] == "second"][1::4]
    for grade in mine:
        grade["verdict"] = grade["raw_label"] = "BENIGN_QUERY"
    return Expected(subject="second: BENIGN_QUERY", severity="error", total=len(mine), ids=("second",))


@plants("SS309")
def a_grader_that_nearly_always_says_one_thing(rows: Rows) -> Expected:
    mine = [g for g in rows.grades if g["grader_id"] == "second"]
    spared = set(np.random.default_rng(7).choice(len(mine), 15, replace=False).tolist())
    for number, grade in enumerate(mine):
        grade["verdict"] = grade["raw_label"] = "COMPLIANCE" if number in spared else "REFUSAL"
    return Expected(subject="second", severity="warning", total=len(mine) - 15, ids=("second",), words="otherwise in")


@plants("SS311")
def a_grader_read_the_wrong_way_round(rows: Rows) -> Expected:
    turned = {"REFUSAL": "COMPLIANCE", "COMPLIANCE": "REFUSAL"}
    for grade in rows.grades:
        if grade["grader_id"] == "second":
            grade["verdict"] = grade["raw_label"] = turned.get(grade["verdict"], grade["verdict"])
    return Expected(subject="judge | second", severity="error", total=-1, ids=("judge", "second"), words="kappa -0.")


@plants("SS107")
def a_model_that_was_asked_another_edition(rows: Rows) -> Expected:
    """Every id of one model has another text: no attack that writes for each model, all others share theirs."""
    for trace in rows.of("simtesk/tesk-8b"):
        trace["prompt_sha256"] = sha(f"another {trace['prompt_id']} {trace['condition']}")
    return Expected(subject="s / rimlock / plain", severity="warning", total=-1)


@plants("SS310")
def a_cell_of_one_verdict(rows: Rows) -> Expected:
    cell = list(rows.of("simtesk/tesk-8b", condition="plain", attack_class="dravlock"))
    for grader in GRADERS:
        for grade in rows.graded(cell, grader):
            grade["verdict"] = grade["raw_label"] = "PARTIAL"
    return Expected(
        subject="simtesk/tesk-8b / dravlock / plain / judge",
        severity="warning",
        total=PROMPTS,
        rows=places(rows.graded(cell)[:10]),
        ids=("simtesk/tesk-8b",),
    )


@plants("SS401")
def a_model_with_other_prompts(rows: Rows) -> Expected:
    moved = list(rows.of("simtesk/tesk-8b", attack_class="rimlock"))
    for trace in moved:
        number = int(trace["prompt_id"].rsplit("-", 1)[1])
        if number < 30:
            trace["prompt_id"] = f"rimlock-{number + 100}"
            trace["prompt_sha256"] = sha(f"rimlock {trace['condition']} {number + 100}")
    return Expected(
        subject="rimlock / plain",
        severity="warning",
        total=120,
        ids=("simnor/vask-3b", "simtesk/tesk-8b"),
        words="30 of 90 prompts",
    )


@plants("SS402")
def a_model_left_ungraded_that_a_keyword_rule_sees_comply(rows: Rows) -> Expected:
    # all models have keyword verdicts; the one that complies with everything has no other
    rows.graders.append({"grader_id": "phrases", "grader_kind": "keyword"})
    judged = [g for g in rows.grades if g["grader_id"] == "judge"]
    mine = {t["trace_id"] for t in rows.of("simtesk/tesk-8b")}
    keyword = [{**g, "grader_id": "phrases", "grader_kind": "keyword"} for g in judged]
    for grade in keyword:
        if grade["trace_id"] in mine:
            grade["verdict"] = grade["raw_label"] = "COMPLIANCE"
        elif grade["source_row"] % 7 == 0:
            grade["verdict"] = grade["raw_label"] = "REFUSAL"
    rows.grades = [g for g in rows.grades if g["trace_id"] not in mine] + keyword
    its = [g for g in keyword if g["trace_id"] in mine]
    return Expected(
        subject="simtesk/tesk-8b", severity="warning", total=360, rows=places(its[:10]), ids=("simtesk/tesk-8b", "phrases")
    )


@plants("SS402")
def rows_left_out_by_outcome(rows: Rows) -> Expected:
    second = {g["trace_id"]: g["verdict"] for g in rows.grades if g["grader_id"] == "second"}
    out = [g for g in rows.grades if g["grader_id"] == "judge" and second[g["trace_id"]] == "COMPLIANCE"][::4]
    for grade in out:
        grade["verdict"] = grade["raw_label"] = "BENIGN_QUERY"
    return Expected(subject="judge by second", severity="warning", total=len(out), rows=places(out[:10]), ids=("judge", "second"))


@plants("SS501")
def a_header_that_contradicts(rows: Rows) -> Expected:
    rows.notes = [{"code": "HEADER_CONTRADICTS_ROWS", "column": "parameters.attack_success_rate", "expected": "0.9", "got": "0.88"}]
    return Expected(
        subject="f.jsonl: HEADER_CONTRADICTS_ROWS",
        severity="warning",
        total=1,
        rows=[("f.jsonl", 0)],
        words="0.88",
    )


@plants("SS502")
def a_clipped_text(rows: Rows) -> Expected:
    rows.notes = [{"code": "CLIPPED_TEXT", "column": "generation", "expected": "whole texts", "got": "512 tokens"}]
    return Expected(subject="f.jsonl: CLIPPED_TEXT", severity="info", total=1, rows=[("f.jsonl", 0)])
