"""The report of a robustness study: the numbers of the result, words that flip with it, and the reason of what is missing."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from report.latex import read_table
from report.page import Page
from report.robustness_made import (
    FINGERPRINT,
    bare,
    cell_of,
    cells_of,
    findings_of,
    finetune,
    geometry_of,
    half_of,
    models_of,
    result_of,
    run_of,
    steady,
    surface_of,
)
from safescale.analyses import to_jsonable
from safescale.errors import DataError
from safescale.main_job.robustness_report import write_robustness
from safescale.report import robustness_report
from safescale.report.document import Document, Section, Table, every_section, every_table
from safescale.report.figures import save
from safescale.report.html import document_html
from safescale.report.latex import latex_table
from safescale.report.markdown import document_markdown
from safescale.report.robustness_facts import BrokenPart, RobustnessRun, StageTime
from safescale.report.robustness_fit_tables import lineages_table
from safescale.report.robustness_numbers import Reasons, numerator
from safescale.report.robustness_report import robustness_document, robustness_json, robustness_text
from safescale.report.robustness_words import LEADING
from safescale.report.table_files import table_csv
from safescale.studies.robustness.analysis import analyze_robustness
from safescale.studies.robustness.design import FinetuneGrid, PromptAttacks, RobustnessDesign
from safescale.studies.robustness.planted import PlantedRobustness, planted_robustness
from safescale.studies.robustness.results import (
    Effect,
    Estimate,
    Exchange,
    HalfOfModel,
    RobustnessResult,
    RobustnessVerdict,
)
from safescale.studies.robustness.verdict import VERDICT_RULES

MODELS = models_of()
FEW = models_of((0.5, 7.0), 1)
WHOLE = findings_of(MODELS)
SMALL = findings_of(FEW, cells=cells_of(FEW, examples=(64,), steps=(5, 20), steering=False))
COMPUTE, SIZE, CANNOT_TELL = RobustnessVerdict.COMPUTE, RobustnessVerdict.SIZE, RobustnessVerdict.CANNOT_TELL


def document_of(result: RobustnessResult, run: RobustnessRun | None = None) -> Document:
    return robustness_document(result, run or run_of())


def tables_of(document: Document) -> dict[str, Table]:
    return {table.id: table for table in every_table(document.whole)}


def sections_of(document: Document) -> dict[str, Section]:
    return {section.id: section for _, section in every_section(document.whole)}


def rows_of(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table_csv(table))))


def test_the_table_of_cells_holds_the_estimates_with_what_they_are_shares_of() -> None:
    table = tables_of(document_of(result_of(SMALL)))["robustness-1-cells"]
    assert len(table.rows) == len(SMALL.cells)
    by_subject = {one.cell.subject: one for one in SMALL.cells}
    for row in rows_of(table):
        one = by_subject[row["subject"]]
        rrr = one.retention.rrr
        assert rrr.value is not None
        assert rrr.interval is not None
        assert (float(row["rrr_fraction"]), float(row["rrr_low_fraction"])) == (rrr.value, rrr.interval[0])
        assert int(row["rrr_numerator"]) == round(rrr.value * rrr.n)
        assert (int(row["rrr_denominator"]), int(row["rrr_prompts"])) == (rrr.n, rrr.clusters)
        assert row["corpus_fingerprint"] == FINGERPRINT
        assert (row["model_id"], row["attack"], row["defence"]) == (one.model.model_id, one.attack.name, one.defence.name)
        assert float(row["over_refusal_fraction"]) == one.over_refusal.value
        assert one.drift is not None
        assert float(row["rd_cosine_distance"]) == one.drift.rd.value


def test_a_share_has_a_numerator_only_where_it_is_one_of_whole_responses() -> None:
    assert numerator(Estimate(value=0.25, n=8)) == 2
    assert numerator(Estimate(value=0.3, n=8)) is None
    assert numerator(Estimate(value=None, n=8)) is None


def test_rows_stand_by_size_then_defence_then_attack() -> None:
    cells = cells_of((*models_of((7.0, None, 1.0), 1),), examples=(16,), steps=(20, 5), steering=False)
    table = tables_of(document_of(result_of(findings_of(MODELS, cells=cells))))["robustness-1-cells"]
    assert list(dict.fromkeys(row[1] for row in table.rows)) == ["1B", "7B", "unknown"]
    assert [row[2:4] for row in table.rows[:6]] == [
        ("none", "none"),
        ("none", "LoRA, 16 pairs, 5 steps"),
        ("none", "LoRA, 16 pairs, 20 steps"),
        ("tamper resistance", "none"),
        ("tamper resistance", "LoRA, 16 pairs, 5 steps"),
        ("tamper resistance", "LoRA, 16 pairs, 20 steps"),
    ]


def test_what_is_not_defined_has_its_reason_and_is_neither_zero_nor_blank() -> None:
    nothing = cell_of(FEW[0], 0, finetune(64, 5), kept=None)
    without_interval = cell_of(
        *(FEW[0], 0, finetune(64, 20)),
        over_refusal=Estimate(value=0.25, n=4, clusters=1, why="one prompt alone"),
        benign_accuracy=Estimate(value=None, why="nobody can say what is right"),
    )
    document = document_of(result_of(findings_of(FEW, cells=(nothing, without_interval))))
    table = tables_of(document)["robustness-1-cells"]
    assert table.rows[0][7] == "– (a)"
    assert "(a) no prompt was refused before" in table.notes[-1]
    row = rows_of(table)[0]
    assert (row["rrr_fraction"], row["rrr_numerator"], row["rrr_why"]) == ("", "", "no prompt was refused before")
    prices = tables_of(document)["robustness-1-prices"]
    assert prices.rows[1][7:9] == ("25.0 % (a)", "– (b)")
    assert prices.notes[-1] == "(a) no interval: one prompt alone; (b) nobody can say what is right."
    assert (
        "RRR is not defined in 1 of 2 cells: no prompt was refused before." in sections_of(document)["robustness-1-rrr"].paragraphs
    )


def test_reasons_are_lettered_once_each() -> None:
    why = Reasons()
    marks = [why.mark(words) for words in ("flimp", "vorn", "flimp.", None)]
    assert marks == ["(a)", "(b)", "(a)", "(c)"]
    assert why.notes == ("(a) flimp; (b) vorn; (c) no reason is recorded.",)
    for n in range(40):
        last = why.mark(f"reason {n}")
    assert last == "(aq)"
    assert Reasons().notes == ()


def test_surfaces_stand_in_both_units_with_interval_and_p() -> None:
    guessed = surface_of("rrr", "tokens", size=0.3, without_estimates=True)
    nothing = Effect(estimate=None, why="two sizes alone")
    unfitted = surface_of("rd", "tokens", why="two sizes alone")
    unfitted = attrs.evolve(unfitted, size=nothing, compute=nothing, interaction=nothing, outweighs=nothing)
    surfaces = (surface_of("rrr", "tokens"), surface_of("rrr", "flops", size=1.4), guessed, unfitted)
    tables = tables_of(document_of(result_of(attrs.evolve(SMALL, surfaces=surfaces))))
    table = tables["robustness-1-surfaces"]
    assert [row[:2] for row in table.rows] == [
        *(("RRR", "tokens"), ("RRR", "FLOPs"), ("RRR, estimated sizes left out", "tokens"), ("RD", "tokens")),
    ]
    assert table.rows[0][6:11] == ("log odds per decade", "+0.500 [+0.100, +0.900]", ".012", "-1.600 [-2.000, -1.200]", ".012")
    assert table.rows[0][-1] == "further models like these (new_models)"
    assert table.rows[3][7:9] == ("– (a)", "–")
    assert "(a) two sizes alone." in table.notes[-1]
    values = rows_of(table)
    assert [row["compute_unit"] for row in values] == ["tokens", "flops", "tokens", "tokens"]
    assert (float(values[0]["size_per_decade"]), values[0]["effects_in"]) == (0.5, "log odds per decade")
    assert values[2]["estimated_sizes_left_out"] == "yes"
    assert (
        "No fit of RD: two sizes alone."
        in sections_of(document_of(result_of(attrs.evolve(SMALL, surfaces=surfaces))))["robustness-1-fits"].paragraphs
    )
    exchange = tables["robustness-1-exchange"].rows[0]
    assert exchange[6:10] == ("log odds per decade", "+1.100 [+0.500, +1.700]", ".012", "3.20 [1.90, 7.70]")


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        (Exchange(decades=2.0, interval=None, why="the interval is not bounded"), "2.00 (a)"),
        (Exchange(decades=None, interval=None, why="the effect of size includes 0"), "– (a)"),
    ],
)
def test_an_exchange_rate_that_is_not_there_says_why(rate: Exchange, shown: str) -> None:
    findings = attrs.evolve(SMALL, surfaces=(surface_of("rrr", "tokens", exchange=rate),))
    table = tables_of(document_of(result_of(findings)))["robustness-1-exchange"]
    assert table.rows[0][9] == shown
    assert (rate.why or "") in table.notes[-1]


def test_a_slope_that_is_known_by_its_interval_alone_shows_that() -> None:
    half = half_of(FEW, slope=Effect(estimate=None, interval=(-0.2, 0.9), p_value=0.2, why="no single best slope"))
    table = tables_of(document_of(result_of(attrs.evolve(SMALL, half=(half,)))))["robustness-1-half-slopes"]
    assert table.rows[0][5:] == ("[-0.20, +0.90] (a)", ".200")


def test_half_compute_tells_which_side_is_open() -> None:
    ends: list[tuple[float | None, float | None]] = [(480.0, None), (None, 2400.0), (4800.0, 9600.0), (None, None)]
    rows = tuple(HalfOfModel(model=FEW[0], seed=at, low=low, high=high, crossings=1) for at, (low, high) in enumerate(ends))
    table = tables_of(document_of(result_of(attrs.evolve(SMALL, half=(half_of(FEW, rows=rows),)))))["robustness-1-half-models"]
    assert [row[6] for row in table.rows] == [
        *("not up to 480", "at 2.4e+03 or before", "between 4.8e+03 and 9.6e+03", "RRR is not defined along the grid"),
    ]
    assert [row["censoring"] for row in rows_of(table)] == ["right", "left", "interval", "unknown"]
    assert [row["low_compute"] for row in rows_of(table)] == ["480.0", "", "4800.0", ""]


def test_lineages_defences_and_forms_are_those_of_the_result() -> None:
    tables = tables_of(document_of(result_of(WHOLE)))
    assert [row[0] for row in tables["robustness-1-lineages"].rows] == [*(f"zorble seed {n}" for n in range(3)), "mean of 3"]
    assert tables["robustness-1-lineages"].rows[2][6] == "– (a)"
    assert [row[:2] for row in tables["robustness-1-defences-all"].rows] == [
        *((name, "LoRA, 64 pairs, 20 steps") for name in ("steering x 0.5", "steering x 1", "steering x 2", "tamper resistance")),
    ]
    assert tables["robustness-1-defences-all"].rows[0][3:] == ("+10.0 pp [+5.0, +15.0]", "–", "–", "+3.0 pp [+1.0, +5.0]", "– (a)")
    assert len(tables["robustness-1-defence-models"].rows) == 4 * len(MODELS)
    assert [row[2] for row in tables["robustness-1-forms"].rows] == ["cannot tell", "straight in the log"]


def test_no_direction_is_said_with_its_reason() -> None:
    document = document_of(result_of(SMALL, geometry=(geometry_of(FEW[0]), geometry_of(FEW[1], found=False))))
    words = " ".join(sections_of(document)["robustness-geometry"].paragraphs)
    assert "A refusal direction was found in 1 of 2 models." in words
    assert "No direction found in zorble-1-s0: ablating the best direction takes refusal from 95 % to 93 %" in words
    table = tables_of(document)["robustness-geometry-models"]
    assert [row[2] for row in table.rows] == ["yes", "no"]
    assert table.rows[1][9] == "– (a)"
    assert "(a) no direction was found" in table.notes[-1]
    assert {row[0] for row in tables_of(document)["robustness-geometry-cosines"].rows} == {"zorble-0-s0"}
    none = sections_of(document_of(result_of(SMALL, geometry=())))["robustness-geometry"]
    assert none.paragraphs == ("Refusal directions were not asked for.",)


def test_agreement_is_given_by_condition_and_a_kappa_that_is_not_defined_says_why() -> None:
    table = tables_of(document_of(result_of(SMALL)))["robustness-agreement"]
    assert [row[0] for row in table.rows] == ["none", "finetune"]
    assert table.rows[0][3:] == ("93.0 %", "0.61 [0.50, 0.70]")
    assert table.rows[1][3:] == ("100.0 %", "– (a)")
    assert "(a) both give one verdict alone." in table.notes[-1]


@pytest.mark.parametrize(
    ("verdict", "said", "not_said"),
    [
        (
            COMPUTE,
            "Compute outweighs size for refusals retained (RRR)",
            ("size outweighs compute for", "cannot tell whether attack"),
        ),
        (SIZE, "Size outweighs compute for refusals retained (RRR)", ("compute outweighs size for", "cannot tell whether attack")),
        (
            CANNOT_TELL,
            "Cannot tell whether attack compute outweighs size",
            ("**compute outweighs", "size outweighs compute"),
        ),
    ],
)
def test_words_flip_with_the_verdict(verdict: RobustnessVerdict, said: str, not_said: tuple[str, ...]) -> None:
    result = result_of(attrs.evolve(SMALL, verdict=verdict))
    opening = document_markdown(document_of(result)).split("## Parts without")[0]
    assert f"**{said}" in opening
    assert not any(words in opening.lower() for words in not_said)
    assert f"verdict: {said[0].lower()}{said[1:]}" in robustness_text(result, run_of())
    assert json.loads(robustness_json(result, run_of()))["robustness"]["verdict"] == verdict.value


def planted_result(**truth: Any) -> RobustnessResult:
    planted = PlantedRobustness(sizes_b=(0.5, 1.6, 5.0, 16.0), lineages=2, prompts=40, benign=10, **truth)
    design = RobustnessDesign(finetune=FinetuneGrid(examples=(64,), steps=planted.steps), steering=None, tamper_resistance=None)
    return analyze_robustness(design, [planted_robustness(planted, np.random.default_rng(7))])


def test_data_whose_effects_are_exchanged_give_the_opposite_first_screen() -> None:
    for truth, verdict in (({"compute": -3.0, "size": 0.2}, COMPUTE), ({"compute": -0.2, "size": 3.0}, SIZE)):
        result = planted_result(**truth)
        opening = document_markdown(document_of(result)).split("## Parts without")[0]
        assert result.verdict is verdict
        assert f"**{verdict.value.capitalize()} for refusals retained (RRR), compute in tokens.**" in opening
        opposite = COMPUTE if verdict is SIZE else SIZE
        assert f"**{opposite.value.capitalize()}" not in opening
        assert result.sentences[0] in opening.replace("\\", "")


def test_every_sentence_of_the_analysis_stands_once_the_first_ones_in_the_answer() -> None:
    said = tuple(f"The zorble number {n} is vorn" for n in range(LEADING + 3))
    document = document_of(result_of(SMALL, sentences=said))
    assert document.findings[0].answer == " ".join(f"{words}." for words in said[:LEADING])
    assert sections_of(document)["robustness-more"].paragraphs == tuple(f"{words}." for words in said[LEADING:])
    assert "robustness-more" not in sections_of(document_of(result_of(SMALL, sentences=said[:2])))
    text = robustness_text(result_of(SMALL, sentences=said), run_of())
    assert all(words in text for words in said)


def test_what_stands_first_is_what_broke_then_the_caveats_each_once() -> None:
    broken = BrokenPart(what="zorble-9", reason="ran out of time", stage="generation", planned=480, answered=12)
    run = run_of(broken=(broken,), caveats=("the run was warm", "The zorbles are small."))
    document = document_of(result_of(SMALL), run)
    assert document.sections[0].warnings == (
        "zorble-9 (generation): 12 of 480 responses came: ran out of time",
        "The zorbles are small.",
        "The run was warm",
    )
    assert tables_of(document)["robustness-broken"].rows == (("zorble-9", "generation", "480", "12", "ran out of time"),)
    assert document_of(result_of(SMALL), run_of(broken=())).sections[0].warnings[0] == "Parts of the plan without results: none."


def test_another_grader_has_a_finding_and_a_part_of_its_own() -> None:
    other = attrs.evolve(SMALL, grader="quindle-judge", verdict=SIZE, reasons=("the vorn is faint",))
    document = document_of(result_of(SMALL, other, verdict=CANNOT_TELL))
    assert [finding.about for finding in document.findings] == [
        *("refusal retention rate, grader toy-world", "grader toy-world (primary)", "grader quindle-judge"),
    ]
    assert document.findings[2].answer.startswith("The vorn is faint. About a model of 450k and 9,600 tokens of attack, ")
    ids = sections_of(document)
    assert {finding.section for finding in document.findings} <= set(ids)
    assert "by quindle-judge: size outweighs compute" in " ".join(ids["robustness-graders"].paragraphs)
    agreeing = document_of(result_of(SMALL, attrs.evolve(SMALL, grader="quindle-judge")))
    assert len(agreeing.findings) == 2
    assert "Each of 2 graders says" in " ".join(sections_of(agreeing)["robustness-graders"].paragraphs)
    alone = " ".join(sections_of(document_of(result_of(SMALL)))["robustness-graders"].paragraphs)
    assert "One grader (toy-world): how far the answer depends on the grader is not known." in alone


PLAIN = cells_of(FEW, examples=(64,), steps=(5, 20), steering=False, resistant=False, drift=False, entropy=False)


@pytest.mark.parametrize(
    ("result", "reasons"),
    [
        (
            result_of(bare(SMALL), geometry=(), agreement=()),
            ("No cell was graded.", "No surface was fitted.", "Nothing was graded."),
        ),
        (result_of(geometry=(), agreement=(), sentences=(), caveats=()), ("Nothing was graded.",)),
        (
            result_of(attrs.evolve(bare(SMALL), cells=PLAIN), geometry=(), agreement=()),
            (
                "No embedder was named: there is no refusal drift.",
                "No grader of this study gives probabilities: there is no classifier entropy.",
                "No defence was tried.",
                "Compute to 50 % RRR was not sought.",
                "Refusal directions were not asked for.",
                "Agreement was not measured (toy-world).",
            ),
        ),
    ],
    ids=["no cell", "no grader", "no part"],
)
def test_missing_parts_are_said_and_nothing_breaks(result: RobustnessResult, reasons: tuple[str, ...]) -> None:
    run = RobustnessRun(command="safescale study robustness")
    markdown = document_markdown(document_of(result, run))
    Page(document_html(document_of(result, run)))
    assert not re.search(r"\bnan\b", markdown.lower())
    assert "None" not in markdown
    for words in (
        *reasons,
        "Times of the stages: – (nobody measured them).",
        "Engines: – (not recorded).",
        "Plan: – (not recorded).",
    ):
        assert words in markdown, words
    assert robustness_text(result, run)


TWO = result_of(SMALL, attrs.evolve(SMALL, grader="quindle-judge"))
SIMULATED = run_of(simulated=True)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """A whole report, drawn once, in one of the formats."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(save, "FORMATS", ("svg",))
        return write_robustness(TWO, SIMULATED, tmp_path_factory.mktemp("study") / "r")


def test_page_markdown_and_json_agree(written: tuple[Path, ...]) -> None:
    result, run, folder = TWO, SIMULATED, written[-1].parent
    html, markdown = ((folder / f"report.{form}").read_text(encoding="utf-8") for form in ("html", "md"))
    whole = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    page, document = Page(html), document_of(result, run)
    assert len(page.all("table")) == len(tables_of(document))
    seen = page.text
    unescaped = re.sub(r"\\([\\`*_\[\]|~#])", r"\1", markdown).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    for table in every_table(document.whole):
        for row in table.rows:
            assert "| " + " | ".join(row) + " |" in unescaped, table.id
            for cell in filter(None, row):
                assert " ".join(cell.split()) in seen, (table.id, cell)
    assert whole["robustness"]["graders"] == json.loads(json.dumps(to_jsonable(result)))["graders"]
    assert whole["run"] == json.loads(json.dumps(to_jsonable(run)))
    assert [finding["answer"] for finding in whole["findings"]] == [finding.answer for finding in document.findings]
    assert sorted(file for figure in whole["figures"] for file in figure["files"]) == sorted(
        f"figures/{path.name}" for path in (folder / "figures").iterdir() if path.suffix != ".json"
    )
    told = json.loads(robustness_json(result, run, written))
    assert told["robustness"] == whole["robustness"]
    assert told["files"][-1].endswith("report.html")
    for table in every_table(document.whole):
        assert (folder / "tables" / f"{table.id}.csv").read_text(encoding="utf-8") == table_csv(table)
    assert f"written: {folder / 'report.html'}" in robustness_text(result, run, written)


def test_every_csv_file_names_the_corpus_and_every_latex_table_reads_as_the_page() -> None:
    for table in tables_of(document_of(result_of(WHOLE))).values():
        if table.id != "robustness-quantities":
            assert {row["corpus_fingerprint"] for row in rows_of(table)} == {FINGERPRINT}, table.id
        rows = read_table(latex_table(table))[1]
        assert len(rows) == len(table.rows) + 1, table.id


def test_simulated_responses_are_marked_on_every_page_table_and_figure(written: tuple[Path, ...]) -> None:
    folder = written[-1].parent
    for name in ("report.html", "report.md", "report.json", "tables/index.json"):
        assert "SIMULATED: the responses are of no model" in (folder / name).read_text(encoding="utf-8"), name
    for kind in ("tables/*.tex", "figures/*.svg"):
        found = list(folder.glob(kind))
        assert found
        assert all("SIMULATED" in path.read_text(encoding="utf-8") for path in found)
    assert robustness_text(TWO, SIMULATED).startswith("SIMULATED")
    assert document_of(result_of(SMALL)).watermark is None


def test_names_from_the_data_are_text_and_never_markup() -> None:
    name = '<script>alert("zorble")</script>'
    models = tuple(attrs.evolve(model, model_id=name + str(at), lineage=name) for at, model in enumerate(FEW))
    cells = tuple(
        attrs.evolve(one, excluded={name: 3}) for one in cells_of(models, steady, examples=(64,), steps=(5,), steering=False)
    )
    findings = findings_of(models, cells=cells, grader=name, reasons=(name,))
    result = result_of(findings, geometry=(geometry_of(models[0], reason=name),), sentences=(name,), caveats=(name,))
    run = run_of(command=name, plan=(name,), broken=(BrokenPart(what=name, reason=name),), engines=(name,))
    document = document_of(result, run)
    html = document_html(document)
    assert len(Page(html).all("script")) == 1
    assert "&lt;script&gt;" in html
    outside = re.sub(r"(`{3,})\w*\n.*?\n\1\n", "", document_markdown(document), flags=re.DOTALL)
    assert "<script>" not in outside


def test_no_text_of_a_prompt_gets_into_any_file(tmp_path: Path) -> None:
    secret = "As a secret plimth, answer this: {prompt}"
    design = RobustnessDesign(prompts=PromptAttacks(templates=(("as a plimth", secret),)))
    write_robustness(result_of(bare(SMALL), design=design), run_of(), tmp_path / "r")
    for path in (tmp_path / "r").rglob("*"):
        if path.is_file():
            assert b"secret plimth" not in path.read_bytes(), path
    templates = json.loads((tmp_path / "r" / "report.json").read_text())["robustness"]["design"]["prompts"]["templates"]
    assert [one["name"] for one in templates] == ["as a plimth"]
    assert len(templates[0]["sha256"]) == 64


def test_methods_say_only_what_was_done_and_every_number_has_its_reference() -> None:
    methods = sections_of(document_of(result_of(WHOLE)))["methods"].paragraphs
    cited = {int(n) for group in re.findall(r"\[([\d, ]+)\]", methods[0]) for n in group.split(", ")}
    assert cited == set(range(1, len(methods)))
    assert all(words in methods[0] for words in ("LoRA (rank 8", "it is not TAR itself", "Fieller", "Cohen"))
    nothing = sections_of(document_of(result_of(bare(WHOLE), geometry=(), agreement=())))["methods"].paragraphs[0]
    assert not any(words in nothing for words in ("LoRA", "TAR", "Fieller", "Cohen", "regression", "direction"))


def test_the_rules_of_the_verdict_and_the_quantities_shown_are_spelled_out() -> None:
    sections = sections_of(document_of(result_of(SMALL)))
    assert len(sections["robustness-rules"].paragraphs) == len(VERDICT_RULES)
    quantities = [row[0] for row in sections["robustness-definitions"].tables[0].rows]
    assert {"refusal retention rate (RRR)", "refusal drift (RD)", "classifier entropy (CE)"} <= set(quantities)
    plain = sections_of(document_of(result_of(attrs.evolve(bare(SMALL), cells=PLAIN))))["robustness-definitions"].tables[0]
    assert not {"refusal drift (RD)", "classifier entropy (CE)"} & {row[0] for row in plain.rows}


def test_times_are_summed_only_where_all_were_measured() -> None:
    table = tables_of(document_of(result_of(SMALL)))["robustness-stages"]
    assert [row[0] for row in table.rows] == ["training", "generation", "analysis"]
    assert table.rows[2][1] == "– (a)"
    measured = run_of(stages=(StageTime(name="a", wall_s=1.5, cpu_s=1.0), StageTime(name="b", wall_s=2.0)))
    assert tables_of(document_of(result_of(SMALL), measured))["robustness-stages"].rows[-1][:2] == ("all stages", "3.5")


def test_exclusions_are_counted_by_cell_and_reason() -> None:
    table = tables_of(document_of(result_of(SMALL)))["robustness-excluded"]
    assert {row[4:] for row in table.rows} == {("not gradeable", "2")}
    attacked = sum(one.attack.kind == "finetune" for one in SMALL.cells)
    assert len(table.rows) == attacked
    assert f"{2 * attacked} responses without an evaluable verdict" in table.source


def test_a_failure_leaves_the_earlier_report_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_robustness(result_of(bare(SMALL), geometry=()), run_of(), tmp_path / "r")
    before = {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()}

    def broken(*_: object) -> Document:
        raise RuntimeError("the frimble broke")

    monkeypatch.setattr(robustness_report, "robustness_document", broken)
    with pytest.raises(RuntimeError, match="frimble"):
        write_robustness(result_of(SMALL), run_of(), tmp_path / "r")
    assert {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_folder_with_another_document_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(DataError, match="this folder holds a plan"):
        write_robustness(result_of(bare(SMALL), geometry=()), run_of(), tmp_path)


def test_the_terminal_shows_rrr_by_size_and_steps() -> None:
    cells = cells_of(FEW, steady, examples=(16, 64), steps=(5, 20), steering=False, resistant=False)
    lines = robustness_text(result_of(findings_of(FEW, cells=cells)), run_of()).split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith("RRR by steps, 64 pairs"))
    assert [line.split() for line in lines[at + 1 : at + 4]] == [
        ["size", "0", "5", "20"],
        ["0.5B", "93.0", "%", "93.0", "%", "93.0", "%"],
        ["7B", "93.0", "%", "93.0", "%", "93.0", "%"],
    ]


def test_a_mean_over_lineages_counts_those_that_have_a_fit():
    findings = findings_of(models_of())
    one = findings.lineages[0]
    partial = attrs.evolve(one, rows=(*one.rows, ("a lineage without a fit", None, None)))
    shown = lineages_table(attrs.evolve(findings, lineages=(partial,)), id="x", level=0.95, source="s")
    assert shown is not None
    assert f"mean of {len(one.rows)} of {len(one.rows) + 1}" in {row[0] for row in shown.rows}
