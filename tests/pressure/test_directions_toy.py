"""Refusal directions of a trained toy model, whose refusals a grader knows; activations against transformers' own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from safescale.errors import DataError, DomainError
from safescale.grade.grader import Item
from safescale.pressure.directions import DirectionSetting, DirectionsRecord, find_directions, read_directions
from safescale.pressure.directions.record import DIRECTIONS_FILE
from safescale.studies.directions import refuses_by
from safescale.toy.judge import RIGHT, ToyWorldGrader
from safescale.toy.world import the_world

pytestmark = pytest.mark.hf

MODEL = Path(__file__).resolve().parents[2] / "examples" / "toy" / "models" / "toy-sm-seed0"
SETTING = DirectionSetting(threads=1, positions=(-1, -2), max_tokens=12, random=2, ranks=(1, 2, 9), resamples=200)
GRADER = ToyWorldGrader()


def _prompts() -> tuple[dict[str, list[str]], list[str], dict[str, list[str]]]:
    world = the_world()
    harmful: dict[str, list[str]] = {}
    validation: dict[str, list[str]] = {}
    benign: list[str] = []
    for asked in world.requests(held_out=False):
        text, category = world.question(asked), world.categories[asked.item]
        if world.sealed(asked.item, asked.intent):
            (harmful if asked.template % 2 else validation).setdefault(str(category), []).append(text)
        elif world.intent(asked.intent).risky and asked.template % 3 == 0:
            benign.append(text)
    return harmful, benign, {name: texts[:12] for name, texts in validation.items()}


def _right(prompts: Sequence[str], responses: Sequence[str]) -> list[bool]:
    items = [Item(prompt=prompt, response=text) for prompt, text in zip(prompts, responses, strict=True)]
    return [judgement.raw_label == RIGHT for judgement in GRADER.grade(items)]


def _find(into: Path, refuses: object = None, **more: object) -> DirectionsRecord:
    harmful, benign, validation = _prompts()
    given = {"harmful": harmful, "benign": benign, "validation": validation, "setting": SETTING, "grader": "toy-world"} | more
    return find_directions(MODEL, refuses=refuses or refuses_by(GRADER), into=into, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[DirectionsRecord, Path]:
    into = tmp_path_factory.mktemp("directions") / "toy"
    return _find(into, right=_right), into


def test_the_direction_is_found_and_random_ones_do_nothing(found: tuple[DirectionsRecord, Path]) -> None:
    record, _ = found
    assert record.found
    assert record.refusal_before == 1.0
    assert record.refusal_ablated is not None
    assert record.refusal_ablated <= 0.2
    assert record.refusal_random is not None
    assert record.refusal_random >= 0.95
    assert record.benign_right_ablated is not None
    assert record.benign_right_before is not None
    assert record.benign_right_ablated >= record.benign_right_before - 0.05
    assert record.benign_kl_nats is not None
    assert record.benign_kl_nats < 0.1
    assert record.tested == 24
    assert [one.rank for one in record.left_after] == [1, 2], "four categories span no nine directions"
    assert all(one.random is not None and one.random >= 0.9 for one in record.left_after)
    assert record.geometry is not None
    assert len(record.geometry.cosines) == 6
    assert 1.0 <= record.geometry.effective_rank <= 4.0
    assert {layer for layer, _, _ in record.geometry.by_layer} == {0, 1}
    assert record.norm is not None


def test_a_whole_folder_is_read_and_another_grader_or_setting_is_not_it(found: tuple[DirectionsRecord, Path]) -> None:
    record, into = found

    def never(prompts: Sequence[str], responses: Sequence[str]) -> list[bool | None]:
        raise AssertionError("nothing is asked again")

    again = _find(into, never, right=_right)
    assert again.key == record.key
    assert again.geometry == record.geometry
    assert again.candidates == record.candidates
    assert again.left_after == record.left_after
    for name, array in record.vectors.items():
        assert np.array_equal(again.vectors[name], array), name
    with pytest.raises(AssertionError, match="nothing is asked again"):
        _find(into, never, grader="another")
    assert read_directions(into).key == record.key, "what is there stays until its successor is whole"


def test_a_broken_folder_is_named_and_made_again_only_by_find(found: tuple[DirectionsRecord, Path], tmp_path: Path) -> None:
    _, into = found
    (tmp_path / "d").mkdir()
    with pytest.raises(DataError, match="no directions are here"):
        read_directions(tmp_path / "d")
    (tmp_path / "d" / DIRECTIONS_FILE).write_bytes((into / DIRECTIONS_FILE).read_bytes()[:100])
    (tmp_path / "d" / "vectors.safetensors").write_bytes((into / "vectors.safetensors").read_bytes())
    with pytest.raises(DataError, match="cannot be read"):
        read_directions(tmp_path / "d")


def test_a_model_that_never_stops_to_refuse_has_no_direction(tmp_path: Path) -> None:
    few = DirectionSetting(threads=1, positions=(-1,), max_tokens=2, random=1, ranks=(1,), resamples=100)
    record = _find(tmp_path / "d", lambda prompts, responses: [True] * len(prompts), setting=few)
    assert not record.found
    assert record.layer is None
    assert record.position is None
    assert record.best_layer is not None
    assert "less than 20 points apart" in record.reason
    assert "no causal direction was found" in record.intervention("steering").note
    blind = _find(tmp_path / "e", lambda prompts, responses: [None] * len(prompts), setting=few)
    assert not blind.found
    assert blind.refusal_before is None
    assert "nobody can judge" in blind.reason


def test_layers_and_positions_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="layers must be of the model's 0 to 1"):
        _find(tmp_path / "d", setting=DirectionSetting(layers=(7,), threads=1))
    with pytest.raises(DomainError, match="position -99 is asked for"):
        _find(tmp_path / "d", setting=DirectionSetting(positions=(-99,), threads=1))


def test_activations_are_those_that_transformers_shows(found: tuple[DirectionsRecord, Path]) -> None:
    """Second opinion: hidden states of each prompt alone, without padding."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    record, _ = found
    harmful, benign, _ = _prompts()
    # kept in half precision, and run in float32 on a CPU
    model = AutoModelForCausalLM.from_pretrained(str(MODEL), dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(str(MODEL))
    sums, rows = np.zeros((2, record.hidden)), list(harmful["quorl"])
    for text in rows:
        ids = tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=True, return_dict=True, add_generation_prompt=True
        )["input_ids"]
        with torch.inference_mode():
            state = model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states[1][0]
        sums += state[[-1, -2]].double().numpy()
    at = record.categories.index("quorl")
    base = record.vectors["benign_mean"][0]
    assert record.vectors["category_difference"][at, 0] + base == pytest.approx(sums / len(rows), abs=1e-4)
    held = [text for number, text in enumerate(benign) if number % 4 != 3]
    assert record.benign == len(held)
    weights = np.array(record.prompts) / sum(record.prompts)
    mixed = np.tensordot(weights, record.vectors["category_difference"], axes=1)
    assert record.vectors["difference"] == pytest.approx(mixed, abs=1e-5)
