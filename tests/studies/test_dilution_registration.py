"""The pre-registration: before anything is asked, whole, hashed; what is done otherwise is refused or told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
import yaml

from safescale.engines import Engine, EngineSpec, open_engine
from safescale.errors import DataError, DomainError, MissingBackend
from safescale.pressure.counters import TokenCounter
from safescale.records.outcomes import Tier
from safescale.studies.dilution.departures import Departure
from safescale.studies.dilution.preregistration import FILE, read_registration, sha256_of
from safescale.studies.dilution.run import Experiment, plan_experiment, run_dilution
from safescale.studies.dilution.verdict import VERDICT_RULES
from studies.dilution_world import SIZES, changed, fake_model, prompt_set, wanted

pytestmark = pytest.mark.usefixtures("no_power")


def kinds(found: Experiment) -> list[str]:
    return [one.kind for one in found.departures]


def said(departures: Sequence[Departure]) -> str:
    return "\n".join(one.words for one in departures)


def test_it_is_on_the_disk_before_an_engine_is_opened(tmp_path: Path) -> None:
    seen: list[bool] = []

    def opener(spec: EngineSpec) -> Engine:
        seen.append(read_registration(tmp_path) is not None and (tmp_path / "plan.json").is_file())
        return open_engine(spec)

    found = run_dilution(wanted(), tmp_path, opener=opener)
    assert seen == [True] * len(SIZES)
    assert found.departures == ()
    starts = [path.read_text() for path in tmp_path.glob("runs/*/manifest.json")]
    assert all(found.registration.sha256 in manifest for manifest in starts)


def test_its_hash_is_over_its_content_and_it_holds_what_was_asked(tmp_path: Path) -> None:
    found = run_dilution(wanted(), tmp_path, until="register")
    stored = yaml.safe_load((tmp_path / FILE).read_text())
    assert stored["sha256"] == sha256_of(stored["registered"]) == found.registration.sha256
    asked = stored["registered"]["asked"]
    assert list(asked["conditions"]) == ["baseline", "puzzle-2", "puzzle-4", "neutral-4", "appended-4", "alone-4"]
    assert asked["prompts"]["harmful"] == 24
    assert asked["prompts"]["benign"] == 4
    assert list(asked["models"]) == [f"sim/plim-{size:g}b" for size in SIZES]
    assert stored["registered"]["analysed"]["graders"][0]["grader_id"] == "fake-truth/1"
    assert "20 percentage points" in stored["registered"]["rule"]
    assert stored["registered"]["verdict"] == list(VERDICT_RULES)


def test_registering_alone_opens_nothing(tmp_path: Path) -> None:
    def opener(spec: EngineSpec) -> Engine:
        raise AssertionError("an engine was opened")

    found = run_dilution(wanted(), tmp_path, until="register", opener=opener)
    assert found.result is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan.json", "preregistration.yaml", "stages.json"]
    whole = run_dilution(wanted(), tmp_path)
    assert whole.registration == found.registration
    assert whole.departures == ()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (wanted(seed=5), "seed: there 0, here 5"),
        (wanted(limit=3), "prompts.asked: there 28, here 3"),
        (wanted(prompts=prompt_set(25, 4)), "prompts.sha256: there '0000"),
        (changed(wanted(), puzzle_seed=1), "conditions.puzzle-2.identity.transform: there"),
        (changed(wanted(), doses=(3,)), "conditions.puzzle-2.role: there 'puzzle', here None|conditions.puzzle-2: there"),
        (wanted(sampling={"temperature": 0.5}), "models.sim/plim-0.5b.sampling.temperature: there 0.0, here 0.5"),
        (wanted([fake_model(size) for size in (*SIZES, 70.0)]), "models.sim/plim-70b: there None"),
        (
            wanted([fake_model(size, options={"refusal": 0.9 if size == 4 else 0.6}) for size in SIZES]),
            "models.sim/plim-4b.options.refusal: there 0.6, here 0.9",
        ),
    ],
)
def test_refuses_a_folder_that_is_registered_for_something_else(tmp_path: Path, other: object, message: str) -> None:
    run_dilution(wanted(), tmp_path, until="register")
    with pytest.raises(DataError, match=message) as told:
        run_dilution(other, tmp_path)  # type: ignore[arg-type]
    assert "name another place with -o" in str(told.value)


def test_what_concerns_the_analysis_alone_goes_on_and_is_a_departure(tmp_path: Path) -> None:
    run_dilution(wanted(), tmp_path, until="register")
    models = [attrs.evolve(fake_model(size), lineage="mimsy" if size == 4.0 else "plim") for size in SIZES]
    found = run_dilution(changed(wanted(models, graders=("refusal-phrases", "fake-truth")), alpha=0.01, margin_pp=2.0), tmp_path)
    assert kinds(found) == ["graders", "analysis", "analysis", "analysis"]
    words = said(found.departures)
    assert "the grader refusal-phrases/1 was used and is not registered" in words
    assert "alpha: registered 0.05, now 0.01" in words
    assert "margin_pp: registered 5.0, now 2.0" in words
    assert "sim/plim-4b: lineage: registered 'plim', now 'mimsy'" in words
    assert [one.grader for one in found.outcomes] == ["fake-truth/1", "refusal-phrases/1"], "the registered primary one is first"


def test_a_grader_that_is_left_out_or_reversed_later_is_a_departure(tmp_path: Path) -> None:
    run_dilution(wanted(graders=("fake-truth", "refusal-phrases")), tmp_path, until="register")
    found = run_dilution(wanted(graders=("refusal-phrases",)), tmp_path)
    assert [(one.kind, one.words) for one in found.departures] == [
        ("graders", "the grader fake-truth/1 is registered and was not used, or changed since")
    ]


def test_an_edited_file_is_told(tmp_path: Path) -> None:
    run_dilution(wanted(), tmp_path, until="register")
    path = tmp_path / FILE
    path.write_text(path.read_text().replace("20 percentage points is a large", "2 percentage points is a large"))
    found = run_dilution(wanted(), tmp_path)
    assert kinds(found) == ["registration", "analysis"]
    assert "what is registered under rule is not what this version of safescale does" in said(found.departures)
    assert "edited after it was hashed" in said(found.departures)


def test_an_edited_file_with_a_hash_to_match_contradicts_the_runs(tmp_path: Path) -> None:
    run_dilution(wanted(), tmp_path)
    path = tmp_path / FILE
    stored = yaml.safe_load(path.read_text())
    stored["registered"]["hypothesis"] = "Whatever came out."
    stored["sha256"] = sha256_of(stored["registered"])
    path.write_text(yaml.safe_dump(stored, sort_keys=False))
    found = run_dilution(wanted(), tmp_path)
    assert kinds(found) == ["order"] * len(SIZES) + ["analysis"]
    assert "generated under another registration" in said(found.departures)


def test_a_registration_after_the_responses_is_told(tmp_path: Path) -> None:
    run_dilution(wanted(), tmp_path)
    (tmp_path / FILE).unlink()
    found = run_dilution(wanted(), tmp_path)
    assert set(kinds(found)) == {"order"}
    assert "before the registration" in said(found.departures)


def test_a_model_that_is_left_out_later_is_told_with_its_answers(tmp_path: Path) -> None:
    models = [fake_model(size) for size in (*SIZES, 70.0)]
    run_dilution(wanted(models), tmp_path)
    found = run_dilution(wanted(models[:-1]), tmp_path)
    assert said(found.departures) == (
        "sim/plim-70b is registered and is no longer in the models file (some of its answers are there); it is not analysed"
    )
    assert [model.model_id for model in found.outcomes[0].models] == [f"sim/plim-{size:g}b" for size in SIZES]


def test_a_call_that_is_exploratory_is_told(tmp_path: Path) -> None:
    few = changed(wanted([fake_model(1.0), fake_model(2.0)]), exploratory=True)
    assert kinds(run_dilution(few, tmp_path)) == ["exploratory"]


def test_another_version_of_the_library_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_dilution(wanted(), tmp_path, until="register")
    monkeypatch.setattr("safescale.__version__", "99.0")
    found = run_dilution(wanted(), tmp_path)
    assert kinds(found) == ["versions"]
    assert "analysed with 99.0" in said(found.departures)


def test_refuses_a_registration_that_is_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("plim: 3\n")
    with pytest.raises(DataError, match="this is no registration"):
        run_dilution(wanted(), tmp_path)
    (tmp_path / FILE).write_text("a: [\n")
    with pytest.raises(DataError, match="the registration cannot be read"):
        run_dilution(wanted(), tmp_path)


def test_a_plan_alone_registers_nothing(tmp_path: Path) -> None:
    plan, left = plan_experiment(wanted(), tmp_path / "x")
    assert (plan.cells, plan.responses, left.left) == (24, 672, 672)
    assert not (tmp_path / "x").exists()


def test_two_processes_do_not_write_to_one_experiment(tmp_path: Path) -> None:
    def opener(spec: EngineSpec) -> Engine:
        with pytest.raises(DataError, match=r"another process .* is writing to this experiment"):
            run_dilution(wanted(), tmp_path)
        return open_engine(spec)

    run_dilution(wanted(), tmp_path, opener=opener)


def test_nothing_is_registered_in_words_where_the_tokenizer_of_the_models_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the same command is refused once the package is installed."""
    without = TokenCounter("words and marks (tokenizers is not installed)", len, "tokenizers")
    monkeypatch.setattr("safescale.studies.dilution.setting.counter_of", lambda models: without)
    assert plan_experiment(wanted(), tmp_path)[0].counter == without.name
    with pytest.raises(MissingBackend, match=r"tokenizers is not installed.*safescale\[hf\].*length of neutral prose"):
        run_dilution(wanted(), tmp_path, until="register")
    assert list(tmp_path.iterdir()) == []
    assert run_dilution(changed(wanted(), controls=False), tmp_path, until="register").registration.file.is_file()


def test_a_tier_that_a_grader_lacks_is_refused_before_anything_is_registered(tmp_path: Path) -> None:
    asked = changed(wanted(graders=("fake-truth", "harmbench-strings")), tier=Tier.BROAD)
    with pytest.raises(DomainError, match="does not distinguish the tier broad"):
        run_dilution(asked, tmp_path / "x")
    assert not (tmp_path / "x").exists()
