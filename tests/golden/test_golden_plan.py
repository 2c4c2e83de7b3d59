"""Published numbers about numbers of models, through the plan."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from safescale.analyses.plan import plan_study

ROWS = tomllib.loads((Path(__file__).parent / "plan_published.toml").read_text())["row"]


def computed(row):
    arguments = {name: tuple(value) if isinstance(value, list) else value for name, value in row["arguments"].items()}
    plan = plan_study(**arguments)
    if row["printed"].endswith("models"):
        words = f"{plan.needed().n_models} models"
        assert f"you need {words}" in plan.answer
        return words
    if row["printed"].startswith("p ="):
        assert "the sizes at hand cannot (smallest p .083)" in plan.answer
        return f"p = {plan.exact.at_hand:.3f}, needs {plan.exact.sizes_needed}"
    words = f"{plan.found_at().slope_pp_per_doubling:.1f} pp per doubling"
    assert f"({words.removesuffix(' pp per doubling')} per doubling)" in plan.answer
    return words


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_published_number(row):
    if row["status"] == "reproduced":
        assert computed(row) == row["printed"]
        assert "ours" not in row
    else:
        assert row["status"].startswith("not reproduced, because ")
        assert computed(row) == row["ours"] != row["printed"]


def test_every_row_has_its_own_name_and_source():
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert all(row["source"] for row in ROWS)
