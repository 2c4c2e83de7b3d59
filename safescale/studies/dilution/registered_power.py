"""What the planned experiment can find, as the registration holds it."""

from __future__ import annotations

from typing import Any

from safescale.analyses.jsonable import to_jsonable
from safescale.studies.dilution.power import plan_dilution
from safescale.studies.dilution.setting import DilutionSetting

__all__ = ["registered_power"]


def registered_power(setting: DilutionSetting) -> dict[str, Any]:
    """Power of the registered test at these models and prompts, as plain values; ``words`` says it in a sentence."""
    found = to_jsonable(plan_dilution(setting.wanted.design, setting.models, setting.prompts_of("harmful")))
    return {name: value for name, value in found.items() if name != "design"}
