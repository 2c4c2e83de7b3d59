"""What would I need to know? Models, sizes, prompts and labels for an effect, from assumptions or from a corpus."""

from safescale.analyses.plan.corpus import analyze_plan, plan_of_scaling
from safescale.analyses.plan.design import Design
from safescale.analyses.plan.results import (
    NO_CORPUS,
    CorpusPlan,
    Detectable,
    EvenModels,
    Evidence,
    ExactReach,
    ExactRow,
    FlatNeeded,
    LabelsNeeded,
    ModelsNeeded,
    PowerCurve,
    PromptsNeeded,
    SettingPlan,
    SizeGain,
    StudyPlan,
    ThroughGrader,
    WiderSizes,
)
from safescale.analyses.plan.study import plan_study, study_plan
from safescale.analyses.plan.wanted import Assumptions, LabelQuestion, Stated, Wanted, assumptions_of

__all__ = [
    "NO_CORPUS",
    "Assumptions",
    "CorpusPlan",
    "Design",
    "Detectable",
    "EvenModels",
    "Evidence",
    "ExactReach",
    "ExactRow",
    "FlatNeeded",
    "LabelQuestion",
    "LabelsNeeded",
    "ModelsNeeded",
    "PowerCurve",
    "PromptsNeeded",
    "SettingPlan",
    "SizeGain",
    "Stated",
    "StudyPlan",
    "ThroughGrader",
    "Wanted",
    "WiderSizes",
    "analyze_plan",
    "assumptions_of",
    "plan_of_scaling",
    "plan_study",
    "study_plan",
]
