"""The user's file of templates: read, or refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from safescale.errors import DataError
from safescale.pressure import read_templates

YAML = """# paraphrases
polite: "Please, {prompt}"
long: |
  I have a question.
  {prompt}
plain: '{prompt}'
"""
JSONL = '\n{"name": "polite", "template": "Please, {prompt}"}\n\n{"name": "plain", "template": "{prompt}", "by": "us"}\n'


def test_yaml_and_jsonl_are_read_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(YAML, encoding="utf-8")
    (tmp_path / "t.jsonl").write_text(JSONL, encoding="utf-8")
    found = read_templates(tmp_path / "t.yaml")
    assert list(found.items()) == [
        ("polite", "Please, {prompt}"),
        ("long", "I have a question.\n{prompt}\n"),
        ("plain", "{prompt}"),
    ]
    assert list(read_templates(tmp_path / "t.jsonl").items()) == [("polite", "Please, {prompt}"), ("plain", "{prompt}")]


@pytest.mark.parametrize(
    ("name", "content", "said", "row", "column"),
    [
        ("t.yaml", "", "no templates in the file", None, None),
        ("t.yaml", "- a\n", "the file is no mapping.*got a list", 1, None),
        ("t.yaml", "\nword", "the file is no mapping.*got a word", 2, None),
        ("t.yaml", "a: '{prompt}'\nb: [", "the YAML is broken", 2, None),
        ("t.yaml", "a: '{prompt}'\nb: nothing\n", r"write \{prompt\} where it goes.*0 times in nothing", 2, "b"),
        ("t.yaml", "a: '{prompt} {prompt}'\n", "exactly once; got 2 times", 1, "a"),
        ("t.yaml", "a: '{prompt}'\na: 'x {prompt}'\n", "same name.*got also in line 1", 2, "a"),
        ("t.yaml", "'': '{prompt}'\n", "needs a name", 1, "name"),
        ("t.yaml", "a: {prompt}\n", "a template is a text.*quote one that begins with a brace.*got a mapping", 1, "a"),
        ("t.yaml", "a: 3\n", "a template is a text.*got 3", 1, "a"),
        ("t.yaml", "[a]: '{prompt}'\n", "name is a word.*got a list", 1, None),
        ("t.jsonl", '{"name": "a", "template": "{prompt}"}\n{"name"', "the line is no JSON", 2, None),
        ("t.jsonl", "[1]\n", "a line is an object", 1, None),
        ("t.jsonl", '{"template": "{prompt}"}\n', "name is a text.*got None", 1, "name"),
        ("t.jsonl", '{"name": "a", "template": 3}\n', "template is a text.*got 3", 1, "template"),
        ("t.jsonl", "\n\n", "no templates in the file", None, None),
    ],
)
def test_refuses_with_the_place(tmp_path: Path, name: str, content: str, said: str, row: int | None, column: str | None) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=said) as refused:
        read_templates(tmp_path / name)
    assert (refused.value.file, refused.value.row, refused.value.column) == (str(tmp_path / name), row, column)


def test_refuses_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"templates cannot be read.*absent\.yaml"):
        read_templates(tmp_path / "absent.yaml")
