"""The conditions of a design: each prompt has its puzzle, the same for every model, and nothing else differs."""

from __future__ import annotations

import attrs
import pytest

from safescale.errors import DomainError
from safescale.generate import Condition
from safescale.pressure.counters import WORDS, TokenCounter
from safescale.studies.dilution import DilutionDesign
from safescale.studies.dilution.conditions import counter_of, dilution_conditions, puzzles_of
from safescale.studies.dilution.setting import setting_of
from studies.dilution_world import fake_model, prompt_set, wanted

IDS = [f"h-{i}" for i in range(6)]


def test_names_and_roles_of_the_default_design() -> None:
    made = dilution_conditions(DilutionDesign(templates=(("rhyme", "In rhyme: {prompt}"),)), IDS, WORDS)
    assert [(one.asked.name, one.asked.role, one.asked.lines, one.asked.main) for one in made] == [
        ("baseline", "baseline", None, False),
        ("puzzle-2", "puzzle", 2, False),
        ("puzzle-4", "puzzle", 4, False),
        ("puzzle-7", "puzzle", 7, True),
        ("puzzle-10", "puzzle", 10, False),
        ("neutral-7", "neutral", 7, False),
        ("appended-7", "appended", 7, False),
        ("alone-7", "alone", 7, False),
        ("rhyme", "template", None, False),
    ]
    assert all(one.asked.name == one.condition.name for one in made)


def test_without_controls_only_puzzles_are_left() -> None:
    made = dilution_conditions(DilutionDesign(controls=False, doses=()), IDS, WORDS)
    assert [one.asked.role for one in made] == ["baseline", "puzzle"]


def test_the_same_puzzle_stands_before_after_and_alone() -> None:
    made = {one.asked.role: one for one in dilution_conditions(DilutionDesign(doses=()), IDS, WORDS)}
    puzzle = puzzles_of(tuple(made.values()))
    assert puzzle is not None
    for prompt_id in IDS:
        text = puzzle(prompt_id).text
        before = made["puzzle"].condition.user_text("hum?", prompt_id=prompt_id)
        after = made["appended"].condition.user_text("hum?", prompt_id=prompt_id)
        alone = made["alone"].condition.user_text("hum?", prompt_id=prompt_id)
        assert before.endswith("hum?")
        assert after.startswith("hum?")
        assert text in before
        assert text in after
        assert text in alone
        assert "hum?" not in alone
        assert made["baseline"].condition.user_text("hum?", prompt_id=prompt_id) == "hum?"


def test_each_prompt_has_a_puzzle_of_its_own_whichever_other_prompts_are_asked() -> None:
    few, many = setting_of(wanted(limit=3)), setting_of(wanted())
    texts = []
    for setting in (few, many):
        condition = next(one.condition for one in setting.conditions if one.asked.main)
        texts.append([condition.user_text("x", prompt_id=prompt.prompt_id) for prompt in setting.prompts])
    assert texts[0] == texts[1][:3]
    assert len(set(texts[1])) == len(texts[1])


def test_neutral_prose_has_the_length_of_the_puzzle_and_none_of_its_lines() -> None:
    made = {one.asked.role: one for one in dilution_conditions(DilutionDesign(doses=()), IDS, WORDS)}
    puzzle = puzzles_of(tuple(made.values()))
    assert puzzle is not None
    for prompt_id in IDS:
        before = made["puzzle"].condition.user_text("hum?", prompt_id=prompt_id)
        neutral = made["neutral"].condition.user_text("hum?", prompt_id=prompt_id)
        assert abs(WORDS(before) - WORDS(neutral)) <= 1
        assert not any(line in neutral for line in puzzle(prompt_id).lines)


def test_the_puzzle_alone_is_benign_and_enters_no_attack_success() -> None:
    made = dilution_conditions(DilutionDesign(), IDS, WORDS)
    assert {one.asked.role: one.condition.prompt_kind for one in made}["alone"] == "benign"
    assert sum(one.condition.prompt_kind is not None for one in made) == 1


def test_the_system_prompt_of_the_models_file_stands_around_every_condition() -> None:
    framed = wanted(conditions=(Condition(name="guarded", system="You are of the quindle guild.", prefill="Well,"),))
    for one in setting_of(framed).conditions:
        assert (one.condition.system, one.condition.prefill) == ("You are of the quindle guild.", "Well,")


def test_refuses_conditions_of_its_own_in_the_models_file() -> None:
    with pytest.raises(DomainError, match=r"2 conditions \(a, b\).*--templates"):
        setting_of(wanted(conditions=(Condition(name="a"), Condition(name="b"))))
    with pytest.raises(DomainError, match="'verse' of the models file has a template"):
        setting_of(wanted(conditions=(Condition(name="verse", template="In verse: {prompt}"),)))


def test_refuses_a_template_of_the_name_of_another_condition() -> None:
    with pytest.raises(DomainError, match="two conditions are called 'puzzle-7'"):
        dilution_conditions(DilutionDesign(templates=(("puzzle-7", "{prompt}"),)), IDS, WORDS)


def test_all_that_determines_the_texts_is_in_the_identity() -> None:
    design = DilutionDesign(doses=(), templates=(("rhyme", "In rhyme: {prompt}"),))
    whole = {one.asked.name: one.condition.identity for one in dilution_conditions(design, IDS, WORDS)}
    others = [
        attrs.evolve(design, puzzle_seed=1),
        attrs.evolve(design, kinds=("ordering",)),
        attrs.evolve(design, difficulty=2),
    ]
    for other in others:
        found = {one.asked.name: one.condition.identity for one in dilution_conditions(other, IDS, WORDS)}
        assert all(found[name] != whole[name] for name in ("puzzle-7", "neutral-7", "appended-7", "alone-7"))
        assert found["baseline"] == whole["baseline"]
    counted = dilution_conditions(design, IDS, TokenCounter("tokens of plim", len))
    assert {one.asked.name for one in counted if one.condition.identity != whole[one.asked.name]} == {"neutral-7"}
    reworded = dilution_conditions(attrs.evolve(design, templates=(("rhyme", "In verse: {prompt}"),)), IDS, WORDS)
    assert {one.asked.name for one in reworded if one.condition.identity != whole[one.asked.name]} == {"rhyme"}


def test_words_are_counted_where_the_first_model_is_no_local_folder() -> None:
    counter = counter_of([fake_model(1.0)])
    assert (counter.name, counter("zorble the  quindle\nhums")) == ("words and marks", 4)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((1.0, 2.0, 40.0), "4 distinct sizes, there are 3"),
        ((1.0, 1.0, 1.0, 1.0), "4 distinct sizes, there is 1.*1 decade"),
        ((1.0, 2.0, 3.0, 9.9), "1 decade between the smallest and the largest size, there are 1.00|there are 0.99"),
    ],
)
def test_refuses_too_few_sizes_or_decades_unless_exploratory(sizes: tuple[float, ...], message: str) -> None:
    models = [fake_model(size, name=f"sim/plim{at}") for at, size in enumerate(sizes)]
    with pytest.raises(DomainError, match=message):
        setting_of(wanted(models))
    few = wanted(models)
    assert setting_of(attrs.evolve(few, design=attrs.evolve(few.design, exploratory=True))).responses > 0


def test_a_model_of_unknown_size_is_named_where_sizes_are_missing() -> None:
    models = [fake_model(size) for size in (1.0, 2.0, 40.0)] + [
        attrs.evolve(fake_model(1.5), model_id="mimsy", params_total_b=None)
    ]
    with pytest.raises(DomainError, match="mimsy: size unknown, declare params_total_b"):
        setting_of(wanted(models))


def test_refuses_samples_that_would_all_be_one_and_prompts_without_a_harmful_one() -> None:
    asked = wanted()
    with pytest.raises(DomainError, match="3 samples at temperature 0 are one answer 3 times"):
        setting_of(attrs.evolve(asked, design=attrs.evolve(asked.design, samples=3)))
    with pytest.raises(DomainError, match=r"none of the 4 prompts of prompts\.jsonl is harmful"):
        setting_of(wanted(prompts=prompt_set(0, 4)))
