"""Attack compute: LoRA fine-tuning on the user's pairs, adapters kept along the way, tokens and operations counted."""

from safescale.pressure.finetune.adapters import adapter_name, finetune_adapters
from safescale.pressure.finetune.expected import StepCost, expected_cost
from safescale.pressure.finetune.merging import MergedRecord, merge_adapter
from safescale.pressure.finetune.record import AdapterRecord, read_adapter_record
from safescale.pressure.finetune.setting import FinetuneSetting
from safescale.pressure.finetune.targets import Pair, Targets, read_targets, targets_of

__all__ = [
    "AdapterRecord",
    "FinetuneSetting",
    "MergedRecord",
    "Pair",
    "StepCost",
    "Targets",
    "adapter_name",
    "expected_cost",
    "finetune_adapters",
    "merge_adapter",
    "read_adapter_record",
    "read_targets",
    "targets_of",
]
