"""What every test of the experiment would otherwise wait for."""

from __future__ import annotations

import pytest

from safescale.studies.dilution import run
from safescale.studies.dilution.setting import DilutionSetting


@pytest.fixture
def no_power(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan's simulations take a second, and are tested where they are made."""

    def none(setting: DilutionSetting) -> dict[str, str]:
        return {"words": "nobody asked"}

    monkeypatch.setattr(run, "registered_power", none)
