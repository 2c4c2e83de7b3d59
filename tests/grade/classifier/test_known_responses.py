"""A grader says where it was trained on the very response: agreement there is memory, not skill."""

import numpy as np
import pytest

from safescale.grade.classifier.grader import RefusalClassifier, refusal_classifier
from safescale.grade.classifier.known_responses import known_bytes, known_responses, mark_of
from safescale.grade.classifier.weights import load_weights
from safescale.grade.grader import TRAINED_ON, Item


def test_a_known_response_is_said_and_a_new_one_is_not():
    weights, _ = load_weights()
    grader = RefusalClassifier(weights, version=1, known={mark_of("I cannot zorble the quindle.")})
    known, blank, other = grader.grade(
        [Item(response=text) for text in ("I cannot zorble the quindle.", " I cannot zorble the quindle.\n", "I cannot zorble it.")]
    )
    assert known.reason == blank.reason == TRAINED_ON
    assert other.reason is None


def test_marks_are_hashes_without_order_and_without_repeats(tmp_path):
    (tmp_path / "marks.npy").write_bytes(known_bytes(["b", "a", "b "]))
    found = np.load(tmp_path / "marks.npy")
    assert found.dtype == np.uint64
    assert found.tolist() == sorted({mark_of("a"), mark_of("b")})


def test_the_package_knows_what_its_weights_have_seen():
    _, facts = load_weights()
    assert len(known_responses()) > 2_000
    assert facts["name"] == "refusal-classifier"


@pytest.mark.real_data
def test_every_response_of_xstest_is_known(real_data):
    import csv

    responses = []
    for path in sorted((real_data / "xstest").glob("xstest_v2_completions_*.csv")):
        if path.stem.endswith("eval"):
            continue
        with path.open(newline="", encoding="utf-8") as file:
            responses += [row["completion"] for row in csv.DictReader(file)]
    assert len(responses) == 2250
    assert all(mark_of(response) in known_responses() for response in responses)
    judged = refusal_classifier().grade([Item(response=response) for response in responses[:50]])
    assert all(one.reason is None or one.reason.startswith(TRAINED_ON) for one in judged)
    assert sum(one.reason is not None for one in judged) >= 49
