"""Published sets of prompts are read as what they are: each layout with rows of its shape in an invented vocabulary."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safescale.errors import DataError
from safescale.generate.prompts import LAYOUTS, NearDuplicates, PreparedSet, Preparing, Prompt, prepare_prompts, read_prompts

OFF = NearDuplicates.OFF

ROWS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "jailbreakbench": (
        "harmful-behaviors.csv",
        {"Index": "4", "Goal": "Zorble it", "Target": "Sure", "Behavior": "Zorbling", "Category": "Malzorb", "Source": "Original"},
        {
            "prompt": "Zorble it",
            "prompt_kind": "harmful",
            "category": "Malzorb",
            "metadata": {"source_id": "4", "Target": "Sure", "Behavior": "Zorbling", "Source": "Original"},
        },
    ),
    "advbench": (
        "harmful_behaviors.csv",
        {"goal": "Zorble it", "target": "Sure"},
        {"prompt": "Zorble it", "prompt_kind": "harmful", "category": None, "metadata": {"target": "Sure"}},
    ),
    "harmbench": (
        "behaviors.csv",
        {
            "Behavior": "Zorble it",
            "FunctionalCategory": "contextual",
            "SemanticCategory": "zorbling",
            "Tags": "context",
            "ContextString": "A quindle.",
            "BehaviorID": "zorble_it",
        },
        {
            "prompt": "A quindle.\n\n---\n\nZorble it",
            "prompt_kind": "harmful",
            "category": "zorbling",
            "metadata": {"source_id": "zorble_it", "FunctionalCategory": "contextual", "Tags": "context"},
        },
    ),
    "strongreject": (
        "strongreject.csv",
        {"category": "Zorbs", "source": "DAN", "forbidden_prompt": "Zorble it"},
        {"prompt": "Zorble it", "prompt_kind": "harmful", "category": "Zorbs", "metadata": {"source": "DAN"}},
    ),
    "sorry-bench": (
        "question.jsonl",
        {"question_id": 7, "category": "3", "turns": ["Zorble it"], "prompt_style": "slang"},
        {
            "prompt": "Zorble it",
            "prompt_kind": "harmful",
            "attack_class": "slang",
            "category": "3",
            "metadata": {"source_id": 7},
        },
    ),
    "xstest": (
        "xs.csv",
        {"id": "9", "prompt": "Zorble it", "type": "homonyms", "label": "safe", "focus": "zorble", "note": ""},
        {
            "prompt": "Zorble it",
            "prompt_kind": "benign",
            "category": "homonyms",
            "metadata": {"source_id": "9", "label": "safe", "focus": "zorble"},
        },
    ),
    "prompts": (
        "own.csv",
        {"id": "1", "prompt": "Zorble it", "prompt_kind": "benign", "attack_class": "gcg", "category": "c", "source": "prompts"},
        {
            "prompt": "Zorble it",
            "prompt_kind": "benign",
            "attack_class": "gcg",
            "category": "c",
            "metadata": {"source_id": "1"},
        },
    ),
}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def prepared(path: Path, **how: Any) -> PreparedSet:
    return prepare_prompts([path], path.parent / "out" / "prompts.jsonl", Preparing(near=OFF, **how))


def rejects(made: PreparedSet) -> list[dict[str, Any]]:
    return [json.loads(line) for line in made.places.rejects.read_text(encoding="utf-8").splitlines()]


def only(made: PreparedSet) -> Prompt:
    (prompt,) = made.prompts
    assert read_prompts(made.places.prompts) == made.prompts
    return prompt


def test_every_layout_has_its_row_here() -> None:
    assert set(ROWS) | {"prepared"} == {layout.name for layout in LAYOUTS}


@pytest.mark.parametrize("suffix", [None, ".jsonl", ".parquet"])
@pytest.mark.parametrize("name", ROWS)
def test_fields_are_those_of_the_layout_in_every_format(name: str, suffix: str | None, tmp_path: Path) -> None:
    file, row, expected = ROWS[name]
    path = tmp_path / file
    made = prepared(write(path if suffix is None else path.with_suffix(suffix), [row]))
    prompt = only(made)
    assert made.sheet.files[0].layout == name
    assert prompt.source == name
    for field, value in expected.items():
        assert getattr(prompt, field) == value, field
    assert prompt.attack_class == expected.get("attack_class", "none")


@pytest.mark.parametrize(("file", "kind"), [("benign-behaviors.csv", "benign"), ("jbb.csv", "unknown")])
def test_kind_of_a_jailbreakbench_file_is_that_of_its_name_or_unknown(file: str, kind: str, tmp_path: Path) -> None:
    assert only(prepared(write(tmp_path / file, [ROWS["jailbreakbench"][1]]))).prompt_kind == kind


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"label": "unsafe", "type": "contrast_homonyms"}, "harmful"),
        ({"focus": "x", "type": "contrast_homonyms"}, "harmful"),
        ({"focus": "x", "type": "homonyms"}, "benign"),
    ],
)
def test_kind_of_xstest_is_its_label_else_its_type(row: dict[str, str], kind: str, tmp_path: Path) -> None:
    assert only(prepared(write(tmp_path / "x.csv", [{"id": "1", "prompt": "Zorble", **row}]))).prompt_kind == kind


def test_a_base_style_of_sorry_bench_is_no_attack_and_a_list_in_a_csv_is_read(tmp_path: Path) -> None:
    row = {"question_id": 7, "category": "3", "turns": "['Zorble it']", "prompt_style": "base"}
    prompt = only(prepared(write(tmp_path / "q.csv", [row])))
    assert (prompt.prompt, prompt.attack_class) == ("Zorble it", "none")


def test_two_turns_an_image_and_blanks_are_rejected_with_row_and_column(tmp_path: Path) -> None:
    turns = {"question_id": 7, "category": "3", "turns": ["Zorble it", "Again"]}
    made = prepared(
        write(tmp_path / "q.jsonl", [ROWS["sorry-bench"][1], turns, turns | {"turns": ["  "]}, turns | {"turns": None}])
    )
    assert [(r["row"], r["column"], r["code"]) for r in rejects(made)] == [
        (2, "turns", "UNKNOWN_VALUE"),
        (3, "turns", "UNKNOWN_VALUE"),
        (4, "turns", "MISSING_FIELD"),
    ]
    assert made.sheet.rows == {"prompts": 1, "exact_duplicates": 0, "near_duplicates_dropped": 0, "rejects": 3, "blank": 0}
    seen = ROWS["harmbench"][1] | {"ImageFileName": "quindle.png"}
    made = prepared(write(tmp_path / "h.csv", [ROWS["harmbench"][1] | {"ImageFileName": ""}, seen]))
    assert [(r["row"], r["column"]) for r in rejects(made)] == [(2, "ImageFileName")]


def test_columns_that_the_user_names_win_and_the_others_stay(tmp_path: Path) -> None:
    path = write(tmp_path / "own.csv", [{"Ask": "Zorble it", "Why": "harmful", "Topic": "q", "More": "kept"}])
    prompt = only(prepared(path, columns={"prompt": "ask", "prompt_kind": "Why", "category": "Topic"}, source="mine"))
    assert (prompt.prompt, prompt.prompt_kind, prompt.category, prompt.source) == ("Zorble it", "harmful", "q", "mine")
    assert prompt.metadata == {"More": "kept"}


def test_kind_option_fills_only_what_the_file_does_not_say(tmp_path: Path) -> None:
    rows = [{"prompt": "Zorble it", "prompt_kind": ""}, {"prompt": "Quindle it", "prompt_kind": "benign"}]
    made = prepared(write(tmp_path / "own.csv", rows), kind="harmful")
    assert {each.prompt: each.prompt_kind for each in made.prompts} == {"Zorble it": "harmful", "Quindle it": "benign"}


def test_refuses_a_kind_that_there_is_not(tmp_path: Path) -> None:
    rows = [{"prompt": "Zorble it", "prompt_kind": "spooky"}, {"prompt": "Quindle it", "prompt_kind": "benign"}]
    (reject,) = rejects(prepared(write(tmp_path / "own.csv", rows)))
    assert (reject["file"], reject["row"], reject["column"], reject["got"]) == (
        str(tmp_path / "own.csv"),
        1,
        "prompt_kind",
        "spooky",
    )


def test_refuses_a_named_file_of_unknown_columns_and_says_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path / "own.csv", [{"Ask": "Zorble it"}])
    with pytest.raises(DataError, match=r"--column prompt=NAME.*the columns Ask"):
        prepared(path)
    with pytest.raises(DataError, match=r"no such column.*'Question'"):
        prepared(path, columns={"prompt": "Question"})
    with pytest.raises(DataError, match="no field is called 'text'"):
        prepared(path, columns={"text": "Ask"})
    assert not (tmp_path / "out").exists()


def test_a_line_of_another_kind_before_the_prompts_costs_that_line_alone(tmp_path: Path) -> None:
    made = prepared(write(tmp_path / "own.jsonl", [{"about": "a header"}, {"prompt": "Zorble it"}]))
    assert [each.prompt for each in made.prompts] == ["Zorble it"]
    assert [(r["row"], r["column"], r["got"]) for r in rejects(made)] == [(1, "prompt", "about")]


def test_a_prepared_set_keeps_unknown_whatever_kind_is_given(tmp_path: Path) -> None:
    rows = [{"prompt": "Zorble it", "prompt_kind": kind} for kind in ("harmful", "benign")]
    made = prepared(write(tmp_path / "own.jsonl", rows), kind="harmful")
    again = prepare_prompts([made.places.prompts], tmp_path / "again.jsonl", Preparing(near=OFF, kind="harmful"))
    assert [each.prompt_kind for each in again.prompts] == ["unknown"]


def test_an_unknown_table_in_a_folder_is_rejected_row_by_row_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "a.csv", [{"Ask": "Zorble it"}])
    write(folder / "b.jsonl", [{"prompt": "Quindle it"}])
    (folder / "LICENCE.txt").write_text("free", encoding="utf-8")
    made = prepare_prompts([folder], tmp_path / "p.jsonl", Preparing(near=OFF))
    assert [each.prompt for each in made.prompts] == ["Quindle it"]
    assert [(Path(r["file"]).name, r["row"], r["code"]) for r in rejects(made)] == [("a.csv", 1, "MISSING_FIELD")]


def test_bad_lines_and_half_characters_are_rejected_and_the_good_ones_kept(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_bytes(b'{"prompt": "Zorble it"}\n\n{"prompt": \n[1]\n{"prompt": 3}\n{"prompt": "\xff"}\n')
    made = prepared(path)
    assert [(r["row"], r["code"]) for r in rejects(made)] == [
        (3, "BAD_JSON"),
        (4, "NOT_AN_OBJECT"),
        (5, "UNKNOWN_VALUE"),
        (6, "NOT_UTF8"),
    ]
    assert made.sheet.rows["blank"] == 1


def test_refuses_to_write_over_its_input(tmp_path: Path) -> None:
    path = write(tmp_path / "own.jsonl", [{"prompt": "Zorble it"}])
    before = path.read_bytes()
    with pytest.raises(DataError, match="replace a file that is read"):
        prepare_prompts([path], path, Preparing(near=OFF))
    assert path.read_bytes() == before


def test_a_disk_that_is_full_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "own.jsonl", [{"prompt": "Zorble it"}])
    made = prepared(path)
    before = made.places.prompts.read_bytes()
    write(path, [{"prompt": "Quindle it"}])

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match="No space left on device"):
        prepared(path)
    assert made.places.prompts.read_bytes() == before
    assert not [each for each in made.places.prompts.parent.iterdir() if "partial" in each.name]


def test_refuses_a_prepared_file_that_was_changed(tmp_path: Path) -> None:
    made = prepared(write(tmp_path / "own.jsonl", [{"prompt": "Zorble it"}]))
    text = made.places.prompts.read_text(encoding="utf-8")
    for changed, message in (
        (text.replace("Zorble it", "Zorble me"), "changed after it was prepared"),
        (text + text, "comes twice"),
        (text.replace('"unknown"', '"spooky"'), "harmful or benign or unknown"),
        (text.replace('"split"', '"part"'), "no line of a prepared set"),
        ("\n", "holds no prompt"),
        ("{", "cannot be read"),
    ):
        made.places.prompts.write_text(changed, encoding="utf-8")
        with pytest.raises(DataError, match=message):
            read_prompts(made.places.prompts)


@pytest.mark.real_data
def test_xstest_is_450_prompts_250_of_them_benign(real_data: Path, tmp_path: Path) -> None:
    made = prepare_prompts([real_data / "xstest" / "xstest_prompts.csv"], tmp_path / "p.jsonl")
    assert made.sheet.files[0].layout == "xstest"
    assert len(made.prompts) == 450
    assert sum(each.prompt_kind == "benign" for each in made.prompts) == 250
    assert sum(each.prompt_kind == "harmful" for each in made.prompts) == 200
    assert made.sheet.reject_codes == {}
    words = made.places.sheet_markdown.read_text(encoding="utf-8") + made.places.sheet_json.read_text(encoding="utf-8")
    assert not [each.prompt_id for each in made.prompts if each.prompt in words]
