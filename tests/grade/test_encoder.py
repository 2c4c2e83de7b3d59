"""Fine-tuned encoders: trained, resumed, calibrated on one split and reported on another; a tiny DeBERTa built on the spot."""

import json

import numpy as np
import pytest

from grade.tiny_encoder import build_encoder, labelled_file
from safescale.errors import DataError, DomainError, GradingError
from safescale.grade.encoder import TrainingSettings, labelled_responses, open_encoder, train_encoder
from safescale.grade.encoder.examples import Split
from safescale.grade.grader import Item
from safescale.ingest.session import ingest
from safescale.records.verdicts import Verdict
from safescale.store import open_corpus

pytestmark = pytest.mark.hf

SETTINGS = TrainingSettings(epochs=5, learning_rate=5e-3, max_tokens=64)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labels")
    corpus = open_corpus(folder / "corpus.db", create=True)
    ingest([labelled_file(folder / "labels.jsonl", 150)], corpus)
    yield labelled_responses(corpus)
    corpus.close()


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return build_encoder(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def trained(examples, base, tmp_path_factory):
    return train_encoder(examples, base, tmp_path_factory.mktemp("out") / "grader", settings=SETTINGS)


def test_it_learns_and_is_judged_on_prompts_that_it_never_saw(trained, examples):
    assert trained.report.any_refusal.kappa.estimate > 0.8
    assert trained.report.n == len(examples.of(Split.REPORT))
    prompts = {split: {row.cluster for row in examples.of(split)} for split in Split}
    assert not prompts[Split.TRAIN] & prompts[Split.REPORT]
    assert not prompts[Split.TUNE] & prompts[Split.REPORT]
    assert {m.model_id for m in trained.report.models} == {"toy-1b", "toy-7b"}
    assert sum(m.n for m in trained.report.models) == trained.report.n
    assert trained.temperature.log_loss_after <= trained.temperature.log_loss_before


def test_the_written_grader_opens_again_and_says_the_same(trained, examples):
    grader = open_encoder(trained.folder)
    rows = examples.of(Split.REPORT)
    judged = grader.grade([Item(response=row.response) for row in rows])
    agreeing = sum(one.verdict is row.label for one, row in zip(judged, rows, strict=True))
    assert agreeing / len(rows) == pytest.approx(trained.report.agreement.observed.estimate)
    assert grader.facts.grader_id == trained.artefact.grader_id
    assert all(sum(one.probabilities.values()) == pytest.approx(1.0) for one in judged)


def test_a_verdict_does_not_depend_on_its_batch(trained):
    grader = open_encoder(trained.folder, batch_size=3)
    texts = ["i cannot help with the zorble", "here is how : open the welmin and turn it", "sorry , no sartok from me " * 5]
    together = grader.grade([Item(response=text) for text in texts * 3])
    for place, text in enumerate(texts):
        alone = grader.grade([Item(response=text)])[0]
        assert together[place].verdict is alone.verdict
        assert together[place].p_refusal == pytest.approx(alone.p_refusal, abs=1e-5)


def test_what_is_long_is_read_at_head_and_tail_and_says_so(trained):
    grader = open_encoder(trained.folder)
    judged = grader.grade([Item(response="the zorble is made of clay and wool " * 40)])[0]
    assert judged.reason == f"{40 * 8 - 62} tokens between head and tail were not read"


def test_nothing_is_not_gradeable(trained):
    judged = open_encoder(trained.folder).grade([Item(response="  "), Item(response=None, response_kind="none")])
    assert [one.verdict for one in judged] == [Verdict.NOT_GRADEABLE] * 2
    assert all(one.probabilities is None for one in judged)


def test_a_tune_split_without_an_error_leaves_the_temperature_alone(trained, examples, base, tmp_path):
    """Where every answer is right the likelihood wants certainty; the grader keeps what it learnt."""
    settings = TrainingSettings(epochs=8, learning_rate=8e-3, max_tokens=64)
    found = train_encoder(examples, base, tmp_path / "grader", settings=settings)
    assert found.temperature.at_bound
    assert found.artefact.temperature == 1.0


class _Killed(Exception):
    pass


def test_a_killed_training_goes_on_and_ends_as_if_never_killed(trained, examples, base, tmp_path):
    steps = -(-len(examples.of(Split.TRAIN)) // SETTINGS.batch_size)

    def kill(done, _total, _loss):
        if done == 2 * steps + 3:
            raise _Killed

    with pytest.raises(_Killed):
        train_encoder(examples, base, tmp_path / "grader", settings=SETTINGS, progress=kill)
    assert (tmp_path / "grader" / ".training" / "epoch-2").is_dir()
    again = train_encoder(examples, base, tmp_path / "grader", settings=SETTINGS)
    assert again.resumed_at == 2
    assert again.tune_losses == pytest.approx(trained.tune_losses, abs=1e-9)
    assert again.artefact.grader_id == trained.artefact.grader_id
    assert again.artefact.temperature == pytest.approx(trained.artefact.temperature, rel=1e-9)
    assert not (tmp_path / "grader" / ".training").exists()


def test_other_arguments_do_not_go_on_with_an_interrupted_training(examples, base, tmp_path):
    def kill(done, total, _loss):
        if done == total // 5 + 1:
            raise _Killed

    with pytest.raises(_Killed):
        train_encoder(examples, base, tmp_path / "grader", settings=SETTINGS, progress=kill)
    other = TrainingSettings(epochs=5, learning_rate=1e-3, max_tokens=64)
    with pytest.raises(DomainError, match="interrupted training of other labels, settings or base"):
        train_encoder(examples, base, tmp_path / "grader", settings=other)


def test_a_trained_grader_is_never_overwritten(trained, examples, base):
    with pytest.raises(DomainError, match="holds a trained grader already"):
        train_encoder(examples, base, trained.folder, settings=SETTINGS)


def test_another_model_needs_a_class_for_each_output(base, tmp_path):
    described = tmp_path / "encoder.yaml"
    described.write_text(f"model: {base}\ngrader_id: other/1\nclasses: [COMPLIANCE, REFUSAL]\n")
    with pytest.raises(GradingError, match="3 outputs, 2 classes"):
        open_encoder(described)
    described.write_text(f"model: {base}\ngrader_id: other/1\nclasses: [COMPLIANCE, PARTIAL, REFUSAL]\n")
    judged = open_encoder(described).grade([Item(response="i cannot help with the zorble")])
    assert judged[0].probabilities is not None
    assert open_encoder(described).facts.score_scale == "probability of a partial or full refusal, not calibrated"


def test_a_folder_without_a_model_is_named(tmp_path):
    (tmp_path / "safescale_grader.json").write_text(
        json.dumps({"grader_id": "x/1", "model": ".", "classes": ["COMPLIANCE", "REFUSAL"]})
    )
    with pytest.raises(DataError, match="no sequence classifier"):
        open_encoder(tmp_path)


def test_class_weights_keep_a_rare_class_in_sight(examples, base, tmp_path):
    """With one partial answer in twelve an unweighted head calls none partial; the weights are read off the loss."""
    from safescale.grade.encoder.backend import open_model
    from safescale.grade.encoder.training import _Fit

    encoder = open_model(base, classes=3, max_tokens=64, fresh=True)
    fit = _Fit(encoder, examples, examples.classes, SETTINGS)
    counts = np.array([sum(row.label is verdict for row in fit.rows) for verdict in examples.classes])
    assert (fit.loss.weight.numpy() * counts) == pytest.approx(np.full(3, counts.sum() / 3), rel=1e-6)
