"""Language models as graders: the rubric judge (FLIP), one-token judges with probabilities, guard models; declared by YAML."""

from safescale.grade.judge.asking import Structured
from safescale.grade.judge.chat_template import ChatTemplate, read_chat_template
from safescale.grade.judge.choice_judge import ChoiceJudge, LetterJudge, YesNoJudge
from safescale.grade.judge.choice_probabilities import ChoiceProbabilities, choice_probabilities
from safescale.grade.judge.guard import Guard, guard_names, load_guard
from safescale.grade.judge.guard_judge import GuardJudge
from safescale.grade.judge.guard_readings import GuardReading, strongreject_score
from safescale.grade.judge.judge_yaml import open_judge
from safescale.grade.judge.rubric import Category, Rubric, load_rubric, rubric_names
from safescale.grade.judge.rubric_judge import RubricJudge
from safescale.grade.judge.sight import Sight
from safescale.grade.judge.window import Window, token_spans_of

__all__ = [
    "Category",
    "ChatTemplate",
    "ChoiceJudge",
    "ChoiceProbabilities",
    "Guard",
    "GuardJudge",
    "GuardReading",
    "LetterJudge",
    "Rubric",
    "RubricJudge",
    "Sight",
    "Structured",
    "Window",
    "YesNoJudge",
    "choice_probabilities",
    "guard_names",
    "load_guard",
    "load_rubric",
    "open_judge",
    "read_chat_template",
    "rubric_names",
    "strongreject_score",
    "token_spans_of",
]
