"""What the planned experiment can find, for the registration."""

from __future__ import annotations

from typing import Any

from safescale.studies.dilution.setting import DilutionSetting

__all__ = ["registered_power"]


def registered_power(setting: DilutionSetting) -> Any:
    """Stand-in."""
    return None
