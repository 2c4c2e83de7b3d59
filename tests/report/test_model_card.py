"""The card as it is handed on: front matter that a reader of model cards takes, words, tables, and no text of anybody."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import yaml

from analyses.test_residual_safety import BASE, MODEL, usual
from safescale.analyses.residual_safety import PROPOSAL, ResidualSafety, analyze_residual_safety
from safescale.cells import Counting
from safescale.errors import DataError
from safescale.main_job.asked import Input, Question
from safescale.main_job.card import Card, card, write_card
from safescale.report.model_card_text import card_json, card_markdown, card_text

SNAPSHOT = Path(__file__).parent / "snapshots" / "model_card.md"


@pytest.fixture(scope="module")
def found() -> ResidualSafety:
    return analyze_residual_safety(Counting(usual()), MODEL)


def front(markdown: str) -> dict[str, object]:
    head = re.match(r"---\n(.*?)\n---\n", markdown, flags=re.DOTALL)
    assert head is not None
    content = yaml.safe_load(head.group(1))
    assert isinstance(content, dict)
    return content


def test_card_as_stored(found: ResidualSafety) -> None:
    """Golden; SAFESCALE_UPDATE_SNAPSHOTS=1 writes it."""
    told = card_markdown(found, version="VERSION", command="safescale card MODEL", simulated=False)
    told = re.sub(r"ss1-[0-9a-f]{32}", "ss1-FINGERPRINT", told)
    if os.environ.get("SAFESCALE_UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(told, encoding="utf-8")
    assert told == SNAPSHOT.read_text(encoding="utf-8")


def test_front_matter_is_a_model_index_with_unrounded_figures(found: ResidualSafety) -> None:
    content = front(card_markdown(found, version="1", command="c", simulated=False))
    (index,) = content["model-index"]
    (result,) = index["results"]
    assert {"type", "name"} <= result["dataset"].keys()
    metrics = {metric["name"]: metric for metric in result["metrics"]}
    strict = metrics["strict attack success, grader judge, target text, condition default"]
    assert (strict["value"], strict["args"]["successes"], strict["args"]["evaluable_rows"]) == (21 / 30, 21, 30)
    assert strict["args"]["low"] == found.rates[0].overall.rates[0].low
    assert metrics["over-refusal, grader judge, target text, condition default"]["value"] == 0.05
    own = content["safescale"]
    assert (own["base"], own["tampering"], own["grader_error"]) == (BASE, "abliterated", "unknown")
    assert "base_model" not in content  # no id of a hub


def test_every_form_says_that_it_is_a_proposal_and_what_not_to_conclude(found: ResidualSafety) -> None:
    text = card_text(found, version="1", command="c", simulated=False)
    markdown = card_markdown(found, version="1", command="c", simulated=False)
    whole = json.loads(card_json(found, version="1", command="c", simulated=False))
    assert PROPOSAL in text
    assert PROPOSAL in markdown
    assert whole["proposal"] == PROPOSAL
    for words in found.not_to_conclude:
        assert words in text
    assert whole["card"]["not_to_conclude"] == list(found.not_to_conclude)
    assert "What a reader must not conclude" in markdown
    assert all(own.would in text for own in found.not_told)


def test_simulated_rows_mark_every_form(found: ResidualSafety) -> None:
    assert card_text(found, version="1", command="c", simulated=True).startswith("SIMULATED")
    markdown = card_markdown(found, version="1", command="c", simulated=True)
    assert "**SIMULATED rows" in markdown
    assert front(markdown)["safescale"]["simulated"] is True
    assert json.loads(card_json(found, version="1", command="c", simulated=True))["simulated"] is True


@pytest.fixture(scope="module")
def toy() -> Card:
    return card(Input(example="toy"), Question(), "toy-m-seed0")


def test_toy_card_holds_no_prompt_and_no_response(toy: Card) -> None:
    """The toy corpus holds both: no five words of any of them are in a card."""
    import gzip

    from safescale.example import example_logs

    grams = set()
    for path in example_logs("toy"):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if row["model_id"] == "toy-m-seed0":
                    for text in (row.get("prompt") or "", row.get("response") or ""):
                        words = text.split()
                        grams |= {" ".join(words[i : i + 5]) for i in range(len(words) - 4)}
    assert len(grams) > 1000
    for form in ("text", "markdown", "json"):
        told = toy.told(form)
        assert not [gram for gram in grams if gram in told]


def test_card_is_written_by_its_name_whole_or_not(toy: Card, tmp_path: Path) -> None:
    assert front(write_card(toy, tmp_path / "card.md").read_text(encoding="utf-8"))["model_name"] == "toy-m-seed0"
    assert json.loads(write_card(toy, tmp_path / "card.json").read_text(encoding="utf-8"))["card"]["level"] == 0.95
    with pytest.raises(DataError, match="does not exist: make it first"):
        write_card(toy, tmp_path / "none" / "card.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.json", "card.md"]


def test_the_command_of_a_card_names_what_was_read(toy: Card) -> None:
    assert toy.command == "safescale card toy-m-seed0 --example toy"
