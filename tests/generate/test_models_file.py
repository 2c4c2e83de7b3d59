"""``models.yaml`` and prompt files: what they say, and every mistake named by file, key, expected and got."""

from __future__ import annotations

from pathlib import Path

import pytest

from safescale.errors import DataError, DomainError
from safescale.generate import plan_runs, read_models, read_prompt_set
from safescale.ingest.identity import sha256_text

WHOLE = """
models:
  - model: weights/zorble
    model_id: sim/zorble-1b
    engine: fake
    revision: r7
    chat_template: template.jinja
    max_model_len: 128
    batch_size: 4
    seed: 3
    options: {concurrency: 8, dtype: float32}
    adapters:
      mild: tuned
      lora_finetune: {path: tuned, tampering: fine_tuned, tampering_detail: 64 quindles}
    params_total_b: 1.2
    params_active_b: 0.4
    params_source: estimated
    tampering: none
    sampling: {max_tokens: 9, stop: "###"}
  - model: quindle-base-3b
    send: text
sampling: {temperature: 0.5, top_p: 0.9, top_k: 7, logprobs: 2}
conditions:
  default: {}
  guarded: {system_file: guard.txt, prefill: "Well,"}
  wrapped: {template: "A rhyme {a}. {prompt} Thanks.", attack_class: rhyme}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weights" / "zorble").mkdir(parents=True)
    (tmp_path / "tuned").mkdir()
    (tmp_path / "tuned" / "adapter.safetensors").write_bytes(b"plim")
    (tmp_path / "template.jinja").write_text("{{ messages }}")
    (tmp_path / "guard.txt").write_text("You guard the quindle.")
    (tmp_path / "models.yaml").write_text(WHOLE)
    return tmp_path


def prompts_of(folder: Path, text: str = '{"prompt_id": "q-1", "prompt": "plim?"}\n', name: str = "prompts.jsonl") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_models_file_says_what_each_engine_is_opened_with(folder: Path) -> None:
    found = read_models(folder / "models.yaml", engine="transformers")
    base, mild, attacked, other = found.models
    assert (base.model_id, mild.model_id, attacked.model_id) == (
        "sim/zorble-1b",
        "sim/zorble-1b+mild",
        "sim/zorble-1b+lora_finetune",
    )
    spec = base.spec
    assert (spec.engine, spec.model, spec.revision, spec.seed) == ("fake", str(folder / "weights/zorble"), "r7", 3)
    assert (spec.max_model_len, spec.batch_size, spec.chat_template) == (128, 4, folder / "template.jinja")
    assert dict(spec.adapters) == {"mild": str(folder / "tuned"), "lora_finetune": str(folder / "tuned")}
    assert mild.spec == base.spec  # one engine serves all three
    assert [model.adapter for model in found.models] == [None, "mild", "lora_finetune", None]
    assert (base.params_total_b, base.params_active_b, base.size_estimated, mild.params_total_b) == (1.2, 0.4, True, 1.2)
    assert (base.tampering, mild.tampering, attacked.tampering, attacked.tampering_detail) == (
        "none",
        None,
        "fine_tuned",
        "64 quindles",
    )
    assert (other.spec.engine, other.spec.model, other.send_text) == ("transformers", "quindle-base-3b", True)


def test_conditions_are_put_around_every_prompt(folder: Path) -> None:
    plan = plan_runs(read_models(folder / "models.yaml", engine="fake"), read_prompt_set(prompts_of(folder)))[0]
    asked = {planned.condition.name: planned for planned in plan.requests()}
    assert [(m.role, m.content) for m in asked["guarded"].request.messages] == [
        ("system", "You guard the quindle."),
        ("user", "plim?"),
        ("assistant", "Well,"),
    ]
    assert asked["wrapped"].text == "A rhyme {a}. plim? Thanks."
    assert (asked["wrapped"].attack_class, asked["default"].attack_class) == ("rhyme", "none")


def test_a_base_model_is_sent_text_alone(folder: Path) -> None:
    plan = plan_runs(read_models(folder / "models.yaml", engine="fake"), read_prompt_set(prompts_of(folder)))[3]
    texts = {planned.condition.name: planned.request.text for planned in plan.requests()}
    assert texts == {
        "default": "plim?",
        "guarded": "You guard the quindle.\n\nplim?Well,",
        "wrapped": "A rhyme {a}. plim? Thanks.",
    }


def test_the_most_explicit_sampling_wins(folder: Path) -> None:
    models, prompts = read_models(folder / "models.yaml", engine="fake"), read_prompt_set(prompts_of(folder))
    first, *_, last = plan_runs(models, prompts, sampling={"top_p": 0.3})
    assert (first.sampling.max_tokens, last.sampling.max_tokens, first.sampling.stop) == (9, 512, ("###",))
    assert (first.sampling.temperature, first.sampling.top_p, first.sampling.top_k, first.sampling.logprobs) == (0.5, 0.3, 7, 2)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("concurrency: 8", "concurrency: 1", True),
        ("batch_size: 4", "batch_size: 2", True),
        ("params_total_b: 1.2", "params_total_b: 1.3", True),
        ("dtype: float32", "dtype: bfloat16", False),
        ("revision: r7", "revision: r8", False),
        ("seed: 3", "seed: 4", False),
        ("You guard", "You mind", False),
        ("Thanks", "Thank you", False),
        ("max_tokens: 9", "max_tokens: 8", False),
        ("{{ messages }}", "{{ message }}", False),
    ],
)
def test_a_run_has_another_id_exactly_when_its_answers_may_differ(folder: Path, before: str, after: str, same: bool) -> None:
    prompts = read_prompt_set(prompts_of(folder))

    def run_id() -> str:
        return plan_runs(read_models(folder / "models.yaml", engine="fake"), prompts)[0].run_id

    first = run_id()
    changed = 0
    for path in (folder / "models.yaml", folder / "guard.txt", folder / "template.jinja"):
        changed += before in path.read_text()
        path.write_text(path.read_text().replace(before, after))
    assert changed == 1
    assert (run_id() == first) is same


def test_other_weights_of_an_adapter_are_another_run_of_it_alone(folder: Path) -> None:
    prompts = read_prompt_set(prompts_of(folder))
    first = [plan.run_id for plan in plan_runs(read_models(folder / "models.yaml", engine="fake"), prompts)]
    (folder / "tuned" / "adapter.safetensors").write_bytes(b"plom")
    second = [plan.run_id for plan in plan_runs(read_models(folder / "models.yaml", engine="fake"), prompts)]
    assert [a == b for a, b in zip(first, second, strict=True)] == [True, False, False, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models: []", r"models.*a list with at least one element"),
        ("sampling: {}", r"the key 'models'"),
        ("models: [{model: a, modle_id: b}]", r"models\[0\]\.modle_id.*did you mean 'model_id'.*unknown key 'modle_id'"),
        ("models: [{model_id: a}]", r"models\[0\]\.model'?;.*the key 'model'"),
        ("models: [{model: a, engine: vlm}]", r"models\[0\]\.engine.*did you mean 'vllm'.*got vlm"),
        ("models: [{model: a, batch_size: 0}]", r"batch_size.*an integer >= 1.*got 0"),
        ("models: [{model: a, seed: soon}]", r"seed.*an integer >= 0.*got soon"),
        ("models: [{model: a, chat_template: no.jinja}]", r"chat_template.*a file beside.*got no\.jinja"),
        ("models: [{model: a, options: {x: [1]}}]", r"options\.x.*a text, a number"),
        ("models: [{model: a, params_total_b: -3}]", r"params_total_b.*above 0.*got -3"),
        ("models: [{model: a, params_source: declared}]", r"params_source.*params_total_b beside it"),
        ("models: [{model: a, tampering: broken}]", r"tampering.*one of none, abliterated"),
        ("models: [{model: a-1b, tampering: abliterated}]", r"model_id.*a-1b\+abliterated.*got a-1b \(read as unknown\)"),
        ("models: [{model: a, base: false}]", r"base.*no adapters"),
        ("models: [{model: a, adapters: {x: {pth: y}}}]", r"adapters\.x\.pth.*did you mean 'path'"),
        ("models: [{model: a}, {model: a}]", r"models\[1\]\.model_id.*no other model has \(also models\[0\]\).*got a"),
        ("models: [{model: a}]\nsampling: {temperature: -1}", r"sampling\.temperature"),
        ("models: [{model: a}]\nsampling: {top_p: 7}", r"sampling\.top_p.*top_p must lie in \(0, 1\], got 7"),
        ("models: [{model: a}]\nsampling: {seed: 7}", r"sampling\.seed.*unknown key 'seed'"),
        (
            "models: [{model: a}]\nconditions: {x: {template: plim}}",
            r"conditions\.x\.template.*\{prompt\} in it, once.*got 0 times",
        ),
        ("models: [{model: a}]\nconditions: {x: {system: a, system_file: b}}", r"conditions\.x\.system.*not both"),
        ("models: [{model: a}]\nconditions: {x: {system_file: nowhere.txt}}", r"conditions\.x\.system_file.*a text file"),
        ("models: [{model: a}]\nmodels: [{model: b}]", r"not YAML.*stands twice"),
        ("models: {", r"models file is not YAML"),
        ('models: [{model: "a\\ud800"}]', r"half a surrogate pair.*models\.yaml"),
        ('models: [{model: a}]\nconditions: {x: {system: "\\udfff"}}', r"half a surrogate pair"),
        ('models: [{model: a}]\nsampling: {stop: ["plim", ""]}', r"sampling\.stop.*a stop text is empty"),
    ],
)
def test_a_mistake_is_named_by_file_key_expected_and_got(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        read_models(path, engine="fake")
    assert str(path) in str(caught.value)


def test_a_model_without_an_engine_is_told_where_to_name_one(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text("models: [{model: a}]")
    with pytest.raises(DataError, match="an engine, here or with --engine: fake, "):
        read_models(path)
    with pytest.raises(DataError, match="no engine is called 'vlm'"):
        read_models(path, engine="vlm")


def test_a_model_or_condition_that_is_not_there_is_named(folder: Path) -> None:
    models, prompts = read_models(folder / "models.yaml", engine="fake"), read_prompt_set(prompts_of(folder))
    with pytest.raises(DomainError, match="no model 'zorble'; it has sim/zorble-1b, "):
        plan_runs(models, prompts, only=["zorble"])
    with pytest.raises(DomainError, match="no condition 'none'; it has default, guarded, wrapped"):
        plan_runs(models, prompts, conditions=["none"])
    with pytest.raises(DomainError, match="top_p must lie in"):
        plan_runs(models, prompts, sampling={"top_p": 2.0})
    few = plan_runs(models, prompts, only=["sim/zorble-1b"], conditions=["guarded"])
    assert [(plan.model.model_id, plan.total) for plan in few] == [("sim/zorble-1b", 1)]
    assert few[0].run_id == plan_runs(models, prompts)[0].run_id  # fewer conditions now, the same run


def test_prompts_are_read_from_prepared_lines_and_from_csv_alike(tmp_path: Path) -> None:
    line = (
        '{"prompt_id": "q-1", "prompt": "plim, plom?", "prompt_kind": "harmful", "attack_class": "rhyme", "category": null, '
        f'"split": "test", "content_sha256": "{sha256_text("plim, plom?")}", "metadata": {{"n": 3}}}}\n\n'
    )
    lines = read_prompt_set(prompts_of(tmp_path, line))
    cells = 'prompt_id,prompt,prompt_kind,attack_class\nq-1,"plim, plom?",harmful,rhyme\n'
    table = read_prompt_set(prompts_of(tmp_path, "\ufeff" + cells, "prompts.csv"))
    assert lines.sha256 == table.sha256
    assert dict(lines.prompts[0].metadata) == {"category": "null", "split": "test", "metadata": '{"n": 3}'} | {
        "content_sha256": sha256_text("plim, plom?")
    }


def test_the_order_of_a_prompt_file_does_not_change_its_hash_and_a_text_does(tmp_path: Path) -> None:
    a, b = '{"prompt_id": "a", "prompt": "plim"}\n', '{"prompt_id": "b", "prompt": "plim"}\n'
    first, second, third = (read_prompt_set(prompts_of(tmp_path, text)) for text in (a + b, b + a, a + b.replace("plim", "plom")))
    assert first.sha256 == second.sha256 != third.sha256
    assert first.file_sha256 != second.file_sha256
    assert (first.same_text, third.same_text) == (1, 0)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("p.jsonl", "", "holds no prompt"),
        ("p.jsonl", '{"prompt_id": "a", "prompt": "x"}\n{"prompt_id"', r"p\.jsonl:2; expected one JSON object"),
        ("p.jsonl", "[1]\n", r"p\.jsonl:1; expected one JSON object a line; got \[1\]"),
        ("p.jsonl", '{"prompt_id": "a"}\n', r"p\.jsonl:1; column 'prompt'; expected text that is not empty; got nothing"),
        ("p.jsonl", '{"prompt_id": "a", "prompt": "  "}\n', "column 'prompt'; expected text that is not empty"),
        ("p.jsonl", '{"prompt_id": 3, "prompt": "x"}\n', "column 'prompt_id'.*got 3"),
        ("p.jsonl", '{"prompt_id": "a", "prompt": "x", "prompt_kind": "bad"}\n', "column 'prompt_kind'; expected one of harmful"),
        ("p.jsonl", '{"prompt_id": "a", "prompt": "x"}\n' * 2, r"first stands in row 1.*p\.jsonl:2"),
        ("p.jsonl", '{"prompt_id": "a", "prompt": "x", "content_sha256": "00"}\n', "column 'content_sha256'.*prepare it again"),
        ("p.csv", "prompt_id,prompt\na,x,y\n", "more fields than the header"),
        (
            "p.csv",
            "prompt_id,text\na,x\n",
            "the header lacks a column.*column 'prompt'; expected prompt_id,prompt.*got prompt_id,text",
        ),
        ("p.csv", "prompt_id;prompt\na;x\n", "the header lacks a column; columns stand between commas.*got prompt_id;prompt"),
        ("p.csv", "prompt_id,prompt,prompt\na,x,y\n", "two columns have one name.*column 'prompt'"),
        ("p.txt", "plim", "JSONL or CSV.*prompts prepare"),
    ],
)
def test_a_wrong_prompt_file_is_named_by_row_and_column(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_prompt_set(prompts_of(tmp_path, text, name))
