"""Tables as files: CSV gives the cells back, LaTeX prints them."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import string
import subprocess
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.latex import read_table, read_text
from report.made import RISING, made_facts
from safescale.errors import SafescaleError
from safescale.report.compose import compose
from safescale.report.document import Column, Document, Table, Value, every_table
from safescale.report.latex import LONG_ROWS, latex_table, latex_text
from safescale.report.plain import plain
from safescale.report.table_files import INDEX, table_csv, write_tables

SPECIAL = "\\{}$&#%_^~<>|\"'`[]*-–—…·²≥≤→−"
HOSTILE = (
    *(
        "\\input{/etc/passwd}",
        "a & b \\\\ c",
        "% the rest",
        "[2ex] x",
        "*",
        "--tier",
        "$x^2$",
        "~",
        "```",
        "\"'",
        "a,b",
        "new\nline",
    ),
    *("\\", "{", "}", "-", "#", "^", "_", "&", "a\\\\[1cm]", "\\end{tabular}", "=1+1", "-1.0"),
)


def made(rows: tuple[tuple[str, ...], ...], *, numeric: bool = False, **fields: object) -> Table:
    columns = tuple(Column(name=f"plim {i} & more", numeric=numeric) for i in range(len(rows[0])))
    whole = {"id": "t-1", "caption": "50 % of {it}", "columns": columns, "rows": rows, "source": "safescale report --tier a_b · 3"}
    return Table(**whole | fields)  # type: ignore[arg-type]


def _spaced(text: str) -> str:
    return " ".join(plain(text).split())


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    facts = made_facts({"zar_vonic & 5 %": RISING, "plimth": [0.3] * 6}, grader_ids=("judge", "other"), source="simulated")
    return compose(facts, tmp_path_factory.mktemp("figures"))


@pytest.mark.parametrize("text", [*SPECIAL, *HOSTILE, "".join(SPECIAL), string.printable])
def test_every_special_character_is_printed_as_it_is(text: str) -> None:
    assert read_text(latex_text(text)) == _spaced(text)


@given(st.text(alphabet=st.sampled_from(SPECIAL + " ab1.é"), max_size=30))
def test_law_any_text_is_printed_as_it_is(text: str) -> None:
    escaped = latex_text(text)
    assert read_text(escaped) == _spaced(text)
    assert "--" not in escaped  # two hyphens would be one dash


def test_a_minus_is_a_minus_only_where_numbers_stand() -> None:
    assert read_text(latex_text("-1.5 [-2, +.3], model-7b", numeric=True)) == "−1.5 [−2, +.3], model-7b"
    assert read_text(latex_text("-.083", numeric=True)) == "−.083"
    assert read_text(latex_text("-1.5")) == "-1.5"


@given(st.lists(st.lists(st.sampled_from(HOSTILE), min_size=3, max_size=3).map(tuple), min_size=1, max_size=LONG_ROWS + 5))
def test_law_a_table_keeps_its_cells(rows: list[tuple[str, ...]]) -> None:
    _, printed = read_table(latex_table(made(tuple(rows))))
    assert printed[0] == ["plim 0 & more", "plim 1 & more", "plim 2 & more"]
    assert printed[1:] == [[_spaced(cell) for cell in row] for row in rows]


def test_the_caption_has_the_source_and_the_watermark() -> None:
    latex = latex_table(made((("a", "b"),), notes=("x_y",)), watermark="SIMULATED")
    assert r"\caption[{50 \% of \{it\}}]{50 \% of \{it\}. \textbf{SIMULATED.} x\_y Source: safescale report -{}-tier a\_b" in latex
    assert r"\label{tab:t-1}" in latex
    assert "SIMULATED" not in latex_table(made((("a", "b"),)))


@pytest.mark.parametrize(
    ("n", "words", "packages"),
    [
        (3, "x", "booktabs"),
        (LONG_ROWS + 1, "x", "booktabs longtable"),
        (3, "wordy " * 4, "booktabs graphicx"),
        (3, "锁", "booktabs"),
    ],
)
def test_the_first_line_names_the_packages(n: int, words: str, packages: str) -> None:
    latex = latex_table(made(((words,) * (9 if "graphicx" in packages else 3),) * n))
    assert re.findall(r"\\usepackage\{(\w+)\}", latex) == packages.split()
    assert ("XeLaTeX" in latex) == (words == "锁")
    assert ("longtable" in latex) == (r"\endfirsthead" in latex)
    assert ("graphicx" in latex) == (r"\resizebox{\linewidth}" in latex)


def test_every_table_of_a_report_is_read_back(document: Document, tmp_path: Path) -> None:
    names = write_tables(document, tmp_path)
    tables = {table.id: table for table in every_table(document.sections)}
    assert len(tables) > 10
    assert sorted(names) == sorted([*(f"{id}.{form}" for id in tables for form in ("csv", "tex")), INDEX])
    for id, table in tables.items():
        specification, printed = read_table((tmp_path / f"{id}.tex").read_text(encoding="utf-8"))
        assert len(printed) == 1 + len(table.rows)
        assert printed[0] == [column.name for column in table.columns]
        assert [kind == "r" for kind in re.sub(r"\{[^}]*\}", "", specification)] == [c.numeric for c in table.columns]
        for row, cells in zip(printed[1:], table.rows, strict=True):
            assert [cell.replace("−", "-") for cell in row] == list(cells)
        with (tmp_path / f"{id}.csv").open(encoding="utf-8", newline="") as stream:
            head, *body = csv.reader(stream)
        if table.values is None:
            assert (head, body) == ([c.name for c in table.columns], [list(row) for row in table.rows])
        else:
            assert {len(row) for row in body} == {len(head)} == {len(table.value_names)}
    index = json.loads((tmp_path / INDEX).read_text())
    assert [entry["id"] for entry in index["tables"]] == list(tables)
    assert index["fingerprint"] == document.fingerprint
    assert index["watermark"].startswith("SIMULATED")
    for entry in index["tables"]:
        assert entry["source"] == tables[entry["id"]].source
        assert (entry["cells"] == "text as shown") == (tables[entry["id"]].values is None)


def test_numbers_of_a_report_are_not_rounded(tmp_path: Path) -> None:
    facts = made_facts({"zarvonic": (0.1, 0.25, 0.3, 0.4, 0.45, 0.6)})
    tables = {table.id: table for table in every_table(compose(facts, tmp_path).sections)}
    [setting] = facts.scaling.settings
    slope = setting.attack_classes[0].slope
    assert slope is not None
    rows = {row["series"]: row for row in csv.DictReader(io.StringIO(table_csv(tables["s1-slopes"])))}
    found = rows["zarvonic"]
    assert float(found["slope_pp_per_decade"]) == slope.slope.slope_pp_per_decade
    assert (float(found["interval_low_pp_per_decade"]), float(found["interval_high_pp_per_decade"])) == slope.slope.interval
    assert float(found["p_value"]) == slope.p_value
    rates = list(csv.DictReader(io.StringIO(table_csv(tables["s1-rates"]))))
    points = sorted(setting.attack_classes[0].points, key=lambda p: p.params_b or 0)
    assert [(row["model"], float(row["rate_fraction"]), int(row["rows"])) for row in rates] == [
        (p.model, p.rate, p.trials) for p in points
    ]


@given(
    st.lists(st.tuples(st.text(max_size=12), st.floats(allow_nan=False, allow_infinity=False), st.none()), min_size=1, max_size=5)
)
def test_law_values_come_back_from_the_csv(values: list[tuple[Value, ...]]) -> None:
    table = made((("1", "2", "3"),), values=tuple(values), value_names=("name", "rate_fraction", "nothing"))
    text = table_csv(table)
    assert "\r\n" not in text
    head, *body = csv.reader(io.StringIO(text, newline=""))
    assert head == ["name", "rate_fraction", "nothing"]
    assert [(row[0], float(row[1]), row[2]) for row in body] == [(plain(str(name)), number, "") for name, number, _ in values]


def test_refuses_tables_that_cannot_be_files(document: Document, tmp_path: Path) -> None:
    table = made((("a", "b"),))
    for id in ("../x", "a/b", "", ".hidden", "a.b", "-x"):
        with pytest.raises(SafescaleError, match="cannot name a file"):
            attrs.evolve(table, id=id)
    with pytest.raises(SafescaleError, match="a row of values of table 't-1' has not 2 cells"):
        made((("a", "b"),), values=((1.0,),))
    with pytest.raises(SafescaleError, match="has not 3 cells"):
        made((("a", "b"),), values=((1.0, 2.0),), value_names=("x", "y", "z"))
    [first, *_] = document.sections
    twice = attrs.evolve(document, sections=(attrs.evolve(first, tables=(table, attrs.evolve(table, id="T-1"))),))
    with pytest.raises(SafescaleError, match="two tables of one report have the id 't-1'"):
        write_tables(twice, tmp_path)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_pdflatex_takes_every_table(document: Document, tmp_path: Path) -> None:
    names = [name for name in write_tables(document, tmp_path) if name.endswith(".tex")]
    texts = {
        "hostile": made((HOSTILE[:4],) * 2 + (HOSTILE[4:8], HOSTILE[8:12], tuple(SPECIAL[:4]), tuple(SPECIAL[4:8]))),
        "signs": made(((SPECIAL, "-1.0"), ("[a]", "*")), numeric=True),
        "long": made(((SPECIAL, "x"),) * (LONG_ROWS + 1)),
    }
    for name, table in texts.items():
        (tmp_path / f"{name}.tex").write_text(latex_table(table), encoding="utf-8")
    inputs = "\n".join(rf"\input{{{name}}}\clearpage" for name in [*names, *(f"{name}.tex" for name in texts)])
    packages = r"\usepackage[T1]{fontenc}\usepackage{booktabs,longtable,graphicx}"
    (tmp_path / "all.tex").write_text(rf"\documentclass{{article}}{packages}\begin{{document}}{inputs}\end{{document}}")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "all.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
