"""The experiment as a pipeline: what is planted is found, what breaks costs itself alone, what is done is not done again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
import numpy as np
import pytest

from safescale.engines import Answer, Engine, EngineDied, EngineSpec, FaultCode, Request, open_engine
from safescale.engines.fake import FakeEngine
from safescale.engines.fake_behaviour import FakeBehaviour
from safescale.errors import DomainError, GenerationError, GradingError, MissingBackend
from safescale.grade.fake_truth import FakeTruth
from safescale.pressure.puzzles import guess_rate
from safescale.records.outcomes import Tier
from safescale.store import open_corpus
from safescale.studies.dilution import Outcomes
from safescale.studies.dilution.conditions import puzzles_of
from safescale.studies.dilution.exclusions import exclusion_words
from safescale.studies.dilution.run import Experiment, Watching, run_dilution
from studies.dilution_world import SIZES, SMALL, changed, fake_model, prompt_set, wanted

pytestmark = pytest.mark.usefixtures("no_power")

BROKEN = "sim/plim-4b"


def only(broken: Callable[[EngineSpec], Engine]) -> Callable[[EngineSpec], Engine]:
    """Opens every model as it is, and one in another way (a class of engine has the model's own replies)."""
    if isinstance(broken, type) and issubclass(broken, FakeEngine):
        kind = broken
        broken = lambda spec: kind(spec, FakeBehaviour.from_options(spec.options)[0])  # noqa: E731
    return lambda spec: broken(spec) if spec.model_id == BROKEN else open_engine(spec)


def rates(outcomes: Outcomes, condition: str) -> list[float]:
    at = [one.name for one in outcomes.conditions].index(condition)
    return [float(np.mean(model[model >= 0])) for model in outcomes.failed[:, at]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    patch = pytest.MonkeyPatch()
    patch.setattr("safescale.studies.dilution.run.registered_power", lambda setting: {"words": "nobody asked"})
    models = [fake_model(size, options={"shift.condition.puzzle-4": -0.8 * (at + 1)}) for at, size in enumerate(SIZES)]
    asked = wanted(models, prompts=prompt_set(300, 60), graders=("fake-truth", "refusal-phrases"))
    try:
        return run_dilution(asked, tmp_path_factory.mktemp("whole") / "x")
    finally:
        patch.undo()


def test_the_planted_rates_come_back_in_the_arrays(whole: Experiment) -> None:
    truth = whole.outcomes[0]
    assert truth.failed.shape == (4, 6, 360, 1)
    se = 4 * np.sqrt(0.25 / 300)
    logit = np.log(0.6 / 0.4)
    planted = [float(1 / (1 + np.exp(logit - 0.8 * (at + 1)))) for at in range(4)]
    assert rates(truth, "baseline") == pytest.approx([0.4] * 4, abs=se)
    assert rates(truth, "puzzle-4") == pytest.approx(planted, abs=se)
    assert rates(truth, "neutral-4") == pytest.approx([0.4] * 4, abs=se)
    assert whole.result is not None
    assert len(whole.result.answers) == 2
    deltas = [delta.delta for delta in whole.result.answers[0].deltas]
    assert deltas == pytest.approx(
        [puzzle - base for base, puzzle in zip(rates(truth, "baseline"), rates(truth, "puzzle-4"), strict=True)]
    )


def test_benign_prompts_and_the_puzzle_alone_are_in_no_attack_success(whole: Experiment) -> None:
    truth = whole.outcomes[0]
    benign = np.array([prompt.prompt_kind == "benign" for prompt in truth.prompts])
    alone = truth.condition("alone")
    assert (truth.failed[:, :, benign] == -1).all()
    assert (truth.failed[:, alone] == -1).all()
    asked = [at for at, one in enumerate(truth.conditions) if one.role != "alone"]
    assert (truth.failed[:, asked][:, :, ~benign] >= 0).all()
    over = truth.refused[:, 0, benign]
    assert over.mean() == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 240))
    assert truth.excluded == {}


def test_tokens_of_prompts_are_those_that_the_engine_counted(whole: Experiment) -> None:
    truth = whole.outcomes[0]
    assert (truth.prompt_tokens > 0).all()
    plan = whole.setting.plans[0]
    for planned in list(plan.requests())[:: plan.total // 7]:
        at = (
            [one.name for one in truth.conditions].index(planned.condition.name),
            [p.prompt_id for p in truth.prompts].index(planned.prompt.prompt_id),
        )
        assert truth.prompt_tokens[0][at] == len(planned.text.split())


def test_the_corpus_beside_it_is_whole_and_has_the_fingerprint_of_the_result(whole: Experiment) -> None:
    with contextlib.closing(open_corpus(whole.out / "corpus.db")) as corpus:
        assert corpus.count("traces") == whole.setting.responses
        assert corpus.count("grades") == 2 * whole.setting.responses * 5 // 6  # no grader is asked about the puzzle alone
        assert corpus.fingerprint() == whole.outcomes[0].fingerprint
    stored = json.loads((whole.out / "result.json").read_text())
    assert whole.result is not None
    assert stored["result"]["fingerprint"] == whole.result.fingerprint
    assert stored["preregistration"]["sha256"] == whole.registration.sha256
    assert [one.stage for one in whole.times] == ["registration", "generation", "ingest", "grading", "reduction", "analysis"]


@pytest.mark.parametrize("tier", [Tier.STRICT, Tier.BROAD])
def test_the_tier_decides_what_a_partial_answer_is(tmp_path: Path, tier: Tier) -> None:
    models = [fake_model(size, options={"refusal": 0.0, "partial": 1.0}) for size in SIZES]
    found = run_dilution(changed(wanted(models), tier=tier), tmp_path)
    assert rates(found.outcomes[0], "baseline") == [float(tier is Tier.BROAD)] * 4


def test_refuses_a_tier_that_a_grader_does_not_know_and_keeps_the_responses(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=r"gcg.* does not distinguish the tier broad .*--tier strict"):
        run_dilution(changed(wanted(graders=("gcg",)), tier=Tier.BROAD), tmp_path)


def _no_start(spec: EngineSpec) -> Engine:
    raise GenerationError(f"the folder of {spec.model_id} holds no model")


def _no_library(spec: EngineSpec) -> Engine:
    raise MissingBackend("plimtorch", "hf")


def _surprise(spec: EngineSpec) -> Engine:
    raise RuntimeError("tensor of shape [3, 4]\n expected [4, 3]")


class _Dies(FakeEngine):
    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        raise EngineDied("killed by the machine")


class _Fails(FakeEngine):
    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        for request in requests:
            yield Answer.failed(request, FaultCode.TOO_LONG, "1,000 tokens, the window is 10")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (_no_start, "the folder of sim/plim-4b holds no model"),
        (_no_library, "plimtorch is not installed; install it with: pip install 'safescale[hf]'"),
        (_surprise, "RuntimeError: tensor of shape [3, 4] expected [4, 3]"),
        (_Dies, "the engine died on 3 requests in a row, each asked alone, and answered none between: killed by the machine"),
        (_Fails, "168 responses failed, the first with TOO_LONG: 1,000 tokens, the window is 10"),
    ],
)
def test_a_model_that_breaks_costs_that_model_only(
    tmp_path: Path, broken: Callable[[EngineSpec], Engine], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    models = [fake_model(size) for size in (*SIZES, 70.0)]
    found = run_dilution(wanted(models), tmp_path, opener=only(broken))
    assert [(one.model_id, one.answered, one.planned) for one in found.broken] == [(BROKEN, 0, 168)]
    assert found.broken[0].reason.startswith(reason)
    assert found.departures[0].kind == "models"
    assert f"{BROKEN}: 0 of 168 responses: {reason[:30]}" in found.departures[0].words
    assert found.result is not None
    answered = [model.model_id for model in found.outcomes[0].models]
    assert [f"sim/plim-{size:g}b" for size in (*SIZES, 70.0) if size != 4.0] == [one for one in answered if one != BROKEN]
    assert BROKEN not in [delta.model.model_id for delta in found.result.answers[0].deltas]


def test_a_resumed_call_asks_the_broken_model_alone_and_leaves_no_trace_of_the_failure(tmp_path: Path) -> None:
    reference = run_dilution(wanted(), tmp_path / "reference")

    class Flaky(FakeEngine):
        def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
            for request in requests[:50]:
                yield Answer.failed(request, FaultCode.TIMEOUT, "60 s are over")

    first = run_dilution(wanted(), tmp_path / "x", opener=only(Flaky))
    assert [(one.model_id, one.answered) for one in first.broken] == [(BROKEN, 0)]
    opened: list[str] = []

    def opener(spec: EngineSpec) -> Engine:
        opened.append(spec.model_id)
        return open_engine(spec)

    second = run_dilution(wanted(), tmp_path / "x", opener=opener)
    assert opened == [BROKEN]
    assert second.departures == second.broken == ()
    with contextlib.closing(open_corpus(tmp_path / "x" / "corpus.db")) as corpus:
        assert corpus.count("traces") == second.setting.responses
    for mine, theirs in zip(second.outcomes, reference.outcomes, strict=True):
        assert (mine.failed == theirs.failed).all()
        assert (mine.refused == theirs.refused).all()
    assert second.result is not None
    assert reference.result is not None
    assert attrs.evolve(second.result, fingerprint="") == attrs.evolve(reference.result, fingerprint="")


def test_missing_responses_are_told_by_model_and_condition_and_excluded_by_reason(tmp_path: Path) -> None:
    class Long(FakeEngine):
        def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
            for request in requests:
                tags = dict(request.tags)
                if tags["condition"] == "puzzle-4" and tags["prompt_id"] in ("h-1", "h-2", "b-1"):
                    yield Answer.failed(request, FaultCode.TOO_LONG, "too long")
                else:
                    yield from super().answer([request])

    found = run_dilution(wanted(), tmp_path, opener=only(Long))
    assert found.broken == ()
    assert [(one.kind, one.words) for one in found.departures] == [
        ("responses", f"{BROKEN}: responses missing of 28 a condition: puzzle-4 3")
    ]
    assert found.outcomes[0].excluded == {(BROKEN, "puzzle-4"): {"TOO_LONG": 2}}


def test_what_cannot_be_graded_is_counted_and_told(tmp_path: Path) -> None:
    models = [fake_model(size, options={"garbled": 0.3 if size == 4.0 else 0.0}) for size in SIZES]
    found = run_dilution(wanted(models), tmp_path)
    excluded = found.outcomes[0].excluded
    assert {model for model, _ in excluded} == {BROKEN}
    total = sum(counts["NOT_GRADEABLE"] for counts in excluded.values())
    assert total == int((found.outcomes[0].failed[2, [0, 1, 2, 3, 4], :24] == -1).sum()) > 10
    # excluded as registered: counted in one line a grader, and no departure
    assert found.departures == ()
    assert exclusion_words(found.outcomes[0]) == (
        f"fake-truth/1 has no evaluable verdict on {total} of 480 responses to harmful prompts, over all conditions (NOT_GRADEABLE "
        f"{total}): 0 (sim/plim-0.5b) to {total} ({BROKEN}) of 120 a model; excluded as registered, by model and condition in the "
        "table"
    )
    assert exclusion_words(attrs.evolve(found.outcomes[0], excluded={(BROKEN, "puzzle-4"): {"TOO_LONG": 2}})) is None


def test_no_model_at_all_is_an_error_that_names_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(
        GenerationError, match=r"no model gave an answer \(sim/plim-0.5b: the folder of sim/plim-0.5b holds no model;"
    ):
        run_dilution(wanted(), tmp_path, opener=_no_start)
    assert run_dilution(wanted(), tmp_path).departures == ()


def test_an_interrupted_generation_is_kept_and_goes_on(tmp_path: Path) -> None:
    class Stopped(FakeEngine):
        def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
            yield from super().answer(requests[:40])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_dilution(wanted(), tmp_path, opener=only(Stopped))
    planned: list[tuple[int, int]] = []
    found = run_dilution(
        wanted(), tmp_path, watching=Watching(planned=lambda plan, left: planned.append((left.answered, left.left)))
    )
    assert planned == [(2 * 168 + 40, 2 * 168 - 40)]
    generation = next(one for one in found.times if one.stage == "generation")
    assert (generation.calls, generation.responses) == (2, 2 * 168 - 40)


def test_a_grader_that_is_gone_loses_nothing_and_the_next_call_grades_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_grade = FakeTruth.grade

    def gone(self: FakeTruth, items: Sequence[object]) -> object:
        raise GradingError("no server")

    monkeypatch.setattr(FakeTruth, "grade", gone)
    with pytest.raises(GradingError, match="fake-truth/1 is gone: no server"):
        run_dilution(wanted(), tmp_path)
    monkeypatch.setattr(FakeTruth, "grade", whole_grade)

    def opener(spec: EngineSpec) -> Engine:
        raise AssertionError("an engine was opened")

    found = run_dilution(wanted(), tmp_path, opener=opener)
    assert found.result is not None
    assert found.departures == ()


def test_a_call_with_everything_done_opens_no_engine_and_no_grader_and_looks_once_at_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_dilution(wanted(), tmp_path)

    def again(*given: object, **named: object) -> object:
        raise AssertionError("a run with all its answers was gone through again")

    monkeypatch.setattr("safescale.studies.running.generation.generate", again)
    corpus = (tmp_path / "corpus.db").stat()

    def opener(spec: EngineSpec) -> Engine:
        raise AssertionError("an engine was opened")

    def graders() -> object:
        raise AssertionError("a grader was opened")

    asked = wanted()
    closed = attrs.evolve(asked, graders=tuple(attrs.evolve(one, open=graders) for one in asked.graders))
    second = run_dilution(closed, tmp_path, opener=opener)
    assert second.result == first.result
    assert (tmp_path / "corpus.db").stat().st_mtime_ns == corpus.st_mtime_ns
    times = {one.stage: one for one in second.times}
    assert times["generation"] == next(one for one in first.times if one.stage == "generation")


def test_adapters_of_one_base_share_its_engine_and_a_death_takes_it_from_none_but_the_one_that_killed_it(tmp_path: Path) -> None:
    base = fake_model(0.5)
    adapted = [attrs.evolve(base, model_id=f"sim/plim-{at}", params_total_b=size) for at, size in enumerate(SIZES)]
    opened: list[FakeEngine] = []

    class Fussy(FakeEngine):
        def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
            if len(opened) == 1 and self.answered == 0:
                self.answered = 1
                raise RuntimeError("the card fell out")
            return super().answer(requests)

    def opener(spec: EngineSpec) -> Engine:
        assert all(engine.closed for engine in opened), "two engines at once"
        opened.append(Fussy(spec, FakeBehaviour.from_options(spec.options)[0]))
        return opened[-1]

    found = run_dilution(wanted(adapted), tmp_path, opener=opener)
    assert [one.model_id for one in found.broken] == ["sim/plim-0"]
    assert len(opened) == 2
    assert all(engine.closed for engine in opened)


def test_the_puzzle_alone_is_put_to_no_grader(tmp_path: Path) -> None:
    run_dilution(changed(wanted(), doses=()), tmp_path)
    condition: dict[str, str] = {}
    graded: set[str] = set()
    with contextlib.closing(open_corpus(tmp_path / "corpus.db")) as corpus:
        for batch in corpus.batches("traces", ["trace_id", "condition"]):
            condition |= dict(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        for batch in corpus.batches("grades", ["trace_id"]):
            graded |= set(batch.column(0).to_pylist())
    assert len(condition) == 5 * 4 * 28
    assert graded == {trace_id for trace_id, name in condition.items() if name != "alone-4"}


def test_several_samples_are_seeds_of_their_own(tmp_path: Path) -> None:
    found = run_dilution(changed(wanted(sampling={"temperature": 1.0}), samples=3), tmp_path)
    failed = found.outcomes[0].failed
    assert failed.shape[3] == 3
    assert (failed[:, 0, :24] != failed[:, 0, :24, :1]).any()
    assert found.outcomes[0].solved.shape == (4, 28, 3)


def test_fewer_prompts_than_can_be_fitted_end_in_cannot_tell(tmp_path: Path) -> None:
    found = run_dilution(wanted(prompts=prompt_set(6, 0)), tmp_path)
    assert found.result is not None
    assert found.result.verdict.value == "cannot tell"
    assert len(found.result.settle) > 20


def test_an_exploratory_pair_of_sizes_ends_in_cannot_tell(tmp_path: Path) -> None:
    found = run_dilution(changed(wanted([fake_model(1.0), fake_model(2.0)]), exploratory=True), tmp_path)
    assert found.result is not None
    assert found.result.verdict.value == "cannot tell"


def test_a_grader_of_harm_alone_knows_no_refusal() -> None:
    from safescale.records.verdicts import Verdict
    from safescale.studies.running.codes import verdict_codes
    from safescale.studies.running.grading import GradedBy

    def of(outcome_map: str, classes: tuple[Verdict, ...]) -> tuple[dict[str, int], dict[str, int]]:
        graded = GradedBy(
            name="x",
            grader_id="x/1",
            kind="llm",
            outcome_map=outcome_map,
            rubric_version=None,
            classes=classes,
            verdicts={},
            reasons={},
            file=Path("x"),
        )
        return verdict_codes(graded, Tier.STRICT)

    failed, refused = of("binary_harmful", (Verdict.COMPLIANCE, Verdict.NOT_HARMFUL))
    assert failed["COMPLIANCE"] == 1
    assert failed["NOT_HARMFUL"] == 0
    assert set(refused.values()) == {-1}
    failed, refused = of("flip", ())
    assert (refused["REFUSAL"], refused["COMPLIANCE"], refused["BENIGN_QUERY"], refused["ERROR"]) == (1, 0, 0, -1)
    assert {failed[name] for name in ("BENIGN_QUERY", "NOT_GRADEABLE", "ERROR", "UNGRADED")} == {-1}


def test_the_small_design_is_what_these_tests_ask() -> None:
    assert SMALL.all_lines == (2, 4)


def test_the_report_is_told_what_was_lost_and_why_it_could_not_be_graded(tmp_path: Path) -> None:
    from safescale.main_job.dilution import facts_of

    models = [fake_model(size, options={"garbled": 0.3 if size == 30.0 else 0.0}) for size in SIZES]
    found = run_dilution(wanted(models, graders=("fake-truth", "refusal-phrases")), tmp_path, opener=only(_no_start))
    facts = facts_of(found, "typed")
    assert [(one.model_id, one.reason) for one in facts.lost] == [(BROKEN, "the folder of sim/plim-4b holds no model")]
    assert facts.registration is not None
    assert facts.registration.departures == tuple(one.words for one in found.departures)
    assert facts.registration.sha256 == found.registration.sha256
    assert any("fake-truth/1 says of what it could not grade" in words and "garbled" in words for words in facts.caveats)
    assert any("refusal-phrases/1 looks for phrases and judges no harm" in words for words in facts.caveats)
    assert any(words.startswith("fake-truth/1 has no evaluable verdict on") for words in facts.caveats)
    solved, puzzle = found.outcomes[0].solved, puzzles_of(found.setting.conditions)
    assert puzzle is not None
    constant = np.mean([guess_rate(puzzle(prompt.prompt_id).kind) for prompt in found.outcomes[0].prompts])
    assert (
        f"the best constant answer to each kind of puzzle solves {100 * constant:.1f} %: a share near that or below is no sign "
        f"of solving; {(solved < 0).sum()} of {solved.size} puzzles alone have no answer"
    ) in " ".join(facts.caveats)
    assert facts.simulated
    assert [one.name for one in facts.stages] == ["registration", "generation", "ingest", "grading", "reduction", "analysis"]


def test_no_text_of_a_prompt_or_template_stands_beside_the_runs_and_corpora(tmp_path: Path) -> None:
    """Registration, plan, result and times are what people pass on."""
    run_dilution(changed(wanted(), templates=(("verse", "Sing, plimly: {prompt}"),)), tmp_path)
    files = [path for path in tmp_path.iterdir() if path.suffix in (".json", ".yaml")]
    assert {path.name for path in files} >= {"preregistration.yaml", "plan.json", "result.json", "stages.json"}
    for path in files:
        text = path.read_text()
        assert "plimly" not in text, path
        assert "zorble" not in text, path
    assert json.loads((tmp_path / "result.json").read_text())["result"]["design"]["templates"][0]["name"] == "verse"
