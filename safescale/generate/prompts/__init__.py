"""Sets of prompts from the user's own files: checked, without duplicates, split, with a data sheet."""

from safescale.generate.prompts.layouts import LAYOUTS, Layout
from safescale.generate.prompts.near import Neighbours, near_groups, signatures
from safescale.generate.prompts.placing import Places, places_of
from safescale.generate.prompts.prepare import NearDuplicates, PreparedSet, Preparing, prepare_prompts
from safescale.generate.prompts.prompt import Prompt, normalised, prompt_id_of, prompt_line, prompt_set_sha256, read_prompts
from safescale.generate.prompts.sheet import DataSheet, sheet_json, sheet_markdown

__all__ = [
    "LAYOUTS",
    "DataSheet",
    "Layout",
    "NearDuplicates",
    "Neighbours",
    "Places",
    "PreparedSet",
    "Preparing",
    "Prompt",
    "near_groups",
    "normalised",
    "places_of",
    "prepare_prompts",
    "prompt_id_of",
    "prompt_line",
    "prompt_set_sha256",
    "read_prompts",
    "sheet_json",
    "sheet_markdown",
    "signatures",
]
