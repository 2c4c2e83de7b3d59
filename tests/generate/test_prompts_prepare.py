"""Laws of a prepared set: order-free, idempotent, conserved; near pairs are found, judged exactly, and never cut by a split."""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safescale.errors import DomainError, MissingBackend
from safescale.generate.prompts import NearDuplicates, PreparedSet, Preparing, near_groups, normalised, prepare_prompts, signatures
from safescale.generate.prompts.near import PERMUTATIONS, bands_for
from safescale.generate.prompts.shingles import folded, jaccard, shingles
from safescale.generate.prompts.splits import assign_splits, checked_splits

WORDS = ("zorble", "quindle", "glimwort", "drabble", "sprocket", "plim", "mirth", "tamwick")
THRESHOLD = 0.6
EIGHTHS = {f"part-{i}": 0.125 for i in range(8)}
REPORT, DROP, OFF = NearDuplicates


def phrases() -> st.SearchStrategy[str]:
    """Sentences of few words, so that equal and near ones come up, with blanks and case that differ."""
    words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=7)
    return st.tuples(words, st.sampled_from((" ", "  ", "\n")), st.booleans()).map(
        lambda made: made[1].join(made[0]).upper() if made[2] else made[1].join(made[0])
    )


def rows() -> st.SearchStrategy[list[dict[str, str]]]:
    """Rows of prompts with kinds, attacks and sources that may contradict each other."""
    row = st.fixed_dictionaries(
        {
            "prompt": phrases(),
            "prompt_kind": st.sampled_from(("harmful", "benign", "unknown", "")),
            "attack_class": st.sampled_from(("", "gcg")),
            "source": st.sampled_from(("a", "b")),
            "note": st.sampled_from(("", "x")),
        }
    )
    return st.lists(row, min_size=1, max_size=12)


def made_of(given_rows: list[dict[str, Any]], folder: Path, near: NearDuplicates = REPORT, **how: Any) -> PreparedSet:
    path = folder / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in given_rows), encoding="utf-8")
    return prepare_prompts([path], folder / "out.jsonl", Preparing(near=near, near_threshold=THRESHOLD, **how))


def test_the_strategy_makes_equal_and_near_prompts() -> None:
    found = set()

    @given(rows())
    def look(given_rows: list[dict[str, str]]) -> None:
        texts = [folded(row["prompt"]) for row in given_rows]
        for one, other in combinations(texts, 2):
            found.add("equal" if one == other else "near" if jaccard(one, other) >= THRESHOLD else "far")

    look()
    assert found == {"equal", "near", "far"}


@settings(max_examples=25)
@given(rows(), st.randoms(use_true_random=False), st.sampled_from((REPORT, DROP)))
def test_order_and_files_are_irrelevant(given_rows: list[dict[str, str]], rng: random.Random, near: NearDuplicates) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = made_of(given_rows, Path(folder), near).places.prompts.read_bytes()
        rng.shuffle(given_rows)
        assert made_of(given_rows, Path(folder), near).places.prompts.read_bytes() == first


@settings(max_examples=25)
@given(rows(), st.sampled_from((REPORT, DROP)))
def test_a_prepared_set_prepared_again_is_itself(given_rows: list[dict[str, str]], near: NearDuplicates) -> None:
    with tempfile.TemporaryDirectory() as folder:
        once = made_of(given_rows, Path(folder), near)
        again = prepare_prompts([once.places.prompts], Path(folder) / "again.jsonl", Preparing(near=near, near_threshold=THRESHOLD))
        assert again.places.prompts.read_bytes() == once.places.prompts.read_bytes()
        assert again.sheet.set_sha256 == once.sheet.set_sha256 == hashlib.sha256(once.places.prompts.read_bytes()).hexdigest()


@settings(max_examples=25)
@given(rows(), st.sampled_from((REPORT, DROP)))
def test_no_near_pair_is_in_two_splits_and_a_drop_leaves_only_pairs_of_two_kinds(
    given_rows: list[dict[str, str]], near: NearDuplicates
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = made_of(given_rows, Path(folder), near, splits=EIGHTHS)
    for one, other in combinations(made.prompts, 2):
        if jaccard(folded(one.prompt), folded(other.prompt)) >= THRESHOLD:
            assert one.split == other.split
            assert near is REPORT or (one.prompt_kind, one.attack_class) != (other.prompt_kind, other.attack_class)


@settings(max_examples=25)
@given(rows(), st.sampled_from((REPORT, DROP, OFF)))
def test_every_row_is_a_prompt_or_on_a_list(given_rows: list[dict[str, str]], near: NearDuplicates) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = made_of([*given_rows, {"prompt": ""}], Path(folder), near)
        listed = [json.loads(line) for line in made.places.duplicates.read_text(encoding="utf-8").splitlines()]
    gone = [row for row in listed if row["what"] != "near_duplicate_kept"]
    assert sum(made.sheet.rows.values()) == len(given_rows) + 1
    assert len(made.prompts) + len(gone) == len(given_rows)
    left = {each.prompt_id for each in made.prompts}
    assert {row["kept_prompt_id"] for row in gone} <= left | {row["prompt_id"] for row in gone}
    texts = {normalised(row["prompt"]) for row in given_rows}
    assert len(left) + sum(row["what"] == "near_duplicate_dropped" for row in gone) == len(texts)


def test_a_prompt_that_rows_contradict_each_other_on_is_unknown_and_counted(tmp_path: Path) -> None:
    made = made_of([{"prompt": "Zorble it", "prompt_kind": kind} for kind in ("harmful", "benign", "unknown")], tmp_path)
    assert [each.prompt_kind for each in made.prompts] == ["unknown"]
    assert made.sheet.contradictions == 1
    agreed = made_of([{"prompt": "Zorble it", "prompt_kind": kind} for kind in ("harmful", "unknown")], tmp_path)
    assert [each.prompt_kind for each in agreed.prompts] == ["harmful"]
    assert agreed.sheet.contradictions == 0


def test_a_drop_spares_contrasts_of_two_kinds_and_attacks_beside_their_plain_requests(tmp_path: Path) -> None:
    near = "zorble the quindle with a glimwort in tamwick"
    rows_ = [
        {"prompt": f"{near} a", "prompt_kind": "harmful"},
        {"prompt": f"{near} b", "prompt_kind": "benign"},
        {"prompt": f"{near} c", "prompt_kind": "harmful", "attack_class": "gcg"},
        {"prompt": f"{near} d", "prompt_kind": "harmful"},
    ]
    made = made_of(rows_, tmp_path, DROP, splits=EIGHTHS)
    assert len(made.prompts) == 3
    assert {(each.prompt_kind, each.attack_class) for each in made.prompts} == {
        ("harmful", "none"),
        ("benign", "none"),
        ("harmful", "gcg"),
    }
    assert len({each.split for each in made.prompts}) == 1
    (gone,) = (json.loads(line) for line in made.places.duplicates.read_text().splitlines() if "dropped" in line)
    assert gone["row"] in (1, 4)
    assert gone["jaccard"] == jaccard(f"{near} a", f"{near} d")


def test_case_makes_a_near_duplicate_not_an_equal_prompt(tmp_path: Path) -> None:
    made = made_of(
        [{"prompt": "Zorble the quindle"}, {"prompt": "zOrBlE tHe qUiNdLe"}, {"prompt": " Zorble  the quindle\n"}], tmp_path
    )
    assert len(made.prompts) == 2
    assert made.sheet.rows["exact_duplicates"] == 1
    assert made.sheet.near["grouped"] == 2


def test_groups_are_those_of_every_pair_compared() -> None:
    rng = random.Random(5)
    texts = sorted({" ".join(rng.choices(WORDS, k=rng.randint(4, 9))) for _ in range(400)})
    for threshold in (0.5, 0.8):
        found = near_groups(texts, signatures(texts), threshold=threshold).group
        expected = list(range(len(texts)))
        for one, other in combinations(range(len(texts)), 2):
            if expected[one] != expected[other] and jaccard(texts[one], texts[other]) >= threshold:
                low, high = sorted((expected[one], expected[other]))
                expected = [low if each == high else each for each in expected]
        assert list(found) == expected
        assert 1 < len(set(expected)) < len(texts)


def test_pairs_hold_their_groups_and_are_near() -> None:
    texts = [*sorted(f"{'zorble the quindle and ' * 3}{word}" for word in WORDS), "something else entirely"]
    found = near_groups(texts, signatures(texts), threshold=0.5)
    (group,) = found.members()
    assert group == list(range(8))
    assert len(found.pairs) == 7
    assert all(pair.jaccard == jaccard(texts[pair.one], texts[pair.other]) >= 0.5 for pair in found.pairs)


def test_signatures_agree_as_often_as_texts_are_alike() -> None:
    one = " ".join(WORDS * 4) + " " + " ".join(f"a{i}b{i * 7}" for i in range(60))
    other = " ".join(WORDS * 4) + " " + " ".join(f"a{i}b{i * 7}" for i in range(30, 90))
    signed = signatures([one, other, one])
    assert (signed[0] == signed[2]).all()
    assert abs((signed[0] == signed[1]).mean() - jaccard(one, other)) < 4 * np.sqrt(0.25 / PERMUTATIONS)
    assert 0.2 < jaccard(one, other) < 0.8


def test_a_text_that_is_no_ascii_has_the_runs_of_its_characters() -> None:
    assert shingles("größe 12") == {"größe", "röße ", "öße 1", "ße 12"}
    assert shingles("ab") == {"ab"}
    assert (signatures(["größe 12"]) == signatures(["größe 12"])).all()


def test_jaccard_by_hand() -> None:
    assert jaccard("abcdef", "bcdefg") == pytest.approx(1 / 3)


@pytest.mark.parametrize(("threshold", "rows_", "bands"), [(0.8, 5, 25), (0.5, 2, 64), (1.0, 128, 1), (0.1, 1, 128)])
def test_bands_miss_a_pair_at_the_threshold_less_than_once_in_ten_thousand(threshold: float, rows_: int, bands: int) -> None:
    cut = bands_for(threshold)
    assert (cut.rows, cut.bands) == (rows_, bands)
    assert cut.missed == pytest.approx((1 - threshold**rows_) ** bands)
    assert cut.missed <= 1e-4


def test_refuses_a_threshold_that_cannot_be() -> None:
    with pytest.raises(DomainError, match=r"\[0.1, 1\]"):
        bands_for(1.2)


def test_a_template_of_thousands_is_one_group_and_costs_no_square() -> None:
    template = "zorble the quindle with a glimwort while the drabble sleeps and the sprocket turns in the mirth of tamwick "
    texts = sorted(f"{template}{i}" for i in range(3000))
    found = near_groups(texts, signatures(texts), threshold=0.8)
    assert set(found.group) == {0}
    assert len(found.pairs) == len(texts) - 1


def test_without_datasketch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasketch", None)
    with pytest.raises(MissingBackend, match=r"safescale\[prompts\]"):
        signatures(["zorble"])


def test_shares_of_the_splits_are_met_on_average_and_another_seed_draws_others() -> None:
    ids = [f"p-{i:016x}" for i in range(4000)]
    parts = assign_splits(ids, range(len(ids)), {"dev": 0.2, "test": 0.8}, seed=0)
    assert parts.count("dev") == pytest.approx(800, abs=4 * np.sqrt(4000 * 0.16))
    others = assign_splits(ids, range(len(ids)), {"dev": 0.2, "test": 0.8}, seed=1)
    assert others != parts
    assert assign_splits(ids[:5], [0, 0, 0, 0, 0], {"a": 0.5, "b": 0.5}, seed=0).count(parts[0]) in (0, 5)


@pytest.mark.parametrize(
    ("shares", "message"),
    [({}, "needs a split"), ({"a": 0.5}, "sum to 1"), ({"a": 1.5}, r"\(0, 1\]"), ({" ": 1.0}, "needs a name")],
)
def test_refuses_shares_that_are_none(shares: dict[str, float], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        checked_splits(shares)


def test_the_sheet_counts_and_holds_no_prompt(tmp_path: Path) -> None:
    given_rows = [{"prompt": f"zorble number {i} of the quindle {WORDS[i % 8]}", "category": f"c{i % 2}"} for i in range(20)]
    made = made_of(given_rows, tmp_path, OFF, licences={"prompts": "CC0"})
    words = made.places.sheet_markdown.read_text(encoding="utf-8")
    assert not [row["prompt"] for row in given_rows if row["prompt"] in words]
    sheet = json.loads(made.places.sheet_json.read_text(encoding="utf-8"))
    assert [(row["category"], row["prompts"]) for row in sheet["counts"]["source_kind_category"]] == [("c0", 10), ("c1", 10)]
    assert "| prompts | 20 | CC0 | not declared |" in words
    assert sheet["files"][0]["sha256"] == hashlib.sha256((tmp_path / "in.jsonl").read_bytes()).hexdigest()


def test_the_bundled_sets_are_120_harmless_prompts_without_duplicates(tmp_path: Path) -> None:
    folder = Path(__file__).parents[2] / "examples" / "prompts"
    made = prepare_prompts([folder], tmp_path / "p.jsonl", Preparing(source="nonsense"))
    kinds = [each.prompt_kind for each in made.prompts]
    assert (kinds.count("harmful"), kinds.count("benign")) == (60, 60)
    assert made.sheet.rows["exact_duplicates"] == made.sheet.near["groups"] == 0
