"""The report of the dilution experiment: the numbers of the result, words that flip with it, and what is missing is said."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path

import attrs
import pytest

from report.dilution_made import BASELINE, SIZES, answer_of, bare, delta_of, models_of, result_of, rising, run_of, slope_of
from report.page import Page
from safescale.analyses import to_jsonable
from safescale.analyses.words import percent, signed
from safescale.errors import DataError
from safescale.main_job.dilution_report import write_dilution
from safescale.report import dilution_report
from safescale.report.dilution_facts import DilutionRun, Excluded, StageTime, excluded_of
from safescale.report.dilution_report import dilution_document, dilution_json, dilution_text
from safescale.report.document import Document, Section, Table, every_section, every_table
from safescale.report.html import document_html
from safescale.report.markdown import document_markdown
from safescale.report.numbers import p_value
from safescale.report.table_files import table_csv
from safescale.studies.dilution import AskedModel, DilutionDesign, DilutionResult, DilutionVerdict, Outcomes

SNAPSHOT = Path(__file__).parent / "snapshots" / "dilution.md"
MODELS = models_of()
WHOLE = answer_of(MODELS, rising())
SMALL = answer_of(models_of(SIZES[1:], 1), rising(), lines=(4, 7))
CAUSAL = r"\b(mediat\w*|caus\w*|because|due to|leads? to|led to|explains?|drives?|driven|makes? models?|responsible|mechanism)\b"


def tables_of(document: Document) -> dict[str, Table]:
    return {table.id: table for table in every_table(document.whole)}


def sections_of(document: Document) -> dict[str, Section]:
    return {section.id: section for _, section in every_section(document.whole)}


def rows_of(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table_csv(table))))


def document_of(result: DilutionResult, run: DilutionRun | None = None) -> Document:
    return dilution_document(result, run or run_of())


def test_the_table_of_models_holds_the_deltas_of_the_result() -> None:
    table = tables_of(document_of(result_of(WHOLE)))["dilution-1-deltas"]
    by_id = {delta.model.model_id: delta for delta in WHOLE.deltas}
    assert len(table.rows) == len(MODELS)
    for row, cells in zip(rows_of(table), table.rows, strict=True):
        delta = by_id[cells[0]]
        assert (float(row["delta_fraction"]), float(row["low_fraction"]), float(row["high_fraction"])) == (
            *(delta.delta, delta.low, delta.high),
        )
        assert [int(row[name]) for name in ("n11", "n10", "n01", "n00", "prompts", "dropped")] == [
            *(delta.n11, delta.n10, delta.n01, delta.n00, delta.prompts, delta.dropped),
        ]
        assert cells[8:12] == (
            *(percent(delta.control_rate), percent(delta.treated_rate), signed(100 * delta.delta)),
            f"[{signed(100 * delta.low)}, {signed(100 * delta.high)}]",
        )


def test_models_stand_in_the_order_of_their_size() -> None:
    mixed = answer_of((*models_of((7.0, None, 1.0), 1), *models_of((3.0,), 2)[1:]), lambda _: 0.02)
    tables = tables_of(document_of(result_of(mixed)))
    assert [row[1] for row in tables["dilution-1-deltas"].rows] == ["1B", "3B", "7B", "unknown"]
    order = [row[0] for row in tables["dilution-1-deltas"].rows]
    for id in ("dilution-1-solved", "dilution-1-room"):
        assert [row[0] for row in tables[id].rows] == order, id


def test_the_slope_is_given_quantity_by_quantity_and_unrounded_in_the_file() -> None:
    table = tables_of(document_of(result_of(WHOLE)))["dilution-1-slope"]
    size = WHOLE.size
    assert size is not None
    shown = {row[0]: row[1:] for row in table.rows}
    assert shown["slope, pp per decade"][:4] == ("+4.1", "[+1.6, +6.6]", ".012", "<.001")
    assert shown["the same, sizes as units"][2:4] == (".083", ".083")
    assert shown["mean of the slopes of lineages, lineages as units"][1] == "[+0.8, +7.5]"
    assert shown["slope, weighted, pp per decade"][:3] == ("+4.3", "[+1.3, +7.0]", ".046")
    assert shown["tau, pp"][:2] == ("1.7", "[0.0, 4.4]")
    assert shown["flat within 5 pp per decade"][2] == ".310"
    [row] = rows_of(table)
    assert float(row["permutation_floor"]) == size.permutation_floor
    assert float(row["over_lineages_low_pp_per_decade"]) == size.over_lineages_low
    assert row["generalises_to"] == "new_models"


def test_a_slope_without_estimated_sizes_is_a_row_of_its_own_only_where_it_differs() -> None:
    same = attrs.evolve(WHOLE, without_estimates=WHOLE.size)
    other = attrs.evolve(WHOLE, without_estimates=slope_of(-1.3, MODELS))
    assert len(rows_of(tables_of(document_of(result_of(same)))["dilution-1-slope"])) == 1
    assert [row["what"] for row in rows_of(tables_of(document_of(result_of(other)))["dilution-1-slope"])] == [
        *("all models of known size", "without estimated sizes"),
    ]


def test_contrasts_have_holms_p_and_what_could_not_be_tested_has_none() -> None:
    table = tables_of(document_of(result_of(WHOLE)))["dilution-1-contrasts"]
    main, neutral, untested = table.rows
    assert main[:7] == ("puzzle against baseline", "puzzle-7", "baseline", "12", "+5.1", "[+2.2, +8.0]", "–")
    assert neutral[4:] == ("+3.5", "[+1.1, +5.8]", ".024", "+4.1", "[+1.6, +6.6]", ".037")
    assert untested[4:] == ("–",) * 6
    assert [row["p_value"] for row in rows_of(table)] == ["0.0013", "0.0081", ""]
    assert len(tables_of(document_of(result_of(WHOLE)))["dilution-1-contrast-models"].rows) == 2 * len(MODELS)


def test_interaction_and_rule_say_that_they_speak_of_these_models() -> None:
    document = document_of(result_of(WHOLE))
    tables = tables_of(document)
    assert tables["dilution-1-rule"].rows == (("32k", "4.2M", "+8.7", "[+2.2, +15.4]", "20", "no", "these models (these_models)"),)
    assert tables["dilution-1-interaction"].rows[0][-1] == "these models (these_models)"
    assert "labelled these_models" in " ".join(sections_of(document)["dilution-1-size"].paragraphs)


@pytest.mark.parametrize(("large", "word"), [(True, "yes"), (False, "no"), (None, "cannot tell")])
def test_the_rule_of_353_has_three_answers(large: bool | None, word: str) -> None:
    assert WHOLE.rule is not None
    answer = attrs.evolve(WHOLE, rule=attrs.evolve(WHOLE.rule, large=large))
    assert tables_of(document_of(result_of(answer)))["dilution-1-rule"].rows[0][5] == word


def test_dose_and_length_and_templates_are_those_of_the_result() -> None:
    tables = tables_of(document_of(result_of(WHOLE)))
    assert WHOLE.dose is not None
    assert len(tables["dilution-1-dose-models"].rows) == 4 * len(MODELS)
    mean = tables["dilution-1-lines"].rows[-1]
    assert mean == ("mean over models", "–", "+0.62", "[+0.13, +1.11]", ".017", "further models like these")
    assert [row[0] for row in tables["dilution-1-dose-size"].rows] == ["2 lines", "4 lines", "7 lines", "10 lines"]
    assert {row[5] for row in tables["dilution-1-dose-size"].rows} == {p_value(0.0492)}
    assert tables["dilution-1-tokens"].rows[-1] == ("plimth", "not counted", "not counted")
    assert tables["dilution-1-grid"].rows[1] == ("as a quindle", "31.0 %", "29.0 %")


def test_refusal_is_a_row_for_each_model_and_kind_and_a_file_with_intervals() -> None:
    table = tables_of(document_of(result_of(WHOLE)))["dilution-1-refusal"]
    assert table.rows[0] == ("zorble-0-s0", "32k", "harmful", "90.0 % (180 of 200)")
    assert len(table.rows) == 2 * len(MODELS)
    assert rows_of(table)[0]["low_fraction"] == "0.85"
    older = attrs.evolve(WHOLE, refusal=())
    assert tables_of(document_of(result_of(older)))["dilution-1-refusal"].rows[0] == (
        *("zorble-0-s0", "90.0 % of 200", "6.0 % (3 of 50)", "6.0 % (3 of 50)"),
    )


@pytest.mark.parametrize(
    ("verdict", "slope", "said", "not_said"),
    [
        (DilutionVerdict.SUPPORTS, 4.1, "The data support that", ("contradict", "cannot tell")),
        (DilutionVerdict.CONTRADICTS, -4.1, "The data contradict that", ("the data support", "cannot tell")),
        (DilutionVerdict.CANNOT_TELL, 0.3, "The data cannot tell whether", ("the data support", "contradict")),
    ],
)
def test_words_flip_with_the_verdict(verdict: DilutionVerdict, slope: float, said: str, not_said: tuple[str, ...]) -> None:
    doubts = ("the vorn is faint",) if verdict is DilutionVerdict.CANNOT_TELL else ()
    answer = answer_of(MODELS, rising(slope, -slope), verdict=verdict, slope_pp=slope, doubts=doubts)
    result = result_of(answer)
    opening = document_markdown(document_of(result)).split("## Departures")[0]
    assert f"**{said} the puzzle raises attack success more in larger models.**" in opening
    assert not any(words in opening.lower() for words in not_said)
    assert f"{signed(slope)} pp per decade" in opening
    assert f"verdict: {said[0].lower()}{said[1:]}" in dilution_text(result, run_of())
    assert json.loads(dilution_json(result, run_of()))["dilution"]["verdict"] == verdict.value
    if doubts:
        assert "Cannot tell whether the puzzle raises attack success more in larger models: the vorn is faint." in opening
        assert "What would settle it: six more zorbles." in opening


def test_an_answer_that_the_parts_do_not_give_is_printed_as_it_is() -> None:
    overruled = result_of(WHOLE, verdict=DilutionVerdict.CANNOT_TELL)
    assert "The frimble goes with the vorn." in document_of(overruled).findings[0].answer


def test_what_stands_first_is_departures_then_lost_models_then_caveats() -> None:
    run = run_of(caveats=("the run was warm",))
    assert run.registration is not None
    departed = attrs.evolve(run, registration=attrs.evolve(run.registration, departures=("one zorble is gone", "alpha is 0.1")))
    document = document_of(result_of(WHOLE), departed)
    assert document.sections[0].warnings == (
        "Departure from the pre-registration: one zorble is gone",
        "Departure from the pre-registration: alpha is 0.1",
        "Model without results: zorble-broken (generate): its folder has no weights",
        "The zorbles are small.",
        "The run was warm",
    )
    assert document.sections[0].warnings[0] in dilution_text(result_of(WHOLE), departed)


def test_none_is_said_too() -> None:
    first = document_of(result_of(WHOLE), run_of(lost=())).sections[0].warnings
    assert first[:2] == ("Departures from the pre-registration: none.", "Models without results: none.")
    without = document_of(result_of(WHOLE), run_of(registration=None))
    assert without.sections[0].warnings[0].startswith("There is no pre-registration with these results")
    assert sections_of(without)["dilution-registered"].paragraphs == ("None.",)


def test_caveats_of_another_grader_name_it_and_no_caveat_comes_twice() -> None:
    first = attrs.evolve(WHOLE, caveats=("The zorbles are small.",))
    second = attrs.evolve(WHOLE, grader="quindle-judge", caveats=("The zorbles are small.", "it cannot read"))
    warnings = document_of(result_of(first, second)).sections[0].warnings
    assert warnings.count("The zorbles are small.") == 1
    assert [words for words in warnings if words.startswith("By ")] == ["By quindle-judge: it cannot read"]


def test_the_pre_registration_is_there_in_full_and_as_it_is() -> None:
    run = run_of()
    assert run.registration is not None
    document = document_of(result_of(WHOLE), run)
    markdown, html = document_markdown(document), document_html(document)
    # a fence of the text itself does not end the block
    assert "````text\n" + "\n".join(run.registration.lines) + "\n````\n" in markdown
    assert "\n".join(run.registration.lines) in html
    for text in (markdown, html, dilution_json(result_of(WHOLE), run)):
        assert run.registration.sha256 in text


@pytest.mark.parametrize("asked", [True, False])
def test_solving_is_told_as_an_association_without_a_causal_word(asked: bool) -> None:
    result = result_of(attrs.evolve(WHOLE, solving=WHOLE.solving if asked else None))
    document = document_of(result)
    section = sections_of(document)["dilution-1-solving"]
    words = " ".join((section.title, *section.paragraphs, *(t.caption for t in section.tables)))
    assert re.findall(CAUSAL, words, re.IGNORECASE) == []
    assert ("association" in words) is asked
    for text in (
        document_markdown(document),
        document_html(document),
        dilution_json(result, run_of()),
        dilution_text(result, run_of()),
    ):
        assert "mediat" not in text.lower()


def test_methods_say_only_what_was_done_and_every_number_has_its_reference() -> None:
    methods = sections_of(document_of(result_of(WHOLE)))["methods"].paragraphs
    cited = {int(n) for group in re.findall(r"\[([\d, ]+)\]", methods[0]) for n in group.split(", ")}
    assert cited == set(range(1, len(methods)))
    assert [words.split("]")[0] for words in methods[1:]] == [f"[{n}" for n in range(1, len(methods))]
    assert "Tango" in methods[0]
    nothing = sections_of(document_of(result_of(bare(WHOLE)), run_of(registration=None)))["methods"].paragraphs[0]
    for name in ("Tango", "Holm", "permutation", "Spearman", "registered", "Wilson"):
        assert name not in nothing, name
    clustered = attrs.evolve(WHOLE, deltas=tuple(attrs.evolve(d, method="clustered", mcnemar_p=None) for d in WHOLE.deltas))
    words = sections_of(document_of(result_of(clustered)))["methods"].paragraphs[0]
    assert "McNemar" not in words
    assert "prompts as clusters" in words


@pytest.mark.parametrize(
    "result",
    [
        result_of(bare(WHOLE)),
        result_of(verdict=DilutionVerdict.CANNOT_TELL),
        result_of(bare(WHOLE), answer="", settle="", caveats=()),
        result_of(answer_of(models_of((None,), 1), lambda _: 0.1, rule=None), verdict=DilutionVerdict.CANNOT_TELL),
        result_of(attrs.evolve(SMALL, deltas_adjusted_p=(), main=None)),
    ],
    ids=["no part", "no grader", "no words", "no size", "no Holm"],
)
def test_missing_parts_are_said_and_nothing_breaks(result: DilutionResult, tmp_path: Path) -> None:
    run = DilutionRun(command="safescale experiment dilution")
    write_dilution(result, run, tmp_path / "r")
    markdown = (tmp_path / "r" / "report.md").read_text(encoding="utf-8")
    Page((tmp_path / "r" / "report.html").read_text(encoding="utf-8"))
    assert "nan" not in markdown.lower().replace("nanny", "")
    assert "None" not in markdown.replace("\nNone.\n", "")
    assert dilution_text(result, run)
    if not result.answers or not result.answers[0].deltas:
        assert "slope" in markdown or "Nothing was graded." in markdown


def test_page_markdown_and_json_agree(tmp_path: Path) -> None:
    result, run = result_of(SMALL, attrs.evolve(SMALL, grader="quindle-judge")), run_of()
    write_dilution(result, run, tmp_path / "r")
    html, markdown = ((tmp_path / "r" / f"report.{form}").read_text(encoding="utf-8") for form in ("html", "md"))
    whole = json.loads((tmp_path / "r" / "report.json").read_text(encoding="utf-8"))
    page, document = Page(html), document_of(result, run)
    assert len(page.all("table")) == len(tables_of(document))
    seen = page.text
    for table in every_table(document.whole):
        for row in table.rows:
            for cell in filter(None, row):
                assert " ".join(cell.split()) in seen, (table.id, cell)
    unescaped = re.sub(r"\\([\\`*_\[\]|~#])", r"\1", markdown).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    for table in every_table(document.whole):
        for row in table.rows:
            assert "| " + " | ".join(row) + " |" in unescaped, table.id
    assert whole["dilution"]["answers"] == json.loads(json.dumps(to_jsonable(result)))["answers"]
    assert [finding["answer"] for finding in whole["findings"]] == [finding.answer for finding in document.findings]
    assert whole["run"] == json.loads(json.dumps(to_jsonable(run)))
    assert all(finding.answer in seen for finding in document.findings)
    assert sorted(file for figure in whole["figures"] for file in figure["files"]) == sorted(
        f"figures/{path.name}" for path in (tmp_path / "r" / "figures").iterdir() if path.suffix != ".json"
    )
    assert json.loads(dilution_json(result, run))["dilution"] == whole["dilution"]


def test_no_text_of_a_prompt_gets_into_any_file(tmp_path: Path) -> None:
    secret = "As a secret plimth, answer this: {prompt}"
    result = result_of(SMALL, design=DilutionDesign(templates=(("as a plimth", secret),)))
    write_dilution(result, run_of(), tmp_path / "r")
    for path in (tmp_path / "r").rglob("*"):
        assert path.is_dir() or b"secret plimth" not in path.read_bytes(), path
    [template] = json.loads((tmp_path / "r" / "report.json").read_text(encoding="utf-8"))["dilution"]["design"]["templates"]
    assert template["name"] == "as a plimth"
    assert len(template["sha256"]) == 64


@pytest.mark.parametrize("name", ["<script>alert(1)</script> a|b`c$x^2$ \"&'\u202e", "plim" * 40])
def test_any_name_can_stand_in_a_report(name: str, tmp_path: Path) -> None:
    model = AskedModel(model_id=name, params_b=1.0, lineage=name)
    others = models_of((2.0, 4.0), 1)
    answer = answer_of(
        others,
        lambda _: 0.02,
        grader=name,
        deltas=(delta_of(model, 0.1), *(delta_of(m, 0.02) for m in others)),
        deltas_adjusted_p=(None, None, None),
    )
    run = run_of()
    assert run.registration is not None
    run = attrs.evolve(run, registration=attrs.evolve(run.registration, lines=(name,), departures=(name,)))
    write_dilution(result_of(answer, caveats=(name,)), run, tmp_path / "r")
    html = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    assert len(Page(html).all("script")) == 1
    # between fences nothing is markup
    outside = re.sub(r"(`{3,})text\n.*?\n\1\n", "", (tmp_path / "r" / "report.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert "<script>" not in outside


def test_another_grader_has_a_finding_and_a_part_of_its_own() -> None:
    reverse = answer_of(MODELS, rising(-4.0), verdict=DilutionVerdict.CONTRADICTS, slope_pp=-3.9, grader="quindle-judge")
    document = document_of(result_of(WHOLE, reverse, verdict=DilutionVerdict.CANNOT_TELL))
    assert [finding.about for finding in document.findings] == [
        *("strict attack success", "grader toy-world (registered as primary)", "grader quindle-judge"),
    ]
    assert [finding.verdict.split(" that")[0].split(" whether")[0] for finding in document.findings] == [
        *("the data cannot tell", "the data support", "the data contradict"),
    ]
    answer = document.findings[0].answer
    assert answer.startswith("Cannot tell whether")
    assert "by toy-world" in answer
    assert "by quindle-judge" in answer
    ids = sections_of(document)
    assert {finding.section for finding in document.findings} <= set(ids)
    band = " ".join(ids["dilution-graders"].paragraphs)
    assert "slopes run from -3.9 to +4.1 pp per decade; they do not agree: supports and contradicts" in band
    assert [row[3] for row in tables_of(document)["dilution-graders-all"].rows] == ["+4.1", "-3.9"]
    alone = " ".join(sections_of(document_of(result_of(WHOLE)))["dilution-graders"].paragraphs)
    assert "One grader (toy-world)" in alone


def test_an_answer_that_stands_is_said_once_and_its_models_are_those_in_the_slope() -> None:
    agrees = answer_of(MODELS, rising(), grader="quindle-judge")
    less = attrs.evolve(
        WHOLE, size=slope_of(4.1, MODELS[1:]), not_fitted=((MODELS[0].model_id, "6 prompts with a verdict, of 20"),)
    )
    document = document_of(result_of(less, agrees))
    assert [finding.about for finding in document.findings] == ["strict attack success", "grader quindle-judge"]
    assert document.findings[0].testability.startswith(f"{len(MODELS) - 1} models of ")
    assert [row[2] for row in tables_of(document)["dilution-graders-all"].rows] == [str(len(MODELS) - 1), str(len(MODELS))]


def test_what_would_settle_it_is_announced_once_and_the_terminal_has_the_short_answer() -> None:
    open_ = answer_of(MODELS, rising(), verdict=DilutionVerdict.CANNOT_TELL, doubts=("the vorn is faint",))
    result = result_of(open_, settle="To settle it: six more zorbles.")
    said = document_of(result).findings[0].answer
    assert said.endswith(". To settle it: six more zorbles.")
    assert "What would settle it" not in said
    assert f"answer: {said}" in dilution_text(result, run_of())
    assert len(said.split()) < 80


def test_times_are_summed_only_where_all_were_measured() -> None:
    tables = tables_of(document_of(result_of(WHOLE)))
    assert [row[0] for row in tables["dilution-stages"].rows] == ["register", "generate", "analyse"]
    measured = run_of(stages=(StageTime(name="a", wall_s=1.5, cpu_s=1.0), StageTime(name="b", wall_s=2.0)))
    assert tables_of(document_of(result_of(WHOLE), measured))["dilution-stages"].rows[-1][:3] == ("all stages", "3.5", "–")


def test_exclusions_keep_the_order_of_models_and_conditions() -> None:
    import numpy as np

    outcomes = Outcomes(
        grader="toy-world",
        tier=WHOLE.tier,
        fingerprint="f",
        models=MODELS[:2],
        conditions=(BASELINE,),
        prompts=(),
        failed=np.zeros((2, 1, 0, 1), np.int8),
        refused=np.zeros((2, 1, 0, 1), np.int8),
        prompt_tokens=np.zeros((2, 1, 0), np.int32),
        solved=np.zeros((2, 0, 1), np.int8),
        excluded={("zorble-1-s0", "baseline"): {"torn": 2}, ("zorble-0-s0", "baseline"): {"torn": 1, "cut": 4}},
    )
    found = excluded_of(outcomes)
    assert [(one.model_id, one.reason, one.prompts) for one in found] == [
        *(("zorble-0-s0", "cut", 4), ("zorble-0-s0", "torn", 1), ("zorble-1-s0", "torn", 2)),
    ]
    assert isinstance(found[0], Excluded)
    table = tables_of(document_of(result_of(WHOLE), run_of(excluded=found)))["dilution-excluded"]
    assert [row[-1] for row in table.rows] == ["4", "1", "2"]


def test_simulated_responses_are_marked_everywhere() -> None:
    document = document_of(result_of(WHOLE), run_of(simulated=True))
    assert document.watermark == "SIMULATED"
    assert dilution_text(result_of(WHOLE), run_of(simulated=True)).startswith("SIMULATED")
    assert document_of(result_of(WHOLE)).watermark is None


def test_a_failure_leaves_the_earlier_report_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dilution(result_of(bare(WHOLE)), run_of(), tmp_path / "r")
    before = {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()}

    def broken(*_: object) -> Document:
        raise RuntimeError("the frimble broke")

    monkeypatch.setattr(dilution_report, "dilution_document", broken)
    with pytest.raises(RuntimeError, match="frimble"):
        write_dilution(result_of(SMALL), run_of(), tmp_path / "r")
    assert {path: path.read_bytes() for path in (tmp_path / "r").rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["r"]


def test_a_folder_with_another_document_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(DataError, match="this folder holds a plan"):
        write_dilution(result_of(bare(WHOLE)), run_of(), tmp_path)


def test_the_markdown_of_a_small_result_is_the_stored_one() -> None:
    text = document_markdown(document_of(result_of(SMALL)))
    text = re.sub(r"safescale \d+\.\d+[^\s,;·]*", "safescale VERSION", text)
    if os.environ.get("SAFESCALE_UPDATE_SNAPSHOTS"):
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(text, encoding="utf-8", newline="\n")
    assert text == SNAPSHOT.read_text(encoding="utf-8"), "if the change is wanted, run with SAFESCALE_UPDATE_SNAPSHOTS=1"
