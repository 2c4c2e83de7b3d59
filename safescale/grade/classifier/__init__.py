"""The default classifier of responses: weights of this project's own training, NumPy inference, no download."""

from safescale.grade.classifier.grader import CLASSES, RefusalClassifier, refusal_classifier
from safescale.grade.classifier.weights import Weights, load_weights

__all__ = ["CLASSES", "RefusalClassifier", "Weights", "load_weights", "refusal_classifier"]
