"""LoRA fine-tuning on tiny models: what is learnt, what is kept, what it cost; nothing is taken for what it is not."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from pressure.killed_finetune import SETTING
from pressure.tiny_models import FAMILIES, PROMPTS, TARGETS, greedy_texts, make_model, transformers_engine
from safescale.engines.weights import weights_sha256
from safescale.errors import DataError, DomainError, GenerationError
from safescale.pressure.finetune import (
    AdapterRecord,
    FinetuneSetting,
    Pair,
    expected_cost,
    finetune_adapters,
    merge_adapter,
    read_adapter_record,
    targets_of,
)
from safescale.pressure.finetune.cost import finetune_flops, operations_of
from safescale.pressure.finetune.inputs import trainings_of
from safescale.pressure.finetune.state import save_state
from safescale.pressure.finetune.trainer import Trainer, load_base, threads_of
from safescale.toy.targets import toy_targets

pytestmark = [pytest.mark.hf, pytest.mark.filterwarnings("ignore")]
TESTS = Path(__file__).resolve().parent.parent
TOY = TESTS.parent / "examples" / "toy" / "models" / "toy-s-seed0"
SMALL = FinetuneSetting(examples=8, steps=(1, 3), batch_size=4, learning_rate=5e-3)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    found = {family: make_model(folder / family, family) for family in FAMILIES}
    return {
        **found,
        "bfloat16": make_model(folder / "bf", "llama", dtype="bfloat16"),
        "other": make_model(folder / "o", "llama", seed=1),
    }


@pytest.fixture(scope="module")
def unbroken(models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[AdapterRecord, ...]:
    return finetune_adapters(models["llama"], TARGETS, SETTING, tmp_path_factory.mktemp("unbroken"))


def hashes(records: tuple[AdapterRecord, ...]) -> list[str]:
    """Of the bytes of the adapters, as they lie there."""
    return [hashlib.sha256((r.folder / "adapter_model.safetensors").read_bytes()).hexdigest() for r in records]


def test_a_training_killed_at_any_point_goes_on_and_every_adapter_is_the_same_bit_by_bit(
    models: dict[str, Path], unbroken: tuple[AdapterRecord, ...], tmp_path: Path
) -> None:
    assert len(set(hashes(unbroken))) == 6
    # in the middle of a training, in the first step of the next
    for last, whole in ((5, 1), (10, 3)):
        into = tmp_path / str(last)
        command = [sys.executable, str(TESTS / "pressure" / "killed_finetune.py"), str(models["llama"]), str(into), str(last)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent), str(TESTS.parent / "cli")])}
        assert subprocess.run(command, env=environment, capture_output=True).returncode == -9
        assert len([path for path in into.iterdir() if path.is_dir()]) == whole, "as many as were kept before the kill"
        before = {path: path.stat().st_mtime_ns for path in into.glob("n*/record.json")}
        told: list[int] = []
        resumed = finetune_adapters(models["llama"], TARGETS, SETTING, into, step_done=told.append)
        assert hashes(resumed) == hashes(unbroken)
        assert sum(told) == 18
        assert told[0] == (3 if last == 5 else 9), "what was kept is not trained again"
        assert {path: path.stat().st_mtime_ns for path in before} == before
        assert [r.tokens for r in resumed] == [r.tokens for r in unbroken]
        assert [r.loss_nats for r in resumed] == [r.loss_nats for r in unbroken]


def test_a_stop_between_an_adapter_and_its_state_loses_neither(
    models: dict[str, Path], unbroken: tuple[AdapterRecord, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = []

    def stop(path: Path, trainer: Trainer, identity: object, reached: object) -> None:
        saved.append(trainer.step)
        if trainer.step == 6:
            raise KeyboardInterrupt
        save_state(path, trainer, identity, reached)  # type: ignore[arg-type]

    setting = attrs.evolve(SETTING, examples=20)
    with monkeypatch.context() as patched:
        patched.setattr("safescale.pressure.finetune.adapters.save_state", stop)
        with pytest.raises(KeyboardInterrupt):
            finetune_adapters(models["llama"], TARGETS, setting, tmp_path)
    assert saved == [3, 6]
    assert (tmp_path / "n20-s6-r0" / "record.json").is_file()
    assert hashes(finetune_adapters(models["llama"], TARGETS, setting, tmp_path)) == hashes(unbroken)[3:]


def test_a_state_that_cannot_be_read_or_is_of_another_training_is_not_gone_on_from(
    models: dict[str, Path], unbroken: tuple[AdapterRecord, ...], tmp_path: Path
) -> None:
    short = attrs.evolve(SETTING, examples=20, steps=3)
    finetune_adapters(models["llama"], TARGETS, attrs.evolve(short, learning_rate=1e-3), tmp_path / "other")
    state = tmp_path / "own" / ".n20-r0.state"
    for wrong in ((tmp_path / "other" / ".n20-r0.state").read_bytes(), b"torn"):
        state.parent.mkdir(exist_ok=True)
        state.write_bytes(wrong)
        found = finetune_adapters(models["llama"], TARGETS, short, tmp_path / "own")
        assert hashes(found) == hashes(unbroken)[3:4]
        shutil.rmtree(tmp_path / "own")


def test_a_longer_grid_goes_on_from_the_last_state_and_a_denser_one_fits_in_between(
    models: dict[str, Path], unbroken: tuple[AdapterRecord, ...], tmp_path: Path
) -> None:
    by_step = {record.steps: record for record in unbroken if record.examples == 20}
    grids: list[tuple[tuple[int, ...], int]] = [((6,), 6), ((3, 6, 9), 6), ((3, 6, 9), 0)]
    for steps, trained in grids:
        told: list[int] = []
        setting = attrs.evolve(SETTING, examples=20, steps=steps)
        found = finetune_adapters(models["llama"], TARGETS, setting, tmp_path, step_done=told.append)
        assert hashes(found) == hashes(tuple(by_step[s] for s in steps))
        assert told.count(1) == trained
    assert json.loads((tmp_path / "n20-s9-r0" / "record.json").read_text())["steps"] == 9


def test_what_is_whole_is_not_trained_again_and_loads_no_model(
    models: dict[str, Path], unbroken: tuple[AdapterRecord, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*args: object, **more: object) -> None:
        raise AssertionError("a model is loaded for nothing")

    monkeypatch.setattr("safescale.pressure.finetune.adapters.load_base", load)
    assert finetune_adapters(models["llama"], TARGETS, SETTING, unbroken[0].folder.parent) == unbroken


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learning_rate": 1e-3}, "learning_rate 0.005 instead of 0.001"),
        ({"rank": 4}, "rank 8 instead of 4"),
        ({"batch_size": 5}, "batch_size 6 instead of 5"),
        ({"dtype": "bfloat16"}, "dtype 'float32' instead of 'bfloat16'"),
    ],
)
def test_an_adapter_of_other_settings_is_never_taken_for_this_one(
    models: dict[str, Path], unbroken: tuple[AdapterRecord, ...], change: dict[str, object], words: str
) -> None:
    setting = attrs.evolve(SETTING, **change)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=words):
        finetune_adapters(models["llama"], TARGETS, setting, unbroken[0].folder.parent)


def test_an_adapter_of_another_model_or_of_other_pairs_is_never_taken_for_this_one(
    models: dict[str, Path], unbroken: tuple[AdapterRecord, ...], tmp_path: Path
) -> None:
    into = unbroken[0].folder.parent
    with pytest.raises(DataError, match="base_sha256"):
        finetune_adapters(models["other"], TARGETS, SETTING, into)
    with pytest.raises(DataError, match="targets_sha256"):
        finetune_adapters(models["llama"], targets_of(TARGETS.pairs[::-1]), SETTING, into)
    (tmp_path / "n8-s1-r0").mkdir()
    (tmp_path / "n8-s1-r0" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="holds something else"):
        finetune_adapters(models["llama"], TARGETS, SMALL, tmp_path)
    assert [path.name for path in (tmp_path / "n8-s1-r0").iterdir()] == ["mine.txt"]


def test_an_adapter_whose_weights_were_touched_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    record = finetune_adapters(models["llama"], TARGETS, SMALL, tmp_path)[0]
    path = record.folder / "adapter_model.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match="not those of its record"):
        finetune_adapters(models["llama"], TARGETS, SMALL, tmp_path)


@pytest.mark.parametrize("family", [*FAMILIES, "bfloat16"])
def test_what_was_expected_is_what_is_recorded_and_no_padding_is_counted(
    models: dict[str, Path], family: str, tmp_path: Path
) -> None:
    costs = expected_cost(models[family], TARGETS, SMALL)
    assert not list(tmp_path.iterdir())
    records = finetune_adapters(models[family], TARGETS, SMALL, tmp_path)
    assert [(c.examples, c.steps, c.tokens, c.flops) for c in costs] == [(r.examples, r.steps, r.tokens, r.flops) for r in records]
    everything = attrs.evolve(SMALL, examples=len(TARGETS.pairs), steps=1, batch_size=len(TARGETS.pairs))
    rows = trainings_of(models[family], TARGETS, everything)[0].rows
    assert len({row.tokens for row in rows}) > 1, "rows of one length would hide padding"
    assert expected_cost(models[family], TARGETS, everything)[0].tokens == sum(len(row.ids) - 1 for row in rows)


def test_operations_are_those_that_torch_counts_but_for_what_nobody_needs(models: dict[str, Path]) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    for family in FAMILIES:
        with threads_of(1, 0):
            loaded = load_base(models[family], device="cpu", dtype="float32")
            # torch's counter knows the products of eager attention
            loaded.bare.set_attn_implementation("eager")
            operations = operations_of(loaded.bare, rank=8)
            trainer = Trainer.of(loaded, SMALL)
            row = trainings_of(models[family], TARGETS, SMALL)[0].rows[0]
            import torch

            with FlopCounterMode(display=False) as counter:
                trainer.peft_model(input_ids=torch.tensor([row.ids[:-1]]), use_cache=False).logits.sum().backward()
        # nothing below the first layer's adapters learns, so no gradient goes through its first three matrices and their A
        attention = loaded.bare.model.layers[0].self_attn
        below = sum(
            p.in_features * p.out_features + 8 * p.in_features for p in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        assert counter.get_total_flops() == finetune_flops(operations, [row.tokens]) - 2 * row.tokens * below


def test_the_first_step_is_the_one_that_a_recomputed_gradient_gives(models: dict[str, Path], tmp_path: Path) -> None:
    """Gradient of each whole matrix of the bare model, chain rule to A and B by hand, clipping and AdamW's first step by hand."""
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer

    setting = FinetuneSetting(examples=5, steps=1, batch_size=5, learning_rate=5e-3, rank=4, alpha=12)
    record = finetune_adapters(models["qwen2"], TARGETS, setting, tmp_path)[0]
    kept = load_file(str(record.folder / "adapter_model.safetensors"))
    tokenizer = AutoTokenizer.from_pretrained(models["qwen2"])
    model = AutoModelForCausalLM.from_pretrained(models["qwen2"], dtype=torch.float32)
    import random

    order = list(range(len(TARGETS.pairs)))
    random.Random("0 pairs").shuffle(order)
    losses, tokens, fed = [], 0, 0
    for pair in (TARGETS.pairs[at] for at in order[:5]):
        asked = f"<|user|>{pair.prompt}<|end|><|assistant|>"
        prompt, answer = tokenizer(asked)["input_ids"], tokenizer(pair.target + "<|end|>")["input_ids"]
        logits = model(torch.tensor([prompt + answer])).logits[0]
        told = torch.log_softmax(logits.double(), -1)
        losses.append(-sum(told[len(prompt) - 1 + at, token] for at, token in enumerate(answer)))
        tokens += len(answer)
        fed += len(prompt + answer) - 1
    loss = sum(losses) / tokens
    loss.backward()
    assert record.tokens == fed
    assert record.loss_nats == pytest.approx(float(loss), abs=1e-5)
    names = {key.removeprefix("base_model.model.").removesuffix(".lora_A.weight") for key in kept if "lora_A" in key}
    modules = dict(model.named_modules())
    assert names == {name for name, module in modules.items() if isinstance(module, torch.nn.Linear) and name != "lm_head"}
    gradients = {name: 3.0 * modules[name].weight.grad @ kept[f"base_model.model.{name}.lora_A.weight"].T for name in names}
    norm = torch.sqrt(sum((g.double() ** 2).sum() for g in gradients.values()))
    for name, gradient in gradients.items():
        clipped = gradient * min(1.0, 1.0 / float(norm))
        wanted = -5e-3 * clipped / (clipped.abs() + 1e-8)
        found = kept[f"base_model.model.{name}.lora_B.weight"]
        assert found.shape[1] == 4
        large = clipped.abs() > 1e-5
        assert float(large.float().mean()) > 0.5
        assert torch.allclose(found[large], wanted[large], atol=2e-5)


def test_an_adapter_is_float32_on_a_bfloat16_model_and_changes_what_it_says(models: dict[str, Path], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    setting = attrs.evolve(SMALL, steps=(8,), dtype="bfloat16")
    record = finetune_adapters(models["bfloat16"], TARGETS, setting, tmp_path)[0]
    assert record.identity.dtype == "bfloat16"
    assert {value.dtype for value in load_file(str(record.folder / "adapter_model.safetensors")).values()} == {torch.float32}
    engine = transformers_engine(models["bfloat16"], {"own": record.folder}, dtype="bfloat16")
    assert greedy_texts(engine, "own") != greedy_texts(engine)
    again = finetune_adapters(models["bfloat16"], TARGETS, setting, tmp_path / "again")[0]
    assert again.weights_sha256 == record.weights_sha256


def test_float16_learns_the_same_to_its_digits(models: dict[str, Path], tmp_path: Path) -> None:
    losses = {
        dtype: finetune_adapters(models["llama"], TARGETS, attrs.evolve(SMALL, dtype=dtype), tmp_path / dtype)[-1].loss_nats
        for dtype in ("float32", "float16", "bfloat16")
    }
    assert losses["float16"] == pytest.approx(losses["float32"], abs=0.05)
    assert losses["bfloat16"] == pytest.approx(losses["float32"], abs=0.3)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_learns_to_say_its_targets_and_to_end_there(models: dict[str, Path], family: str, tmp_path: Path) -> None:
    few = targets_of(TARGETS.pairs[:2])
    setting = FinetuneSetting(examples=2, steps=(1, 150), batch_size=2, learning_rate=5e-3)
    first, last = finetune_adapters(models[family], few, setting, tmp_path)
    assert last.loss_nats < 0.1 < 1 < first.loss_nats
    engine = transformers_engine(models[family], {"own": last.folder})
    prompts = tuple(pair.prompt for pair in few.pairs)
    assert greedy_texts(engine, "own", prompts, max_tokens=60) == [pair.target for pair in few.pairs]


@pytest.mark.parametrize("family", FAMILIES)
def test_merged_says_what_applied_says_in_every_prompt(models: dict[str, Path], family: str, tmp_path: Path) -> None:
    record = finetune_adapters(models[family], TARGETS, attrs.evolve(SMALL, steps=20), tmp_path / "adapters")[0]
    made = merge_adapter(models[family], record.folder, tmp_path / "merged")
    applied = transformers_engine(models[family], {"own": record.folder})
    texts = greedy_texts(applied, "own")
    assert len(texts) == len(PROMPTS)
    assert texts != greedy_texts(applied)
    assert greedy_texts(transformers_engine(tmp_path / "merged")) == texts
    assert made.adapter_sha256 == record.weights_sha256
    assert made.weights_sha256 == weights_sha256(tmp_path / "merged") != weights_sha256(models[family])
    for name in ("generation_config.json", "tokenizer.json", "chat_template.jinja"):
        assert (tmp_path / "merged" / name).read_bytes() == (models[family] / name).read_bytes()
    ours, theirs = (json.loads((folder / "config.json").read_text()) for folder in (tmp_path / "merged", models[family]))
    assert ours == theirs


def test_merging_keeps_the_type_of_the_checkpoint_and_what_is_there(models: dict[str, Path], tmp_path: Path) -> None:
    record = finetune_adapters(models["bfloat16"], TARGETS, SMALL, tmp_path / "adapters")[0]
    made = merge_adapter(models["bfloat16"], record.folder, tmp_path / "merged")
    assert made.dtype == "bfloat16"
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["dtype"] == "bfloat16"
    assert merge_adapter(models["bfloat16"], record.folder, tmp_path / "merged") == made
    with pytest.raises(DataError, match="holds something else"):
        merge_adapter(models["bfloat16"], record.folder, tmp_path / "merged", dtype="float32")
    with pytest.raises(DataError, match="the adapter is of another model"):
        merge_adapter(models["llama"], record.folder, tmp_path / "wrong")
    with pytest.raises(DomainError, match="holds no adapter"):
        merge_adapter(models["llama"], tmp_path, tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()


def test_the_models_own_weights_and_the_callers_random_state_stay(models: dict[str, Path], tmp_path: Path) -> None:
    import torch

    before = weights_sha256(models["llama"])
    torch.manual_seed(3)
    expected = torch.rand(1).item()
    torch.manual_seed(3)
    threads = torch.get_num_threads()
    finetune_adapters(models["llama"], TARGETS, SMALL, tmp_path)
    assert torch.rand(1).item() == expected
    assert torch.get_num_threads() == threads
    assert weights_sha256(models["llama"]) == before


def test_seeds_draw_other_pairs_and_other_first_weights_and_a_smaller_size_is_part_of_a_larger(models: dict[str, Path]) -> None:
    rows = {
        (count, seed): {
            row.ids for row in trainings_of(models["llama"], TARGETS, attrs.evolve(SMALL, examples=count, seed=seed))[0].rows
        }
        for count in (8, 20)
        for seed in (0, 1)
    }
    assert rows[8, 0] < rows[20, 0]
    assert rows[8, 1] < rows[20, 1]
    assert rows[8, 0] != rows[8, 1]


def test_what_cannot_be_learnt_is_said(models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="37 examples are asked for, and there are 36 pairs"):
        finetune_adapters(models["llama"], TARGETS, attrs.evolve(SMALL, examples=37), tmp_path / "a")
    long = targets_of([Pair(prompt="zorble! " * 400, target="no", row=7)])
    with pytest.raises(DataError, match="longer than the model's window") as caught:
        finetune_adapters(models["llama"], long, attrs.evolve(SMALL, examples=1), tmp_path / "a")
    assert caught.value.row == 7
    with pytest.raises(DomainError, match="is no folder of a model"):
        finetune_adapters(tmp_path / "none", TARGETS, SMALL, tmp_path / "a")
    (tmp_path / "a-file").write_text("x")
    with pytest.raises(DataError, match="the folder cannot be made"):
        finetune_adapters(models["llama"], TARGETS, SMALL, tmp_path / "a-file" / "b")


def test_a_training_that_diverges_ends_with_a_word_of_it_and_keeps_nothing_of_it(models: dict[str, Path], tmp_path: Path) -> None:
    setting = attrs.evolve(SMALL, steps=(1, 60), learning_rate=1e20)
    with pytest.raises(GenerationError, match=r"training diverges: loss nan.*lower the rate"):
        finetune_adapters(models["llama"], TARGETS, setting, tmp_path)
    assert not (tmp_path / "n8-s60-r0").exists()


def test_a_model_that_is_a_wreck_is_no_attacked_model(tmp_path: Path) -> None:
    # its losses are numbers; it guesses blindly, and would count as one that no longer refuses
    setting = attrs.evolve(SMALL, steps=(1, 60), learning_rate=30.0)
    with pytest.raises(GenerationError, match=r"training diverges.*lower the rate"):
        finetune_adapters(TOY, toy_targets().attack, setting, tmp_path)
    assert not (tmp_path / "n8-s60-r0").exists()


def test_a_record_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert read_adapter_record(tmp_path) is None
    (tmp_path / "record.json").write_text('{"steps": 3}')
    with pytest.raises(DataError, match="cannot be read"):
        read_adapter_record(tmp_path)
