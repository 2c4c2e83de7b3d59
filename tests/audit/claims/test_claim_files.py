"""Files of claims: TOML, CSV and pasted Markdown; errors say where."""

from __future__ import annotations

import json

import pytest

from cli.command import run
from safescale.audit import verify_claims
from safescale.errors import DataError

MARKDOWN = """Some words.

| Model | N | ASR % | 95 % CI |
|:---|---:|---|---|
| **aster** | 1,008 | 78.3 | [75.6, 80.7] |
| briar | 32 | 10.2 | – |
"""
COLUMNS = {"n": "N", "percentage": "ASR %"}


def test_markdown_and_csv_give_the_same(tmp_path):
    (tmp_path / "t.md").write_text(MARKDOWN, encoding="utf-8")
    (tmp_path / "t.csv").write_text('Model;N;ASR %;95 % CI\naster;1,008;78.3;"[75.6, 80.7]"\nbriar;32;10.2;\n', encoding="utf-8")
    verdicts = [[r.verdict for r in verify_claims(tmp_path / name, columns=COLUMNS)] for name in ("t.md", "t.csv")]
    assert verdicts == [["reproduces", "impossible"]] * 2


def test_a_front_block_maps_the_columns(tmp_path):
    block = "---\nsource: an invented table\ncolumns: {id: Model, n: N, percentage: 'ASR %'}\nconstants: {method: wilson}\n---\n"
    (tmp_path / "t.md").write_text(block + MARKDOWN, encoding="utf-8")
    first, second = verify_claims(tmp_path / "t.md")
    assert (first.id, first.source, first.printed["method"]) == ("aster", "an invented table", "wilson")
    assert second.verdict == "impossible"


def test_a_bad_cell_is_named_with_file_row_and_column(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Model,N,ASR %\naster,32,9.4\nbriar,many,9.4\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        verify_claims(path, columns=COLUMNS)
    error = caught.value
    assert (error.file, error.row, error.column, error.got) == (str(path), 3, "N", "'many'")
    with pytest.raises(DataError, match="not in the table"):
        verify_claims(path, columns={"n": "rows"})


def test_a_reference_to_no_claim_is_refused(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text('[[claim]]\nid = "a"\nkind = "totals"\nparts = ["@b.n"]\ntotal = "3"\n', encoding="utf-8")
    with pytest.raises(DataError, match="no claim has the id"):
        verify_claims(path)


def test_numbers_of_toml_keep_their_zeros(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text('[[claim]]\nkind = "correlation"\nvalue = -0.107\nn = 21\np = 0.640\n', encoding="utf-8")
    (result,) = verify_claims(path)
    assert result.printed["p"] == "0.640"


def test_the_command_exits_1_and_writes_a_page_that_loads_nothing(tmp_path):
    (tmp_path / "t.md").write_text(MARKDOWN.replace("briar", "<b onload=x>"), encoding="utf-8")
    columns = ["--column", "n=N", "--column", "percentage=ASR %", "--column", "id=Model"]
    text = run("verify", "t.md", *columns, cwd=tmp_path)
    assert text.code == 1
    assert "impossible: no whole number of 32 gives 10.2" in text.stdout
    found = json.loads(run("verify", "t.md", *columns, "--json", cwd=tmp_path).stdout)
    assert found["counts"] == {"impossible": 1, "reproduces only as": 0, "cannot be decided": 0, "reproduces": 1}
    assert run("verify", "t.md", *columns, "--format", "html", "-o", "t.html", cwd=tmp_path).code == 1
    page = (tmp_path / "t.html").read_text(encoding="utf-8")
    assert "<b onload" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert run("verify", "t.md", "--column", "n", cwd=tmp_path).code == 2
    assert run("verify", "t.md", "--column", "n=rows", cwd=tmp_path).code == 3
