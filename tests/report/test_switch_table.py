"""With and without each exclusion: the table says what the two answers say."""

from __future__ import annotations

import csv
import io

import attrs
import pytest

from cells.fake_corpus import fake_corpus, graded
from report.made import verdicts
from safescale.analyses import analyze_inverse_scaling
from safescale.analyses.headline import Headline
from safescale.analyses.switched import SwitchEffect, switch_effects
from safescale.cells import SWITCHES, Counting, Reason, Selection
from safescale.report.document import Table
from safescale.report.switch_table import ABSENT, NO_ROW, switch_table
from safescale.report.table_files import table_csv

RISING, FALLING = "larger models comply more", "larger models comply less"


def headline(estimate: float | None = 3.0, verdict: str = RISING, **fields: object) -> Headline:
    whole = {
        "setting": "grader judge",
        "quantity": "slope of the headline series",
        "unit": "pp per decade",
        "estimate": estimate,
        "low": None if estimate is None else estimate - 1,
        "high": None if estimate is None else estimate + 1,
        "p_value": 0.01,
        "verdict": verdict,
        "n_models": 6,
        "n_rows": 1240,
    }
    return Headline(**whole | fields)  # type: ignore[arg-type]


def effect(before: tuple[Headline, ...], after: tuple[Headline, ...], reason: Reason = Reason.TELEMETRY) -> SwitchEffect:
    return SwitchEffect(reason=reason, rows=1240, before=before, after=after)


def made(*effects: SwitchEffect) -> Table:
    return switch_table(effects, id="switches", source="safescale report")


def by_name(table: Table) -> list[dict[str, str]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def test_another_verdict_is_a_change() -> None:
    [row] = by_name(made(effect((headline(),), (headline(-3.0, FALLING),))))
    assert row == {
        "left out because": "the stored response is telemetry, not text",
        "what lets them in": "--include-telemetry",
        "rows left out": "1,240",
        "setting": "grader judge",
        "quantity": "slope of the headline series, pp per decade",
        "with → without the exclusion": "+3.0 [+2.0, +4.0] → -3.0 [-4.0, -2.0]",
        "verdict with → without": f"{RISING} → {FALLING}",
        "changed": "yes",
    }


def test_the_words_flip_when_the_answers_change_places() -> None:
    there, back = headline(), headline(-3.0, FALLING)
    [one], [other] = (by_name(made(effect((a,), (b,)))) for a, b in ((there, back), (back, there)))
    for name in ("with → without the exclusion", "verdict with → without"):
        assert one[name].split(" → ") == other[name].split(" → ")[::-1]
    assert one["changed"] == other["changed"] == "yes"


def test_another_estimate_with_the_same_verdict_is_none() -> None:
    [row] = by_name(made(effect((headline(),), (headline(4.5),))))
    assert (row["changed"], row["verdict with → without"]) == ("no", RISING)
    assert row["with → without the exclusion"].endswith("→ +4.5 [+3.5, +5.5]")


def test_without_a_headline_series_the_first_number_of_each_setting_is_compared() -> None:
    before = tuple(
        headline(quantity=quantity, setting=setting, unit="fraction", estimate=0.25, low=None)
        for setting in ("a", "b")
        for quantity in ("eta", "omega")
    )
    after = tuple(attrs.evolve(h, estimate=0.5) for h in reversed(before))
    rows = by_name(made(effect(before, after)))
    assert [(row["setting"], row["quantity"]) for row in rows] == [("a", "eta, fraction"), ("b", "eta, fraction")]
    assert {row["with → without the exclusion"] for row in rows} == {"25.0 % → 50.0 %"}


def test_a_headline_series_stands_for_the_rest() -> None:
    others = tuple(headline(quantity=f"slope, attack class {i}") for i in range(3))
    assert len(made(effect((*others, headline()), (headline(), *others))).rows) == 1


def test_a_setting_that_an_exclusion_hides_is_said() -> None:
    rows = by_name(made(effect((headline(),), (headline(), headline(setting="grader rule")))))
    assert [row["changed"] for row in rows] == ["no", "yes"]
    assert rows[1]["verdict with → without"] == f"{ABSENT} → {RISING}"
    assert rows[1]["with → without the exclusion"] == "– → +3.0 [+2.0, +4.0]"
    [gone] = by_name(made(effect((headline(),), ())))
    assert gone["verdict with → without"] == f"{RISING} → {ABSENT}"


def test_no_exclusion_is_said_and_so_is_no_number() -> None:
    table = made()
    assert table.rows[0][0] == NO_ROW
    assert table.notes == ()
    assert list(csv.reader(io.StringIO(table_csv(table))))[1:] == []
    [row] = by_name(made(effect((), ())))
    assert (row["rows left out"], row["with → without the exclusion"], row["changed"]) == ("1,240", "– → –", "no")


@pytest.mark.parametrize("reason", list(SWITCHES))
def test_every_exclusion_with_a_switch_has_words(reason: Reason) -> None:
    [row] = by_name(made(effect((headline(),), (headline(),), reason)))
    assert "--" in row["what lets them in"]


def test_the_csv_holds_numbers_that_are_not_rounded() -> None:
    table = made(effect((headline(1 / 3),), (headline(None, FALLING),)))
    [row] = csv.DictReader(io.StringIO(table_csv(table)))
    assert float(row["estimate_with_exclusion"]) == 1 / 3
    assert (row["estimate_without_exclusion"], row["verdict_changed"], row["reason"]) == ("", "yes", "telemetry")


def _counting(tampered: tuple[float, ...]) -> Counting:
    """Five models that do not change with size, and tampered ones at the large end."""
    traces, grades, models = [], [], []
    for i, rate in enumerate((0.3, 0.3, 0.3, 0.3, 0.3, *tampered)):
        model = f"frimble-{i}"
        found = graded(model, verdicts(rate, 40, i), attack_class="zarvonic")
        traces, grades = traces + found[0], grades + found[1]
        state = "none" if i < 5 else "abliterated"
        models.append({"model_id": model, "params_total_b": float(2**i), "size_source": "name", "tampering": state})
    return Counting(fake_corpus(traces, grades, models, graders=[{"grader_id": "judge"}]))


def _table_of(counting: Counting, selection: Selection) -> Table:
    def run(chosen: Selection) -> object:
        return analyze_inverse_scaling(counting.cells(chosen), counting.models)

    return switch_table(switch_effects(counting, selection, run), id="switches", source="s")  # type: ignore[arg-type]


def test_letting_tampered_models_in_changes_the_words_with_the_data() -> None:
    """Whole path: the table says of each selection what the analysis says of it, and flips with the data."""
    found = {}
    for name, tampered in (("more", (0.9, 0.95, 1.0)), ("less", (0.0, 0.025, 0.05))):
        counting = _counting(tampered)
        [row] = by_name(_table_of(counting, Selection()))
        assert (row["what lets them in"], row["rows left out"]) == ("--tampered include", "120")
        alone, all_of_them = (
            analyze_inverse_scaling(counting.cells(chosen), counting.models).headlines
            for chosen in (Selection(), Selection(tampered="include"))
        )
        quoted = [next(h for h in of if h.quantity == "slope of the headline series") for of in (alone, all_of_them)]
        expected = [h.verdict for h in quoted]
        assert row["verdict with → without"].split(" → ") == list(dict.fromkeys(expected))
        for words, h in zip(row["with → without the exclusion"].split(" → "), quoted, strict=True):
            assert h.estimate is not None
            assert float(words.split()[0]) == pytest.approx(h.estimate, abs=0.051)
        found[name] = row["verdict with → without"]
    assert found["more"] != found["less"]
    assert found["more"].endswith(RISING)
    [back] = by_name(_table_of(_counting((0.9, 0.95, 1.0)), Selection(tampered="include", exclude_models=("frimble-7",))))
    assert back["what lets them in"] == "leave out --exclude-model"


def test_a_selection_that_leaves_nothing_out_has_no_effects() -> None:
    assert switch_effects(_counting(()), Selection(), lambda _: pytest.fail("nothing to compare")) == ()
