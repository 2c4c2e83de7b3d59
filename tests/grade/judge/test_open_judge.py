"""A judge declared by YAML: opened with its engine, every mistake named by file and key."""

import textwrap

import pytest

from safescale.engines import EngineSpec
from safescale.errors import DataError, GenerationError, GradingError, MissingBackend
from safescale.grade.grader import Item
from safescale.grade.judge import ChoiceJudge, GuardJudge, RubricJudge, judge_yaml, open_judge
from safescale.grade.judge.engine_section import engine_spec
from safescale.ingest.mapped_yaml import load_yaml
from safescale.records.verdicts import Verdict

FAKE = "engine: {engine: fake, model: zorble-judge}\n"


@pytest.fixture
def write(tmp_path):
    def written(text):
        (tmp_path / "judge.yaml").write_text(textwrap.dedent(text))
        return tmp_path / "judge.yaml"

    return written


def test_the_shortest_file_is_the_locked_rubric(write):
    judge = open_judge(write(FAKE))
    assert isinstance(judge, RubricJudge)
    assert judge.rubric.name == "flip-v2"
    assert judge.facts.grader_id.endswith("/zorble-judge")
    (found,) = judge.grade([Item(response="zorble")])
    assert found.verdict is Verdict.ERROR, "the fake's words are no JSON, and nothing is guessed from them"


def test_a_fake_judge_of_one_token_grades_from_end_to_end(write):
    judge = open_judge(str(write(FAKE + "rubric: three-letters-v1\n")))
    assert isinstance(judge, ChoiceJudge)
    found = judge.grade([Item(response=f"zorble {i}") for i in range(30)])
    assert {f.verdict for f in found} == {Verdict.COMPLIANCE, Verdict.PARTIAL, Verdict.REFUSAL}
    assert all(f.probabilities is not None for f in found), "the fake gives log-probabilities, renormalised over the letters"
    judge.close()
    assert judge.engine.closed


def test_options_reach_the_judge(write):
    judge = open_judge(
        write(
            FAKE
            + """
            rubric: flip-v1
            structured: never
            max_tokens: 99
            infer_max_tokens: 77
            system_role: false
            only_reasoning: judge
            window: {size: 300, head: 0.25}
            prompt_window: {size: 30}
            """.replace("            ", "")
        )
    )
    assert (judge.structured, judge.max_tokens, judge.infer_max_tokens, judge.system_role) == ("never", 99, 77, False)
    assert judge.sight.only_reasoning == "judge"
    assert (judge.sight.response.size, judge.sight.response.head, judge.sight.prompt.size) == (300, 0.25, 30)


def test_a_guard_with_its_template_beside_the_file(write, tmp_path):
    (tmp_path / "published.txt").write_text("{behavior} / {generation}")
    judge = open_judge(write(FAKE + "guard: harmbench-cls\ntemplate: published.txt\n"))
    assert isinstance(judge, GuardJudge)
    assert judge.guard.published


def test_log_probabilities_need_not_be_asked_for(write):
    assert open_judge(write(FAKE + "rubric: refused-v1\n")).logprobs == 20
    assert open_judge(write(FAKE + "rubric: refused-v1\nlogprobs: 0\n")).logprobs is None
    assert open_judge(write(FAKE + "guard: wildguard\nlogprobs: 5\n")).logprobs == 5


def test_llama_guard_takes_the_template_of_a_local_model(write, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "chat_template.jinja").write_text("{{ messages[0].content }} {{ messages[1].content }}")
    judge = open_judge(write(f"engine: {{engine: fake, model: {tmp_path / 'model'}}}\nguard: llama-guard\n"))
    assert judge.guard.text("a", "b") == "a b"


def test_a_rubric_beside_the_file_with_its_lock(write, tmp_path):
    from safescale.grade.judge import load_rubric, rubric

    source = rubric.shipped_file("rubrics", "flip-v1")[0].read_text()
    (tmp_path / "mine.yaml").write_text(source.replace("name: flip-v1", "name: mine"))
    sha256 = load_rubric(tmp_path / "mine.yaml").sha256
    assert open_judge(write(FAKE + f"rubric: mine.yaml\nsha256: {sha256}\n")).rubric.name == "mine"
    with pytest.raises(DataError, match="locked and its file has changed"):
        open_judge(write(FAKE + f"rubric: mine.yaml\nsha256: {'ab' * 32}\n"))


def test_every_field_of_an_engine_can_be_declared(write):
    path = write(
        """
        engine:
          engine: openai
          model: served
          model_id: zorble-70b
          revision: r1
          tokenizer: tok
          chat_template: t.jinja
          adapters: {a: /there}
          max_model_len: 4096
          batch_size: 8
          seed: 3
          base_url: http://127.0.0.1:8000/v1
          api_key_env: JUDGE_KEY
          options: {timeout_s: 30, verbose: false}
        """
    )
    assert engine_spec(load_yaml(path).mapping(("engine",))["engine"], path.parent) == EngineSpec(
        engine="openai",
        model="served",
        model_id="zorble-70b",
        revision="r1",
        tokenizer="tok",
        chat_template=path.parent / "t.jinja",
        adapters={"a": "/there"},
        max_model_len=4096,
        batch_size=8,
        seed=3,
        base_url="http://127.0.0.1:8000/v1",
        api_key_env="JUDGE_KEY",
        options={"timeout_s": 30, "verbose": False},
    )


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("rubric: flip-v2\n", "engine", "the key 'engine'"),
        ("engine: fake\n", "engine", "a mapping"),
        ("engine: {engine: fake}\n", "engine.model", "the key 'model'"),
        ("engine: {engine: fakes, model: m}\n", "engine.engine", "did you mean 'fake'"),
        ("engine: {engine: fake, model: m, api_key: x}\n", "engine.api_key", "did you mean 'api_key_env'"),
        ("engine: {engine: fake, model: m, seed: -1}\n", "engine.seed", "a whole number, 0 or more"),
        ("engine: {engine: fake, model: m, options: {a: [1]}}\n", "engine.options.a", "a text, a number"),
        (FAKE + "rubrik: flip-v2\n", "rubrik", "did you mean 'rubric'"),
        (FAKE + "rubric: flip-v3\n", "rubric", "did you mean 'flip-v2'"),
        (FAKE + "guard: lama-guard\n", "guard", "did you mean 'llama-guard'"),
        (FAKE + "guard: llama-guard\n", "template", "the model's folder"),
        (FAKE + "guard: wildguard\nrubric: flip-v2\n", "guard", "not both"),
        (FAKE + "guard: wildguard\ninfer_max_tokens: 3\n", "infer_max_tokens", "only keys of a guard judge"),
        (FAKE + "guard: wildguard\nthreshold: 0.5\n", "threshold", "no threshold"),
        (FAKE + "min_mass: 0.5\n", "min_mass", "only keys of a flip judge"),
        (FAKE + "rubric: refused-v1\nmin_mass: 2\n", "min_mass", "a number from 0 to 1"),
        (FAKE + "rubric: refused-v1\nlogprobs: 21\n", "logprobs", "from 0 (none) to 20"),
        (FAKE + "logprobs: 5\n", "logprobs", "only keys of a flip judge"),
        (FAKE + "sha256: abc\n", "sha256", "the path of a rubric"),
        (FAKE + "rubric: flip-v2\nsha256: abc\n", "sha256", "locked by it"),
        (FAKE + "structured: maybe\n", "structured", "one of auto, always, never"),
        (FAKE + "max_tokens: 0\n", "max_tokens", "a whole number, 1 or more"),
        (FAKE + "system_role: 'no'\n", "system_role", "true or false"),
        (FAKE + "window: {size: 1}\n", "window.size", "2 or more"),
        (FAKE + "window: {head: 1.5}\n", "window.head", "from 0 to 1"),
        (FAKE + "window: {unit: tokens}\n", "window.tokenizer", "a tokenizer exactly for"),
        (FAKE + "window: {tokenizer: x}\n", "window.tokenizer", "a tokenizer exactly for"),
    ],
)
def test_mistakes_are_named_by_file_and_key(write, text, column, message):
    with pytest.raises(DataError) as caught:
        open_judge(write(text))
    assert message in str(caught.value)
    assert caught.value.column == column
    assert caught.value.expected
    assert "judge.yaml" in caught.value.file
    assert caught.value.got


def test_a_key_in_place_of_its_variable_is_not_shown(write):
    with pytest.raises(DataError, match="name of an environment variable") as caught:
        open_judge(write("engine: {engine: openai, model: m, api_key_env: sk-zorble-0123}\n"))
    assert "zorble" not in str(caught.value)


def test_a_file_that_is_not_there_or_not_yaml(write, tmp_path):
    with pytest.raises(DataError, match="judge file cannot be read"):
        open_judge(tmp_path / "none.yaml")
    with pytest.raises(DataError, match="judge file is not YAML"):
        open_judge(write("engine: [\n"))


def test_an_engine_that_does_not_start_is_a_grading_error(write, monkeypatch):
    def broken(spec):
        raise GenerationError("out of GPUs")

    monkeypatch.setattr(judge_yaml, "open_engine", broken)
    with pytest.raises(GradingError, match="does not start: out of GPUs"):
        open_judge(write(FAKE))


def test_a_missing_library_names_its_extra(write, monkeypatch):
    def missing(spec):
        raise MissingBackend("openai", "openai")

    monkeypatch.setattr(judge_yaml, "open_engine", missing)
    with pytest.raises(MissingBackend, match=r"safescale\[openai\]"):
        open_judge(write(FAKE))
