"""``study.yaml``: what it says is what is asked, and whatever is wrong is named by file, key, what was expected and what came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from safescale.errors import DataError
from safescale.registry import parse_model_id
from safescale.studies.robustness.cells import adapter_name, planned_cells
from safescale.studies.robustness.config import read_study
from safescale.studies.robustness.design import FinetuneGrid, PromptAttacks, RobustnessDesign
from safescale.studies.robustness.evaluation import evaluation_prompts
from safescale.studies.robustness.materials import materials_of
from studies import robustness_world as world

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_bundled_examples_ask_what_the_issue_asks() -> None:
    whole, small = (read_study(EXAMPLES / name) for name in ("study-toy.yaml", "study-toy-small.yaml"))
    assert whole.toy is not None
    assert (whole.toy.sizes, whole.toy.seeds) == (("s", "sm", "m", "ml"), 3)
    assert whole.design.finetune.examples == (16, 64)
    assert whole.design.finetune.steps == (5, 10, 20, 30, 50, 100)
    assert whole.design.steering is not None
    assert whole.design.tamper_resistance is not None
    assert whole.design.geometry is not None
    assert whole.design.prompts.puzzle_lines == (7,)
    assert [grader.name for grader in whole.graders] == ["toy-world", "refusal-classifier"]
    assert small.toy is not None
    assert len(small.toy.sizes) == 4


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("toy: {}\n", encoding="utf-8")
    asked = read_study(path)
    assert asked.toy is not None
    assert asked.toy.seeds == 3
    assert asked.engine == "transformers"
    assert asked.sampling == {"temperature": 1.0}
    assert asked.design.samples == 2
    assert asked.design.finetune == FinetuneGrid()
    assert asked.entropy_grader == "refusal-classifier"
    assert asked.embedder == "hashed-ngrams"
    assert asked.prompts_file is None
    assert asked.validation == 200


def test_false_leaves_a_part_out(tmp_path: Path) -> None:
    asked = read_study(world.write_study(tmp_path, steering=False, tamper_resistance=False, geometry=False, finetune=False))
    assert asked.design.steering is None
    assert asked.design.tamper_resistance is None
    assert asked.design.geometry is None
    assert not asked.finetune


def test_steering_is_tried_against_the_level_nearest_to_fifty_unless_it_says(tmp_path: Path) -> None:
    given = {"steering": {"coefficients": [1]}, "finetune": {"examples": [8], "steps": [5, 40, 400]}}
    asked = read_study(world.write_study(tmp_path, **given))
    assert asked.design.steering is not None
    assert asked.design.steering.against == (40,)


def test_without_fine_tuning_nobody_looks_at_the_steps_that_steering_is_tried_against(tmp_path: Path) -> None:
    asked = read_study(world.write_study(tmp_path, finetune=False, steering={"coefficients": [1], "against": [7]}))
    assert not any(cell.attack.kind == "finetune" for cell in planned_cells(["a/b"], asked.design, weights=["a/b"], finetune=False))


@pytest.mark.parametrize(
    ("changed", "key", "expected"),
    [
        ({"finetunes": {}}, "finetunes", "did you mean 'finetune'"),
        ({"toy": {}}, "models", "one of the two"),
        ({"models": None}, "models", "one of the two"),
        ({"models": "none.yaml"}, "models", "a file, beside study.yaml"),
        ({"prompts": "none.jsonl"}, "prompts", "a file"),
        ({"prompts": None}, "prompts", "the key 'prompts'"),
        ({"targets": {"attack": "none.jsonl"}}, "targets.attack", "a file"),
        ({"targets": {"attacks": "attack.jsonl"}}, "targets.attacks", "did you mean 'attack'"),
        ({"engine": "vllms"}, "engine", "did you mean 'vllm'"),
        ({"sampling": {"temperature": 0}}, "sampling.temperature", "a temperature above 0"),
        ({"sampling": {"heat": 1}}, "sampling.heat", "one of"),
        ({"graders": ["refusal-phrase"]}, "graders[0]", "did you mean 'refusal-phrases'"),
        ({"graders": ["refusal-phrases", "refusal-phrases"]}, "graders", "name each once"),
        ({"entropy_grader": "nobody"}, "entropy_grader", "one of"),
        ({"finetune": {"examples": [0], "steps": [5]}}, "finetune.examples[0]", "a whole number >= 1"),
        ({"finetune": {"examples": [4], "steps": [5, 5]}}, "finetune", "different whole numbers"),
        ({"finetune": {"rank": "eight"}}, "finetune.rank", "a whole number"),
        ({"finetune": {"learning_rate": 0}}, "finetune.learning_rate", "a number above 0"),
        ({"tamper_resistance": {"outer": 3}}, "tamper_resistance.outer", "did you mean 'outer_steps'"),
        ({"geometry": {"ablation": "yes"}}, "geometry.ablation", "true or false"),
        ({"compute_unit": "hours"}, "compute_unit", "one of tokens, flops"),
        ({"tier": "wide"}, "tier", "one of"),
        ({"limit": {"harmless": 4}}, "limit.harmless", "one of"),
        ({"jobs": 0}, "jobs", "a whole number >= 1"),
        ({"dtype": "float7"}, "dtype", "one of float32"),
        ({"embedder": "minilmm"}, "embedder", "did you mean 'minilm'"),
        ({"embedder": "path:nowhere"}, "embedder", "a folder behind the colon that is there"),
        ({"graders": ["refusal-phrases", {"encoder": "nowhere"}]}, "graders[1].encoder", "a folder that is there"),
        ({"steering": {"coefficients": [1, 1.0], "against": [20]}}, "steering", "differ in six digits"),
        ({"steering": {"coefficients": [0.1234567, 0.1234568], "against": [20]}}, "steering", "differ in six digits"),
        ({"steering": {"coefficients": [1], "against": [20, 20]}}, "steering", "each once"),
        ({"options": {"intervention": "x"}}, "options.intervention", "the study says itself"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(tmp_path: Path, changed: dict[str, Any], key: str, expected: str) -> None:
    path = world.write_study(tmp_path, **changed)
    with pytest.raises(DataError) as refusal:
        read_study(path)
    assert refusal.value.column == key
    assert str(refusal.value.file) == str(path)
    assert expected in str(refusal.value)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"samples": 1}, "without a second baseline draw"),
        ({"steering": {"coefficients": [1], "against": [7]}}, "the grid keeps"),
        ({"alpha": 0.9}, "alpha must lie"),
    ],
)
def test_a_design_that_cannot_be_is_refused_with_its_reason(tmp_path: Path, changed: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_study(world.write_study(tmp_path, **changed))


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("toy: [", encoding="utf-8")
    with pytest.raises(DataError, match="not YAML"):
        read_study(path)


def test_templates_are_attacks_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "templates.yaml").write_text(yaml.safe_dump({"gently": "kindly: {prompt}"}), encoding="utf-8")
    asked = read_study(world.write_study(tmp_path, prompt_attacks={"puzzle_lines": [3], "templates": "templates.yaml"}))
    cells = planned_cells(["a"], asked.design, weights=[])
    assert [(cell.attack.name, cell.condition) for cell in cells] == [
        ("none", "default"),
        ("puzzle-3", "puzzle-3"),
        ("gently", "gently"),
    ]


def test_ids_say_what_was_done_and_the_registry_reads_it() -> None:
    design = RobustnessDesign(prompts=PromptAttacks(puzzle_lines=(7,)))
    cells = planned_cells(["acme/plim-4b"], design, weights=["acme/plim-4b"])
    assert len({(cell.subject, cell.condition) for cell in cells}) == len(cells) == 1 + 1 + 2 * 9 + 2 + 3 * 2 + 1 + 9
    read = {cell.subject: parse_model_id(cell.subject).tampering for cell in cells}
    assert read["acme/plim-4b+lora_finetune+n64-s20-r0"] == "fine_tuned"
    assert read["acme/plim-4b+steered+c0.5"] == "steered"
    assert read["acme/plim-4b+steered+random"] == "steered"
    assert read["acme/plim-4b+abliterated+k1"] == "abliterated"
    assert read["acme/plim-4b+steered+c2+lora_finetune+n64-s50-r0"] == "fine_tuned"
    assert read["acme/plim-4b+tamper_resistant+lora_finetune+n64-s20-r0"] == "fine_tuned"
    assert parse_model_id("meta-llama/Llama-3.2-1B-Instruct+tamper_resistant").tampering == "none"
    assert {cell.kind for cell in cells} == {
        *("none", "prompt", "finetune", "ablation", "random_ablation", "steering", "steering + finetune"),
        *("tamper_resistance", "tamper_resistance + finetune"),
    }


def test_an_adapter_has_the_name_that_fine_tuning_gives_it() -> None:
    from safescale.pressure.finetune import adapter_name as theirs

    assert adapter_name(64, 20, 1) == theirs(64, 20, 1) == "n64-s20-r1"


def test_a_limit_by_kind_takes_every_category_and_keeps_the_set(tmp_path: Path) -> None:
    whole = evaluation_prompts(None, None)
    some = evaluation_prompts(None, {"harmful": 8, "benign": 4})
    more = evaluation_prompts(None, {"harmful": 16, "benign": 4})
    assert some.set.sha256 == more.set.sha256 == whole.set.sha256
    asked = {prompt.prompt_id for prompt in some.asked}
    assert asked < {prompt.prompt_id for prompt in more.asked}
    classes = [prompt.attack_class for prompt in some.asked if prompt.prompt_kind == "harmful"]
    assert len(classes) == 8
    assert all(classes.count(name) == 2 for name in set(classes))
    assert len(set(classes)) == 4
    with pytest.raises(DataError, match="none of the 4 prompts that are asked is harmful"):
        evaluation_prompts(None, {"benign": 4})


def test_a_model_of_a_lineage_is_declared_as_a_models_file_declares_it(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("toy: {sizes: [s, m], seeds: 2}\n", encoding="utf-8")
    toy = materials_of(read_study(tmp_path / "study.yaml"), tmp_path / "out").bases
    assert [base.model_id for base in toy] == ["toy-s-seed0", "toy-s-seed1", "toy-m-seed0", "toy-m-seed1"]
    assert [base.lineage for base in toy] == ["toy seed 0", "toy seed 1"] * 2
    read = read_study(world.write_study(tmp_path / "read")).models
    assert read is not None
    assert {tuple(sorted(base.declared)) for base in toy} == {tuple(sorted(base.declared)) for base in read.models}
    assert not any(str(tmp_path) in str(base.declared) for base in toy)
