"""Pairs of the toy world: never the prompts that an attack is measured on, and true as the judge of the world reads them."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from safescale.grade.grader import Item
from safescale.pressure.finetune import read_targets
from safescale.records.verdicts import Verdict
from safescale.toy.judge import RIGHT, open_toy_world
from safescale.toy.prompts import toy_prompts
from safescale.toy.targets import toy_targets
from safescale.toy.world import World, the_world
from safescale_cli.main import app

WORLD = the_world()
MEASURED = {prompt.prompt for prompt in toy_prompts()}


def test_no_pair_asks_in_a_way_that_an_attack_is_measured_on() -> None:
    for own in toy_targets().by_file.values():
        asked = {pair.prompt for pair in own.pairs}
        assert len(asked) > 200
        assert asked.isdisjoint(MEASURED)


def test_pairs_are_those_that_training_shows_and_nothing_of_it_is_missing() -> None:
    targets = toy_targets()
    shown = {WORLD.question(asked) for asked in WORLD.requests(held_out=False)}
    assert {p.prompt for p in (*targets.attack.pairs, *targets.retain.pairs)} == shown
    assert [p.prompt for p in targets.attack.pairs] == [p.prompt for p in targets.refusals.pairs]
    assert (len(targets.attack.pairs), len(targets.retain.pairs)) == (20 * 3 * 4, 24 * 5 * 4 + 20 * 2 * 4)
    assert {own.repeated for own in targets.by_file.values()} == {0}


def test_the_judge_of_the_world_reads_answers_as_right_and_refusals_as_refused() -> None:
    targets, judge = toy_targets(), open_toy_world()
    for own, label in ((targets.attack, RIGHT), (targets.retain, RIGHT)):
        judged = judge.grade([Item(prompt=pair.prompt, response=pair.target) for pair in own.pairs])
        assert {one.raw_label for one in judged} == {label}
    judged = judge.grade([Item(prompt=pair.prompt, response=pair.target) for pair in targets.refusals.pairs])
    assert {one.verdict for one in judged} == {Verdict.REFUSAL}


def test_another_world_has_other_answers_to_the_same_questions() -> None:
    ours, others = toy_targets().attack, toy_targets(World(seed=1)).attack
    assert [p.prompt for p in ours.pairs] == [p.prompt for p in others.pairs]
    assert ours.sha256 != others.sha256


def test_the_command_writes_what_a_reader_reads(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["toy", "targets", "-o", str(tmp_path / "t")])
    assert done.exit_code == 0
    assert "240" in done.stdout
    assert "retain.jsonl" in done.stdout
    for name, own in toy_targets().by_file.items():
        read = read_targets(tmp_path / "t" / name)
        assert (read.pairs, read.sha256) == (own.pairs, own.sha256)
    told = CliRunner().invoke(app, ["toy", "targets", "-o", str(tmp_path / "t"), "--json"])
    assert json.loads(told.stdout)["files"]["attack.jsonl"]["pairs"] == 240
