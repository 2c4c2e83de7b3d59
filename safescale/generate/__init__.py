"""Prompts x models x conditions to traces: runs that resume, lose nothing and say what made them."""

from safescale.generate.asking import Asking, Engines, Pace
from safescale.generate.by_file import TakenBatch, read_batches, still_to_ask, take_answers, write_batches
from safescale.generate.conditions import Condition, Transform
from safescale.generate.generate import BATCH_SIZE, GenerateResult, RunResult, generate, look_ahead
from safescale.generate.models_file import DeclaredModel, ModelsFile, read_models
from safescale.generate.plan import Planned, RunPlan, plan_runs, request_seed
from safescale.generate.progress import Progress, QuickLook, Watch
from safescale.generate.prompt_file import PromptSet, RunPrompt, read_prompt_set

__all__ = [
    "BATCH_SIZE",
    "Asking",
    "Condition",
    "DeclaredModel",
    "Engines",
    "GenerateResult",
    "ModelsFile",
    "Pace",
    "Planned",
    "Progress",
    "PromptSet",
    "QuickLook",
    "RunPlan",
    "RunPrompt",
    "RunResult",
    "TakenBatch",
    "Transform",
    "Watch",
    "generate",
    "look_ahead",
    "plan_runs",
    "read_batches",
    "read_models",
    "read_prompt_set",
    "request_seed",
    "still_to_ask",
    "take_answers",
    "write_batches",
]
