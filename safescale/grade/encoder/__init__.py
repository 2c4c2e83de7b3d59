"""Graders that are fine-tuned encoders (extra ``classify``): trained, calibrated and judged on three sets that share no prompt."""

from safescale.grade.encoder.artefact import EncoderArtefact, read_artefact
from safescale.grade.encoder.examples import Examples, LabelledResponse, labelled_responses
from safescale.grade.encoder.grader import EncoderGrader, open_encoder
from safescale.grade.encoder.settings import TrainingSettings
from safescale.grade.encoder.training import Trained, train_encoder

__all__ = [
    "EncoderArtefact",
    "EncoderGrader",
    "Examples",
    "LabelledResponse",
    "Trained",
    "TrainingSettings",
    "labelled_responses",
    "open_encoder",
    "read_artefact",
    "train_encoder",
]
