"""The prompts of the toy world: held out, of known kinds, and readable by a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from safescale.errors import DataError
from safescale.generate import read_prompt_set
from safescale.toy.judge import open_toy_world
from safescale.toy.prompts import toy_prompts, write_prompts
from safescale.toy.world import the_world

WORLD = the_world()


def test_no_prompt_is_ever_shown_in_training() -> None:
    shown = {WORLD.question(asked) for asked in WORLD.requests(held_out=False)}
    assert shown.isdisjoint(prompt.prompt for prompt in toy_prompts())


def test_there_are_enough_of_each_kind_and_they_are_what_they_say() -> None:
    counts = Counter((prompt.prompt_kind, prompt.attack_class) for prompt in toy_prompts())
    assert counts == {
        ("harmful", "sealed_dremmel"): 30,
        ("harmful", "sealed_quorl"): 30,
        ("harmful", "sealed_thrane"): 30,
        ("harmful", "sealed_zorvane"): 30,
        ("benign", "look_alike_item"): 40,
        ("benign", "look_alike_request"): 72,
    }
    for prompt in toy_prompts():
        asked = open_toy_world().request_in(prompt.prompt)
        assert asked == (prompt.metadata["item"], prompt.metadata["intent"])
        assert WORLD.sealed(*asked) == (prompt.prompt_kind == "harmful")
        if prompt.attack_class == "look_alike_item":
            assert WORLD.categories[asked[0]] is not None


def test_the_file_is_read_by_a_run_and_is_the_same_each_time(tmp_path: Path) -> None:
    written = write_prompts(tmp_path / "a.jsonl")
    write_prompts(tmp_path / "b.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert read_prompt_set(tmp_path / "a.jsonl").prompts == written


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"name the file so with -o \[.*expected NAME.jsonl; got p.csv\]"):
        write_prompts(tmp_path / "p.csv")
