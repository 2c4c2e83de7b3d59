"""Prompts x models x conditions to traces: runs that resume, lose nothing and say what made them."""

from safescale.generate.asking import Asking, Engines, Pace
from safescale.generate.conditions import Condition
from safescale.generate.generate import BATCH_SIZE, GenerateResult, RunResult, generate, look_ahead
from safescale.generate.models_file import DeclaredModel, ModelsFile, read_models
from safescale.generate.plan import Planned, RunPlan, plan_runs, request_seed
from safescale.generate.progress import Progress, QuickLook, Watch
from safescale.generate.prompts import Prompt, PromptSet, read_prompts

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
    "Prompt",
    "PromptSet",
    "QuickLook",
    "RunPlan",
    "RunResult",
    "Watch",
    "generate",
    "look_ahead",
    "plan_runs",
    "read_models",
    "read_prompts",
    "request_seed",
]
