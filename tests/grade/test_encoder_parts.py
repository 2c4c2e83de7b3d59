"""What of the encoder route needs no torch: examples and their splits, thresholds, evaluation, the description of a model."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grade.tiny_encoder import labelled_lines
from safescale.errors import DataError, DomainError, InsufficientData, MissingBackend
from safescale.grade.encoder import labelled_responses, read_artefact
from safescale.grade.encoder.decision import Thresholds, choose_thresholds
from safescale.grade.encoder.evaluation import evaluate
from safescale.grade.encoder.examples import CLASSES, LabelledResponse, Split
from safescale.ingest.session import ingest
from safescale.store import open_corpus

C, P, R = CLASSES


def corpus_of(tmp_path, lines):
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    corpus = open_corpus(tmp_path / "corpus.db", create=True)
    ingest([path], corpus)
    return corpus


def test_all_responses_to_a_prompt_go_together_and_order_is_irrelevant(tmp_path):
    lines = labelled_lines(120)
    one = labelled_responses(corpus_of(tmp_path, lines))
    (tmp_path / "other").mkdir()
    other = labelled_responses(corpus_of(tmp_path / "other", lines[::-1]))
    assert one.rows == other.rows
    assert one.splits == other.splits
    assert len(one.rows) == 240
    by_prompt = {}
    for row, split in zip(one.rows, one.splits, strict=True):
        by_prompt.setdefault(row.prompt_id, set()).add(split)
    assert all(len(splits) == 1 for splits in by_prompt.values())
    assert {split: len(one.of(split)) > 20 for split in Split} == dict.fromkeys(Split, True)
    assert labelled_responses(corpus_of_again(tmp_path), seed=1).splits != one.splits


def corpus_of_again(tmp_path):
    return open_corpus(tmp_path / "corpus.db")


def test_what_teaches_nothing_is_counted(tmp_path):
    lines = labelled_lines(60)
    lines[0] |= {"verdict": "NOT_GRADEABLE"}
    lines[1] |= {"response": None, "response_kind": "withheld"}
    found = labelled_responses(corpus_of(tmp_path, lines))
    assert found.left_out == {"label NOT_GRADEABLE": 1, "no text": 1}
    assert len(found.rows) == 118


def test_refuses_a_grader_that_is_not_there_and_too_few_labels(tmp_path):
    corpus = corpus_of(tmp_path, labelled_lines(2))
    with pytest.raises(DomainError, match="no grader of this corpus is called 'nobody'; it has: person"):
        labelled_responses(corpus, "nobody")
    with pytest.raises(InsufficientData, match=r"label more prompts|labels of two classes"):
        labelled_responses(corpus)


def test_refuses_to_guess_among_several_people(tmp_path):
    lines = labelled_lines(30)
    corpus = corpus_of(tmp_path, lines + [line | {"grader_id": "second"} for line in lines])
    with pytest.raises(DomainError, match=r"2 human graders \(person, second\); name whose labels"):
        labelled_responses(corpus)


def test_thresholds_by_hand():
    table = np.array([[0.6, 0.2, 0.2], [0.4, 0.5, 0.1], [0.4, 0.1, 0.5], [0.0, 0.0, 1.0]])
    assert Thresholds().verdicts(table, CLASSES) == [C, P, R, R]
    assert Thresholds(any_refusal=0.4).verdicts(table, CLASSES) == [R, P, R, R]
    assert Thresholds(any_refusal=0.95).verdicts(table, CLASSES) == [C, C, C, R]
    assert Thresholds(full_refusal=0.9).verdicts(table, CLASSES) == [C, P, P, R]
    assert Thresholds().verdicts(np.array([[0.3, 0.7]]), (C, R)) == [R]


def test_the_chosen_thresholds_are_the_best_of_the_grid():
    rng = np.random.default_rng(5)
    labels = [CLASSES[k] for k in rng.integers(0, 3, 200)]
    table = rng.dirichlet(np.ones(3), 200) + np.array([[1.5 * (verdict is label) for verdict in CLASSES] for label in labels])
    table[:, 0] += 1.2
    table /= table.sum(axis=1, keepdims=True)
    chosen = choose_thresholds(table, labels, CLASSES)
    assert chosen.any_refusal < 0.5

    def accuracy(own):
        return np.mean([(v is C) == (t is C) for v, t in zip(own.verdicts(table, CLASSES), labels, strict=True)])

    assert accuracy(chosen) > accuracy(Thresholds())


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda x: sum(x) > 0))
def test_law_a_higher_threshold_never_turns_compliance_into_refusal(low, high, weights):
    table = np.array([weights]) / sum(weights)
    low, high = sorted((low, high))
    strict, loose = (
        Thresholds(any_refusal=high).verdicts(table, CLASSES)[0],
        Thresholds(any_refusal=low).verdicts(table, CLASSES)[0],
    )
    assert not (loose is C and strict is not C)


def test_evaluation_counts_by_class_and_model():
    rows = [
        LabelledResponse(response="x", label=label, prompt_id=f"p{at}", model_id=model, source="s")
        for at, (label, model) in enumerate([(C, "a"), (R, "a"), (P, "b"), (R, "b")])
    ]
    said = [C, R, R, R]
    table = np.array([[0.9, 0.1, 0.0], [0.0, 0.1, 0.9], [0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    got = evaluate(rows, said, table, CLASSES)
    refusal = got.classes[2]
    assert (refusal.labelled, refusal.called, refusal.both) == (2, 3, 2)
    assert refusal.precision[0] == pytest.approx(2 / 3)
    assert got.classes[1].precision is None
    assert got.any_refusal.kappa.estimate == pytest.approx(1.0)
    assert [(m.model_id, m.n, m.observed) for m in got.models] == [("a", 2, 1.0), ("b", 2, 0.5)]
    assert got.calibration.brier == pytest.approx((0.1**2 + 0 + 0.2**2 + 0.1**2) / 4)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("[]", "keys with values"),
        ("grader_id: x\nmodel: .\nclasses: [YES, NO]", "verdicts of COMPLIANCE, PARTIAL, REFUSAL"),
        ("grader_id: x\nmodel: .\nclasses: [REFUSAL]", "a different verdict for each output"),
        ("grader_id: x\nmodel: nowhere\nclasses: [COMPLIANCE, REFUSAL]", "a folder with a model"),
        ("model: .\nclasses: [COMPLIANCE, REFUSAL]", "column 'grader_id'; expected a text"),
        ("grader_id: x\nmodel: .\nclasses: [COMPLIANCE, REFUSAL]\ntemprature: 2", "one of grader_id"),
        ("grader_id: x\nmodel: .\nclasses: [COMPLIANCE, REFUSAL]\ntemperature: 0", "a positive number"),
        ("grader_id: x\nmodel: .\nclasses: [COMPLIANCE, REFUSAL]\nany_refusal: 2", "strictly between 0 and 1"),
        ("grader_id: x\nmodel: .\nclasses: [COMPLIANCE, REFUSAL]\nmax_tokens: many", "a whole number from 16"),
        ("grader_id: x\nmodel: .\nclasses: [COMPLIANCE, REFUSAL]\noutcome_map: mine", "one of flip"),
        ("a: [", "neither JSON nor YAML"),
    ],
)
def test_a_description_that_cannot_be_used_says_what_is_wrong(tmp_path, content, match):
    path = tmp_path / "encoder.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match=match):
        read_artefact(path)


def test_a_missing_file_names_the_next_step(tmp_path):
    with pytest.raises(DataError, match="safescale grade train"):
        read_artefact(tmp_path / "nothing")


def test_two_classes_say_nothing_of_harm(tmp_path):
    path = tmp_path / "encoder.yaml"
    path.write_text("grader_id: x/1\nmodel: .\nclasses: [COMPLIANCE, REFUSAL]")
    assert read_artefact(path).outcome_map == "refusal_only"


def test_without_torch_the_extra_is_named(tmp_path, monkeypatch):
    import sys

    from safescale.grade.encoder import open_encoder

    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "encoder.yaml"
    path.write_text("grader_id: x/1\nmodel: .\nclasses: [COMPLIANCE, REFUSAL]")
    with pytest.raises(MissingBackend, match=r"safescale\[classify\]"):
        open_encoder(path)


def described(tmp_path, **changed):
    lines = {"model": ".", "grader_id": "their-model/1", "classes": ["COMPLIANCE", "REFUSAL"]} | changed
    (tmp_path / "encoder.yaml").write_text(json.dumps(lines))
    return read_artefact(tmp_path / "encoder.yaml")


def test_a_negative_of_harm_is_never_declared_a_refusal(tmp_path):
    with pytest.raises(DataError, match="one that knows REFUSAL"):
        described(tmp_path, outcome_map="binary_harmful")


def test_another_temperature_threshold_or_weight_is_another_version_under_the_same_id(tmp_path):
    """Judgements that were kept for the one are not taken for the other."""
    versions = [described(tmp_path, **more).version for more in ({}, {}, {"temperature": 2.0}, {"any_refusal": 0.3})]
    (tmp_path / "model.safetensors").write_bytes(b"zorble")
    versions.append(described(tmp_path).version)
    assert versions[0] == versions[1]
    assert len(set(versions)) == 4
