"""Refusal directions where torch is not: verdicts on planted answers, what is refused, interventions of a record."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from safescale.errors import DataError, DomainError, InsufficientData
from safescale.pressure.directions import Candidate, DirectionSetting, DirectionsRecord, LeftAfter, find_directions
from safescale.pressure.directions.find import _singular, _verdict
from safescale.pressure.directions.search import Kept, lowered, random_units
from safescale.studies.directions import directions_as_text

BEST = Candidate(layer=1, position=-2, norm=1.0, kl_nats=0.01, induced_nats=2.0, first_look=0.0, refusal=0.0)
ALL = [1] * 20


def _kept(values: Sequence[int]) -> Kept:
    return Kept(refused=np.array(values, dtype=np.int8))


@pytest.mark.parametrize(
    ("before", "after", "random", "found", "words"),
    [
        (
            ALL,
            [0] * 18 + [1] * 2,
            [ALL, ALL],
            True,
            "100 % are refused or answered unreadably with nothing ablated, 10 % with the best candidate ablated",
        ),
        (ALL, [1] * 20, [ALL], False, "less than 20 points apart"),
        # a random direction does as much
        (ALL, [0] * 20, [ALL, [0] * 17 + [1] * 3], False, "15 % to 100 % with a random direction .* less than 20 points apart"),
        # it is 30 points below what a random direction leaves, in 6 prompts: that may be chance
        (ALL, [0] * 20, [[1] * 6 + [0] * 14], False, "p = 0.016.* no more than chance shows"),
        # it babbles: nobody can say that it stopped to refuse
        (ALL, [-1] * 20, [ALL], False, "100 % with the best candidate ablated"),
        # a clear drop in few prompts
        ([1] * 6, [0] * 6, [[1] * 6], False, "only 6 of 6 test prompts are refused, too few for a test at level 0.01"),
        (ALL, [0] * 6 + [1] * 14, [ALL], False, "no more than chance shows"),
        ([0] * 19 + [1], [0] * 20, [ALL], False, "refuses 5 % of 20 test prompts: there is no refusal to take away"),
        ([-1] * 20, [0] * 20, [ALL], False, "nobody can judge its answers"),
    ],
)
def test_found_takes_a_clear_drop_that_random_directions_do_not_show(
    before: list[int], after: list[int], random: list[list[int]], found: bool, words: str
) -> None:
    said = _verdict(BEST, _kept(before), _kept(after), [_kept(one) for one in random], DirectionSetting())
    assert said[0] is found
    assert re.search(words, said[1]), said[1]


def test_a_candidate_that_moves_benign_answers_is_no_direction_of_refusal() -> None:
    moved = attrs.evolve(BEST, kl_nats=3.0, first_look=None, refusal=None)
    found, reason, p_value = _verdict(moved, _kept(ALL), _kept([0] * 20), [_kept(ALL)], DirectionSetting())
    assert (found, p_value) == (False, None)
    assert "moves benign answers by more than 0.1 nats" in reason


def test_the_test_is_that_of_mcnemar_and_unknown_counts_against() -> None:
    p_value, stopped = lowered(_kept([1, 1, 1, 1, 1, 0]), _kept([0, 0, 0, 0, -1, -1]))
    assert stopped == 4
    # one began: 5 pairs disagree, 4 of them one way
    assert p_value == pytest.approx((5 + 1) / 2**5)


def test_shares_leave_out_what_nobody_knows() -> None:
    kept = _kept([1, 0, 0, -1])
    assert (kept.share, kept.unknown, kept.not_answered) == (pytest.approx(1 / 3), 1, 0.5)
    assert _kept([-1, -1]).share is None


def test_random_directions_are_unit_and_the_first_of_many_are_those_of_few() -> None:
    many = random_units(32, 5, 7)
    assert np.linalg.norm(many, axis=1) == pytest.approx(np.ones(5))
    assert np.array_equal(many[:2], random_units(32, 2, 7))
    assert abs(many[0] @ random_units(32, 1, 8)[0]) < 0.9


def test_singular_directions_are_no_more_than_the_categories_span() -> None:
    rows = np.array([[1.0, 0, 0], [2.0, 0, 0], [0, 3.0, 0]])
    assert _singular(rows).shape == (2, 3)
    assert _singular(np.zeros((2, 3))).shape == (0, 3)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"positions": (0,)}, "positions count from the end"),
        ({"positions": ()}, "positions"),
        ({"positions": (-1, -1)}, "each once"),
        ({"layers": (-1,)}, "layers are different whole numbers"),
        ({"layers": ()}, "layers"),
        ({"ranks": (0,)}, "ranks are at least 1"),
        ({"random": 0}, "random must be at least 1"),
        ({"alpha": 0.5}, "alpha"),
        ({"max_kl_nats": 0.0}, "max_kl_nats"),
        ({"least_drop": 1.0}, "shares of prompts"),
        ({"steering_depth": 0.0}, "steering_depth"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(DomainError, match=words):
        DirectionSetting(**wrong)


def _prompts(name: str, count: int) -> list[str]:
    return [f"{name} zorble {at}" for at in range(count)]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"harmful": {}}, InsufficientData, "got none"),
        (
            {"validation": {"a": ["one"]}},
            InsufficientData,
            r"validation of 'a' needs at least 2 prompts .*, got 1",
        ),
        ({"harmful": {"a": ["one"]}}, InsufficientData, "'a' needs at least 2 prompts, got 1"),
        ({"benign": ["one", "two"]}, InsufficientData, "'benign validation' needs at least 1 prompts, got 0"),
        ({"validation": {"a": _prompts("a", 9)[7:]}}, DomainError, "prompt 1 of validation has the text of prompt 8 of harmful"),
        ({"benign_validation": ["tove", "tove"]}, DomainError, "give each once"),
    ],
)
def test_prompts_that_say_nothing_are_refused_before_a_model_is_opened(
    tmp_path: Path, change: dict[str, Any], error: type, words: str
) -> None:
    given: dict[str, Any] = {
        "harmful": {"a": _prompts("a", 8)},
        "benign": _prompts("b", 8),
        "validation": {"a": _prompts("v", 8)},
    }
    with pytest.raises(error, match=words):
        find_directions(tmp_path / "none", refuses=lambda p, r: [], into=tmp_path / "out", **(given | change))
    assert not (tmp_path / "out").exists()


def record_of(**change: Any) -> DirectionsRecord:
    """A record by hand: 2 layers, positions -1 and -2, width 3, two categories."""
    rng = np.random.default_rng(0)
    given: dict[str, Any] = {
        "key": "k",
        "model": "m",
        "weights_sha256": None,
        "grader": "g",
        "layers": 2,
        "hidden": 3,
        "positions": (-1, -2),
        "found": True,
        "reason": "so it is",
        "layer": 0,
        "position": -2,
        "best_layer": 0,
        "best_position": -2,
        "steering_layer": 1,
        "steering_position": -1,
        "refusal_before": 1.0,
        "refusal_ablated": 0.0,
        "refusal_random": 1.0,
        "unknown_ablated": 2,
        "p_value": 0.001,
        "tested": 20,
        "searched": 20,
        "benign_kl_nats": 0.0,
        "benign_same": 1.0,
        "benign_refused_before": 0.0,
        "benign_refused_ablated": 0.0,
        "benign_right_before": None,
        "benign_right_ablated": None,
        "categories": ("a", "b"),
        "prompts": (9, 9),
        "benign": 18,
        "geometry": None,
        "geometry_why": "too few",
        "candidates": (),
        "left_after": (LeftAfter(rank=1, refused=0.1, random=None, kl_nats=0.0, unknown=0),),
        "norm": 1.0,
        "cpu_s": 1.0,
        "vectors": {
            "difference": rng.normal(size=(2, 2, 3)).astype(np.float32),
            "benign_mean": rng.normal(size=(2, 2, 3)).astype(np.float32),
            "singular": np.eye(3, dtype=np.float32)[:2],
        },
    }
    return DirectionsRecord(**(given | change))


def test_steering_is_in_units_of_the_difference_in_means_and_of_every_token() -> None:
    record = record_of()
    edit = record.intervention("steering", coefficient=-0.5).edits[0]
    assert (edit.kind, edit.layer, edit.position, edit.coefficient) == ("add", 1, None, -0.5)
    assert np.array_equal(edit.directions[0], record.vectors["difference"][1, 0])
    drawn = record.intervention("random_steering", coefficient=2.0).edits[0]
    assert np.linalg.norm(drawn.directions) == pytest.approx(np.linalg.norm(edit.directions), rel=1e-5)
    assert not np.allclose(drawn.directions, edit.directions)


def test_ablation_is_at_the_best_place_and_relative_to_the_benign_mean() -> None:
    record = record_of()
    edit = record.intervention("ablation").edits[0]
    assert (edit.kind, edit.layer, edit.position) == ("ablate", 0, -2)
    assert np.array_equal(edit.directions[0], record.vectors["difference"][0, 1])
    assert np.array_equal(edit.mean, record.vectors["benign_mean"][0, 1])
    assert np.array_equal(record.intervention("ablation", rank=2).edits[0].directions, np.eye(3)[:2])
    assert np.array_equal(record.intervention("singular_ablation").edits[0].directions, np.eye(3)[:1])
    drawn = [record.intervention("random_ablation", seed=seed).edits[0].directions for seed in (0, 1)]
    assert not np.allclose(*drawn)
    assert np.array_equal(record.intervention("random_ablation", rank=2, seed=0).edits[0].directions[:1], drawn[0])


def test_a_direction_that_was_not_found_says_so_and_one_that_is_none_is_refused() -> None:
    weak = record_of(found=False, layer=None, position=None)
    assert "no causal direction was found" in weak.intervention("ablation").note
    assert "no causal direction was found" in weak.intervention("steering").note
    with pytest.raises(DomainError, match="there is no direction: alike"):
        record_of(best_layer=None, best_position=None, reason="alike").intervention("steering")
    with pytest.raises(DomainError, match="span 2 directions, and rank is 3"):
        record_of().intervention("ablation", rank=3)
    with pytest.raises(DomainError, match="rank must be at least 1"):
        record_of().intervention("random_ablation", rank=0)
    with pytest.raises(DomainError, match="kind must be one of steering"):
        record_of().intervention("wabe")  # type: ignore[arg-type]


def test_the_words_follow_what_was_found() -> None:
    told = directions_as_text(record_of())
    assert told.startswith("direction found: so it is")
    assert "(2 answers nobody can judge)" in told
    assert "10%  (as many random ones: unknown" in told
    assert directions_as_text(record_of(found=False, reason="because")).startswith("direction NOT found: because")


def test_too_few_prompts_in_a_file_are_named_by_class(tmp_path: Path) -> None:
    from safescale.grade.grader import open_grader
    from safescale.studies.directions import directions_from_file

    lines = [
        f'{{"prompt_id": "q-{at}", "prompt": "zorble {at}?", "prompt_kind": "harmful", "attack_class": "a"}}' for at in range(3)
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"at least 4 harmful prompts of each attack_class.*a: 3; benign: 0"):
        directions_from_file(tmp_path, tmp_path / "p.jsonl", open_grader("refusal-phrases"), tmp_path / "out")
