"""The chapter of a plan: every number of its tables is the result's, the words follow, the page is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from analyses.test_inverse_scaling import corpus, noisy
from analyses.test_plan import BASE, planned
from report.made import RISING, write_logs
from report.page import Page
from safescale.analyses.plan import CorpusPlan, StudyPlan, Wanted, plan_study
from safescale.cells import Selection
from safescale.main_job import Input, Question
from safescale.main_job.planning import plan_from_assumptions, plan_from_rows, wanted_arguments, write_plan
from safescale.report.chapter import Chapter
from safescale.report.document import Table, every_section
from safescale.report.figures.sink import FigureSink
from safescale.report.plan_section import plan_chapter


def tables(chapter: Chapter) -> dict[str, Table]:
    found = {table.id: table for _, section in every_section((chapter.section,)) for table in section.tables}
    assert len(found) == sum(len(section.tables) for _, section in every_section((chapter.section,)))
    return found


def sources(chapter: Chapter) -> list[str]:
    return [table.source for _, section in every_section((chapter.section,)) for table in section.tables]


def test_tables_hold_the_numbers_of_the_result() -> None:
    plan = plan_study(**BASE, half_width_pp=5, sensitivity=0.9, specificity=0.9, tests=3)
    found = tables(plan_chapter(plan, "safescale plan"))
    assert set(found) == {
        f"plan-{kind}" for kind in ("models", "found", "sizes", "prompts", "flat", "exact", "labels", "assumptions")
    }
    models = found["plan-models"]
    assert [column.name for column in models.columns] == ["effect", *(f"tau {tau:g} pp" for tau in (0, 2, 5, 10, 15))]
    needed = plan.needed()
    assert needed is not None
    at_effect = next(row for row in models.rows if row[0] == "5 pp per decade")
    assert at_effect[3] == str(needed.n_models)
    assert [row[0] for row in found["plan-sizes"].rows] == [f"{row.size_b:g}B" for row in plan.size_gains]
    assert "no number is enough" in found["plan-prompts"].rows[2]
    assert [row[-1] for row in found["plan-exact"].rows] == ["no", "no", *["yes"] * 8]
    assumed = {row[0]: (row[1], row[2]) for row in found["plan-assumptions"].rows}
    assert assumed["base rate"] == ("30.0 %", "given")
    assert assumed["power"][1] == "default of safescale"
    assert assumed["tests between which the level is divided"] == ("3 tests in the family", "given")


def test_findings_answer_first_and_every_table_names_what_it_rests_on() -> None:
    plan = plan_study(**BASE)
    chapter = plan_chapter(plan, "safescale plan --tau-pp 5")
    (finding,) = chapter.findings
    needed = plan.needed()
    assert needed is not None
    assert finding.verdict == f"{needed.n_models} models to find 5 pp per decade in 80 of 100 studies"
    assert finding.answer == plan.answer
    assert chapter.section.methods
    for source in sources(chapter):
        assert source.startswith("safescale plan --tau-pp 5 · corpus none (assumptions alone) · base rate 30 %, 200 traces a model")


def test_words_flip_with_the_data() -> None:
    still_open = plan_chapter(planned(corpus({"a": noisy(0.0, 0.15)})), "safescale plan c")
    settled = plan_chapter(planned(corpus({"a": noisy(0.15)})), "safescale plan c")
    assert len(still_open.findings) == 1
    assert "models to find 5 pp per decade" in still_open.findings[0].verdict
    assert settled.findings == ()
    rows = {key: tables(chapter)["plan-settings"].rows[0] for key, chapter in (("open", still_open), ("settled", settled))}
    assert rows["open"][1] == "neither a change with size nor its absence is shown"
    assert rows["settled"][1] == "larger models comply more"
    assert "Nothing more is needed" in settled.section.paragraphs[0]


def test_law_the_table_says_of_an_unknown_spread_what_the_finding_says() -> None:
    chapter = plan_chapter(planned(corpus({"a": [0.2, 0.3]}, sizes=[8.0, 70.0])), "safescale plan c")
    (row,) = tables(chapter)["plan-settings"].rows
    assert " to " in row[5]
    assert chapter.findings[0].verdict.startswith(f"{row[5]} models to find 5 pp per decade")
    assert "a range is given, from tau 0 pp to tau 15 pp" in tables(chapter)["plan-settings"].notes[0]


def test_of_many_settings_only_the_open_ones_are_told_in_full() -> None:
    result = planned(corpus({"a": noisy(0.0, 0.15)}))
    untestable = planned(corpus({"a": [0.2, 0.3]}, sizes=[8.0, 70.0])).settings[0]
    few = attrs.evolve(result, settings=(*result.settings, untestable))
    many = attrs.evolve(result, settings=(*result.settings, *[untestable] * 11))
    for whole, told in ((few, 2), (many, 1)):
        chapter = plan_chapter(whole, "safescale plan c")
        assert len(chapter.findings) == told
        assert len(tables(chapter)["plan-settings"].rows) == told
        assert len(chapter.section.sections) == 1
        n = len(whole.settings) - 1
        assert chapter.section.paragraphs[0] == f"1 of {n + 1} settings is open and {n} cannot be tested."
    assert "the other 11 are counted" in tables(plan_chapter(many, "c"))["plan-settings"].notes[0]


def test_where_nothing_is_open_the_terminal_says_why(tmp_path: Path) -> None:
    logs = write_logs(tmp_path / "a.jsonl", RISING)
    settled = plan_from_rows(Input(paths=(logs,)), Question(), Wanted())
    assert "Nothing more is needed for this answer." in settled.told("text")
    nothing = plan_from_rows(Input(paths=(logs,)), Question(selection=Selection(tampered="only")), Wanted())
    assert "Nothing can be planned from these rows" in nothing.told("text")
    assert "left out because only tampered models were asked for (--tampered)" in nothing.told("text")
    write_plan(nothing, tmp_path / "out")
    page = Page((tmp_path / "out" / "plan.html").read_text()).text
    assert "Nothing can be planned from these rows" in page
    assert "Nothing is open" not in page


@pytest.mark.parametrize(
    "wanted",
    [
        BASE,
        {},
        {"effect_pp_per_doubling": 2, "standard_error_pp_per_doubling": 1.28, "models": 21},
        {"sizes_b": (8, 70), "tau_pp": 5},
        {"effect_pp_per_decade": 0.05, "tau_pp": 20},
    ],
    ids=["sizes", "nothing", "published", "two sizes", "out of reach"],
)
def test_every_kind_of_plan_has_a_chapter_and_a_figure(wanted: dict[str, Any], tmp_path: Path) -> None:
    plan = plan_study(**wanted)
    chapter = plan_chapter(plan, "safescale plan", FigureSink(tmp_path, watermark=None))
    (figure,) = chapter.section.figures
    assert (tmp_path / "power-1.svg").stat().st_size > 5000
    assert figure.alt.startswith("Power against number of models.")
    for table in tables(chapter).values():
        assert table.rows


def test_out_of_reach_is_a_word_and_no_number() -> None:
    plan = plan_study(effect_pp_per_decade=0.05, tau_pp=20)
    needed = plan.needed()
    assert needed is not None
    assert needed.n_models is None
    assert "you need more than 100,000 models" in plan.answer
    assert "> 100,000" in tables(plan_chapter(plan, "c"))["plan-models"].rows[0]


def test_a_plan_on_disk_is_a_whole_page_and_the_same_bytes(tmp_path: Path) -> None:
    wanted = Wanted(tau_pp=5, base_rate=0.3, sizes_b=(0.8, 2, 4, 9, 27, 70))
    answered = plan_from_assumptions(wanted)
    assert answered.command == "safescale plan --tau-pp 5 --base-rate 0.3 --sizes 0.8,2,4,9,27,70"
    for name in ("a", "b"):
        written = write_plan(answered, tmp_path / name)
        assert [path.name for path in written[-3:]] == ["plan.json", "plan.md", "plan.html"]
    files = sorted(str(p.relative_to(tmp_path / "a")) for p in (tmp_path / "a").rglob("*") if p.is_file())
    parts = [name for name in files if name.endswith((".csv", ".tex", "index.json"))]
    assert [name for name in files if name not in parts] == [
        *(f"figures/power-1.{form}" for form in ("pdf", "png", "svg")),
        *("plan.html", "plan.json", "plan.md"),
    ]
    assert {"tables/index.json", "figures/index.json"} < set(parts)
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    page = Page((tmp_path / "a" / "plan.html").read_text())
    assert answered.result.answer in page.text
    assert len(page.all("svg")) == 1
    assert json.loads((tmp_path / "a" / "plan.json").read_text())["plan"]["answer"] == answered.result.answer
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_a_plan_from_logs_is_written_and_repeats_itself(tmp_path: Path) -> None:
    logs = write_logs(tmp_path / "a.jsonl", (0.3, 0.45, 0.2, 0.5, 0.25, 0.4))
    answered = plan_from_rows(Input(paths=(logs,)), Question(margin_pp=8), Wanted(tau_pp=6))
    assert isinstance(answered.result, CorpusPlan)
    assert answered.command == f"safescale plan {logs} --tau-pp 6 --margin-pp 8"
    write_plan(answered, tmp_path / "out")
    page = Page((tmp_path / "out" / "plan.html").read_text())
    assert "8 pp per decade" in page.text
    assert "SIMULATED" not in page.text
    rising = plan_from_rows(Input(paths=(write_logs(tmp_path / "b.jsonl", RISING),)), Question(), Wanted())
    write_plan(rising, tmp_path / "out")
    left = [path.name for path in (tmp_path / "out" / "figures").iterdir()]
    assert left == ["index.json"], "a settled question has no curve, and the old one is gone"
    assert "Nothing is open." in Page((tmp_path / "out" / "plan.html").read_text()).text


def test_the_bundled_example_is_watermarked(tmp_path: Path) -> None:
    from safescale.example import example_logs

    answered = plan_from_rows(Input(paths=tuple(example_logs())), Question(), Wanted())
    write_plan(answered, tmp_path / "out")
    assert "SIMULATED" in Page((tmp_path / "out" / "plan.html").read_text()).text
    for path in (tmp_path / "out" / "figures").glob("*.svg"):
        assert "SIMULATED" in path.read_text()


def test_arguments_ask_for_the_same_plan() -> None:
    assert wanted_arguments(Wanted()) == ()
    wanted = Wanted(effect_pp_per_doubling=1.5, models=12, min_b=1, standard_error_pp_per_decade=None, half_width_pp=2.5)
    assert " ".join(wanted_arguments(wanted)) == "--effect-pp-per-doubling 1.5 --min-b 1 --models 12 --half-width-pp 2.5"


def test_study_and_corpus_name_their_numbers_alike() -> None:
    study = plan_study(**BASE)
    assert isinstance(study, StudyPlan)
    ours = {headline.quantity for headline in study.headlines}
    assert ours == {headline.quantity for headline in planned(corpus({"a": noisy(0.0, 0.15)})).headlines}
