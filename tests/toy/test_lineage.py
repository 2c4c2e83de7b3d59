"""Real, very short trainings: the same weights each time, kept and resumed by model, readable by everything that comes after."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.hf

STEPS = ("--pretraining-steps", "3", "--safety-steps", "2")


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "safescale", "toy", "train", "-o", str(folder), *STEPS, *words]


@pytest.fixture(scope="module")
def lineage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sizes in one seed, by the command, in two processes."""
    folder = tmp_path_factory.mktemp("toy") / "lineage"
    done = subprocess.run(
        command(folder, "--sizes", "s,sm", "--seeds", "1", "--jobs", "2"), capture_output=True, text=True, timeout=600
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "trained 2, kept 0, failed 0" in done.stdout
    return folder


def test_the_command_leaves_whole_folders_and_nothing_else(lineage: Path) -> None:
    assert sorted(path.name for path in lineage.iterdir()) == [
        "models.yaml",
        "prompts.jsonl",
        "toy-s-seed0",
        "toy-sm-seed0",
        "toy.json",
    ]
    names = {path.name for path in (lineage / "toy-s-seed0").iterdir()}
    assert {"README.md", "toy.json", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= names


def test_card_and_record_say_the_same_and_what_it_is_not_for(lineage: Path) -> None:
    card = (lineage / "toy-s-seed0" / "README.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    record = json.loads((lineage / "toy-s-seed0" / "toy.json").read_text())
    assert (front["recipe"], front["seed"], front["parameters"]) == (record["recipe"], 0, record["parameters"])
    assert front["steps"] == sum(stage["steps"] for stage in record["stages"]) == 5
    assert front["capability"] == pytest.approx(record["measured"]["capability"], abs=1e-4)
    assert front["hedged_after_pretraining"] == pytest.approx(record["hedged_after_pretraining"], abs=1e-4)
    assert "## What it is not for" in card
    assert json.loads((lineage / "toy.json").read_text())["models"][0] == record


def test_the_count_of_parameters_is_exact(lineage: Path) -> None:
    from safetensors import safe_open

    from safescale.toy.recipe import SIZES
    from safescale.toy.tokens import vocabulary_of
    from safescale.toy.world import the_world

    for size in ("s", "sm"):
        folder = lineage / f"toy-{size}-seed0"
        with safe_open(str(folder / "model.safetensors"), "pt") as weights:
            stored = sum(weights.get_tensor(name).numel() for name in weights.keys())  # noqa: SIM118
        said = json.loads((folder / "toy.json").read_text())["parameters"]
        assert said == stored == SIZES[size].parameters(len(vocabulary_of(the_world())))


def test_a_second_call_trains_nothing_and_another_recipe_trains_again(lineage: Path, tmp_path: Path) -> None:
    from safescale.toy.lineage import train_lineage
    from safescale.toy.recipe import Recipe

    recipe = Recipe(pretraining_steps=3, safety_steps=2)
    made = (lineage / "toy-s-seed0" / "model.safetensors").stat().st_mtime_ns
    again = train_lineage(lineage, sizes=("s", "sm"), seeds=1, recipe=recipe)
    assert (again.kept, again.failed) == (("toy-s-seed0", "toy-sm-seed0"), ())
    assert (lineage / "toy-s-seed0" / "model.safetensors").stat().st_mtime_ns == made
    first = train_lineage(tmp_path / "x", sizes=("s",), seeds=1, recipe=recipe)
    # trained in this process, in another folder, with other models around: the same weights
    assert first.models[0].weights_sha256 == again.models[0].weights_sha256
    (tmp_path / "x" / "toy-s-seed0" / "model.safetensors").write_bytes(b"torn")
    mended = train_lineage(tmp_path / "x", sizes=("s",), seeds=1, recipe=recipe)
    assert (mended.kept, mended.models[0].weights_sha256) == ((), first.models[0].weights_sha256)
    other = train_lineage(tmp_path / "x", sizes=("s",), seeds=1, recipe=Recipe(pretraining_steps=2, safety_steps=2))
    assert other.kept == ()
    assert other.models[0].weights_sha256 != first.models[0].weights_sha256


def test_training_leaves_the_random_state_and_threads_of_the_caller_alone(tmp_path: Path) -> None:
    import torch

    from safescale.toy.lineage import train_lineage
    from safescale.toy.recipe import Recipe

    torch.manual_seed(7)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train_lineage(tmp_path, sizes=("s",), seeds=1, recipe=Recipe(pretraining_steps=1, safety_steps=1, batch_size=2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_a_killed_training_goes_on_with_the_models_that_are_missing(tmp_path: Path) -> None:
    first, second = tmp_path / "toy-sm-seed0" / "toy.json", tmp_path / "toy-s-seed0"
    words = command(tmp_path, "--sizes", "s,sm", "--seeds", "1")
    words[words.index("3")] = "40"
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = time.monotonic() + 500
    while not first.exists() and time.monotonic() < end:
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert first.exists()
    assert not second.exists()
    # a process that was killed while it wrote leaves such a folder
    (tmp_path / f".toy-s-seed0.partial-{running.pid}").mkdir()
    made = first.stat().st_mtime_ns
    done = subprocess.run([*words, "--json"], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["kept"] == ["toy-sm-seed0"]
    assert [model["model_id"] for model in told["models"]] == ["toy-s-seed0", "toy-sm-seed0"]
    assert first.stat().st_mtime_ns == made
    assert not list(tmp_path.glob(".toy-*"))


def test_a_run_reads_the_lineage_asks_it_and_the_exact_grader_reads_the_answers(lineage: Path, tmp_path: Path) -> None:
    from safescale.generate import generate, plan_runs, read_models, read_prompt_set

    models = read_models(lineage / "models.yaml", engine="transformers")
    assert [(model.model_id, model.lineage) for model in models.models] == [
        ("toy-s-seed0", "toy seed 0"),
        ("toy-sm-seed0", "toy seed 0"),
    ]
    record = json.loads((lineage / "toy-s-seed0" / "toy.json").read_text())
    assert models.models[0].params_total_b == record["parameters"] / 1e9
    assert not models.models[0].size_estimated
    few = tmp_path / "prompts.jsonl"
    few.write_text("".join((lineage / "prompts.jsonl").read_text().splitlines(keepends=True)[::60]))
    done = generate(plan_runs(models, read_prompt_set(few)), tmp_path / "runs")
    assert [run.answered for run in done.runs] == [4, 4]


def test_the_tokenizer_says_what_was_written_and_keeps_a_system_message_and_a_prefill_apart() -> None:
    from safescale.toy.tokens import make_tokenizer
    from safescale.toy.wording import REFUSALS
    from safescale.toy.world import the_world

    world, tokenizer = the_world(), make_tokenizer(the_world())
    said = [world.answer(item, intent.name) for item in world.items for intent in world.intents]
    said += [world.hedged("zorble", "make"), *REFUSALS.values(), "the answer is 17."]
    for text in said:
        assert tokenizer.decode(tokenizer.encode(text)) == text
        assert tokenizer.unk_token_id not in tokenizer.encode(text)
    chat = [{"role": "system", "content": "no."}, {"role": "user", "content": "how?"}, {"role": "assistant", "content": "to make"}]
    assert (
        tokenizer.apply_chat_template(chat, tokenize=False, continue_final_message=True)
        == "<|system|>no.<|end|><|user|>how?<|end|><|assistant|>to make"
    )


def test_a_model_that_fails_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safescale.errors import GenerationError
    from safescale.toy import lineage
    from safescale.toy.recipe import Recipe

    real = lineage.train_stage

    def broken(*words: object, **more: object) -> object:
        if words[6] == 1:
            raise GenerationError("the loss is no number")
        return real(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(lineage, "train_stage", broken)
    told = lineage.train_lineage(tmp_path, sizes=("s",), seeds=2, recipe=Recipe(pretraining_steps=1, safety_steps=1, batch_size=2))
    assert [record.model_id for record in told.models] == ["toy-s-seed0"]
    assert [(failed.model_id, failed.reason) for failed in told.failed] == [
        ("toy-s-seed1", "GenerationError: the loss is no number")
    ]
    assert "toy-s-seed1" not in (tmp_path / "models.yaml").read_text()


def _die(task: int) -> int:
    if task == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return 10 * task


def test_a_process_that_dies_costs_its_own_task_alone() -> None:
    from safescale.toy.workers import Failed, run_tasks

    found = dict(run_tasks(_die, [0, 1, 2, 3], jobs=2))
    assert isinstance(found[1], Failed)
    assert {task: outcome for task, outcome in found.items() if task != 1} == {0: 0, 2: 20, 3: 30}
