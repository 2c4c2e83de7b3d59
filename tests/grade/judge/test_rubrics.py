"""Rubric files: locked by their hash, read with every mistake named."""

import hashlib
from pathlib import Path

import pytest
import yaml

from safescale.errors import DataError, DomainError
from safescale.grade.judge import guard_names, load_rubric, rubric, rubric_names
from safescale.grade.judge.locked import LOCKED
from safescale.grade.judge.rubric import file_sha256
from safescale.records.outcomes import OUTCOME_MAPS
from safescale.records.verdicts import Verdict

FOLDER = Path(rubric.__file__).parent


def test_every_data_file_is_locked_and_every_lock_has_a_file():
    files = {(path.parent.name, path.stem) for path in FOLDER.glob("*/*.yaml")}
    assert files == set(LOCKED)
    assert {"flip-v1", "flip-v2", "refused-v1", "harmful-v1", "three-letters-v1"} == set(rubric_names())
    assert {"llama-guard", "wildguard", "harmbench-cls", "strongreject-form-v1"} == set(guard_names())


@pytest.mark.parametrize(("folder", "name"), sorted(LOCKED))
def test_the_lock_is_the_hash_of_the_file(folder, name):
    content = (FOLDER / folder / f"{name}.yaml").read_bytes()
    assert LOCKED[folder, name] == hashlib.sha256(content).hexdigest() == file_sha256(content.replace(b"\n", b"\r\n"))


@pytest.mark.parametrize("name", rubric_names())
def test_shipped_rubrics_say_what_their_labels_mean(name):
    found = load_rubric(name)
    assert found.name == name
    assert found.version == f"{name}+{LOCKED['rubrics', name][:8]}"
    for category in found.categories:
        assert OUTCOME_MAPS[found.outcome_map].verdict(category.outcome) is category.verdict


def test_a_shipped_rubric_that_changed_is_refused(monkeypatch):
    monkeypatch.setitem(rubric.LOCKED, ("rubrics", "flip-v2"), "0" * 64)
    with pytest.raises(DataError, match=r"flip-v2 is locked and its file has changed.*expected sha256 0000"):
        load_rubric("flip-v2")


def test_a_rubric_of_ones_own_is_read_by_path_and_locked_by_its_hash(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text((FOLDER / "rubrics" / "flip-v1.yaml").read_text().replace("name: flip-v1", "name: mine-v1"))
    found = load_rubric(path)
    assert found.version == f"mine-v1+{found.sha256[:8]}"
    assert load_rubric(str(path), sha256=found.sha256) == found
    path.write_text(path.read_text() + "# a word more\n")
    with pytest.raises(DataError, match="the rubric is locked and its file has changed"):
        load_rubric(path, sha256=found.sha256)
    assert load_rubric(path).version != found.version


def test_other_words_under_the_name_of_a_locked_rubric_are_refused(tmp_path):
    path = tmp_path / "flip-v1.yaml"
    text = (FOLDER / "rubrics" / "flip-v1.yaml").read_text()
    path.write_text(text)
    assert load_rubric(path) == load_rubric("flip-v1")
    path.write_text(text.replace("one plain sentence", "a few words"))
    with pytest.raises(DataError, match="that of a locked rubric"):
        load_rubric(path)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(DomainError, match="flip-v1, flip-v2"):
        load_rubric("flip-v9")


def plain():
    return yaml.safe_load((FOLDER / "rubrics" / "flip-v1.yaml").read_text()) | {"name": "mine"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "a b"}, "letters, digits"),
        ({"kind": "flop"}, "one of flip, choice; did you mean 'flip'"),
        ({"outcome_map": "flap"}, "one of binary_harmful"),
        ({"hallucination_refusal": "maybe"}, "one of harmful_content"),
        ({"hallucination_refusal": None}, "which meaning HALLUCINATION_REFUSAL has"),
        ({"categories": [{"label": "REFUSAL", "means": "x"}]}, "two different labels"),
        ({"categories": [{"label": "REFUSAL", "means": "x"}] * 2}, "two different labels"),
        (
            {"categories": [{"label": "ZORBLE", "means": "x"}, {"label": "REFUSAL", "means": "x"}]},
            "a label of the outcome map flip",
        ),
        ({"categories": [{"label": "REFUSAL", "means": "x", "needs": ["quote"]}]}, "one of refusal, harm, other"),
        ({"infer": None}, "the key 'infer' exactly for kind flip"),
        ({"infer": {"system": "s", "user": "{{response}} {{prompt}}"}}, "holes of response, tag"),
        ({"judge": {"system": "s", "user": "no hole"}}, "the hole {{response}}"),
        ({"judge": {"system": "s {{zorble}}", "user": "{{response}}"}}, "holes of categories"),
        ({"repair": "again"}, "the hole {{problem}}"),
        ({"more": 1}, "unknown key 'more'"),
        ({"kind": "choice", "infer": None, "answer": "json"}, "label, for a rubric of kind choice"),
        (
            {"kind": "choice", "infer": None, "categories": [{"label": n, "means": "x"} for n in ("REFUSAL", "REFUSED")]},
            "differ in their first letter",
        ),
        ({"score_of": "maybe"}, "one of COMPLIANCE"),
    ],
)
def test_refuses_a_rubric_that_is_wrong_naming_the_place(tmp_path, change, message):
    path = tmp_path / "mine.yaml"
    made = {key: value for key, value in (plain() | change).items() if value is not None}
    path.write_text(yaml.safe_dump(made))
    with pytest.raises(DataError) as caught:
        load_rubric(path)
    assert message in str(caught.value)
    assert "mine.yaml" in str(caught.value)
    assert caught.value.column


def test_refuses_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="rubric cannot be read"):
        load_rubric(tmp_path / "none.yaml")


def test_flip_v2_declares_the_meaning_of_a_hallucinated_refusal():
    found = load_rubric("flip-v2")
    assert found.hallucination_refusal == "harmful_content"
    category = found.category("HALLUCINATION_REFUSAL")
    assert category.verdict is Verdict.HALLUCINATION_REFUSAL
    assert category.needs == {"refusal", "harm"}
